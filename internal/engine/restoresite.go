package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// move takes a captured configuration to the site where it is restored.
type move struct {
	from, to dr.Site
	said     policy.Translation
	bound    map[string]store.Binding
	// key is the destination's own, and copyKey that of the snapshot; empty where there
	// is none.
	key, copyKey string
	// drop names the settings that a person leaves out.
	drop []string
}

// moved is what has become of it.
type moved struct {
	settings      map[string]string
	losses, notes []string
}

// away reports whether it is restored in another account or Region.
func (m move) away() bool { return m.from.Account != m.to.Account || m.from.Region != m.to.Region }

// settings translates all settings, or says which cannot be, all at once.
func (m move) settings(captured map[string]string) (moved, error) {
	if err := m.droppable(captured); err != nil {
		return moved{}, err
	}
	out := moved{settings: maps.Clone(captured)}
	var missing []missed
	for _, name := range slices.Sorted(maps.Keys(captured)) {
		value := captured[name]
		if _, there := out.settings[name]; !there || value == "" || value == unset {
			continue
		}
		if slices.Contains(m.drop, name) || slices.Contains(m.drop, policy.Unnumbered(name)) {
			out.lose(name, value, "left out as you say", m.bound[policy.Unnumbered(name)].With)
			continue
		}
		to, left, _ := m.said.Of(name, value)
		out.settings[name] = to
		if b, tied := m.bound[policy.Unnumbered(name)]; tied && m.away() {
			missing = append(missing, m.tied(&out, name, left, b)...)
		}
	}
	out.notes = unique(out.notes)
	if len(missing) > 0 {
		return moved{}, m.refuse(missing)
	}
	return out, nil
}

// unset stands, in a setting that most of several parts have, for none.
const unset = "-"

// missed is something that is not there where it is restored.
type missed struct{ setting, what string }

// tied decides on those elements of a setting of which nothing is said.
func (m move) tied(out *moved, name string, left []string, b store.Binding) []missed {
	was := out.settings[name]
	switch b.To {
	case store.ToPlace:
		if len(left) > 0 {
			out.lose(name, was, "of the site where it was", b.With)
		}
	case store.ToZone:
		m.zones(out, name, left, b)
	case store.ToCopyKey:
		if out.settings[name] = m.copyKey; m.copyKey == "" {
			out.lose(name, was, "the snapshot is not encrypted", b.With)
		} else {
			out.notes = append(out.notes, "it is encrypted under the snapshot's key "+m.copyKey)
		}
	case store.ToKey:
		if len(left) == 0 {
			break
		}
		if to, rest, ok := m.said.Of("key", was); ok && len(rest) == 0 {
			out.settings[name] = to
			break
		}
		if out.settings[name] = m.key; m.key == "" {
			out.lose(name, was, "AWS's own key there stands in for it", b.With)
		} else {
			out.notes = append(out.notes, name+": the site's key "+m.key+" stands in for "+was)
		}
	case store.ByID, store.ByName, store.ByARN:
		return m.things(out, name, left, b.To)
	}
	return nil
}

// zones leaves out zones of another Region. Those of another account have the same
// names.
func (m move) zones(out *moved, name string, left []string, b store.Binding) {
	was := out.settings[name]
	stays := slices.DeleteFunc(strings.Split(was, ","), func(z string) bool {
		return slices.Contains(left, z) && !strings.HasPrefix(z, m.to.Region)
	})
	switch {
	case len(stays) == 0:
		out.lose(name, was, "AWS chooses", b.With)
	case len(stays) < strings.Count(was, ",")+1:
		out.notes = append(out.notes, name+" "+was+": only "+strings.Join(stays, ",")+" is there")
		out.settings[name] = strings.Join(stays, ",")
	}
}

// idForm is what identifiers look like that AWS gives: sg-0a1b2c3d, d-9067012345.
var idForm = regexp.MustCompile(`^[a-z]{1,10}-[0-9a-f]{8,17}$`)

// things finds what cannot be there, and notes what may.
func (m move) things(out *moved, name string, left []string, to store.Tie) []missed {
	var missing []missed
	var asIs []string
	for _, e := range left {
		what := e[strings.LastIndex(e, " ")+1:]
		switch {
		case strings.HasPrefix(what, "arn:"):
			if m.elsewhere(what) {
				missing = append(missing, missed{name, what})
			}
		case to == store.ByID || idForm.MatchString(what):
			missing = append(missing, missed{name, what})
		case what == "default" || strings.HasPrefix(what, "default.") || strings.HasPrefix(what, "default:"): // AWS's own, which are everywhere.
		default:
			asIs = append(asIs, e)
		}
	}
	if len(asIs) > 0 {
		out.notes = append(out.notes, "taken as it is: "+policy.Unnumbered(name)+" "+strings.Join(asIs, ","))
	}
	return missing
}

