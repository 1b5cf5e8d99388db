package policy

import (
	"slices"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// match reads a selector and what it excludes.
func (d *decoder) match(n *node) Selector {
	var s Selector
	exclude := field{"exclude", func(n *node) {
		x := Selector{}
		if d.object(n, "exclude", d.selectorFields(&x)) && len(n.entries) == 0 {
			d.fail(n.pos, "leave it out", "exclude: it states nothing")
		}
		s.Exclude = &x
	}}
	if !d.object(n, "match", append(d.selectorFields(&s), exclude)) {
		return s
	}
	if !slices.ContainsFunc(n.entries, func(e entry) bool { return e.key != "exclude" }) {
		d.fail(n.pos, `write name: ".*" to mean all resources`, "match: it says nothing about what to protect")
	}
	return s
}

func (d *decoder) selectorFields(s *Selector) []field {
	return []field{
		{"kinds", func(n *node) { s.Kinds = d.kinds(n) }},
		{"sites", func(n *node) { s.Sites = d.sources(n, s.Kinds) }},
		{"tags", func(n *node) { s.Tags = d.tags(n) }},
		{"name", func(n *node) { s.Name = d.pattern(n) }},
	}
}

func (d *decoder) kinds(n *node) []dr.Kind {
	known := make([]string, len(d.opt.Kinds))
	for i, k := range d.opt.Kinds {
		known[i] = string(k)
	}
	var out []dr.Kind
	for _, w := range d.words(n, "kinds", "kinds of stores") {
		if len(known) > 0 && !slices.Contains(known, w.text) {
			d.fail(w.pos, didYouMean(w.text, known), "unknown kind %q", clip(w.text))
			continue
		}
		out = append(out, dr.Kind(w.text))
	}
	return out
}

// sources reads the sites where resources live.
func (d *decoder) sources(n *node, kinds []dr.Kind) []string {
	var out []string
	for _, w := range d.words(n, "sites", "sites") {
		s, ok := d.knownSite(w.text, w.pos)
		if ok && s.Vault != "" && !d.canBeFiles(kinds) {
			d.fail(w.pos, "name a site with a region", "sites: %s is a vault, where %s do not live", w.text, joinSorted(kinds))
		}
		out = append(out, w.text)
	}
	return out
}

// canBeFiles reports whether the snapshots of any of the kinds are files; no
// kinds means all.
func (d *decoder) canBeFiles(kinds []dr.Kind) bool {
	return len(kinds) == 0 || len(d.opt.FileKinds) == 0 ||
		slices.ContainsFunc(kinds, func(k dr.Kind) bool { return slices.Contains(d.opt.FileKinds, k) })
}

func (d *decoder) tags(n *node) dr.Tags {
	if n.shape != mapping || len(n.entries) == 0 {
		d.wrong(n, "tags", "a mapping from keys to values", `write tags: {backup: gold}, or {backup: "*"} for any value`)
		return nil
	}
	out := dr.Tags{}
	for _, e := range n.entries {
		switch {
		case e.key == "":
			d.fail(e.pos, "", "tags: a key is empty")
		case e.value.shape == nothing:
			d.fail(e.value.pos, `write "*" for any value, or "" for the empty one`, "tags: %q has no value", clip(e.key))
		case e.value.shape != text:
			d.wrong(e.value, "tags", "one value", "write one policy for each value")
		default:
			out[e.key] = e.value.text
		}
	}
	return out
}

func (d *decoder) pattern(n *node) Pattern {
	s, ok := d.text(n, "name", "a regular expression")
	if !ok {
		return Pattern{}
	}
	p, err := NewPattern(s)
	if err != nil {
		d.fail(n.pos, "", "name: %q %v", clip(s), err)
	}
	return p
}

// destination reads the site that copies go to.
func (d *decoder) destination(n *node, p *draft) string {
	name, ok := d.text(n, "to", "the name of a site")
	if !ok {
		return ""
	}
	s, ok := d.knownSite(name, n.pos)
	if !ok {
		return name
	}
	if slices.ContainsFunc(p.Copies, func(c Copy) bool { return c.To == name }) {
		d.fail(n.pos, "keep one of them", "copies: %s is a destination already", name)
	}
	if d.onlySource(p.Match, name) {
		d.fail(n.pos, "name another site", "copies: to %s, from where the snapshots come", name)
	}
	if s.Vault != "" && !d.canBeFiles(p.Match.Kinds) {
		d.fail(n.pos, "name a site with a region", "copies: %s is a vault, which cannot hold snapshots of %s", name, joinSorted(p.Match.Kinds))
	}
	return name
}

// onlySource reports whether the snapshots can come from that site only.
func (d *decoder) onlySource(m Selector, name string) bool {
	if len(m.Sites) > 0 {
		return len(m.Sites) == 1 && m.Sites[0] == name
	}
	return len(d.out.Sites) == 1 && d.out.Sites[0].Name == name
}
