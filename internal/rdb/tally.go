package rdb

import (
	"cmp"
	"fmt"
	"slices"
)

// What is counted one by one, at most. What is beyond is counted together.
const (
	databasesMax   = 16384
	prefixesMax    = 10000
	prefixMax      = 64
	prefixesShown  = 100
	largestDefault = 20
	largestMax     = 1000
)

// slotPage is how many slots are made room for together: most files have few.
const slotPage = 256

// tally counts what a walk comes by.
type tally struct {
	counts    bool
	deep      bool
	separator byte

	keys          uint64
	expires       Expires
	fieldExpiries uint64
	db            *database // that of the key before
	dbs           map[uint64]*database
	types         [256]Share
	slots         [slots / slotPage]*[slotPage]Slot
	prefixes      map[string]*Share
	others        Share
	largest       []KeySize // a heap with the smallest first
	top           int
}

// database counts one.
type database struct {
	Database
	kinds [kinds]KindShare
}

func newTally(o Options) *tally {
	t := &tally{counts: o.Level >= Shallow, deep: o.Level == Deep, separator: o.Separator, top: o.Largest}
	if t.separator == 0 {
		t.separator = ':'
	}
	if t.top == 0 {
		t.top = largestDefault
	}
	t.top = min(max(t.top, 0), largestMax)
	if t.counts {
		t.dbs, t.prefixes = map[uint64]*database{}, map[string]*Share{}
	}
	return t
}

// add counts a key.
func (t *tally) add(k *Key) error {
	t.keys++
	if k.Expires != 0 {
		if t.expires.Keys == 0 || k.Expires < t.expires.Earliest {
			t.expires.Earliest = k.Expires
		}
		if t.expires.Keys == 0 || k.Expires > t.expires.Latest {
			t.expires.Latest = k.Expires
		}
		t.expires.Keys++
	}
	if !t.counts {
		return nil
	}
	if t.db == nil || t.db.DB != k.DB {
		if err := t.enter(k); err != nil {
			return err
		}
	}
	t.db.add(k)
	t.types[k.Type.Code].add(k)
	if k.DB == 0 {
		s := t.slot(k.Slot)
		s.Keys++
		s.Bytes += k.Size
		s.Digest = s.Digest.plus(k.Digest)
	}
	t.prefix(k.Name).add(k)
	if len(t.largest) < t.top || t.top > 0 && k.Size > t.largest[0].Bytes {
		t.offer(k)
	}
	return nil
}

func (t *tally) slot(n uint16) *Slot {
	p := &t.slots[n/slotPage]
	if *p == nil {
		*p = new([slotPage]Slot)
	}
	return &(*p)[n%slotPage]
}

// usedSlots gives the slots that have keys, in order.
func (t *tally) usedSlots() []Slot {
	var out []Slot
	for i := range t.slots {
		p := t.slots[i]
		if p == nil {
			continue
		}
		for j, s := range p {
			if s.Keys > 0 {
				s.Slot = uint16(i*slotPage + j)
				out = append(out, s)
			}
		}
	}
	return out
}

// enter goes to the database of a key.
func (t *tally) enter(k *Key) error {
	t.db = t.dbs[k.DB]
	if t.db != nil {
		return nil
	}
	if len(t.dbs) == databasesMax {
		return &LimitError{Offset: k.Offset, What: fmt.Sprintf("keys in more than %d databases", databasesMax)}
	}
	t.db = &database{Database: Database{DB: k.DB}}
	t.dbs[k.DB] = t.db
	return nil
}

func (d *database) add(k *Key) {
	d.Keys++
	d.Bytes += k.Size
	d.Digest = d.Digest.plus(k.Digest)
	if k.Expires != 0 {
		d.Expires++
	}
	s := &d.kinds[k.Type.Kind]
	s.Keys++
	s.Elements += k.Elements
	s.Bytes += k.Size
	s.Digest = s.Digest.plus(k.Digest)
}

// public gives what is told of a database.
func (d *database) public() Database {
	out := d.Database
	for k, s := range d.kinds {
		if s.Keys > 0 {
			s.Kind = Kind(k)
			out.Kinds = append(out.Kinds, s)
		}
	}
	return out
}

func (s *Share) add(k *Key) {
	s.Keys++
	s.Bytes += k.Size
	s.Unpacked += k.Unpacked
}

// prefix gives the share of the names that begin like this one.
func (t *tally) prefix(name []byte) *Share {
	head := name[:min(len(name), prefixMax)]
	n := slices.Index(head, t.separator)
	if n < 0 {
		return &t.others
	}
	p := t.prefixes[string(head[:n+1])]
	if p == nil {
		if len(t.prefixes) == prefixesMax {
			return &t.others
		}
		p = &Share{Name: string(head[:n+1])}
		t.prefixes[p.Name] = p
	}
	return p
}

// largestPrefixes gives the prefixes with the most bytes; the others are the last.
func (t *tally) largestPrefixes() []Share {
	out := make([]Share, 0, len(t.prefixes)+1)
	for _, p := range t.prefixes {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Name, b.Name))
	})
	others := t.others
	for _, p := range out[min(len(out), prefixesShown):] {
		others.Keys += p.Keys
		others.Bytes += p.Bytes
		others.Unpacked += p.Unpacked
	}
	out = out[:min(len(out), prefixesShown)]
	for i := range out {
		out[i].Name = quote([]byte(out[i].Name))
	}
	if others.Keys > 0 {
		out = append(out, others)
	}
	return out
}

// offer puts a key among the largest.
func (t *tally) offer(k *Key) {
	e := KeySize{
		DB: k.DB, Name: quote(k.Name), Type: k.Type.Name,
		Bytes: k.Size, Unpacked: k.Unpacked, Elements: k.Elements,
	}
	h := t.largest
	if len(h) < t.top {
		h = append(h, e)
		for i := len(h) - 1; i > 0 && h[i].Bytes < h[(i-1)/2].Bytes; i = (i - 1) / 2 {
			h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
		}
		t.largest = h
		return
	}
	h[0] = e
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && h[c+1].Bytes < h[c].Bytes {
			c++
		}
		if h[i].Bytes <= h[c].Bytes {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}

// largestKeys gives them, the largest first.
func (t *tally) largestKeys() []KeySize {
	out := slices.Clone(t.largest)
	slices.SortFunc(out, func(a, b KeySize) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.DB, b.DB), cmp.Compare(a.Name, b.Name))
	})
	return out
}
