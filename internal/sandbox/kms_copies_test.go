package sandbox_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// copySeed has snapshots of each kind under a key that the recovery account may use
// and under one that it may not, all shared with it.
const copySeed = `
accounts:
  "111111111111":
    regions:
      us-east-1:
        keys: [{name: alias/open, accounts: ["222222222222"]}, alias/closed]
        databases: {d: {key: alias/open}}
        db-clusters: {c: {key: alias/open}}
        volumes: {v: {size: 10, key: alias/open}}
        snapshots:
          - {of: d, name: open, age: 1d, tags: {team: shop}, shared: ["222222222222"]}
          - {of: x, name: closed, age: 1d, key: alias/closed, shared: ["222222222222"]}
          - {of: x, name: plain, age: 1d, shared: ["222222222222"]}
          - {of: x, name: of-aws, age: 1d, key: alias/aws/rds, shared: ["222222222222"]}
        db-cluster-snapshots:
          - {of: c, name: open, age: 1d, tags: {team: shop}, shared: ["222222222222"]}
          - {of: x, name: closed, age: 1d, key: alias/closed, shared: ["222222222222"]}
          - {of: x, name: of-aws, age: 1d, key: alias/aws/rds, shared: ["222222222222"]}
        ebs-snapshots:
          - {id: snap-0000000a, of: v, age: 1d, tags: {team: shop}, shared: ["222222222222"]}
          - {id: snap-0000000b, of: vol-0000dead, size: 10, age: 1d, key: alias/closed, shared: ["222222222222"]}
          - {id: snap-0000000c, of: vol-0000dead, size: 10, age: 1d, shared: ["222222222222", all]}
          - {id: snap-0000000d, of: vol-0000dead, size: 10, age: 1d, key: alias/aws/ebs, shared: ["222222222222"]}
          - {id: snap-0000000e, of: vol-0000dead, size: 10, age: 1d}
  "222222222222":
    regions:
      us-east-1: {keys: [alias/dr, {name: alias/off, state: disabled}, {name: alias/leaving, deleted-in: 7d}]}
      us-west-2: {keys: [alias/dr, {name: alias/off, state: disabled}, {name: alias/leaving, deleted-in: 7d}]}
`

func inCopies(t *testing.T, run func(t *testing.T, a *sandbox.AWS)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := sandbox.New(sandbox.Options{})
		mustSeed(t, a, copySeed)
		run(t, a)
	})
}

// keyCases are copies into the recovery account, and whether they may be made.
type keyCase struct {
	name, source, key string
	before            func(*testing.T, *sandbox.AWS)
	fails             bool
}

func keyCases() []keyCase {
	policy := func(action string) func(*testing.T, *sandbox.AWS) {
		return func(t *testing.T, a *sandbox.AWS) {
			if err := a.SetKeyPolicy(prod, east, "alias/open", statement("Allow", `{"AWS": "222222222222"}`, action, "")); err != nil {
				t.Fatal(err)
			}
		}
	}
	enabled := func(on bool) func(*testing.T, *sandbox.AWS) {
		return func(t *testing.T, a *sandbox.AWS) {
			if err := a.SetKeyEnabled(prod, east, "alias/open", on); err != nil {
				t.Fatal(err)
			}
		}
	}
	granted := func(t *testing.T, a *sandbox.AWS) {
		policy(`"kms:DescribeKey"`)(t, a)
		c := kmsAt(a, prod, east)
		key, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("alias/open")})
		wantCode(t, err, "")
		_, err = c.CreateGrant(t.Context(), &kms.CreateGrantInput{
			KeyId: key.KeyMetadata.Arn, GranteePrincipal: aws.String("arn:aws:iam::222222222222:root"),
			Operations: []kmstypes.GrantOperation{"CreateGrant", "Decrypt", "ReEncryptFrom"},
		})
		wantCode(t, err, "")
	}
	return []keyCase{
		{"allowed", "open", "alias/dr", nil, false},
		{"not allowed", "closed", "alias/dr", nil, true},
		{"of AWS", "of-aws", "alias/dr", nil, true},
		{"no such key", "open", "alias/none", nil, true},
		{"a disabled key", "open", "alias/off", nil, true},
		{"a key about to go", "open", "alias/leaving", nil, true},
		{"its key disabled", "open", "alias/dr", enabled(false), true},
		{"its key enabled again", "open", "alias/dr", func(t *testing.T, a *sandbox.AWS) { enabled(false)(t, a); enabled(true)(t, a) }, false},
		{"its key about to go", "open", "alias/dr", func(t *testing.T, a *sandbox.AWS) {
			if err := a.ScheduleKeyDeletion(prod, east, "alias/open", 7*24*time.Hour); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"without CreateGrant", "open", "alias/dr", policy(`["kms:DescribeKey", "kms:Decrypt", "kms:ReEncrypt*"]`), true},
		{"without Decrypt", "open", "alias/dr", policy(`["kms:DescribeKey", "kms:CreateGrant", "kms:ReEncrypt*"]`), true},
		{"by a policy", "open", "alias/dr", policy(`["kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:ReEncrypt*"]`), false},
		{"by a grant", "open", "alias/dr", granted, false},
		{"forbidden at home", "open", "alias/dr", func(_ *testing.T, a *sandbox.AWS) { a.SetDenied(recovery, "kms:CreateGrant") }, true},
	}
}

