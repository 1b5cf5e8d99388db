package sandbox_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func withZone(t *testing.T, run func(t *testing.T, a *sandbox.AWS, c *route53.Client, zone string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := sandbox.New(sandbox.Options{})
		id, err := a.PutZone(prod, "Shop.example", sandbox.SeedZone{Records: []sandbox.SeedRecord{
			{Name: "cache.shop.example", Values: []string{"old.cache.amazonaws.com"}, TTL: 30},
			{Name: "www.shop.example", Type: "A", Values: []string{"192.0.2.1", "192.0.2.2"}},
			{Name: "blue.shop.example", Type: "A", Set: "one", Weight: aws.Int(10), Values: []string{"192.0.2.3"}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		run(t, a, route53.NewFromConfig(config(a.Client(), prod, east)), id)
	})
}

func cname(action types.ChangeAction, name, value string, ttl int64) types.Change {
	return types.Change{Action: action, ResourceRecordSet: &types.ResourceRecordSet{
		Name: &name, Type: types.RRTypeCname, TTL: &ttl, ResourceRecords: []types.ResourceRecord{{Value: &value}},
	}}
}

func changeRecords(t *testing.T, c *route53.Client, zone string, changes ...types.Change) (*types.ChangeInfo, error) {
	t.Helper()
	out, err := c.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: &zone, ChangeBatch: &types.ChangeBatch{Changes: changes, Comment: aws.String("swap")},
	})
	if err != nil {
		return nil, err
	}
	return out.ChangeInfo, nil
}

func recordNames(t *testing.T, c *route53.Client, in route53.ListResourceRecordSetsInput) []string {
	t.Helper()
	var got []string
	pages := route53.NewListResourceRecordSetsPaginator(c, &in)
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		wantCode(t, err, "")
		for _, r := range out.ResourceRecordSets {
			got = append(got, *r.Name+" "+string(r.Type))
		}
	}
	return got
}

func TestRoute53Zones(t *testing.T) {
	withZone(t, func(t *testing.T, a *sandbox.AWS, c *route53.Client, zone string) {
		ctx := t.Context()
		for _, name := range []string{"a.example", "zoo.example", "example"} {
			if _, err := a.PutZone(prod, name, sandbox.SeedZone{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := a.PutZone(recovery, "theirs.example", sandbox.SeedZone{}); err != nil {
			t.Fatal(err)
		}
		out, err := c.ListHostedZonesByName(ctx, &route53.ListHostedZonesByNameInput{DNSName: aws.String("shop.example"), MaxItems: aws.Int32(1)})
		wantCode(t, err, "")
		if *out.HostedZones[0].Name != "shop.example." || !out.IsTruncated || *out.NextDNSName != "zoo.example." || *out.HostedZones[0].Id != "/hostedzone/"+zone {
			t.Errorf("%+v", out)
		}
		all, err := c.ListHostedZones(ctx, nil)
		wantCode(t, err, "")
		if len(all.HostedZones) != 4 {
			t.Errorf("%d zones, want 4", len(all.HostedZones))
		}
		one, err := c.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: all.HostedZones[0].Id})
		wantCode(t, err, "")
		if len(one.DelegationSet.NameServers) != 4 || *one.HostedZone.ResourceRecordSetCount < 2 {
			t.Errorf("%+v", one)
		}
		_, err = c.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: aws.String("Z0000")})
		wantCode(t, err, "NoSuchHostedZone")
		made, err := c.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{Name: aws.String("new.example"), CallerReference: aws.String("1")})
		wantCode(t, err, "")
		if made.ChangeInfo.Status != types.ChangeStatusPending {
			t.Errorf("%+v", made.ChangeInfo)
		}
		_, err = c.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{Name: aws.String("new.example"), CallerReference: aws.String("1")})
		wantCode(t, err, "HostedZoneAlreadyExists")
		_, err = c.DeleteHostedZone(ctx, &route53.DeleteHostedZoneInput{Id: made.HostedZone.Id})
		wantCode(t, err, "InvalidAction")
		a.SetDenied(prod, "route53:GetHostedZone")
		_, err = c.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: &zone})
		wantCode(t, err, "AccessDenied")
	})
}

