package rdb

import (
	"cmp"
	"slices"
)

// Checksum is what came of proving one.
type Checksum string

// What may come of it; where it is wrong, that is an error.
const (
	// ChecksumUnread says that the reading ended before it.
	ChecksumUnread Checksum = ""
	ChecksumGood   Checksum = "good"
	// ChecksumOff says that the server wrote none.
	ChecksumOff Checksum = "off"
)

// Report is what was found in a file.
type Report struct {
	Level    Level    `json:"level"`
	Header   Header   `json:"header"`
	Bytes    int64    `json:"bytes"`
	Checksum Checksum `json:"checksum"`
	// Sum is what the checksum has to be, by the bytes before it; 0 if they were not read
	// to their end.
	Sum  uint64 `json:"-"`
	Keys uint64 `json:"keys"`
	// Unpacked is how many bytes the file would have without compression.
	Unpacked int64 `json:"unpacked"`
	// Expires are the keys that expire.
	Expires Expires `json:"expires"`
	// FieldExpiries is how many fields of hashes expire; Deep only.
	FieldExpiries uint64 `json:"fieldExpiries,omitempty"`

	Databases []Database `json:"databases,omitempty"`
	Types     []Share    `json:"types,omitempty"`
	// Slots are those of a cluster in which database 0 has keys.
	Slots []Slot `json:"slots,omitempty"`
	// Prefixes are the beginnings of names up to the separator, the largest first.
	Prefixes []Share   `json:"prefixes,omitempty"`
	Largest  []KeySize `json:"largest,omitempty"`

	Aux       []Aux       `json:"aux,omitempty"`
	Libraries []Library   `json:"libraries,omitempty"`
	Modules   []ModuleUse `json:"modules,omitempty"`
	// Scripts is how many Lua scripts are kept in aux fields.
	Scripts int `json:"scripts,omitempty"`

	Flaws []Flaw `json:"flaws,omitempty"`
	// MoreFlaws is how many there are beside those listed.
	MoreFlaws int `json:"moreFlaws,omitempty"`
	// Refused is how many of all flaws are such that servers refuse the file; Deep only.
	Refused uint64 `json:"refused,omitempty"`
	// TwiceAmong is among how many keys each was proven to be there once; Deep only. Later
	// keys were compared with those, and not with each other.
	TwiceAmong uint64 `json:"twiceAmong,omitempty"`
	// Digest is that of all databases with their numbers; Deep only.
	Digest Digest `json:"digest,omitzero"`
}

// Share is what part of a file has something in common.
type Share struct {
	Name     string `json:"name"`
	Keys     uint64 `json:"keys"`
	Bytes    int64  `json:"bytes"`
	Unpacked int64  `json:"unpacked"`
}

// Expires tells of the keys that expire: how many, and the Unix times in milliseconds of
// the first and the last.
type Expires struct {
	Keys     uint64 `json:"keys"`
	Earliest int64  `json:"earliest,omitempty"`
	Latest   int64  `json:"latest,omitempty"`
}

// Database is one of a file's.
type Database struct {
	DB      uint64 `json:"db"`
	Keys    uint64 `json:"keys"`
	Expires uint64 `json:"expires"`
	Bytes   int64  `json:"bytes"`
	Digest  Digest `json:"digest,omitzero"`
	// Kinds are the kinds of values in it.
	Kinds []KindShare `json:"kinds,omitempty"`
}

// KindShare is what of a database is of one kind.
type KindShare struct {
	Kind     Kind   `json:"kind"`
	Keys     uint64 `json:"keys"`
	Elements uint64 `json:"elements,omitempty"`
	Bytes    int64  `json:"bytes"`
	Digest   Digest `json:"digest,omitzero"`
}

// Slot is one of a cluster.
type Slot struct {
	Slot   uint16 `json:"slot"`
	Keys   uint64 `json:"keys"`
	Bytes  int64  `json:"bytes"`
	Digest Digest `json:"digest,omitzero"`
}

// KeySize is a large key. Its name is cut and escaped.
type KeySize struct {
	DB       uint64 `json:"db"`
	Name     string `json:"name"`
	Type     string `json:"type"`
	Bytes    int64  `json:"bytes"`
	Unpacked int64  `json:"unpacked"`
	Elements uint64 `json:"elements,omitempty"`
}

// report tells what was counted.
func (t *tally) report(w *walk, level Level) Report {
	r := Report{
		Level: level, Header: w.header, Bytes: w.in.offset(), Checksum: w.checksum, Sum: w.sum,
		Keys: t.keys, Unpacked: w.in.offset() + int64(w.in.inflated),
		Expires: t.expires, FieldExpiries: t.fieldExpiries,
		Aux: w.aux, Libraries: w.libraries, Modules: w.modules, Scripts: w.scripts,
		Flaws: w.flaws, MoreFlaws: w.moreFlaws, Refused: w.refused,
	}
	if level == Framing {
		return r
	}
	if level == Deep {
		r.TwiceAmong = uint64(w.keysSeen.used)
	}
	for _, db := range t.dbs {
		r.Databases = append(r.Databases, db.public())
		r.Digest.sum = r.Digest.sum.plus(sum128{seedKey, k5}.with(db.DB).fold(db.Digest.sum).finish())
	}
	if level < Deep {
		r.Digest = Digest{}
	}
	slices.SortFunc(r.Databases, func(a, b Database) int { return cmp.Compare(a.DB, b.DB) })
	for code := range t.types {
		s := t.types[code]
		if s.Keys > 0 {
			s.Name = w.header.Line.typeOf(byte(code)).Name
			r.Types = append(r.Types, s)
		}
	}
	r.Slots = t.usedSlots()
	r.Prefixes, r.Largest = t.largestPrefixes(), t.largestKeys()
	return r
}
