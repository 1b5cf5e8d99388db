package sandbox_test

import (
	"net/http/httptest"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// The aws command line, which knows nothing of holdfast, reads the answers.
func TestCachesThroughAWSCommandLine(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the aws command line five times")
	}
	a := sandbox.New(sandbox.Options{})
	mustSeed(t, a, cacheSeed)
	server := httptest.NewServer(a)
	defer server.Close()
	c := cli{t, server.URL}

	c.is(c.run(prod, east, []string{"Snapshot", "SnapshotStatus"},
		"elasticache", "create-snapshot", "--replication-group-id", "hot", "--snapshot-name", "one", "--tags", "Key=a,Value=b"), "creating")
	c.is(c.run(prod, east, []string{"ReplicationGroups", "Status"},
		"elasticache", "describe-replication-groups", "--replication-group-id", "hot"), "snapshotting")
	c.is(c.run(prod, east, []string{"ServerlessCaches", "ServerlessCacheName"}, "elasticache", "describe-serverless-caches"), "flow")
	c.is(c.run(prod, east, []string{"TagList", "Value"},
		"elasticache", "list-tags-for-resource", "--resource-name", *cacheARN("snapshot", "plain")), "shop")
	c.refused(prod, east, "SnapshotFeatureNotSupportedFault",
		"elasticache", "create-snapshot", "--cache-cluster-id", "pages", "--snapshot-name", "two")
}
