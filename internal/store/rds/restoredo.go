package rds

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// Do begins a step.
func (w worker) Do(ctx context.Context, st saga.Step) error {
	if st.Op == opRestore {
		return w.restore(ctx, st)
	}
	name := st.Args["name"]
	if st.Op == opRename {
		name = st.Args["from"]
	}
	in, err := w.instance(ctx, name)
	if err != nil {
		return err
	}
	if in == nil {
		return fmt.Errorf("there is no DB instance %s", name)
	}
	switch st.Op {
	case opMark:
		return w.tag(ctx, in, w.mark(st, dr.RoleOld))
	case opSettle:
		return w.settle(ctx, in, st)
	case opRoles:
		return w.addRoles(ctx, in, st)
	case opReboot:
		_, err := w.api.RebootDBInstance(ctx, &rds.RebootDBInstanceInput{DBInstanceIdentifier: in.DBInstanceIdentifier})
		return err
	case opRename:
		return w.rename(ctx, in, st.Args["role"], st.Args["to"], st)
	case opKeep:
		return w.keep(ctx, in, st)
	case opDelete:
		return w.deleteOld(ctx, in, st)
	case opFinish:
		return w.finish(ctx, in, st)
	}
	return fmt.Errorf("rds cannot %s", st.Op)
}

func (worker) mark(st saga.Step, role string) dr.Tags {
	return dr.Tags{dr.TagRestore: st.Args["id"], dr.TagRole: role, dr.TagRequest: st.Args["request"]}
}

func (w worker) tag(ctx context.Context, in *seen, tags dr.Tags) error {
	_, err := w.api.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{ResourceName: in.DBInstanceArn, Tags: rdsapi.SDKTags(tags, nil)})
	return err
}

func (w worker) untag(ctx context.Context, in *seen, keys ...string) error {
	_, err := w.api.RemoveTagsFromResource(ctx, &rds.RemoveTagsFromResourceInput{ResourceName: in.DBInstanceArn, TagKeys: keys})
	return err
}

// rename renames the old or the new one, and none else: what has the name may have
// changed since it was looked at.
func (w worker) rename(ctx context.Context, in *seen, role, to string, st saga.Step) error {
	if !in.is(st, role) {
		return fmt.Errorf("DB instance %s is not the one to rename", aws.ToString(in.DBInstanceIdentifier))
	}
	_, err := w.api.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{
		DBInstanceIdentifier: in.DBInstanceIdentifier, NewDBInstanceIdentifier: aws.String(to), ApplyImmediately: aws.Bool(true),
	})
	return err
}

// keep says on the old one until when it is kept, and takes its mark off: the new one
// bears it still.
func (w worker) keep(ctx context.Context, in *seen, st saga.Step) error {
	if !in.is(st, dr.RoleOld) {
		return fmt.Errorf("DB instance %s is not the old one", st.Args["name"])
	}
	if err := w.tag(ctx, in, dr.Tags{dr.TagExpires: st.Args["until"], dr.TagKeeper: st.Args["owner"]}); err != nil {
		return err
	}
	return w.untag(ctx, in, dr.TagRequest, dr.TagRole, dr.TagRestore)
}

// deleteOld deletes the old one with a final snapshot. What protects it from deletion
// protected its name, which the new one has now.
func (w worker) deleteOld(ctx context.Context, in *seen, st saga.Step) error {
	if !in.is(st, dr.RoleOld) {
		return fmt.Errorf("DB instance %s is not the old one", st.Args["name"])
	}
	if aws.ToBool(in.DeletionProtection) {
		_, err := w.api.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{
			DBInstanceIdentifier: in.DBInstanceIdentifier, DeletionProtection: aws.Bool(false), ApplyImmediately: aws.Bool(true),
		})
		if err != nil {
			return fmt.Errorf("lift the deletion protection of the old one: %w", err)
		}
	}
	_, err := w.api.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{
		DBInstanceIdentifier: in.DBInstanceIdentifier, FinalDBSnapshotIdentifier: aws.String(st.Args["snapshot-left"]),
	})
	return err
}

// finish protects the new one as the old one was and takes the marks off, the first
// mark last: until then the restore is found again.
func (w worker) finish(ctx context.Context, in *seen, st saga.Step) error {
	want, err := dr.Config(st.Args["settings"]).Settings()
	if err != nil {
		return err
	}
	if protect := want["protected"] == "yes"; protect != aws.ToBool(in.DeletionProtection) {
		_, err := w.api.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{
			DBInstanceIdentifier: in.DBInstanceIdentifier, DeletionProtection: aws.Bool(protect), ApplyImmediately: aws.Bool(true),
		})
		if err != nil {
			return err
		}
	}
	if err := w.tag(ctx, in, dr.Tags{dr.TagRestored: st.Args["id"]}); err != nil {
		return err
	}
	return w.untag(ctx, in, dr.TagRequest, dr.TagRole, dr.TagRestore)
}

