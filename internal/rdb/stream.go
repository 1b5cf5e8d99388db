package rdb

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
)

// StreamID is the number of a stream's entry.
type StreamID struct {
	Ms  uint64 `json:"ms"`
	Seq uint64 `json:"seq"`
}

func (id StreamID) String() string { return fmt.Sprintf("%d-%d", id.Ms, id.Seq) }

// Compare orders two IDs by time.
func (id StreamID) Compare(o StreamID) int {
	return cmp.Or(cmp.Compare(id.Ms, o.Ms), cmp.Compare(id.Seq, o.Seq))
}

func (id StreamID) hash() sum128 { return sum128{seedNumber, k4}.round(id.Ms, id.Seq) }

// bigID reads an ID as radix trees keep them.
func bigID(p []byte) StreamID {
	return StreamID{Ms: binary.BigEndian.Uint64(p), Seq: binary.BigEndian.Uint64(p[8:])}
}

// lengthID reads an ID that is two lengths.
func (in *input) lengthID() StreamID {
	ms := in.length()
	return StreamID{Ms: ms, Seq: in.length()}
}

// rawID reads an ID that is 16 bytes.
func (in *input) rawID() StreamID {
	if p := in.take(16); p != nil {
		return bigID(p)
	}
	return StreamID{}
}

// Flags of an entry in a node (t_stream.c).
const (
	entryDeleted    = 1
	entrySameFields = 2
)

// stream reads one: nodes, each a first ID and a listpack of entries; what the stream knows
// of itself; consumer groups. The forms are those of Redis 5, 7.0 (2), 7.2 (3), 8.6 (4: with
// what idempotent producers sent) and 8.8 (5: with entries given back).
func (w *walk) stream(form int) {
	n := w.in.length()
	w.entries, w.lastEntry = 0, StreamID{}
	for i := uint64(0); i < n && w.in.fault == nil; i++ {
		w.streamNode()
	}
	told, last := w.in.length(), w.in.lengthID()
	var maxDeleted StreamID
	added := told
	if form >= 2 {
		w.in.lengthID() // The first entry, which is there to be seen.
		maxDeleted = w.in.lengthID()
		added = w.in.length()
	}
	if !w.ok() {
		return
	}
	w.streamState(told, last, maxDeleted, added)
	groups := w.in.length()
	for i := uint64(0); i < groups && w.in.fault == nil; i++ {
		w.streamGroup(form)
	}
	if form >= 4 {
		w.producers()
	}
}

// streamState compares what a stream says of itself with what it has.
func (w *walk) streamState(told uint64, last, maxDeleted StreamID, added uint64) {
	if !w.deep {
		w.elements = told
		return
	}
	if told != w.entries {
		w.in.broken("the stream says that it has %d entries and has %d", told, w.entries)
		return
	}
	if last.Compare(w.lastEntry) < 0 {
		w.in.broken("the stream says that its last entry was %v and has %v", last, w.lastEntry)
		return
	}
	w.acc = w.acc.fold(last.hash()).fold(maxDeleted.hash()).with(added)
	w.tell(Element{Role: RoleStreamState, ID: last, Count: added})
	w.tell(Element{Role: RoleMaxDeleted, ID: maxDeleted})
}

// streamNode reads one node.
func (w *walk) streamNode() {
	if !w.deep {
		w.in.skipText()
		w.in.skipText()
		return
	}
	b := &w.in.texts
	if !b.open() {
		return
	}
	p := b.peek(16)
	if b.size != 16 || len(p) < 16 {
		b.broken("a node of a stream begins with %d bytes and not with the 16 of an ID", b.size)
		return
	}
	first := bigID(p)
	b.pos += 16
	b.close()
	if !b.open() || !w.lp.open(b) {
		return
	}
	live, dead := w.nodeNumber(), w.nodeNumber()
	if !w.masterFields() {
		return
	}
	for w.in.fault == nil && w.lp.next(&w.it) {
		if w.streamEntry(first) {
			live--
		} else {
			dead--
		}
	}
	if live != 0 || dead != 0 {
		w.in.broken("a node of a stream says that it has %d more entries and %d more deleted ones than it has", live, dead)
	}
}

// nodeNumber reads a number of a node.
func (w *walk) nodeNumber() int64 {
	if !w.lp.next(&w.it) || !w.it.isNum {
		w.in.broken("where a node of a stream has to have a number, there is none")
		return 0
	}
	return w.it.num
}

// masterFields keeps the names of the fields that most entries of a node have.
func (w *walk) masterFields() bool {
	w.master.reset()
	n := w.nodeNumber()
	if n < 0 {
		w.in.broken("a node of a stream has %d fields", n)
		return false
	}
	for range n {
		if !w.lp.next(&w.it) {
			w.in.broken("a node of a stream ends before its %d fields do", n)
			return false
		}
		if !w.keep(&w.master) {
			return false
		}
	}
	if w.nodeNumber() != 0 {
		w.in.broken("no zero follows the fields of a stream's node")
	}
	return w.ok()
}

