package engine

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// point is the recovery point that a person means.
type point struct {
	dr.Snapshot
	// source is what it was taken of.
	source dr.Ref
	// notes are what the person should know of the choice.
	notes []string
}

// chooser finds it.
type chooser struct {
	namespace string
	inv       dr.Inventory
	wish      RestoreWish
	// at is the moment whose data is wanted at the latest; zero: now.
	at time.Time
}

// recoveryPoint finds the snapshot that a person means, or says what to ask for instead.
func recoveryPoint(namespace string, inv dr.Inventory, w RestoreWish) (point, error) {
	c := chooser{namespace: namespace, inv: inv, wish: w}
	at, byTime := parseMoment(w.From)
	if !byTime && w.From != "" && w.From != "latest" {
		return c.named()
	}
	c.at = at
	return c.newest()
}

// refuse gives an error with what to do.
func (c chooser) refuse(remedy, format string, args ...any) error {
	return &store.Error{Doing: "restore " + c.wish.Resource, Fault: store.Invalid, Remedy: remedy, Err: fmt.Errorf(format, args...)}
}

// sourceOf gives what a snapshot was taken of, at the site where that lives or lived.
func (c chooser) sourceOf(s *dr.Snapshot) dr.Ref {
	if !s.Claim.Ours() {
		return s.Of
	}
	ref, ok := dr.ReadSource(s.Claim.Source)
	if !ok {
		return s.Of
	}
	for _, site := range c.inv.Sites {
		if site.Account == ref.Site.Account && site.Region == ref.Site.Region && ref.Site.Vault == "" {
			ref.Site.Name = site.Name
		}
	}
	if gap, ok := c.gapOf(ref); ref.Site.Name == "" && ok {
		ref.Site.Name = gap.Site.Name
	}
	return ref
}

// gapOf finds the scope in which a source lives among what could not be seen. The
// account of a site that was never reached may not be known.
func (c chooser) gapOf(source dr.Ref) (dr.Scope, bool) {
	for scope := range c.inv.Gaps {
		at := scope.Site
		if scope.Kind == source.Kind && at.Region == source.Site.Region && (at.Account == source.Site.Account || at.Account == "") {
			return scope, true
		}
	}
	return dr.Scope{}, false
}

// here reports whether a person who names a site or a kind may mean this.
func (c chooser) here(r dr.Ref) bool {
	return (c.wish.Site == "" || r.Site.Name == c.wish.Site) && (c.wish.Kind == "" || r.Kind == c.wish.Kind)
}

// calls reports whether the person's word is a name of a resource: its identifier, with
// or without the form before a colon, what people call it, its ARN, or all of
// kind/account/Region/identifier.
func (c chooser) calls(source dr.Ref, r *dr.Resource, tags dr.Tags) bool {
	word := c.wish.Resource
	_, plain, _ := strings.Cut(source.ID, ":")
	switch {
	case source.ID == word, source.Source() == word, plain != "" && plain == word:
		return true
	case r != nil:
		return r.Name == word || r.ARN != "" && r.ARN == word
	default:
		return tags["Name"] != "" && tags["Name"] == word
	}
}

// means reports whether a snapshot is of what the person calls by a name; without one
// each is.
func (c chooser) means(s *dr.Snapshot) bool {
	if c.wish.Resource == "" {
		return true
	}
	source := c.sourceOf(s)
	r := c.resource(source)
	if r != nil {
		return c.calls(source, r, nil)
	}
	_, tags, _, _ := s.Claim.Config.Recall() // What cannot be read holds no name.
	return c.calls(source, nil, tags)
}

// resource finds a resource that is there.
func (c chooser) resource(source dr.Ref) *dr.Resource {
	for i := range c.inv.Resources {
		if r := &c.inv.Resources[i]; r.Ref.Source() == source.Source() {
			return r
		}
	}
	return nil
}

// meanings are the resources that bear the name, there or gone, in order.
func (c chooser) meanings() []dr.Ref {
	found := map[string]dr.Ref{}
	for i := range c.inv.Snapshots {
		s := &c.inv.Snapshots[i]
		if c.here(s.Ref) && s.Claim.Owner == c.namespace && s.Claim.Policy != dr.PolicyFinal && c.means(s) {
			source := c.sourceOf(s)
			found[source.Source()] = source
		}
	}
	for i := range c.inv.Resources {
		r := &c.inv.Resources[i]
		if _, aside := r.Tags.Aside(); !aside && c.here(r.Ref) && c.calls(r.Ref, r, nil) {
			found[r.Ref.Source()] = r.Ref
		}
	}
	return slices.SortedFunc(maps.Values(found), dr.Ref.Compare)
}

