package sandbox_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

const (
	prod     = "111111111111"
	recovery = "222222222222"
	east     = "us-east-1"
	west     = "us-west-2"
)

// config gives an SDK configuration whose calls go to the sandbox.
func config(c *sandbox.Client, key, region string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String("http://sandbox.local"), HTTPClient: c,
		Credentials: keys(key, "secret", ""),
		Retryer:     func() aws.Retryer { return retry.NewStandard() },
	}
}

func keys(id, secret, token string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}, nil
	})
}

func rdsAt(a *sandbox.AWS, account, region string) *rds.Client {
	return rds.NewFromConfig(config(a.Client(), account, region))
}

func stsAt(a *sandbox.AWS, account, region string) *sts.Client {
	return sts.NewFromConfig(config(a.Client(), account, region))
}

// bubble runs a test with virtual time over a sandbox with the small seed.
func bubble(t *testing.T, o sandbox.Options, run func(t *testing.T, a *sandbox.AWS)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := sandbox.New(o)
		seed, err := sandbox.Builtin("small")
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Seed(seed); err != nil {
			t.Fatal(err)
		}
		run(t, a)
	})
}

// wantCode fails the test unless err is an AWS error with this code; "" means no
// error at all.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if code == "" {
		if err != nil {
			t.Fatalf("got %v, want no error", err)
		}
		return
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("got %v, want the AWS error %s", err, code)
	}
	if api.ErrorCode() != code {
		t.Fatalf("got %s (%s), want %s", api.ErrorCode(), api.ErrorMessage(), code)
	}
}

func createSnapshot(t *testing.T, c *rds.Client, db, name string, tags ...types.Tag) *types.DBSnapshot {
	t.Helper()
	out, err := c.CreateDBSnapshot(t.Context(), &rds.CreateDBSnapshotInput{
		DBInstanceIdentifier: &db, DBSnapshotIdentifier: &name, Tags: tags,
	})
	wantCode(t, err, "")
	return out.DBSnapshot
}

func snapshot(t *testing.T, c *rds.Client, name string) types.DBSnapshot {
	t.Helper()
	out, err := c.DescribeDBSnapshots(t.Context(), &rds.DescribeDBSnapshotsInput{DBSnapshotIdentifier: &name})
	wantCode(t, err, "")
	if len(out.DBSnapshots) != 1 {
		t.Fatalf("got %d snapshots of the name %s, want 1", len(out.DBSnapshots), name)
	}
	return out.DBSnapshots[0]
}

func status(t *testing.T, c *rds.Client, db string) string {
	t.Helper()
	out, err := c.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &db})
	wantCode(t, err, "")
	return *out.DBInstances[0].DBInstanceStatus
}

func tag(k, v string) types.Tag { return types.Tag{Key: &k, Value: &v} }

func tags(k, v string) []types.Tag { return []types.Tag{tag(k, v)} }

