package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

var (
	other = dr.Site{Name: "other", Account: "222222222222", Region: "us-east-1"}
	far   = dr.Site{Name: "far", Account: "222222222222", Region: "us-west-2"}
)

const copyHeader = `namespace: test
sites:
  prod: {account: "111111111111", region: us-east-1, key: alias/shareable}
  west: {account: "111111111111", region: us-west-2}
  other: {account: "222222222222", region: us-east-1, key: alias/dr}
  south: {account: "111111111111", region: sa-east-1}
  far: {account: "222222222222", region: us-west-2, key: alias/dr}
policies:
`

const (
	managedKey  = "arn:aws:kms:us-east-1:111111111111:key/00000000-aaaa-0000-0000-000000000000"
	customerKey = "arn:aws:kms:us-east-1:111111111111:key/00000000-cccc-0000-0000-000000000000"
)

func parseCopies(t failer, policies string) policy.File {
	t.Helper()
	f, _, err := policy.Parse("test.yaml", []byte(copyHeader+policies), policy.Options{Kinds: []dr.Kind{"rds"}})
	if err != nil {
		t.Fatalf("policy file of the test: %v", err)
	}
	return f
}

func routes(copies int) plan.Limits {
	return plan.Limits{
		MaxDelete: plan.MaxDelete{Count: 10_000, IsSet: true},
		Routes:    map[dr.Kind]plan.Routing{"rds": {Means: plan.ByCall, Default: "alias/aws/rds", Copies: copies, NameLimit: 255}},
	}
}

// cloud is AWS as far as planning copies can tell: what was asked for is pending
// for a while and then good, failed or gone.
type cloud struct {
	now       time.Time
	resources []dr.Resource
	snaps     []*cloudSnap
	gaps      map[dr.Scope]error
	// trouble makes things go wrong.
	trouble bool
	t       *rapid.T
}

type cloudSnap struct {
	dr.Snapshot
	ready time.Time
	// from is what a copy is made from while it is pending.
	from dr.Ref
}

func (c *cloud) inventory() dr.Inventory {
	inv := dr.Inventory{
		Gaps: c.gaps, Sites: []dr.Site{prod, west, other, far},
		Keys: map[dr.KeyRef]dr.Key{{Site: prod, Name: managedKey}: {ARN: managedKey, Managed: true}, {Site: prod, Name: customerKey}: {ARN: customerKey}},
	}
	for _, r := range c.resources {
		if c.gaps[r.Ref.Scope()] == nil {
			inv.Resources = append(inv.Resources, r)
		}
	}
	for _, s := range c.snaps {
		if c.gaps[s.Ref.Scope()] == nil {
			inv.Snapshots = append(inv.Snapshots, s.Snapshot)
		}
	}
	return inv
}

func (c *cloud) luck(n int, label string) bool {
	return c.trouble && rapid.IntRange(0, n-1).Draw(c.t, label) == 0
}

// pass lets time go by: what is pending ends.
func (c *cloud) pass(d time.Duration) {
	c.now = c.now.Add(d)
	for _, s := range c.snaps {
		if s.State != dr.Pending || s.ready.After(c.now) {
			continue
		}
		s.State, s.Status = dr.Good, "available"
		if c.luck(6, "fails") {
			s.State, s.Status = dr.Failed, "error"
		}
	}
	if c.luck(20, "vanishes") && len(c.snaps) > 0 {
		i := rapid.IntRange(0, len(c.snaps)-1).Draw(c.t, "which")
		if c.snaps[i].Claim.Origin != "" && c.snaps[i].State != dr.Good { // Nobody took away what is good.
			c.snaps = slices.Delete(c.snaps, i, i+1)
		}
	}
	c.gaps = nil
	if c.luck(4, "gap") {
		site := rapid.SampledFrom([]dr.Site{prod, west, other, far}).Draw(c.t, "unseen")
		c.gaps = map[dr.Scope]error{{Kind: "rds", Site: site}: errors.New("throttled")}
	}
}

func (c *cloud) find(r dr.Ref) *cloudSnap {
	for _, s := range c.snaps {
		if s.Ref == r {
			return s
		}
	}
	return nil
}

