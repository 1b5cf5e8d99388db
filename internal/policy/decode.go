package policy

import (
	"slices"
	"strconv"
)

// decoder turns nodes into a File.
type decoder struct {
	reporter
	opt Options
	out File
	// marks holds the places that the review needs, by policy.
	marks []marks
}

// field is one key of a mapping and how to read its value. The tables of fields
// are the one list of what the language knows: unknown keys are told from them,
// and the schema is tested against them.
type field struct {
	key  string
	read func(*node)
}

// object reads a mapping, in the order of the fields and not of the file, so that
// sites are known before policies name them.
func (d *decoder) object(n *node, what string, fields []field) bool {
	if n.shape != mapping {
		d.wrong(n, what, "a mapping", "")
		return false
	}
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.key
	}
	for _, e := range n.entries {
		if !slices.Contains(known, e.key) {
			d.fail(e.pos, didYouMean(e.key, known), "unknown key %q in %s", clip(e.key), what)
		}
	}
	for _, f := range fields {
		if v := n.get(f.key); v != nil {
			f.read(v)
		}
	}
	return true
}

// get gives the value of a key, or nil.
func (n *node) get(key string) *node {
	for _, e := range n.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// lacks reports whether none of the keys is there, not even misspelt: that was
// complained about already.
func (n *node) lacks(keys ...string) bool {
	for _, e := range n.entries {
		for _, k := range keys {
			if e.key == k || closeTo(e.key, k) {
				return false
			}
		}
	}
	return true
}

// wrong reports a value of the wrong shape.
func (d *decoder) wrong(n *node, what, want, hint string) {
	d.fail(n.pos, hint, "%s: expected %s, found %s", what, want, n.describe())
}

// text reads a scalar as it was written.
func (d *decoder) text(n *node, what, want string) (string, bool) {
	if n.shape != text || n.text == "" {
		if n.shape == text {
			d.fail(n.pos, "", "%s: expected %s, found an empty text", what, want)
		} else {
			d.wrong(n, what, want, "")
		}
		return "", false
	}
	return n.text, true
}

// textInto is a field that holds any text.
func (d *decoder) textInto(what, want string, out *string) func(*node) {
	return func(n *node) {
		if s, ok := d.text(n, what, want); ok {
			*out = s
		}
	}
}

// maxCount bounds the count rules; AWS allows far fewer snapshots.
const maxCount = 100_000

// countInto is a field that holds a whole number, not below zero.
func (d *decoder) countInto(what string, out *int) func(*node) {
	return func(n *node) {
		if n.shape != text || n.kind != "a number" {
			hint := ""
			if _, err := strconv.Atoi(n.text); err == nil {
				hint = "write it without quotes"
			}
			d.wrong(n, what, "a whole number", hint)
			return
		}
		v, err := strconv.Atoi(n.text)
		if err != nil || v < 0 || v > maxCount || strconv.Itoa(v) != n.text {
			d.fail(n.pos, "", "%s: expected a whole number from 0 to %d, found %s", what, maxCount, clip(n.text))
			return
		}
		*out = v
	}
}

// word is one entry of a list of texts.
type word struct {
	text string
	pos  Pos
}

// words reads a list of texts, none of them twice.
func (d *decoder) words(n *node, what, want string) []word {
	if n.shape != list {
		hint := ""
		if n.shape == text {
			hint = "write [" + clip(n.text) + "]"
		}
		d.wrong(n, what, "a list of "+want, hint)
		return nil
	}
	if len(n.items) == 0 {
		d.fail(n.pos, "leave the key out, or name at least one", "%s: the list is empty", what)
	}
	var out []word
	for _, item := range n.items {
		s, ok := d.text(item, what, "a text")
		if !ok {
			continue
		}
		if slices.ContainsFunc(out, func(w word) bool { return w.text == s }) {
			d.fail(item.pos, "keep one of them", "%s: %q is listed twice", what, clip(s))
			continue
		}
		out = append(out, word{s, item.pos})
	}
	return out
}