func (w worker) addRoles(ctx context.Context, in *seen, st saga.Step) error {
	want, err := dr.Config(st.Args["settings"]).Settings()
	if err != nil {
		return err
	}
	for _, r := range missingRoles(in, want) {
		_, err := w.api.AddRoleToDBInstance(ctx, &rds.AddRoleToDBInstanceInput{
			DBInstanceIdentifier: in.DBInstanceIdentifier, FeatureName: aws.String(r.feature), RoleArn: aws.String(r.arn),
		})
		var there *types.DBInstanceRoleAlreadyExistsFault
		if err != nil && !errors.As(err, &there) {
			return fmt.Errorf("add role %s for %s: %w", r.arn, r.feature, err)
		}
	}
	return nil
}

// Undo begins to take back a step. Only what bears the mark of this very restore is
// ever deleted.
func (w worker) Undo(ctx context.Context, st saga.Step) error {
	switch st.Op {
	case opMark:
		in, err := w.instance(ctx, st.Args["name"])
		if err != nil || !in.marked(st, dr.RoleOld) {
			return err
		}
		return w.untag(ctx, in, dr.TagRequest, dr.TagRole, dr.TagRestore)
	case opRestore:
		return w.undoRestore(ctx, st)
	case opRename:
		in, err := w.instance(ctx, st.Args["to"])
		if err != nil || !in.is(st, st.Args["role"]) || in.renaming(st.Args["from"]) {
			return err
		}
		return w.rename(ctx, in, st.Args["role"], st.Args["from"], st)
	}
	return nil
}

func (w worker) undoRestore(ctx context.Context, st saga.Step) error {
	in, err := w.instance(ctx, st.Args["name"])
	if err != nil || !in.marked(st, dr.RoleNew) || in.status() == "deleting" {
		return err
	}
	_, err = w.api.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{
		DBInstanceIdentifier: in.DBInstanceIdentifier, SkipFinalSnapshot: aws.Bool(true), DeleteAutomatedBackups: aws.Bool(true),
	})
	return err
}

// Undone looks whether a step is taken back.
func (w worker) Undone(ctx context.Context, st saga.Step) (bool, error) {
	switch st.Op {
	case opMark:
		in, err := w.instance(ctx, st.Args["name"])
		return err == nil && !in.marked(st, dr.RoleOld), err
	case opRestore:
		in, err := w.instance(ctx, st.Args["name"])
		return err == nil && !in.marked(st, dr.RoleNew), err
	case opRename:
		return w.undoneRename(ctx, st)
	}
	return true, nil
}

// undoneRename: the old one has to have its name again and to answer; of the new one
// it is enough that it has not the old one's.
func (w worker) undoneRename(ctx context.Context, st saga.Step) (bool, error) {
	role := st.Args["role"]
	from, err := w.instance(ctx, st.Args["from"])
	if err != nil {
		return false, err
	}
	if from.is(st, role) {
		return from.serves() && !from.renaming(st.Args["to"]), nil
	}
	to, err := w.instance(ctx, st.Args["to"])
	return err == nil && role == dr.RoleNew && !to.is(st, role), err
}

// Marks finds the restores that are under way.
func (d *Driver) Marks(ctx context.Context, site dr.Site) ([]store.Mark, error) {
	w, err := d.worker(ctx, site)
	if err != nil {
		return nil, err
	}
	found := map[string]*store.Mark{}
	pages := rds.NewDescribeDBInstancesPaginator(w.api, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list DB instances: %w", err)
		}
		for i := range page.DBInstances {
			in := &page.DBInstances[i]
			tags := rdsapi.PlainTags(in.TagList)
			m, ok, err := store.ParseMark(tags)
			if !ok || err != nil { // One that cannot be read is not ours to touch.
				continue
			}
			if found[m.ID] == nil {
				m.Site, m.On = site, map[string]string{}
				found[m.ID] = &m
			}
			found[m.ID].On[tags[dr.TagRole]] = aws.ToString(in.DBInstanceIdentifier)
		}
	}
	var out []store.Mark
	for _, id := range slices.Sorted(maps.Keys(found)) {
		out = append(out, *found[id])
	}
	return out, nil
}

// Endpoint gives where an instance answers.
func (d *Driver) Endpoint(ctx context.Context, site dr.Site, name string) (store.Endpoint, error) {
	w, err := d.worker(ctx, site)
	if err != nil {
		return store.Endpoint{}, err
	}
	in, err := w.instance(ctx, name)
	switch {
	case err != nil:
		return store.Endpoint{}, err
	case in == nil || in.Endpoint == nil:
		return store.Endpoint{}, fmt.Errorf("DB instance %s has no endpoint", name)
	}
	return store.Endpoint{Host: aws.ToString(in.Endpoint.Address), Port: int(aws.ToInt32(in.Endpoint.Port)), Engine: aws.ToString(in.Engine)}, nil
}
