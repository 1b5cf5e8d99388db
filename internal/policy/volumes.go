package policy

import "github.com/holdfast-dr/holdfast/internal/dr"

// Volumes says which volumes of an instance are left out of its snapshots. The
// zero value takes all. A volume that bears the tag holdfast:exclude is left out
// whatever the policy says.
type Volumes struct {
	// NoBoot leaves out the volume that the instance starts from.
	NoBoot bool
	// Exclude leaves out volumes that bear all of these tags; the value * stands
	// for any.
	Exclude dr.Tags
}

// Take reports whether a part is to be snapshotted.
func (v Volumes) Take(p dr.Part) bool {
	if _, out := p.Tags[dr.TagExclude]; out || v.NoBoot && p.Boot {
		return false
	}
	if len(v.Exclude) == 0 {
		return true
	}
	for k, want := range v.Exclude {
		if have, ok := p.Tags[k]; !ok || want != AnyValue && have != want {
			return true
		}
	}
	return false
}

func (d *decoder) volumes(n *node) Volumes {
	var v Volumes
	if d.object(n, "volumes", d.volumeFields(&v)) && len(n.entries) == 0 {
		d.fail(n.pos, "write volumes: {boot: false}, or leave it out", "volumes: it states nothing")
	}
	return v
}

func (d *decoder) volumeFields(v *Volumes) []field {
	return []field{
		{"boot", func(n *node) { v.NoBoot = !d.flag(n, "boot", true) }},
		{"exclude", func(n *node) {
			if d.object(n, "exclude", d.partFields(v)) && len(n.entries) == 0 {
				d.fail(n.pos, "leave it out", "exclude: it states nothing")
			}
		}},
	}
}

func (d *decoder) partFields(v *Volumes) []field {
	return []field{{"tags", func(n *node) { v.Exclude = d.tags(n) }}}
}

// flag reads true or false; otherwise is what it is when it is neither.
func (d *decoder) flag(n *node, what string, otherwise bool) bool {
	if n.shape != text || n.quoted || n.text != "true" && n.text != "false" {
		d.wrong(n, what, "true or false", "")
		return otherwise
	}
	return n.text == "true"
}
