package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/notify"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store/all"
)

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// receivers are what may be at the other end of --alert.
func receivers() map[string]tripper {
	answer := func(code int) tripper {
		return func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: code, Status: http.StatusText(code), Body: http.NoBody}, nil
		}
	}
	return map[string]tripper{
		"takes it":  answer(http.StatusOK),
		"is broken": answer(http.StatusInternalServerError),
		"refuses":   func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
		"hangs": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
	}
}

// TestAlertsHoldUpNothing: whatever is at the other end, a restore that fails is taken
// back in the same time and ends with the same code.
func TestAlertsHoldUpNothing(t *testing.T) {
	quiet, _, _ := failedRestore(t, nil)
	for name, rt := range receivers() {
		t.Run(name, func(t *testing.T) {
			took, code, said := failedRestore(t, rt)
			if code != exitFailed {
				t.Errorf("exit code %d", code)
			}
			if late := took - quiet; late > notify.Deadline {
				t.Errorf("it took %s longer", late)
			}
			if unsent := strings.Count(said, "was not sent"); (unsent > 0) != (name != "takes it") {
				t.Errorf("%d alerts are said not to have been sent:\n%s", unsent, said)
			}
		})
	}
}

// failedRestore restores orders in place in virtual time; the restored one never gets
// its settings, so all is taken back.
func failedRestore(t *testing.T, rt http.RoundTripper) (took time.Duration, code int, said string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		f, _, err := policy.Parse("test.yaml", []byte(`namespace: test
kinds: [rds]
sites:
  prod: {account: "111111111111", region: us-east-1}
policies:
  gold: {match: {name: orders}, every: 1d, keep: {last: 2}}
`), policy.Options{Kinds: all.Kinds()})
		must(err)
		cloud := sandbox.New(sandbox.Options{Latency: 20 * time.Millisecond})
		must(cloud.PutDBInstance("111111111111", "us-east-1", "orders", sandbox.SeedDatabase{Size: 20, MultiAZ: true}))
		a := newApp(f, session.Options{
			EndpointURL: "http://sandbox.invalid", HTTPClient: cloud.Client(), Version: "test",
			Credentials: credentials.NewStaticCredentialsProvider("111111111111", "none", ""),
		}, wallClock{})
		ctx := t.Context()
		a.engine.RunAndWait(ctx, time.Minute)
		r, err := a.engine.PlanRestore(ctx, a.engine.Observe(ctx), engine.RestoreWish{Resource: "orders", From: "latest", KeepOld: time.Hour})
		must(err)
		cloud.Inject(sandbox.Fault{Match: sandbox.Match{Action: "ModifyDBInstance"}, Kind: sandbox.Deny})
		d := driving{app: a, how: a.engine.RunRestore, poll: 15 * time.Second}
		if rt != nil {
			d.alert, err = notify.NewWebhook("https://hooks.example.com/x", rt)
			must(err)
		}
		var out, errs bytes.Buffer
		g := &globals{streams: streams{out: &out, err: &errs}}
		begun := time.Now()
		end := g.driveOn(ctx, r, d)
		took, said = time.Since(begun), errs.String()
		code = exitCode(end, false, &errs)
		left := a.engine.Observe(context.WithoutCancel(ctx)).Resources
		if len(left) != 1 || left[0].Ref.ID != "orders" || left[0].Tags["holdfast:restore"] != "" {
			t.Errorf("there are %+v", left)
		}
	})
	return took, code, said
}
