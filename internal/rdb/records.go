package rdb

import (
	"bytes"
	"fmt"
)

// Aux is a field that says something of the whole file.
type Aux struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Library is a library of functions.
type Library struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	Digest Digest `json:"digest,omitzero"`
}

// ModuleUse is a module that keys or aux fields of a file need.
type ModuleUse struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	Uses    uint64 `json:"uses"`
}

// Flaw is what is odd in a file without making it unreadable.
type Flaw struct {
	Offset int64  `json:"offset"`
	What   string `json:"what"`
}

// What is kept of a file, at most.
const (
	auxMax       = 64
	auxTextMax   = 256
	flawsMax     = 100
	librariesMax = 1000
	modulesMax   = 1000
	wholeTextMax = 4 << 20
)

// flaw notes one.
func (w *walk) flaw(format string, args ...any) {
	if len(w.flaws) == flawsMax {
		w.moreFlaws++
		return
	}
	w.flaws = append(w.flaws, Flaw{Offset: w.in.offset(), What: fmt.Sprintf(format, args...)})
}

// whole reads a string, as far as limit, and its digest. What is beyond is read too.
func (w *walk) whole(limit int) (text []byte, size uint64, d Digest) {
	b := &w.in.texts
	if !b.open() {
		return nil, 0, Digest{}
	}
	if b.left == 0 {
		text = b.win[:min(len(b.win), limit)]
		d = Digest{hashText(b.win).finish()}
		b.pos = len(b.win)
		b.close()
		return text, b.size, d
	}
	var h textHash
	h.start()
	for b.rest() > 0 && w.ok() {
		p := b.piece(b.rest())
		h.write(p)
		text = append(text, p[:min(len(p), limit-len(text))]...)
	}
	b.close()
	return text, b.size, Digest{h.sum().finish()}
}

// auxField reads one. Under the name lua stands a script, which servers before 7.0 kept.
func (w *walk) auxField() {
	p, _, _ := w.whole(auxTextMax)
	name := string(p)
	p, _, _ = w.whole(wholeTextMax)
	if !w.ok() {
		return
	}
	if name == "lua" {
		w.scripts++
	} else if len(w.aux) < auxMax {
		w.aux = append(w.aux, Aux{Name: name, Value: string(p[:min(len(p), auxTextMax)])})
	}
	if w.visitor.Aux != nil {
		w.handled(w.visitor.Aux(Aux{Name: name, Value: string(p)}))
	}
}

// library reads one. Its code begins with a line such as "#!lua name=mylib".
func (w *walk) library() {
	code, size, d := w.whole(wholeTextMax)
	if !w.ok() {
		return
	}
	if size > wholeTextMax {
		w.in.stop(&LimitError{Offset: w.in.offset(), What: fmt.Sprintf("a function library of %d bytes", size)})
		return
	}
	name := ""
	line, _, _ := bytes.Cut(code, []byte("\n"))
	for word := range bytes.FieldsSeq(line) {
		if n, ok := bytes.CutPrefix(word, []byte("name=")); ok {
			name = string(n[:min(len(n), auxTextMax)])
		}
	}
	if name == "" {
		w.flaw("a function library has no name")
	}
	if len(w.libraries) < librariesMax {
		w.libraries = append(w.libraries, Library{Name: name, Bytes: int64(size), Digest: d})
	}
	if w.visitor.Library != nil {
		w.handled(w.visitor.Library(code))
	}
}

// noteModule notes that a module is needed.
func (w *walk) noteModule(id uint64) {
	if !w.ok() {
		return
	}
	name, version := moduleName(id)
	for i := range w.modules {
		if m := &w.modules[i]; m.Name == name && m.Version == version {
			m.Uses++
			return
		}
	}
	if len(w.modules) < modulesMax {
		w.modules = append(w.modules, ModuleUse{Name: name, Version: version, Uses: 1})
	}
}

// announcement is what a file says of a database before its keys, and what came.
type announcement struct {
	there          bool
	keys, expiring uint64
	gotKeys        uint64
	gotExpiring    uint64
}

// selectDB goes to the keys of another database.
func (w *walk) selectDB(db uint64) {
	w.endDB()
	w.db = db
	if w.loose && w.ok() {
		w.in.broken("an expiry or the like is followed by a database and not by its key")
	}
}

// announced notes how many keys a database is said to have.
func (w *walk) announced(keys, expiring uint64) {
	w.told.there, w.told.keys, w.told.expiring = true, keys, expiring
}

// endDB compares what a database was said to have with what it has.
func (w *walk) endDB() {
	t := w.told
	if t.there && (t.keys != t.gotKeys || t.expiring != t.gotExpiring) {
		w.flaw("database %d is said to have %d keys, %d of which expire, and has %d and %d",
			w.db, t.keys, t.expiring, t.gotKeys, t.gotExpiring)
	}
	w.told = announcement{}
}
