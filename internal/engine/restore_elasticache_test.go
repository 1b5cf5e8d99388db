package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/elasticache"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/elasticache"
)

const (
	cachesDaily = `namespace: test
sites:
  prod: {account: "111111111111", region: us-east-1}
  dns: {account: "222222222222", region: us-east-1, role: holdfast}
policies:
  daily:
    match: {tags: {backup: gold}}
    every: 1d
    keep: {daily: 7, floor: 2}
`
	// cacheRecord is the name by which clients go.
	cacheRecord = "cache.example.internal"
	cacheReader = "reader.example.internal"
	privateZone = "Z0PRIVATE"
)

// cachery starts a process that knows ElastiCache alone.
func (w *world) cachery(text string) *process {
	w.Helper()
	c, f := w.Client(), parseAll(w, text)
	sessions := session.New(session.Options{
		EndpointURL: "http://sandbox.invalid", HTTPClient: c, Credentials: session.Static(prod), Version: "test",
	}, f.Sites)
	d := elasticache.New(sessions, elasticache.Candidates{Namespace: f.Namespace, Policies: []string{"daily"}}, elasticache.Files{Sites: f.Sites})
	return &process{Engine: &engine.Engine{
		File: f, Stores: []*store.Store{store.New(d)}, Reach: sessions.Confirm, Clock: w.clock,
	}, client: c}
}

func (w *world) cacheConsole() *sdk.Client { return sdk.NewFromConfig(w.console(region)) }

// seededCache puts in a cache, and a good snapshot of it.
func (w *world) seededCache(c sandbox.SeedCache) {
	w.Helper()
	c.Age, c.Tags = sandbox.Age(100*24*time.Hour), map[string]string{"backup": "gold", "team": "shop"}
	w.must(w.PutCache(prod, region, "orders", c))
	w.clean(w.cachery(cachesDaily).RunAndWait(w.Context(), time.Minute))
}

// fullGroup is a replication group with every setting that a snapshot does not carry.
func fullGroup() sandbox.SeedCache {
	return sandbox.SeedCache{
		Engine: "redis", Version: "7.1.0", Node: "cache.r7g.large", Description: "orders of the shop", Replicas: 2, MultiAZ: true, Failover: true,
		TLS: true, AtRest: true, Port: 6380, Retention: 5, ParameterGroup: "tuned", SubnetGroup: "private", SecurityGroups: []string{"sg-2", "sg-1"},
		UserGroups: []string{"shoppers"}, Topic: "arn:aws:sns:us-east-1:111111111111:caches", SnapshotWindow: "01:00-02:00",
		Maintenance: "mon:03:00-mon:04:00", SlowLog: "/elasticache/orders", Size: 3,
	}
}

// richCache puts in such a group, and the records by which its clients go.
func (w *world) richCache() {
	w.Helper()
	w.seededCache(fullGroup())
	w.pointTo(fullGroup())
}

// pointTo makes the records of the endpoints that a cache has.
func (w *world) pointTo(c sandbox.SeedCache) {
	w.Helper()
	all := w.caches()
	to := []sandbox.SeedRecord{{Name: cacheRecord, TTL: 30, Values: []string{all["orders"].host}}}
	if all["orders"].reader != "" && !c.ClusterMode {
		to = append(to, sandbox.SeedRecord{Name: cacheReader, Values: []string{all["orders"].reader + "."}})
	}
	_, err := w.PutZone(prod, "example.internal", sandbox.SeedZone{ID: privateZone, Private: true, Records: to})
	w.must(err)
}

// cacheSeen is a cache as anybody sees it.
type cacheSeen struct {
	status, host, reader, arn string
}

