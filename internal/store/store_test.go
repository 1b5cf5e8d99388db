package store_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

var site = dr.Site{Name: "prod", Account: "111111111111", Region: "us-east-1"}

// broken is a driver to which everything fails, though it has seen something.
type broken struct{ err error }

func (broken) Kind() dr.Kind { return "rds" }

func (b broken) Observe(context.Context, dr.Site) (dr.Inventory, error) {
	return dr.Inventory{Resources: make([]dr.Resource, 2), Snapshots: make([]dr.Snapshot, 3)}, b.err
}

func (b broken) Snapshots(context.Context, dr.Site) ([]dr.Snapshot, error) {
	return make([]dr.Snapshot, 3), b.err
}

func (b broken) Apply(context.Context, plan.Action) (dr.Ref, error) { return dr.Ref{ID: "x"}, b.err }

func (b broken) Grants(context.Context, dr.Site) []store.Grant {
	return []store.Grant{{Permission: "rds:Fine"}, {Permission: "rds:Broken", Err: b.err}}
}

func (broken) Classify(err error) store.Fault { return store.ClassifyAWS(err, nil) }

// What a driver saw before it failed is not counted as seen.
func TestStoreGivesNothingThatIsNotWhole(t *testing.T) {
	s := store.New(broken{&smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}})
	inv := s.Observe(t.Context(), site)
	if len(inv.Resources)+len(inv.Snapshots) > 0 || len(inv.Gaps) != 1 {
		t.Errorf("observed %+v, want a gap alone", inv)
	}
	errs := []error{inv.Gaps[dr.Scope{Kind: "rds", Site: site}]}
	snaps, err := s.Snapshots(t.Context(), site)
	errs = append(errs, err)
	ref, err := s.Apply(t.Context(), plan.Action{Verb: plan.Create, Name: "x", From: dr.Ref{Kind: "rds", ID: "orders"}, To: site})
	errs = append(errs, err)
	if len(snaps) > 0 || ref != (dr.Ref{}) {
		t.Errorf("with errors came %v and %v", snaps, ref)
	}
	grants := s.Grants(t.Context(), site)
	if grants[0].Err != nil {
		t.Errorf("what is granted: %v", grants[0].Err)
	}
	for _, err := range append(errs, grants[1].Err) {
		if store.FaultOf(err) != store.Denied || store.Remedy(err) == "" || !strings.Contains(err.Error(), "prod") || !strings.HasSuffix(err.Error(), ": AccessDenied: no") {
			t.Errorf("%v (%s); remedy: %s", err, store.FaultOf(err), store.Remedy(err))
		}
	}
}

func TestErrorsSayWhatWasBeingDone(t *testing.T) {
	s := store.New(broken{errors.New("it broke")})
	ref := dr.Ref{Kind: "rds", Site: site, ID: "orders"}
	for verb, want := range map[plan.Verb]string{
		plan.Create:  "take snapshot nightly of rds orders at prod (111111111111 us-east-1): it broke",
		plan.Delete:  "delete rds snapshot nightly at prod (111111111111 us-east-1): it broke",
		plan.Hold:    "hold rds snapshot nightly at prod (111111111111 us-east-1): it broke",
		plan.Release: "release rds snapshot nightly at prod (111111111111 us-east-1): it broke",

		plan.Copy:     "copy rds snapshot orders of prod (111111111111 us-east-1) to prod (111111111111 us-east-1) as nightly: it broke",
		plan.Share:    "share rds snapshot orders at prod (111111111111 us-east-1) with account 222222222222: it broke",
		plan.Withdraw: "take back the share of rds snapshot orders at prod (111111111111 us-east-1) with account 222222222222: it broke",
	} {
		_, err := s.Apply(t.Context(), plan.Action{Verb: verb, Name: "nightly", From: ref, To: site, With: "222222222222"})
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", verb, err, want)
		}
	}
}

func api(code string, fault smithy.ErrorFault) error {
	return &smithy.OperationError{ServiceID: "RDS", OperationName: "X", Err: &smithy.GenericAPIError{Code: code, Message: "m", Fault: fault}}
}

func TestClassifyAWS(t *testing.T) {
	own := map[string]store.Fault{"DBSnapshotNotFound": store.NotFound, "AccessDenied": store.Busy}
	timeout := &net.OpError{Op: "dial", Err: context.DeadlineExceeded}
	for _, c := range []struct {
		err  error
		own  map[string]store.Fault
		want store.Fault
	}{
		{api("Throttling", smithy.FaultClient), own, store.Throttled},
		{api("AccessDenied", smithy.FaultClient), nil, store.Denied},
		{api("AccessDenied", smithy.FaultClient), own, store.Busy}, // The service's own comes first.
		{api("DBSnapshotNotFound", smithy.FaultClient), own, store.NotFound},
		{api("DBSnapshotNotFound", smithy.FaultClient), nil, store.Unknown},
		{api("ExpiredToken", smithy.FaultClient), own, store.NoCredentials},
		{api("NeverHeardOf", smithy.FaultServer), own, store.Unreachable},
		{api("NeverHeardOf", smithy.FaultClient), own, store.Unknown},
		{fmt.Errorf("list: %w", &retry.MaxAttemptsError{Attempt: 8, Err: api("Throttling", smithy.FaultClient)}), own, store.Throttled},
		{&retry.MaxAttemptsError{Attempt: 8, Err: timeout}, own, store.Unreachable},
		{timeout, own, store.Unreachable},
		{&net.DNSError{Name: "rds.nowhere.amazonaws.com"}, own, store.Unreachable},
		{&aws.RequestCanceledError{Err: context.Canceled}, own, store.Stopped},
		{&aws.RequestCanceledError{Err: context.DeadlineExceeded}, own, store.Unreachable},
		{&store.SignError{Err: errors.New("no EC2 IMDS role found")}, own, store.NoCredentials},
		{&store.SignError{Err: api("AccessDenied", smithy.FaultClient)}, nil, store.Denied}, // A role that may not be assumed.
		{errors.New("what"), own, store.Unknown},
		{nil, own, store.Unknown},
	} {
		if got := store.ClassifyAWS(c.err, c.own); got != c.want {
			t.Errorf("%v is sorted as %q, want %q", c.err, got, c.want)
		}
	}
}

func TestBrief(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{api("Throttling", smithy.FaultClient), "Throttling: m"},
		{&smithy.GenericAPIError{Code: "Odd"}, "Odd"},
		{&smithy.OperationError{ServiceID: "RDS", OperationName: "X", Err: errors.New("no route")}, "no route"},
		{errors.New("plain"), "plain"},
	} {
		if got := store.Brief(c.err); got != c.want {
			t.Errorf("%v is said as %q, want %q", c.err, got, c.want)
		}
	}
	if plain := errors.New("plain"); store.FaultOf(plain) != store.Unknown || store.Remedy(plain) != "" {
		t.Error("an error that is not of a store has a fault or a remedy")
	}
}

// copier is a driver whose snapshots can be copied.
type copier struct{ broken }

func (copier) Routing() plan.Routing { return plan.Routing{Means: plan.ByCall, Copies: 7} }

func TestRouting(t *testing.T) {
	if r, ok := store.New(copier{}).Routing(); !ok || r.Copies != 7 {
		t.Errorf("routing %+v, %t", r, ok)
	}
	if r, ok := store.New(broken{}).Routing(); ok || r != (plan.Routing{}) {
		t.Errorf("a driver without one has the routing %+v, %t", r, ok)
	}
}
