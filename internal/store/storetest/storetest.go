// Package storetest is the conformance suite: what every driver of a store must
// hold, whatever goes wrong between it and the cloud. A driver's test supplies a
// Harness and calls Run; nothing here knows one service from another.
//
// Each case runs in a testing/synctest bubble over a World of its own, so that
// retries, snapshots that take hours and clocks cost no time.
package storetest

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Harness is what a driver's test supplies.
type Harness struct {
	// New makes a fresh World. It is called within a bubble, and what fails in it
	// or later in the World fails t.
	New func(t *testing.T) World
	// Calls names the calls that the driver makes, as IAM names permissions.
	Calls Calls
	// Statuses gives, for each readiness, words that the service has for it.
	Statuses map[dr.Readiness][]string
	// ResourceName is how long the name of a resource may be.
	ResourceName int
	// MaxTags is how many tags a snapshot may have; 0 means no limit.
	MaxTags int
	// SpareTags is how many of them the driver leaves free for what is marked later.
	SpareTags int
	// NamesAreKeys says that the caller names snapshots and that a name is taken
	// once. Where it is not so, the claim is all by which a snapshot is known.
	NamesAreKeys bool
	// NameTag is the tag that names a resource, where nothing else does; the World
	// sets it.
	NameTag string
	// NameMark is the tag in which the driver keeps the name of a snapshot, where
	// the service has no names for them.
	NameMark string
	// Probe is the call by which the driver looks whether a snapshot is there before
	// it makes one, where nothing else keeps it from making two.
	Probe string
	// Copies is set where snapshots are copied by calls; the World is then a
	// CopyWorld.
	Copies *CopyCalls
	// Retires is set where the driver deletes what a restore replaced.
	Retires *RetireCalls
	// Reads is the call by which the driver reads, before it makes a snapshot, what
	// no listing says of its resource.
	Reads string
	// TagLookup is the call that reads the tags of one thing, where no listing holds
	// them.
	TagLookup string
	// Prefix stands before a snapshot's name in its identifier.
	Prefix string
	// Sizeless says that the service does not tell how big a resource is.
	Sizeless bool
	// Files says that snapshots are files which holdfast writes itself: complete when
	// Apply returns, with no tags but the claim, and without an API whose calls could be
	// counted and broken. What goes wrong there, the driver's own tests have to show.
	Files bool
}

// creating gives the calls of a create that nothing disturbs.
func (h Harness) creating() []string {
	all := []string{h.Probe, h.Reads, h.Calls.Create}
	return slices.DeleteFunc(all, func(call string) bool { return call == "" })
}

// named gives the tags of a resource with the one that names it.
func (h Harness) named(tags dr.Tags, name string) dr.Tags {
	out := maps.Clone(tags)
	if h.NameTag != "" {
		out[h.NameTag] = name
	}
	return out
}

// ownMarks is how many tags there are on a snapshot beside the claim and what the
// case itself put on its source.
func (h Harness) ownMarks() int {
	n := 0
	for _, mark := range []string{h.NameTag, h.NameMark} {
		if mark != "" {
			n++
		}
	}
	return n
}

// Calls names calls, such as "rds:CreateDBSnapshot". Tag and Untag are those that
// hold and release a snapshot.
type Calls struct {
	ListResources, ListSnapshots, Create, Delete, Tag, Untag string
}

func (c Calls) all() []string {
	return []string{c.ListResources, c.ListSnapshots, c.Create, c.Delete, c.Tag, c.Untag}
}

// calls gives all calls that need a permission.
func (h Harness) calls() []string {
	if h.Copies == nil {
		return h.Calls.all()
	}
	return append(h.Calls.all(), h.Copies.Copy, h.Copies.Share)
}