func TestRoute53List(t *testing.T) {
	withZone(t, func(t *testing.T, _ *sandbox.AWS, c *route53.Client, zone string) {
		want := []string{"shop.example. NS", "shop.example. SOA", "blue.shop.example. A", "cache.shop.example. CNAME", "www.shop.example. A"}
		if got := recordNames(t, c, route53.ListResourceRecordSetsInput{HostedZoneId: &zone, MaxItems: aws.Int32(2)}); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
		from := route53.ListResourceRecordSetsInput{HostedZoneId: &zone, StartRecordName: aws.String("CACHE.shop.example"), StartRecordType: types.RRTypeCname}
		if got := recordNames(t, c, from); !slices.Equal(got, want[3:]) {
			t.Errorf("from there got %v", got)
		}
		_, err := c.ListResourceRecordSets(t.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: &zone, StartRecordType: types.RRTypeA})
		wantCode(t, err, "InvalidInput")
	})
}

// A change is shown at once, answered by the name servers when it is in sync, and
// nothing of a batch is done if one part of it is wrong.
func TestRoute53Change(t *testing.T) {
	withZone(t, func(t *testing.T, a *sandbox.AWS, c *route53.Client, zone string) {
		ctx, name := t.Context(), "cache.shop.example"
		_, err := changeRecords(
			t, c, zone, cname(types.ChangeActionUpsert, name, "new.cache.amazonaws.com", 30),
			cname(types.ChangeActionDelete, "none.shop.example", "x.example", 30),
		)
		wantCode(t, err, "InvalidChangeBatch")
		if !strings.Contains(err.Error(), "[name='none.shop.example.', type='CNAME'] but it was not found") {
			t.Error(err)
		}
		change, err := changeRecords(t, c, zone, cname(types.ChangeActionUpsert, name, "new.cache.amazonaws.com", 30))
		wantCode(t, err, "")
		out, err := c.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{HostedZoneId: &zone, StartRecordName: &name})
		wantCode(t, err, "")
		if got := *out.ResourceRecordSets[0].ResourceRecords[0].Value; got != "new.cache.amazonaws.com" {
			t.Errorf("shown is %s", got)
		}
		if got := a.DNSAnswer(prod, zone, name, "CNAME"); !slices.Equal(got, []string{"old.cache.amazonaws.com"}) {
			t.Errorf("at first the answer is %v", got)
		}
		state := func() types.ChangeStatus {
			out, err := c.GetChange(ctx, &route53.GetChangeInput{Id: change.Id})
			wantCode(t, err, "")
			return out.ChangeInfo.Status
		}
		if got := state(); got != types.ChangeStatusPending {
			t.Errorf("it is %s", got)
		}
		wantCode(t, route53.NewResourceRecordSetsChangedWaiter(c).Wait(ctx, &route53.GetChangeInput{Id: change.Id}, time.Hour), "")
		if got := a.DNSAnswer(prod, zone, name, "CNAME"); !slices.Equal(got, []string{"new.cache.amazonaws.com"}) {
			t.Errorf("at last the answer is %v", got)
		}
		_, err = c.GetChange(ctx, &route53.GetChangeInput{Id: aws.String("C0")})
		wantCode(t, err, "NoSuchChange")
	})
}

