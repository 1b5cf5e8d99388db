package session_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Calls beyond the burst take the time that the pace asks for, and no more.
func TestPace(t *testing.T) {
	for _, c := range []struct {
		pace  session.Pace
		calls int
		want  time.Duration
	}{
		{session.Pace{}, 40, 0},
		{session.Pace{}, 140, 5 * time.Second}, // 100 beyond the burst, at 20 a second.
		{session.Pace{PerSecond: 2, Burst: 1}, 11, 5 * time.Second},
		{session.Pace{PerSecond: 100, Burst: 10}, 110, time.Second},
	} {
		bubble(t, func(t *testing.T, w *wire) {
			api := client(t, w.sessions(session.Options{Pace: c.pace}, policy.Site{Site: home}), home)
			begun := time.Now()
			for range c.calls {
				_, err := api.DescribeDBInstances(t.Context(), nil)
				check(t, err)
			}
			if took := time.Since(begun); took < c.want-time.Millisecond || took > c.want+10*time.Millisecond {
				t.Errorf("%+v: %d calls took %v, want %v", c.pace, c.calls, took, c.want)
			}
		})
	}
}

// All clients of a site share its pace, however many there are.
func TestPaceIsShared(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		s := w.sessions(session.Options{Pace: session.Pace{PerSecond: 10, Burst: 5}}, policy.Site{Site: home})
		begun := time.Now()
		var wg sync.WaitGroup
		for range 25 {
			wg.Go(func() {
				cfg, err := s.Config(t.Context(), home)
				if err == nil {
					_, err = rds.NewFromConfig(cfg).DescribeDBInstances(t.Context(), nil)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(begun); took < 2*time.Second-time.Millisecond || took > 2100*time.Millisecond {
			t.Errorf("25 calls took %v, want 2 s", took)
		}
	})
}

// Sites and services have a pace each.
func TestPacesAreSeparate(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		s := w.sessions(session.Options{Pace: session.Pace{PerSecond: 0.1, Burst: 1}}, policy.Site{Site: home}, policy.Site{Site: away})
		begun := time.Now()
		cfg, err := s.Config(t.Context(), home)
		check(t, err)
		_, err = rds.NewFromConfig(cfg).DescribeDBInstances(t.Context(), nil)
		check(t, err)
		_, err = sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
		check(t, err)
		_, err = client(t, s, away).DescribeDBInstances(t.Context(), nil)
		check(t, err)
		if took := time.Since(begun); took > time.Millisecond {
			t.Errorf("three calls of separate paces took %v", took)
		}
	})
}

// Every try waits its turn, not only the first.
func TestRetriesArePaced(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		w.Inject(sandbox.Fault{Kind: sandbox.Fail, Code: "Throttling", Times: 3})
		api := client(t, w.sessions(session.Options{Pace: session.Pace{PerSecond: 0.01, Burst: 1}}, policy.Site{Site: home}), home)
		_, err := api.DescribeDBInstances(t.Context(), nil)
		check(t, err)
		for i, at := range w.times[1:] {
			if gap := at.Sub(w.times[i]); gap < 100*time.Second-time.Millisecond {
				t.Errorf("try %d came %v after the one before, want 100 s", i+2, gap)
			}
		}
	})
}

// One who waits for a turn can be stopped at once.
func TestWaitingCanBeStopped(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		api := client(t, w.sessions(session.Options{Pace: session.Pace{PerSecond: 0.001, Burst: 1}}, policy.Site{Site: home}), home)
		_, err := api.DescribeDBInstances(t.Context(), nil)
		check(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		begun := time.Now()
		_, err = api.DescribeDBInstances(ctx, nil)
		if took := time.Since(begun); took != time.Second || store.ClassifyAWS(err, nil) != store.Stopped {
			t.Errorf("stopped after %v: %v (%s)", took, err, store.ClassifyAWS(err, nil))
		}
		// A turn that would come too late is not waited for.
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = api.DescribeDBInstances(ctx, nil)
		if got := store.ClassifyAWS(err, nil); got != store.Unreachable {
			t.Errorf("a deadline before one's turn: %v (%s), want unreachable", err, got)
		}
	})
}

// A request that is only signed, for another Region to make, waits for nothing and
// does not fail for want of a retryer.
func TestSigningAheadIsNotPaced(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		api := client(t, w.sessions(session.Options{Pace: session.Pace{PerSecond: 0.001, Burst: 1}}, policy.Site{Site: home}), home)
		begun := time.Now()
		_, err := api.CopyDBSnapshot(t.Context(), &rds.CopyDBSnapshotInput{
			SourceDBSnapshotIdentifier: aws.String("arn:aws:rds:us-west-2:111111111111:snapshot:first"),
			TargetDBSnapshotIdentifier: aws.String("copy"), SourceRegion: aws.String("us-west-2"),
		})
		if _, ok := errors.AsType[*types.DBSnapshotNotFoundFault](err); !ok {
			t.Errorf("got %v, want that there is no such snapshot", err)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("it took %v", took)
		}
		if signed := w.forms[len(w.forms)-1].Get("PreSignedUrl"); !strings.Contains(signed, "X-Amz-Signature=") {
			t.Errorf("the call carries the signed request %q", signed)
		}
	})
}
