// Package adopt recognises the snapshots that other tools made, by what those
// tools wrote, and plans claims on them, so that holdfast goes on where they
// stop. What a tool's own rules do not prove to be its own is left alone.
//
// The package is pure, as package plan is.
package adopt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// Tool names a tool whose snapshots can be adopted.
type Tool string

// The tools.
const (
	// SnapshotsLambda makes EBS snapshots from the tags of instances.
	SnapshotsLambda Tool = "ebs-snapshots-lambda"
	// SnapshotTool is the Snapshot Tool for RDS.
	SnapshotTool Tool = "rds-snapshot-tool"
	// SnapshotManager is the Redshift Snapshot Manager.
	SnapshotManager Tool = "redshift-snapshot-manager"
)

// Tools lists them all.
func Tools() []Tool { return []Tool{SnapshotsLambda, SnapshotTool, SnapshotManager} }

// proof is what a tool's marks say about a snapshot.
type proof struct {
	// source is the identifier of what it was taken of; empty: as the service says.
	source string
	// origin is, on a copy, what was copied.
	origin string
	// hold is set where the tool was told never to delete it.
	hold bool
	// until is when the tool would have deleted it; zero: it does not say.
	until time.Time
}

// rules tells of each tool how to recognise what it made. An error says why a
// snapshot that bears some mark of the tool is not proven to be its own; none and
// no proof: it bears no mark at all.
func rules(t Tool) (func(dr.Snapshot) (*proof, error), bool) {
	switch t {
	case SnapshotsLambda:
		return ofLambda, true
	case SnapshotTool:
		return ofSnapshotTool, true
	case SnapshotManager:
		return ofManager, true
	}
	return nil, false
}

// Plan plans a claim on every snapshot that a tool made, and refuses those that
// only look like it. keep is the retention of those whose resource no policy
// covers and whose tool did not write when they go.
func Plan(now time.Time, t Tool, f policy.File, inv dr.Inventory, keep policy.Retention) (plan.Plan, error) {
	recognise, known := rules(t)
	if !known {
		return plan.Plan{}, fmt.Errorf("unknown tool %q; known are %s", t, names())
	}
	p := plan.Plan{At: now.UTC(), Gaps: plan.Gaps(inv)}
	for _, s := range inv.Snapshots {
		if s.Claim.Ours() || s.Flaw != "" || s.Automated || s.State != dr.Good {
			continue
		}
		made, err := recognise(s)
		switch {
		case err != nil:
			p.Refused = append(p.Refused, plan.Verdict{
				Ref: s.Ref, Name: s.Ref.ID, Taken: s.Taken,
				Reason: plan.Reason{Code: plan.NotProven, Text: "it bears a mark of " + string(t) + " and is not adopted: " + err.Error()},
			})
		case made != nil:
			p.Actions = append(p.Actions, action(t, f, inv, s, made, keep))
		}
	}
	slices.SortFunc(p.Actions, func(a, b plan.Action) int { return a.From.Compare(b.From) })
	slices.SortFunc(p.Refused, func(a, b plan.Verdict) int { return cmp.Or(a.Ref.Compare(b.Ref), strings.Compare(a.Name, b.Name)) })
	return p, nil
}

func names() string {
	var all []string
	for _, t := range Tools() {
		all = append(all, string(t))
	}
	return strings.Join(all, ", ")
}

// action writes the claim of a snapshot: under the policy that covers its source
// now, or else under the retention that its tool gave it.
func action(t Tool, f policy.File, inv dr.Inventory, s dr.Snapshot, made *proof, keep policy.Retention) plan.Action {
	of := s.Of
	if made.source != "" {
		of.ID = made.source
	}
	c := dr.Claim{
		Owner: f.Namespace, Slot: s.Taken.UTC().Truncate(time.Second), Source: of.Source(),
		Origin: made.origin, Keep: made.hold,
	}
	c.Policy, c.Retention = retention(f, inv, of, s, made, keep)
	words := "made by " + string(t)
	if made.hold {
		words += "; held, as it was told never to delete it"
	}
	if !made.until.IsZero() {
		words += "; it was to go on " + made.until.Format("2006-01-02")
	}
	return plan.Action{
		Verb: plan.Adopt, From: s.Ref, To: s.Ref.Site, Name: s.Ref.ID, Claim: c, Taken: s.Taken,
		Reason: plan.Reason{Code: plan.MadeBy, Text: words},
	}
}

// retention: where the tool wrote when a snapshot goes, that date stays; else the
// policy decides that covers its source, or, where none does, what was asked for.
func retention(f policy.File, inv dr.Inventory, of dr.Ref, s dr.Snapshot, made *proof, keep policy.Retention) (name, text string) {
	if !made.until.IsZero() {
		within := max(made.until.Sub(s.Taken), time.Minute).Truncate(time.Minute)
		return policy.TagPolicyName, policy.Retention{Within: within, Floor: policy.DefaultFloor}.Tag()
	}
	for _, r := range inv.Resources {
		if r.Ref != of {
			continue
		}
		for _, p := range f.Policies {
			if p.Match.Matches(r) {
				return p.Name, ""
			}
		}
	}
	return policy.TagPolicyName, keep.Tag()
}