// caches gives those that are not on their way out.
func (w *world) caches() map[string]cacheSeen {
	w.Helper()
	ctx, all := context.WithoutCancel(w.Context()), map[string]cacheSeen{}
	groups, err := w.cacheConsole().DescribeReplicationGroups(ctx, &sdk.DescribeReplicationGroupsInput{})
	w.must(err)
	for _, g := range groups.ReplicationGroups {
		x := cacheSeen{status: aws.ToString(g.Status), arn: aws.ToString(g.ARN)}
		if g.ConfigurationEndpoint != nil {
			x.host = aws.ToString(g.ConfigurationEndpoint.Address)
		} else if len(g.NodeGroups) == 1 {
			x.host, x.reader = aws.ToString(g.NodeGroups[0].PrimaryEndpoint.Address), aws.ToString(g.NodeGroups[0].ReaderEndpoint.Address)
		}
		all[aws.ToString(g.ReplicationGroupId)] = x
	}
	nodes, err := w.cacheConsole().DescribeCacheClusters(ctx, &sdk.DescribeCacheClustersInput{
		ShowCacheNodeInfo: aws.Bool(true), ShowCacheClustersNotInReplicationGroups: aws.Bool(true),
	})
	w.must(err)
	for _, n := range nodes.CacheClusters {
		x := cacheSeen{status: aws.ToString(n.CacheClusterStatus), arn: aws.ToString(n.ARN)}
		if len(n.CacheNodes) > 0 {
			x.host = aws.ToString(n.CacheNodes[0].Endpoint.Address)
		}
		all[aws.ToString(n.CacheClusterId)] = x
	}
	serverless, err := w.cacheConsole().DescribeServerlessCaches(ctx, &sdk.DescribeServerlessCachesInput{})
	w.must(err)
	for _, s := range serverless.ServerlessCaches {
		x := cacheSeen{status: aws.ToString(s.Status), arn: aws.ToString(s.ARN)}
		if s.Endpoint != nil {
			x.host = aws.ToString(s.Endpoint.Address)
		}
		all[aws.ToString(s.ServerlessCacheName)] = x
	}
	maps.DeleteFunc(all, func(_ string, x cacheSeen) bool { return x.status == "deleting" })
	return all
}

func (w *world) cacheTags(name string) dr.Tags {
	w.Helper()
	out, err := w.cacheConsole().ListTagsForResource(context.WithoutCancel(w.Context()), &sdk.ListTagsForResourceInput{ResourceName: aws.String(w.caches()[name].arn)})
	w.must(err)
	tags := dr.Tags{}
	for _, t := range out.TagList {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags
}

func cacheInPlace() engine.RestoreWish {
	return engine.RestoreWish{
		Resource: "orders", From: "latest", KeepOld: 24 * time.Hour, With: map[string]string{"record": cacheRecord + "," + cacheReader},
	}
}

// cachesEndWell: the records point to one cache that answers, either the original, alone
// and without a mark, or the restored one, beside the original that is kept.
func (w *world) cachesEndWell(r engine.Restoring, res saga.Result) {
	w.Helper()
	w.sleep(time.Minute) // All name servers know it then.
	all, fresh := w.caches(), r.Final()
	if all["orders"].status != "available" {
		w.Fatalf("the original is %q (%+v)", all["orders"].status, res)
	}
	said := w.DNSAnswer(prod, privateZone, cacheRecord, "CNAME")
	reads := w.DNSAnswer(prod, privateZone, cacheReader, "CNAME")
	switch {
	case len(said) != 1 || len(reads) != 1:
		w.Errorf("the records point to %v and %v", said, reads)
	case said[0] == all["orders"].host && strings.TrimSuffix(reads[0], ".") == all["orders"].reader && len(all) == 1:
		for k := range w.cacheTags("orders") {
			if strings.HasPrefix(k, "holdfast:") {
				w.Errorf("the original bears %s (%+v)", k, res)
			}
		}
	case said[0] == all[fresh].host && reads[0] == all[fresh].reader && len(all) == 2:
		w.restoredCache(r, fresh)
		if old := w.cacheTags("orders"); old[dr.TagExpires] == "" || old[dr.TagKeeper] != "test" || old[dr.TagReplaced] != fresh {
			w.Errorf("the old one bears %v", old)
		}
	default:
		w.Errorf("the records point to %v and %v, and there are %v (%+v)", said, reads, all, res)
	}
}

// restoredCache looks whether a new one has the data, the settings and the tags that it
// is to have.
func (w *world) restoredCache(r engine.Restoring, name string) {
	w.Helper()
	form := r.Request.Settings["form"]
	from, err := w.CacheSeededFrom(prod, region, form, name)
	w.must(err)
	if len(from) != 1 || from[0] != r.Request.From.Ref.ID {
		w.Errorf("%s was made from %v", name, from)
	}
	tags := w.cacheTags(name)
	if tags["team"] != "shop" || tags[dr.TagRestored] != r.Request.ID {
		w.Errorf("its tags are %v", tags)
	}
	for k := range tags {
		if strings.HasPrefix(k, dr.TagRestore) && k != dr.TagRestored {
			w.Errorf("it still bears %s", k)
		}
	}
	w.sameCache(r, name)
}

// sameCache compares what was captured with what a cache has, setting by setting: a
// difference is a failure, unless it was told before.
func (w *world) sameCache(r engine.Restoring, name string) {
	w.Helper()
	p := w.cachery(cachesDaily)
	inv := p.Observe(context.WithoutCancel(w.Context()))
	i := slices.IndexFunc(inv.Resources, func(x dr.Resource) bool { return x.Name == name })
	if i < 0 {
		w.Fatalf("%s is not seen", name)
	}
	is, err := inv.Resources[i].Config.Settings()
	w.must(err)
	for key := range maps.Keys(r.Request.Settings) {
		told := slices.ContainsFunc(r.Losses, func(l string) bool { return strings.HasPrefix(l, key+" ") })
		if want := r.Request.Settings[key]; is[key] != want && !told {
			w.Errorf("%s is %q, was %q", key, is[key], want)
		}
	}
	for key, value := range is {
		if r.Request.Settings[key] == "" && !strings.HasPrefix(key, "tag.") {
			w.Errorf("%s is %q, and was not set", key, value)
		}
	}
}

// In place: the records point to the new one, which has the data of the snapshot and the
// configuration of the old one; that is kept. At no moment do they point to nothing.
func TestRestoreCacheInPlace(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.richCache()
		p := w.cachery(cachesDaily)
		r := w.planRestore(p, cacheInPlace())
		if len(r.Losses) > 0 {
			w.Errorf("losses: %v", r.Losses)
		}
		stop, down := make(chan struct{}), make(chan time.Duration)
		go func() { // Asks every second whether anybody answers.
			total := time.Duration(0)
			for {
				select {
				case <-stop:
					down <- total
					return
				case <-time.After(time.Second):
					said := w.DNSAnswer(prod, privateZone, cacheRecord, "CNAME")
					if len(said) != 1 || w.CacheAnswering(prod, region, said[0]) == "" {
						total += time.Second
					}
				}
			}
		}()
		res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		close(stop)
		if gone := <-down; res.Outcome != saga.Finished || gone != 0 {
			t.Fatalf("nobody answers for %s; %+v", gone, res)
		}
		w.cachesEndWell(r, res)
		if len(w.caches()) != 2 {
			t.Errorf("there are %v", w.caches())
		}
		again := w.planRestore(p, engine.RestoreWish{Resource: "orders", From: "latest", As: "orders-2"})
		if again.Request.Tags[dr.TagExpires] != "" {
			t.Error("what is restored from a snapshot of a kept one would be deleted with it")
		}
	})
}

