package sandbox_test

import (
	stdcmp "cmp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// withWarehouse runs a test over a cluster with settings and tables, and a snapshot "one"
// of it.
func withWarehouse(t *testing.T, run func(t *testing.T, a *sandbox.AWS, c *redshift.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := sandbox.New(sandbox.Options{})
		wantCode(t, a.PutCluster(prod, east, "dwh", sandbox.SeedCluster{
			Age: sandbox.Age(100 * time.Hour), Nodes: 4, Key: "alias/data", ParameterGroup: "wlm", SubnetGroup: "private", SecurityGroups: []string{"sg-1"},
			Roles: []string{"arn:aws:iam::111111111111:role/load"}, MaintenanceWindow: "tue:03:00-tue:03:30", EnhancedRouting: true, Public: true,
			Tags: map[string]string{"team": "bi"}, Tables: []string{"public.orders", "sales.lines"},
		}), "")
		c := redshiftAt(a, prod, east)
		time.Sleep(30 * time.Minute)
		wantCode(t, takeClusterSnapshot(t.Context(), c, "one", redshiftTag("slot", "x")), "")
		time.Sleep(time.Hour)
		run(t, a, c)
	})
}

func restoreCluster(t *testing.T, c *redshift.Client, name string, change func(*redshift.RestoreFromClusterSnapshotInput)) error {
	t.Helper()
	in := &redshift.RestoreFromClusterSnapshotInput{ClusterIdentifier: &name, SnapshotIdentifier: aws.String("one")}
	if change != nil {
		change(in)
	}
	_, err := c.RestoreFromClusterSnapshot(t.Context(), in)
	return err
}

func warehouse(t *testing.T, c *redshift.Client, name string) types.Cluster {
	t.Helper()
	out, err := c.DescribeClusters(t.Context(), &redshift.DescribeClustersInput{ClusterIdentifier: &name})
	wantCode(t, err, "")
	return out.Clusters[0]
}

// What a restore does not say has its default, and not what the cluster had.
func TestRedshiftRestoreDefaults(t *testing.T) {
	withWarehouse(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		wantCode(t, restoreCluster(t, c, "DWH-New", nil), "")
		got := warehouse(t, c, "dwh-new")
		if *got.ClusterStatus != "creating" || *got.RestoreStatus.Status != "starting" || got.Endpoint != nil {
			t.Errorf("at first it is %s, %s", *got.ClusterStatus, *got.RestoreStatus.Status)
		}
		time.Sleep(5 * time.Minute)
		if got := warehouse(t, c, "dwh-new"); *got.RestoreStatus.Status != "restoring" {
			t.Errorf("then it is %s", *got.RestoreStatus.Status)
		}
		_, err := c.DeleteCluster(t.Context(), &redshift.DeleteClusterInput{ClusterIdentifier: aws.String("dwh-new"), SkipFinalClusterSnapshot: aws.Bool(true)})
		wantCode(t, err, "InvalidClusterState")
		time.Sleep(time.Hour)
		got, old := warehouse(t, c, "dwh-new"), warehouse(t, c, "dwh")
		have := map[string]any{
			"status": *got.ClusterStatus + " " + *got.RestoreStatus.Status, "nodes": *got.NumberOfNodes, "type": *got.NodeType, "window": *got.PreferredMaintenanceWindow,
			"parameters": *got.ClusterParameterGroups[0].ParameterGroupName, "subnets": *got.ClusterSubnetGroupName, "public": *got.PubliclyAccessible,
			"routing": *got.EnhancedVpcRouting, "roles": len(got.IamRoles), "key": *got.KmsKeyId == *old.KmsKeyId, "tags": len(got.Tags),
			"groups": *got.VpcSecurityGroups[0].VpcSecurityGroupId == "sg-1",
		}
		if diff := cmp.Diff(map[string]any{
			"status": "available completed", "nodes": int32(4), "type": "ra3.large", "window": "tue:03:00-tue:03:30", "parameters": "default.redshift-1.0",
			"subnets": "default", "public": false, "routing": false, "roles": 0, "key": true, "tags": 1, "groups": false,
		}, have); diff != "" {
			t.Error(diff)
		}
		data, err := a.ClusterData(prod, east, "dwh-new")
		wantCode(t, err, "")
		source, _ := a.ClusterNamespace(prod, east, "dwh")
		if data.Snapshot != "arn:aws:redshift:us-east-1:111111111111:snapshot:dwh/one" || data.Namespace != source {
			t.Errorf("it holds %+v", data)
		}
		made, _ := a.ClusterNamespace(prod, east, "dwh-new")
		if at := a.ClusterAnswering(*got.Endpoint.Address); at != made || made == source {
			t.Errorf("%s answers, want %s", at, made)
		}
	})
}

