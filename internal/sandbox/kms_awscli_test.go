package sandbox_test

import (
	"net/http/httptest"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// The aws command line understands the answers and errors of KMS.
func TestAWSCommandLineKMS(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the aws command line several times")
	}
	a := sandbox.New(sandbox.Options{})
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	c := cli{t, server.URL}
	key := c.run(prod, east, []string{"KeyMetadata", "Arn"}, "kms", "create-key", "--description", "for copies", "--tags", "TagKey=team,TagValue=shop").(string)
	c.run(prod, east, nil, "kms", "create-alias", "--alias-name", "alias/dr", "--target-key-id", key)
	c.is(c.run(prod, east, []string{"Aliases", "AliasName"}, "kms", "list-aliases", "--key-id", key), "alias/dr")
	c.refused(recovery, east, "AccessDeniedException", "kms", "describe-key", "--key-id", key)
	c.run(prod, east, nil, "kms", "put-key-policy", "--key-id", key, "--policy-name", "default", "--policy",
		statement("Allow", `{"AWS": "222222222222"}`, `["kms:DescribeKey", "kms:CreateGrant"]`, ""))
	c.is(c.run(recovery, east, []string{"KeyMetadata", "KeyState"}, "kms", "describe-key", "--key-id", key), "Enabled")
	c.run(prod, east, []string{"GrantId"}, "kms", "create-grant", "--key-id", key, "--grantee-principal", "arn:aws:iam::222222222222:root",
		"--operations", "Decrypt", "--name", "copies")
	c.is(c.run(prod, east, []string{"Grants", "Name"}, "kms", "list-grants", "--key-id", key), "copies")
	c.is(c.run(prod, east, []string{"KeyState"}, "kms", "schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "7"), "PendingDeletion")
	c.refused(prod, east, "KMSInvalidStateException", "kms", "enable-key", "--key-id", key)
	c.refused(prod, east, "NotFoundException", "kms", "describe-key", "--key-id", "alias/none")
}
