package rds

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// restoreAPI is the part of the SDK's client that restores use.
type restoreAPI interface {
	rds.DescribeDBInstancesAPIClient
	rdsapi.Tagger
	RestoreDBInstanceFromDBSnapshot(context.Context, *rds.RestoreDBInstanceFromDBSnapshotInput, ...func(*rds.Options)) (*rds.RestoreDBInstanceFromDBSnapshotOutput, error)
	ModifyDBInstance(context.Context, *rds.ModifyDBInstanceInput, ...func(*rds.Options)) (*rds.ModifyDBInstanceOutput, error)
	RebootDBInstance(context.Context, *rds.RebootDBInstanceInput, ...func(*rds.Options)) (*rds.RebootDBInstanceOutput, error)
	AddRoleToDBInstance(context.Context, *rds.AddRoleToDBInstanceInput, ...func(*rds.Options)) (*rds.AddRoleToDBInstanceOutput, error)
	DeleteDBInstance(context.Context, *rds.DeleteDBInstanceInput, ...func(*rds.Options)) (*rds.DeleteDBInstanceOutput, error)
}

// worker does the steps of restores at one site.
type worker struct {
	api  restoreAPI
	site dr.Site
}

func (d *Driver) worker(ctx context.Context, site dr.Site) (worker, error) {
	cfg, err := d.sessions.Config(ctx, site)
	if err != nil {
		return worker{}, err
	}
	return worker{rds.NewFromConfig(cfg), site}, nil
}

// Worker does the steps of restores at a site.
func (d *Driver) Worker(ctx context.Context, site dr.Site) (saga.Worker, error) {
	return d.worker(ctx, site)
}

// seen is a DB instance as it was found.
type seen struct {
	*types.DBInstance
	tags dr.Tags
}

// instance finds a DB instance by its name; nil where there is none.
func (w worker) instance(ctx context.Context, name string) (*seen, error) {
	out, err := w.api.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String(name)})
	var missing *types.DBInstanceNotFoundFault
	switch {
	case errors.As(err, &missing), err == nil && len(out.DBInstances) == 0:
		return nil, nil //nolint:nilnil // There is none, and that is no error.
	case err != nil:
		return nil, fmt.Errorf("look at DB instance %s: %w", name, err)
	}
	in := &out.DBInstances[0]
	return &seen{in, rdsapi.PlainTags(in.TagList)}, nil
}

func (s *seen) status() string { return aws.ToString(s.DBInstanceStatus) }

// marked reports whether it bears the mark of a restore in a role.
func (s *seen) marked(st saga.Step, role string) bool {
	return s != nil && s.tags[dr.TagRestore] == st.Args["id"] && s.tags[dr.TagRole] == role
}

// is reports whether it is the old or the new one of a restore, whatever its name.
func (s *seen) is(st saga.Step, role string) bool {
	if role == dr.RoleOld {
		return s != nil && aws.ToString(s.DbiResourceId) == st.Args["old"]
	}
	return s.marked(st, role)
}

// serves reports whether it can be used.
func (s *seen) serves() bool {
	switch s.status() {
	case "available", "storage-optimization", "backing-up", "storage-config-upgrade":
		return true
	}
	return false
}

// changeable reports whether it can be modified now. In backing-up, which can last
// for hours after a restore, it cannot.
func (s *seen) changeable() bool {
	return s.status() == "available" || s.status() == "storage-optimization"
}

// lost gives what says that it will never serve.
func (s *seen) broken() error {
	status := s.status()
	if readiness(status) == dr.Blocked && status != "stopped" {
		return fmt.Errorf("DB instance %s is %s", aws.ToString(s.DBInstanceIdentifier), status)
	}
	return nil
}

func state(s saga.State, note string) (saga.Progress, error) {
	return saga.Progress{State: s, Note: note}, nil
}

// Probe looks how far a step has come.
func (w worker) Probe(ctx context.Context, st saga.Step) (saga.Progress, error) {
	if st.Op == opRename {
		return w.probeRename(ctx, st)
	}
	in, err := w.instance(ctx, st.Args["name"])
	if err != nil {
		return saga.Progress{}, err
	}
	switch st.Op {
	case opMark:
		return doneIf(in.marked(st, dr.RoleOld), in)
	case opRestore:
		return probeRestore(in, st)
	case opSettle, opRoles, opReboot:
		return probeMade(in, st)
	case opKeep:
		return doneIf(in.is(st, dr.RoleOld) && in.tags[dr.TagExpires] == st.Args["until"] && in.tags[dr.TagRestore] == "", in)
	case opDelete:
		return w.probeDelete(ctx, in, st)
	case opFinish:
		return probeFinish(in, st)
	}
	return saga.Progress{}, saga.Hopeless(fmt.Errorf("rds cannot %s", st.Op))
}