// As a new one, of every form: beside what is there, with the captured configuration.
func TestRestoreCacheAsNew(t *testing.T) {
	sharded := fullGroup()
	sharded.ClusterMode, sharded.Shards, sharded.ParameterGroup, sharded.Replicas = true, 3, "default.redis7.cluster.on", 1
	for name, c := range map[string]sandbox.SeedCache{
		"group": fullGroup(), "sharded": sharded,
		"one shard in cluster mode": {ClusterMode: true, Shards: 1, Description: "one", Replicas: 1, Failover: true, Engine: "valkey", Version: "8.0.1"},
		"plain":                     {Description: "plain"},
		"node": {
			Form: "cluster", Node: "cache.t4g.small", Engine: "redis", Version: "6.2.6", Retention: 3, SubnetGroup: "private", ParameterGroup: "tuned",
			SecurityGroups: []string{"sg-9"}, Topic: "arn:aws:sns:us-east-1:111111111111:caches", SlowLog: "/elasticache/orders",
		},
		"old node": {Form: "cluster", Node: "cache.t4g.small", Engine: "redis", Version: "5.0.6"},
		"serverless": {
			Form: "serverless", Engine: "valkey", Version: "8", Description: "bursts", MaxSize: 10, MaxECPU: 5000, SecurityGroups: []string{"sg-1"},
			Subnets: []string{"subnet-1", "subnet-2"}, UserGroups: []string{"shoppers"}, Retention: 2, SnapshotWindow: "03:00",
		},
		"serverless without a description": {Form: "serverless", Engine: "redis", Version: "7"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.seededCache(c)
				p := w.cachery(cachesDaily)
				r := w.planRestore(p, engine.RestoreWish{Resource: "orders", From: "latest", As: "Orders-copy"})
				res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
				w.must(err)
				if all := w.caches(); res.Outcome != saga.Finished || len(all) != 2 {
					t.Fatalf("%+v: %v", res, all)
				}
				w.restoredCache(r, "orders-copy")
				if _, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), engine.RestoreWish{Resource: "orders", As: "orders-copy"}); err == nil {
					t.Error("a name that is taken is planned with")
				}
			})
		})
	}
}