func TestRedshiftRestoreRules(t *testing.T) {
	withWarehouse(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		type in = redshift.RestoreFromClusterSnapshotInput
		for name, tc := range map[string]struct {
			code   string
			change func(*in)
		}{
			"name taken":         {"ClusterAlreadyExists", func(q *in) { q.ClusterIdentifier = aws.String("dwh") }},
			"bad name":           {"InvalidParameterValue", func(q *in) { q.ClusterIdentifier = aws.String("a--b") }},
			"no snapshot":        {"ClusterSnapshotNotFound", func(q *in) { q.SnapshotIdentifier = aws.String("two") }},
			"of another cluster": {"ClusterSnapshotNotFound", func(q *in) { q.SnapshotClusterIdentifier = aws.String("other") }},
			"name and ARN":       {"InvalidParameterCombination", func(q *in) { q.SnapshotArn = aws.String("arn:aws:redshift:x") }},
			"parameter group":    {"ClusterParameterGroupNotFound", func(q *in) { q.ClusterParameterGroupName = aws.String("none") }},
			"subnet group":       {"ClusterSubnetGroupNotFoundFault", func(q *in) { q.ClusterSubnetGroupName = aws.String("none") }},
			"schedule":           {"SnapshotScheduleNotFound", func(q *in) { q.SnapshotScheduleIdentifier = aws.String("none") }},
			"port":               {"InvalidParameterValue", func(q *in) { q.Port = aws.Int32(6000) }},
			"node type":          {"InvalidRestore", func(q *in) { q.NodeType = aws.String("dc2.large") }},
			"unknown node type":  {"InvalidParameterValue", func(q *in) { q.NodeType = aws.String("ra9.large") }},
			"too many nodes":     {"NumberOfNodesPerClusterLimitExceeded", func(q *in) { q.NumberOfNodes = aws.Int32(17) }},
			"no retention":       {"InvalidParameterValue", func(q *in) { q.AutomatedSnapshotRetentionPeriod = aws.Int32(0) }},
			"key":                {"InvalidParameterValue", func(q *in) { q.KmsKeyId = aws.String("alias/none") }},
			"no encryption":      {"InvalidParameterCombination", func(q *in) { q.Encrypted = aws.Bool(false) }},
			"default role":       {"InvalidParameterValue", func(q *in) { q.DefaultIamRoleArn = aws.String("arn:aws:iam::111111111111:role/load") }},
			"not simulated":      {"NotImplemented", func(q *in) { q.ElasticIp = aws.String("1.2.3.4") }},
		} {
			err := restoreCluster(t, c, "copy", tc.change)
			t.Log(name, err)
			wantCode(t, err, tc.code)
		}
		wantCode(t, a.SetQuota(prod, east, sandbox.QuotaClusterNodes, 7), "")
		wantCode(t, restoreCluster(t, c, "copy", nil), "NumberOfNodesQuotaExceeded")
		wantCode(t, a.SetQuota(prod, east, sandbox.QuotaClusterNodes, 20), "")
		wantCode(t, a.SetKeyEnabled(prod, east, "alias/data", false), "")
		wantCode(t, restoreCluster(t, c, "copy", nil), "DependentServiceAccessDenied")
		wantCode(t, a.SetKeyEnabled(prod, east, "alias/data", true), "")
		wantCode(t, restoreCluster(t, c, "copy", func(q *in) {
			q.ClusterParameterGroupName, q.ClusterSubnetGroupName, q.VpcSecurityGroupIds = aws.String("wlm"), aws.String("private"), []string{"sg-1"}
			q.IamRoles, q.NumberOfNodes, q.Port = []string{"arn:aws:iam::111111111111:role/load"}, aws.Int32(2), aws.Int32(5440)
		}), "")
		wantCode(t, restoreCluster(t, c, "copy", nil), "ClusterAlreadyExists")
		time.Sleep(time.Hour)
		got := warehouse(t, c, "copy")
		if *got.NumberOfNodes != 2 || *got.Endpoint.Port != 5440 || *got.IamRoles[0].ApplyStatus != "in-sync" || *got.ClusterParameterGroups[0].ParameterApplyStatus != "in-sync" {
			t.Errorf("%+v", got)
		}
		a.FailNextClusterRestores(prod, east, 1)
		wantCode(t, restoreCluster(t, c, "broken", nil), "")
		time.Sleep(time.Hour)
		if got := warehouse(t, c, "broken"); *got.ClusterStatus != "incompatible-restore" || *got.RestoreStatus.Status != "failed" {
			t.Errorf("it is %s, %s", *got.ClusterStatus, *got.RestoreStatus.Status)
		}
		_, err := c.DeleteCluster(t.Context(), &redshift.DeleteClusterInput{ClusterIdentifier: aws.String("broken"), SkipFinalClusterSnapshot: aws.Bool(true)})
		wantCode(t, err, "")
	})
}