// World is a simulated cloud with a driver that reaches it. Home and Away are
// sites in two accounts; a site's session can do all that a driver needs.
type World interface {
	Driver() store.Driver
	Home() dr.Site
	Away() dr.Site
	// PutResource makes a resource exist, and PutSnapshot a snapshot that holdfast
	// did not make.
	PutResource(site dr.Site, r Resource) dr.Ref
	PutSnapshot(site dr.Site, s Snapshot) dr.Ref
	// SetStatus puts a resource into a status, in the service's own word, in which
	// it stays.
	SetStatus(resource dr.Ref, status string)
	// FailNext makes the next snapshot of a resource end as failed.
	FailNext(resource dr.Ref)
	// SetQuota limits how many snapshots there may be at a site.
	SetQuota(site dr.Site, n int)
	// SnapshotTags gives a snapshot's tags, by other means than the driver's.
	SnapshotTags(snapshot dr.Ref) dr.Tags
	// Strike makes something go wrong until it has struck as often as it is to,
	// or until end is called.
	Strike(t Trouble) (end func())
	// Calls gives the calls that were made so far, as IAM names permissions.
	Calls() []string
}

// Resource is a resource to be put into a World.
type Resource struct {
	Name string
	Tags dr.Tags
	// Rich asks for as much configuration as the World can give it.
	Rich bool
	// Key is the alias of the key that encrypts it; empty for a plain one. It is set
	// only in a CopyWorld.
	Key string
}

// Snapshot is a snapshot to be put into a World.
type Snapshot struct {
	Of   dr.Ref
	Name string
	Tags dr.Tags
	Age  time.Duration
}

// Trouble is something that goes wrong with calls.
type Trouble struct {
	Kind TroubleKind
	// Call is the call that it strikes, as IAM names permissions; empty: any.
	Call string
	// Skip lets so many calls pass first; Times is how often it strikes, 0 for ever.
	Skip, Times int
	// By is how far in the past Stale reads see.
	By time.Duration
}

// TroubleKind says what goes wrong.
type TroubleKind string

// What can go wrong with a call.
const (
	// Throttled: it is refused, since there were too many.
	Throttled TroubleKind = "throttled"
	// Broken: it fails within the service, and has no effect.
	Broken TroubleKind = "broken"
	// LostAnswer: it takes effect, and the answer never comes.
	LostAnswer TroubleKind = "lost answer"
	// Stale: it is a read and answers as of some time ago.
	Stale TroubleKind = "stale"
	// Denied: the caller may not make it.
	Denied TroubleKind = "denied"
)

// Run holds a driver to all cases.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, group := range []struct {
		name  string
		cases []testCase
	}{
		{"observe", observing()},
		{"create", creating()},
		{"create when it goes wrong", recreating()},
		{"claim", claiming()},
		{"delete", deleting()},
		{"hold", holding()},
		{"fault", failing()},
		{"grants", granting()},
		{"concurrency", concurring()},
		{"copy", copying()},
		{"copy when it goes wrong", recopying()},
		{"share", sharing()},
		{"route", routing()},
		{"retire", retiring()},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) {
					if why := c.without(h); why != "" {
						t.Skip(why)
					}
					synctest.Test(t, func(t *testing.T) { c.run(newScene(t, h)) })
				})
			}
		})
	}
}

// testCase is one thing that a driver must hold.
type testCase struct {
	name string
	run  func(*scene)
	// named: only where the caller's names are keys. tagged: only where there is a
	// limit of tags.
	named, tagged bool
	// copied: only where snapshots are copied by calls. retired: only where a restore
	// leaves an old one behind.
	copied, retired bool
	// served: only where a service makes the snapshots.
	served bool
}

// without says why a case does not apply to a driver; empty where it does.
func (c testCase) without(h Harness) string {
	switch {
	case c.named && !h.NamesAreKeys || c.tagged && h.MaxTags == 0:
		return "it does not apply to this kind of store"
	case c.copied && h.Copies == nil:
		return "snapshots of this kind are not copied by calls"
	case c.served && h.Files:
		return "no service makes the snapshots of this kind"
	case c.retired && h.Retires == nil:
		return "stores of this kind are not restored in place"
	}
	return ""
}
