package dr

import (
	"errors"
	"maps"
	"time"
)

// Readiness says whether a resource can be snapshotted now.
type Readiness string

// What can be said of a resource.
const (
	// Ready: a snapshot can be taken now.
	Ready Readiness = "ready"
	// Busy: not now, but it will pass by itself (being modified, backed up …).
	Busy Readiness = "busy"
	// Blocked: not until a person does something (stopped, failed, storage full …).
	Blocked Readiness = "blocked"
	// Leaving: being deleted.
	Leaving Readiness = "leaving"
)

// Condition says what a snapshot is worth.
type Condition string

// What can be said of a snapshot.
const (
	// Good: complete; it can be restored from.
	Good Condition = "good"
	// Pending: being made.
	Pending Condition = "pending"
	// Failed: it never became complete and never will.
	Failed Condition = "failed"
	// Going: being deleted; it counts for nothing.
	Going Condition = "going"
	// Unclear: the service gave a status that holdfast does not know. It counts
	// for nothing and is never deleted.
	Unclear Condition = "unclear"
)

// Resource is a data store that can be protected.
type Resource struct {
	Ref Ref `json:"ref"`
	// ARN is AWS's full name for it.
	ARN string `json:"arn,omitempty"`
	// Name is what people call it: its identifier, or a Name tag.
	Name string `json:"name"`
	// Key is the KMS key that encrypts it, as the service names it; empty when plain.
	Key   string    `json:"key,omitempty"`
	Tags  Tags      `json:"tags,omitempty"`
	State Readiness `json:"state"`
	// Status is the service's own word behind State, such as "backing-up".
	Status string `json:"status,omitempty"`
	// Config is what a restore would need to know.
	Config Config `json:"config,omitempty"`
	// Bytes is its allocated size.
	Bytes int64 `json:"bytes,omitempty"`
	// Parts are what a recovery point of it consists of, where it is several
	// things that are snapshotted together: the volumes of an instance.
	Parts []Part `json:"parts,omitempty"`
	// NameLimit is how many characters the name of a snapshot of it may have.
	NameLimit int `json:"-"`
	// Daily is how many snapshots the service lets be taken of it within any 24
	// hours, whoever takes them; 0 where it sets no such limit.
	Daily int `json:"daily,omitempty"`
	// Uncounted says that snapshots of it do not count against the quota of its
	// kind.
	Uncounted bool `json:"uncounted,omitempty"`
	// SendsTo is the Region to which the service is set to copy every new snapshot of
	// it by itself; empty where it is not.
	SendsTo string `json:"sends_to,omitempty"`
	// Stays says why snapshots of it cannot get to other sites nor be shared, where
	// those of others of its kind can.
	Stays string `json:"stays,omitempty"`
}

// Part is one thing of several that are snapshotted together.
type Part struct {
	// ID is the service's identifier, such as that of a volume.
	ID string `json:"id"`
	// Device is where it is attached.
	Device string `json:"device,omitempty"`
	// Boot marks the volume that the instance starts from.
	Boot  bool  `json:"boot,omitempty"`
	Tags  Tags  `json:"tags,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
}

// Snapshot is one snapshot, whoever made it. Where a recovery point consists of
// several snapshots that were taken together, a driver gives them as one, which
// is good only when every member is.
type Snapshot struct {
	Ref Ref `json:"ref"`
	// Of is the resource it was taken of, as far as the service tells.
	Of Ref `json:"of"`
	// ARN is AWS's full name for it.
	ARN string `json:"arn,omitempty"`
	// Taken is the moment whose data it holds, or when it was started.
	Taken time.Time `json:"taken"`
	State Condition `json:"state"`
	// Status is the service's own word behind State.
	Status string `json:"status,omitempty"`
	// Percent is how much of a pending one is done, 0 to 100.
	Percent int    `json:"percent,omitempty"`
	Key     string `json:"key,omitempty"`
	// Claim is the zero Claim when the snapshot is not holdfast's.
	Claim Claim `json:"claim,omitzero"`
	// Flaw says why the marks of a claim could not be read; such a snapshot is
	// not ours.
	Flaw string `json:"flaw,omitempty"`
	// Presumed is the claim that its name stands for, where making a snapshot
	// takes two calls and the second, which writes the claim, never came. Until
	// that is made up for it is not ours, and nothing is deleted on its account. One
	// with an origin is of a copy that the service made by itself.
	Presumed *Claim `json:"presumed,omitempty"`
	// Tags and Description are given only of snapshots that nobody's claim is on,
	// for finding out whose they are.
	Tags        Tags   `json:"tags,omitempty"`
	Description string `json:"description,omitempty"`
	// Automated marks what the service made by itself and deletes by its own
	// rules. It is listed only where it can be promoted to one of ours.
	Automated bool `json:"automated,omitempty"`
	// Uncounted says that it does not count against the quota of its kind, nor
	// what it is promoted to.
	Uncounted bool `json:"uncounted,omitempty"`
	// Members are the service's identifiers where there are several, or where it
	// has identifiers of its own beside the name.
	Members []string `json:"members,omitempty"`
	Bytes   int64    `json:"bytes,omitempty"`
	// Made is when a copy was begun, where the service tells.
	Made time.Time `json:"made,omitzero"`
	// CopyOf is what the service says a copy was made from; empty for originals.
	CopyOf string `json:"copy_of,omitempty"`
	// Stays says why it cannot leave its site; empty where it can.
	Stays string `json:"stays,omitempty"`
	// Shared are the accounts that holdfast shares it with, by its own mark.
	Shared []string `json:"shared,omitempty"`
}

// Scope is what one observation covers: one kind of store at one site.
type Scope struct {
	Kind Kind `json:"kind"`
	Site Site `json:"site"`
}

// Scope gives the scope in which the ref lies.
func (r Ref) Scope() Scope { return Scope{r.Kind, r.Site} }

// Inventory is what was seen at one moment.
type Inventory struct {
	Resources []Resource
	Snapshots []Snapshot
	// Gaps holds the scopes that could not be seen whole, and why. What lies in a
	// gap is unknown, not absent: nothing that depends on it may be deleted.
	Gaps map[Scope]error
	// Sites are the sites as they were found, with their accounts.
	Sites []Site
	// Keys are the KMS keys that copies depend on, as far as they may be looked at.
	Keys map[KeyRef]Key
	// Quotas are what the accounts may have, where that could be read.
	Quotas map[Scope]Quota
}

// Add takes in what another observation saw.
func (inv *Inventory) Add(o Inventory) {
	inv.Resources = append(inv.Resources, o.Resources...)
	inv.Snapshots = append(inv.Snapshots, o.Snapshots...)
	inv.Sites = append(inv.Sites, o.Sites...)
	inv.Gaps = merged(inv.Gaps, o.Gaps)
	inv.Keys = merged(inv.Keys, o.Keys)
	inv.Quotas = merged(inv.Quotas, o.Quotas)
}

func merged[K comparable, V any](m, more map[K]V) map[K]V {
	if len(more) > 0 && m == nil {
		m = map[K]V{}
	}
	maps.Copy(m, more)
	return m
}

// ReadClaim fills in what the snapshot's tags say: its claim, or why that cannot
// be read, or, where there is none, the tags themselves.
func (s *Snapshot) ReadClaim(tags Tags) {
	claim, err := ParseClaim(tags)
	switch {
	case err == nil:
		s.Claim, s.Shared = claim, ParseShared(tags)
	case errors.Is(err, ErrNoClaim):
		s.Tags = tags
	default:
		s.Flaw = err.Error()
	}
}
