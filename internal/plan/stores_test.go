package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// everything is a policy for whatever there is.
const everything = `
  gold: {match: {name: ".*"}, every: 2h, keep: {last: 3, floor: 2}, volumes: {exclude: {tags: {scratch: "*"}}}}
`

func automated(of, taken string) dr.Snapshot {
	return dr.Snapshot{
		Ref: dr.Ref{Kind: "rds", Site: prod, ID: "rs:" + of + "-" + taken}, Of: dr.Ref{Kind: "rds", Site: prod, ID: of},
		Taken: at(taken), State: dr.Good, Automated: true,
	}
}

func withParts(r dr.Resource, parts ...dr.Part) dr.Resource { r.Parts = parts; return r }

func tagged(id string, tags dr.Tags) dr.Resource {
	r := ready(id)
	r.Tags = tags
	return r
}

func twin(s dr.Snapshot) dr.Snapshot { s.Ref.ID += "~2"; s.Taken = s.Taken.Add(time.Second); return s }

// byTags makes a snapshot whose policy stood in tags.
func byTags(of, slot, retention string) dr.Snapshot {
	s := snap(prod, of, "tags", slot, dr.Good)
	s.Claim.Retention = retention
	return s
}

func storeScenes() []scene {
	quota := plan.Limits{MaxDelete: all().MaxDelete, Quota: map[dr.Kind]int{"rds": 4}}
	return []scene{
		{name: "promotion", policies: everything, inv: dr.Inventory{
			Resources: []dr.Resource{ready("served"), ready("too-old"), db(prod, "paused", dr.Blocked, "paused"), ready("two")},
			Snapshots: []dr.Snapshot{
				automated("served", "2026-11-20 14:01"), automated("too-old", "2026-11-20 13:59"),
				automated("paused", "2026-11-20 14:02"), automated("two", "2026-11-20 14:00"), automated("two", "2026-11-20 14:02"),
			},
		}},
		{name: "parts", policies: everything, inv: dr.Inventory{Resources: []dr.Resource{
			withParts(ready("three"), dr.Part{ID: "vol-boot", Boot: true}, dr.Part{ID: "vol-data"}, dr.Part{ID: "vol-tmp", Tags: dr.Tags{"scratch": "yes"}}),
			withParts(ready("none-left"), dr.Part{ID: "vol-x", Tags: dr.Tags{dr.TagExclude: "any"}}),
		}}},
		{name: "duplicates", policies: everything, lim: all(), inv: dr.Inventory{
			Resources: []dr.Resource{ready("orders"), ready("few")},
			Snapshots: []dr.Snapshot{
				snap(prod, "orders", "gold", "2026-11-20 14:00", dr.Good), twin(snap(prod, "orders", "gold", "2026-11-20 14:00", dr.Good)),
				snap(prod, "orders", "gold", "2026-11-20 12:00", dr.Good), hold(twin(snap(prod, "orders", "gold", "2026-11-20 12:00", dr.Good))),
				// Where only one slot is served and the floor is two, both stay.
				snap(prod, "few", "gold", "2026-11-20 14:00", dr.Good), twin(snap(prod, "few", "gold", "2026-11-20 14:00", dr.Good)),
			},
		}},
		{name: "tags-as-policy", policies: gold, lim: all(), inv: dr.Inventory{
			Resources: []dr.Resource{
				tagged("stated", dr.Tags{"holdfast:every": "6h", "holdfast:keep": "1d"}),
				tagged("named", dr.Tags{"holdfast:policy": "gold"}),
				tagged("named-and-matched", dr.Tags{"holdfast:policy": "gold", "backup": "gold"}),
				tagged("wrong-name", dr.Tags{"holdfast:policy": "golden"}),
				tagged("wrong-value", dr.Tags{"holdfast:every": "soon", "holdfast:keep": "1d"}),
				tagged("excluded", dr.Tags{"backup": "gold", "holdfast:exclude": "yes"}),
				tagged("nothing", dr.Tags{"team": "shop"}),
				tagged("wants-copies", dr.Tags{"holdfast:every": "6h", "holdfast:keep": "1d", "holdfast:copy-to": "west"}),
			},
			Snapshots: []dr.Snapshot{
				byTags("stated", "2026-11-20 12:00", "within=7d floor=1"), byTags("stated", "2026-11-18 12:00", "within=7d floor=1"),
				byTags("wrong-value", "2026-11-01 12:00", "within=1d floor=1"), byTags("wrong-value", "2026-11-02 12:00", "within=1d floor=1"),
				byTags("gone", "2026-11-01 12:00", "within=1d floor=1"), byTags("gone", "2026-11-02 12:00", "within=1d floor=1"),
				byTags("gone-unsaid", "2026-11-01 12:00", ""), byTags("gone-unsaid", "2026-11-02 12:00", ""),
			},
		}},
		{name: "quota", policies: everything, lim: quota, inv: dr.Inventory{
			Resources: []dr.Resource{ready("a"), ready("b"), ready("c")},
			Snapshots: []dr.Snapshot{
				owner(snap(prod, "x", "gold", "2026-11-20 10:00", dr.Good), ""),
				snap(prod, "a", "gold", "2026-11-20 12:00", dr.Good), snap(prod, "b", "gold", "2026-11-20 12:00", dr.Pending),
			},
		}},
	}
}