// newest gives the newest recovery point of the one resource that is meant.
func (c chooser) newest() (point, error) {
	all := c.meanings()
	if len(all) == 0 {
		return point{}, c.none(dr.Ref{}, nil)
	}
	p := point{source: all[0]}
	if len(all) > 1 {
		var only bool
		if p.source, only = c.onlyPoints(all); !only {
			return point{}, c.ambiguous(all)
		}
		p.notes = append(p.notes, fmt.Sprintf("%s at %s has no recovery point of its own: this is the data of %s", c.wish.Resource, c.wish.Site, p.source.Source()))
	}
	of := c.pointsOf(p.source)
	site, err := c.site(p.source, of)
	if err != nil {
		return point{}, err
	}
	for _, s := range of {
		switch {
		case s.Ref.Site.Name != site || !c.inTime(s):
		case s.State == dr.Good:
			p.Snapshot = *s
			return p, nil
		case s.State == dr.Pending:
			p.notes = append(p.notes, fmt.Sprintf("a newer one, %s of %s, is still being made and is not used", s.Ref.ID, stamp(s.Taken)))
		}
	}
	return point{}, c.none(p.source, of)
}

// pointsOf gives the recovery points of a resource at all sites, good or not, the newest
// first.
func (c chooser) pointsOf(source dr.Ref) []*dr.Snapshot {
	var of []*dr.Snapshot
	for i := range c.inv.Snapshots {
		s := &c.inv.Snapshots[i]
		if s.Claim.Owner == c.namespace && s.Claim.Policy != dr.PolicyFinal && s.Claim.Stage == "" && s.Ref.Kind == source.Kind && c.sourceOf(s).Source() == source.Source() {
			of = append(of, s)
		}
	}
	slices.SortStableFunc(of, func(a, b *dr.Snapshot) int {
		return cmp.Or(b.Taken.Compare(a.Taken), a.Ref.Compare(b.Ref))
	})
	return of
}

// onlyPoints chooses, at the site that a person names, among resources that are one and
// the same but for where they live, such as a database and the one that stands in for it
// elsewhere: the one of which there are recovery points, if only one has any.
func (c chooser) onlyPoints(all []dr.Ref) (source dr.Ref, ok bool) {
	if c.wish.Site == "" {
		return dr.Ref{}, false
	}
	for _, r := range all {
		if r.Kind != all[0].Kind || r.ID != all[0].ID {
			return dr.Ref{}, false
		}
		if slices.ContainsFunc(c.pointsOf(r), func(s *dr.Snapshot) bool { return c.here(s.Ref) }) {
			if ok {
				return dr.Ref{}, false
			}
			source, ok = r, true
		}
	}
	return source, ok
}

func (c chooser) inTime(s *dr.Snapshot) bool { return c.at.IsZero() || !s.Taken.After(c.at) }

func (c chooser) good(s *dr.Snapshot) bool { return s.State == dr.Good && c.inTime(s) }

// site says where to restore: where the person says, else where the resource lives.
// Nobody is moved to another site without a word.
func (c chooser) site(source dr.Ref, of []*dr.Snapshot) (string, error) {
	if c.wish.Site != "" {
		return c.wish.Site, nil
	}
	var sites, points []string
	atHome := false
	for _, s := range of {
		if name := s.Ref.Site.Name; c.good(s) && !slices.Contains(sites, name) {
			sites = append(sites, name)
			points = append(points, fmt.Sprintf("at %s, the newest of %s", name, stamp(s.Taken)))
			atHome = atHome || name == source.Site.Name
		}
	}
	gap, unseen := c.gapOf(source)
	switch remedy := "say where to restore: --site " + strings.Join(sites, " or --site "); {
	case len(sites) == 0:
		return source.Site.Name, nil // There is none, as will be said.
	case unseen:
		return "", c.refuse(remedy, "%s, where %s lives, cannot be seen (%s); there are recovery points %s",
			gap.Site.Name, source.ID, store.Brief(c.inv.Gaps[gap]), strings.Join(points, ", and "))
	case atHome:
		return source.Site.Name, nil
	case source.Site.Name != "":
		return "", c.refuse(remedy, "there is no good snapshot at %s, where it lives; there are recovery points %s", source.Site.Name, strings.Join(points, ", and "))
	case len(sites) > 1:
		return "", c.refuse(remedy, "it lived at none of the sites of the policy file; there are recovery points %s", strings.Join(points, ", and "))
	default:
		return sites[0], nil
	}
}

// ambiguous lists what the name may mean.
func (c chooser) ambiguous(all []dr.Ref) error {
	var list []string
	for _, r := range all {
		list = append(list, fmt.Sprintf("%s (%s at %s)", r.Source(), r.Kind, cmp.Or(r.Site.Name, r.Site.Account+" "+r.Site.Region)))
	}
	return c.refuse("say which: --kind, --site, or one of these instead of "+c.wish.Resource,
		"%s may mean %d resources: %s", c.wish.Resource, len(all), strings.Join(list, ", "))
}

