package policy

import (
	"regexp"
	"slices"
	"strings"
)

func (d *decoder) topFields() []field {
	return []field{
		{"namespace", d.namespace},
		{"sites", d.sites},
		{endpointsKey(), d.endpoints},
		{"policies", d.policies},
		{"notify", d.notify},
		{"kinds", func(n *node) { d.out.Kinds = d.kinds(n) }},
		{"dialects", d.dialects},
	}
}

// top reads the whole file.
func (d *decoder) top(root *node) {
	if !d.object(root, "the policy file", d.topFields()) {
		return
	}
	if root.lacks("namespace") {
		d.fail(Pos{1, 1}, "write one, such as namespace: prod; it marks what belongs to this installation", "namespace is missing")
	}
	if root.lacks("sites") {
		d.fail(Pos{1, 1}, "name at least one account and Region, as in sites: {prod: {region: us-east-1}}", "sites is missing")
	}
}

func (d *decoder) namespace(n *node) {
	if s, ok := d.text(n, "namespace", "a name"); ok && d.checkName("namespace", s, n.pos) {
		d.out.Namespace = s
	}
}

// named visits the entries of a mapping from names to something.
func (d *decoder) named(n *node, plural, singular string, visit func(entry)) {
	if n.shape != mapping {
		d.wrong(n, plural, "a mapping from names to what they mean", "")
		return
	}
	if len(n.entries) == 0 {
		d.fail(n.pos, "write at least one", "%s: there are none", plural)
	}
	for _, e := range n.entries {
		d.checkName(singular, e.key, e.pos)
		visit(e)
	}
}

func (d *decoder) policies(n *node) {
	d.named(n, "policies", "policy", d.policy)
}

func (d *decoder) notify(n *node) {
	if n.shape != list {
		d.wrong(n, "notify", "a list", "write - url: … for each address")
		return
	}
	for _, item := range n.items {
		out := Notify{Pos: item.pos}
		if !d.object(item, "notify", d.notifyFields(&out)) {
			continue
		}
		if item.lacks("url") {
			d.fail(item.pos, "", "notify: url is missing")
		}
		if item.get("on") == nil {
			out.On = []Event{OnFailure, OnBreach}
		}
		d.out.Notify = append(d.out.Notify, out)
	}
}

var urlForm = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:.`)

func (d *decoder) notifyFields(out *Notify) []field {
	return []field{
		{"url", func(n *node) {
			s, ok := d.text(n, "url", "a URL")
			if ok && !urlForm.MatchString(s) { // Not quoted: it may hold a secret.
				d.fail(n.pos, "write scheme:…, such as sns:arn:aws:sns:…, slack://… or https://…", "url: this is not a URL")
			}
			out.URL = s
		}},
		{"on", func(n *node) { out.On = d.events(n) }},
	}
}

func (d *decoder) events(n *node) []Event {
	known := make([]string, 0, len(Events()))
	for _, e := range Events() {
		known = append(known, string(e))
	}
	var out []Event
	for _, w := range d.words(n, "on", "events") {
		if !slices.Contains(known, w.text) {
			d.fail(w.pos, didYouMean(w.text, known), "unknown event %q", clip(w.text))
			continue
		}
		out = append(out, Event(w.text))
	}
	return out
}

// siteNames lists the sites for hints.
func (d *decoder) siteNames() []string {
	names := make([]string, len(d.out.Sites))
	for i, s := range d.out.Sites {
		names[i] = s.Name
	}
	return names
}

// knownSite looks up a site and complains when there is none.
func (d *decoder) knownSite(name string, at Pos) (Site, bool) {
	s, ok := d.out.Site(name)
	if !ok {
		hint := didYouMean(name, d.siteNames())
		if hint == "" || strings.HasPrefix(hint, "known are") {
			hint = strings.TrimSuffix("define it under sites; "+hint, "; ")
		}
		d.fail(at, hint, "unknown site %q", clip(name))
	}
	return s, ok
}
