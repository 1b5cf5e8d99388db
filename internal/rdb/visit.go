package rdb

import "context"

// Want says what a visitor wants of a key's value. Wants can be added.
type Want uint8

// What a visitor may want.
const (
	// Nothing passes over the value.
	Nothing Want = 0
	// RawValue hands on its bytes as they stand in the file, for RESTORE.
	RawValue Want = 1 << iota
	// Elements decodes it.
	Elements
)

// Visitor is given what stands in a file, in its order. Any of its functions may be nil. An
// error ends the walk and is what Walk returns, wrapped. What functions are given is valid
// until they return.
type Visitor struct {
	Header func(Header) error
	// Aux is given the fields that stand before the keys, such as redis-ver.
	Aux func(Aux) error
	// Library is given the code of a function library.
	Library func(code []byte) error
	// Key is given a key before its value: name, type, expiry.
	Key func(*Key) (Want, error)
	// Raw is given the bytes of a value in pieces, whatever its size.
	Raw func(piece []byte) error
	// Element is given the parts of a value.
	Element func(*Element) error
	// Done is given the key behind its value.
	Done func(*Key) error
}

// Walk goes through a file and stops behind its checksum.
func (r *Reader) Walk(ctx context.Context, v Visitor) error {
	w := newWalk(r.in, false)
	w.visitor = &v
	r.in.progress = func(int64) error { return ctx.Err() }
	return w.run()
}

// wanted asks what is wanted of the value that follows.
func (w *walk) wanted() {
	if w.visitor.Key == nil {
		return
	}
	want, err := w.visitor.Key(&w.key)
	if err != nil {
		w.handled(err)
		return
	}
	if want&Elements != 0 && !w.header.Known() {
		w.in.stop(&VersionError{Header: w.header})
		return
	}
	if want&Elements != 0 {
		w.deep, w.visit = true, w.visitor.Element
	} else {
		w.deep, w.visit = false, nil
	}
	if want&RawValue != 0 && w.visitor.Raw != nil {
		w.in.startTap(w.visitor.Raw)
	}
}
