package rdb

import "math"

// What a part of a module's value is (rdb.h, RDB_MODULE_OPCODE_…).
const (
	moduleEnd = iota
	moduleSigned
	moduleUnsigned
	moduleFloat
	moduleDouble
	moduleText
)

// moduleName gives the name and the version that a module's number stands for: nine letters
// of 6 bits and 10 bits (module.c, moduleTypeNameByID).
func moduleName(id uint64) (name string, version int) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	var p [9]byte
	version = int(id & 1023)
	id >>= 10
	for i := len(p) - 1; i >= 0; i-- {
		p[i] = letters[id&63]
		id >>= 6
	}
	return string(p[:]), version
}

// moduleValue reads what a module wrote. What it means only the module knows; the parts are
// marked, so that it can be walked over and compared.
func (w *walk) moduleValue() {
	id := w.in.length()
	w.noteModule(id)
	w.acc = w.acc.with(id)
	w.moduleParts()
}

func (w *walk) moduleParts() {
	for w.in.fault == nil {
		part := w.in.length()
		w.acc = w.acc.with(part)
		switch part {
		case moduleEnd:
			return
		case moduleSigned, moduleUnsigned:
			n := w.in.length()
			w.tell(Element{Role: RoleModule, Num: int64(n), IsNum: true})
			w.ordered(hashNumber(int64(n)))
		case moduleFloat:
			f := math.Float32frombits(w.in.uint32())
			w.modulePart(float64(f))
		case moduleDouble:
			w.modulePart(math.Float64frombits(w.in.uint64()))
		case moduleText:
			w.ordered(w.text(RoleModule))
		default:
			w.in.broken("a part of a module's value is of kind %d, which is not known", part)
		}
	}
}

func (w *walk) modulePart(f float64) {
	w.tell(Element{Role: RoleModule, Score: f})
	w.acc = w.acc.with(math.Float64bits(f))
	w.elements++
}

// moduleAux reads what a module wrote beside all keys: when (before or behind them), and
// parts.
func (w *walk) moduleAux() {
	id := w.in.length()
	if part := w.in.length(); part != moduleUnsigned && w.ok() {
		w.in.broken("a module's data does not say when it is to be read")
		return
	}
	w.in.length()
	w.noteModule(id)
	w.moduleParts()
}

// keyMeta reads what modules keep with the next key (Redis 8.6, keymeta.c): for each class
// its number in 4 bytes, and parts.
func (w *walk) keyMeta() {
	deep := w.deep
	w.deep = true // It is part of the key's digest, whatever is wanted of the value.
	defer func() { w.deep = deep }()
	n := w.in.length()
	w.acc = sum128{seedKey, k2}
	for i := uint64(0); i < n && w.in.fault == nil; i++ {
		w.acc = w.acc.with(uint64(w.in.uint32()))
		w.moduleParts()
	}
	w.meta = w.acc
	w.hasMeta = n > 0
}
