package rdsapi

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// InstanceNameLimit is how long the name of a DB instance may be (CreateDBInstance,
// DBInstanceIdentifier: "1 to 63 letters, numbers, or hyphens").
const InstanceNameLimit = 63

// InstanceAPI is the part of the SDK's client that changes DB instances.
type InstanceAPI interface {
	rds.DescribeDBInstancesAPIClient
	Tagger
	ModifyDBInstance(context.Context, *rds.ModifyDBInstanceInput, ...func(*rds.Options)) (*rds.ModifyDBInstanceOutput, error)
	RebootDBInstance(context.Context, *rds.RebootDBInstanceInput, ...func(*rds.Options)) (*rds.RebootDBInstanceOutput, error)
}

// Instances are the DB instances of one site: those that stand alone, and the members
// of clusters.
type Instances struct{ API InstanceAPI }

// Find looks for the instance that has a name.
func (i Instances) Find(ctx context.Context, name string) (*types.DBInstance, bool, error) {
	out, err := i.API.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String(name)})
	var missing *types.DBInstanceNotFoundFault
	switch {
	case errors.As(err, &missing), err == nil && len(out.DBInstances) == 0:
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	return &out.DBInstances[0], true, nil
}

// Tag puts tags on an instance.
func (i Instances) Tag(ctx context.Context, in *types.DBInstance, tags dr.Tags) error {
	return mark(ctx, i.API, aws.ToString(in.DBInstanceArn), SDKTags(tags, nil)...)
}

// Untag takes them off.
func (i Instances) Untag(ctx context.Context, in *types.DBInstance, keys []string) error {
	return unmark(ctx, i.API, aws.ToString(in.DBInstanceArn), keys...)
}

// Rename gives an instance another name.
func (i Instances) Rename(ctx context.Context, in *types.DBInstance, to string) error {
	_, err := i.API.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{
		DBInstanceIdentifier: in.DBInstanceIdentifier, NewDBInstanceIdentifier: aws.String(to), ApplyImmediately: aws.Bool(true),
	})
	return err
}

// Reboot restarts an instance.
func (i Instances) Reboot(ctx context.Context, in *types.DBInstance) error {
	_, err := i.API.RebootDBInstance(ctx, &rds.RebootDBInstanceInput{DBInstanceIdentifier: in.DBInstanceIdentifier})
	return err
}

// RebootPending reports whether an instance has a parameter group that takes effect
// with a restart only.
func RebootPending(in *types.DBInstance) bool {
	for _, g := range in.DBParameterGroups {
		if aws.ToString(g.ParameterApplyStatus) == PendingReboot {
			return true
		}
	}
	return false
}

// PendingReboot is the status of a parameter group that waits for a restart.
const PendingReboot = "pending-reboot"

// Unusable reports whether a DB instance or a DB cluster will not serve by itself in a
// status (Amazon RDS User Guide, "Viewing DB instance status"; Amazon Aurora User Guide,
// "DB cluster status").
func Unusable(status string) bool {
	switch status {
	case "failed", "storage-full", "insufficient-capacity", "restore-error", "cloning-failed", "migration-failed",
		"inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable":
		return true
	}
	return strings.HasPrefix(status, "incompatible-")
}

// RestoreTags gives the tags of what a restore makes: its mark, by which it is found
// again, and of the others as many as there is room for.
func RestoreTags(tags dr.Tags) []types.Tag {
	mark, own := dr.Tags{}, dr.Tags{}
	for _, k := range tags.RestoreMarkKeys() {
		mark[k] = tags[k]
	}
	for k, v := range tags {
		if _, of := mark[k]; !of {
			own[k] = v
		}
	}
	return SDKTags(mark, own)
}

// TagsLeft names the tags for which the mark of a restore leaves no room.
func TagsLeft(r store.Restore) []string {
	all := dr.RestoreMark(r.ID, dr.RoleNew, r.Request())
	maps.Copy(all, r.Tags)
	for _, t := range RestoreTags(all) {
		delete(all, aws.ToString(t.Key))
	}
	return slices.Sorted(maps.Keys(all))
}