// A snapshot of another account is restored by its owner's account, under a key of one's
// own.
func TestRedshiftRestoreShared(t *testing.T) {
	withWarehouse(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		theirs := redshiftAt(a, recovery, east)
		from := func(q *redshift.RestoreFromClusterSnapshotInput) { q.OwnerAccount = aws.String(prod) }
		wantCode(t, restoreCluster(t, theirs, "dwh", from), "AccessToSnapshotDenied")
		_, err := c.AuthorizeSnapshotAccess(t.Context(), &redshift.AuthorizeSnapshotAccessInput{
			SnapshotIdentifier: aws.String("one"), AccountWithRestoreAccess: aws.String(recovery),
		})
		wantCode(t, err, "")
		wantCode(t, restoreCluster(t, theirs, "dwh", nil), "ClusterSnapshotNotFound")
		wantCode(t, restoreCluster(t, theirs, "dwh", from), "DependentServiceAccessDenied") // The key is not shared.
		wantCode(t, a.SetKeyPolicy(prod, east, "alias/data", statement("Allow", `{"AWS": ["111111111111", "222222222222"]}`, `["kms:*"]`, "")), "")
		wantCode(t, restoreCluster(t, theirs, "dwh", from), "")
		time.Sleep(time.Hour)
		got := warehouse(t, theirs, "dwh")
		if *got.ClusterStatus != "available" || len(got.Tags) != 0 || *got.KmsKeyId == *warehouse(t, c, "dwh").KmsKeyId {
			t.Errorf("%s, %v, %s", *got.ClusterStatus, got.Tags, *got.KmsKeyId)
		}
	})
}

func TestRedshiftSwapNames(t *testing.T) {
	withWarehouse(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		rename := func(from, to string) error {
			_, err := c.ModifyCluster(t.Context(), &redshift.ModifyClusterInput{ClusterIdentifier: &from, NewClusterIdentifier: &to})
			return err
		}
		wantCode(t, restoreCluster(t, c, "dwh-new", nil), "")
		time.Sleep(time.Hour)
		address := *warehouse(t, c, "dwh").Endpoint.Address
		made, _ := a.ClusterNamespace(prod, east, "dwh-new")
		wantCode(t, rename("dwh-new", "dwh"), "ClusterAlreadyExists")
		wantCode(t, rename("dwh", "bad--name"), "InvalidParameterValue")
		_, err := c.ModifyCluster(t.Context(), &redshift.ModifyClusterInput{
			ClusterIdentifier: aws.String("dwh"), NewClusterIdentifier: aws.String("dwh-old"), PubliclyAccessible: aws.Bool(false),
		})
		wantCode(t, err, "InvalidParameterCombination")
		wantCode(t, rename("dwh", "dwh-old"), "")
		got := warehouse(t, c, "dwh")
		if *got.ClusterStatus != "renaming" || *got.PendingModifiedValues.ClusterIdentifier != "dwh-old" || a.ClusterAnswering(address) != "" {
			t.Errorf("it is %s, to be %v; %q answers", *got.ClusterStatus, got.PendingModifiedValues.ClusterIdentifier, a.ClusterAnswering(address))
		}
		wantCode(t, rename("dwh-new", "dwh"), "ClusterAlreadyExists")
		wantCode(t, rename("dwh-new", "dwh-old"), "ClusterAlreadyExists") // It is being taken.
		wantCode(t, rename("dwh", "dwh-2"), "InvalidClusterState")
		time.Sleep(10 * time.Minute)
		wantCode(t, rename("dwh-new", "dwh"), "")
		time.Sleep(10 * time.Minute)
		if at := a.ClusterAnswering(address); at != made {
			t.Errorf("%q answers, want %s", at, made)
		}
		_, err = c.DescribeClusters(t.Context(), &redshift.DescribeClustersInput{ClusterIdentifier: aws.String("dwh-new")})
		wantCode(t, err, "ClusterNotFound")
		_, err = c.DeleteCluster(t.Context(), &redshift.DeleteClusterInput{
			ClusterIdentifier: aws.String("dwh-old"), FinalClusterSnapshotIdentifier: aws.String("dwh-old-final"),
		})
		wantCode(t, err, "")
		if got := warehouse(t, c, "dwh-old"); *got.ClusterStatus != "final-snapshot" {
			t.Errorf("it is %s", *got.ClusterStatus)
		}
		time.Sleep(time.Hour)
		_, err = c.DescribeClusters(t.Context(), &redshift.DescribeClustersInput{ClusterIdentifier: aws.String("dwh-old")})
		wantCode(t, err, "ClusterNotFound")
		if left := listClusterSnapshots(t, c, redshift.DescribeClusterSnapshotsInput{SnapshotIdentifier: aws.String("dwh-old-final")}); *left[0].Status != "available" {
			t.Errorf("the last snapshot is %s", *left[0].Status)
		}
	})
}

