package sandbox_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func enable(c *redshift.Client, t *testing.T, change func(*redshift.EnableSnapshotCopyInput)) error {
	t.Helper()
	in := &redshift.EnableSnapshotCopyInput{ClusterIdentifier: aws.String("dwh"), DestinationRegion: aws.String(west)}
	if change != nil {
		change(in)
	}
	_, err := c.EnableSnapshotCopy(t.Context(), in)
	return err
}

// named gives the snapshot of a name, or nil.
func named(list []types.Snapshot, name string) *types.Snapshot {
	for i := range list {
		if *list[i].SnapshotIdentifier == name {
			return &list[i]
		}
	}
	return nil
}

func TestRedshiftSnapshotCopyRules(t *testing.T) {
	withCluster(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		ctx, dwh := t.Context(), aws.String("dwh")
		for name, tc := range map[string]struct {
			change func(*redshift.EnableSnapshotCopyInput)
			code   string
		}{
			"no such cluster":      {func(in *redshift.EnableSnapshotCopyInput) { in.ClusterIdentifier = aws.String("none") }, "ClusterNotFound"},
			"its own Region":       {func(in *redshift.EnableSnapshotCopyInput) { in.DestinationRegion = aws.String(east) }, "UnknownSnapshotCopyRegionFault"},
			"no Region":            {func(in *redshift.EnableSnapshotCopyInput) { in.DestinationRegion = aws.String("moon") }, "UnknownSnapshotCopyRegionFault"},
			"too many days":        {func(in *redshift.EnableSnapshotCopyInput) { in.RetentionPeriod = aws.Int32(36) }, "InvalidRetentionPeriodFault"},
			"no days":              {func(in *redshift.EnableSnapshotCopyInput) { in.RetentionPeriod = aws.Int32(0) }, "InvalidRetentionPeriodFault"},
			"manual days of 0":     {func(in *redshift.EnableSnapshotCopyInput) { in.ManualSnapshotRetentionPeriod = aws.Int32(0) }, "InvalidRetentionPeriodFault"},
			"a grant though plain": {func(in *redshift.EnableSnapshotCopyInput) { in.SnapshotCopyGrantName = aws.String("west") }, "InvalidParameterCombination"},
		} {
			if err := enable(c, t, tc.change); err == nil || !strings.Contains(err.Error(), tc.code) {
				t.Errorf("%s: %v, want %s", name, err, tc.code)
			}
		}
		_, err := c.DisableSnapshotCopy(ctx, &redshift.DisableSnapshotCopyInput{ClusterIdentifier: dwh})
		wantCode(t, err, "SnapshotCopyAlreadyDisabledFault")
		modify := func(days int32, manual bool) error {
			_, err := c.ModifySnapshotCopyRetentionPeriod(ctx, &redshift.ModifySnapshotCopyRetentionPeriodInput{
				ClusterIdentifier: dwh, RetentionPeriod: &days, Manual: &manual,
			})
			return err
		}
		wantCode(t, modify(3, false), "SnapshotCopyDisabledFault")
		wantCode(t, a.SetClusterStatus(prod, east, "dwh", "paused"), "")
		wantCode(t, enable(c, t, nil), "InvalidClusterState")
		wantCode(t, a.SetClusterStatus(prod, east, "dwh", "available"), "")
		wantCode(t, enable(c, t, nil), "")
		wantCode(t, enable(c, t, nil), "SnapshotCopyAlreadyEnabledFault")
		wantCode(t, modify(36, false), "InvalidRetentionPeriodFault")
		wantCode(t, modify(0, true), "InvalidRetentionPeriodFault")
		wantCode(t, modify(2, false), "")
		wantCode(t, modify(30, true), "")
		out, err := c.DescribeClusters(ctx, nil)
		wantCode(t, err, "")
		if got := out.Clusters[0].ClusterSnapshotCopyStatus; *got.RetentionPeriod != 2 || *got.ManualSnapshotRetentionPeriod != 30 || got.SnapshotCopyGrantName != nil {
			t.Errorf("it copies %+v", got)
		}
	})
}