// What cannot be, or would do harm, is refused before anything is changed, with what to
// do.
func TestRestoreCacheRefused(t *testing.T) {
	weight := 1
	other := sandbox.SeedRecord{Name: cacheRecord, Values: []string{"elsewhere.example.com"}}
	for name, c := range map[string]struct {
		wish   engine.RestoreWish
		change func(w *world)
		want   string
	}{
		"no record":      {engine.RestoreWish{}, nil, "--record NAME"},
		"rename first":   {engine.RestoreWish{RenameFirst: true, With: map[string]string{"record": cacheRecord}}, nil, "--order"},
		"record and as":  {engine.RestoreWish{As: "copy", With: map[string]string{"record": cacheRecord}}, nil, "--record is for --in-place"},
		"unknown":        {engine.RestoreWish{As: "copy", With: map[string]string{"table": "x"}}, nil, "no --table"},
		"no such record": {engine.RestoreWish{With: map[string]string{"record": "nothing.example.internal"}}, nil, "no zone of Route 53"},
		"elsewhere": {engine.RestoreWish{With: map[string]string{"record": cacheRecord}}, func(w *world) {
			w.must(w.PutRecord(prod, privateZone, other))
		}, "points to elsewhere.example.com"},
		"two zones": {engine.RestoreWish{With: map[string]string{"record": cacheRecord}}, func(w *world) {
			_, err := w.PutZone(prod, "example.internal", sandbox.SeedZone{Records: []sandbox.SeedRecord{other}})
			w.must(err)
		}, "--record-zone ZONE-ID"},
		"weighted": {engine.RestoreWish{With: map[string]string{"record": "w.example.internal"}}, func(w *world) {
			w.must(w.PutRecord(prod, privateZone, sandbox.SeedRecord{Name: "w.example.internal", Values: []string{"a.b"}, Set: "one", Weight: &weight}))
		}, "one of several"},
		"alias": {engine.RestoreWish{With: map[string]string{"record": "al.example.internal"}}, func(w *world) {
			w.must(w.PutRecord(prod, privateZone, sandbox.SeedRecord{Name: "al.example.internal", Type: "A", Alias: cacheRecord, AliasZone: privateZone}))
		}, "an alias"},
		"address": {engine.RestoreWish{With: map[string]string{"record": "a.example.internal"}}, func(w *world) {
			w.must(w.PutRecord(prod, privateZone, sandbox.SeedRecord{Name: "a.example.internal", Type: "A", Values: []string{"10.0.0.1"}}))
		}, "of type A"},
		"bad name":  {engine.RestoreWish{As: "9-orders"}, nil, "begins with a letter"},
		"long name": {engine.RestoreWish{As: strings.Repeat("orders", 7)}, nil, "up to 40"},
		"token":     {engine.RestoreWish{As: "copy", With: map[string]string{"auth-token-from": "env:X"}}, nil, "no AUTH token"},
		"files":     {engine.RestoreWish{As: "copy", With: map[string]string{"files": "orders.rdb"}}, nil, "s3://BUCKET/KEY"},
		"two files": {engine.RestoreWish{As: "copy", With: map[string]string{"files": "s3://files/a.rdb,s3://files/b.rdb"}}, nil, "2 files, and the cache has 1 shards"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(w *world) {
				w.richCache()
				if c.change != nil {
					c.change(w)
				}
				p := w.cachery(cachesDaily)
				c.wish.Resource = "orders"
				_, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), c.wish)
				if err == nil || !strings.Contains(err.Error()+" "+store.Remedy(err), c.want) {
					t.Errorf("%v; %s", err, store.Remedy(err))
				}
				if len(w.caches()) != 1 {
					t.Error("something was made")
				}
			})
		})
	}
}

// A cache with a password gets the one that a person says, and is never made without.
func TestRestoreCacheToken(t *testing.T) {
	const token = "correct-horse-battery-staple"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := fullGroup()
	c.UserGroups, c.Auth = nil, true
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.seededCache(c)
		p := w.cachery(cachesDaily)
		_, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), engine.RestoreWish{Resource: "orders", As: "copy"})
		if err == nil || !strings.Contains(store.Remedy(err), "--auth-token-from") {
			t.Fatalf("%v; %s", err, store.Remedy(err))
		}
		r := w.planRestore(p, engine.RestoreWish{Resource: "orders", As: "copy", With: map[string]string{"auth-token-from": "file:" + file}})
		if strings.Contains(fmt.Sprintf("%+v %v", r.Saga, r.Request), token) {
			t.Error("the token is in the plan")
		}
		res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		got, err := w.CacheToken(prod, region, "group", "copy")
		w.must(err)
		if res.Outcome != saga.Finished || got != token {
			t.Fatalf("%+v: %q", res, got)
		}
		w.restoredCache(r, "copy")
	})
}

