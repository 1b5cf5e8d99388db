package aurora

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
	"github.com/holdfast-dr/holdfast/internal/store/internal/swap"
)

// clusters are the DB clusters of one site.
type clusters struct {
	api restoreAPI
	// whole: a cluster can be changed only when its members can be, as when it is to get
	// another name.
	whole bool
}

// seen is a DB cluster as it was found, and where that was asked for, what of its
// members is busy.
type seen struct {
	*types.DBCluster
	busy string
}

// Noun is what AWS calls one.
func (clusters) Noun() string { return "DB cluster" }

// Find looks for the cluster that has a name.
func (k clusters) Find(ctx context.Context, name string) (*seen, bool, error) {
	out, err := k.api.DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{DBClusterIdentifier: aws.String(name)})
	var missing *types.DBClusterNotFoundFault
	switch {
	case errors.As(err, &missing), err == nil && len(out.DBClusters) == 0:
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	c := &seen{DBCluster: &out.DBClusters[0]}
	if !k.whole {
		return c, true, nil
	}
	list, err := k.members(ctx, c)
	if err != nil {
		return nil, false, err
	}
	for i := range list {
		if status := aws.ToString(list[i].DBInstanceStatus); status != "available" {
			c.busy = fmt.Sprintf("%s is %s", aws.ToString(list[i].DBInstanceIdentifier), status)
		}
	}
	return c, true, nil
}

// members gives the instances of a cluster. There are sixteen at most.
func (k clusters) members(ctx context.Context, c *seen) ([]types.DBInstance, error) {
	out, err := k.api.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{
		Filters:    []types.Filter{{Name: aws.String("db-cluster-id"), Values: []string{aws.ToString(c.DBClusterIdentifier)}}},
		MaxRecords: aws.Int32(pageSize),
	})
	if err != nil {
		return nil, fmt.Errorf("list the DB instances of %s: %w", aws.ToString(c.DBClusterIdentifier), err)
	}
	return out.DBInstances, nil
}

// Facts are what a restore has to know of a cluster.
func (clusters) Facts(c *seen) swap.Facts {
	status := aws.ToString(c.Status)
	f := swap.Facts{
		Name: aws.ToString(c.DBClusterIdentifier), ID: aws.ToString(c.DbClusterResourceId), Status: status, Tags: rdsapi.PlainTags(c.TagList),
		Deleting: status == "deleting", Stopped: status == "stopped", Protected: aws.ToBool(c.DeletionProtection),
	}
	switch status {
	case "available":
		f.Serves, f.Changeable = true, c.busy == ""
	case "backing-up", "storage-optimization":
		f.Serves = true
	case "renaming":
		f.RenamingTo = swap.Somewhere
	}
	if f.Serves && c.busy != "" {
		f.Status = c.busy
	}
	if pending := c.PendingModifiedValues; pending != nil && pending.DBClusterIdentifier != nil {
		f.RenamingTo = aws.ToString(pending.DBClusterIdentifier)
	}
	if rdsapi.Unusable(status) || f.Deleting {
		f.Broken = fmt.Errorf("DB cluster %s is %s", f.Name, status)
	}
	return f
}

// Tag puts tags on a cluster.
func (k clusters) Tag(ctx context.Context, c *seen, tags dr.Tags) error {
	_, err := k.api.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{ResourceName: c.DBClusterArn, Tags: rdsapi.SDKTags(tags, nil)})
	return err
}

// Untag takes them off.
func (k clusters) Untag(ctx context.Context, c *seen, keys []string) error {
	_, err := k.api.RemoveTagsFromResource(ctx, &rds.RemoveTagsFromResourceInput{ResourceName: c.DBClusterArn, TagKeys: keys})
	return err
}

// Rename gives a cluster another name. Its members keep theirs.
func (k clusters) Rename(ctx context.Context, c *seen, to string) error {
	_, err := k.api.ModifyDBCluster(ctx, &rds.ModifyDBClusterInput{
		DBClusterIdentifier: c.DBClusterIdentifier, NewDBClusterIdentifier: aws.String(to), ApplyImmediately: aws.Bool(true),
	})
	return err
}

// Protect protects a cluster from deletion, or lifts that.
func (k clusters) Protect(ctx context.Context, c *seen, on bool) error {
	_, err := k.api.ModifyDBCluster(ctx, &rds.ModifyDBClusterInput{
		DBClusterIdentifier: c.DBClusterIdentifier, DeletionProtection: aws.Bool(on), ApplyImmediately: aws.Bool(true),
	})
	return err
}

