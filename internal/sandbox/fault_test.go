package sandbox_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/smithy-go"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// once gives a client that tries every call only once.
func once(c *sandbox.Client, account, region string) *rds.Client {
	return trying(1, c, account, region)
}

// trying gives a client that tries every call so many times. The SDK waits for
// random times between them.
func trying(times int, c *sandbox.Client, account, region string) *rds.Client {
	cfg := config(c, account, region)
	cfg.Retryer = func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), times) }
	return rds.NewFromConfig(cfg)
}

func TestFailHasNoEffectAndIsRetried(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		match := sandbox.Match{Action: "CreateDBSnapshot"}
		a.Inject(sandbox.Fault{Match: match, Kind: sandbox.Fail, Code: "Throttling", Times: 1})
		a.Inject(sandbox.Fault{Match: match, Kind: sandbox.Fail, Times: 1}) // InternalFailure, status 500.
		wantCode(t, create("catalog", "c-1")(t.Context(), rdsAt(a, prod, east)), "")
		var codes []string
		for _, c := range a.Calls() {
			codes = append(codes, c.Code)
		}
		if got := strings.Join(codes, " "); got != "Throttling InternalFailure " {
			t.Errorf("calls ended with %q", got)
		}
	})
}

func TestFaultSkipsMatchesAndEnds(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		end := a.Inject(sandbox.Fault{
			Match: sandbox.Match{Account: prod, Region: east, Service: "rds", Action: "DescribeDBInstances"},
			Kind:  sandbox.Fail, Code: "AccessDenied", Skip: 1,
		})
		read := func(account, region string) error {
			_, err := rdsAt(a, account, region).DescribeDBInstances(t.Context(), nil)
			return err
		}
		wantCode(t, read(prod, east), "")
		wantCode(t, read(prod, east), "AccessDenied")
		wantCode(t, read(prod, east), "AccessDenied")
		wantCode(t, read(prod, west), "")
		wantCode(t, read(recovery, east), "")
		end()
		wantCode(t, read(prod, east), "")
	})
}

func TestProbabilityFollowsRand(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		a.Inject(sandbox.Fault{Kind: sandbox.Fail, Code: "Broken", Probability: 0.3, Rand: rand.New(rand.NewPCG(1, 2)).Float64})
		c, failed := rdsAt(a, prod, east), 0
		for range 1000 {
			if _, err := c.DescribeAccountAttributes(t.Context(), nil); err != nil {
				failed++
			}
		}
		if failed < 250 || failed > 350 {
			t.Errorf("%d of 1000 calls failed, want about 300", failed)
		}
	})
}

func TestTimeoutTakesEffect(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		match := sandbox.Match{Action: "CreateDBSnapshot"}
		a.Inject(sandbox.Fault{Match: match, Kind: sandbox.Timeout, Times: 1})
		err := create("catalog", "c-1")(t.Context(), once(a.Client(), prod, east))
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Fatalf("got %v, want a timeout", err)
		}
		snapshot(t, rdsAt(a, prod, east), "c-1")

		// With the SDK's retries the second try runs into the first one's effect.
		a.Inject(sandbox.Fault{Match: match, Kind: sandbox.Timeout, Times: 1})
		wantCode(t, create("inventory", "i-1")(t.Context(), rdsAt(a, prod, east)), "InvalidDBInstanceState")
	})
}

func TestCrashKillsOneClient(t *testing.T) {
	for _, tc := range []struct {
		kind   sandbox.FaultKind
		exists string
	}{{sandbox.CrashBefore, "DBSnapshotNotFound"}, {sandbox.CrashAfter, ""}} {
		bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
			conn := a.Client()
			c := rds.NewFromConfig(config(conn, prod, east))
			a.Inject(sandbox.Fault{Match: sandbox.Match{Action: "CreateDBSnapshot", Client: conn}, Kind: tc.kind, Times: 1})
			for _, name := range []string{"c-1", "c-2"} {
				if err := create("catalog", name)(t.Context(), c); !errors.Is(err, sandbox.ErrCrashed) {
					t.Fatalf("%s: got %v, want ErrCrashed", tc.kind, err)
				}
			}
			if !conn.Crashed() {
				t.Error("the client is still alive")
			}
			other := rdsAt(a, prod, east)
			_, err := other.DescribeDBSnapshots(t.Context(), &rds.DescribeDBSnapshotsInput{DBSnapshotIdentifier: aws.String("c-1")})
			wantCode(t, err, tc.exists)
			_, err = other.DescribeDBSnapshots(t.Context(), &rds.DescribeDBSnapshotsInput{DBSnapshotIdentifier: aws.String("c-2")})
			wantCode(t, err, "DBSnapshotNotFound")
			if n := len(a.Calls()); n != 3 {
				t.Errorf("%d calls, want 3: the dead do not call", n)
			}
		})
	}
}

