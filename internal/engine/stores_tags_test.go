package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// noFile is what --sites alone comes to: everything else stands in tags.
func noFile() policy.File {
	return policy.File{Namespace: "test", Sites: []policy.Site{{Site: home()}}}
}

func stated(more ...string) dr.Tags {
	t := dr.Tags{policy.TagEvery: "6h", dr.TagKeep: "within=1d floor=1"}
	for i := 0; i < len(more); i += 2 {
		t[more[i]] = more[i+1]
	}
	return t
}

// Tags are the whole configuration: what states a policy is taken and expires by
// it, a value that cannot be read costs its own resource alone its snapshots, and
// what is excluded is left alone. When the resources are gone, what is left of
// them expires as it was written with it.
func TestTagsAreTheWholeConfiguration(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		f := noFile()
		good, bad, out := w.oneOfEach(stated()), []dr.Ref{}, []dr.Ref{}
		for _, k := range everyKind() {
			bad = append(bad, w.add(k, home(), string(k)+"-bad", stated(policy.TagEvery, "soon")))
			out = append(out, w.add(k, home(), string(k)+"-out", stated(dr.TagExclude, "")))
		}
		w.quarters(f, 12, bad)
		inv := w.sight(f)
		for _, r := range good {
			// Those of a day, and the one whose day has just ended when the last run was.
			if n := len(goodOf(inv, f, r)); n < 4 || n > 6 {
				w.Errorf("%s has %d after three days, want those of one", r, n)
			}
		}
		for _, r := range append(out, bad...) {
			if n := len(goodOf(inv, f, r)); n != 0 {
				w.Errorf("%s has %d", r, n)
			}
		}
		for _, r := range good {
			w.remove(r)
		}
		w.sleep(time.Hour)
		w.quarters(f, 12, bad)
		inv = w.sight(f)
		for _, r := range good {
			if n := len(goodOf(inv, f, r)); n != 1 {
				w.Errorf("%s, which is gone, has %d after three days, want the floor of one", r, n)
			}
		}
	})
}

// quarters runs a new process every six hours and wants no trouble but one plain
// line for each resource with a bad tag.
func (w *world) quarters(f policy.File, n int, bad []dr.Ref) {
	w.Helper()
	for range n {
		r := w.fleet(f).RunOnce(w.Context())
		if len(r.Failed())+len(r.Plan.Gaps)+len(r.Plan.Waiting)+len(r.Plan.Foretold) > 0 {
			w.Fatalf("failed %v, gaps %v, waiting %v, foretold %v", r.Failed(), r.Plan.Gaps, r.Plan.Waiting, r.Plan.Foretold)
		}
		w.condemned(r, bad)
		w.sleep(6 * time.Hour)
	}
}

func (w *world) condemned(r engine.Report, bad []dr.Ref) {
	w.Helper()
	left := map[dr.Ref]bool{}
	for _, b := range bad {
		left[b] = true
	}
	for _, v := range r.Plan.Refused {
		if !left[v.Ref] || v.Reason.Code != plan.BadTag || !strings.Contains(v.Reason.Text, policy.TagEvery) ||
			!strings.Contains(v.Reason.Text, "soon") || strings.Contains(v.Reason.Text, "\n") || v.Remedy == "" {
			w.Errorf("refused: %+v", v)
		}
		delete(left, v.Ref)
	}
	if len(left) > 0 {
		w.Errorf("nothing is said of %v", left)
	}
}