// none says why there is no recovery point, as well as it can be told.
func (c chooser) none(source dr.Ref, of []*dr.Snapshot) error {
	where := ""
	if c.wish.Site != "" {
		where = " at " + c.wish.Site
	}
	remedy := ""
	said := []string{fmt.Sprintf("there is no good snapshot of %s%s that can be used (--from %s)", c.wish.Resource, where, cmp.Or(c.wish.From, "latest"))}
	add := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	for _, s := range of {
		switch {
		case s.State == dr.Pending && c.here(s.Ref):
			add("%s is still being made%s", s.Ref.ID, percent(s))
			remedy = "wait until it is complete"
		case s.State == dr.Good && !c.here(s.Ref) && c.inTime(s):
			add("%s at %s is one", s.Ref.ID, s.Ref.Site.Name)
			remedy = "restore there: --site " + s.Ref.Site.Name
		case s.State == dr.Good && !c.inTime(s):
			add("%s at %s is of %s", s.Ref.ID, s.Ref.Site.Name, stamp(s.Taken))
			remedy = "ask for a later time"
		default:
			continue
		}
		break
	}
	if remedy == "" && source.ID != "" && c.resource(source) != nil {
		remedy = "`holdfast snapshots " + c.wish.Resource + " --all` lists what there is; one of somebody else can be named with --from"
	}
	said = append(said, c.unseen()...)
	return &store.Error{Doing: "restore " + c.wish.Resource, Fault: store.NotFound, Remedy: remedy, Err: errors.New(strings.Join(said, "; "))}
}

func percent(s *dr.Snapshot) string {
	if s.Percent > 0 {
		return fmt.Sprintf(" (%d%%)", s.Percent)
	}
	return ""
}

// named gives the snapshot that was named, whoever's it is.
func (c chooser) named() (point, error) {
	var found []*dr.Snapshot
	for i := range c.inv.Snapshots {
		s := &c.inv.Snapshots[i]
		if c.here(s.Ref) && (s.Ref.ID == c.wish.From || s.ARN != "" && s.ARN == c.wish.From || slices.Contains(s.Members, c.wish.From)) {
			found = append(found, s)
		}
	}
	if of := slices.DeleteFunc(slices.Clone(found), func(s *dr.Snapshot) bool { return !c.means(s) }); len(of) > 0 {
		found = of
	}
	switch len(found) {
	case 0:
		return point{}, c.noSuch()
	case 1:
		return c.usable(found[0])
	}
	var list []string
	for _, s := range found {
		list = append(list, fmt.Sprintf("%s %s at %s", s.Ref.Kind, s.Ref.ID, s.Ref.Site.Name))
	}
	return point{}, c.refuse("say which: --site or --kind", "there are %d snapshots of that name: %s", len(found), strings.Join(list, ", "))
}

func (c chooser) noSuch() error {
	said := []string{fmt.Sprintf("there is no snapshot %s%s", c.wish.From, inScope(c.wish))}
	return c.refuse("`holdfast snapshots "+c.wish.Resource+" --all` lists those that there are; a time is written like \"2026-11-20 14:05\"",
		"%s", strings.Join(append(said, c.unseen()...), "; "))
}

// unseen says where something may be that could not be seen.
func (c chooser) unseen() []string {
	var out []string
	for scope, gap := range c.inv.Gaps {
		if c.here(dr.Ref{Kind: scope.Kind, Site: scope.Site}) {
			out = append(out, fmt.Sprintf("%s could not be seen (%s)", scope.Site.Name, store.Brief(gap)))
		}
	}
	return unique(out)
}

func inScope(w RestoreWish) string {
	out := ""
	if w.Kind != "" {
		out += " of kind " + string(w.Kind)
	}
	if w.Site != "" {
		out += " at " + w.Site
	}
	return out
}

// usable says why a snapshot that a person named cannot be restored from, or what is
// unusual about it.
func (c chooser) usable(s *dr.Snapshot) (point, error) {
	source := c.sourceOf(s)
	p := point{Snapshot: *s, source: source}
	switch {
	case !c.means(s):
		return p, c.refuse("name what it is of: `holdfast restore "+source.ID+" …`", "snapshot %s is of %s, not of %s", s.Ref.ID, source.ID, c.wish.Resource)
	case s.State == dr.Pending:
		return p, c.refuse("wait until it is complete, or take an earlier one with --from", "snapshot %s is still being made%s", s.Ref.ID, percent(s))
	case s.State != dr.Good:
		return p, c.refuse("take another one with --from", "snapshot %s is %s and cannot be restored from", s.Ref.ID, cmp.Or(s.Status, string(s.State)))
	case s.Claim.Stage != "":
		return p, c.refuse("take the snapshot itself, or its copy", "snapshot %s is only a stop on the way of a copy (%s), and is deleted when the copy is there", s.Ref.ID, s.Claim.Stage)
	case s.Claim.Ours() && s.Claim.Owner != c.namespace:
		p.notes = append(p.notes, fmt.Sprintf("the snapshot belongs to another installation of holdfast (%s), which may delete it meanwhile", s.Claim.Owner))
	case !s.Claim.Ours():
		p.notes = append(p.notes, "the snapshot was not made by holdfast and captures no configuration: it is taken from "+source.ID+" as it is now")
	}
	return p, nil
}

// stamp writes a moment for people.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }
