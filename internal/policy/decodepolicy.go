package policy

import (
	"time"
)

// marks holds where things stand in a policy that the review looks at.
type marks struct {
	rpo    Pos
	floors []floorMark
}

// floorMark is a floor that was written down.
type floorMark struct {
	keep Retention
	pos  Pos
}

// draft is a policy under way.
type draft struct {
	Policy
	marks
	every, cron *node
	paces       []copyDraft
	zoneFailed  bool
}

func (d *decoder) policyFields(p *draft) []field {
	return []field{
		{"match", func(n *node) { p.Match = d.match(n) }},
		{"timezone", func(n *node) { d.timezone(n, p) }},
		{"every", func(n *node) { p.every = n }},
		{"cron", func(n *node) { p.cron = n }},
		{"keep", func(n *node) { p.Keep = d.keep(n, &p.marks) }},
		{"volumes", func(n *node) { p.Volumes = d.volumes(n) }},
		{"copies", func(n *node) { d.copies(n, p) }},
		{"checks", func(n *node) { p.Checks = d.checks(n) }},
		{"objective", func(n *node) { d.objective(n, p) }},
	}
}

func (d *decoder) policy(e entry) {
	p := &draft{Policy: Policy{Name: e.key, Location: time.UTC, Pos: e.pos}}
	switch e.key {
	case TagPolicyName:
		d.fail(e.pos, "call it something else", "the name %q is for what resources state themselves", e.key)
	case ManualName:
		d.fail(e.pos, "call it something else", "the name %q is for snapshots that are taken by hand outside any policy", e.key)
	}
	if !d.object(e.value, "policy "+clip(e.key), d.policyFields(p)) {
		return
	}
	if e.value.lacks("match") {
		d.fail(e.pos, `write match: {name: ".*"} to mean all resources`, "policy %s: match is missing", clip(e.key))
	}
	if e.value.lacks("keep") {
		d.fail(e.pos, keepHint, "policy %s: keep is missing", clip(e.key))
	}
	d.schedule(p, e)
	d.copyPaces(p)
	d.checkFloors(p)
	d.out.Policies = append(d.out.Policies, p.Policy)
	d.marks = append(d.marks, p.marks)
}

func (d *decoder) timezone(n *node, p *draft) {
	const hint = "zones are written like Europe/Berlin or America/New_York"
	name, ok := d.text(n, "timezone", "the name of a time zone")
	if !ok {
		p.zoneFailed = true
		return
	}
	if name == "Local" {
		d.fail(n.pos, hint, "timezone: Local differs from machine to machine")
		p.zoneFailed = true
		return
	}
	if name == "Etc/UTC" {
		name = "UTC"
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		d.fail(n.pos, hint, "timezone: %q is unknown", clip(name))
		p.zoneFailed = true
		return
	}
	p.Location = loc
}

// schedule reads every or cron, of which there must be one.
func (d *decoder) schedule(p *draft, e entry) {
	if p.every == nil && p.cron == nil {
		if e.value.lacks("every", "cron") {
			d.fail(e.pos, "write every: 1h, or cron: \"0 3 * * *\"", "policy %s: a schedule is missing", clip(p.Name))
		}
		return
	}
	d.pace(p, "policy "+clip(p.Name), p.every, p.cron, &p.Schedule)
}

// pace reads a schedule from every or cron, whichever is there.
func (d *decoder) pace(p *draft, where string, every, cron *node, into *Schedule) {
	if every != nil && cron != nil {
		d.fail(cron.pos, "keep one of them", "%s: there is both every and cron", where)
	}
	n, what, want, build := every, "every", "a duration such as 6h", Every
	if n == nil {
		n, what, want, build = cron, "cron", `a cron expression in quotes, such as "0 3 * * *"`, Cron
	}
	s, ok := d.text(n, what, want)
	if !ok || p.zoneFailed {
		return
	}
	var err error
	if *into, err = build(s, p.Location); err == nil {
		return
	}
	if other, ok := underOtherKey(what, s); ok {
		d.fail(n.pos, "write it under the key "+other, "%s: expected %s, found %q", what, want, clip(s))
		return
	}
	d.fail(n.pos, "", "%s: %v", what, err)
}

// underOtherKey helps someone who wrote a cron under every, or a duration under
// cron.
func underOtherKey(what, s string) (other string, ok bool) {
	if what == "every" {
		_, err := Cron(s, nil)
		return "cron", err == nil
	}
	_, err := ParseDuration(s)
	return "every", err == nil
}

func (d *decoder) copies(n *node, p *draft) {
	if n.shape != list {
		d.wrong(n, "copies", "a list", "write - {to: …, keep: …} for each destination")
		return
	}
	for _, item := range n.items {
		c := copyDraft{}
		if !d.object(item, "copies", d.copyFields(&c, p)) {
			continue
		}
		if item.lacks("to") {
			d.fail(item.pos, "", "copies: to is missing")
		}
		if item.lacks("keep") {
			d.fail(item.pos, keepHint, "copies: keep is missing")
		}
		p.Copies = append(p.Copies, c.Copy)
		p.paces = append(p.paces, c)
	}
}

// copyDraft is a copy under way.
type copyDraft struct {
	Copy
	every, cron *node
}

// copyPaces reads the schedules that copies have of their own, when the time zone of
// the policy is known.
func (d *decoder) copyPaces(p *draft) {
	for i, c := range p.paces {
		if c.every != nil || c.cron != nil {
			d.pace(p, "copies to "+clip(c.To), c.every, c.cron, &p.Copies[i].Schedule)
		}
	}
}

func (d *decoder) copyFields(c *copyDraft, p *draft) []field {
	return []field{
		{"to", func(n *node) { c.To = d.destination(n, p) }},
		{"every", func(n *node) { c.every = n }},
		{"cron", func(n *node) { c.cron = n }},
		{"keep", func(n *node) { c.Keep = d.keep(n, &p.marks) }},
	}
}

func (d *decoder) objective(n *node, p *draft) {
	d.object(n, "objective", d.objectiveFields(p))
	if n.shape == mapping && len(n.entries) == 0 {
		d.fail(n.pos, "write objective: {rpo: 24h, rto: 4h}, or leave it out", "objective: it states nothing")
	}
}

func (d *decoder) objectiveFields(p *draft) []field {
	return []field{
		{"rpo", func(n *node) { p.Objective.RPO = d.duration(n, "rpo"); p.rpo = n.pos }},
		{"rto", func(n *node) { p.Objective.RTO = d.duration(n, "rto") }},
	}
}

func (d *decoder) duration(n *node, what string) time.Duration {
	s, ok := d.text(n, what, "a duration such as 6h")
	if !ok {
		return 0
	}
	v, err := ParseDuration(s)
	if err != nil {
		d.fail(n.pos, "", "%s: %v", what, err)
	}
	return v
}