// streamEntry reads an entry whose flags were just read, and reports whether it is live.
func (w *walk) streamEntry(first StreamID) bool {
	flags := w.it.num
	if !w.it.isNum || flags&^(entryDeleted|entrySameFields) != 0 {
		w.in.broken("an entry of a stream has flags that are not known")
		return false
	}
	id := StreamID{Ms: first.Ms + uint64(w.nodeNumber())}
	id.Seq = first.Seq + uint64(w.nodeNumber())
	if id.Compare(w.lastEntry) <= 0 && w.ok() && id != (StreamID{}) {
		w.in.broken("the entries of a stream are not in order: %v follows %v", id, w.lastEntry)
		return false
	}
	w.lastEntry = id
	live := flags&entryDeleted == 0
	visit := w.visit
	if !live {
		w.visit = nil
	}
	w.tell(Element{Role: RoleEntry, ID: id})
	h, parts := w.streamFields(id.hash(), flags&entrySameFields != 0)
	w.visit = visit
	if w.nodeNumber() != parts && w.ok() {
		w.in.broken("an entry of a stream has %d parts and says that it has others", parts)
	}
	if live {
		w.entries++
		w.ordered(h)
	}
	return live
}

// streamFields reads the fields of an entry: their hash, and how many parts the entry has
// before the number that says so.
func (w *walk) streamFields(h sum128, same bool) (sum128, int64) {
	if same {
		for i := range w.master.ends {
			w.fieldName(&w.master, i)
			if !w.second(&w.lp, "field", "value") {
				return h, 0
			}
			h = h.fold(w.master.sums[i]).fold(w.use(RoleFieldValue))
		}
		return h, int64(len(w.master.ends)) + 3
	}
	n := w.nodeNumber()
	if n < 0 || n > math.MaxInt32 {
		w.in.broken("an entry of a stream has %d fields", n)
		return h, 0
	}
	for range n {
		if !w.second(&w.lp, "entry", "fields") {
			return h, 0
		}
		h = h.fold(w.use(RoleField))
		if !w.second(&w.lp, "field", "value") {
			return h, 0
		}
		h = h.fold(w.use(RoleFieldValue))
	}
	return h, 2*n + 4
}

// streamGroup reads a consumer group: its name, the last ID it was given, how many entries
// that were; what is delivered and not acknowledged; consumers, and which of that each has.
// Nothing is pending at nobody or twice, unless it was given back.
func (w *walk) streamGroup(form int) {
	name := w.text(RoleGroup)
	last := w.in.lengthID()
	var read uint64
	if form >= 2 {
		read = w.in.length()
	}
	w.tell(Element{Role: RoleGroupState, ID: last, Count: read})
	h := sum128{seedPair, k5}.fold(name).fold(last.hash())
	var pending, held sum128
	n := w.in.length()
	for i := uint64(0); i < n && w.in.fault == nil; i++ {
		id := w.in.rawID()
		at, times := int64(w.in.uint64()), w.in.length()
		pending = pending.plus(id.hash().finish())
		h = h.fold(id.hash()).with(uint64(at)).with(times)
		w.tell(Element{Role: RolePending, ID: id, Time: at, Count: times})
	}
	consumers := w.in.length()
	for i := uint64(0); i < consumers && w.in.fault == nil; i++ {
		var c sum128
		c, held = w.streamConsumer(form, held)
		h = h.fold(c)
	}
	if form >= 5 {
		_, held = w.pendingIDs(sum128{}, held, RolePending)
	}
	if pending != held && w.ok() {
		w.in.broken("what is pending in a consumer group of a stream is not what its consumers hold")
	}
	w.acc = w.acc.plus(h.finish())
}

// streamConsumer reads a consumer: its name, when it was seen and when it was active last,
// what is pending at it.
func (w *walk) streamConsumer(form int, held sum128) (h, sum sum128) {
	h = w.text(RoleConsumer)
	seen := int64(w.in.uint64())
	if form >= 3 {
		w.in.uint64()
	}
	w.tell(Element{Role: RoleConsumerState, Time: seen})
	return w.pendingIDs(h, held, RoleConsumerPending)
}

// pendingIDs reads a row of IDs, in order into h and without order into sum.
func (w *walk) pendingIDs(h, held sum128, role Role) (ordered, sum sum128) {
	n := w.in.length()
	for i := uint64(0); i < n && w.in.fault == nil; i++ {
		id := w.in.rawID()
		h = h.fold(id.hash())
		held = held.plus(id.hash().finish())
		if role == RoleConsumerPending {
			w.tell(Element{Role: role, ID: id})
		}
	}
	return h, held
}

// producers reads what a stream remembers of idempotent producers (Redis 8.6): for how long
// and how many, for each producer what it sent and which entry that became, and two counts.
// It is memory of seconds and no part of the digest.
func (w *walk) producers() {
	w.in.lengthID()
	n := w.in.length()
	for i := uint64(0); i < n && w.in.fault == nil; i++ {
		w.in.skipText()
		sent := w.in.length()
		for j := uint64(0); j < sent && w.in.fault == nil; j++ {
			w.in.skipText()
			w.in.lengthID()
		}
	}
	w.in.lengthID()
}
