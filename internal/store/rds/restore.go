package rds

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
	"github.com/holdfast-dr/holdfast/internal/store/internal/swap"
)

// The operations that are done to a restored instance.
const (
	opSettle = "settle"
	opRoles  = "roles"
	opReboot = "reboot"
)

// lost are the settings that no call can give to a restored instance.
var lost = [...]string{"replicas", "replica-of", "secondary-zone", "reservation"}

// dnsFollows is how long the DNS name of a renamed instance takes (Amazon RDS User
// Guide, "Renaming a DB instance": "about 10 minutes").
const dnsFollows = 10 * time.Minute

// restoreAPI is the part of the SDK's client that restores use.
type restoreAPI interface {
	rdsapi.InstanceAPI
	RestoreDBInstanceFromDBSnapshot(context.Context, *rds.RestoreDBInstanceFromDBSnapshotInput, ...func(*rds.Options)) (*rds.RestoreDBInstanceFromDBSnapshotOutput, error)
	AddRoleToDBInstance(context.Context, *rds.AddRoleToDBInstanceInput, ...func(*rds.Options)) (*rds.AddRoleToDBInstanceOutput, error)
	DeleteDBInstance(context.Context, *rds.DeleteDBInstanceInput, ...func(*rds.Options)) (*rds.DeleteDBInstanceOutput, error)
}

// instances are the DB instances of one site.
type instances struct {
	rdsapi.Instances
	api restoreAPI
}

func (d *Driver) instances(ctx context.Context, site dr.Site) (instances, error) {
	cfg, err := d.sessions.Config(ctx, site)
	if err != nil {
		return instances{}, err
	}
	api := rds.NewFromConfig(cfg)
	return instances{rdsapi.Instances{API: api}, api}, nil
}

// Worker does the steps of restores at a site.
func (d *Driver) Worker(ctx context.Context, site dr.Site) (saga.Worker, error) {
	i, err := d.instances(ctx, site)
	return swap.Worker[*seen]{Cloud: i}, err
}

// Restore builds the steps of a restore. Nothing is changed.
func (d *Driver) Restore(ctx context.Context, r store.Restore) (store.Restoration, error) {
	if err := r.Only(); err != nil {
		return store.Restoration{}, err
	}
	i, err := d.instances(ctx, r.From.Ref.Site)
	if err != nil {
		return store.Restoration{}, err
	}
	if err := (swap.Worker[*seen]{Cloud: i}).Free(ctx, r, rdsapi.InstanceNameLimit); err != nil {
		return store.Restoration{}, err
	}
	s := swap.New(r, rdsapi.InstanceNameLimit)
	s.Answers = dnsFollows
	needs := "one more DB instance in the account's quota, and its price, for good"
	if r.InPlace {
		needs = "one more DB instance in the account's quota until the old one is gone"
	}
	return store.Restoration{
		Saga:   s.Saga(func() { makeInstance(s) }, nil),
		Losses: losses(r), Needs: needs,
	}, nil
}

// losses names the settings and tags that the new one will not have.
func losses(r store.Restore) []string {
	out := store.Lost(r.Settings, lost[:]...)
	if left := rdsapi.TagsLeft(r); len(left) > 0 {
		out = append(out, "tags "+strings.Join(left, ",")+": with the restore's mark they are more than a DB instance may have")
	}
	return out
}

// makeInstance restores the new one and gives it what the call cannot.
func makeInstance(s *swap.Steps) {
	r := s.Restore
	gib, _ := strconv.Atoi(r.Settings["gib"])
	lasts := 10*time.Minute + time.Duration(gib)*2*time.Second
	s.Make(saga.Step{Name: "restore", Title: "restore " + r.From.Ref.ID + " as " + s.Beside, Op: swap.OpRestore, Expect: lasts, Deadline: 24 * time.Hour})
	s.Make(saga.Step{Name: "settle", Title: "give it the settings that a restore does not take", Op: opSettle, Expect: 5 * time.Minute, Deadline: 12 * time.Hour})
	if r.Settings["roles"] != "" {
		s.Make(saga.Step{Name: "roles", Title: "give it its IAM roles", Op: opRoles, Expect: 2 * time.Minute, Deadline: time.Hour})
	}
	s.Make(saga.Step{Name: "reboot", Title: "reboot it if its parameter group asks for that", Op: opReboot, Expect: 2 * time.Minute, Deadline: time.Hour})
}

// Marks finds the restores that are under way.
func (d *Driver) Marks(ctx context.Context, site dr.Site) ([]store.Mark, error) {
	i, err := d.instances(ctx, site)
	if err != nil {
		return nil, err
	}
	marks := swap.Marks{Site: site}
	pages := rds.NewDescribeDBInstancesPaginator(i.api, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list DB instances: %w", err)
		}
		for _, in := range page.DBInstances {
			if in.DBClusterIdentifier == nil { // A cluster's own marks say what is under way.
				marks.Add(aws.ToString(in.DBInstanceIdentifier), rdsapi.PlainTags(in.TagList))
			}
		}
	}
	return marks.All(), nil
}

// Endpoint gives where an instance answers.
func (d *Driver) Endpoint(ctx context.Context, site dr.Site, name string) (store.Endpoint, error) {
	i, err := d.instances(ctx, site)
	if err != nil {
		return store.Endpoint{}, err
	}
	in, found, err := i.Find(ctx, name)
	switch {
	case err != nil:
		return store.Endpoint{}, err
	case !found || in.Endpoint == nil:
		return store.Endpoint{}, fmt.Errorf("DB instance %s has no endpoint", name)
	}
	return store.Endpoint{Host: aws.ToString(in.Endpoint.Address), Port: int(aws.ToInt32(in.Endpoint.Port)), Engine: aws.ToString(in.Engine)}, nil
}

// seen is a DB instance as it was found.
type seen = types.DBInstance

// Noun is what AWS calls one.
func (instances) Noun() string { return "DB instance" }

// Facts are what a restore has to know of an instance.
func (instances) Facts(in *seen) swap.Facts {
	status := aws.ToString(in.DBInstanceStatus)
	f := swap.Facts{
		Name: aws.ToString(in.DBInstanceIdentifier), ID: aws.ToString(in.DbiResourceId), Status: status, Tags: rdsapi.PlainTags(in.TagList),
		Deleting: status == "deleting", Protected: aws.ToBool(in.DeletionProtection), Stopped: status == "stopped",
	}
	switch status {
	case "available", "storage-optimization":
		f.Serves, f.Changeable = true, true
	case "backing-up", "storage-config-upgrade": // Can last for hours after a restore, and nothing can be changed meanwhile.
		f.Serves = true
	case "renaming":
		f.RenamingTo = swap.Somewhere
	}
	if pending := in.PendingModifiedValues; pending != nil && pending.DBInstanceIdentifier != nil {
		f.RenamingTo = aws.ToString(pending.DBInstanceIdentifier)
	}
	if rdsapi.Unusable(status) {
		f.Broken = fmt.Errorf("DB instance %s is %s", f.Name, status)
	}
	return f
}
