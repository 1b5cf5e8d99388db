package aurora

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
	"github.com/holdfast-dr/holdfast/internal/store/internal/swap"
)

// How long the names of clusters may be (CreateDBCluster, DBClusterIdentifier: 1 to 63
// characters of Aurora clusters, 1 to 52 of Multi-AZ DB clusters).
const (
	clusterNameLimit = 63
	multiAZNameLimit = 52
)

// How long DNS names take to follow (Amazon RDS User Guide, "Renaming a Multi-AZ DB
// cluster": "about two minutes"; "Renaming a DB instance": "about 10 minutes").
const (
	clusterFollows = 2 * time.Minute
	memberFollows  = 10 * time.Minute
)

// The operations of the driver's own.
const (
	opSettle  = "settle"  // What the restore call does not take.
	opRoles   = "roles"   // IAM roles.
	opForward = "forward" // Write forwarding, which wants members.
	opHTTP    = "http"    // The HTTP endpoint.
	opReboot  = "reboot"  // Of a Multi-AZ DB cluster.
	opUp      = "up"      // A member serves, with its parameters in force.
)

// restoreAPI is the part of the SDK's client that restores use.
type restoreAPI interface {
	rdsapi.InstanceAPI
	rds.DescribeDBClustersAPIClient
	RestoreDBClusterFromSnapshot(context.Context, *rds.RestoreDBClusterFromSnapshotInput, ...func(*rds.Options)) (*rds.RestoreDBClusterFromSnapshotOutput, error)
	ModifyDBCluster(context.Context, *rds.ModifyDBClusterInput, ...func(*rds.Options)) (*rds.ModifyDBClusterOutput, error)
	RebootDBCluster(context.Context, *rds.RebootDBClusterInput, ...func(*rds.Options)) (*rds.RebootDBClusterOutput, error)
	AddRoleToDBCluster(context.Context, *rds.AddRoleToDBClusterInput, ...func(*rds.Options)) (*rds.AddRoleToDBClusterOutput, error)
	EnableHttpEndpoint(context.Context, *rds.EnableHttpEndpointInput, ...func(*rds.Options)) (*rds.EnableHttpEndpointOutput, error)
	DeleteDBCluster(context.Context, *rds.DeleteDBClusterInput, ...func(*rds.Options)) (*rds.DeleteDBClusterOutput, error)
	CreateDBInstance(context.Context, *rds.CreateDBInstanceInput, ...func(*rds.Options)) (*rds.CreateDBInstanceOutput, error)
	DeleteDBInstance(context.Context, *rds.DeleteDBInstanceInput, ...func(*rds.Options)) (*rds.DeleteDBInstanceOutput, error)
}

func (d *Driver) restores(ctx context.Context, site dr.Site) (restoreAPI, error) {
	cfg, err := d.sessions.Config(ctx, site)
	if err != nil {
		return nil, err
	}
	return rds.NewFromConfig(cfg), nil
}

// Worker does the steps of restores at a site.
func (d *Driver) Worker(ctx context.Context, site dr.Site) (saga.Worker, error) {
	api, err := d.restores(ctx, site)
	if err != nil {
		return nil, err
	}
	return newWorker(api), nil
}

// Restore builds the steps of a restore. Nothing is changed.
func (d *Driver) Restore(ctx context.Context, r store.Restore) (store.Restoration, error) {
	if err := r.Only(withOld, withNew); err != nil {
		return store.Restoration{}, err
	}
	if err := restorable(r); err != nil {
		return store.Restoration{}, err
	}
	api, err := d.restores(ctx, r.From.Ref.Site)
	if err != nil {
		return store.Restoration{}, err
	}
	limit := clusterNameLimit
	if multiAZ(r.Settings) {
		limit = multiAZNameLimit
	}
	if err := newWorker(api).clusters.Free(ctx, r, limit); err != nil {
		return store.Restoration{}, err
	}
	c, err := castOf(ctx, api, r)
	if err != nil {
		return store.Restoration{}, err
	}
	r = c.noted(r)
	s := swap.New(r, limit)
	s.Answers = clusterFollows
	s.Last = func() { endMembers(s, c) }
	return store.Restoration{
		Saga:   s.Saga(func() { makeCluster(s, c) }, func() { swapMembers(s, c) }),
		Losses: losses(r), Notes: c.notes(r), Needs: c.needs(r),
	}, nil
}

// multiAZ reports whether captured settings are those of a Multi-AZ DB cluster.
func multiAZ(settings map[string]string) bool {
	return settings["engine"] != "" && !isAurora(settings["engine"])
}

