package redshift_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
)

func (f *fixture) namespace(name string) dr.Resource {
	f.Helper()
	f.must(f.aws.PutNamespace(account, region, name, sandbox.SeedNamespace{
		Base: 32, Tags: dr.Tags{"backup": "gold"}, Key: "alias/holdfast", Roles: []string{"arn:aws:iam::111111111111:role/load"},
		Logs: []string{"userlog"}, Subnets: []string{"subnet-2", "subnet-1"}, SecurityGroups: []string{"sg-1"}, Public: true,
	}))
	time.Sleep(50 * time.Hour)
	return f.resource("serverless:" + name)
}

func TestServerlessIsSeen(t *testing.T) {
	inBubble(t, func(f *fixture) {
		r := f.namespace("sales")
		got, err := r.Config.Settings()
		f.must(err)
		if r.State != dr.Ready || r.Name != "sales" || r.Tags["backup"] != "gold" || r.Key == "" || got["base"] != "32" || got["subnets"] != "subnet-1,subnet-2" || got["logs"] != "userlog" {
			f.Errorf("the namespace reads %+v, %v", r, got)
		}
		points, manual := split(f.observe().Snapshots)
		if len(points) != 48 || len(manual) != 0 || points[0].Of != r.Ref || points[0].State != dr.Good {
			f.Errorf("%d recovery points, %d snapshots", len(points), len(manual))
		}
		f.must(f.aws.SetNamespaceStatus(account, region, "sales", "MODIFYING"))
		if got := f.resource(r.Ref.ID).State; got != dr.Busy {
			f.Errorf("being modified it is %s", got)
		}
		f.must(f.aws.PutNamespace(account, region, "idle", sandbox.SeedNamespace{Workgroup: "none"}))
		if got := f.resource("serverless:idle").State; got != dr.Blocked {
			f.Errorf("without a workgroup it is %s", got)
		}
	})
}

func TestServerlessVerbs(t *testing.T) {
	inBubble(t, func(f *fixture) {
		r := f.namespace("sales")
		for _, promote := range []bool{false, true} {
			var from dr.Ref
			if promote {
				from = f.automated().Ref
			}
			a := action(r, from)
			ref, err := f.drv.Apply(f.Context(), a)
			f.must(err)
			if ref.ID != "serverless:"+a.Name {
				f.Errorf("it became %s", ref)
			}
			f.must(f.apply(a))
			got := f.wantOne(a)
			if got.Ref != ref || got.Of != r.Ref {
				f.Errorf("seen %+v", got)
			}
			f.must(f.apply(about(plan.Hold, got)))
			if _, held := split(f.observe().Snapshots); !held[0].Claim.Keep {
				f.Error("it is not held")
			}
			f.must(f.apply(about(plan.Release, got)))
			f.wantOne(a)
			f.must(f.apply(about(plan.Delete, got)))
			f.must(f.apply(about(plan.Delete, got)))
			f.wantFault(f.apply(about(plan.Hold, got)), store.NotFound)
		}
	})
}

// Whatever is interrupted, the next try makes it one snapshot with its claim.
func TestServerlessInterrupted(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{sandbox.CrashBefore, sandbox.CrashAfter, sandbox.Timeout} {
		for _, promote := range []bool{false, true} {
			inBubble(t, func(f *fixture) {
				r := f.namespace("sales")
				var from dr.Ref
				if promote {
					from = f.automated().Ref
				}
				a := action(r, from)
				f.aws.Inject(sandbox.Fault{Match: sandbox.Match{Service: "redshift-serverless"}, Kind: kind, Times: 1})
				if err := f.apply(a); crashed(err) == (kind == sandbox.Timeout) {
					f.Fatalf("%s: %v", kind, err)
				}
				f.restart()
				f.must(f.apply(a))
				f.wantOne(a)
			})
		}
	}
}

func TestServerlessFaults(t *testing.T) {
	inBubble(t, func(f *fixture) {
		r := f.namespace("sales")
		a := action(r, dr.Ref{})
		f.must(f.aws.SetNamespaceStatus(account, region, "sales", "MODIFYING"))
		f.wantFault(f.apply(a), store.Busy)
		f.must(f.aws.SetNamespaceStatus(account, region, "sales", "AVAILABLE"))
		f.must(f.aws.SetQuota(account, region, sandbox.QuotaServerlessSnapshots, 0))
		f.wantFault(f.apply(a), store.Quota)
		f.must(f.aws.SetQuota(account, region, sandbox.QuotaServerlessSnapshots, 20))
		f.must(f.aws.FailNextNamespaceSnapshots(account, region, "sales", 1))
		f.must(f.apply(a))
		time.Sleep(time.Hour)
		f.wantFault(f.apply(a), store.Busy)
		other := a
		other.Claim.Policy = "silver"
		f.wantFault(f.apply(other), store.Conflict)
		remove := f.aws.Inject(sandbox.Fault{Match: sandbox.Match{Action: "ListRecoveryPoints"}, Kind: sandbox.Deny})
		_, err := f.drv.Observe(f.Context(), home())
		f.wantFault(err, store.Denied)
		remove()
		f.aws.Inject(sandbox.Fault{Match: sandbox.Match{Service: "redshift-serverless"}, Kind: sandbox.Fail, Code: "Throttling", Times: 2})
		f.observe()
	})
}

