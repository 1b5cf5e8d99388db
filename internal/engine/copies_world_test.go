package engine_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	awsrds "github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/holdfast-dr/holdfast/internal/account"
	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/all"
)

const farRegion = "us-west-2"

// Names of keys: wayKey is one under which the first account can share, farKey that
// of the destination.
const (
	wayKey = "alias/way"
	farKey = "alias/far"
)

// toFar begins a policy file with a destination in another account and Region.
const toFar = `namespace: test
sites:
  prod: {account: "111111111111", region: us-east-1, key: alias/way}
  far: {account: "222222222222", region: us-west-2, role: holdfast, key: alias/far}
policies:
`

func farSite() dr.Site { return dr.Site{Name: "far", Account: second, Region: farRegion} }

// keyed puts in the keys that toFar names.
func (w *world) keyed() {
	w.Helper()
	_, err := w.PutKey(prod, region, sandbox.SeedKey{Name: wayKey, Accounts: []string{second}})
	w.must(err)
	_, err = w.PutKey(second, farRegion, sandbox.SeedKey{Name: farKey})
	w.must(err)
}

// carrier is one process of holdfast that can copy: with every store, routes, and
// eyes for keys and quotas.
func (w *world) carrier(f policy.File) *process { return w.carrierOver(f, w.Client()) }

func (w *world) carrierOver(f policy.File, c *sandbox.Client) *process {
	sessions := session.New(session.Options{
		EndpointURL: "http://sandbox.invalid", HTTPClient: c, Credentials: session.Static(prod), Version: "test",
	}, f.Sites)
	e := &engine.Engine{
		File: f, Reach: sessions.Confirm, Clock: w.clock, Account: account.New(sessions, all.Limits()),
		Limits: plan.Limits{Routes: all.Routes(), Defaults: all.Defaults()},
	}
	for _, d := range all.Drivers(sessions, f) {
		e.Stores = append(e.Stores, store.New(d))
	}
	return &process{Engine: e, client: c}
}

// pass runs a new process every ten minutes, as often as said, and gives the last
// report.
func (w *world) pass(f policy.File, times int) engine.Report {
	w.Helper()
	var r engine.Report
	for range times {
		r = w.carrier(f).RunOnce(w.Context())
		w.sleep(10 * time.Minute)
	}
	return r
}

// rest runs new processes every ten minutes until nothing is to be done.
func (w *world) rest(f policy.File) plan.Plan {
	w.Helper()
	var p plan.Plan
	for range 40 {
		r := w.carrier(f).RunOnce(w.Context())
		for _, v := range r.Plan.Refused {
			if v.Reason.Code == plan.Guarded {
				w.Errorf("the check objects to the plan: %+v", v)
			}
		}
		if p = r.Plan; len(p.Actions)+len(p.Waiting) == 0 && !changing(r.Inventory) {
			return p
		}
		w.sleep(10 * time.Minute)
	}
	w.Errorf("it does not come to rest: actions %v, waiting %v, refused %v", p.Actions, p.Waiting, p.Refused)
	return p
}

// changing reports whether something is being made or deleted.
func changing(inv dr.Inventory) bool {
	return slices.ContainsFunc(inv.Snapshots, func(s dr.Snapshot) bool { return s.State == dr.Pending || s.State == dr.Going })
}

// view is what is really there, with the keys that it depends on.
func (w *world) view(f policy.File) dr.Inventory {
	w.Helper()
	inv := w.carrier(f).Observe(w.Context())
	if len(inv.Gaps) > 0 {
		w.Fatalf("the truth cannot be seen: %v", inv.Gaps)
	}
	return inv
}

// hands are an account's own people in a Region.
func (w *world) hands(s dr.Site) aws.Config {
	return aws.Config{
		Region: s.Region, BaseEndpoint: aws.String("http://sandbox.invalid"), HTTPClient: w.Client(), Credentials: session.Static(s.Account),
	}
}