// Delete begins to delete a cluster: an Aurora cluster's members before itself (Amazon
// Aurora User Guide, "Deleting Aurora DB clusters and DB instances"), while those of a
// Multi-AZ DB cluster go with it.
func (k clusters) Delete(ctx context.Context, c *seen) error {
	begun := false
	if isAurora(aws.ToString(c.Engine)) {
		list, err := k.members(ctx, c)
		if err != nil {
			return err
		}
		for i := range list {
			if aws.ToString(list[i].DBInstanceStatus) == "deleting" {
				continue
			}
			if err := (members{Instances: rdsapi.Instances{API: k.api}, api: k.api}).Delete(ctx, &list[i]); err != nil {
				return fmt.Errorf("delete its DB instance %s: %w", aws.ToString(list[i].DBInstanceIdentifier), err)
			}
			begun = true
		}
	}
	if aws.ToString(c.Status) == "deleting" {
		return nil
	}
	_, err := k.api.DeleteDBCluster(ctx, &rds.DeleteDBClusterInput{
		DBClusterIdentifier: c.DBClusterIdentifier, SkipFinalSnapshot: aws.Bool(true), DeleteAutomatedBackups: aws.Bool(true),
	})
	if begun && rdsapi.Classify(err) == store.Busy {
		return nil // Its members are on their way out, and the next call finds them so.
	}
	return err
}

// Restore makes the new cluster, without members. A name that is taken is looked into
// by whoever waits: it may be taken by an earlier call whose answer was lost, and show
// late.
func (k clusters) Restore(ctx context.Context, st saga.Step, tags dr.Tags) error {
	m, err := rdsapi.ParseWanted(st.Args["settings"])
	if err != nil {
		return err
	}
	_, err = k.api.RestoreDBClusterFromSnapshot(ctx, restoreInput(st, m, rdsapi.RestoreTags(tags)))
	if _, taken := errors.AsType[*types.DBClusterAlreadyExistsFault](err); taken {
		return nil
	}
	return err
}

// Settled reports whether a step after the restore call has nothing left to do.
func (clusters) Settled(_ context.Context, c *seen, st saga.Step) (bool, error) {
	want, err := rdsapi.ParseWanted(st.Args["settings"])
	if err != nil {
		return false, saga.Hopeless(err)
	}
	switch st.Op {
	case opSettle:
		_, changed := differences(c.DBCluster, want)
		return !changed, nil
	case opRoles:
		return len(missingRoles(c.DBCluster, want)) == 0, nil
	case opForward:
		return forwards(settings(c.DBCluster, nil)), nil
	case opHTTP:
		return aws.ToBool(c.HttpEndpointEnabled), nil
	case opReboot:
		for _, m := range c.DBClusterMembers {
			if aws.ToString(m.DBClusterParameterGroupStatus) == rdsapi.PendingReboot {
				return false, nil
			}
		}
		return true, nil
	}
	return false, saga.Hopeless(fmt.Errorf("aurora cannot %s", st.Op))
}

// Settle does such a step.
func (k clusters) Settle(ctx context.Context, c *seen, st saga.Step) error {
	want, err := rdsapi.ParseWanted(st.Args["settings"])
	if err != nil {
		return err
	}
	switch st.Op {
	case opSettle:
		in, _ := differences(c.DBCluster, want)
		_, err = k.api.ModifyDBCluster(ctx, in)
	case opRoles:
		return k.addRoles(ctx, c, want)
	case opForward:
		_, err = k.api.ModifyDBCluster(ctx, &rds.ModifyDBClusterInput{
			DBClusterIdentifier: c.DBClusterIdentifier, EnableLocalWriteForwarding: aws.Bool(true), ApplyImmediately: aws.Bool(true),
		})
	case opHTTP:
		_, err = k.api.EnableHttpEndpoint(ctx, &rds.EnableHttpEndpointInput{ResourceArn: c.DBClusterArn})
	case opReboot:
		_, err = k.api.RebootDBCluster(ctx, &rds.RebootDBClusterInput{DBClusterIdentifier: c.DBClusterIdentifier})
	default:
		err = fmt.Errorf("aurora cannot %s", st.Op)
	}
	return err
}

func (k clusters) addRoles(ctx context.Context, c *seen, want rdsapi.Wanted) error {
	for _, r := range missingRoles(c.DBCluster, want) {
		_, err := k.api.AddRoleToDBCluster(ctx, &rds.AddRoleToDBClusterInput{
			DBClusterIdentifier: c.DBClusterIdentifier, FeatureName: r.name(), RoleArn: aws.String(r.arn),
		})
		var there *types.DBClusterRoleAlreadyExistsFault
		if err != nil && !errors.As(err, &there) {
			return fmt.Errorf("add role %s: %w", r.arn, err)
		}
	}
	return nil
}