// elsewhere reports whether an ARN is of another account or Region. Those of IAM name no
// Region, those of AWS's own things no account.
func (m move) elsewhere(arn string) bool {
	part := strings.SplitN(arn, ":", 6)
	if len(part) < 6 {
		return true
	}
	region, account := part[3], part[4]
	return region != "" && region != m.to.Region || account != "" && account != "aws" && account != m.to.Account
}

// lose leaves a setting out, and with it what means nothing without it.
func (out *moved) lose(name, value, why string, with []string) {
	delete(out.settings, name)
	out.losses = append(out.losses, name+" "+value+" ("+why+")")
	for _, w := range with {
		for _, other := range slices.Sorted(maps.Keys(out.settings)) {
			if policy.Unnumbered(other) == w && out.settings[other] != "" && out.settings[other] != unset {
				out.losses = append(out.losses, other+" "+out.settings[other]+" (goes with "+name+")")
				delete(out.settings, other)
			}
		}
	}
}

// droppable refuses to leave out what was not captured, or what a restore cannot do
// without.
func (m move) droppable(captured map[string]string) error {
	for _, d := range m.drop {
		var can []string
		found := false
		for _, name := range slices.Sorted(maps.Keys(captured)) {
			plain := policy.Unnumbered(name)
			if _, tied := m.bound[plain]; tied && captured[name] != "" {
				can = append(can, plain)
				found = found || name == d || plain == d
			}
		}
		if !found {
			return &store.Error{
				Doing: "leave out " + d, Fault: store.Invalid, Err: fmt.Errorf("no setting of that name was captured that can be left out"),
				Remedy: "these can: " + cmp.Or(strings.Join(unique(can), ", "), "none"),
			}
		}
	}
	return nil
}

// refuse says all that is missing, and what to write for it.
func (m move) refuse(missing []missed) error {
	said := map[string][]string{}
	for _, x := range missing {
		name := policy.Unnumbered(x.setting)
		said[name] = append(said[name], x.what)
	}
	var list, lines []string
	for _, name := range slices.Sorted(maps.Keys(said)) {
		whats := unique(said[name])
		list = append(list, name+" "+strings.Join(whats, ", "))
		pairs := make([]string, len(whats))
		for i, what := range whats {
			pairs[i] = quoted(what) + ": …"
		}
		lines = append(lines, "        "+quoted(name)+": {"+strings.Join(pairs, ", ")+"}")
	}
	return &store.Error{
		Doing: "translate the captured configuration for " + m.to.String(), Fault: store.Invalid,
		Err: fmt.Errorf("these are not there: %s", strings.Join(list, "; ")),
		Remedy: "say in the policy file what stands for them there, or leave one out with --drop NAME:\n    sites:\n      " + m.to.Name +
			":\n        restore:\n" + "  " + strings.Join(lines, "\n  "),
	}
}

// quoted writes a word as YAML takes it within braces.
func quoted(word string) string {
	if strings.ContainsAny(word, ":*{}[],&#!|>'\"%@` ") {
		return `"` + word + `"`
	}
	return word
}

func unique(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}

// outfit gives a request the settings and the tags that the restored one is to have,
// translated to where it is restored.
func (e *Engine) outfit(ctx context.Context, r *store.Restore, inv dr.Inventory, source dr.Ref) (moved, error) {
	if err := e.recall(ctx, &r.From); err != nil {
		return moved{}, err
	}
	settings, tags, left, err := r.From.Claim.Config.Recall()
	if err != nil {
		return moved{}, fmt.Errorf("read the captured configuration of snapshot %s: %w", r.From.Ref.ID, err)
	}
	r.Settings = settings // What is not translated serves to take a restore back.
	live := original(inv, source, r.Old)
	if !r.From.Claim.Ours() {
		if live == nil {
			return moved{}, &store.Error{
				Doing: "restore from snapshot " + r.From.Ref.ID, Fault: store.Invalid,
				Err:    fmt.Errorf("it captures no configuration, and %s is not there to take it from", source.ID),
				Remedy: "restore it with AWS's own console, which asks for the settings",
			}
		}
		if settings, _, _, err = live.Config.Recall(); err != nil {
			return moved{}, fmt.Errorf("read the configuration of %s: %w", live.Ref, err)
		}
		r.Settings = settings
	}
	m := move{from: source.Site, to: r.From.Ref.Site, bound: e.boundOf(r.From.Ref.Kind), copyKey: r.From.Key, drop: r.Drop}
	if known, ok := e.File.Site(m.to.Name); ok {
		if m, err = e.withKeys(ctx, m, known, inv, settings); err != nil {
			return moved{}, err
		}
	}
	out, err := m.settings(settings)
	if err != nil {
		return moved{}, err
	}
	r.Settings = out.settings
	for _, name := range left {
		out.losses = append(out.losses, name+" (did not fit into the captured configuration)")
	}
	if len(left) > 0 { // Some stores cannot do without one or another.
		r.Settings["omitted"] = strings.Join(left, ",")
	}
	switch {
	case live != nil && (!m.away() || len(tags) == 0):
		r.Tags = live.Tags.Lasting()
	default:
		if r.Tags = tags; len(tags) == 0 {
			out.notes = append(out.notes, "no tags were captured with the snapshot: it gets none")
		}
	}
	return out, nil
}