// A snapshot that was converted from a recovery point says when its data are of,
// to every process, and not when it was converted.
func TestServerlessTaken(t *testing.T) {
	inBubble(t, func(f *fixture) {
		r, point := f.namespace("sales"), f.automated()
		time.Sleep(29 * time.Minute)
		a := action(r, point.Ref)
		a.Taken = point.Taken
		f.must(f.apply(a))
		for range 2 {
			if got := f.wantOne(a); !got.Taken.Equal(point.Taken) || !got.Uncounted {
				f.Errorf("taken at %v, want that of the recovery point, %v; uncounted: %t", got.Taken, point.Taken, got.Uncounted)
			}
			f.restart()
		}
		taken := f.automated().Taken
		f.must(f.apply(about(plan.Delete, f.wantOne(a))))
		a = action(r, dr.Ref{})
		f.must(f.apply(a))
		asked := time.Now()
		if got := f.wantOne(a); got.Taken.Before(taken) || asked.Sub(got.Taken) > time.Second {
			f.Errorf("one that was taken says %v, want the time of the call, %v", got.Taken, asked)
		}
	})
}

// A time that somebody wrote by hand makes no snapshot newer than it is.
func TestServerlessTakenIsNeverNewer(t *testing.T) {
	inBubble(t, func(f *fixture) {
		r := f.namespace("sales")
		a := action(r, dr.Ref{})
		a.Tags = dr.Tags{"holdfast:taken": time.Now().Add(time.Hour).Format(time.RFC3339)}
		f.must(f.apply(a))
		if got := f.wantOne(a); got.Taken.After(time.Now().Add(-time.Hour)) {
			f.Errorf("it says it was taken at %v", got.Taken)
		}
		f.must(f.apply(about(plan.Delete, f.wantOne(a))))
		a.Tags = dr.Tags{"holdfast:taken": "yesterday"}
		f.must(f.apply(a))
		if got := f.wantOne(a); got.Taken.IsZero() {
			f.Errorf("it says nothing of when it was taken")
		}
	})
}

// Tags are looked up for new snapshots only, and for all of them in the last look
// before deletes.
func TestServerlessLookups(t *testing.T) {
	inBubble(t, func(f *fixture) {
		r := f.namespace("sales")
		for range 3 {
			f.must(f.apply(action(r, dr.Ref{})))
			time.Sleep(12 * time.Hour)
		}
		count := func(look func()) int {
			n := 0
			f.aws.ResetCalls()
			look()
			for _, c := range f.aws.Calls() {
				if strings.HasPrefix(c.Action, "ListTags") {
					n++
				}
			}
			return n
		}
		snapshots := func() {
			_, err := f.drv.Snapshots(f.Context(), home())
			f.must(err)
		}
		for i, step := range []struct {
			look func()
			want int
		}{{func() { f.observe() }, 4}, {func() { f.observe() }, 1}, {snapshots, 3}, {func() { f.observe() }, 1}} {
			if got := count(step.look); got != step.want {
				f.Errorf("look %d looked up %d tags, want %d", i+1, got, step.want)
			}
		}
	})
}

func TestGrantsAreAllTried(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.namespace("sales")
		f.cluster("dwh")
		before := len(f.observe().Snapshots)
		for _, g := range f.drv.Grants(f.Context(), home()) {
			if g.Err != nil || g.Needed == "" {
				f.Errorf("%s: %v", g.Permission, g.Err)
			}
			service, action, _ := strings.Cut(g.Permission, ":")
			remove := f.aws.Inject(sandbox.Fault{Match: sandbox.Match{Service: service, Action: action}, Kind: sandbox.Deny})
			for _, again := range f.drv.Grants(f.Context(), home()) {
				if denied := again.Permission == g.Permission; denied != (again.Err != nil) {
					f.Errorf("%s is denied, and of %s it says %v", g.Permission, again.Permission, again.Err)
				}
			}
			remove()
		}
		if after := len(f.observe().Snapshots); after != before {
			f.Errorf("trying changed %d snapshots to %d", before, after)
		}
	})
}
