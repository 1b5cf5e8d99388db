package redshift

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// The operations that are done to a restored cluster.
const (
	opTags    = "tags"
	opSettle  = "settle"
	opReboot  = "reboot"
	opLogging = "logging"
	opCopies  = "copies"
)

// ownTag begins the names of the arguments of a step that hold the cluster's own tags.
const ownTag = "tag:"

// Settled reports whether a step after the restore call has nothing left to do.
func (w warehouses) Settled(ctx context.Context, c *seen, st saga.Step) (bool, error) {
	want, err := rdsapi.ParseWanted(st.Args["settings"])
	if err != nil {
		return false, saga.Hopeless(err)
	}
	switch st.Op {
	case opTags:
		return w.tagged(ctx, c, st)
	case opSettle:
		return len(differences(c, want)) == 0, nil
	case opReboot:
		return !rebootPending(c), nil
	case opLogging:
		return w.logs(ctx, c, want)
	case opCopies:
		return same(settings(c.Cluster), want, "copy-region", "copy-days", "copy-manual-days", "copy-grant"), nil
	}
	return false, saga.Hopeless(fmt.Errorf("redshift cannot %s", st.Op))
}

// Settle does such a step.
func (w warehouses) Settle(ctx context.Context, c *seen, st saga.Step) error {
	want, err := rdsapi.ParseWanted(st.Args["settings"])
	if err != nil {
		return err
	}
	switch st.Op {
	case opTags:
		if err := w.retag(ctx, c, tagsOf(st)); err != nil {
			return err
		}
		return w.forget(ctx, st)
	case opSettle:
		return w.change(ctx, c, want)
	case opReboot:
		_, err := w.api.RebootCluster(ctx, &redshift.RebootClusterInput{ClusterIdentifier: c.ClusterIdentifier})
		return err
	case opLogging:
		_, err := w.api.EnableLogging(ctx, &redshift.EnableLoggingInput{
			ClusterIdentifier: c.ClusterIdentifier, LogDestinationType: types.LogDestinationType(want["logging"]),
			BucketName: want.Word("log-bucket"), S3KeyPrefix: want.Word("log-prefix"), LogExports: want.List("log-exports"),
		})
		return err
	case opCopies:
		_, err := w.api.EnableSnapshotCopy(ctx, &redshift.EnableSnapshotCopyInput{
			ClusterIdentifier: c.ClusterIdentifier, DestinationRegion: want.Word("copy-region"), RetentionPeriod: want.Whole("copy-days"),
			ManualSnapshotRetentionPeriod: want.Whole("copy-manual-days"), SnapshotCopyGrantName: want.Word("copy-grant"),
		})
		return err
	}
	return fmt.Errorf("redshift cannot %s", st.Op)
}

// tagsOf gives the tags that the new one is to have until it is finished.
func tagsOf(st saga.Step) dr.Tags {
	tags := dr.RestoreMark(st.Args["id"], dr.RoleNew, dr.Config(st.Args["request"]))
	for k, v := range st.Args {
		if name, ok := strings.CutPrefix(k, ownTag); ok {
			tags[name] = v
		}
	}
	return tags
}

// tagged reports whether a cluster has its tags, and no others, and the note is off the
// snapshot, which nobody needs any more then.
func (w warehouses) tagged(ctx context.Context, c *seen, st saga.Step) (bool, error) {
	is, want := plainTags(c.Tags), tagsOf(st)
	if lacking(is, want) || len(surplus(is, want)) > 0 {
		return false, nil
	}
	noted, _, err := w.noted(ctx, st)
	return !noted, err
}

// logs reports whether a cluster logs as it is to.
func (w warehouses) logs(ctx context.Context, c *seen, want rdsapi.Wanted) (bool, error) {
	out, err := w.api.DescribeLoggingStatus(ctx, &redshift.DescribeLoggingStatusInput{ClusterIdentifier: c.ClusterIdentifier})
	if err != nil {
		return false, fmt.Errorf("look how cluster %s logs: %w", aws.ToString(c.ClusterIdentifier), err)
	}
	return same(logging(out), want, "logging", "log-bucket", "log-prefix", "log-exports"), nil
}

func same(is map[string]string, want rdsapi.Wanted, names ...string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return is[n] != want[n] })
}

func rebootPending(c *seen) bool {
	return slices.ContainsFunc(c.ClusterParameterGroups, func(g types.ClusterParameterGroupStatus) bool {
		return aws.ToString(g.ParameterApplyStatus) == "pending-reboot"
	})
}

// setters are the settings that the call takes and that a running cluster can still be
// given, should it have come without.
func setters() map[string]func(*redshift.ModifyClusterInput, rdsapi.Wanted) {
	return map[string]func(*redshift.ModifyClusterInput, rdsapi.Wanted){
		"security": func(in *redshift.ModifyClusterInput, m rdsapi.Wanted) { in.VpcSecurityGroupIds = m.List("security") },
		"parameters": func(in *redshift.ModifyClusterInput, m rdsapi.Wanted) {
			in.ClusterParameterGroupName = m.Word("parameters")
		},
		"public":   func(in *redshift.ModifyClusterInput, m rdsapi.Wanted) { in.PubliclyAccessible = m.Yes("public") },
		"enhanced": func(in *redshift.ModifyClusterInput, m rdsapi.Wanted) { in.EnhancedVpcRouting = m.Yes("enhanced") },
		"maintenance": func(in *redshift.ModifyClusterInput, m rdsapi.Wanted) {
			in.PreferredMaintenanceWindow = m.Word("maintenance")
		},
		"upgrade":        func(in *redshift.ModifyClusterInput, m rdsapi.Wanted) { in.AllowVersionUpgrade = m.Yes("upgrade") },
		"automated-days": func(in *redshift.ModifyClusterInput, m rdsapi.Wanted) { in.AutomatedSnapshotRetentionPeriod = days(m) },
		"manual-days": func(in *redshift.ModifyClusterInput, m rdsapi.Wanted) {
			in.ManualSnapshotRetentionPeriod = m.Whole("manual-days")
		},
	}
}

// differences names those that a cluster does not have yet.
func differences(c *seen, want rdsapi.Wanted) []string {
	if want["node"] == "" { // Nothing was captured.
		return nil
	}
	is := settings(c.Cluster)
	var out []string
	for name := range setters() {
		off := name == "public" || name == "enhanced" || name == "upgrade"
		if is[name] != want[name] && (want[name] != "" || off) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (w warehouses) change(ctx context.Context, c *seen, want rdsapi.Wanted) error {
	in, set := &redshift.ModifyClusterInput{ClusterIdentifier: c.ClusterIdentifier}, setters()
	for _, name := range differences(c, want) {
		set[name](in, want)
	}
	_, err := w.api.ModifyCluster(ctx, in)
	return err
}

// number reads a setting that is a number, 0 where it is none.
func amount(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}
