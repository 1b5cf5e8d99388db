package sandbox_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func TestIdentities(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		for key, want := range map[string]string{
			"test": "arn:aws:iam::111111111111:root", "sandbox": "arn:aws:iam::111111111111:root", "333333333333": "arn:aws:iam::333333333333:root",
		} {
			got, err := stsAt(a, key, east).GetCallerIdentity(t.Context(), nil)
			wantCode(t, err, "")
			if *got.Arn != want {
				t.Errorf("%s is %s, want %s", key, *got.Arn, want)
			}
		}
		_, err := stsAt(a, "AKIAUNKNOWN", east).GetCallerIdentity(t.Context(), nil)
		wantCode(t, err, "InvalidClientTokenId")
		_, err = rdsAt(a, prod, "us-east-1a").DescribeDBInstances(t.Context(), nil)
		wantCode(t, err, "SignatureDoesNotMatch")
	})
}

func assume(t *testing.T, c *sts.Client, role string) (*types.Credentials, error) {
	t.Helper()
	out, err := c.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + recovery + ":role/" + role), RoleSessionName: aws.String("nightly"), DurationSeconds: aws.Int32(900),
	})
	if err != nil {
		return nil, err
	}
	return out.Credentials, nil
}

func TestAssumeRole(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		conn := a.Client()
		got, err := assume(t, stsAt(a, prod, east), "ops/holdfast")
		wantCode(t, err, "")
		as := func(id, secret, token string) *rds.Client {
			cfg := config(conn, "", east)
			cfg.Credentials = keys(id, secret, token)
			return rds.NewFromConfig(cfg)
		}
		good := as(*got.AccessKeyId, *got.SecretAccessKey, *got.SessionToken)
		out, err := good.DescribeDBInstances(t.Context(), nil)
		wantCode(t, err, "")
		if len(out.DBInstances) != 1 {
			t.Errorf("%d databases in the other account, want 1", len(out.DBInstances))
		}
		calls := a.Calls()
		if c := calls[len(calls)-1]; c.Caller != "arn:aws:sts::222222222222:assumed-role/holdfast/nightly" || c.Account != recovery {
			t.Errorf("the caller is %s of %s", c.Caller, c.Account)
		}
		_, err = as(*got.AccessKeyId, *got.SecretAccessKey, "").DescribeDBInstances(t.Context(), nil)
		wantCode(t, err, "InvalidClientTokenId")
		time.Sleep(15 * time.Minute)
		_, err = good.DescribeDBInstances(t.Context(), nil)
		wantCode(t, err, "ExpiredToken")
	})
}

func TestAssumeRoleRefuses(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		mustSeed(t, a, `accounts: {"222222222222": {roles: [holdfast]}}`)
		c := stsAt(a, prod, east)
		_, err := assume(t, c, "holdfast")
		wantCode(t, err, "")
		_, err = assume(t, c, "admin")
		wantCode(t, err, "AccessDenied")
		for _, in := range []sts.AssumeRoleInput{
			{RoleArn: aws.String("arn:aws:iam::2:role/x-y-z-long-enough"), RoleSessionName: aws.String("s1")},
			{RoleArn: aws.String("arn:aws:iam::222222222222:role/holdfast"), RoleSessionName: aws.String("a b")},
			{RoleArn: aws.String("arn:aws:iam::222222222222:role/holdfast"), RoleSessionName: aws.String("s1"), DurationSeconds: aws.Int32(60)},
			{RoleArn: aws.String("arn:aws:iam::222222222222:role/holdfast"), RoleSessionName: aws.String("s1"), DurationSeconds: aws.Int32(90000)},
		} {
			_, err := c.AssumeRole(t.Context(), &in)
			wantCode(t, err, "ValidationError")
		}
		a.Inject(sandbox.Fault{Match: sandbox.Match{Service: "sts"}, Kind: sandbox.Deny})
		_, err = assume(t, c, "holdfast")
		wantCode(t, err, "AccessDenied")
	})
}

// The SDK renews an assumed role's keys by itself over days.
func TestAssumedKeysAreRenewed(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		cfg := config(a.Client(), prod, west)
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(
			sts.NewFromConfig(config(a.Client(), prod, west)), "arn:aws:iam::222222222222:role/holdfast"))
		c := rds.NewFromConfig(cfg)
		for range 48 {
			_, err := c.DescribeDBInstances(t.Context(), nil)
			wantCode(t, err, "")
			time.Sleep(time.Hour)
		}
	})
}
