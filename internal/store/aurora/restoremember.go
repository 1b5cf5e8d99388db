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
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
	"github.com/holdfast-dr/holdfast/internal/store/internal/swap"
)

// members are the instances of the Aurora clusters of one site.
type members struct {
	rdsapi.Instances
	api restoreAPI
}

// Noun is what AWS calls one.
func (members) Noun() string { return "DB instance" }

// Facts are what a restore has to know of a member.
func (members) Facts(in *types.DBInstance) swap.Facts {
	status := aws.ToString(in.DBInstanceStatus)
	f := swap.Facts{
		Name: aws.ToString(in.DBInstanceIdentifier), ID: aws.ToString(in.DbiResourceId), Status: status, Tags: rdsapi.PlainTags(in.TagList),
		Deleting: status == "deleting",
	}
	switch status {
	case "available":
		f.Serves, f.Changeable = true, true
	case "backing-up":
		f.Serves = true
	case "renaming":
		f.RenamingTo = swap.Somewhere
	}
	if pending := in.PendingModifiedValues; pending != nil && pending.DBInstanceIdentifier != nil {
		f.RenamingTo = aws.ToString(pending.DBInstanceIdentifier)
	}
	if rdsapi.Unusable(status) || f.Deleting {
		f.Broken = fmt.Errorf("DB instance %s is %s", f.Name, status)
	}
	return f
}

// Protect is the cluster's: a member is not protected by itself.
func (members) Protect(context.Context, *types.DBInstance, bool) error { return nil }

// Delete begins to delete a member, of which there is no final snapshot.
func (k members) Delete(ctx context.Context, in *types.DBInstance) error {
	if aws.ToString(in.DBInstanceStatus) == "deleting" {
		return nil
	}
	_, err := k.api.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{DBInstanceIdentifier: in.DBInstanceIdentifier, SkipFinalSnapshot: aws.Bool(true)})
	return err
}

// Restore creates a member. A name that is taken is looked into by whoever waits.
func (k members) Restore(ctx context.Context, st saga.Step, tags dr.Tags) error {
	m, err := rdsapi.ParseWanted(st.Args["settings"])
	if err != nil {
		return err
	}
	_, err = k.api.CreateDBInstance(ctx, memberInput(st, m, rdsapi.RestoreTags(tags)))
	if _, taken := errors.AsType[*types.DBInstanceAlreadyExistsFault](err); taken {
		return nil
	}
	return err
}

// Settled reports whether a member has joined its cluster and needs no restart.
func (k members) Settled(ctx context.Context, in *types.DBInstance, _ saga.Step) (bool, error) {
	joined, restart, err := k.look(ctx, in)
	return joined && !restart, err
}

// look says whether a member has joined its cluster, and whether its own parameter group
// or the cluster's takes effect with a restart only.
func (k members) look(ctx context.Context, in *types.DBInstance) (joined, restart bool, err error) {
	c, found, err := clusters{api: k.api}.Find(ctx, aws.ToString(in.DBClusterIdentifier))
	if err != nil || !found {
		return false, false, err
	}
	for _, m := range c.DBClusterMembers {
		if aws.ToString(m.DBInstanceIdentifier) == aws.ToString(in.DBInstanceIdentifier) {
			return true, rdsapi.RebootPending(in) || aws.ToString(m.DBClusterParameterGroupStatus) == rdsapi.PendingReboot, nil
		}
	}
	return false, false, nil
}

// Settle restarts a member that needs it. Another is only waited for.
func (k members) Settle(ctx context.Context, in *types.DBInstance, _ saga.Step) error {
	_, restart, err := k.look(ctx, in)
	if err != nil || !restart {
		return err
	}
	return k.Reboot(ctx, in)
}