func TestRedshiftModifyAfterRestore(t *testing.T) {
	withWarehouse(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		ctx, name := t.Context(), aws.String("dwh")
		_, err := c.ModifyCluster(ctx, &redshift.ModifyClusterInput{ClusterIdentifier: name, PreferredMaintenanceWindow: aws.String("sun:01:00-sun:01:30")})
		wantCode(t, err, "")
		if got := warehouse(t, c, "dwh"); *got.ClusterStatus != "available" || *got.PreferredMaintenanceWindow != "sun:01:00-sun:01:30" {
			t.Errorf("%s, %s", *got.ClusterStatus, *got.PreferredMaintenanceWindow)
		}
		_, err = c.ModifyCluster(ctx, &redshift.ModifyClusterInput{ClusterIdentifier: name, ClusterParameterGroupName: aws.String("none")})
		wantCode(t, err, "ClusterParameterGroupNotFound")
		a.PutClusterGroups(prod, east, sandbox.SeedClusterGroups{Parameters: []string{"other"}, Schedules: []string{"hourly"}})
		_, err = c.ModifyCluster(ctx, &redshift.ModifyClusterInput{
			ClusterIdentifier: name, ClusterParameterGroupName: aws.String("other"), VpcSecurityGroupIds: []string{"sg-2"},
		})
		wantCode(t, err, "")
		got := warehouse(t, c, "dwh")
		if *got.ClusterParameterGroups[0].ParameterApplyStatus != "pending-reboot" || len(got.VpcSecurityGroups) != 2 || *got.VpcSecurityGroups[0].Status != "removing" {
			t.Errorf("%+v, %+v", got.ClusterParameterGroups, got.VpcSecurityGroups)
		}
		_, err = c.ModifyClusterIamRoles(ctx, &redshift.ModifyClusterIamRolesInput{ClusterIdentifier: name})
		wantCode(t, err, "InvalidClusterState")
		time.Sleep(10 * time.Minute)
		_, err = c.RebootCluster(ctx, &redshift.RebootClusterInput{ClusterIdentifier: name})
		wantCode(t, err, "")
		if got := warehouse(t, c, "dwh"); *got.ClusterStatus != "rebooting" {
			t.Errorf("it is %s", *got.ClusterStatus)
		}
		time.Sleep(10 * time.Minute)
		if got := warehouse(t, c, "dwh"); *got.ClusterParameterGroups[0].ParameterApplyStatus != "in-sync" || *got.VpcSecurityGroups[0].VpcSecurityGroupId != "sg-2" {
			t.Errorf("%+v, %+v", got.ClusterParameterGroups, got.VpcSecurityGroups)
		}
		const load, copying = "arn:aws:iam::111111111111:role/load", "arn:aws:iam::111111111111:role/copy"
		_, err = c.ModifyClusterIamRoles(ctx, &redshift.ModifyClusterIamRolesInput{ClusterIdentifier: name, RemoveIamRoles: []string{copying}})
		wantCode(t, err, "InvalidParameterValue")
		_, err = c.ModifyClusterIamRoles(ctx, &redshift.ModifyClusterIamRolesInput{
			ClusterIdentifier: name, AddIamRoles: []string{copying}, RemoveIamRoles: []string{load}, DefaultIamRoleArn: aws.String(copying),
		})
		wantCode(t, err, "")
		if got := warehouse(t, c, "dwh"); *got.IamRoles[0].ApplyStatus != "removing" || *got.IamRoles[1].ApplyStatus != "adding" {
			t.Errorf("%+v", got.IamRoles)
		}
		time.Sleep(10 * time.Minute)
		if got := warehouse(t, c, "dwh"); len(got.IamRoles) != 1 || *got.IamRoles[0].IamRoleArn != copying || *got.DefaultIamRoleArn != copying {
			t.Errorf("%+v", got.IamRoles)
		}
		schedule := func(name string) error {
			_, err := c.ModifyClusterSnapshotSchedule(ctx, &redshift.ModifyClusterSnapshotScheduleInput{ClusterIdentifier: aws.String("dwh"), ScheduleIdentifier: &name})
			return err
		}
		wantCode(t, schedule("none"), "SnapshotScheduleNotFound")
		wantCode(t, schedule("hourly"), "")
		if got := warehouse(t, c, "dwh"); *got.SnapshotScheduleIdentifier != "hourly" {
			t.Errorf("%+v", got)
		}
	})
}