// apply does what a plan says, and stops in the middle now and then.
func (c *cloud) apply(p plan.Plan) {
	for _, a := range p.Actions {
		if c.luck(12, "crash") {
			return
		}
		if c.luck(10, "refused") {
			continue
		}
		c.act(a)
	}
}

func (c *cloud) act(a plan.Action) {
	switch a.Verb {
	case plan.Create:
		key := ""
		for _, r := range c.resources {
			if r.Ref == a.From {
				key = r.Key
			}
		}
		c.add(a, a.From, key, c.now)
	case plan.Copy:
		c.copy(a)
	case plan.Share, plan.Withdraw:
		s := c.find(a.From)
		if s == nil {
			return
		}
		s.Shared = slices.DeleteFunc(slices.Clone(s.Shared), func(x string) bool { return x == a.With })
		if a.Verb == plan.Share {
			if s.Key == managedKey {
				c.t.Fatalf("a snapshot under a key of AWS's would be shared: %v", a)
			}
			s.Shared = append(s.Shared, a.With)
		}
	case plan.Delete:
		c.remove(a)
	case plan.Promote, plan.Adopt, plan.Hold, plan.Release, plan.Configure, plan.Retire:
		c.t.Fatalf("unexpected %v", a)
	}
}

func (c *cloud) add(a plan.Action, of dr.Ref, key string, taken time.Time) {
	made := dr.Ref{Kind: "rds", Site: a.To, ID: a.Name}
	if c.find(made) != nil {
		return // The name makes it one.
	}
	lasts := 10 * time.Minute
	if c.trouble {
		lasts = time.Duration(rapid.IntRange(1, 90).Draw(c.t, "minutes")) * time.Minute
	}
	c.snaps = append(c.snaps, &cloudSnap{
		Snapshot: dr.Snapshot{
			Ref: made, Of: of, Taken: taken, Made: c.now, State: dr.Pending, Status: "creating", Claim: a.Claim, Key: key,
			ARN: "arn:" + made.Source(),
		},
		ready: c.now.Add(lasts), from: a.From,
	})
}

func (c *cloud) copy(a plan.Action) {
	from := c.find(a.From)
	switch {
	case from == nil || from.State != dr.Good:
		return
	case from.Ref.Site.Account != a.To.Account && !slices.Contains(from.Shared, a.To.Account):
		return // Its share was refused.
	case from.Key != "" && a.Key == "":
		c.t.Fatalf("an encrypted snapshot would be copied without a key: %v", a)
	}
	key := a.Key
	if key != "" {
		key = fmt.Sprintf("arn:aws:kms:%s:%s:key/%s", a.To.Region, a.To.Account, a.Key)
	}
	c.add(a, from.Of, key, c.now)
	c.find(dr.Ref{Kind: "rds", Site: a.To, ID: a.Name}).CopyOf = from.ARN
}

func (c *cloud) remove(a plan.Action) {
	s := c.find(a.From)
	if s == nil {
		return
	}
	for _, o := range c.snaps {
		if o.State == dr.Pending && o.Claim.Origin != "" && o.from == s.Ref {
			c.t.Fatalf("%s would be deleted while %s is made from it (%s)", s.Ref, o.Ref, a.Reason)
		}
	}
	if s.Claim.Stage != "" && s.State == dr.Good && !c.elsewhere(s) {
		c.t.Fatalf("%s would be deleted, and nothing holds data as new", s.Ref)
	}
	c.snaps = slices.DeleteFunc(c.snaps, func(x *cloudSnap) bool { return x == s })
}

func (c *cloud) elsewhere(s *cloudSnap) bool {
	return slices.ContainsFunc(c.snaps, func(o *cloudSnap) bool {
		return o != s && o.State == dr.Good && o.Claim.Stage == "" && o.Claim.Source == s.Claim.Source && !o.Claim.Slot.Before(s.Claim.Slot)
	})
}

// show lists what there is.
func (c *cloud) show() string {
	var lines []string
	for _, s := range c.snaps {
		lines = append(lines, fmt.Sprintf("%s %s slot %s stage %q origin %q %s shared %v", s.Ref.Site.Name, s.State, s.Claim.Slot.Format("15:04"),
			s.Claim.Stage, s.Claim.Origin, s.Key, s.Shared))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
