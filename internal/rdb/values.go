package rdb

import (
	"encoding/binary"
	"math"
	"strconv"
)

// value reads the value of the current key.
func (w *walk) value() {
	t := w.key.Type
	switch t.layout {
	case asText:
		w.ordered(w.text(RoleValue))
	case asStrings:
		w.strings()
	case asScored:
		w.scored(t.version)
	case asListpack, asZiplist, asZipmap, asIntset:
		w.blob(t.layout, t.Kind)
	case asQuicklist:
		w.quicklist(t.version)
	case asExpiring:
		w.expiring(t.version)
	case asExpiringListpack:
		if t.version > 1 {
			w.in.uint64() // The earliest expiry, which the fields tell too.
		}
		w.blob(asExpiringListpack, Hash)
	case asStream:
		w.stream(t.version)
	case asModule:
		w.moduleValue()
	case asArray:
		w.array()
	case asTemplate:
		w.templated(t.version)
	case unknown:
		w.unknown(t.Code)
	}
}

// ordered adds to the value's digest what has its place in it.
func (w *walk) ordered(h sum128) {
	w.acc = w.acc.fold(h)
	w.elements++
}

// unordered adds to the value's digest what may stand anywhere in it.
func (w *walk) unordered(h sum128) {
	w.acc = w.acc.plus(h.finish())
	w.elements++
}

// text reads one string that stands in the file itself.
func (w *walk) text(role Role) sum128 {
	if !w.deep {
		w.in.skipText()
		return sum128{}
	}
	w.pl = plain{in: w.in, left: 1}
	if !w.pl.next(&w.it) {
		return sum128{}
	}
	h := w.use(role)
	w.pl.next(&w.it) // Closes it.
	return h
}

// strings reads a list, set or hash that is a row of strings.
func (w *walk) strings() {
	n := w.in.length()
	if w.key.Type.Kind == Hash {
		if n > math.MaxUint64/2 {
			w.in.broken("a hash is said to have %d fields", n)
			return
		}
		n *= 2
	}
	if !w.deep {
		for i := uint64(0); i < n && w.in.fault == nil; i++ {
			w.in.skipText()
		}
		w.elements = n
		if w.key.Type.Kind == Hash {
			w.elements /= 2
		}
		return
	}
	w.pl = plain{in: w.in, left: n}
	w.elementsSeen.reset(n)
	w.collect(w.key.Type.Kind, &w.pl)
}

// blob reads one string that holds all of a value.
func (w *walk) blob(l layout, k Kind) {
	if !w.deep {
		w.in.skipText()
		return
	}
	b := &w.in.texts
	if !b.open() {
		return
	}
	if k != List {
		w.elementsSeen.reset(b.size / 16)
	}
	switch l {
	case asListpack:
		if w.lp.open(b) {
			w.collect(k, &w.lp)
		}
	case asExpiringListpack:
		if w.lp.open(b) {
			w.triples(&w.lp)
		}
	case asZiplist:
		if w.zl.open(b) {
			w.collect(k, &w.zl)
		}
	case asZipmap:
		if w.zm.open(b) {
			w.collect(k, &w.zm)
		}
	case asIntset:
		if w.is.open(b) {
			w.collect(k, &w.is)
		}
	default:
	}
}

// collect reads all items of a value.
func (w *walk) collect(k Kind, c cursor) {
	switch k {
	case List:
		for c.next(&w.it) {
			w.ordered(w.use(RoleItem))
		}
	case Set:
		for c.next(&w.it) {
			h := w.use(RoleMember)
			w.once(h)
			w.unordered(sum128{seedPair, k0}.fold(h))
		}
	case Hash:
		for c.next(&w.it) {
			f := w.use(RoleField)
			if !w.second(c, "field", "value") {
				return
			}
			w.pair(f, w.use(RoleFieldValue), 0)
		}
	case SortedSet:
		for c.next(&w.it) {
			m := w.use(RoleMember)
			if !w.second(c, "member", "score") {
				return
			}
			w.member(m, w.score())
		}
	default:
	}
}

// triples reads the listpack of a hash whose fields may expire: field, value, and the time
// or 0.
func (w *walk) triples(c cursor) {
	for c.next(&w.it) {
		f := w.use(RoleField)
		if !w.second(c, "field", "value") {
			return
		}
		v := w.use(RoleFieldValue)
		if !w.second(c, "field", "expiry") {
			return
		}
		if !w.it.isNum || w.it.num < 0 {
			w.in.broken("the expiry of a hash's field is no time")
			return
		}
		w.pair(f, v, w.it.num)
	}
}

// second reads what belongs to an item before.
func (w *walk) second(c cursor, first, then string) bool {
	if c.next(&w.it) {
		return true
	}
	w.in.broken("a %s is there without its %s", first, then)
	return false
}

// pair adds a field of a hash.
func (w *walk) pair(field, value sum128, expiry int64) {
	w.once(field)
	h := sum128{seedPair, k2}.fold(field).fold(value)
	if expiry != 0 {
		h = h.with(uint64(expiry))
		w.fieldExpiries++
		w.tell(Element{Role: RoleFieldExpiry, Time: expiry})
	}
	w.unordered(h)
}

// member adds a member of a sorted set.
func (w *walk) member(m sum128, score float64) {
	w.once(m)
	if math.IsNaN(score) {
		w.in.broken("a score is no number")
		return
	}
	w.tell(Element{Role: RoleScore, Score: score})
	w.unordered(sum128{seedPair, k4}.fold(m).with(math.Float64bits(score + 0))) // Adding 0 makes -0 to 0.
}

