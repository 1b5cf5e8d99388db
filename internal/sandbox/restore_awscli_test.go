package sandbox_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// The aws command line understands what a restore asks of EC2 and Redshift, and of the
// services that it does its swap and its checks with.
func TestAWSCommandLineRestore(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the aws command line many times")
	}
	a := sandbox.New(sandbox.Options{})
	mustSeed(t, a, ec2Seed)
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	t.Run("volume", func(t *testing.T) { cliVolume(cli{t, server.URL}, a) })
	t.Run("cluster", func(t *testing.T) { cliCluster(cli{t, server.URL}, a) })
	t.Run("names", func(t *testing.T) { cliNames(cli{t, server.URL}, a) })
	t.Run("secrets", func(t *testing.T) { cliSecrets(cli{t, server.URL}) })
}

func cliVolume(c cli, a *sandbox.AWS) {
	id := c.run(prod, east, []string{"Reservations", "Instances", "InstanceId"}, "ec2", "describe-instances", "--filters", "Name=tag:Name,Values=web").(string)
	volume := c.run(prod, east, []string{"VolumeId"}, "ec2", "create-volume", "--snapshot-id", "snap-00000001", "--availability-zone", "us-east-1a",
		"--volume-type", "gp3", "--tag-specifications", "ResourceType=volume,Tags=[{Key=set,Value=x}]").(string)
	a.Advance(time.Minute)
	c.run(prod, east, nil, "ec2", "wait", "volume-available", "--volume-ids", volume)
	c.is(c.run(prod, east, []string{"State"}, "ec2", "attach-volume", "--volume-id", volume, "--instance-id", id, "--device", "/dev/sdh"), "attaching")
	a.Advance(time.Minute)
	c.run(prod, east, nil, "ec2", "wait", "volume-in-use", "--volume-ids", volume)
	c.run(prod, east, nil, "ec2", "modify-instance-attribute", "--instance-id", id,
		"--block-device-mappings", `[{"DeviceName":"/dev/sdh","Ebs":{"DeleteOnTermination":true}}]`)
	c.refused(prod, east, "VolumeInUse", "ec2", "delete-volume", "--volume-id", volume)
	c.is(c.run(prod, east, []string{"InstanceStatuses", "InstanceStatus", "Status"}, "ec2", "describe-instance-status", "--instance-ids", id), "ok")
	c.is(c.run(prod, east, []string{"VolumeStatuses", "VolumeStatus", "Status"}, "ec2", "describe-volume-status", "--volume-ids", volume), "ok")
}

func cliCluster(c cli, a *sandbox.AWS) {
	if err := a.PutCluster(prod, east, "dwh", sandbox.SeedCluster{Tables: []string{"orders"}}); err != nil {
		c.t.Fatal(err)
	}
	c.run(prod, east, nil, "redshift", "create-cluster-snapshot", "--cluster-identifier", "dwh", "--snapshot-identifier", "one")
	a.Advance(time.Hour)
	c.is(c.run(prod, east, []string{"Cluster", "RestoreStatus", "Status"}, "redshift", "restore-from-cluster-snapshot",
		"--cluster-identifier", "copy", "--snapshot-identifier", "one"), "starting")
	a.Advance(time.Hour)
	c.run(prod, east, nil, "redshift", "wait", "cluster-restored", "--cluster-identifier", "copy")
	c.is(c.run(prod, east, []string{"Cluster", "PendingModifiedValues", "ClusterIdentifier"}, "redshift", "modify-cluster",
		"--cluster-identifier", "copy", "--new-cluster-identifier", "moved"), "moved")
	c.is(c.run(prod, east, []string{"TableRestoreStatus", "Status"}, "redshift", "restore-table-from-cluster-snapshot", "--cluster-identifier", "dwh",
		"--snapshot-identifier", "one", "--source-database-name", "dev", "--source-table-name", "orders", "--new-table-name", "again"), "PENDING")
	a.Advance(time.Hour)
	c.is(c.run(prod, east, []string{"TableRestoreStatusDetails", "Status"}, "redshift", "describe-table-restore-status", "--cluster-identifier", "dwh"), "SUCCEEDED")
	c.refused(prod, east, "ClusterAlreadyExists", "redshift", "restore-from-cluster-snapshot", "--cluster-identifier", "moved", "--snapshot-identifier", "one")
}

func cliNames(c cli, a *sandbox.AWS) {
	id, err := a.PutZone(prod, "shop.example", sandbox.SeedZone{Records: []sandbox.SeedRecord{{Name: "cache.shop.example", Values: []string{"old.example"}}}})
	if err != nil {
		c.t.Fatal(err)
	}
	c.is(c.run(prod, east, []string{"HostedZones", "Id"}, "route53", "list-hosted-zones-by-name", "--dns-name", "shop.example"), "/hostedzone/"+id)
	change := func(action, value string) string {
		path := filepath.Join(c.t.TempDir(), "batch.json")
		batch := `{"Changes":[{"Action":"` + action + `","ResourceRecordSet":{"Name":"cache.shop.example","Type":"CNAME","TTL":300,"ResourceRecords":[{"Value":"` + value + `"}]}}]}`
		if err := os.WriteFile(path, []byte(batch), 0o600); err != nil {
			c.t.Fatal(err)
		}
		return "file://" + path
	}
	made := c.run(prod, east, []string{"ChangeInfo", "Id"}, "route53", "change-resource-record-sets", "--hosted-zone-id", id, "--change-batch", change("UPSERT", "new.example")).(string)
	a.Advance(2 * time.Minute)
	c.run(prod, east, nil, "route53", "wait", "resource-record-sets-changed", "--id", made)
	c.refused(prod, east, "InvalidChangeBatch", "route53", "change-resource-record-sets", "--hosted-zone-id", id, "--change-batch", change("CREATE", "x.example"))
	c.refused(prod, east, "NoSuchHostedZone", "route53", "list-resource-record-sets", "--hosted-zone-id", "Z0")
	records := c.run(prod, east, []string{"ResourceRecordSets"}, "route53", "list-resource-record-sets", "--hosted-zone-id", id).([]any)
	c.is(len(records), 3)
}

func cliSecrets(c cli) {
	c.run(prod, east, nil, "secretsmanager", "create-secret", "--name", "shop/db", "--secret-string", "one")
	c.run(prod, east, nil, "secretsmanager", "put-secret-value", "--secret-id", "shop/db", "--secret-string", "two")
	c.is(c.run(prod, east, []string{"SecretString"}, "secretsmanager", "get-secret-value", "--secret-id", "shop/db", "--version-stage", "AWSPREVIOUS"), "one")
	c.refused(prod, east, "ResourceNotFoundException", "secretsmanager", "get-secret-value", "--secret-id", "none")
	c.run(prod, east, nil, "ssm", "put-parameter", "--name", "/shop/db", "--value", "three", "--type", "SecureString")
	c.is(c.run(prod, east, []string{"Parameter", "Value"}, "ssm", "get-parameter", "--name", "/shop/db", "--with-decryption"), "three")
	c.refused(prod, east, "ParameterNotFound", "ssm", "get-parameter", "--name", "/none")
}