func TestRedshiftRestoreTable(t *testing.T) {
	withWarehouse(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		ctx := t.Context()
		restore := func(change func(*redshift.RestoreTableFromClusterSnapshotInput)) (string, error) {
			in := &redshift.RestoreTableFromClusterSnapshotInput{
				ClusterIdentifier: aws.String("dwh"), SnapshotIdentifier: aws.String("one"), SourceDatabaseName: aws.String("Dev"),
				SourceTableName: aws.String("Orders"), NewTableName: aws.String("orders_restored"),
			}
			if change != nil {
				change(in)
			}
			out, err := c.RestoreTableFromClusterSnapshot(ctx, in)
			if err != nil {
				return "", err
			}
			return *out.TableRestoreStatus.TableRestoreRequestId, nil
		}
		ends := func(id string) (string, string) {
			out, err := c.DescribeTableRestoreStatus(ctx, &redshift.DescribeTableRestoreStatusInput{TableRestoreRequestId: &id})
			wantCode(t, err, "")
			got := out.TableRestoreStatusDetails[0]
			return string(got.Status), aws.ToString(got.Message)
		}
		_, err := restore(func(in *redshift.RestoreTableFromClusterSnapshotInput) { in.SourceTableName = aws.String("none") })
		wantCode(t, err, "InvalidTableRestoreArgument")
		_, err = restore(func(in *redshift.RestoreTableFromClusterSnapshotInput) { in.SnapshotIdentifier = aws.String("none") })
		wantCode(t, err, "ClusterSnapshotNotFound")
		id, err := restore(nil)
		wantCode(t, err, "")
		if got, _ := ends(id); got != "PENDING" {
			t.Errorf("at first it is %s", got)
		}
		_, err = restore(nil)
		wantCode(t, err, "InProgressTableRestoreQuotaExceededFault")
		time.Sleep(time.Minute)
		if got, _ := ends(id); got != "IN_PROGRESS" {
			t.Errorf("then it is %s", got)
		}
		time.Sleep(time.Hour)
		if got, why := ends(id); got != "SUCCEEDED" {
			t.Errorf("at last it is %s: %s", got, why)
		}
		tables, err := a.ClusterTables(prod, east, "dwh")
		wantCode(t, err, "")
		if got := tables["dev.public.orders_restored"]; got.Snapshot != "arn:aws:redshift:us-east-1:111111111111:snapshot:dwh/one" || len(tables) != 3 {
			t.Errorf("tables: %+v", tables)
		}
		fails := func(change func(*redshift.RestoreTableFromClusterSnapshotInput)) {
			t.Helper()
			id, err := restore(change)
			wantCode(t, err, "")
			time.Sleep(time.Hour)
			if got, why := ends(id); got != "FAILED" || why == "" {
				t.Errorf("it is %s: %q", got, why)
			}
		}
		fails(func(in *redshift.RestoreTableFromClusterSnapshotInput) { in.NewTableName = aws.String("orders") })
		fails(func(in *redshift.RestoreTableFromClusterSnapshotInput) { in.TargetSchemaName = aws.String("none") })
		wantCode(t, a.FailNextTableRestores(prod, east, "dwh", 1), "")
		fails(func(in *redshift.RestoreTableFromClusterSnapshotInput) { in.NewTableName = aws.String("again") })
		wantCode(t, a.RenameClusterTable(prod, east, "dwh", "dev.public.orders", "orders_old"), "")
		id, err = restore(func(in *redshift.RestoreTableFromClusterSnapshotInput) { in.NewTableName = aws.String("orders") })
		wantCode(t, err, "")
		time.Sleep(time.Hour)
		if got, why := ends(id); got != "SUCCEEDED" {
			t.Errorf("after the renaming it is %s: %s", got, why)
		}
		_, err = c.DescribeTableRestoreStatus(ctx, &redshift.DescribeTableRestoreStatusInput{TableRestoreRequestId: aws.String("x")})
		wantCode(t, err, "TableRestoreNotFoundFault")
		all, err := c.DescribeTableRestoreStatus(ctx, &redshift.DescribeTableRestoreStatusInput{ClusterIdentifier: aws.String("dwh")})
		wantCode(t, err, "")
		if len(all.TableRestoreStatusDetails) != 5 {
			t.Errorf("%d requests, want 5", len(all.TableRestoreStatusDetails))
		}
		// Not to another cluster, be it one with the same data.
		wantCode(t, restoreCluster(t, c, "copy", nil), "")
		time.Sleep(time.Hour)
		_, err = restore(func(in *redshift.RestoreTableFromClusterSnapshotInput) { in.ClusterIdentifier = aws.String("copy") })
		wantCode(t, err, "InvalidTableRestoreArgument")
		copied, err := a.ClusterTables(prod, east, "copy")
		wantCode(t, err, "")
		if len(copied) != 2 {
			t.Errorf("the copy has %v", copied)
		}
	})
}

