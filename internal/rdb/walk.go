package rdb

import (
	"fmt"
)

// Opcodes stand where the type of a value could stand (rdb.h).
const (
	opHashTemplate = 242 // Redis 8.10
	opKeyMeta      = 243 // Redis 8.6
	opSlotImport   = 243 // Valkey 9
	opSlotInfo     = 244
	opFunction     = 245
	opFunctionRC   = 246
	opModuleAux    = 247
	opIdle         = 248
	opFreq         = 249
	opAux          = 250
	opResize       = 251
	opExpireMs     = 252
	opExpire       = 253
	opSelect       = 254
	opEnd          = 255
	opFirst        = 242
)

// nameMax is up to which size the name of a key is kept.
const nameMax = 1 << 20

// Key is a key, and what is known of its value when it has been read.
type Key struct {
	// Name is the key, or its first MiB.
	Name []byte
	// Length is that of the whole name.
	Length uint64
	DB     uint64
	Type   Type
	// Slot is that of a cluster, from Name.
	Slot uint16
	// Expires is the Unix time in milliseconds, 0 for never.
	Expires int64
	// Idle is for how many seconds nobody used it, and Freq how often it is used, as LRU
	// and LFU have it; -1 if the file does not tell.
	Idle int64
	Freq int

	// Offset is where in the file its type stands, Size how many bytes it takes from there
	// on, and Unpacked how many it would take without compression.
	Offset   int64
	Size     int64
	Unpacked int64
	// Elements is how many items, members, fields or entries it has; below Deep 0 where
	// that is not told without looking in.
	Elements uint64
	// Digest is there if it was decoded.
	Digest Digest
}

// walk is one way through a file.
type walk struct {
	in     *input
	header Header
	deep   bool

	db      uint64
	told    announcement
	key     Key
	inKey   bool
	loose   bool // an expiry or the like waits for its key
	twice   bool // a member or field of it was there twice
	hasMeta bool
	meta    sum128

	nameHash      sum128
	acc           sum128 // of the value, so far
	elements      uint64
	fieldExpiries uint64
	entries       uint64 // of a stream
	lastEntry     StreamID
	master        names
	templates     map[uint64]*names
	templateBytes int

	it     item
	lp     listpack
	zl     ziplist
	zm     zipmap
	is     intset
	pl     plain
	digits [32]byte

	keysSeen     dupes
	elementsSeen dupes

	visitor *Visitor
	visit   func(*Element) error
	el      Element
	tally   *tally
	onKey   func(*Key) error

	aux       []Aux
	libraries []Library
	modules   []ModuleUse
	scripts   int
	flaws     []Flaw
	moreFlaws int
	refused   uint64 // flaws for which servers refuse the file
	checksum  Checksum
	sum       uint64 // what the checksum has to be
}

func newWalk(in *input, deep bool) *walk {
	w := &walk{in: in, deep: deep, templates: map[uint64]*names{}, visitor: &Visitor{}}
	w.keysSeen.limit, w.elementsSeen.limit = dupeKeys, dupeElements
	w.keysSeen.reset(0)
	in.place = w.place
	w.fresh()
	return w
}

// ok reports whether nothing went wrong so far.
func (w *walk) ok() bool { return w.in.fault == nil }

// place adds to an error where it happened.
func (w *walk) place(e *FormatError) {
	if w.inKey {
		e.Key, e.DB, e.Type = quote(w.key.Name), w.db, w.key.Type.Name
	}
}

// fresh begins with the next key.
func (w *walk) fresh() {
	w.key = Key{Name: w.key.Name[:0], Idle: -1, Freq: -1}
	w.inKey, w.loose, w.hasMeta, w.twice = false, false, false, false
}

// run goes through the file, up to and with its checksum.
func (w *walk) run() error {
	if !w.begin() {
		return w.in.fault
	}
	for w.in.fault == nil {
		at := w.in.offset()
		op := w.in.byte()
		if w.in.fault != nil {
			break
		}
		if op == opEnd {
			w.end()
			return w.in.fault
		}
		if op < opFirst {
			w.oneKey(op, at)
		} else {
			w.opcode(op)
		}
	}
	return w.in.fault
}

// begin reads the header.
func (w *walk) begin() bool {
	p := w.in.take(headerSize)
	if p == nil {
		return false
	}
	h, err := parseHeader(p)
	if err == nil && !h.Known() {
		if w.deep {
			err = &VersionError{Header: h}
		} else {
			w.flaw("%s is newer than what this holdfast knows; it was read as %s", h, h.Line.newest())
		}
	}
	if err != nil {
		w.in.stop(err)
		return false
	}
	w.header = h
	if w.visitor.Header != nil {
		w.handled(w.visitor.Header(h))
	}
	return w.ok()
}

func (l Line) newest() Header {
	if l == Valkey {
		return Header{l, newestValkey}
	}
	return Header{l, newestRedis}
}

// opcode reads what is no key.
func (w *walk) opcode(op byte) {
	in := w.in
	switch op {
	case opSelect:
		w.selectDB(in.length())
	case opResize:
		keys, expiring := in.length(), in.length()
		w.announced(keys, expiring)
	case opExpireMs:
		w.key.Expires, w.loose = int64(in.uint64()), true
	case opExpire:
		w.key.Expires, w.loose = int64(int32(in.uint32()))*1000, true
	case opIdle:
		w.key.Idle, w.loose = int64(in.length()), true
	case opFreq:
		w.key.Freq, w.loose = int(in.byte()), true
	case opAux:
		w.auxField()
	case opFunction:
		w.library()
	case opModuleAux:
		w.acc = sum128{}
		w.moduleAux()
	case opSlotInfo:
		in.length()
		in.lengthID()
	default:
		w.lineOpcode(op)
	}
}