func TestKeysOfCopies(t *testing.T) {
	kinds := map[string]func(context.Context, *rds.Client, string, string) error{
		eastSnapshot: func(ctx context.Context, c *rds.Client, source, key string) error {
			_, err := c.CopyDBSnapshot(ctx, &rds.CopyDBSnapshotInput{
				SourceDBSnapshotIdentifier: &source, TargetDBSnapshotIdentifier: aws.String("copy"), KmsKeyId: &key,
			})
			return err
		},
		eastClusterSnapshot: func(ctx context.Context, c *rds.Client, source, key string) error {
			_, err := c.CopyDBClusterSnapshot(ctx, &rds.CopyDBClusterSnapshotInput{
				SourceDBClusterSnapshotIdentifier: &source, TargetDBClusterSnapshotIdentifier: aws.String("copy"), KmsKeyId: &key,
			})
			return err
		},
	}
	for prefix, duplicate := range kinds {
		for _, there := range []string{east, west} {
			for _, tc := range keyCases() {
				t.Run(prefix+there+"/"+tc.name, func(t *testing.T) {
					inCopies(t, func(t *testing.T, a *sandbox.AWS) {
						if tc.before != nil {
							tc.before(t, a)
						}
						code := ""
						if tc.fails {
							code = "KMSKeyNotAccessibleFault"
						}
						wantCode(t, duplicate(t.Context(), rdsAt(a, recovery, there), prefix+tc.source, tc.key), code)
					})
				})
			}
		}
	}
}

func copyEBS(t *testing.T, c *ec2.Client, id, key string) string {
	t.Helper()
	in := &ec2.CopySnapshotInput{
		SourceSnapshotId: &id, SourceRegion: aws.String(east),
		TagSpecifications: []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeSnapshot, Tags: []ec2types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}},
	}
	if key != "" {
		in.KmsKeyId, in.Encrypted = &key, aws.Bool(true)
	}
	out, err := c.CopySnapshot(t.Context(), in)
	wantCode(t, err, "")
	if len(out.Tags) != 1 {
		t.Errorf("the answer to a copy with a tag has %d", len(out.Tags))
	}
	return *out.SnapshotId
}

func ebsSnapshot(t *testing.T, c *ec2.Client, id string) ec2types.Snapshot {
	t.Helper()
	out, err := c.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: []string{id}})
	wantCode(t, err, "")
	return out.Snapshots[0]
}

// A copy whose key cannot be used begins like any other and ends as an error.
func TestKeysOfEBSCopies(t *testing.T) {
	ids := map[string]string{"open": "snap-0000000a", "closed": "snap-0000000b", "of-aws": "snap-0000000d"}
	for _, there := range []string{east, west} {
		for _, tc := range keyCases() {
			t.Run(there+"/"+tc.name, func(t *testing.T) {
				inCopies(t, func(t *testing.T, a *sandbox.AWS) {
					if tc.before != nil {
						tc.before(t, a)
					}
					c := ec2At(a, recovery, there)
					id := copyEBS(t, c, ids[tc.source], tc.key)
					if x := ebsSnapshot(t, c, id); x.State != ec2types.SnapshotStatePending || *x.VolumeId != "vol-ffffffff" || x.StateMessage != nil {
						t.Errorf("a copy begins as %+v", x)
					}
					time.Sleep(time.Hour)
					x := ebsSnapshot(t, c, id)
					if tc.fails != (x.State == ec2types.SnapshotStateError) || tc.fails != (x.StateMessage != nil) {
						t.Errorf("it ends as %s, %v", x.State, aws.ToString(x.StateMessage))
					}
					if len(x.Tags) != 1 || *x.Tags[0].Key != "a" {
						t.Errorf("its tags are %v", x.Tags)
					}
				})
			})
		}
	}
}

