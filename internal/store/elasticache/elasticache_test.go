package elasticache_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/elasticache"
)

func TestForms(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.put("orders", sandbox.SeedCache{Shards: 3, Replicas: 1})
		f.put("single", sandbox.SeedCache{Form: "cluster", Engine: "valkey"})
		f.put("pages", sandbox.SeedCache{Form: "cluster", Engine: "memcached", Nodes: 2})
		f.put("old", sandbox.SeedCache{Form: "cluster", Node: "cache.t1.micro"})
		f.must(f.aws.PutCache(account, region, "orders", sandbox.SeedCache{Form: "cluster"}))
		f.must(f.aws.PutCache(account, region, "orders", sandbox.SeedCache{Form: "serverless", Engine: "valkey"}))
		want := map[string]string{
			"orders": "ready available", "cluster:orders": "ready available", "serverless:orders": "ready available",
			"cluster:single": "ready available", "cluster:pages": "blocked memcached, which has no snapshots",
			"cluster:old": "blocked on a node of type cache.t1.micro, which has no snapshots",
		}
		got := map[string]string{}
		for _, r := range f.observe().Resources {
			got[r.Ref.ID] = string(r.State) + " " + r.Status
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("saw %v\nwant %v", got, want)
		}
		for _, id := range []string{"orders", "cluster:orders", "serverless:orders"} {
			x := f.taken(id)
			if x.State != dr.Good || x.Of.ID != id || x.Bytes == 0 || !x.Claim.Ours() {
				t.Errorf("%s: %+v", id, x)
			}
			f.must(f.apply(about(plan.Hold, x)))
			f.must(f.apply(about(plan.Release, x)))
			f.must(f.apply(about(plan.Delete, x)))
		}
		time.Sleep(time.Hour)
		if left := f.observe().Snapshots; len(left) > 0 {
			t.Errorf("left are %v", left)
		}
		r := f.resource("cluster:pages")
		if err := f.apply(creation(r, time.Now())); f.drv.Classify(err) != store.Invalid {
			t.Errorf("a snapshot of Memcached: %v", err)
		}
	})
}

func TestCapturedConfiguration(t *testing.T) {
	inBubble(t, func(f *fixture) {
		for _, form := range []string{"group", "cluster", "serverless"} {
			f.put(form, rich(form, nil))
			r := f.resource(prefixOf(form) + form)
			f.must(f.apply(creation(r, time.Now())))
			time.Sleep(time.Hour)
			got, err := f.process(gold()).Confirm(f.Context(), home(), []dr.Snapshot{f.snapshot(creation(r, time.Now().Add(-time.Hour)).Name)})
			f.must(err)
			settings, err := got[0].Claim.Config.Settings()
			f.must(err)
			for _, key := range wanted()[form] {
				if settings[key] == "" {
					t.Errorf("%s: %s is not captured: %v", form, key, settings)
				}
			}
		}
		settings, err := f.resource("group").Config.Settings()
		f.must(err)
		if settings["slots"] != "0001:0-8191,0002:8192-16383" || settings["port"] != "6380" || settings["replicas"] != "1" ||
			settings["logs"] != "slow-log json cloudwatch-logs /elasticache/orders" {
			t.Errorf("captured: %v", settings)
		}
	})
}

func wanted() map[string][]string {
	nodes := []string{
		"form", "engine", "version", "node", "tls", "tls-mode", "auth", "at-rest", "logs", "snapshot-days", "snapshot-window",
		"maintenance", "subnets", "security", "parameters", "topic", "port", "zones", "minor-upgrade",
	}
	return map[string][]string{
		"group": append([]string{
			"description", "shards", "replicas", "slots", "cluster-mode", "failover", "multi-az", "key", "user-groups", "data-tiering",
		}, nodes...),
		"cluster":    nodes,
		"serverless": {"form", "engine", "major", "version", "description", "key", "security", "subnets", "user-groups", "snapshot-days", "snapshot-window", "max-gb", "max-ecpu"},
	}
}

func TestQuotaPerDay(t *testing.T) {
	inBubble(t, func(f *fixture) {
		for form, limit := range map[string]int{"group": 20, "serverless": 24} {
			f.put(form, sandbox.SeedCache{Form: form})
			id := prefixOf(form) + form
			for i := range limit {
				if err := f.apply(creation(f.resource(id), time.Now())); err != nil {
					t.Fatalf("%s, snapshot %d: %v", form, i+1, err)
				}
				time.Sleep(30 * time.Minute)
			}
			a := creation(f.resource(id), time.Now())
			if err := f.apply(a); f.drv.Classify(err) != store.Quota {
				t.Errorf("%s, one too many: %v", form, err)
			}
			time.Sleep(24 * time.Hour)
			f.must(f.apply(a))
			time.Sleep(time.Hour)
		}
	})
}

// A plan never asks for more than AWS allows in a day, and for as much as it allows.
func TestPlansKeepWithinTheDay(t *testing.T) {
	file, _, err := policy.Parse("test.yaml", []byte(`
namespace: prod
sites: {home: {account: "111111111111", region: us-east-1}}
policies: {gold: {match: {name: ".*"}, every: 1h, keep: {within: 14d}}}
`), policy.Options{Kinds: []dr.Kind{elasticache.Kind}})
	if err != nil {
		t.Fatal(err)
	}
	inBubble(t, func(f *fixture) {
		f.put("orders", sandbox.SeedCache{Age: month})
		f.put("orders", sandbox.SeedCache{Form: "serverless", Age: month})
		taken := map[string]int{}
		for range 3 * 24 * 4 {
			p := plan.Build(time.Now(), file, f.observe(), plan.Limits{})
			for _, a := range p.Actions {
				f.must(f.apply(a))
				taken[a.From.ID]++
			}
			if len(p.Foretold) != 1 || p.Foretold[0].Ref.ID != "orders" || p.Foretold[0].Reason.Code != plan.DailyForetold {
				t.Fatalf("foretold is %v, want that of the group alone", p.Foretold)
			}
			time.Sleep(15 * time.Minute)
		}
		if taken["orders"] != 3*20 || taken["serverless:orders"] != 3*24 {
			t.Errorf("taken in three days: %v", taken)
		}
	})
}

// While a snapshot is being made its tags cannot be read; its name speaks for it.
func TestLostAnswerInAnotherProcess(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.put("orders", sandbox.SeedCache{})
		a := creation(f.resource("orders"), time.Now())
		f.aws.Inject(sandbox.Fault{Match: sandbox.Match{Action: "CreateSnapshot"}, Kind: sandbox.CrashAfter, Times: 1})
		if err := f.apply(a); err == nil {
			t.Fatal("it did not crash")
		}
		f.drv = f.process(gold())
		if got := f.snapshot(a.Name); got.State != dr.Pending || !got.Claim.Is(a.Claim) || got.Taken.IsZero() {
			t.Errorf("the next process sees %+v", got)
		}
		f.must(f.apply(a))
		time.Sleep(time.Hour)
		f.must(f.apply(a))
		if inv := f.observe(); len(inv.Snapshots) != 1 || inv.Snapshots[0].Claim != a.Claim {
			t.Errorf("there are %+v", inv.Snapshots)
		}
	})
}