// lineOpcode reads what stands for different things in the two lines.
func (w *walk) lineOpcode(op byte) {
	switch {
	case op == opHashTemplate && w.header.Line == Redis:
		w.template()
	case op == opKeyMeta && w.header.Line == Redis:
		w.keyMeta()
		w.loose = true
	case op == opSlotImport && w.header.Line == Valkey:
		w.in.skipText()
		n := w.in.length()
		for i := uint64(0); i < n && w.in.fault == nil; i++ {
			w.in.lengthID()
		}
		w.flaw("slots were being imported when the file was written; their keys may be incomplete")
	case op == opFunctionRC:
		w.in.stop(&UnknownTypeError{
			Offset: w.in.offset() - 1, Code: op, Header: w.header,
			Why: "a function library as the release candidates of Redis 7.0 wrote it, which no release loads",
		})
	default:
		w.unknown(op)
	}
}

// unknown ends the walk at what cannot be walked over.
func (w *walk) unknown(code byte) {
	e := &UnknownTypeError{Offset: w.in.offset() - 1, Code: code, Header: w.header, Why: w.header.Line.whyUnknown(code)}
	if w.inKey {
		e.Offset, e.Key, e.DB = w.key.Offset, quote(w.key.Name), w.db
	}
	w.in.stop(e)
}

// oneKey reads a key and its value.
func (w *walk) oneKey(code byte, at int64) {
	inflated := w.in.inflated
	w.key.Type, w.key.Offset, w.key.DB = w.header.Line.typeOf(code), at, w.db
	w.name()
	if !w.ok() {
		return
	}
	w.inKey = true
	if w.key.Type.layout == unknown {
		w.unknown(code)
		return
	}
	w.acc, w.elements, w.fieldExpiries = sum128{}, 0, 0
	deep := w.deep
	w.wanted()
	w.value()
	w.in.endTap()
	if w.ok() {
		w.key.Size = w.in.offset() - at
		w.key.Unpacked = w.key.Size + int64(w.in.inflated-inflated)
		w.key.Elements = w.elements
		w.done()
	}
	w.deep, w.visit = deep, nil
	w.fresh()
}

// name reads the name of a key.
func (w *walk) name() {
	b := &w.in.texts
	if !b.open() {
		return
	}
	k := &w.key
	k.Length = b.size
	k.Name = append(k.Name[:0], b.win[:min(len(b.win), nameMax)]...)
	b.pos = len(b.win)
	if b.left == 0 {
		b.close()
		w.nameHash = hashText(k.Name)
		k.Slot = SlotOf(k.Name)
		return
	}
	var h textHash
	h.start()
	h.write(k.Name)
	for b.left > 0 && w.ok() {
		p := b.piece(b.left)
		h.write(p)
		k.Name = append(k.Name, p[:min(len(p), nameMax-len(k.Name))]...)
	}
	b.close()
	w.nameHash = h.sum()
	k.Slot = SlotOf(k.Name)
}

// done proves and counts a key that has been read.
func (w *walk) done() {
	k := &w.key
	w.told.gotKeys++
	if k.Expires != 0 {
		w.told.gotExpiring++
	}
	if w.deep {
		k.Digest = w.keyDigest()
		w.odd(k)
	}
	if w.tally != nil {
		if err := w.tally.add(k); err != nil {
			w.in.stop(err)
			return
		}
		w.tally.fieldExpiries += w.fieldExpiries
	}
	if w.onKey != nil {
		w.handled(w.onKey(k))
	}
	if w.visitor.Done != nil {
		w.handled(w.visitor.Done(k))
	}
}

// odd notes what servers would not take of a key.
func (w *walk) odd(k *Key) {
	empty := w.elements == 0 && k.Type.Kind != Stream && k.Type.Kind != Module && k.Type.Kind != Array
	h := w.nameHash.with(k.DB)
	twice := w.keysSeen.seen(h.a ^ h.b)
	if twice {
		w.refused++
	}
	switch {
	case !empty && !twice:
	case len(w.flaws) == flawsMax:
		w.moreFlaws++
	case empty:
		w.flaw("key %s of database %d holds nothing; servers leave it out", quote(k.Name), k.DB)
	default:
		w.flaw("key %s of database %d is there twice; servers refuse such a file", quote(k.Name), k.DB)
	}
}

// once notes a member or field, and that it was there before.
func (w *walk) once(h sum128) {
	if w.elementsSeen.seen(h.a^h.b) && !w.twice {
		w.twice = true
		w.refused++
		w.flaw("key %s of database %d has a member or field twice; servers refuse such a value", quote(w.key.Name), w.db)
	}
}

// handing says that who reads the file had enough.
func (w *walk) handing(err error) error {
	return fmt.Errorf("rdb: handing on what stands before offset %d: %w", w.in.offset(), err)
}

func (w *walk) handled(err error) {
	if err != nil {
		w.in.stop(w.handing(err))
	}
}

// end reads the checksum.
func (w *walk) end() {
	in := w.in
	if w.loose {
		in.broken("an expiry or the like stands at the end and belongs to no key")
		return
	}
	w.endDB()
	in.absorb()
	is, at := in.crc, in.offset()
	w.sum = is
	told := in.uint64()
	if !w.ok() {
		return
	}
	switch {
	case told == 0 && is != 0:
		w.checksum = ChecksumOff
		w.flaw("the file has no checksum (rdbchecksum no): what was changed in it may go unseen")
	case told != is:
		in.stop(&ChecksumError{Offset: at, Told: told, Real: is})
	default:
		w.checksum = ChecksumGood
	}
}
