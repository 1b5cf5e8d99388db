package rdb

import "bytes"

// Redis 8.10 keeps the field names of like hashes once, in records that stand before all
// keys, and with each hash a number and its values. What DUMP gives carries the names with
// it; the server's own tests hold what that looks like (tests/unit/type/hash-template).
const (
	templateListpack = iota + 1
	templateListpackRef
	templateStrings
	templateStringsRef
)

// How names are stored in a value that carries them.
const (
	namesListpack = 0
	namesStrings  = 1
)

// Templates are kept up to these bounds.
const (
	templatesMax  = 64 << 10
	namesMax      = 64 << 10
	namesBytesMax = 1 << 20
)

// names are field names, kept because they stand once for many values.
type names struct {
	text []byte
	ends []int
	sums []sum128
}

func (n *names) reset() { n.text, n.ends, n.sums = n.text[:0], n.ends[:0], n.sums[:0] }

func (n *names) name(i int) []byte {
	from := 0
	if i > 0 {
		from = n.ends[i-1]
	}
	return n.text[from:n.ends[i]]
}

// keep keeps the item that was read last as a name.
func (w *walk) keep(n *names) bool {
	if w.it.long > 0 || len(n.text)+len(w.it.text) > namesBytesMax || len(n.ends) >= namesMax {
		w.in.stop(&LimitError{Offset: w.in.offset(), What: "the names of more than 65,536 fields, or of more than 1 MiB, at one place"})
		return false
	}
	e := Element{Text: w.it.text, Num: w.it.num, IsNum: w.it.isNum}
	n.text = e.AppendText(n.text)
	n.ends = append(n.ends, len(n.text))
	if w.it.isNum {
		n.sums = append(n.sums, hashNumber(w.it.num))
	} else {
		n.sums = append(n.sums, hashText(w.it.text))
	}
	return true
}

// sorted proves that names are in the order of templates: the shorter first, and by bytes.
func (w *walk) sorted(n *names) bool {
	for i := 1; i < len(n.ends); i++ {
		a, b := n.name(i-1), n.name(i)
		if len(a) > len(b) || len(a) == len(b) && bytes.Compare(a, b) >= 0 {
			w.in.broken("the fields of a template are not in order: %s follows %s", quote(b), quote(a))
			return false
		}
	}
	if len(n.ends) == 0 {
		w.in.broken("a template has no fields")
		return false
	}
	return true
}

// template reads the record of one: its number and its field names.
func (w *walk) template() {
	id, n := w.in.length(), w.in.length()
	if _, twice := w.templates[id]; twice {
		w.in.broken("there are two templates with the number %d", id)
		return
	}
	t := &names{}
	w.pl = plain{in: w.in, left: n}
	for w.pl.next(&w.it) {
		if !w.keep(t) {
			return
		}
	}
	if !w.ok() || !w.sorted(t) {
		return
	}
	w.templateBytes += len(t.text) + 24*len(t.ends)
	if len(w.templates) == templatesMax || w.templateBytes > 4*namesBytesMax {
		w.in.stop(&LimitError{Offset: w.in.offset(), What: "more than 65,536 hash templates, or of more than 4 MiB"})
		return
	}
	w.templates[id] = t
}

// templated reads a hash whose names stand apart from its values.
func (w *walk) templated(form int) {
	w.elementsSeen.reset(0)
	switch form {
	case templateListpackRef:
		w.templatedListpack(nil)
	case templateStringsRef:
		if t := w.templateOf(w.in.length()); t != nil {
			w.templatedStrings(t)
		}
	case templateListpack:
		if w.ownNames() {
			w.templatedListpack(&w.master)
		}
	case templateStrings:
		if w.ownNames() {
			w.templatedStrings(&w.master)
		}
	}
}

func (w *walk) templateOf(id uint64) *names {
	t := w.templates[id]
	if t == nil {
		w.in.broken("there is no hash template with the number %d", id)
	}
	return t
}

// ownNames reads the names that a value carries with it.
func (w *walk) ownNames() bool {
	w.master.reset()
	var c cursor
	switch form := w.in.byte(); form {
	case namesListpack:
		if b := &w.in.texts; !b.open() || !w.lp.open(b) {
			return false
		}
		c = &w.lp
	case namesStrings:
		w.pl = plain{in: w.in, left: w.in.length()}
		c = &w.pl
	default:
		w.in.broken("the names of a hash's template are stored in the form %d, which is not known", form)
		return false
	}
	for c.next(&w.it) {
		if !w.keep(&w.master) {
			return false
		}
	}
	return w.ok() && w.sorted(&w.master)
}

// templatedListpack reads values in a listpack whose first entry is the template's number;
// it counts only where the value does not carry the names.
func (w *walk) templatedListpack(t *names) {
	if !w.deep {
		w.in.skipText()
		return
	}
	b := &w.in.texts
	if !b.open() || !w.lp.open(b) {
		return
	}
	if !w.lp.next(&w.it) || !w.it.isNum {
		w.in.broken("the values of a template's hash do not begin with its number")
		return
	}
	if t == nil {
		if t = w.templateOf(uint64(w.it.num)); t == nil {
			return
		}
	}
	for i := range t.ends {
		w.fieldName(t, i)
		if !w.second(&w.lp, "field", "value") {
			return
		}
		w.pair(t.sums[i], w.use(RoleFieldValue), 0)
	}
	if w.lp.next(&w.it) {
		w.in.broken("a template's hash has more values than its %d fields", len(t.ends))
	}
}

func (w *walk) templatedStrings(t *names) {
	for i := range t.ends {
		w.fieldName(t, i)
		v := w.text(RoleFieldValue)
		if !w.ok() {
			return
		}
		if w.deep {
			w.pair(t.sums[i], v, 0)
		} else {
			w.elements++
		}
	}
}

func (w *walk) fieldName(t *names, i int) {
	w.tell(Element{Role: RoleField, Text: t.name(i)})
}
