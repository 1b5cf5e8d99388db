package policy

import (
	"fmt"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// File is a policy file that was read and found valid.
type File struct {
	// Namespace is the owner written into every claim.
	Namespace string
	// Sites, Policies and Notify are in the order of the file.
	Sites    []Site
	Policies []Policy
	Notify   []Notify
	// Endpoints are the stores that no service lists.
	Endpoints []Endpoint
	// Kinds are the kinds of stores to look at; empty: see Wants.
	Kinds []dr.Kind
	// Dialects are the tags of other tools that are read as policies.
	Dialects []Dialect
}

// Site looks up a site by its name.
func (f File) Site(name string) (Site, bool) {
	for _, s := range f.Sites {
		if s.Name == name {
			return s, true
		}
	}
	return Site{}, false
}

// Policy looks up a policy by its name.
func (f File) Policy(name string) (Policy, bool) {
	for _, p := range f.Policies {
		if p.Name == name {
			return p, true
		}
	}
	return Policy{}, false
}

// Site is a site and how to get in.
type Site struct {
	dr.Site
	// Role is the name or the ARN of the role to assume; empty: the caller's own
	// credentials.
	Role string
	// ExternalID is handed over when assuming the role.
	ExternalID string
	// Profile names a profile of the AWS configuration to start from.
	Profile string
	// Key is the KMS key for copies that arrive here; empty: the service's default.
	Key string
	// Bucket is the S3 bucket for what leaves and arrives as files; empty: none.
	Bucket string
	// Proxy is the URL of the SOCKS5 proxy through which checks reach the databases;
	// empty: directly. It may hold a password.
	Proxy string
	// Depot says how a site that is a vault is reached.
	Depot Depot
	// Restore says what stands here for what the configurations of other sites name.
	Restore Translation
	Pos     Pos
}

// Policy is one policy.
type Policy struct {
	Name     string
	Match    Selector
	Schedule Schedule
	// Volumes says which parts of a resource that has parts are left out.
	Volumes Volumes
	// Keep is the retention where the snapshots are taken.
	Keep   Retention
	Copies []Copy
	// Checks are what a restored store has to show.
	Checks []Check
	// Objective is what the owner wants to hold.
	Objective Objective
	// Location is where days, weeks and months begin and end; never nil in a
	// policy that was parsed.
	Location *time.Location
	Pos      Pos
}

// Copy is one destination of a policy's copies.
type Copy struct {
	// To names the site.
	To string
	// Schedule, unless it is zero, is the destination's own pace: of each of its
	// slots only the first recovery point is copied.
	Schedule Schedule
	// Keep is the retention there.
	Keep Retention
}

// Objective is a recovery point and a recovery time objective; 0 means none.
type Objective struct {
	RPO, RTO time.Duration
}

// Event is something worth telling someone.
type Event string

// The events that a notification can ask for.
const (
	// OnFailure: a run, a restore or a drill failed, wholly or in part.
	OnFailure Event = "failure"
	// OnBreach: an objective is not held.
	OnBreach Event = "breach"
	// OnSuccess: a run, a restore or a drill that did something succeeded.
	OnSuccess Event = "success"
)

// Events lists all events, in the order of the documentation.
func Events() []Event { return []Event{OnFailure, OnBreach, OnSuccess} }

// Notify is one address that is told of events.
type Notify struct {
	// URL may hold a secret: it does not belong into logs.
	URL string
	// On is never empty in a file that was parsed; failure and breach by default.
	On  []Event
	Pos Pos
}

// Pos is a place in the policy file; the zero Pos is nowhere.
type Pos struct{ Line, Column int }

// String gives line:column.
func (p Pos) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Column) }

// Compare orders positions as one reads.
func (p Pos) Compare(o Pos) int {
	if p.Line != o.Line {
		return p.Line - o.Line
	}
	return p.Column - o.Column
}

// Names lists the policies that snapshots can be claimed for: those of the file,
// those that resources state, and those that are taken by hand.
func (f File) Names() []string {
	names := []string{TagPolicyName, ManualName}
	for _, p := range f.Policies {
		names = append(names, p.Name)
	}
	return names
}
