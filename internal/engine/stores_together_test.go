package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// Two installations in one account, each with every store, never plan anything
// about each other's snapshots.
func TestTwoNamespacesAllStores(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		refs := w.oneOfEach(dr.Tags{"backup": "gold"})
		mine, theirs := parseAll(w, oneSite+hourly), parseAll(w, strings.Replace(oneSite, "test", "other", 1)+hourly)
		for range 8 {
			w.sleep(time.Hour)
			for _, p := range []*process{w.fleet(mine), w.fleet(theirs)} {
				w.mindsItsOwn(p, w.clean(p.RunAndWait(w.Context(), poll)))
			}
		}
		w.once(mine)
		w.once(theirs)
		for _, r := range refs {
			if m, o := len(goodOf(w.sight(mine), mine, r)), len(goodOf(w.sight(theirs), theirs, r)); m != 4 || o != 4 {
				w.Errorf("%s has %d and %d, want 4 each", r, m, o)
			}
		}
	})
}

// mindsItsOwn wants a plan to be about nobody else's snapshots.
func (w *world) mindsItsOwn(p *process, r engine.Report) {
	w.Helper()
	for _, o := range r.Outcomes {
		a := o.Action
		if a.Claim.Owner != p.File.Namespace || a.Verb == plan.Delete && owner(r.Inventory, a.From) != p.File.Namespace {
			w.Errorf("%s plans to %s %s of %s", p.File.Namespace, a.Verb, a.Name, owner(r.Inventory, a.From))
		}
	}
	for _, v := range r.Plan.Kept {
		if owner(r.Inventory, v.Ref) != p.File.Namespace {
			w.Errorf("%s has a word on %s", p.File.Namespace, v.Ref)
		}
	}
}