func TestEBSCopiesInFlight(t *testing.T) {
	inCopies(t, func(t *testing.T, a *sandbox.AWS) {
		ctx, c, home := t.Context(), ec2At(a, prod, west), ec2At(a, prod, east)
		if _, err := a.PutKey(prod, west, sandbox.SeedKey{Name: "alias/open"}); err != nil {
			t.Fatal(err)
		}
		var last string
		for range 20 {
			last = copyEBS(t, c, "snap-0000000e", "")
		}
		more := &ec2.CopySnapshotInput{SourceSnapshotId: aws.String("snap-0000000e"), SourceRegion: aws.String(east)}
		_, err := c.CopySnapshot(ctx, more)
		wantCode(t, err, "ResourceLimitExceeded")
		_, err = home.CopySnapshot(ctx, more)
		wantCode(t, err, "") // The limit is that of the destination.
		_, err = home.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String("snap-0000000e")})
		wantCode(t, err, "")
		if x := ebsSnapshot(t, c, last); x.State != ec2types.SnapshotStateError || *x.StateMessage != "Source snapshot ID is not valid" {
			t.Errorf("a copy whose source was deleted is %s", x.State)
		}
		if err := a.SetQuota(prod, west, sandbox.QuotaEBSSnapshots, 20); err != nil {
			t.Fatal(err)
		}
		more.SourceSnapshotId = aws.String("snap-0000000c")
		_, err = c.CopySnapshot(ctx, more)
		wantCode(t, err, "SnapshotLimitExceeded")
		more.SourceRegion = aws.String(west)
		_, err = c.CopySnapshot(ctx, more)
		wantCode(t, err, "InvalidSnapshot.NotFound") // Within a Region it shows at once.
		more.SourceSnapshotId = aws.String("snap-x")
		_, err = c.CopySnapshot(ctx, more)
		wantCode(t, err, "InvalidSnapshotID.Malformed")
	})
}

func TestEBSSharesAsTheGranteeSeesThem(t *testing.T) {
	inCopies(t, func(t *testing.T, a *sandbox.AWS) {
		ctx, theirs, ours := t.Context(), ec2At(a, recovery, east), ec2At(a, prod, east)
		list := func(c *ec2.Client, want int, users ...string) []ec2types.Snapshot {
			t.Helper()
			out, err := c.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{RestorableByUserIds: users})
			wantCode(t, err, "")
			if len(out.Snapshots) != want {
				t.Errorf("restorable by %v: %d, want %d", users, len(out.Snapshots), want)
			}
			return out.Snapshots
		}
		for _, x := range list(theirs, 4, "self") {
			if len(x.Tags) > 0 || *x.OwnerId != prod {
				t.Errorf("the grantee sees %+v", x)
			}
		}
		list(theirs, 1, "all")
		list(ours, 4, recovery)
		list(ours, 5, "self")
		list(theirs, 0, prod)
		change := func(code, id string, op ec2types.OperationType) {
			t.Helper()
			_, err := ours.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{SnapshotId: &id, OperationType: op, UserIds: []string{recovery}})
			wantCode(t, err, code)
		}
		change("OperationNotPermitted", "snap-0000000d", ec2types.OperationTypeAdd)
		change("", "snap-0000000a", ec2types.OperationTypeRemove)
		_, err := theirs.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{"snap-0000000a"}})
		wantCode(t, err, "InvalidSnapshot.NotFound")
		id := copyEBS(t, ec2At(a, recovery, west), "snap-0000000a", "alias/dr")
		time.Sleep(time.Hour)
		if x := ebsSnapshot(t, ec2At(a, recovery, west), id); x.State != ec2types.SnapshotStateError {
			t.Errorf("a copy of what is not shared is %s", x.State)
		}
	})
}

