package census

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/holdfast-dr/holdfast/internal/rdb"
)

// top keeps the largest of the keys that it is offered.
type top struct {
	room int
	by   func(*Big) uint64
	keys []Big // a heap with the smallest first
}

// offer gives it a key of a size. A key of size 0 is not kept.
func (t *top) offer(k *rdb.Key, size uint64) {
	if size == 0 || t.room <= 0 || len(t.keys) == t.room && size <= t.by(&t.keys[0]) {
		return
	}
	b := Big{
		DB: k.DB, Name: escape(k.Name), Kind: k.Type.Kind, Encoding: k.Type.Name,
		Bytes: k.Size, Elements: k.Elements, Expires: k.Expires,
	}
	if len(t.keys) == t.room {
		t.keys[0] = b
		heap.Fix(t, 0)
		return
	}
	heap.Push(t, b)
}

// sorted gives them, the largest first.
func (t *top) sorted() []Big {
	out := append([]Big{}, t.keys...)
	slices.SortFunc(out, func(a, b Big) int {
		return cmp.Or(cmp.Compare(t.by(&b), t.by(&a)), cmp.Compare(a.DB, b.DB), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// Len is for container/heap, as are those below.
func (t *top) Len() int { return len(t.keys) }

// Less puts the smallest first.
func (t *top) Less(i, j int) bool { return t.by(&t.keys[i]) < t.by(&t.keys[j]) }

// Swap swaps two.
func (t *top) Swap(i, j int) { t.keys[i], t.keys[j] = t.keys[j], t.keys[i] }

// Push adds one at the end.
func (t *top) Push(b any) {
	if b, ok := b.(Big); ok {
		t.keys = append(t.keys, b)
	}
}

// Pop is not used.
func (t *top) Pop() any {
	last := t.keys[len(t.keys)-1]
	t.keys = t.keys[:len(t.keys)-1]
	return last
}