// sharedWith gives the accounts that a snapshot is really shared with.
func (w *world) sharedWith(s dr.Snapshot) []string {
	w.Helper()
	var out []string
	switch ctx := context.Background(); s.Ref.Kind {
	case "rds":
		got, err := awsrds.NewFromConfig(w.hands(s.Ref.Site)).DescribeDBSnapshotAttributes(ctx, &awsrds.DescribeDBSnapshotAttributesInput{DBSnapshotIdentifier: &s.Ref.ID})
		w.must(err)
		for _, a := range got.DBSnapshotAttributesResult.DBSnapshotAttributes {
			out = append(out, a.AttributeValues...)
		}
	case "aurora":
		got, err := awsrds.NewFromConfig(w.hands(s.Ref.Site)).DescribeDBClusterSnapshotAttributes(ctx, &awsrds.DescribeDBClusterSnapshotAttributesInput{DBClusterSnapshotIdentifier: &s.Ref.ID})
		w.must(err)
		for _, a := range got.DBClusterSnapshotAttributesResult.DBClusterSnapshotAttributes {
			out = append(out, a.AttributeValues...)
		}
	case "ebs":
		for i := range s.Members {
			got, err := ec2.NewFromConfig(w.hands(s.Ref.Site)).DescribeSnapshotAttribute(ctx, &ec2.DescribeSnapshotAttributeInput{
				SnapshotId: &s.Members[i], Attribute: ec2types.SnapshotAttributeNameCreateVolumePermission,
			})
			w.must(err)
			for _, p := range got.CreateVolumePermissions {
				out = append(out, aws.ToString(p.UserId))
			}
		}
	}
	return out
}

// unshare takes a share of an RDS snapshot back by hand.
func (w *world) unshare(s dr.Snapshot, with string) {
	w.Helper()
	_, err := awsrds.NewFromConfig(w.hands(s.Ref.Site)).ModifyDBSnapshotAttribute(context.Background(), &awsrds.ModifyDBSnapshotAttributeInput{
		DBSnapshotIdentifier: &s.Ref.ID, AttributeName: aws.String("restore"), ValuesToRemove: []string{with},
	})
	w.must(err)
}

// discard deletes an RDS snapshot by hand.
func (w *world) discard(s dr.Snapshot) {
	w.Helper()
	_, err := awsrds.NewFromConfig(w.hands(s.Ref.Site)).DeleteDBSnapshot(context.Background(), &awsrds.DeleteDBSnapshotInput{DBSnapshotIdentifier: &s.Ref.ID})
	w.must(err)
}

// secret puts in a resource of a kind whose storage is under a key, and gives its
// ref.
func (w *world) secret(kind dr.Kind, site dr.Site, name, key string, tags dr.Tags) dr.Ref {
	w.Helper()
	ref := dr.Ref{Kind: kind, Site: site, ID: name}
	old := sandbox.Age(100 * 24 * time.Hour)
	switch kind {
	case "rds":
		w.must(w.PutDBInstance(site.Account, site.Region, name, sandbox.SeedDatabase{Age: old, Tags: tags, Key: key}))
	case "aurora":
		w.must(w.PutDBCluster(site.Account, site.Region, name, sandbox.SeedDBCluster{Age: old, Tags: tags, Key: key}))
	case "ebs":
		id, err := w.PutInstance(site.Account, site.Region, name, sandbox.SeedInstance{Age: old, Tags: tags, Volumes: []sandbox.SeedVolume{
			{Device: "/dev/xvda", Boot: true, Size: 8, Key: key}, {Device: "/dev/sdf", Size: 20, Key: key},
		}})
		w.must(err)
		ref.ID = id
	default:
		w.Fatalf("the test knows no kind %q", kind)
	}
	return ref
}