// What is taken while copying is on arrives after a while under another name; what
// was there before does not, nor what is promoted, and not a tag comes along.
func TestRedshiftSnapshotsAreCopied(t *testing.T) {
	withCluster(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		ctx, far := t.Context(), redshiftAt(a, prod, west)
		all := redshift.DescribeClusterSnapshotsInput{}
		time.Sleep(30 * time.Minute)
		wantCode(t, takeClusterSnapshot(ctx, c, "before"), "")
		time.Sleep(time.Hour)
		wantCode(t, enable(c, t, func(in *redshift.EnableSnapshotCopyInput) { in.RetentionPeriod = aws.Int32(1) }), "")
		wantCode(t, takeClusterSnapshot(ctx, c, "after", redshiftTag("a", "b")), "")
		if got := listClusterSnapshots(t, far, all); len(got) != 0 {
			t.Errorf("there at once: %d", len(got))
		}
		time.Sleep(5 * time.Minute)
		if got := named(listClusterSnapshots(t, far, all), "copy:after"); got == nil || *got.Status != "creating" || *got.SourceRegion != east {
			t.Errorf("under way: %+v", got)
		}
		time.Sleep(time.Hour)
		before := named(listClusterSnapshots(t, c, all), "after")
		got := named(listClusterSnapshots(t, far, all), "copy:after")
		switch {
		case got == nil:
			t.Fatal("it has not arrived")
		case *got.Status != "available" || *got.SnapshotType != "manual" || len(got.Tags) != 0 || *got.ManualSnapshotRetentionPeriod != -1:
			t.Errorf("arrived: %+v", got)
		case !got.SnapshotCreateTime.Equal(*before.SnapshotCreateTime) || *got.ClusterIdentifier != "dwh" || before.SourceRegion != nil:
			t.Errorf("arrived: %+v\nof %+v", got, before)
		}
		_, err := far.CreateTags(ctx, &redshift.CreateTagsInput{ResourceName: got.SnapshotArn, Tags: []types.Tag{redshiftTag("c", "d")}})
		wantCode(t, err, "")
		time.Sleep(12 * time.Hour)
		_, err = c.CopyClusterSnapshot(ctx, &redshift.CopyClusterSnapshotInput{
			SourceSnapshotIdentifier: listClusterSnapshots(t, c, redshift.DescribeClusterSnapshotsInput{SnapshotType: aws.String("automated")})[0].SnapshotIdentifier,
			TargetSnapshotIdentifier: aws.String("promoted"),
		})
		wantCode(t, err, "")
		time.Sleep(48 * time.Hour)
		manual := listClusterSnapshots(t, far, redshift.DescribeClusterSnapshotsInput{SnapshotType: aws.String("manual")})
		if len(manual) != 1 || *manual[0].SnapshotIdentifier != "copy:after" {
			t.Errorf("manual ones: %d", len(manual))
		}
		automated := listClusterSnapshots(t, far, redshift.DescribeClusterSnapshotsInput{SnapshotType: aws.String("automated")})
		if len(automated) != 3 || !strings.HasPrefix(*automated[0].SnapshotIdentifier, "copy:rs:dwh-") {
			t.Errorf("%d automated ones, want those of one day", len(automated))
		}
		_, err = c.DisableSnapshotCopy(ctx, &redshift.DisableSnapshotCopyInput{ClusterIdentifier: aws.String("dwh")})
		wantCode(t, err, "")
		time.Sleep(30 * time.Minute)
		wantCode(t, takeClusterSnapshot(ctx, c, "too-late"), "")
		time.Sleep(48 * time.Hour)
		if got := listClusterSnapshots(t, far, all); len(got) != 1 {
			t.Errorf("%d are there after it was switched off, want the manual one", len(got))
		}
		_, err = far.DeleteClusterSnapshot(ctx, &redshift.DeleteClusterSnapshotInput{SnapshotIdentifier: aws.String("copy:after")})
		wantCode(t, err, "")
	})
}

