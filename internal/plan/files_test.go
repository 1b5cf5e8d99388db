package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

const byFiles = `namespace: test
sites:
  prod: {account: "111111111111", region: us-east-1, key: alias/here, bucket: prod-files}
  far: {account: "222222222222", region: us-west-2, key: alias/dr, bucket: far-files}
  west: {account: "111111111111", region: us-west-2}
policies:
  gold: {match: {name: ".*"}, every: 1h, keep: {last: 2}, copies: [{to: TO, keep: {daily: 14}}]}
`

// filed builds a plan for a kind whose snapshots leave as files.
func filed(t *testing.T, to string, inv dr.Inventory) plan.Plan {
	t.Helper()
	f, _, err := policy.Parse("test.yaml", []byte(strings.Replace(byFiles, "TO", to, 1)), policy.Options{Kinds: []dr.Kind{"rds"}})
	if err != nil {
		t.Fatal(err)
	}
	inv.Sites = []dr.Site{prod, far, west}
	lim := routes(0)
	lim.Routes["rds"] = plan.Routing{Means: plan.ByFile, NameLimit: 40}
	lim.Quota = map[dr.Kind]int{"rds": 1} // Files count against no quota of snapshots.
	now := at("2026-11-20 14:20")
	p := plan.Build(now, f, inv, lim)
	if objections := plan.Check(p, f, inv); len(objections) > 0 {
		t.Errorf("objections: %v", objections)
	}
	return p
}

// Snapshots that leave as files are exported where they are, under no key of their
// own, and what was exported is copied under the key of the destination.
func TestPlansByFile(t *testing.T) {
	x := under(customerKey, snap(prod, "orders", "gold", "2026-11-20 14:00", dr.Good))[0]
	export := copyOf(x, prod, plan.ExportStage, "", dr.Good)
	export.Key = ""
	coming := export
	coming.State = dr.Pending
	tiered := x
	tiered.Stays = "it has a reason"
	for _, tc := range []struct {
		name, to, want string
		snaps          []dr.Snapshot
	}{
		{"an export first", "far", "copy to prod export", []dr.Snapshot{x}},
		{"an export on its way", "far", "", []dr.Snapshot{x, coming}},
		{"then its files", "far", "copy to far alias/dr", []dr.Snapshot{x, export}},
		{"also when the original is gone", "far", "copy to far alias/dr", []dr.Snapshot{export}},
		{"no bucket", "west", "refused: site west names no bucket", []dr.Snapshot{x}},
		{"what cannot leave", "far", "refused: it has a reason", []dr.Snapshot{tiered}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			p := filed(t, tc.to, dr.Inventory{Snapshots: tc.snaps})
			for _, a := range p.Actions {
				got = append(got, strings.TrimSpace(strings.Join([]string{string(a.Verb), "to", a.To.Name, a.Claim.Stage + a.Key}, " ")))
			}
			for _, v := range p.Refused {
				if want, is := strings.CutPrefix(tc.want, "refused: "); is && strings.Contains(v.Reason.Text, want) && v.Remedy != "" {
					got = append(got, tc.want)
				} else {
					got = append(got, "refused: "+v.Reason.Text)
				}
			}
			if text := strings.Join(got, "; "); text != tc.want {
				t.Errorf("planned %q, want %q", text, tc.want)
			}
		})
	}
}

// Exports and copies are not taken of a resource, and leave its day alone.
func TestExportsAreNotOfTheDay(t *testing.T) {
	x := snap(prod, "orders", "gold", "2026-11-20 13:00", dr.Good)
	export := copyOf(x, prod, plan.ExportStage, "", dr.Good)
	export.Taken, export.Key, export.Uncounted = x.Taken.Truncate(time.Second), "", true
	p := plan.Build(at("2026-11-20 14:20"), parseCopies(t, "\n  gold: {match: {name: \".*\"}, every: 1h, keep: {last: 2}}\n"), dr.Inventory{
		Resources: []dr.Resource{rationed("orders", 2)}, Snapshots: []dr.Snapshot{x, export},
	}, plan.Limits{})
	if p.Count(plan.Create) != 1 {
		t.Errorf("it plans %v and waits for %v", p.Actions, p.Waiting)
	}
}