// alien puts in a snapshot of a kind that is not ours, and gives its name or id.
func (w *world) alien(kind dr.Kind, site dr.Site, name string, tags dr.Tags) string {
	w.Helper()
	const old = sandbox.Age(50 * time.Hour)
	switch kind {
	case "rds":
		w.must(w.PutDBSnapshot(site.Account, site.Region, sandbox.SeedSnapshot{Of: "elsewhere", Name: name, Age: old, Tags: tags}))
	case "aurora":
		w.must(w.PutDBClusterSnapshot(site.Account, site.Region, sandbox.SeedDBClusterSnapshot{Of: "elsewhere", Name: name, Age: old, Tags: tags}))
	case "ebs":
		volume, err := w.PutVolume(site.Account, site.Region, "loose-"+name, sandbox.SeedVolume{Size: 5, Age: old + old})
		w.must(err)
		id, err := w.PutEBSSnapshot(site.Account, site.Region, sandbox.SeedEBSSnapshot{Of: volume, Age: old, Tags: tags})
		w.must(err)
		return id
	default:
		w.Fatalf("the test knows no kind %q", kind)
	}
	return name
}

// carried sorts the snapshots of a namespace into originals, what is on the way, and
// copies.
type carried struct{ originals, staged, copies []dr.Snapshot }

func carriedIn(inv dr.Inventory, f policy.File) carried {
	var c carried
	snaps := slices.Clone(inv.Snapshots)
	slices.SortFunc(snaps, func(x, y dr.Snapshot) int { return y.Claim.Slot.Compare(x.Claim.Slot) })
	for _, s := range snaps {
		switch {
		case s.Claim.Owner != f.Namespace:
		case s.Claim.Stage != "":
			c.staged = append(c.staged, s)
		case s.Claim.Origin != "":
			c.copies = append(c.copies, s)
		default:
			c.originals = append(c.originals, s)
		}
	}
	return c
}

// look sorts what is really there.
func (w *world) look(f policy.File) carried {
	w.Helper()
	return carriedIn(w.view(f), f)
}

// String says how many there are of each, and how many of them are not good:
// "2 originals, 1 on the way, 2 copies (1 pending)".
func (c carried) String() string {
	part := func(what string, snaps []dr.Snapshot) string {
		text := fmt.Sprintf("%d %s", len(snaps), what)
		states := map[dr.Condition]int{}
		for _, s := range snaps {
			states[s.State]++
		}
		delete(states, dr.Good)
		var odd []string
		for _, st := range slices.Sorted(maps.Keys(states)) {
			odd = append(odd, fmt.Sprintf("%d %s", states[st], st))
		}
		if len(odd) > 0 {
			text += " (" + strings.Join(odd, ", ") + ")"
		}
		return text
	}
	return part("originals", c.originals) + ", " + part("on the way", c.staged) + ", " + part("copies", c.copies)
}

// wantShape wants so many of each.
func (w *world) wantShape(f policy.File, want string) carried {
	w.Helper()
	c := w.look(f)
	if c.String() != want {
		w.Errorf("there are %s, want %s", c, want)
	}
	return c
}

// wantNoShares wants that nothing of ours is shared, nor marked so.
func (w *world) wantNoShares(f policy.File) {
	w.Helper()
	c := w.look(f)
	for _, s := range slices.Concat(c.originals, c.staged, c.copies) {
		if with := w.sharedWith(s); len(with) > 0 || len(s.Shared) > 0 {
			w.Errorf("%s is shared with %v, and marked so for %v", s.Ref, with, s.Shared)
		}
	}
}

// wantRefused wants just one refusal, of a code, whose words and remedy hold some.
func (w *world) wantRefused(p plan.Plan, code plan.Code, words ...string) {
	w.Helper()
	if len(p.Refused) != 1 || p.Refused[0].Reason.Code != code {
		w.Errorf("refused %+v, want one %s", p.Refused, code)
		return
	}
	w.wantWords(p.Refused[0].Reason.String()+" → "+p.Refused[0].Remedy, words...)
}

func (w *world) wantWords(text string, words ...string) {
	w.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			w.Errorf("%q does not say %q", text, word)
		}
	}
}

// blackout makes every call of an account into a Region fail.
func (w *world) blackout(id, in string) (end func()) {
	return w.Inject(sandbox.Fault{Match: sandbox.Match{Account: id, Region: in}, Kind: sandbox.Deny})
}