// TestStores goes through what stores other than RDS instances bring along.
func TestStores(t *testing.T) {
	for _, s := range storeScenes() {
		t.Run(s.name, func(t *testing.T) {
			f := parse(t, s.policies)
			p := plan.Build(now, f, s.inv, s.lim)
			if found := plan.Check(p, f, s.inv); len(found) > 0 {
				t.Errorf("the check objects to a plan of Build: %v", found)
			}
			golden(t, s.name, show(p))
		})
	}
}

// TestPartsOfAnAction: the planner says which parts are taken, the boot volume
// among them unless it is left out.
func TestPartsOfAnAction(t *testing.T) {
	r := withParts(ready("three"), dr.Part{ID: "vol-boot", Boot: true}, dr.Part{ID: "vol-data"}, dr.Part{ID: "vol-tmp", Tags: dr.Tags{"scratch": "yes"}})
	for _, c := range []struct {
		volumes string
		want    []string
	}{
		{`{boot: true, exclude: {tags: {scratch: "no"}}}`, []string{"vol-boot", "vol-data", "vol-tmp"}},
		{`{boot: false}`, []string{"vol-data", "vol-tmp"}},
		{`{exclude: {tags: {scratch: "*"}}}`, []string{"vol-boot", "vol-data"}},
	} {
		f := parse(t, "\n  gold: {match: {name: \".*\"}, every: 2h, keep: {last: 3}, volumes: "+c.volumes+"}\n")
		p := plan.Build(now, f, dr.Inventory{Resources: []dr.Resource{r}}, plan.Limits{})
		if diff := cmp.Diff(c.want, p.Actions[0].Parts); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.volumes, diff)
		}
	}
}

// TestTagRetentionNeedsNoResource: the claim alone says how long to keep, so the
// last look before a delete, which reads snapshots only, agrees with the plan.
func TestTagRetentionNeedsNoResource(t *testing.T) {
	f := parse(t, gold)
	inv := dr.Inventory{Snapshots: []dr.Snapshot{
		byTags("gone", "2026-11-01 12:00", "within=1d floor=1"), byTags("gone", "2026-11-02 12:00", "within=1d floor=1"),
	}}
	p := plan.Build(now, f, inv, all())
	if p.Count(plan.Delete) != 1 {
		t.Fatalf("want one delete:\n%s", show(p))
	}
	both := []plan.Action{p.Actions[0], {Verb: plan.Delete, From: inv.Snapshots[1].Ref, To: prod, Name: "x", Claim: inv.Snapshots[1].Claim}}
	if found := plan.Check(plan.Plan{Actions: both}, f, inv); len(found) != 2 {
		t.Errorf("deleting both leaves less than the floor, found %v", found)
	}
}

// TestAttachedVolumeIsNotGone: a snapshot of a volume counts as one of something
// that is there while an instance has the volume.
func TestAttachedVolumeIsNotGone(t *testing.T) {
	f := parse(t, everything)
	inv := dr.Inventory{
		Resources: []dr.Resource{withParts(ready("i-1"), dr.Part{ID: "vol-1"})},
		Snapshots: []dr.Snapshot{byTags("vol-1", "2026-11-01 12:00", "within=1d floor=1"), byTags("vol-2", "2026-11-01 12:00", "within=1d floor=1")},
	}
	var gone []string
	for _, s := range plan.Survey(now, f, inv) {
		if s.Standard == plan.Gone {
			gone = append(gone, s.Name)
		}
	}
	if diff := cmp.Diff([]string{"vol-2"}, gone); diff != "" {
		t.Errorf("gone (-want +got):\n%s", diff)
	}
}
