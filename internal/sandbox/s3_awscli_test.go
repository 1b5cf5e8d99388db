package sandbox_test

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// The aws command line has a client for S3 of its own: other checksums, other
// chunks, uploads in parts from 8 MiB on, listings with encoded keys.
func TestS3ThroughAWSCommandLine(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the aws command line a dozen times")
	}
	a := sandbox.New(sandbox.Options{})
	server := httptest.NewServer(a)
	defer server.Close()
	c := cli{t, server.URL}

	c.run(prod, west, nil, "s3", "mb", "s3://depot")
	c.is(c.run(prod, west, []string{"LocationConstraint"}, "s3api", "get-bucket-location", "--bucket", "depot"), west)
	c.refused(prod, west, "BucketAlreadyOwnedByYou", "s3api", "create-bucket", "--bucket", "depot", "--create-bucket-configuration", "LocationConstraint="+west)

	dir := t.TempDir()
	big, back := filepath.Join(dir, "big"), filepath.Join(dir, "back")
	body := bytes.Repeat([]byte("0123456789abcdef"), 20<<20/16)
	if err := os.WriteFile(big, body, 0o600); err != nil {
		t.Fatal(err)
	}
	c.run(prod, west, nil, "s3", "cp", big, "s3://depot/a b/big+1")
	c.run(prod, west, nil, "s3", "cp", "s3://depot/a b/big+1", "s3://depot/copy")
	c.run(prod, west, nil, "s3", "cp", "s3://depot/copy", back)
	if got, err := os.ReadFile(back); err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d bytes came back of %d: %v", len(got), len(body), err)
	}
	c.is(c.run(prod, west, []string{"Contents", "Key"}, "s3api", "list-objects-v2", "--bucket", "depot"), "a b/big+1")
	c.is(c.run(prod, west, []string{"CommonPrefixes", "Prefix"}, "s3api", "list-objects-v2", "--bucket", "depot", "--delimiter", "/"), "a b/")
	c.is(c.run(prod, west, []string{"ContentLength"}, "s3api", "head-object", "--bucket", "depot", "--key", "copy"), float64(len(body)))
	c.refused(prod, west, "404", "s3api", "head-object", "--bucket", "depot", "--key", "none")
	c.refused(prod, west, "NoSuchKey", "s3api", "get-object", "--bucket", "depot", "--key", "none", back)
	c.refused(prod, west, "PreconditionFailed", "s3api", "put-object", "--bucket", "depot", "--key", "copy", "--if-none-match", "*")
	c.is(c.run(prod, west, []string{"Grants", "Permission"}, "s3api", "get-bucket-acl", "--bucket", "depot"), "FULL_CONTROL")
	c.run(prod, west, nil, "s3", "rm", "s3://depot", "--recursive")
	c.run(prod, west, nil, "s3", "rb", "s3://depot")
}

func TestQuotasThroughAWSCommandLine(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the aws command line three times")
	}
	a := sandbox.New(sandbox.Options{})
	server := httptest.NewServer(a)
	defer server.Close()
	c := cli{t, server.URL}

	c.is(c.run(prod, east, []string{"Quota", "Value"}, "service-quotas", "get-service-quota", "--service-code", "rds", "--quota-code", "L-272F1212"), 100.0)
	c.is(c.run(prod, east, []string{"Quotas", "ServiceCode"}, "service-quotas", "list-service-quotas", "--service-code", "redshift"), "redshift")
	c.refused(prod, east, "NoSuchResourceException", "service-quotas", "get-service-quota", "--service-code", "rds", "--quota-code", "L-0")
}