func TestSnapshotLifeThroughSDK(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(t *testing.T, a *sandbox.AWS) {
		c := rdsAt(a, prod, east)
		made := createSnapshot(t, c, "Inventory", "Inv-One", tag("team", "wärehouse/@=+"))
		if *made.Status != "creating" || *made.DBSnapshotIdentifier != "inv-one" || made.SnapshotCreateTime != nil {
			t.Fatalf("a new snapshot reads %s, %s, %v", *made.Status, *made.DBSnapshotIdentifier, made.SnapshotCreateTime)
		}
		if got := status(t, c, "inventory"); got != "backing-up" {
			t.Fatalf("the database is %s, want backing-up", got)
		}
		_, err := c.CreateDBSnapshot(t.Context(), &rds.CreateDBSnapshotInput{
			DBInstanceIdentifier: aws.String("inventory"), DBSnapshotIdentifier: aws.String("inv-two"),
		})
		wantCode(t, err, "InvalidDBInstanceState")

		time.Sleep(2 * time.Minute) // 3m30s in all for 100 GiB.
		if got := status(t, c, "inventory"); got != "available" {
			t.Fatalf("the database is %s, want available", got)
		}
		half := snapshot(t, c, "inv-one")
		if p := *half.PercentProgress; *half.Status != "creating" || p < 50 || p > 99 || half.SnapshotCreateTime == nil {
			t.Fatalf("half-way: %s %d%% %v", *half.Status, p, half.SnapshotCreateTime)
		}
		_, err = c.DeleteDBSnapshot(t.Context(), &rds.DeleteDBSnapshotInput{DBSnapshotIdentifier: aws.String("inv-one")})
		wantCode(t, err, "InvalidDBSnapshotState")

		err = rds.NewDBSnapshotAvailableWaiter(c).Wait(t.Context(), &rds.DescribeDBSnapshotsInput{DBSnapshotIdentifier: aws.String("inv-one")}, time.Hour)
		wantCode(t, err, "")
		done := snapshot(t, c, "inv-one")
		if *done.PercentProgress != 100 || len(done.TagList) != 1 || *done.TagList[0].Value != "wärehouse/@=+" {
			t.Fatalf("done: %d%%, tags %v", *done.PercentProgress, done.TagList)
		}
		out, err := c.DeleteDBSnapshot(t.Context(), &rds.DeleteDBSnapshotInput{DBSnapshotIdentifier: aws.String("inv-one")})
		wantCode(t, err, "")
		if *out.DBSnapshot.Status != "deleted" {
			t.Fatalf("delete answers %s", *out.DBSnapshot.Status)
		}
		if got := *snapshot(t, c, "inv-one").Status; got != "deleting" {
			t.Fatalf("just deleted it is %s, want deleting", got)
		}
		time.Sleep(time.Minute)
		_, err = c.DescribeDBSnapshots(t.Context(), &rds.DescribeDBSnapshotsInput{DBSnapshotIdentifier: aws.String("inv-one")})
		wantCode(t, err, "DBSnapshotNotFound")
		if _, ok := errors.AsType[*types.DBSnapshotNotFoundFault](err); !ok {
			t.Fatalf("%v is not of the SDK's type", err)
		}
	})
}

func TestTagsAndAttributes(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		mustSeed(t, a, ruleSeed)
		c, ctx, arn := rdsAt(a, prod, east), t.Context(), aws.String(eastSnapshot+"plain")
		_, err := c.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{ResourceName: arn, Tags: tags("holdfast:keep", "yes")})
		wantCode(t, err, "")
		_, err = c.RemoveTagsFromResource(ctx, &rds.RemoveTagsFromResourceInput{ResourceName: arn, TagKeys: []string{"team", "none"}})
		wantCode(t, err, "")
		got, err := c.ListTagsForResource(ctx, &rds.ListTagsForResourceInput{ResourceName: arn})
		wantCode(t, err, "")
		if len(got.TagList) != 1 || *got.TagList[0].Key != "holdfast:keep" || *got.TagList[0].Value != "yes" {
			t.Errorf("tags %v", got.TagList)
		}
		wantCode(t, share("plain", recovery, "333333333333")(ctx, c), "")
		_, err = c.ModifyDBSnapshotAttribute(ctx, &rds.ModifyDBSnapshotAttributeInput{
			DBSnapshotIdentifier: aws.String("plain"), AttributeName: aws.String("restore"), ValuesToRemove: []string{recovery},
		})
		wantCode(t, err, "")
		attrs, err := c.DescribeDBSnapshotAttributes(ctx, &rds.DescribeDBSnapshotAttributesInput{DBSnapshotIdentifier: aws.String("plain")})
		wantCode(t, err, "")
		values := attrs.DBSnapshotAttributesResult.DBSnapshotAttributes[0].AttributeValues
		if len(values) != 1 || values[0] != "333333333333" {
			t.Errorf("shared with %v", values)
		}
	})
}

// The default bucket of Throttle lets a burst pass and slows what follows; the
// SDK gets all of it through.
func TestGuessedThrottle(t *testing.T) {
	bubble(t, sandbox.Options{Throttle: true}, func(t *testing.T, a *sandbox.AWS) {
		c, begun := trying(12, a.Client(), prod, east), time.Now()
		for range 60 {
			_, err := c.DescribeDBInstances(t.Context(), nil)
			wantCode(t, err, "")
		}
		if took := time.Since(begun); took < time.Second {
			t.Errorf("60 calls took %s, want at least a second", took)
		}
	})
}

func BenchmarkDescribeSnapshots(b *testing.B) {
	a := sandbox.New(sandbox.Options{})
	seed, err := sandbox.Builtin("large")
	if err == nil {
		err = a.Seed(seed)
	}
	if err != nil {
		b.Fatal(err)
	}
	c := rdsAt(a, prod, east)
	for b.Loop() {
		pages := rds.NewDescribeDBSnapshotsPaginator(c, &rds.DescribeDBSnapshotsInput{})
		for pages.HasMorePages() {
			if _, err := pages.NextPage(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}
