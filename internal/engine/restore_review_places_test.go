package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/elasticache"
	cachetypes "github.com/aws/aws-sdk-go-v2/service/elasticache/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	dnstypes "github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// Two people plan the same restore, and one takes a while to say yes: the other's is over
// by then, or stopped in the middle, or just under way. Nothing of it is touched.
func TestRestoreEBSPlannedBefore(t *testing.T) {
	for _, at := range []string{"", "create", "detach", "attach", "start", "keep"} {
		t.Run("stopped at="+at, func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				sc := shopScene()
				sc.seed(w)
				p, q := sc.process(w), sc.process(w)
				first := w.planRestore(p, sc.wish)
				w.sleep(time.Minute)
				late := w.planRestore(q, sc.wish)
				ctx, cancel := context.WithCancel(w.Context())
				_, err := p.RunRestore(ctx, first, restorePoll, func(ev saga.Event) {
					if ev.Kind == saga.Began && ev.Step.Name == at {
						cancel()
					}
				})
				w.must(err)
				w.sleep(time.Minute)
				in, _, _ := w.shopNow()
				begun := time.Now()
				res, err := q.RunRestore(w.Context(), late, restorePoll, nil)
				w.must(err)
				now, _, _ := w.shopNow()
				if res.Outcome != saga.RolledBack || time.Since(begun) > 10*time.Minute || now.State.Name != in.State.Name {
					t.Errorf("%+v after %s: it was %s and is %s", res, time.Since(begun), in.State.Name, now.State.Name)
				}
				if at != "" {
					r := sc.process(w)
					found, err := r.Restores(w.Context(), r.Observe(w.Context()))
					w.must(err)
					if len(found) != 1 || found[0].Request.ID != first.Request.ID {
						t.Fatalf("%d restores under way", len(found))
					}
					res, err := r.RunRestore(w.Context(), found[0], restorePoll, nil)
					w.must(err)
					if res.Outcome != saga.Finished {
						t.Errorf("the first: %+v", res)
					}
				}
				w.shopEndsWell(first, saga.Result{})
				if _, _, off := w.shopNow(); len(off) != 3 {
					t.Errorf("%d are kept", len(off))
				}
			})
		})
	}
}

// Both say yes at once: one of them ends well, and the instance runs.
func TestRestoreEBSTwoAtOnce(t *testing.T) {
	for _, gap := range []time.Duration{0, 10 * time.Millisecond, 500 * time.Millisecond, 5 * time.Second, 40 * time.Second} {
		t.Run(gap.String(), func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				sc := shopScene()
				sc.seed(w)
				p, q := sc.process(w), sc.process(w)
				first := w.planRestore(p, sc.wish)
				w.sleep(time.Minute)
				late := w.planRestore(q, sc.wish)
				done := make(chan saga.Result)
				go func() {
					res, _ := p.RunRestore(w.Context(), first, restorePoll, nil)
					done <- res
				}()
				w.sleep(gap)
				two, err := q.RunRestore(w.Context(), late, restorePoll, nil)
				w.must(err)
				one := <-done
				w.sleep(time.Minute)
				switch {
				case one.Outcome == saga.Finished && two.Outcome == saga.RolledBack:
					w.shopEndsWell(first, one)
				case two.Outcome == saga.Finished && one.Outcome == saga.RolledBack:
					w.shopEndsWell(late, two)
				default:
					t.Errorf("%+v; %+v", one, two)
					w.shopEndsWell(late, two)
				}
			})
		})
	}
}