func doneIf(done bool, in *seen) (saga.Progress, error) {
	if done {
		return state(saga.Done, "")
	}
	if in == nil {
		return state(saga.NotBegun, "there is none")
	}
	return state(saga.NotBegun, in.status())
}

func probeRestore(in *seen, st saga.Step) (saga.Progress, error) {
	switch {
	case in == nil:
		return state(saga.NotBegun, "")
	case !in.marked(st, dr.RoleNew):
		if st.Args["name"] == st.Args["final"] && in.is(st, dr.RoleOld) {
			return state(saga.NotBegun, "") // The old one still has the name.
		}
		return saga.Progress{}, saga.Hopeless(fmt.Errorf("there is another DB instance %s", st.Args["name"]))
	case in.broken() != nil:
		return saga.Progress{}, saga.Hopeless(in.broken())
	case in.serves():
		return state(saga.Done, in.status())
	default:
		return state(saga.Underway, in.status())
	}
}

// probeMade looks at what follows the restore call.
func probeMade(in *seen, st saga.Step) (saga.Progress, error) {
	if !in.marked(st, dr.RoleNew) {
		return state(saga.NotBegun, "")
	}
	if err := in.broken(); err != nil {
		return saga.Progress{}, saga.Hopeless(err)
	}
	done, err := settled(in, st)
	switch {
	case err != nil:
		return saga.Progress{}, saga.Hopeless(err)
	case !in.serves():
		return state(saga.Underway, in.status())
	case done && st.Op == opReboot && !in.changeable():
		return state(saga.Underway, in.status()) // Else it could not be renamed, and the old one would have gone too early.
	case done:
		return state(saga.Done, in.status())
	case !in.changeable():
		return state(saga.NotYet, in.status())
	default:
		return state(saga.NotBegun, in.status())
	}
}

// settled reports whether a step after the restore call has nothing left to do.
func settled(in *seen, st saga.Step) (bool, error) {
	switch st.Op {
	case opSettle:
		want, err := dr.Config(st.Args["settings"]).Settings()
		return err == nil && len(differences(in, want)) == 0, err
	case opRoles:
		want, err := dr.Config(st.Args["settings"]).Settings()
		return err == nil && len(missingRoles(in, want)) == 0, err
	}
	for _, g := range in.DBParameterGroups {
		if aws.ToString(g.ParameterApplyStatus) == "pending-reboot" {
			return false, nil
		}
	}
	return true, nil
}

func (w worker) probeRename(ctx context.Context, st saga.Step) (saga.Progress, error) {
	role := st.Args["role"]
	to, err := w.instance(ctx, st.Args["to"])
	if err != nil {
		return saga.Progress{}, err
	}
	if to.is(st, role) {
		// Nobody waits for the old one to answer under its new name: that its own name
		// is free is enough, and saves as long as a DNS name takes.
		if role == dr.RoleOld || to.serves() {
			return state(saga.Done, to.status())
		}
		return state(saga.Underway, to.status())
	}
	from, err := w.instance(ctx, st.Args["from"])
	if err != nil {
		return saga.Progress{}, err
	}
	switch {
	case !from.is(st, role):
		return state(saga.NotBegun, "")
	case to != nil && !to.is(st, dr.RoleOld) && !to.is(st, dr.RoleNew):
		return saga.Progress{}, saga.Hopeless(fmt.Errorf("there is another DB instance %s", st.Args["to"]))
	case from.renaming(st.Args["to"]):
		return state(saga.Underway, from.status())
	case !from.changeable():
		return state(saga.NotYet, from.status())
	default:
		return state(saga.NotBegun, from.status())
	}
}

func (s *seen) renaming(to string) bool {
	pending := s.PendingModifiedValues
	return s.status() == "renaming" || pending != nil && strings.EqualFold(aws.ToString(pending.DBInstanceIdentifier), to)
}

// probeDelete: that nothing has the name says that the old one is gone only once the
// new one has the old one's.
func (w worker) probeDelete(ctx context.Context, in *seen, st saga.Step) (saga.Progress, error) {
	switch {
	case in.is(st, dr.RoleOld) && in.status() == "deleting":
		return state(saga.Underway, in.status())
	case in != nil:
		return state(saga.NotBegun, in.status())
	}
	final, err := w.instance(ctx, st.Args["final"])
	if err != nil {
		return saga.Progress{}, err
	}
	return doneIf(final.marked(st, dr.RoleNew), nil)
}

func probeFinish(in *seen, st saga.Step) (saga.Progress, error) {
	if in == nil || in.tags[dr.TagRestored] != st.Args["id"] || in.tags[dr.TagRestore] != "" {
		return doneIf(false, in)
	}
	want, err := dr.Config(st.Args["settings"]).Settings()
	if err != nil {
		return saga.Progress{}, saga.Hopeless(err)
	}
	return doneIf(aws.ToBool(in.DeletionProtection) == (want["protected"] == "yes"), in)
}
