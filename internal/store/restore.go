package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
)

// Restorer is a Driver that can restore.
type Restorer interface {
	// Restore builds the steps of a restore. It reads, and changes nothing.
	Restore(ctx context.Context, r Restore) (Restoration, error)
	// Worker does such steps at a site.
	Worker(ctx context.Context, site dr.Site) (saga.Worker, error)
	// Marks finds the restores that are under way at a site, by what is written on
	// what they touch.
	Marks(ctx context.Context, site dr.Site) ([]Mark, error)
	// Endpoint gives where a resource of a name answers.
	Endpoint(ctx context.Context, site dr.Site, name string) (Endpoint, error)
}

// Endpoint is where a resource answers.
type Endpoint struct {
	Host   string
	Port   int
	Engine string
}

// Restoration is what a restore comes to.
type Restoration struct {
	Saga saga.Saga
	// Losses are the settings of the old one that the new one will not have.
	Losses []string
	// Notes are what a person should know beforehand, such as what happens to those
	// that replicate from the old one.
	Notes []string
	// Needs says what it takes meanwhile, such as one more instance in the quota.
	Needs string
	// Remains says what may be left of it after it was taken back; empty where all is as
	// it was.
	Remains string
	// Name is what the new one is called in the end; empty: what Restore.Name says. Of a
	// store that cannot be renamed it is another.
	Name string
}

// Configured is a Restorer whose snapshots are not always listed with the configuration
// that was captured.
type Configured interface {
	// Captured reads the configuration that was captured with a snapshot.
	Captured(ctx context.Context, s dr.Snapshot) (dr.Config, error)
}

// Restore is what is to be restored and how. All of it but the snapshot and the
// settings is written on what the restore touches, so that any machine can resume it.
type Restore struct {
	// ID tells it from other restores.
	ID string
	// From is the snapshot, at the site where it is restored.
	From dr.Snapshot
	// Name is what the restored resource is called in the end.
	Name string
	// InPlace puts it in the place of the one that has that name now.
	InPlace bool
	// RenameFirst renames the old one away before anything is restored: for those
	// who may not have two.
	RenameFirst bool
	// KeepOld is how long the old one stays after the swap, before a final snapshot is
	// taken of it and it is deleted.
	KeepOld time.Duration
	// Checks identifies the checks that the new one has to pass; empty where there are
	// none. They stand in the policy file: a restore is not resumed with others.
	Checks string
	// Drop names the settings that a person leaves out.
	Drop []string
	// With holds what only some stores know, such as the one table to restore.
	With map[string]string
	// Begun is when the restore was asked for, in UTC and whole seconds.
	Begun time.Time
	// Old identifies the old one, whatever it is called.
	Old string
	// Owner is the namespace.
	Owner string
	// Settings are those that the new one is to have.
	Settings map[string]string
	// Tags are the resource's own that it is to have.
	Tags dr.Tags
}

// Mark is a restore that is under way somewhere.
type Mark struct {
	Restore
	Site dr.Site
	// Snapshot is the name of the snapshot.
	Snapshot string
	// On are the resources that bear the mark, by role.
	On map[string]string
}

// withPrefix starts, in the request on the tags, the names of what only some stores
// know.
const withPrefix = "with-"

// Request encodes all of a restore but the settings, for the tags of what it touches.
func (r Restore) Request() dr.Config {
	m := map[string]string{
		"snapshot": r.From.Ref.ID, "name": r.Name, "begun": r.Begun.UTC().Format(time.RFC3339), "owner": r.Owner, "old": r.Old,
		"checks": r.Checks, "drop": strings.Join(r.Drop, ","),
	}
	if r.InPlace {
		m["in-place"] = "yes"
		m["keep"] = strconv.FormatInt(int64(r.KeepOld/time.Second), 10)
	}
	if r.RenameFirst {
		m["rename-first"] = "yes"
	}
	for k, v := range r.With {
		m[withPrefix+k] = v
	}
	return dr.NewConfig(m)
}

