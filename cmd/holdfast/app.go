package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/account"
	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/all"
)

// load reads and checks the policy file. Warnings are for `check` to print.
func (g *globals) load() (policy.File, []policy.Warning, error) {
	if err := g.checkFlags(); err != nil {
		return policy.File{}, nil, err
	}
	if len(g.sites) > 0 {
		f, err := g.fileOfFlags()
		return f, nil, err
	}
	data, err := readLimited(g.config)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return policy.File{}, nil, usagef("there is no policy file %s: write one with `holdfast init`, or name one with --config", g.config)
	case err != nil:
		return policy.File{}, nil, usagef("read the policy file: %w", err)
	}
	f, warnings, err := policy.Parse(g.config, data, policy.Options{Kinds: all.Kinds(), FileKinds: all.FileKinds()})
	if err != nil {
		return policy.File{}, nil, &exitError{code: exitUsage, err: err}
	}
	return f, warnings, nil
}

// maxRead is more than the parser accepts, so that it can say that it is too
// much, and little enough to read by mistake.
const maxRead = 2 << 20

// readLimited reads no more of a file than that.
func readLimited(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxRead))
}

// app is what a command that talks to AWS works with.
type app struct {
	file     policy.File
	sessions *session.Sessions
	account  *account.Reader
	engine   *engine.Engine
}

// open loads the policy file and makes everything ready to reach its sites.
func (g *globals) open() (*app, error) {
	f, warnings, err := g.load()
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		slog.Info("policy file", "warning", w.String())
	}
	for _, note := range notYet(f) {
		fmt.Fprintf(g.err, "holdfast: %s\n", note)
	}
	return newApp(f, session.Options{EndpointURL: g.endpoint, Version: version}, wallClock{}), nil
}

// notYet says what a policy file asks for that this version does not do. Copies
// are not among it: plans refuse them one by one.
func notYet(f policy.File) []string {
	var notes []string
	if len(f.Notify) > 0 {
		notes = append(notes, "notify: nothing is sent by this version; watch the exit code of the scheduled run instead")
	}
	return notes
}

func newApp(f policy.File, opts session.Options, clock engine.Clock) *app {
	sessions := session.New(opts, f.Sites)
	var stores []*store.Store
	for _, d := range all.Drivers(sessions, f) {
		stores = append(stores, store.New(d))
	}
	reader := account.New(sessions, all.Limits())
	return &app{
		file: f, sessions: sessions, account: reader,
		engine: &engine.Engine{
			File: f, Stores: stores, Reach: sessions.Confirm, Clock: clock,
			Account: reader, Limits: planLimits(), Checks: newChecker(f, reader, clock),
		},
	}
}

// wallClock is the time of the world.
type wallClock struct{}

// Now gives the present.
func (wallClock) Now() time.Time { return time.Now() }

// Sleep waits.
func (wallClock) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// knownSite refuses a site that the policy file does not name: a slip in --site
// must not read as if there were nothing there.
func (a *app) knownSite(name string) error {
	var names []string
	for _, s := range a.file.Sites {
		if s.Name == name {
			return nil
		}
		names = append(names, s.Name)
	}
	if name == "" {
		return nil
	}
	return usagef("there is no site %q in the policy file; there is %s", name, strings.Join(names, ", "))
}

// findSnapshot finds one snapshot by its name, or by its name and site.
func findSnapshot(inv dr.Inventory, name, site string) (dr.Snapshot, error) {
	var found []dr.Snapshot
	for _, s := range inv.Snapshots {
		if (s.Ref.ID == name || s.ARN == name) && (site == "" || s.Ref.Site.Name == site) {
			found = append(found, s)
		}
	}
	what := fmt.Sprintf("snapshot %q", name)
	if len(found) == 0 {
		return dr.Snapshot{}, notFound(inv, what, site)
	}
	return one(found, what, func(s dr.Snapshot) string { return s.Ref.Site.Name })
}

// findResource finds one resource by its name.
func findResource(inv dr.Inventory, name, site string) (dr.Resource, error) {
	var found []dr.Resource
	for _, r := range inv.Resources {
		if (r.Ref.ID == name || r.Name == name || r.ARN == name) && (site == "" || r.Ref.Site.Name == site) {
			found = append(found, r)
		}
	}
	what := fmt.Sprintf("resource %q", name)
	if len(found) == 0 {
		return dr.Resource{}, notFound(inv, what, site)
	}
	return one(found, what, func(r dr.Resource) string { return r.Ref.Site.Name })
}

// notFound says that something is not there, or may be where it could not be seen.
func notFound(inv dr.Inventory, what, site string) error {
	for _, gap := range plan.Gaps(inv) {
		if site == "" || gap.Scope.Site.Name == site {
			return fmt.Errorf("%s was not found, and not every site could be seen: %w", what, inv.Gaps[gap.Scope])
		}
	}
	where := "any site of the policy file"
	if site != "" {
		where = "site " + site
	}
	return fmt.Errorf("%s was not found at %s", what, where)
}

// one insists on exactly one match: what is marked or taken must not be a guess.
func one[T any](found []T, what string, site func(T) string) (T, error) {
	if len(found) == 1 {
		return found[0], nil
	}
	var sites []string
	for _, f := range found {
		sites = append(sites, site(f))
	}
	slices.Sort(sites)
	var none T
	return none, usagef("%s is at several sites (%s): say which with --site", what, strings.Join(sites, ", "))
}
