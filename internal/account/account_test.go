package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/account"
	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
)

const prod, region = "111111111111", "us-east-1"

var home = dr.Site{Name: "prod", Account: prod, Region: region}

func reader(aws *sandbox.AWS) *account.Reader {
	sessions := session.New(session.Options{
		EndpointURL: "http://sandbox.invalid", HTTPClient: aws.Client(), Credentials: session.Static(prod), Attempts: 2,
	}, []policy.Site{{Site: home}})
	return account.New(sessions, []account.Limit{
		{Kind: "rds", Limit: store.Limit{Service: "rds", Code: "L-272F1212", Default: 100}},
		{Kind: "aurora", Limit: store.Limit{Service: "rds", Code: "L-9B510759", Default: 100}},
		{Kind: "odd", Limit: store.Limit{Service: "rds", Code: "L-00000000", Default: 1}},
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, aws *sandbox.AWS, alias string) {
	t.Helper()
	_, err := aws.PutKey(prod, region, sandbox.SeedKey{Name: alias})
	must(t, err)
}

func TestKeys(t *testing.T) {
	aws := sandbox.New(sandbox.Options{})
	for _, alias := range []string{"alias/good", "alias/off", "alias/doomed"} {
		put(t, aws, alias)
	}
	must(t, aws.SetKeyEnabled(prod, region, "alias/off", false))
	must(t, aws.ScheduleKeyDeletion(prod, region, "alias/doomed", 7*24*time.Hour))
	r := reader(aws)
	keys := r.Keys(t.Context(), home, []string{"alias/good", "alias/off", "alias/doomed", "alias/none", "alias/aws/rds", "alias/good"})
	if len(keys) != 5 {
		t.Fatalf("%d keys: %v", len(keys), keys)
	}
	for name, trouble := range map[string]string{
		"alias/good": "", "alias/off": "is disabled", "alias/doomed": "is scheduled for deletion on ", "alias/none": "does not exist", "alias/aws/rds": "",
	} {
		k := keys[dr.KeyRef{Site: home, Name: name}]
		if (trouble == "") != (k.Trouble == "") || !strings.HasPrefix(k.Trouble, trouble) || k.Unknown != "" {
			t.Errorf("%s: %+v", name, k)
		}
		if k.Managed != (name == "alias/aws/rds") {
			t.Errorf("%s: managed %v", name, k.Managed)
		}
	}
	if doomed := keys[dr.KeyRef{Site: home, Name: "alias/doomed"}]; time.Until(doomed.Deletion) < 6*24*time.Hour {
		t.Errorf("it will be deleted on %s", doomed.Deletion)
	}
}

func TestKeysThatMayNotBeLookedAt(t *testing.T) {
	aws := sandbox.New(sandbox.Options{})
	put(t, aws, "alias/good")
	aws.SetDenied(prod, "kms:DescribeKey")
	r := reader(aws)
	k := r.Keys(t.Context(), home, []string{"alias/good"})[dr.KeyRef{Site: home, Name: "alias/good"}]
	if k.Trouble != "" || !strings.Contains(k.Unknown, "AccessDenied") {
		t.Errorf("%+v", k)
	}
	if err := r.Look(t.Context(), home, "alias/good"); err == nil || !strings.Contains(err.Error(), "alias/good at prod") {
		t.Errorf("look: %v", err)
	}
	if err := r.MayEncrypt(t.Context(), home, "alias/good"); err != nil {
		t.Errorf("encrypt: %v", err)
	}
	aws.SetDenied(prod, "kms:GenerateDataKey")
	if err := r.MayEncrypt(t.Context(), home, "alias/good"); err == nil {
		t.Error("a key that may not be used may be used")
	}
	if err := r.Look(t.Context(), home, "alias/good"); err != nil {
		t.Errorf("look: %v", err)
	}
}

func TestQuotas(t *testing.T) {
	aws := sandbox.New(sandbox.Options{})
	must(t, aws.SetQuota(prod, region, sandbox.QuotaManualSnapshots, 250))
	r, now := reader(aws), time.Now()
	wanted := func(k dr.Kind) bool { return k != "aurora" }
	want := dr.Quota{Snapshots: 250, From: "Service Quotas"}
	got := r.Quotas(t.Context(), now, home, wanted)
	if len(got) != 1 || got[dr.Scope{Kind: "rds", Site: home}] != want {
		t.Fatalf("%v", got)
	}
	aws.ResetCalls()
	if r.Quotas(t.Context(), now.Add(59*time.Minute), home, wanted); len(aws.Calls()) != 0 {
		t.Errorf("read again within the hour: %v", aws.Calls())
	}
	must(t, aws.SetQuota(prod, region, sandbox.QuotaManualSnapshots, 300))
	if got := r.Quotas(t.Context(), now.Add(time.Hour), home, wanted); got[dr.Scope{Kind: "rds", Site: home}].Snapshots != 300 {
		t.Errorf("an hour later: %v", got)
	}
}

func TestQuotasThatMayNotBeRead(t *testing.T) {
	aws := sandbox.New(sandbox.Options{})
	aws.SetDenied(prod, "servicequotas:*")
	got := reader(aws).Quotas(t.Context(), time.Now(), home, func(dr.Kind) bool { return true })
	if len(got) != 0 {
		t.Errorf("%v", got)
	}
}
