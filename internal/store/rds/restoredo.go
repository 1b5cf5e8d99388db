package rds

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// Protect protects an instance from deletion, or lifts that.
func (i instances) Protect(ctx context.Context, in *seen, on bool) error {
	_, err := i.api.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{
		DBInstanceIdentifier: in.DBInstanceIdentifier, DeletionProtection: aws.Bool(on), ApplyImmediately: aws.Bool(true),
	})
	return err
}

// Delete begins to delete an instance.
func (i instances) Delete(ctx context.Context, in *seen) error {
	if aws.ToString(in.DBInstanceStatus) == "deleting" {
		return nil
	}
	_, err := i.api.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{
		DBInstanceIdentifier: in.DBInstanceIdentifier, SkipFinalSnapshot: aws.Bool(true), DeleteAutomatedBackups: aws.Bool(true),
	})
	return err
}

// Settled reports whether a step after the restore call has nothing left to do.
func (instances) Settled(_ context.Context, in *seen, st saga.Step) (bool, error) {
	want, err := rdsapi.ParseWanted(st.Args["settings"])
	if err != nil {
		return false, saga.Hopeless(err)
	}
	switch st.Op {
	case opSettle:
		return len(differences(in, want)) == 0, nil
	case opRoles:
		return len(missingRoles(in, want)) == 0, nil
	case opReboot:
		return !rdsapi.RebootPending(in), nil
	}
	return false, saga.Hopeless(fmt.Errorf("rds cannot %s", st.Op))
}

// Settle does such a step.
func (i instances) Settle(ctx context.Context, in *seen, st saga.Step) error {
	switch st.Op {
	case opSettle:
		return i.settle(ctx, in, st)
	case opRoles:
		return i.addRoles(ctx, in, st)
	case opReboot:
		return i.Reboot(ctx, in)
	}
	return fmt.Errorf("rds cannot %s", st.Op)
}

func (i instances) addRoles(ctx context.Context, in *seen, st saga.Step) error {
	want, err := rdsapi.ParseWanted(st.Args["settings"])
	if err != nil {
		return err
	}
	for _, r := range missingRoles(in, want) {
		_, err := i.api.AddRoleToDBInstance(ctx, &rds.AddRoleToDBInstanceInput{
			DBInstanceIdentifier: in.DBInstanceIdentifier, FeatureName: aws.String(r.feature), RoleArn: aws.String(r.arn),
		})
		var there *types.DBInstanceRoleAlreadyExistsFault
		if err != nil && !errors.As(err, &there) {
			return fmt.Errorf("add role %s for %s: %w", r.arn, r.feature, err)
		}
	}
	return nil
}