// TestRestoreEveryCallElastiCache: of a replication group in its place, by its records.
func TestRestoreEveryCallElastiCache(t *testing.T) {
	restoreScene{
		file: cachesDaily, seed: (*world).richCache, wish: cacheInPlace(), open: (*world).cachery, judge: (*world).cachesEndWell,
	}.everyCall(t)
}

// TestRestoreEveryCallElastiCacheNode: of a node outside of groups, which has no
// description to know it by while it is made, as a new one.
func TestRestoreEveryCallElastiCacheNode(t *testing.T) {
	restoreScene{
		file: cachesDaily, open: (*world).cachery, wish: engine.RestoreWish{Resource: "orders", From: "latest", As: "copy"},
		seed: func(w *world) { w.seededCache(sandbox.SeedCache{Form: "cluster", Retention: 2}) },
		judge: func(w *world, r engine.Restoring, res saga.Result) {
			w.Helper()
			switch all := w.caches(); {
			case all["orders"].status != "available":
				w.Errorf("the original is %q", all["orders"].status)
			case len(all) == 2:
				w.restoredCache(r, "copy")
			case len(all) != 1 || res.Outcome == saga.Finished:
				w.Errorf("%+v: %v", res, all)
			}
		},
	}.everyCall(t)
}

// A restore that a person takes back leaves the original and its records as they were.
func TestRestoreCacheAborted(t *testing.T) {
	for _, step := range []string{"restore", "settle", "point", "let-go"} {
		t.Run(step, func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.richCache()
				p := w.cachery(cachesDaily)
				r := w.planRestore(p, cacheInPlace())
				ctx, cancel := context.WithCancel(w.Context())
				_, err := p.RunRestore(ctx, r, restorePoll, func(ev saga.Event) {
					if ev.Kind == saga.Began && ev.Step.Name == step {
						cancel()
					}
				})
				w.must(err)
				q := w.cachery(cachesDaily)
				found, err := q.Restores(w.Context(), q.Observe(w.Context()))
				w.must(err)
				if len(found) == 0 && step == "restore" {
					return // It was stopped before the call.
				}
				if len(found) != 1 || found[0].Request.ID != r.Request.ID {
					t.Fatalf("%d restores under way", len(found))
				}
				res, err := q.AbortRestore(w.Context(), found[0], restorePoll, nil)
				w.must(err)
				if all := w.caches(); res.Outcome != saga.RolledBack || len(all) != 1 {
					t.Errorf("%+v: %v", res, all)
				}
				w.cachesEndWell(r, res)
			})
		})
	}
}

// A record that somebody changes meanwhile is left to them, and the restore is taken
// back.
func TestRestoreCacheRecordChanged(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.richCache()
		p := w.cachery(cachesDaily)
		r := w.planRestore(p, cacheInPlace())
		res, err := p.RunRestore(w.Context(), r, restorePoll, func(ev saga.Event) {
			if ev.Kind == saga.Ended && ev.Step.Name == "settle" {
				w.must(w.PutRecord(prod, privateZone, sandbox.SeedRecord{Name: cacheRecord, Values: []string{"maintenance.example.com"}}))
			}
		})
		w.must(err)
		if res.Outcome != saga.RolledBack || !strings.Contains(res.Err.Error(), "maintenance.example.com") {
			t.Errorf("%+v", res)
		}
		if said := w.DNSAnswer(prod, privateZone, cacheRecord, "CNAME"); len(said) != 1 || said[0] != "maintenance.example.com" || len(w.caches()) != 1 {
			t.Errorf("%v, %v", said, w.caches())
		}
	})
}

