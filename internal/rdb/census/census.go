// Package census counts the keys of a file as they pass by: which beginnings of names take
// how much, which keys are the largest, and when keys expire. Its memory is bounded,
// however many keys there are and whatever they are called.
package census

import (
	"bytes"
	"strconv"
	"time"

	"github.com/holdfast-dr/holdfast/internal/rdb"
)

// Options say what to count.
type Options struct {
	// Now is what expiries are held against.
	Now time.Time
	// Separator ends a prefix; 0 stands for ':'.
	Separator byte
	// Depth is how many separators a prefix has at most; 0 stands for 1.
	Depth int
	// Prefixes is how many of them are told, and Top how many keys.
	Prefixes, Top int
}

// Census counts keys. It is not for several goroutines at once.
type Census struct {
	o        Options
	prefixes hitters
	without  Prefix
	whole    Prefix
	bytes    top
	elements top
	expiries [len(terms) + 2]Expiry
}

// Prefix is what the keys with one beginning take.
type Prefix struct {
	// Name is the prefix with its separator, escaped.
	Name string `json:"name"`
	// Keys and Bytes are what was counted, which may be too few, but never too many.
	Keys  uint64 `json:"keys"`
	Bytes int64  `json:"bytes"`
	// Missed is how many bytes may be missing at most; 0 says that all of them are counted.
	Missed int64 `json:"missed,omitempty"`
}

// Big is a key that is among the largest.
type Big struct {
	DB uint64 `json:"db"`
	// Name is the key, escaped and cut.
	Name     string   `json:"name"`
	Kind     rdb.Kind `json:"kind"`
	Encoding string   `json:"encoding"`
	Bytes    int64    `json:"bytes"`
	Elements uint64   `json:"elements"`
	// Expires is the Unix time in milliseconds.
	Expires int64 `json:"expires,omitempty"`
}

// Expiry is how many keys expire when.
type Expiry struct {
	When  string `json:"when"`
	Keys  uint64 `json:"keys"`
	Bytes int64  `json:"bytes"`
}

// Result is what was counted.
type Result struct {
	// Prefixes are those with the most bytes, the largest first. Without are the keys that
	// have no separator, and Others those of all prefixes that are not told.
	Prefixes []Prefix `json:"prefixes"`
	Without  Prefix   `json:"without"`
	Others   Prefix   `json:"others"`
	// Exact says that every prefix was counted from its first key on.
	Exact bool `json:"exact"`

	ByBytes    []Big    `json:"byBytes"`
	ByElements []Big    `json:"byElements"`
	Expiries   []Expiry `json:"expiries"`
}

// terms are within which times keys are said to expire, in rising order.
var terms = [...]struct {
	name string
	in   time.Duration
}{
	{"past", 0},
	{"within 1h", time.Hour},
	{"within 1d", 24 * time.Hour},
	{"within 7d", 7 * 24 * time.Hour},
	{"within 30d", 30 * 24 * time.Hour},
}

// Those that stand beside the terms.
const (
	never = 0
	later = len(terms) + 1
)

// New begins to count.
func New(o Options) *Census {
	if o.Separator == 0 {
		o.Separator = ':'
	}
	o.Depth = max(o.Depth, 1)
	c := &Census{o: o, prefixes: newHitters(hittersMax)}
	c.bytes = top{room: o.Top, by: func(b *Big) uint64 { return uint64(b.Bytes) }}
	c.elements = top{room: o.Top, by: func(b *Big) uint64 { return b.Elements }}
	c.expiries[never].When, c.expiries[later].When = "never", "later"
	for i, t := range terms {
		c.expiries[1+i].When = t.name
	}
	return c
}

// Add counts a key. It never fails: so it can stand where a reader of files hands on keys.
func (c *Census) Add(k *rdb.Key) error {
	c.whole.add(k)
	if p := c.prefix(k.Name); p == nil {
		c.without.add(k)
	} else {
		c.prefixes.add(p, k)
	}
	c.bytes.offer(k, uint64(k.Size))
	if k.Elements > 1 {
		c.elements.offer(k, k.Elements)
	}
	e := &c.expiries[c.term(k.Expires)]
	e.Keys++
	e.Bytes += k.Size
	return nil
}

func (p *Prefix) add(k *rdb.Key) {
	p.Keys++
	p.Bytes += k.Size
}

// term gives which of the expiries a time belongs to.
func (c *Census) term(expires int64) int {
	if expires == 0 {
		return never
	}
	for i, t := range terms {
		if expires <= c.o.Now.Add(t.in).UnixMilli() {
			return 1 + i
		}
	}
	return later
}

// prefixMax is how far into a name separators are looked for.
const prefixMax = 128

// prefix gives what of a name goes up to its last separator that counts; nil if it has none.
func (c *Census) prefix(name []byte) []byte {
	name = name[:min(len(name), prefixMax)]
	end := 0
	for range c.o.Depth {
		n := bytes.IndexByte(name[end:], c.o.Separator)
		if n < 0 {
			break
		}
		end += n + 1
	}
	if end == 0 {
		return nil
	}
	return name[:end]
}

// Result gives what was counted so far.
func (c *Census) Result() Result {
	r := Result{
		Prefixes: c.prefixes.largest(c.o.Prefixes), Without: c.without, Exact: !c.prefixes.lost,
		ByBytes: c.bytes.sorted(), ByElements: c.elements.sorted(), Expiries: c.expiries[:],
	}
	r.Others = Prefix{Keys: c.whole.Keys - c.without.Keys, Bytes: c.whole.Bytes - c.without.Bytes}
	for _, p := range r.Prefixes {
		r.Others.Keys -= p.Keys
		r.Others.Bytes -= p.Bytes
	}
	return r
}

// nameMax is how much of a key is shown.
const nameMax = 64

// escape makes a name fit to be shown.
func escape(p []byte) string {
	cut := ""
	if len(p) > nameMax {
		p, cut = p[:nameMax], "…"
	}
	s := strconv.QuoteToASCII(string(p))
	return s[1:len(s)-1] + cut
}