// restorable refuses what no call can make again.
func restorable(r store.Restore) error {
	refuse := func(remedy, format string, args ...any) error {
		return &store.Error{Doing: "restore " + r.Name, Fault: store.Invalid, Err: fmt.Errorf(format, args...), Remedy: remedy}
	}
	name := r.From.Ref.ID
	switch omitted := r.Settings["omitted"]; {
	case r.Settings["mode"] == "serverless":
		// Amazon Aurora User Guide, "Using Amazon Aurora Serverless v1": none can be
		// created since January 8th, 2025.
		return refuse("restore it with `aws rds restore-db-cluster-from-snapshot --engine-mode provisioned` and add instances of the class db.serverless",
			"snapshot %s is of an Aurora Serverless v1 cluster, and AWS makes none any more", name)
	case r.Settings["scalability"] == "limitless":
		return refuse("restore it with the AWS console, shard group and all",
			"snapshot %s is of an Aurora Limitless Database, whose shard group holdfast cannot make", name)
	case r.InPlace && strings.Contains(","+omitted+",", ","+memberList+","):
		return refuse("restore it under another name with --as, and add its instances by hand",
			"the configuration in snapshot %s had no room for the names of its instances", name)
	}
	return nil
}

// makeCluster restores the cluster, creates its members, the writer first, and gives it
// what can be given only then. Members can be created once the cluster is available.
func makeCluster(s *swap.Steps, c cast) {
	r := s.Restore
	if r.RenameFirst {
		c.away(s)
	}
	const hour = time.Hour
	s.Make(saga.Step{Name: "restore", Title: "restore " + r.From.Ref.ID + " as " + s.Beside, Op: swap.OpRestore, Expect: 15 * time.Minute, Deadline: 24 * hour})
	s.Make(saga.Step{Name: "settle", Title: "give it the settings that a restore does not take", Op: opSettle, Expect: 2 * time.Minute, Deadline: 12 * hour})
	if r.Settings["roles"] != "" {
		s.Make(saga.Step{Name: "roles", Title: "give it its IAM roles", Op: opRoles, Looks: true, Expect: time.Minute, Deadline: hour})
	}
	c.make(s)
	if forwards(r.Settings) {
		s.Make(saga.Step{Name: "forward", Title: "let its readers forward writes", Op: opForward, Expect: 2 * time.Minute, Deadline: 2 * hour})
	}
	if r.Settings["http"] == "yes" {
		s.Make(saga.Step{Name: "http", Title: "switch its HTTP endpoint on", Op: opHTTP, Expect: time.Minute, Deadline: 2 * hour})
	}
	if multiAZ(r.Settings) {
		s.Make(saga.Step{Name: "reboot", Title: "reboot it if its parameter group asks for that", Op: opReboot, Looks: true, Expect: 2 * time.Minute, Deadline: 2 * hour})
	}
}

// swapMembers lets the members follow their clusters, so that the endpoints of
// instances pass on too.
func swapMembers(s *swap.Steps, c cast) {
	c.away(s)
	s.Answers = memberFollows
	for i, m := range c.made {
		s.Rename(fmt.Sprintf("in-%d", i+1), m.beside, m.name, dr.RoleNew, whatArg, theMember, "old", c.oldID(m.name))
	}
}

// endMembers says on the old members whose they are now, as on their cluster, since
// permissions to delete may ask for that; and takes the marks off the new ones, before
// that of the cluster, by which the restore is found.
func endMembers(s *swap.Steps, c cast) {
	r := s.Restore
	until := r.Begun.Add(r.KeepOld).UTC().Format(time.RFC3339)
	for i, m := range c.old {
		s.Add(saga.Step{
			Name: fmt.Sprintf("keep-%d", i+1), Title: "keep " + m.away + " with it", Op: swap.OpKeep,
			Expect: 5 * time.Second, Deadline: 10 * time.Minute,
		}, whatArg, theMember, "name", m.away, "old", m.id, "until", until)
	}
	for i, m := range c.made {
		s.Add(saga.Step{
			Name: fmt.Sprintf("finish-%d", i+1), Title: "take the mark off " + m.name, Op: swap.OpFinish,
			Expect: 5 * time.Second, Deadline: 10 * time.Minute,
		}, whatArg, theMember, "name", m.name)
	}
}

// Marks finds the restores that are under way.
func (d *Driver) Marks(ctx context.Context, site dr.Site) ([]store.Mark, error) {
	api, err := d.restores(ctx, site)
	if err != nil {
		return nil, err
	}
	marks := swap.Marks{Site: site}
	pages := rds.NewDescribeDBClustersPaginator(api, &rds.DescribeDBClustersInput{MaxRecords: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list DB clusters: %w", err)
		}
		for i := range page.DBClusters {
			if c := &page.DBClusters[i]; protects(aws.ToString(c.Engine)) {
				marks.Add(aws.ToString(c.DBClusterIdentifier), rdsapi.PlainTags(c.TagList))
			}
		}
	}
	return marks.All(), nil
}

// Endpoint gives where a cluster answers to those who write.
func (d *Driver) Endpoint(ctx context.Context, site dr.Site, name string) (store.Endpoint, error) {
	api, err := d.restores(ctx, site)
	if err != nil {
		return store.Endpoint{}, err
	}
	c, found, err := clusters{api: api}.Find(ctx, name)
	switch {
	case err != nil:
		return store.Endpoint{}, err
	case !found || aws.ToString(c.Endpoint) == "":
		return store.Endpoint{}, fmt.Errorf("DB cluster %s has no endpoint", name)
	}
	return store.Endpoint{Host: aws.ToString(c.Endpoint), Port: int(aws.ToInt32(c.Port)), Engine: aws.ToString(c.Engine)}, nil
}