// ParseMark reads a restore's mark from tags; ok is false where there is none.
func ParseMark(tags dr.Tags) (m Mark, ok bool, err error) {
	id, ok := tags[dr.TagRestore]
	if !ok {
		return Mark{}, false, nil
	}
	s, err := tags.RestoreRequest().Settings()
	if err != nil {
		return Mark{}, true, fmt.Errorf("the mark of restore %s: %w", id, err)
	}
	m = Mark{Snapshot: s["snapshot"], Restore: Restore{
		ID: id, Name: s["name"], InPlace: s["in-place"] == "yes", RenameFirst: s["rename-first"] == "yes", Old: s["old"], Owner: s["owner"],
		Checks: s["checks"],
	}}
	if s["drop"] != "" {
		m.Drop = strings.Split(s["drop"], ",")
	}
	for k, v := range s {
		if name, ok := strings.CutPrefix(k, withPrefix); ok {
			if m.With == nil {
				m.With = map[string]string{}
			}
			m.With[name] = v
		}
	}
	if m.Begun, err = time.Parse(time.RFC3339, s["begun"]); err != nil {
		return Mark{}, true, fmt.Errorf("the mark of restore %s does not say when it was begun", id)
	}
	if m.InPlace {
		n, err := strconv.ParseInt(s["keep"], 10, 64)
		if err != nil || n < 0 {
			return Mark{}, true, fmt.Errorf("the mark of restore %s does not say how long to keep the old one", id)
		}
		m.KeepOld = time.Duration(n) * time.Second
	}
	if m.Name == "" || m.Snapshot == "" {
		return Mark{}, true, fmt.Errorf("the mark of restore %s names no snapshot or no name", id)
	}
	return m, true, nil
}

// OpCheck is the operation of a step that checks the data of a store that a restore
// made. Drivers put such steps where they belong; who runs the saga does them.
const OpCheck = "check"

// CheckStep gives a step that checks the store that has a name then.
func CheckStep(step, name string) saga.Step {
	return saga.Step{
		Name: step, Title: "check the data of " + name, Op: OpCheck, Expect: time.Minute, Deadline: time.Hour,
		Args: map[string]string{"name": name},
	}
}

// Beside gives the name under which the new one is made beside the old, and Away the
// one that the old gets, each at most limit characters long.
func (r Restore) Beside(limit int) string { return r.aside("new", limit) }

// Away gives the name that the old one gets.
func (r Restore) Away(limit int) string { return r.aside("old", limit) }

func (r Restore) aside(word string, limit int) string {
	tail := "-" + word + "-" + r.ID
	base := r.Name
	if room := limit - len(tail); len(base) > room {
		base = base[:max(room, 1)]
	}
	for len(base) > 1 && base[len(base)-1] == '-' {
		base = base[:len(base)-1]
	}
	return base + tail
}

// Lost lists settings in the order of their names, for what cannot be preserved.
func Lost(settings map[string]string, names ...string) []string {
	var out []string
	for _, n := range slices.Sorted(maps.Keys(settings)) {
		if slices.Contains(names, n) && settings[n] != "" {
			out = append(out, n+" "+settings[n])
		}
	}
	return out
}

// Only refuses what a driver does not know of a restore's With.
func (r Restore) Only(known ...string) error {
	for _, k := range slices.Sorted(maps.Keys(r.With)) {
		if !slices.Contains(known, k) {
			return &Error{Doing: "restore " + r.Name, Fault: Invalid, Err: fmt.Errorf("stores of kind %s know no --%s", r.From.Ref.Kind, k)}
		}
	}
	return nil
}

// Restorer gives what restores of the kind need; ok is false where it cannot.
func (s *Store) Restorer() (r Restorer, ok bool) {
	r, ok = s.drv.(Restorer)
	return r, ok
}

// Wrap gives an error of the driver what was being done and what to do about it.
func (s *Store) Wrap(what string, err error) error { return s.wrap(what, err) }

// Fault sorts an error of the driver.
func (s *Store) Fault(err error) Fault { return s.drv.Classify(err) }