// The zone may be another account's.
func TestRestoreCacheZoneElsewhere(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.seededCache(fullGroup())
		host := w.caches()["orders"].host
		_, err := w.PutZone(second, "example.internal", sandbox.SeedZone{ID: "Z2", Records: []sandbox.SeedRecord{{Name: cacheRecord, Values: []string{host}}}})
		w.must(err)
		p := w.cachery(cachesDaily)
		r := w.planRestore(p, engine.RestoreWish{
			Resource: "orders", KeepOld: time.Hour, With: map[string]string{"record": cacheRecord, "record-zone": "dns/Z2"},
		})
		res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		if said := w.DNSAnswer(second, "Z2", cacheRecord, "CNAME"); res.Outcome != saga.Finished || len(said) != 1 || said[0] != w.caches()[r.Final()].host {
			t.Errorf("%+v: %v", res, said)
		}
	})
}

// Runs end the old one when its time has come, after a final snapshot of it.
func TestRetireCacheInRuns(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.richCache()
		p := w.cachery(cachesDaily)
		r := w.planRestore(p, cacheInPlace())
		_, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		w.sleep(25 * time.Hour)
		retired := 0
		for range 4 {
			for _, o := range w.clean(w.cachery(cachesDaily).RunAndWait(w.Context(), time.Minute)).Outcomes {
				if o.Action.Verb == plan.Retire {
					retired++
				}
			}
			w.sleep(time.Hour)
		}
		if all := w.caches(); retired != 1 || len(all) != 1 || all[r.Final()].status != "available" {
			t.Errorf("%d were ended, and there are %v", retired, all)
		}
	})
}

// An old one is deleted when its tags still say so, and only then.
func TestRetireCache(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.richCache()
		p := w.cachery(cachesDaily)
		r := w.planRestore(p, cacheInPlace())
		_, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		tags := w.cacheTags("orders")
		old := dr.Ref{Kind: elasticache.Kind, Site: dr.Site{Name: "prod", Account: prod, Region: region}, ID: "orders"}
		a := plan.Action{Verb: plan.Retire, From: old, To: old.Site, Tags: dr.Tags{
			dr.TagExpires: "2001-01-01T00:00:00Z", dr.TagKeeper: tags[dr.TagKeeper], dr.TagReplaced: tags[dr.TagReplaced],
		}}
		s := p.Stores[0]
		if _, err := s.Apply(w.Context(), a); store.FaultOf(err) != store.Conflict {
			t.Errorf("an old one whose tags have changed: %v", err)
		}
		a.Tags[dr.TagExpires] = tags[dr.TagExpires]
		if _, err := s.Apply(w.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.sleep(10 * time.Minute)
		if all := w.caches(); len(all) != 1 || all[r.Final()].status != "available" {
			t.Errorf("there are %v", all)
		}
		if _, err := s.Apply(w.Context(), a); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("once more: %v", err)
		}
	})
}

// Reads that lag behind, at every call, do no harm.
func TestRestoreCacheWithStaleReads(t *testing.T) {
	for _, lag := range []time.Duration{8 * time.Second, 40 * time.Second} {
		t.Run(lag.String(), func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.richCache()
				p := w.cachery(cachesDaily)
				r := w.planRestore(p, cacheInPlace())
				stop := w.Inject(sandbox.Fault{Kind: sandbox.Stale, StaleBy: lag})
				res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
				w.must(err)
				stop()
				if res.Outcome != saga.Finished {
					t.Fatalf("%+v", res)
				}
				w.cachesEndWell(r, res)
			})
		})
	}
}

// When the snapshot is gone from which a restore was being made, it can still be taken
// back.
func TestRestoreCacheSnapshotGone(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.richCache()
		p := w.cachery(cachesDaily)
		r := w.planRestore(p, cacheInPlace())
		ctx, cancel := context.WithCancel(w.Context())
		_, err := p.RunRestore(ctx, r, restorePoll, func(ev saga.Event) {
			if ev.Kind == saga.Ended && ev.Step.Name == "settle" {
				cancel()
			}
		})
		w.must(err)
		_, err = w.cacheConsole().DeleteSnapshot(w.Context(), &sdk.DeleteSnapshotInput{SnapshotName: aws.String(r.Request.From.Ref.ID)})
		w.must(err)
		w.sleep(10 * time.Minute)
		q := w.cachery(cachesDaily)
		found, err := q.Restores(w.Context(), q.Observe(w.Context()))
		w.must(err)
		if len(found) != 1 {
			t.Fatalf("%d restores under way", len(found))
		}
		res, err := q.AbortRestore(w.Context(), found[0], restorePoll, nil)
		w.must(err)
		if all := w.caches(); res.Outcome != saga.RolledBack || len(all) != 1 {
			t.Errorf("%+v: %v", res, all)
		}
	})
}