// score reads the item that was read last as a number.
func (w *walk) score() float64 {
	if w.it.isNum {
		return float64(w.it.num)
	}
	if w.it.long > 0 {
		w.in.broken("a score of %d bytes is no number", w.it.long)
		return 0
	}
	return w.float(w.it.text)
}

// float reads the decimal text of a number, and nothing else that strconv would take.
func (w *walk) float(p []byte) float64 {
	for _, c := range p {
		if c == 'x' || c == 'X' || c == '_' || c == 'p' || c == 'P' {
			w.in.broken("the score %s is no number", quote(p))
			return 0
		}
	}
	f, err := strconv.ParseFloat(string(p), 64)
	if err != nil && !math.IsInf(f, 0) {
		w.in.broken("the score %s is no number", quote(p))
		return 0
	}
	return f
}

// scored reads a sorted set that is a row of members and scores.
func (w *walk) scored(version int) {
	n := w.in.length()
	w.elementsSeen.reset(n)
	for i := uint64(0); i < n && w.in.fault == nil; i++ {
		m := w.text(RoleMember)
		var f float64
		if version > 1 {
			f = math.Float64frombits(w.in.uint64())
		} else {
			f = w.textScore()
		}
		if w.deep && w.ok() {
			w.member(m, f)
		}
	}
	if !w.deep {
		w.elements = n
	}
}

// textScore reads a score as Redis before 4.0 wrote it: a length and digits, or a length
// that stands for what has no digits (rdb.c, rdbLoadDoubleValue).
func (w *walk) textScore() float64 {
	switch n := w.in.byte(); n {
	case 253:
		return math.NaN()
	case 254:
		return math.Inf(1)
	case 255:
		return math.Inf(-1)
	default:
		if p := w.in.take(int(n)); p != nil && w.deep {
			return w.float(p)
		}
	}
	return 0
}

// How a node of a list holds its items (quicklist.h).
const (
	nodeItem   = 1
	nodePacked = 2
)

// quicklist reads a list that is a row of nodes.
func (w *walk) quicklist(version int) {
	n := w.in.length()
	for i := uint64(0); i < n && w.in.fault == nil; i++ {
		if version == 1 {
			w.blob(asZiplist, List)
			continue
		}
		switch holds := w.in.length(); holds {
		case nodeItem:
			w.ordered(w.text(RoleItem))
		case nodePacked:
			w.blob(asListpack, List)
		default:
			w.in.broken("a node of a list is of kind %d, and not 1 or 2", holds)
		}
	}
}

// expiring reads a hash whose fields may expire. Redis writes the time before each field,
// as a distance to the earliest and one more, so that 0 says that it does not expire (its
// release candidates wrote the time itself); Valkey writes it behind the value, and -1 for
// none.
func (w *walk) expiring(version int) {
	var earliest uint64
	if version == 2 {
		earliest = w.in.uint64()
	}
	n := w.in.length()
	w.elementsSeen.reset(n)
	for i := uint64(0); i < n && w.in.fault == nil; i++ {
		var expiry int64
		if version < 3 {
			if ttl := w.in.length(); ttl != 0 && version == 2 {
				expiry = int64(earliest + ttl - 1)
			} else {
				expiry = int64(ttl)
			}
		}
		f := w.text(RoleField)
		v := w.text(RoleFieldValue)
		if version == 3 {
			expiry = max(int64(w.in.uint64()), 0)
		}
		if w.deep && w.ok() {
			w.pair(f, v, expiry)
		}
	}
	if !w.deep {
		w.elements = n
	}
}

// What an item of an array is (the tags AR_RDB_TAG_… in Redis).
const (
	arrayText = iota
	arrayInt
	arrayFloat
	arraySmall
)

// array reads one: the number of items, where the next one is to be put, and for each item
// its place, what it is, and it.
func (w *walk) array() {
	n := w.in.length()
	var cursor uint64
	switch flag := w.in.length(); flag {
	case 0:
	case 1:
		cursor = w.in.length() + 1
	default:
		w.in.broken("%d says neither that an array has a place for the next item nor that it has none", flag)
		return
	}
	w.acc = w.acc.with(cursor)
	var before uint64
	for i := uint64(0); i < n && w.in.fault == nil; i++ {
		at := w.in.length()
		if i > 0 && at <= before {
			w.in.broken("the items of an array are not in order: %d follows %d", at, before)
			return
		}
		before = at
		w.tell(Element{Role: RoleIndex, Count: at})
		w.acc = w.acc.with(at)
		w.ordered(w.arrayItem())
	}
}

func (w *walk) arrayItem() sum128 {
	switch tag := w.in.length(); tag {
	case arrayText, arraySmall:
		return w.text(RoleItem)
	case arrayInt:
		w.it.number(int64(w.in.uint64()))
		return w.use(RoleItem)
	case arrayFloat:
		p := w.in.take(8)
		if p == nil {
			return sum128{}
		}
		f := math.Float64frombits(binary.LittleEndian.Uint64(p))
		w.it.text, w.it.isNum, w.it.long = strconv.AppendFloat(w.digits[:0], f, 'g', -1, 64), false, 0
		return w.use(RoleItem)
	default:
		w.in.broken("an item of an array has the tag %d, which is not known", tag)
	}
	return sum128{}
}
