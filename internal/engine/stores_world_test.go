package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	awsrds "github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/redshift"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/all"
)

// everyKind is the kinds of all stores of AWS, in a fixed order.
func everyKind() []dr.Kind {
	return slices.DeleteFunc(all.Kinds(), func(k dr.Kind) bool { return slices.Contains(all.FileKinds(), k) })
}

func parseAll(t testing.TB, text string) policy.File {
	t.Helper()
	f, _, err := policy.Parse("test.yaml", []byte(text), policy.Options{Kinds: all.Kinds()})
	if err != nil {
		t.Fatalf("the policy file of the test: %v", err)
	}
	return f
}

// fleet is one process of holdfast with every store it knows.
func (w *world) fleet(f policy.File) *process {
	c := w.Client()
	sessions := session.New(session.Options{
		EndpointURL: "http://sandbox.invalid", HTTPClient: c, Credentials: session.Static(prod), Version: "test",
	}, f.Sites)
	e := &engine.Engine{File: f, Reach: sessions.Confirm, Clock: w.clock, Limits: plan.Limits{Defaults: all.Defaults()}}
	for _, d := range all.Drivers(sessions, f) {
		e.Stores = append(e.Stores, store.New(d))
	}
	return &process{Engine: e, client: c}
}

// once runs a new process once and wants no trouble.
func (w *world) once(f policy.File) engine.Report {
	w.Helper()
	return w.clean(w.fleet(f).RunOnce(w.Context()))
}

// sight is what is really there, seen by a process that knows nothing yet.
func (w *world) sight(f policy.File) dr.Inventory {
	w.Helper()
	inv := w.fleet(f).Observe(w.Context())
	if len(inv.Gaps) > 0 {
		w.Fatalf("the truth cannot be seen: %v", inv.Gaps)
	}
	return inv
}

// located is a site of the first account.
func located(name, in string) dr.Site { return dr.Site{Name: name, Account: prod, Region: in} }

func home() dr.Site { return located("prod", region) }

// add makes a resource of a kind exist, and gives its ref.
func (w *world) add(kind dr.Kind, site dr.Site, name string, tags dr.Tags) dr.Ref {
	w.Helper()
	ref := dr.Ref{Kind: kind, Site: site, ID: name}
	old := sandbox.Age(100 * 24 * time.Hour)
	switch kind {
	case "rds":
		w.must(w.PutDBInstance(site.Account, site.Region, name, sandbox.SeedDatabase{Age: old, Tags: tags}))
	case "aurora":
		w.must(w.PutDBCluster(site.Account, site.Region, name, sandbox.SeedDBCluster{Age: old, Tags: tags}))
	case "redshift":
		// Its automated snapshots come every eight hours from then on, not just now.
		w.must(w.PutCluster(site.Account, site.Region, name, sandbox.SeedCluster{Age: old + sandbox.Age(time.Hour), Tags: tags}))
	case "elasticache":
		w.must(w.PutCache(site.Account, site.Region, name, sandbox.SeedCache{Age: old, Tags: tags}))
	case "ebs":
		volumes := []sandbox.SeedVolume{{Device: "/dev/xvda", Boot: true, Size: 8}, {Device: "/dev/sdf", Size: 20}, {Device: "/dev/sdg", Size: 30}}
		id, err := w.PutInstance(site.Account, site.Region, name, sandbox.SeedInstance{
			Age: old, Tags: tags, Volumes: volumes[:1+len(name)%3],
		})
		w.must(err)
		ref.ID = id
	default:
		w.Fatalf("the test knows no kind %q", kind)
	}
	return ref
}

// console is the first account's own hands in a Region.
func (w *world) console(in string) aws.Config {
	return aws.Config{
		Region: in, BaseEndpoint: aws.String("http://sandbox.invalid"), HTTPClient: w.Client(), Credentials: session.Static(prod),
	}
}

// remove deletes a resource, as a person does.
func (w *world) remove(r dr.Ref) {
	w.Helper()
	w.must(destroy(w.Context(), w.console(r.Site.Region), r))
}

func destroy(ctx context.Context, cfg aws.Config, r dr.Ref) (err error) {
	id, yes := aws.String(r.ID), aws.Bool(true)
	switch r.Kind {
	case "rds":
		_, err = awsrds.NewFromConfig(cfg).DeleteDBInstance(ctx, &awsrds.DeleteDBInstanceInput{DBInstanceIdentifier: id, SkipFinalSnapshot: yes})
	case "aurora":
		_, err = awsrds.NewFromConfig(cfg).DeleteDBCluster(ctx, &awsrds.DeleteDBClusterInput{DBClusterIdentifier: id, SkipFinalSnapshot: yes})
	case "redshift":
		_, err = redshift.NewFromConfig(cfg).DeleteCluster(ctx, &redshift.DeleteClusterInput{ClusterIdentifier: id, SkipFinalClusterSnapshot: yes})
	case "elasticache":
		_, err = elasticache.NewFromConfig(cfg).DeleteReplicationGroup(ctx, &elasticache.DeleteReplicationGroupInput{ReplicationGroupId: id})
	case "ebs":
		_, err = ec2.NewFromConfig(cfg).TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{r.ID}})
	default:
		err = fmt.Errorf("the test knows no kind %q", r.Kind)
	}
	return err
}

// oneOfEach puts in a resource of every kind.
func (w *world) oneOfEach(tags dr.Tags) []dr.Ref {
	w.Helper()
	var out []dr.Ref
	for _, k := range everyKind() {
		out = append(out, w.add(k, home(), string(k)+"-1", tags))
	}
	return out
}

// goodOf gives the good recovery points of a resource that are the file's, newest
// first.
func goodOf(inv dr.Inventory, f policy.File, r dr.Ref) []dr.Snapshot {
	var out []dr.Snapshot
	for _, s := range inv.Snapshots {
		if s.Claim.Owner == f.Namespace && s.Claim.Source == r.Source() && s.State == dr.Good {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(x, y dr.Snapshot) int { return y.Claim.Slot.Compare(x.Claim.Slot) })
	return out
}
