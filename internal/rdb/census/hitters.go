package census

import (
	"cmp"
	"slices"

	"github.com/holdfast-dr/holdfast/internal/rdb"
)

// hittersMax is how many prefixes are counted at the same time.
const hittersMax = 16384

// hitters finds the prefixes with the most bytes among any number of them, in bounded
// memory (the method "Space-Saving" of Metwally, Agrawal and El Abbadi, 2005, with bytes for
// weights). When there is no more room, a new prefix takes the place of the one that may
// have the fewest bytes, and its weight, since it may have been the one that lost its place
// before. So no weight is too small, and whoever has more than the whole divided by the room
// is there.
type hitters struct {
	room   int
	byName map[string]*hitter
	heap   []*hitter // with the least weight first
	lost   bool      // somebody lost their place
}

type hitter struct {
	name  string
	keys  uint64
	bytes int64
	// missed is what it may have had before it was counted.
	missed int64
	at     int // in the heap
}

func (h *hitter) weight() int64 { return h.bytes + h.missed }

func newHitters(room int) hitters {
	return hitters{room: room, byName: map[string]*hitter{}}
}

// add counts a key with a prefix.
func (s *hitters) add(name []byte, k *rdb.Key) {
	h := s.byName[string(name)]
	switch {
	case h != nil:
	case len(s.heap) < s.room:
		h = &hitter{name: string(name), at: len(s.heap)}
		s.heap = append(s.heap, h)
		s.byName[h.name] = h
		s.up(h)
	default:
		h = s.heap[0]
		delete(s.byName, h.name)
		*h = hitter{name: string(name), missed: h.weight()}
		s.byName[h.name] = h
		s.lost = true
	}
	h.keys++
	h.bytes += k.Size
	s.down(h)
}

// up moves one that weighs nothing yet to its place.
func (s *hitters) up(h *hitter) {
	for h.at > 0 {
		above := s.heap[(h.at-1)/2]
		if above.weight() <= h.weight() {
			return
		}
		s.swap(h, above)
	}
}

// down moves one that became heavier to its place.
func (s *hitters) down(h *hitter) {
	for {
		i := 2*h.at + 1
		if i >= len(s.heap) {
			return
		}
		if i+1 < len(s.heap) && s.heap[i+1].weight() < s.heap[i].weight() {
			i++
		}
		if h.weight() <= s.heap[i].weight() {
			return
		}
		s.swap(h, s.heap[i])
	}
}

func (s *hitters) swap(a, b *hitter) {
	a.at, b.at = b.at, a.at
	s.heap[a.at], s.heap[b.at] = a, b
}

// largest gives those of which the most bytes are sure.
func (s *hitters) largest(n int) []Prefix {
	all := slices.Clone(s.heap)
	slices.SortFunc(all, func(a, b *hitter) int {
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.name, b.name))
	})
	out := []Prefix{}
	for _, h := range all[:min(len(all), max(n, 0))] {
		out = append(out, Prefix{Name: escape([]byte(h.name)), Keys: h.keys, Bytes: h.bytes, Missed: h.missed})
	}
	return out
}
