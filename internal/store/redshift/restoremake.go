package redshift

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// Restore makes the new one with all settings that the call takes, and marks it right
// after. If that does not come about, its name says whose it is until the next step.
func (w warehouses) Restore(ctx context.Context, st saga.Step, tags dr.Tags) error {
	want, err := rdsapi.ParseWanted(st.Args["settings"])
	if err != nil {
		return err
	}
	made, err := w.api.RestoreFromClusterSnapshot(ctx, request(st, want))
	if _, there := errors.AsType[*types.ClusterAlreadyExistsFault](err); there {
		return nil // By an earlier call, which does not show yet; if it is another's, the probe says so.
	}
	if err != nil {
		return err
	}
	return w.retag(ctx, &seen{made.Cluster}, tags)
}

// request is all that RestoreFromClusterSnapshot is told. By default the encryption is
// that of the snapshot, under the same key.
func request(st saga.Step, m rdsapi.Wanted) *redshift.RestoreFromClusterSnapshotInput {
	in := &redshift.RestoreFromClusterSnapshotInput{
		ClusterIdentifier: aws.String(st.Args["name"]), SnapshotIdentifier: aws.String(st.Args["snapshot"]),
	}
	if m["node"] == "" { // The snapshot carries no configuration: AWS's defaults hold.
		return in
	}
	in.NodeType, in.NumberOfNodes = m.Word("node"), m.Whole("nodes")
	in.ClusterSubnetGroupName, in.VpcSecurityGroupIds = m.Word("subnets"), m.List("security")
	in.ClusterParameterGroupName, in.Port, in.IpAddressType = m.Word("parameters"), m.Whole("port"), m.Word("network")
	in.PubliclyAccessible, in.EnhancedVpcRouting = m.Yes("public"), m.Yes("enhanced")
	in.MultiAZ, in.AvailabilityZoneRelocation = m.Yes("multi-az"), m.Yes("relocation")
	in.IamRoles, in.DefaultIamRoleArn = m.List("roles"), m.Word("default-role")
	in.PreferredMaintenanceWindow, in.MaintenanceTrackName = m.Word("maintenance"), m.Word("track")
	in.AllowVersionUpgrade, in.SnapshotScheduleIdentifier = m.Yes("upgrade"), m.Word("schedule")
	in.AutomatedSnapshotRetentionPeriod, in.ManualSnapshotRetentionPeriod = days(m), m.Whole("manual-days")
	if m["multi-az"] != "yes" {
		in.AvailabilityZone = m.Word("zone")
	}
	if st.Args["key"] != "" {
		in.KmsKeyId = aws.String(st.Args["key"])
	}
	if m["secret"] == "yes" {
		in.ManageMasterPassword, in.MasterPasswordSecretKmsKeyId = aws.Bool(true), m.Word("secret-key")
	}
	return in
}

// days is for how long automated snapshots are kept. Nothing captured means none, which
// only DC2 nodes can have (RestoreFromClusterSnapshot, AutomatedSnapshotRetentionPeriod).
func days(m rdsapi.Wanted) *int32 {
	n := m.Whole("automated-days")
	if n == nil && strings.HasPrefix(m["node"], "dc") {
		return aws.Int32(0)
	}
	return n
}

// otherKey gives the key of the new one where it is not to be that of the snapshot.
func otherKey(r store.Restore) string {
	if r.Settings["key"] == r.From.Key {
		return ""
	}
	return r.Settings["key"]
}

// retag gives a cluster the tags that it is to have, and takes off those that it has of
// its snapshot: they would make it look like one. They go first, for there may be no
// room for both.
func (w warehouses) retag(ctx context.Context, c *seen, want dr.Tags) error {
	is := plainTags(c.Tags)
	if drop := surplus(is, want); len(drop) > 0 {
		if err := w.Untag(ctx, c, drop); err != nil {
			return fmt.Errorf("take the tags of its snapshot off cluster %s: %w", aws.ToString(c.ClusterIdentifier), err)
		}
	}
	if lacking(is, want) {
		if err := w.Tag(ctx, c, want); err != nil {
			return fmt.Errorf("mark cluster %s: %w", aws.ToString(c.ClusterIdentifier), err)
		}
	}
	return nil
}

// surplus names the tags that a cluster has of its snapshot and is not to have. Where
// nobody knows what tags the old one had, those that are not holdfast's stay.
func surplus(is, want dr.Tags) []string {
	known := false
	for k := range want {
		known = known || !strings.HasPrefix(k, dr.TagRestore)
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(is)) {
		_, wanted := want[k]
		if !wanted && !strings.HasPrefix(k, "aws:") && (known || strings.HasPrefix(k, dr.TagPrefix)) {
			out = append(out, k)
		}
	}
	return out
}

func lacking(is, want dr.Tags) bool {
	for k, v := range want {
		if got, there := is[k]; !there || got != v {
			return true
		}
	}
	return false
}

// allTags gives tags in the order of their keys.
func allTags(tags dr.Tags) []types.Tag {
	out := make([]types.Tag, 0, len(tags))
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return out
}