// A volume whose tags just fit beside the mark has room for what follows it.
func TestRestoreEBSFullTags(t *testing.T) {
	for spare := range 5 {
		t.Run(fmt.Sprint(spare), func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				sc := shopScene()
				sc.seed(w)
				p := sc.process(w)
				_, on, _ := w.shopNow()
				mark := dr.RestoreMark("x", dr.RoleNew, w.planRestore(p, sc.wish).Request.Request())
				v := on["/dev/sdf"]
				var tags []types.Tag
				for i := range 50 - len(mark) - spare - len(v.Tags) {
					tags = append(tags, types.Tag{Key: aws.String(fmt.Sprint("k", i)), Value: aws.String("")})
				}
				_, err := w.ec2().CreateTags(w.Context(), &ec2.CreateTagsInput{Resources: []string{*v.VolumeId}, Tags: tags})
				w.must(err)
				r, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), sc.wish)
				if err != nil {
					if !strings.Contains(err.Error(), "AWS allows 50") || spare > 3 {
						t.Error(err)
					}
					return
				}
				res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
				w.must(err)
				if res.Outcome != saga.Finished {
					t.Errorf("%+v", res)
				}
				w.shopEndsWell(r, res)
			})
		})
	}
}

// What is kept of a cache needs room for the tags that say so.
func TestRestoreCacheFullTags(t *testing.T) {
	for _, n := range []int{44, 47, 48} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.richCache()
				var tags []cachetypes.Tag
				for i := range n - 2 {
					tags = append(tags, cachetypes.Tag{Key: aws.String(fmt.Sprint("k", i)), Value: aws.String("")})
				}
				_, err := w.cacheConsole().AddTagsToResource(w.Context(), &sdk.AddTagsToResourceInput{ResourceName: aws.String(w.caches()["orders"].arn), Tags: tags})
				w.must(err)
				w.sleep(time.Hour)
				p := w.cachery(cachesDaily)
				r, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), cacheInPlace())
				if err != nil {
					if !strings.Contains(err.Error(), "AWS allows 50") || n == 44 {
						t.Error(err)
					}
					return
				}
				res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
				w.must(err)
				if res.Outcome != saga.Finished {
					t.Errorf("%+v", res)
				}
			})
		})
	}
}

// stopCache begins a restore in place and stops it at the end of a step.
func (w *world) stopCache(step string) engine.Restoring {
	w.Helper()
	w.richCache()
	p := w.cachery(cachesDaily)
	r := w.planRestore(p, cacheInPlace())
	ctx, cancel := context.WithCancel(w.Context())
	_, err := p.RunRestore(ctx, r, restorePoll, func(ev saga.Event) {
		if ev.Kind == saga.Ended && ev.Step.Name == step {
			cancel()
		}
	})
	w.must(err)
	return r
}

func (w *world) dropOldCache() {
	w.Helper()
	_, err := w.cacheConsole().DeleteReplicationGroup(w.Context(), &sdk.DeleteReplicationGroupInput{ReplicationGroupId: aws.String("orders")})
	w.must(err)
	w.sleep(30 * time.Minute)
}

// While a restore is stopped, people change what it goes by. Another machine still finds
// it, and takes it back.
func TestRestoreCacheChangedWhileStopped(t *testing.T) {
	for name, change := range map[string]func(*world){
		"record elsewhere": func(w *world) {
			w.must(w.PutRecord(prod, privateZone, sandbox.SeedRecord{Name: cacheRecord, Values: []string{"maintenance.example.com"}}))
		},
		"old one gone": (*world).dropOldCache,
		"record gone": func(w *world) {
			dns := route53.NewFromConfig(w.console(region))
			host := w.caches()["orders"].host
			_, err := dns.ChangeResourceRecordSets(w.Context(), &route53.ChangeResourceRecordSetsInput{
				HostedZoneId: aws.String(privateZone), ChangeBatch: &dnstypes.ChangeBatch{Changes: []dnstypes.Change{{
					Action: dnstypes.ChangeActionDelete, ResourceRecordSet: &dnstypes.ResourceRecordSet{
						Name: aws.String(cacheRecord), Type: dnstypes.RRTypeCname, TTL: aws.Int64(30), ResourceRecords: []dnstypes.ResourceRecord{{Value: &host}},
					},
				}}},
			})
			w.must(err)
			w.sleep(time.Minute)
		},
	} {
		for _, how := range []string{"abort", "resume"} {
			t.Run(name+"/"+how, func(t *testing.T) {
				bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
					r := w.stopCache("settle")
					change(w)
					said := w.DNSAnswer(prod, privateZone, cacheRecord, "CNAME")
					q := w.cachery(cachesDaily)
					found, err := q.Restores(w.Context(), q.Observe(w.Context()))
					if err != nil || len(found) != 1 {
						t.Fatalf("%d restores under way: %v", len(found), err)
					}
					do := q.AbortRestore
					if how == "resume" {
						do = q.RunRestore
					}
					res, err := do(w.Context(), found[0], restorePoll, nil)
					w.must(err)
					_, there := w.caches()[r.Final()]
					if res.Outcome != saga.RolledBack || there {
						t.Errorf("%+v: %v", res, w.caches())
					}
					if now := w.DNSAnswer(prod, privateZone, cacheRecord, "CNAME"); fmt.Sprint(now) != fmt.Sprint(said) {
						t.Errorf("the record pointed to %v and points to %v", said, now)
					}
				})
			})
		}
	}
}