// A copy fails when it is told to, when its original goes before it is done, and
// where there is no room.
func TestRedshiftSnapshotCopiesFail(t *testing.T) {
	withCluster(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		ctx, far := t.Context(), redshiftAt(a, prod, west)
		wantCode(t, enable(c, t, nil), "")
		time.Sleep(30 * time.Minute)
		wantCode(t, a.FailNextSnapshotCopies(prod, east, "dwh", 1), "")
		wantCode(t, takeClusterSnapshot(ctx, c, "told"), "")
		time.Sleep(time.Hour)
		wantCode(t, takeClusterSnapshot(ctx, c, "gone"), "")
		time.Sleep(3 * time.Minute)
		_, err := c.DeleteClusterSnapshot(ctx, &redshift.DeleteClusterSnapshotInput{SnapshotIdentifier: aws.String("gone")})
		wantCode(t, err, "")
		time.Sleep(time.Hour)
		wantCode(t, a.SetQuota(prod, west, sandbox.QuotaClusterSnapshots, 2), "")
		wantCode(t, takeClusterSnapshot(ctx, c, "full"), "")
		time.Sleep(time.Hour)
		got := listClusterSnapshots(t, far, redshift.DescribeClusterSnapshotsInput{SnapshotType: aws.String("manual")})
		if len(got) != 3 || slices.ContainsFunc(got, func(s types.Snapshot) bool { return *s.Status != "failed" }) {
			t.Errorf("%+v", got)
		}
		_, err = far.DeleteClusterSnapshot(ctx, &redshift.DeleteClusterSnapshotInput{SnapshotIdentifier: aws.String("copy:told")})
		wantCode(t, err, "")
		wantCode(t, a.SetQuota(prod, west, sandbox.QuotaClusterSnapshots, 20), "")
		a.CopyClusterTags(true)
		wantCode(t, takeClusterSnapshot(ctx, c, "tagged", redshiftTag("a", "b")), "")
		time.Sleep(time.Hour)
		if got := named(listClusterSnapshots(t, far, redshift.DescribeClusterSnapshotsInput{}), "copy:tagged"); got == nil || len(got.Tags) != 1 {
			t.Errorf("with its tags: %+v", got)
		}
	})
}

func TestRedshiftSnapshotCopyGrants(t *testing.T) {
	withCluster(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		ctx, far := t.Context(), redshiftAt(a, prod, west)
		wantCode(t, a.PutCluster(prod, east, "safe", sandbox.SeedCluster{Key: "alias/home"}), "")
		_, keyErr := a.PutKey(prod, west, sandbox.SeedKey{Name: "alias/dr"})
		wantCode(t, keyErr, "")
		grant := func(name, key string) error {
			_, err := far.CreateSnapshotCopyGrant(ctx, &redshift.CreateSnapshotCopyGrantInput{
				SnapshotCopyGrantName: &name, KmsKeyId: &key, Tags: []types.Tag{redshiftTag("a", "b")},
			})
			return err
		}
		wantCode(t, grant("x", "alias/none"), "InvalidParameterValue")
		wantCode(t, grant("-x", "alias/dr"), "InvalidParameterValue")
		wantCode(t, grant("DR", "alias/dr"), "")
		wantCode(t, grant("dr", "alias/dr"), "SnapshotCopyGrantAlreadyExistsFault")
		for i := range 9 {
			wantCode(t, grant(fmt.Sprintf("more-%d", i), ""), "")
		}
		wantCode(t, grant("most", ""), "SnapshotCopyGrantQuotaExceededFault")
		on := func(name string) error {
			return enable(c, t, func(in *redshift.EnableSnapshotCopyInput) {
				in.ClusterIdentifier, in.SnapshotCopyGrantName = aws.String("safe"), &name
			})
		}
		wantCode(t, on("none"), "SnapshotCopyGrantNotFoundFault")
		wantCode(t, on("dr"), "")
		out, err := far.DescribeSnapshotCopyGrants(ctx, &redshift.DescribeSnapshotCopyGrantsInput{SnapshotCopyGrantName: aws.String("dr")})
		wantCode(t, err, "")
		if got := out.SnapshotCopyGrants; len(got) != 1 || len(got[0].Tags) != 1 || !strings.Contains(*got[0].KmsKeyId, west) {
			t.Errorf("the grant is %+v", got)
		}
		_, err = far.DescribeSnapshotCopyGrants(ctx, &redshift.DescribeSnapshotCopyGrantsInput{SnapshotCopyGrantName: aws.String("none")})
		wantCode(t, err, "SnapshotCopyGrantNotFoundFault")
		drop := func(name string) error {
			_, err := far.DeleteSnapshotCopyGrant(ctx, &redshift.DeleteSnapshotCopyGrantInput{SnapshotCopyGrantName: &name})
			return err
		}
		wantCode(t, drop("dr"), "InvalidSnapshotCopyGrantStateFault")
		wantCode(t, drop("more-1"), "")
		wantCode(t, drop("more-1"), "SnapshotCopyGrantNotFoundFault")
		_, err = c.CreateClusterSnapshot(ctx, &redshift.CreateClusterSnapshotInput{ClusterIdentifier: aws.String("safe"), SnapshotIdentifier: aws.String("one")})
		wantCode(t, err, "")
		time.Sleep(time.Hour)
		got := named(listClusterSnapshots(t, far, redshift.DescribeClusterSnapshotsInput{}), "copy:one")
		if got == nil || *got.Status != "available" || *got.KmsKeyId != *out.SnapshotCopyGrants[0].KmsKeyId {
			t.Errorf("the copy is %+v", got)
		}
	})
}

