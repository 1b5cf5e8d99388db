package sandbox_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/outside"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// TestRestoreAsMotoDoes makes the same calls to the sandbox and to moto: a database is
// restored as a new one with its groups and tags, and one is renamed and back. Where
// moto is faithful both have to give the same.
func TestRestoreAsMotoDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("starts moto")
	}
	moto := rds.New(rds.Options{Region: east, BaseEndpoint: aws.String(outside.Moto(t)), Credentials: keys(prod, "secret", "")})
	a := sandbox.New(sandbox.Options{})
	want := restoreAndRename(t, moto, func() {})
	got := restoreAndRename(t, rdsAt(a, prod, east), func() { a.Advance(2 * time.Hour) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-moto +sandbox):\n%s", diff)
	}
}

// seen is what a series of calls gave, step by step.
type seen struct {
	Step, Code string
	Values     map[string]any
}

func restoreAndRename(t *testing.T, c *rds.Client, wait func()) []seen {
	t.Helper()
	var out []seen
	ctx := t.Context()
	note := func(step string, values map[string]any, err error) {
		t.Helper()
		x := seen{Step: step, Values: values}
		if api, ok := errors.AsType[smithy.APIError](err); ok {
			x.Code = api.ErrorCode()
		} else if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		out = append(out, x)
		wait()
	}
	_, err := c.CreateDBParameterGroup(ctx, &rds.CreateDBParameterGroupInput{DBParameterGroupName: aws.String("tuned"), DBParameterGroupFamily: aws.String("postgres16"), Description: aws.String("d")})
	note("parameter group", nil, err)
	_, err = c.CreateDBInstance(ctx, newDB(func(in *rds.CreateDBInstanceInput) {
		in.DBInstanceIdentifier, in.DBParameterGroupName, in.Tags, in.EngineVersion = aws.String("shop"), aws.String("tuned"), tags("team", "shop"), aws.String("16.4")
		in.BackupRetentionPeriod, in.StorageType = aws.Int32(3), aws.String("gp2")
	}))
	note("create", show(ctx, c, "shop"), err)
	_, err = c.CreateDBSnapshot(ctx, &rds.CreateDBSnapshotInput{DBInstanceIdentifier: aws.String("shop"), DBSnapshotIdentifier: aws.String("shop-1")})
	note("snapshot", nil, err)
	restore := func(name, from string) error {
		_, err := c.RestoreDBInstanceFromDBSnapshot(ctx, &rds.RestoreDBInstanceFromDBSnapshotInput{
			DBInstanceIdentifier: &name, DBSnapshotIdentifier: &from, DBInstanceClass: aws.String("db.t4g.large"),
			DBParameterGroupName: aws.String("tuned"), VpcSecurityGroupIds: []string{"sg-0a"}, Tags: tags("restored", "yes"),
			CopyTagsToSnapshot: aws.Bool(true), PubliclyAccessible: aws.Bool(false),
		})
		return err
	}
	note("restore of nothing", nil, restore("back", "none"))
	note("restore onto a name", nil, restore("shop", "shop-1"))
	note("restore", nil, restore("back", "shop-1"))
	note("restored", show(ctx, c, "back"), nil)
	for _, step := range [][2]string{{"shop", "shop-old"}, {"back", "shop"}, {"shop", "back"}, {"shop-old", "shop"}} {
		_, err := c.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{DBInstanceIdentifier: &step[0], NewDBInstanceIdentifier: &step[1], ApplyImmediately: aws.Bool(true)})
		note("rename", nil, err)
		note(step[1], show(ctx, c, step[1]), nil)
		note(step[0], show(ctx, c, step[0]), nil)
	}
	return out
}

// show gives what both are to agree on of a database; nil where there is none.
func show(ctx context.Context, c *rds.Client, name string) map[string]any {
	out, err := c.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &name})
	if err != nil {
		return nil
	}
	d := out.DBInstances[0]
	m := map[string]any{
		"name": *d.DBInstanceIdentifier, "class": *d.DBInstanceClass, "engine": *d.Engine, "version": *d.EngineVersion,
		"gib": *d.AllocatedStorage, "storage": *d.StorageType, "user": *d.MasterUsername, "days": *d.BackupRetentionPeriod,
		"parameters": *d.DBParameterGroups[0].DBParameterGroupName, "copy-tags": aws.ToBool(d.CopyTagsToSnapshot), "public": aws.ToBool(d.PubliclyAccessible),
		"multi-az": aws.ToBool(d.MultiAZ), "encrypted": aws.ToBool(d.StorageEncrypted),
	}
	for _, tag := range d.TagList {
		m["tag "+*tag.Key] = *tag.Value
	}
	return m
}