func TestRoute53ChangeRules(t *testing.T) {
	a := func(name string, ttl *int64, values ...string) types.Change {
		set := &types.ResourceRecordSet{Name: &name, Type: types.RRTypeA, TTL: ttl}
		for _, v := range values {
			set.ResourceRecords = append(set.ResourceRecords, types.ResourceRecord{Value: &v})
		}
		return types.Change{Action: types.ChangeActionUpsert, ResourceRecordSet: set}
	}
	ttl := aws.Int64(60)
	weighted := a("blue.shop.example", ttl, "192.0.2.4")
	weighted.ResourceRecordSet.SetIdentifier, weighted.ResourceRecordSet.Weight = aws.String("two"), aws.Int64(5)
	alias := types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: &types.ResourceRecordSet{
		Name: aws.String("shop.example"), Type: types.RRTypeA, AliasTarget: &types.AliasTarget{HostedZoneId: aws.String("Z1"), DNSName: aws.String("lb.example")},
	}}
	for _, tc := range []struct {
		name, want string
		change     types.Change
	}{
		{"exists", "already exists", cname(types.ChangeActionCreate, "cache.shop.example", "x.example", 30)},
		{"other value", "do not match the current values", cname(types.ChangeActionDelete, "cache.shop.example", "x.example", 30)},
		{"other TTL", "do not match the current values", cname(types.ChangeActionDelete, "cache.shop.example", "old.cache.amazonaws.com", 31)},
		{"deleted", "", cname(types.ChangeActionDelete, "Cache.shop.example.", "old.cache.amazonaws.com", 30)},
		{"apex", "not permitted at apex", cname(types.ChangeActionCreate, "shop.example", "x.example", 30)},
		{"other zone", "not permitted in zone", cname(types.ChangeActionCreate, "workshop.example", "x.example", 30)},
		{"beside a CNAME", "conflicting RRSet", a("cache.shop.example", ttl, "192.0.2.1")},
		{"CNAME beside", "conflicting RRSet", cname(types.ChangeActionCreate, "www.shop.example", "x.example", 30)},
		{"not an address", "not a valid IPv4 address", a("www.shop.example", ttl, "cache.example")},
		{"twice", "Duplicate Resource Record", a("www.shop.example", ttl, "192.0.2.1", "192.0.2.1")},
		{"no TTL", "Expected exactly one of", a("www.shop.example", nil, "192.0.2.1")},
		{"no values", "Expected exactly one of", a("www.shop.example", ttl)},
		{"simple beside weighted", "cannot be created as other RRSet exists", a("blue.shop.example", ttl, "192.0.2.9")},
		{"weighted", "", weighted},
		{"alias", "", alias},
		{"new", "", cname(types.ChangeActionCreate, "*.shop.example", "x.example", 30)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			withZone(t, func(t *testing.T, _ *sandbox.AWS, c *route53.Client, zone string) {
				_, err := changeRecords(t, c, zone, tc.change)
				if tc.want == "" {
					wantCode(t, err, "")
					return
				}
				wantCode(t, err, "InvalidChangeBatch")
				if !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %s", err, tc.want)
				}
			})
		})
	}
	withZone(t, func(t *testing.T, a *sandbox.AWS, c *route53.Client, zone string) {
		_, err := changeRecords(t, c, "Z0", cname(types.ChangeActionCreate, "new.shop.example", "x.example", 30))
		wantCode(t, err, "NoSuchHostedZone")
		_, err = changeRecords(t, c, zone, types.Change{Action: "MOVE", ResourceRecordSet: &types.ResourceRecordSet{Name: aws.String("x.shop.example"), Type: types.RRTypeA}})
		wantCode(t, err, "InvalidInput")
		failover := cname(types.ChangeActionCreate, "new.shop.example", "x.example", 30)
		failover.ResourceRecordSet.Failover = types.ResourceRecordSetFailoverPrimary
		_, err = changeRecords(t, c, zone, failover)
		wantCode(t, err, "NotImplemented")
		wantCode(t, a.PutRecord(prod, zone, sandbox.SeedRecord{Name: "cache.shop.example", Values: []string{"other.example"}}), "")
		if got := a.DNSAnswer(prod, zone, "cache.shop.example", "CNAME"); !slices.Equal(got, []string{"other.example"}) {
			t.Errorf("the answer is %v", got)
		}
		if a.PutRecord(prod, zone, sandbox.SeedRecord{Name: "elsewhere.example", Values: []string{"x"}}) == nil {
			t.Error("a record of another zone was put in")
		}
	})
}