// A namespace takes the data of a snapshot of its own, or of a cluster, in the place of
// what it holds.
func TestServerlessRestore(t *testing.T) {
	withWarehouse(t, func(t *testing.T, a *sandbox.AWS, _ *redshift.Client) {
		ctx, c := t.Context(), redshiftserverless.NewFromConfig(config(a.Client(), prod, east))
		name := aws.String("sales")
		_, err := c.CreateNamespace(ctx, &redshiftserverless.CreateNamespaceInput{NamespaceName: name})
		wantCode(t, err, "")
		_, err = c.CreateWorkgroup(ctx, &redshiftserverless.CreateWorkgroupInput{NamespaceName: name, WorkgroupName: name})
		wantCode(t, err, "")
		time.Sleep(time.Hour)
		_, err = c.CreateSnapshot(ctx, &redshiftserverless.CreateSnapshotInput{NamespaceName: name, SnapshotName: aws.String("own")})
		wantCode(t, err, "")
		restore := func(in redshiftserverless.RestoreFromSnapshotInput) error {
			in.NamespaceName, in.WorkgroupName = name, aws.String(stdcmp.Or(aws.ToString(in.WorkgroupName), "sales"))
			_, err := c.RestoreFromSnapshot(ctx, &in)
			return err
		}
		type in = redshiftserverless.RestoreFromSnapshotInput
		wantCode(t, restore(in{SnapshotName: aws.String("own")}), "ConflictException") // It is being made.
		time.Sleep(time.Hour)
		wantCode(t, restore(in{}), "ValidationException")
		wantCode(t, restore(in{SnapshotName: aws.String("none")}), "ResourceNotFoundException")
		wantCode(t, restore(in{SnapshotName: aws.String("own"), WorkgroupName: aws.String("other")}), "ConflictException")
		wantCode(t, restore(in{SnapshotName: aws.String("own")}), "")
		wantCode(t, restore(in{SnapshotName: aws.String("own")}), "ConflictException")
		time.Sleep(time.Hour)
		const of = "arn:aws:redshift:us-east-1:111111111111:snapshot:dwh/one"
		wantCode(t, restore(in{SnapshotArn: aws.String(of)}), "")
		if got, _ := a.NamespaceData(prod, east, "sales"); got.Snapshot == of || got.Snapshot == "" {
			t.Errorf("at first it holds %+v", got)
		}
		time.Sleep(time.Hour)
		if got, _ := a.NamespaceData(prod, east, "sales"); got.Snapshot != of {
			t.Errorf("at last it holds %+v", got)
		}
	})
}
