package rdb

import "strconv"

// Role is what an element of a value is.
type Role uint8

// The roles of elements, and which field of Element each has beside Text or Num.
const (
	RoleValue           Role = iota // a string
	RoleItem                        // of a list
	RoleMember                      // of a set, or of a sorted set, whose score follows
	RoleScore                       // Score
	RoleField                       // of a hash or of a stream's entry; its value follows
	RoleFieldValue                  //
	RoleFieldExpiry                 // Time, of the field before; only where there is one
	RoleIndex                       // Count: the place in an array of the item that follows
	RoleEntry                       // ID: an entry of a stream; its fields follow
	RoleStreamState                 // ID of the last entry, Count of all that were ever added
	RoleMaxDeleted                  // ID
	RoleGroup                       // the name of a consumer group
	RoleGroupState                  // ID of the last entry it was given, Count of how many
	RolePending                     // ID of what is delivered and not acknowledged, Time, Count
	RoleConsumer                    // the name of a consumer
	RoleConsumerState               // Time when it was seen last
	RoleConsumerPending             // ID of a RolePending that is this consumer's
	RoleModule                      // a part of a module's value: Text, Num or Score
)

// Element is one part of a value.
type Element struct {
	Role Role
	// Text are the bytes, valid until the call returns. If More, further pieces follow as
	// elements of the same role.
	Text []byte
	More bool
	// Num is the integer, if IsNum: it was stored as one.
	Num   int64
	IsNum bool

	Score float64
	Time  int64 // Unix time in milliseconds
	Count uint64
	ID    StreamID
}

// AppendText appends the element as the text that a client would see.
func (e *Element) AppendText(p []byte) []byte {
	if e.IsNum {
		return strconv.AppendInt(p, e.Num, 10)
	}
	return append(p, e.Text...)
}

// use hashes the item that was read last, and hands it on.
func (w *walk) use(role Role) sum128 {
	it := &w.it
	if w.visit != nil || it.long != 0 {
		return w.handOn(role)
	}
	if it.isNum {
		return hashNumber(it.num)
	}
	return hashText(it.text)
}

// handOn hands an item on, if somebody asked for it, and hashes it.
func (w *walk) handOn(role Role) sum128 {
	it := &w.it
	w.el = Element{Role: role, Text: it.text, Num: it.num, IsNum: it.isNum, More: it.long > 0}
	if it.isNum {
		w.el.Text = nil
	}
	if it.long > 0 {
		return w.handOnLong()
	}
	w.emit()
	if it.isNum {
		return hashNumber(it.num)
	}
	return hashText(it.text)
}

// handOnLong does the same for a string that does not fit a window.
func (w *walk) handOnLong() sum128 {
	var h textHash
	h.start()
	left := w.it.long
	for {
		h.write(w.el.Text)
		w.emit()
		if left == 0 || !w.ok() {
			return h.sum()
		}
		w.el.Text = w.it.from.piece(left)
		left -= uint64(len(w.el.Text))
		w.el.More = left > 0
	}
}

// emit gives w.el to who asked for elements.
func (w *walk) emit() {
	if w.visit == nil || w.in.fault != nil {
		return
	}
	if err := w.visit(&w.el); err != nil {
		w.in.stop(w.handing(err))
	}
}

// tell hands on an element that is no string.
func (w *walk) tell(e Element) {
	if w.visit != nil {
		w.el = e
		w.emit()
	}
}