// An old one that somebody deletes once the records have left it is not waited for: the
// new one would be taken for one that is being made, and nobody would snapshot it.
func TestRestoreCacheOldGone(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		r := w.stopCache("point")
		w.dropOldCache()
		q := w.cachery(cachesDaily)
		found, err := q.Restores(w.Context(), q.Observe(w.Context()))
		if err != nil || len(found) != 1 {
			t.Fatalf("%d restores under way: %v", len(found), err)
		}
		res, err := q.RunRestore(w.Context(), found[0], restorePoll, nil)
		w.must(err)
		said := w.DNSAnswer(prod, privateZone, cacheRecord, "CNAME")
		if res.Outcome != saga.Finished || len(said) != 1 || said[0] != w.caches()[r.Final()].host {
			t.Errorf("%+v: %v", res, said)
		}
		if w.cacheTags(r.Final())[dr.TagRestore] != "" {
			t.Error("it bears the mark still")
		}
	})
}

// Somebody finds that the restored data is not what was wanted, and points the record
// back to the old one: that one serves, whatever its tags say.
func TestRetireCacheInUseAgain(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.richCache()
		host := w.caches()["orders"].host
		p := w.cachery(cachesDaily)
		r := w.planRestore(p, cacheInPlace())
		_, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		w.must(w.PutRecord(prod, privateZone, sandbox.SeedRecord{Name: cacheRecord, TTL: 30, Values: []string{host}}))
		w.sleep(25 * time.Hour)
		for range 4 {
			report := w.cachery(cachesDaily).RunAndWait(w.Context(), time.Minute)
			for _, o := range report.Outcomes {
				if o.Action.Verb == plan.Retire {
					t.Logf("%v; %s", o.Err, o.Left)
				}
			}
			w.sleep(time.Hour)
		}
		if w.caches()["orders"].status != "available" {
			t.Error("the one that serves is deleted")
		}
	})
}

// What is past its pivot can be finished, though the snapshot is gone.
func TestRestoreCacheSnapshotGoneAfterPivot(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		r := w.stopCache("let-go")
		_, err := w.cacheConsole().DeleteSnapshot(w.Context(), &sdk.DeleteSnapshotInput{SnapshotName: aws.String(r.Request.From.Ref.ID)})
		w.must(err)
		w.sleep(10 * time.Minute)
		q := w.cachery(cachesDaily)
		found, err := q.Restores(w.Context(), q.Observe(w.Context()))
		if err != nil || len(found) != 1 {
			t.Fatalf("%d restores under way: %v", len(found), err)
		}
		res, err := q.RunRestore(w.Context(), found[0], restorePoll, nil)
		if err != nil || res.Outcome != saga.Finished || w.cacheTags(r.Final())[dr.TagRestore] != "" {
			t.Errorf("%+v, %v", res, err)
		}
	})
}
