// Package plan decides what to do. Build looks at the policies and at what was
// seen and gives actions and verdicts, each with its reason; Check is separate
// code that refuses a plan which would lose something good; Survey says how each
// resource stands.
//
// The package is pure: the same arguments always give the same plan, in the same
// order, whatever the order of the inventory. Plans are data: they can be
// printed, compared and written as JSON.
package plan

import (
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Verb says what an action does.
type Verb string

// What an action can do.
const (
	// Create takes a snapshot of a resource.
	Create Verb = "create"
	// Promote turns a snapshot that the service made by itself into one of ours.
	Promote Verb = "promote"
	// Adopt writes a claim on a snapshot that another tool made, or that an
	// interrupted promotion left without one.
	Adopt Verb = "adopt"
	// Delete deletes a snapshot.
	Delete Verb = "delete"
	// Hold marks a snapshot so that it is never deleted.
	Hold Verb = "hold"
	// Release lifts such a mark.
	Release Verb = "release"
	// Copy makes a copy of a snapshot at another site, or under another key.
	Copy Verb = "copy"
	// Share lets another account copy a snapshot.
	Share Verb = "share"
	// Withdraw takes that back.
	Withdraw Verb = "withdraw"
	// Configure sets a resource's service to copy its new snapshots to another site by
	// itself.
	Configure Verb = "configure"
	// Retire deletes a resource that a restore replaced and that was kept for a while,
	// after a final snapshot of it.
	Retire Verb = "retire"
)

// Action is one thing to do. Applying it twice does it once: the name is derived
// from what the action is for.
type Action struct {
	Verb Verb `json:"verb"`
	// From is the resource to take a snapshot of or to configure, or the snapshot to
	// change.
	From dr.Ref `json:"from"`
	// To is where the outcome lives.
	To dr.Site `json:"to"`
	// Name is the name of the snapshot that is made, or that of the one changed.
	Name string `json:"name"`
	// Of is what people call the resource that a snapshot is taken of, or that is deleted.
	Of string `json:"of,omitempty"`
	// Claim is written with the snapshot that is made. When one is deleted it is
	// the claim that it must still carry at that moment; when a resource is deleted, that
	// of its final snapshot.
	Claim dr.Claim `json:"claim"`
	// Parts are the identifiers of what is snapshotted together, where a resource
	// has parts; others are left out.
	Parts []string `json:"parts,omitempty"`
	// Members are the identifiers of what is deleted, copied or shared, where the
	// snapshot has any beside its name. A driver deletes them without looking again,
	// so they reach it as the last look saw them and not as they were planned.
	Members []string `json:"members,omitempty"`
	// Tags are the source's own tags, which the snapshot is to carry too; of a resource
	// that is deleted, those by which it is, which it must still bear at that moment.
	Tags dr.Tags `json:"tags,omitempty"`
	// Taken is when the snapshot to be changed was taken; zero for creates.
	Taken time.Time `json:"taken,omitzero"`
	// Key is the KMS key under which a copy is made, as its site calls it; empty for
	// one that stays plain.
	Key string `json:"key,omitempty"`
	// With is the account that a snapshot is shared with.
	With string `json:"with,omitempty"`
	// ARN is AWS's full name of the snapshot that is copied, by which other accounts
	// and Regions call it.
	ARN    string `json:"arn,omitempty"`
	Reason Reason `json:"reason"`
}

// Verdict is what was decided about something that is left as it is.
type Verdict struct {
	Ref dr.Ref `json:"ref"`
	// Name is what people call it.
	Name   string `json:"name"`
	Policy string `json:"policy,omitempty"`
	// Taken is when a snapshot was taken; zero for resources.
	Taken  time.Time `json:"taken,omitzero"`
	Reason Reason    `json:"reason"`
	// Remedy says what a person can do about it; empty when there is nothing to do.
	Remedy string `json:"remedy,omitempty"`
}

// Plan is what is to be done at one moment, and why all else is left alone.
type Plan struct {
	At time.Time `json:"at"`
	// Actions are in the order in which they are applied: creates before deletes.
	Actions []Action `json:"actions"`
	// Kept are holdfast's own snapshots that stay.
	Kept []Verdict `json:"kept"`
	// Waiting is what will be done later without anybody's help.
	Waiting []Verdict `json:"waiting"`
	// Refused is what should be done and cannot, until somebody acts on the remedy.
	Refused []Verdict `json:"refused"`
	// Breaches are the resources whose newest good snapshot is older than their RPO.
	Breaches []Verdict `json:"breaches"`
	// Foretold are troubles that are on their way: nothing is wrong yet.
	Foretold []Verdict `json:"foretold"`
	// Gaps are the scopes that could not be seen; nothing is deleted there.
	Gaps []Gap `json:"gaps"`
}

// Gap is a scope that could not be seen, and why.
type Gap struct {
	Scope dr.Scope `json:"scope"`
	Error string   `json:"error"`
	// Remedy says what a person can do about it.
	Remedy string `json:"remedy,omitempty"`
}

// Count says how many actions of a verb the plan holds.
func (p Plan) Count(v Verb) int {
	n := 0
	for _, a := range p.Actions {
		if a.Verb == v {
			n++
		}
	}
	return n
}

// Limits bound what one plan may do.
type Limits struct {
	// MaxDelete bounds the deletes in one scope. The zero value stands for the
	// default, half of the good snapshots.
	MaxDelete MaxDelete
	// Quota is how many manual snapshots of a kind an account may have in a Region,
	// as somebody said. It goes before what AWS tells.
	Quota map[dr.Kind]int
	// Defaults are the quotas of accounts that have asked AWS for no more; they hold
	// where AWS does not tell and nobody said.
	Defaults map[dr.Kind]dr.Quota
	// Routes says how snapshots of a kind get elsewhere. Kinds that are not in it
	// cannot be copied.
	Routes map[dr.Kind]Routing
	// Keeping says that nothing of the plan will be deleted but what was on the way of
	// a copy, so that nothing else makes room.
	Keeping bool
}

// MaxDelete bounds how many good snapshots a plan may delete in one scope,
// either as a share or as a number.
type MaxDelete struct {
	// Percent of holdfast's good snapshots in the scope.
	Percent int
	// Count, when Percent is 0.
	Count int
	// IsSet is false for the zero value, which means the default of 50 percent.
	IsSet bool
}

// Allows reports whether deleting n of total snapshots is within the bound.
func (m MaxDelete) Allows(n, total int) bool {
	switch {
	case !m.IsSet:
		return 2*n <= total
	case m.Percent > 0:
		return n*100 <= m.Percent*total
	default:
		return n <= m.Count
	}
}