// recall reads the captured configuration of a snapshot that was listed without it.
func (e *Engine) recall(ctx context.Context, from *dr.Snapshot) error {
	if !from.Claim.Ours() || from.Claim.Config != "" {
		return nil
	}
	drv, s, err := e.restorer(from.Ref.Kind)
	if err != nil {
		return err
	}
	if c, ok := drv.(store.Configured); ok {
		if from.Claim.Config, err = c.Captured(ctx, *from); err != nil {
			return s.Wrap("read the captured configuration of snapshot "+from.Ref.ID, err)
		}
	}
	return nil
}

func (e *Engine) boundOf(k dr.Kind) map[string]store.Binding {
	if s := e.store(k); s != nil {
		return s.Bound()
	}
	return nil
}

// original finds what a snapshot was taken of, also while a restore has given it another
// name.
func original(inv dr.Inventory, source dr.Ref, id string) *dr.Resource {
	var same *dr.Resource
	for i := range inv.Resources {
		r := &inv.Resources[i]
		if r.Ref.Source() == source.Source() {
			same = r
		}
		if id == "" || r.Ref.Kind != source.Kind || r.Ref.Site.Account != source.Site.Account || r.Ref.Site.Region != source.Site.Region {
			continue
		}
		if is, err := r.Config.Settings(); err == nil && is["resource-id"] == id {
			return r
		}
	}
	return same
}

// withKeys adds what the file says of the destination. Configurations hold the ARNs of
// keys, and so an alias in the file is looked up on either side.
func (e *Engine) withKeys(ctx context.Context, m move, at policy.Site, inv dr.Inventory, settings map[string]string) (move, error) {
	m.said = at.Restore
	if m.away() && at.Key != "" {
		m.key = arnOf(at.Key, inv.Keys[dr.KeyRef{Site: m.to, Name: at.Key}])
	}
	keys := map[string]bool{"key": true}
	for name := range settings {
		if tie := m.bound[policy.Unnumbered(name)].To; tie == store.ToKey || tie == store.ToCopyKey {
			keys[name], keys[policy.Unnumbered(name)] = true, true
		}
	}
	said := policy.Translation{}
	for name, pairs := range m.said {
		if said[name] = pairs; !keys[name] || e.Account == nil {
			continue
		}
		var err error
		if said[name], err = e.keyPairs(ctx, m, pairs); err != nil {
			return m, err
		}
	}
	m.said = said
	return m, nil
}

// keyPairs gives the same of keys by their ARNs. An alias at the source that cannot be
// looked up stands for nothing that is known.
func (e *Engine) keyPairs(ctx context.Context, m move, pairs map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for from, to := range pairs {
		arn, err := e.keyARN(ctx, m.to, to)
		if err != nil {
			return nil, err
		}
		out[from] = arn
		if !strings.HasPrefix(from, "alias/") || m.from.Name == "" {
			continue
		}
		if was, err := e.keyARN(ctx, m.from, from); err == nil {
			out[was] = arn
		}
	}
	return out, nil
}

// keyARN looks a key up by its name.
func (e *Engine) keyARN(ctx context.Context, site dr.Site, name string) (string, error) {
	key := e.Account.Keys(ctx, site, []string{name})[dr.KeyRef{Site: site, Name: name}]
	if arn := arnOf(name, key); arn != "" {
		return arn, nil
	}
	return "", &store.Error{
		Doing: "look up key " + name + " at " + site.String(), Fault: store.NotFound,
		Err:    errors.New(cmp.Or(key.Unknown, key.Trouble, "there is none")),
		Remedy: "write the key's ARN under restore of site " + site.Name,
	}
}

// arnOf gives the ARN of a key where it is known.
func arnOf(name string, key dr.Key) string {
	if key.ARN == "" && strings.HasPrefix(name, "arn:") && strings.Contains(name, ":key/") {
		return name
	}
	return key.ARN
}