func TestStaleReads(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		c := rdsAt(a, prod, east)
		time.Sleep(time.Minute)
		end := a.Inject(sandbox.Fault{Kind: sandbox.Stale, StaleBy: 10 * time.Second})
		createSnapshot(t, c, "catalog", "c-1", tag("a", "1"))
		const missing = "DBSnapshotNotFound"
		_, err := c.DescribeDBSnapshots(t.Context(), &rds.DescribeDBSnapshotsInput{DBSnapshotIdentifier: aws.String("c-1")})
		wantCode(t, err, missing)
		if got := status(t, c, "catalog"); got != "available" {
			t.Errorf("a stale read shows %s, want available", got)
		}
		wantCode(t, create("payments", "c-1")(t.Context(), c), "DBSnapshotAlreadyExists") // Writes see the truth.

		time.Sleep(11 * time.Second)
		_, err = c.AddTagsToResource(t.Context(), &rds.AddTagsToResourceInput{ResourceName: aws.String(eastSnapshot + "c-1"), Tags: tags("a", "2")})
		wantCode(t, err, "")
		if got := *snapshot(t, c, "c-1").TagList[0].Value; got != "1" {
			t.Errorf("a stale read shows the tag %s, want the old 1", got)
		}
		end()
		if got := *snapshot(t, c, "c-1").TagList[0].Value; got != "2" {
			t.Errorf("a true read shows the tag %s, want 2", got)
		}

		time.Sleep(time.Hour)
		a.Inject(sandbox.Fault{Kind: sandbox.Stale, StaleBy: 10 * time.Second})
		wantCode(t, remove("c-1")(t.Context(), c), "")
		if got := *snapshot(t, c, "c-1").Status; got != "available" {
			t.Errorf("a stale read shows %s, want available", got)
		}
		time.Sleep(12 * time.Second) // Gone since 7 s, but shown as of 10 s ago.
		if got := *snapshot(t, c, "c-1").Status; got != "deleting" {
			t.Errorf("a stale read shows %s, want deleting", got)
		}
		wantCode(t, remove("c-1")(t.Context(), c), missing)
	})
}

func TestDenied(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		a.SetDenied(prod, "rds:DeleteDBSnapshot")
		err := remove("orders-before-migration")(t.Context(), rdsAt(a, prod, east))
		wantCode(t, err, "AccessDenied")
		for _, part := range []string{
			"User: arn:aws:iam::111111111111:root is not authorized to perform: rds:DeleteDBSnapshot",
			"on resource: arn:aws:rds:us-east-1:111111111111:snapshot:orders-before-migration", "StatusCode: 403",
		} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q is not in %q", part, err)
			}
		}
		snapshot(t, rdsAt(a, prod, east), "orders-before-migration")
		a.SetDenied(prod)
		a.Inject(sandbox.Fault{Kind: sandbox.Deny, Match: sandbox.Match{Action: "DescribeDBInstances"}})
		_, err = rdsAt(a, prod, east).DescribeDBInstances(t.Context(), nil)
		wantCode(t, err, "AccessDenied")
	})
}

func TestThrottling(t *testing.T) {
	o := sandbox.Options{Buckets: map[string]sandbox.Bucket{
		"rds": {Rate: 100, Burst: 100}, "rds:DescribeDBInstances": {Rate: 1, Burst: 3},
	}}
	bubble(t, o, func(t *testing.T, a *sandbox.AWS) {
		conn := a.Client()
		c := once(conn, prod, east)
		var codes []string
		for range 5 {
			_, err := c.DescribeDBInstances(t.Context(), nil)
			if api, ok := errors.AsType[smithy.APIError](err); ok {
				codes = append(codes, api.ErrorCode()+": "+api.ErrorMessage())
			}
		}
		if got := strings.Join(codes, "; "); got != "Throttling: Rate exceeded; Throttling: Rate exceeded" {
			t.Errorf("of 5 calls at once with a burst of 3: %q", got)
		}
		_, err := once(conn, prod, west).DescribeDBInstances(t.Context(), nil)
		wantCode(t, err, "") // Another Region has its own bucket.
		_, err = c.DescribeDBSnapshots(t.Context(), nil)
		wantCode(t, err, "") // So has another action.
		time.Sleep(time.Second)
		_, err = c.DescribeDBInstances(t.Context(), nil)
		wantCode(t, err, "")
		// The SDK's own retries get through.
		for range 3 {
			_, err := trying(12, conn, prod, east).DescribeDBInstances(t.Context(), nil)
			wantCode(t, err, "")
		}
	})
}

func TestGivingUpDuringLatency(t *testing.T) {
	for _, tc := range []struct {
		patience time.Duration
		code     string
	}{{400 * time.Millisecond, "DBSnapshotNotFound"}, {600 * time.Millisecond, ""}} {
		bubble(t, sandbox.Options{Latency: time.Second}, func(t *testing.T, a *sandbox.AWS) {
			ctx, cancel := context.WithTimeout(t.Context(), tc.patience)
			defer cancel()
			if err := create("catalog", "c-1")(ctx, rdsAt(a, prod, east)); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v, want the deadline", err)
			}
			_, err := rdsAt(a, prod, east).DescribeDBSnapshots(t.Context(), &rds.DescribeDBSnapshotsInput{DBSnapshotIdentifier: aws.String("c-1")})
			wantCode(t, err, tc.code)
		})
	}
}

func TestConcurrentCallers(t *testing.T) {
	bubble(t, sandbox.Options{Latency: time.Millisecond}, func(t *testing.T, a *sandbox.AWS) {
		var wg sync.WaitGroup
		made := make(chan bool, 50)
		for range 50 {
			wg.Go(func() {
				c := rdsAt(a, prod, east)
				made <- create("catalog", "c-1")(t.Context(), c) == nil
				_, err := c.DescribeDBSnapshots(t.Context(), nil)
				wantNoError(t, err)
				a.Now()
				a.Inject(sandbox.Fault{Kind: sandbox.Fail, Match: sandbox.Match{Action: "Nothing"}})()
			})
		}
		wg.Wait()
		close(made)
		n := 0
		for ok := range made {
			if ok {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d of 50 callers made the same snapshot, want 1", n)
		}
	})
}

func wantNoError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}