// A hundred shares of the snapshots under one key are the most, and who is let in
// does not see who else is.
func TestRedshiftSharesUnderOneKey(t *testing.T) {
	withCluster(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		ctx := t.Context()
		wantCode(t, a.PutCluster(prod, east, "safe", sandbox.SeedCluster{Key: "alias/home"}), "")
		share := func(snap string, i int) error {
			_, err := c.AuthorizeSnapshotAccess(ctx, &redshift.AuthorizeSnapshotAccessInput{
				SnapshotIdentifier: &snap, AccountWithRestoreAccess: aws.String(fmt.Sprintf("3333333333%02d", i)),
			})
			return err
		}
		for n := range 6 {
			name := fmt.Sprintf("s-%d", n)
			wantCode(t, a.PutClusterSnapshot(prod, east, sandbox.SeedClusterSnapshot{Of: "safe", Name: name}), "")
			for i := range 20 {
				if n == 5 {
					wantCode(t, share(name, i), "LimitExceededFault")
					break
				}
				wantCode(t, share(name, i), "")
			}
		}
		wantCode(t, share("s-0", 20), "AuthorizationQuotaExceeded")
		got := listClusterSnapshots(t, redshiftAt(a, "333333333303", east), redshift.DescribeClusterSnapshotsInput{OwnerAccount: aws.String(prod)})
		if len(got) != 5 || len(got[0].AccountsWithRestoreAccess) != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// The aws command line, which knows nothing of holdfast, reads the answers.
func TestRedshiftCopiesThroughAWSCommandLine(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the aws command line a dozen times")
	}
	a := sandbox.New(sandbox.Options{})
	mustSeed(t, a, `
accounts:
  "111111111111":
    regions:
      us-east-1:
        keys: [alias/home]
        redshift-clusters:
          dwh: {key: alias/home, age: 100h}
      us-west-2:
        keys: [alias/dr]
        redshift-copy-grants: {seeded: alias/dr}
`)
	server := httptest.NewServer(a)
	defer server.Close()
	c := cli{t, server.URL}
	c.is(c.run(prod, west, []string{"SnapshotCopyGrant", "SnapshotCopyGrantName"},
		"redshift", "create-snapshot-copy-grant", "--snapshot-copy-grant-name", "DR", "--kms-key-id", "alias/dr"), "dr")
	c.is(c.run(prod, west, []string{"SnapshotCopyGrants", "SnapshotCopyGrantName"}, "redshift", "describe-snapshot-copy-grants"), "dr")
	on := []string{"redshift", "enable-snapshot-copy", "--cluster-identifier", "dwh", "--destination-region", west, "--snapshot-copy-grant-name", "dr"}
	c.is(c.run(prod, east, []string{"Cluster", "ClusterSnapshotCopyStatus", "DestinationRegion"}, on...), west)
	c.refused(prod, east, "SnapshotCopyAlreadyEnabledFault", on...)
	c.is(c.run(prod, east, []string{"Cluster", "ClusterSnapshotCopyStatus", "RetentionPeriod"},
		"redshift", "modify-snapshot-copy-retention-period", "--cluster-identifier", "dwh", "--retention-period", "2"), 2.0)
	c.run(prod, east, nil, "redshift", "create-cluster-snapshot", "--cluster-identifier", "dwh", "--snapshot-identifier", "one")
	a.Advance(time.Hour)
	c.is(c.run(prod, west, []string{"Snapshots", "SourceRegion"},
		"redshift", "describe-cluster-snapshots", "--snapshot-identifier", "copy:one"), east)
	c.refused(prod, west, "InvalidSnapshotCopyGrantStateFault", "redshift", "delete-snapshot-copy-grant", "--snapshot-copy-grant-name", "dr")
	c.is(c.run(prod, east, []string{"Snapshot", "AccountsWithRestoreAccess", "AccountId"},
		"redshift", "authorize-snapshot-access", "--snapshot-identifier", "one", "--account-with-restore-access", recovery), recovery)
	c.refused(prod, east, "InvalidClusterSnapshotState", "redshift", "delete-cluster-snapshot", "--snapshot-identifier", "one")
	c.run(prod, east, nil, "redshift", "disable-snapshot-copy", "--cluster-identifier", "dwh")
	c.run(prod, west, nil, "redshift", "delete-snapshot-copy-grant", "--snapshot-copy-grant-name", "dr")
}
