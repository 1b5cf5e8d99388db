package rdb

// dupes remembers hashes, to see what is there twice. It holds up to three quarters of its
// limit; what comes later is compared with those, and not with each other.
type dupes struct {
	slots []uint64 // 0 is free
	used  int
	room  int
	limit int
}

// Limits: 16 MiB for the keys of a file, 2 MiB for the elements of a value.
const (
	dupeKeys     = 2 << 20
	dupeElements = 256 << 10
	dupeLeast    = 64
	dupeHint     = 8 << 10 // A number that was told is believed up to this.
)

// reset forgets all, in order to take about n.
func (d *dupes) reset(n uint64) {
	size := dupeLeast
	for size < dupeHint && uint64(size) < n+n/2 {
		size *= 2
	}
	if cap(d.slots) < size {
		d.slots = make([]uint64, size)
	} else {
		d.slots = d.slots[:size]
		clear(d.slots)
	}
	d.used, d.room = 0, size/4*3
}

// seen reports whether a hash was there before, and remembers it.
func (d *dupes) seen(h uint64) bool {
	h |= 1 // 0 is free.
	if d.used == d.room && len(d.slots) < d.limit {
		d.grow()
	}
	slots := d.slots
	mask := uint64(len(slots) - 1)
	for i := h >> 32 & mask; ; i = (i + 1) & mask {
		switch slots[i] {
		case h:
			return true
		case 0:
			if d.used < d.room {
				slots[i] = h
				d.used++
			}
			return false
		}
	}
}

// grow makes room for twice as many.
func (d *dupes) grow() {
	old := d.slots
	d.slots = make([]uint64, 2*len(old))
	d.room = len(old) / 2 * 3
	mask := uint64(len(d.slots) - 1)
	for _, h := range old {
		if h == 0 {
			continue
		}
		i := h >> 32 & mask
		for d.slots[i] != 0 {
			i = (i + 1) & mask
		}
		d.slots[i] = h
	}
}