// What is shared goes away when the share does, and its tags are its owner's.
func TestSharesThatEnd(t *testing.T) {
	inCopies(t, func(t *testing.T, a *sandbox.AWS) {
		ctx, theirs, ours := t.Context(), rdsAt(a, recovery, east), rdsAt(a, prod, east)
		seen := func(want int) {
			t.Helper()
			one, err := theirs.DescribeDBSnapshots(ctx, &rds.DescribeDBSnapshotsInput{SnapshotType: aws.String("shared")})
			wantCode(t, err, "")
			two, err := theirs.DescribeDBClusterSnapshots(ctx, &rds.DescribeDBClusterSnapshotsInput{IncludeShared: aws.Bool(true)})
			wantCode(t, err, "")
			if len(one.DBSnapshots) != want+1 || len(two.DBClusterSnapshots) != want {
				t.Errorf("%d and %d are shared, want %d and %d", len(one.DBSnapshots), len(two.DBClusterSnapshots), want+1, want)
			}
			for _, s := range one.DBSnapshots {
				if len(s.TagList) > 0 {
					t.Errorf("the grantee sees tags: %v", s.TagList)
				}
			}
			for _, s := range two.DBClusterSnapshots {
				if len(s.TagList) > 0 {
					t.Errorf("the grantee sees tags: %v", s.TagList)
				}
			}
		}
		seen(3)
		_, err := theirs.ListTagsForResource(ctx, &rds.ListTagsForResourceInput{ResourceName: aws.String(eastSnapshot + "open")})
		if err == nil {
			t.Error("the grantee lists the tags of what is shared with it")
		}
		_, err = ours.ModifyDBSnapshotAttribute(ctx, &rds.ModifyDBSnapshotAttributeInput{
			DBSnapshotIdentifier: aws.String("open"), AttributeName: aws.String("restore"), ValuesToRemove: []string{recovery},
		})
		wantCode(t, err, "")
		_, err = ours.ModifyDBClusterSnapshotAttribute(ctx, &rds.ModifyDBClusterSnapshotAttributeInput{
			DBClusterSnapshotIdentifier: aws.String("open"), AttributeName: aws.String("restore"), ValuesToRemove: []string{recovery},
		})
		wantCode(t, err, "")
		seen(2)
		_, err = theirs.CopyDBSnapshot(ctx, &rds.CopyDBSnapshotInput{
			SourceDBSnapshotIdentifier: aws.String(eastSnapshot + "open"), TargetDBSnapshotIdentifier: aws.String("copy"), KmsKeyId: aws.String("alias/dr"),
		})
		wantCode(t, err, "DBSnapshotNotFound")
		_, err = theirs.CopyDBClusterSnapshot(ctx, &rds.CopyDBClusterSnapshotInput{
			SourceDBClusterSnapshotIdentifier: aws.String(eastClusterSnapshot + "open"), TargetDBClusterSnapshotIdentifier: aws.String("copy"), KmsKeyId: aws.String("alias/dr"),
		})
		wantCode(t, err, "DBClusterSnapshotNotFoundFault")
	})
}

// Without its key a database takes no snapshot, and what lies under the key cannot
// be copied by its owner either.
func TestSnapshotsWithoutTheirKey(t *testing.T) {
	inCopies(t, func(t *testing.T, a *sandbox.AWS) {
		ctx, c := t.Context(), rdsAt(a, prod, east)
		if err := a.SetKeyEnabled(prod, east, "alias/open", false); err != nil {
			t.Fatal(err)
		}
		wantCode(t, create("d", "new")(ctx, c), "InvalidDBInstanceState")
		_, err := c.CreateDBClusterSnapshot(ctx, &rds.CreateDBClusterSnapshotInput{
			DBClusterIdentifier: aws.String("c"), DBClusterSnapshotIdentifier: aws.String("new"),
		})
		wantCode(t, err, "InvalidDBClusterStateFault")
		wantCode(t, copyOf(from("open"))(ctx, c), "KMSKeyNotAccessibleFault")
		wantCode(t, copyOf(fromWith("open", "alias/closed"))(ctx, c), "KMSKeyNotAccessibleFault")
		wantCode(t, copyOf(fromWith("plain", "alias/open"))(ctx, c), "KMSKeyNotAccessibleFault")
		if err := a.SetKeyEnabled(prod, east, "alias/open", true); err != nil {
			t.Fatal(err)
		}
		wantCode(t, create("d", "new")(ctx, c), "")
	})
}

// A copy in another account and Region at once has the tags of the call alone, the
// key of the destination, and takes longer the larger it is.
func TestCopyAcrossAccountsAndRegions(t *testing.T) {
	inCopies(t, func(t *testing.T, a *sandbox.AWS) {
		ctx, c := t.Context(), rdsAt(a, recovery, west)
		for i, source := range []string{"open", "plain"} {
			out, err := c.CopyDBSnapshot(ctx, &rds.CopyDBSnapshotInput{
				SourceDBSnapshotIdentifier: aws.String(eastSnapshot + source), TargetDBSnapshotIdentifier: aws.String(fmt.Sprintf("copy-%d", i)),
				KmsKeyId: aws.String("alias/dr"), CopyTags: aws.Bool(true), Tags: []types.Tag{tag("by", "me")},
			})
			wantCode(t, err, "")
			got := out.DBSnapshot
			key, err := kmsAt(a, recovery, west).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/dr")})
			wantCode(t, err, "")
			if len(got.TagList) != 1 || *got.TagList[0].Key != "by" || *got.KmsKeyId != *key.KeyMetadata.Arn || *got.Status != "creating" {
				t.Errorf("%+v", got)
			}
		}
		time.Sleep(5*time.Minute + 59*time.Second) // 20 GiB take 6 minutes.
		if got := *snapshot(t, c, "copy-0").Status; got != "creating" {
			t.Errorf("it is %s already", got)
		}
		time.Sleep(2 * time.Second)
		if got := *snapshot(t, c, "copy-0").Status; got != "available" {
			t.Errorf("it is %s still", got)
		}
	})
}
