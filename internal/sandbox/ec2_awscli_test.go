package sandbox_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// The aws command line understands EC2's answers, errors and pages.
func TestAWSCommandLineEC2(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the aws command line several times")
	}
	a := sandbox.New(sandbox.Options{})
	mustSeed(t, a, ec2Seed)
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	c := cli{t, server.URL}
	id := c.run(prod, east, []string{"Reservations", "Instances", "InstanceId"}, "ec2", "describe-instances", "--filters", "Name=tag:Name,Values=web").(string)
	c.run(prod, east, nil, "ec2", "create-snapshots", "--instance-specification", "InstanceId="+id+",ExcludeBootVolume=true",
		"--description", "both", "--tag-specifications", "ResourceType=snapshot,Tags=[{Key=set,Value=x/2}]")
	a.Advance(24 * time.Hour)
	c.is(c.run(prod, east, []string{"Snapshots", "State"}, "ec2", "describe-snapshots", "--owner-ids", "self",
		"--filters", "Name=tag:set,Values=x/*", "Name=volume-size,Values=100"), "completed")
	c.refused(prod, east, "InvalidSnapshot.InUse", "ec2", "delete-snapshot", "--snapshot-id", "snap-00000002")
	c.refused(prod, east, "DryRunOperation", "ec2", "delete-snapshot", "--snapshot-id", "snap-00000001", "--dry-run")
	c.run(prod, east, nil, "ec2", "delete-snapshot", "--snapshot-id", "snap-00000001")
	c.refused(prod, east, "InvalidSnapshot.NotFound", "ec2", "describe-snapshots", "--snapshot-ids", "snap-00000001")
	a.SetDenied(prod, "ec2:*")
	c.refused(prod, east, "UnauthorizedOperation", "ec2", "describe-volumes")
}
