package sandbox_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

const exportSeed = `
accounts:
  "111111111111":
    regions:
      us-east-1:
        caches:
          hot: {size: 2, tls: true}
          shards: {shards: 2, replicas: 1, size: 4}
          tiered: {node: cache.r6gd.xlarge, data-tiering: true}
          flow: {form: serverless, engine: valkey}
          pages: {form: serverless, engine: memcached}
          lone: {form: cluster}
        cache-snapshots:
          - {of: hot, name: hot-1}
          - {of: hot, name: fresh, status: creating}
          - {of: shards, name: shards-1}
          - {of: tiered, name: tiered-1}
          - {of: flow, form: serverless, name: flow-1}
          - {of: pages, form: serverless, name: pages-1}
`

// elasticachePolicy is what AWS's documentation says to grant.
func elasticachePolicy(region, bucket, actions string) string {
	if actions == "" {
		actions = `"s3:PutObject","s3:GetObject","s3:ListBucket","s3:GetBucketAcl","s3:ListMultipartUploadParts","s3:ListBucketMultipartUploads"`
	}
	return `{"Effect":"Allow","Principal":{"Service":"` + region + `.elasticache-snapshot.amazonaws.com"},"Action":[` + actions +
		`],"Resource":["arn:aws:s3:::` + bucket + `","arn:aws:s3:::` + bucket + `/*"]}`
}

// inExports runs a test on caches and the buckets "out" and "west" of prod, which
// ElastiCache may use, and "shut", which it may not.
func inExports(t *testing.T, run func(t *testing.T, a *sandbox.AWS, c *elasticache.Client, b *s3.Client)) {
	t.Helper()
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		mustSeed(t, a, exportSeed)
		b := s3At(a, prod, east)
		for name, region := range map[string]string{"out": east, "west": west, "shut": east} {
			wantCode(t, a.PutBucket(prod, region, name), "")
			if name != "shut" {
				wantCode(t, setPolicy(t.Context(), s3At(a, prod, region), name, elasticachePolicy(region, name, "")), "")
			}
		}
		wantCode(t, a.PutBucket(recovery, east, "theirs"), "")
		run(t, a, cachesAt(a, prod, east), b)
	})
}

func TestExportRules(t *testing.T) {
	for _, tc := range []struct {
		name, from, to, bucket, code, message string
		before                                func(context.Context, *s3.Client) error
	}{
		{name: "export", from: "hot-1", to: "copy", bucket: "out"},
		{name: "a long name", from: "hot-1", to: strings.Repeat("a", 100), bucket: "out"},
		{name: "what is being made", from: "fresh", to: "copy", bucket: "out", code: "InvalidSnapshotState"},
		{name: "data tiering", from: "tiered-1", to: "copy", bucket: "out", code: "SnapshotFeatureNotSupportedFault"},
		{name: "no bucket", from: "hot-1", to: "copy", bucket: "none", code: "InvalidParameterValue", message: "does not exist"},
		{name: "another Region", from: "hot-1", to: "copy", bucket: "west", code: "InvalidParameterValue", message: "outside of the region"},
		{name: "another's bucket", from: "hot-1", to: "copy", bucket: "theirs", code: "InvalidParameterValue", message: "not owned"},
		{name: "nothing granted", from: "hot-1", to: "copy", bucket: "shut", code: "InvalidParameterValue", message: "not been granted READ permissions"},
		{
			name: "no writing granted", from: "hot-1", to: "copy", bucket: "shut", code: "InvalidParameterValue", message: "not been granted WRITE permissions",
			before: func(ctx context.Context, c *s3.Client) error {
				return setPolicy(ctx, c, "shut", elasticachePolicy(east, "shut", `"s3:Get*","s3:List*"`))
			},
		},
		{
			name: "the list not granted", from: "hot-1", to: "copy", bucket: "shut", code: "InvalidParameterValue", message: "not been granted READ_ACP permissions",
			before: func(ctx context.Context, c *s3.Client) error {
				return setPolicy(ctx, c, "shut", elasticachePolicy(east, "shut", `"s3:GetObject","s3:List*","s3:PutObject"`))
			},
		},
		{
			name: "granted for another Region", from: "hot-1", to: "copy", bucket: "shut", code: "InvalidParameterValue", message: "READ permissions",
			before: func(ctx context.Context, c *s3.Client) error {
				return setPolicy(ctx, c, "shut", elasticachePolicy(west, "shut", ""))
			},
		},
		{
			name: "granted by a list", from: "hot-1", to: "copy", bucket: "shut",
			before: func(ctx context.Context, c *s3.Client) error {
				_, err := c.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{Bucket: aws.String("shut"), OwnershipControls: &s3types.OwnershipControls{
					Rules: []s3types.OwnershipControlsRule{{ObjectOwnership: s3types.ObjectOwnershipBucketOwnerPreferred}},
				}})
				if err != nil {
					return err
				}
				id := aws.String("id=540804c33a284a299d2547575ce1010f2312ef3da9b3a053c8bc45bf233e4353")
				_, err = c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: aws.String("shut"), GrantRead: id, GrantWrite: id, GrantReadACP: id})
				return err
			},
		},
		{
			name: "a name that is taken", from: "hot-1", to: "copy", bucket: "out", code: "InvalidParameterValue", message: "already contains an object with key copy-0001.rdb",
			before: func(ctx context.Context, c *s3.Client) error {
				_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("out"), Key: aws.String("copy-0001.rdb")})
				return err
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inExports(t, func(t *testing.T, _ *sandbox.AWS, c *elasticache.Client, b *s3.Client) {
				if tc.before != nil {
					wantCode(t, tc.before(t.Context(), b), "")
				}
				err := copyCacheSnapshot(tc.from, tc.to, tc.bucket)(t.Context(), c)
				wantCode(t, err, tc.code)
				if tc.code != "" && !strings.Contains(err.Error(), tc.message) {
					t.Errorf("%v, want %q in it", err, tc.message)
				}
			})
		})
	}
}

func TestExportNeedsTheCallersPermissions(t *testing.T) {
	inExports(t, func(t *testing.T, a *sandbox.AWS, c *elasticache.Client, _ *s3.Client) {
		a.SetDenied(prod, "s3:ListAllMyBuckets")
		wantCode(t, copyCacheSnapshot("hot-1", "copy", "out")(t.Context(), c), "InvalidParameterValue")
	})
}

func bucketKeys(ctx context.Context, t *testing.T, c *s3.Client, bucket string) string {
	t.Helper()
	out, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket})
	wantCode(t, err, "")
	var keys []string
	for _, o := range out.Contents {
		keys = append(keys, *o.Key)
	}
	return strings.Join(keys, " ")
}

// A snapshot goes to another Region as AWS's documentation says: exported, copied,
// and taken to seed a new group.
func TestExportCopySeed(t *testing.T) {
	inExports(t, func(t *testing.T, a *sandbox.AWS, c *elasticache.Client, b *s3.Client) {
		ctx := t.Context()
		out, err := c.CopySnapshot(ctx, &elasticache.CopySnapshotInput{
			SourceSnapshotName: aws.String("shards-1"), TargetSnapshotName: aws.String("Gone"), TargetBucket: aws.String("out"),
		})
		wantCode(t, err, "")
		if *out.Snapshot.SnapshotName != "shards-1" || *out.Snapshot.SnapshotStatus != "exporting" || bucketKeys(ctx, t, b, "out") != "" {
			t.Errorf("while it is exported: %+v", out.Snapshot)
		}
		wantCode(t, dropCacheSnapshot("shards-1")(ctx, c), "InvalidSnapshotState")
		time.Sleep(time.Hour)
		if got := bucketKeys(ctx, t, b, "out"); got != "Gone-0001.rdb Gone-0002.rdb" {
			t.Errorf("exported: %s", got)
		}
		file, err := b.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("out"), Key: aws.String("Gone-0001.rdb"), Range: aws.String("bytes=0-8")})
		wantCode(t, err, "")
		if magic, _ := io.ReadAll(file.Body); string(magic) != "REDIS0009" || !strings.HasPrefix(*file.ContentRange, "bytes 0-8/21474") {
			t.Errorf("the file begins with %q and is %s", magic, *file.ContentRange)
		}
		inWest, there := s3At(a, prod, west), cachesAt(a, prod, west)
		var arns []string
		for _, key := range []string{"Gone-0001.rdb", "Gone-0002.rdb"} {
			_, err = inWest.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String("west"), Key: aws.String(key), CopySource: aws.String("out/" + key)})
			wantCode(t, err, "")
			arns = append(arns, "arn:aws:s3:::west/"+key)
		}
		_, err = there.CreateReplicationGroup(ctx, &elasticache.CreateReplicationGroupInput{
			ReplicationGroupId: aws.String("new"), ReplicationGroupDescription: aws.String("d"), Engine: aws.String("redis"), CacheNodeType: aws.String("cache.r7g.large"),
			SnapshotArns: arns, NodeGroupConfiguration: []types.NodeGroupConfiguration{
				{NodeGroupId: aws.String("0001"), Slots: aws.String("0-8191"), ReplicaCount: aws.Int32(1)}, {NodeGroupId: aws.String("0002"), Slots: aws.String("8192-16383"), ReplicaCount: aws.Int32(1)},
			},
		})
		wantCode(t, err, "")
		time.Sleep(time.Hour)
		groups, err := there.DescribeReplicationGroups(ctx, &elasticache.DescribeReplicationGroupsInput{ReplicationGroupId: aws.String("new")})
		wantCode(t, err, "")
		if g := groups.ReplicationGroups[0]; *g.Status != "available" || len(g.NodeGroups) != 2 || !*g.ClusterEnabled || len(g.MemberClusters) != 4 {
			t.Errorf("the new group: %+v", g)
		}
		from, err := a.CacheSeededFrom(prod, west, "group", "new")
		wantCode(t, err, "")
		if strings.Join(from, " ") != strings.Join(arns, " ") {
			t.Errorf("seeded from %v", from)
		}
	})
}

func TestServerlessExport(t *testing.T) {
	inExports(t, func(t *testing.T, _ *sandbox.AWS, c *elasticache.Client, b *s3.Client) {
		ctx := t.Context()
		export := func(name, bucket string) error {
			_, err := c.ExportServerlessCacheSnapshot(ctx, &elasticache.ExportServerlessCacheSnapshotInput{ServerlessCacheSnapshotName: &name, S3BucketName: &bucket})
			return err
		}
		wantCode(t, export("none", "out"), "ServerlessCacheSnapshotNotFoundFault")
		wantCode(t, export("pages-1", "out"), "InvalidParameterValue")
		wantCode(t, export("flow-1", "shut"), "InvalidParameterValue")
		wantCode(t, export("flow-1", "out"), "")
		wantCode(t, export("flow-1", "out"), "InvalidServerlessCacheSnapshotStateFault")
		time.Sleep(time.Hour)
		if got := bucketKeys(ctx, t, b, "out"); got != "flow-1-0001.rdb" {
			t.Errorf("exported: %s", got)
		}
		_, err := c.CreateServerlessCache(ctx, &elasticache.CreateServerlessCacheInput{
			ServerlessCacheName: aws.String("flow-2"), Engine: aws.String("valkey"), SnapshotArnsToRestore: []string{*cacheARN("serverlesssnapshot", "flow-1")},
		})
		wantCode(t, err, "")
		_, err = c.CreateServerlessCache(ctx, &elasticache.CreateServerlessCacheInput{
			ServerlessCacheName: aws.String("flow-3"), Engine: aws.String("valkey"), SnapshotArnsToRestore: []string{"arn:aws:s3:::out/flow-1-0001.rdb"},
		})
		wantCode(t, err, "")
	})
}

func TestSeedsFromFiles(t *testing.T) {
	type group = elasticache.CreateReplicationGroupInput
	for _, tc := range []struct {
		name, code, status string
		change             func(*group)
	}{
		{"a file", "", "available", func(in *group) { in.SnapshotArns = []string{"arn:aws:s3:::out/a/hot.rdb"} }},
		{"two files without cluster mode", "InvalidParameterValue", "", func(in *group) {
			in.SnapshotArns = []string{"arn:aws:s3:::out/a/hot.rdb", "arn:aws:s3:::out/a/hot.rdb"}
		}},
		{"one file for two shards", "", "available", func(in *group) {
			in.SnapshotArns, in.NumNodeGroups = []string{"arn:aws:s3:::out/a/hot.rdb"}, aws.Int32(2)
		}},
		{"out of cluster mode", "InvalidParameterCombination", "", func(in *group) { in.SnapshotArns = []string{"arn:aws:s3:::out/a/shard.rdb"} }},
		{"no file", "InvalidParameterValue", "", func(in *group) { in.SnapshotArns = []string{"arn:aws:s3:::out/none.rdb"} }},
		{"no bucket", "InvalidParameterValue", "", func(in *group) { in.SnapshotArns = []string{"arn:aws:s3:::nowhere/none.rdb"} }},
		{"no ARN", "InvalidParameterValue", "", func(in *group) { in.SnapshotArns = []string{"s3://out/a/hot.rdb"} }},
		{"another Region", "InvalidParameterValue", "", func(in *group) { in.SnapshotArns = []string{"arn:aws:s3:::west/a/hot.rdb"} }},
		{"nothing granted", "InvalidParameterValue", "", func(in *group) { in.SnapshotArns = []string{"arn:aws:s3:::shut/a/hot.rdb"} }},
		{"encrypted with a key", "InvalidParameterValue", "", func(in *group) { in.SnapshotArns = []string{"arn:aws:s3:::out/a/sealed.rdb"} }},
		{"not of the format", "", "create-failed", func(in *group) { in.SnapshotArns = []string{"arn:aws:s3:::out/a/text.rdb"} }},
		{"a snapshot as well", "InvalidParameterCombination", "", func(in *group) {
			in.SnapshotArns, in.SnapshotName = []string{"arn:aws:s3:::out/a/hot.rdb"}, aws.String("hot-1")
		}},
		{"a snapshot", "", "available", func(in *group) { in.SnapshotName = aws.String("hot-1") }},
		{"a snapshot of two shards", "", "available", func(in *group) { in.SnapshotName = aws.String("shards-1") }},
		{"no snapshot", "InvalidParameterValue", "", func(in *group) { in.SnapshotName = aws.String("none") }},
		{"a snapshot that is not done", "InvalidParameterValue", "", func(in *group) { in.SnapshotName = aws.String("fresh") }},
		{"a snapshot with data tiering", "InvalidParameterCombination", "", func(in *group) { in.SnapshotName = aws.String("tiered-1") }},
		{"a serverless snapshot", "", "available", func(in *group) { in.ServerlessCacheSnapshotName = aws.String("flow-1") }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inExports(t, func(t *testing.T, a *sandbox.AWS, c *elasticache.Client, b *s3.Client) {
				ctx := t.Context()
				put := func(bucket, region, key, body string, sse s3types.ServerSideEncryption) {
					_, err := s3At(a, prod, region).PutObject(ctx, &s3.PutObjectInput{
						Bucket: &bucket, Key: aws.String("a/" + key), Body: bytes.NewReader([]byte(body)), ServerSideEncryption: sse,
					})
					wantCode(t, err, "")
				}
				put("out", east, "hot.rdb", "REDIS0011", "")
				put("out", east, "shard.rdb", "REDIS0009\xfa\x0dsandbox-slots\x060-8191", "")
				put("out", east, "sealed.rdb", "REDIS0011", s3types.ServerSideEncryptionAwsKms)
				put("out", east, "text.rdb", "hello", "")
				put("west", west, "hot.rdb", "REDIS0011", "")
				put("shut", east, "hot.rdb", "REDIS0011", "")
				in := &group{
					ReplicationGroupId: aws.String("new"), ReplicationGroupDescription: aws.String("d"),
					Engine: aws.String("redis"), CacheNodeType: aws.String("cache.r7g.large"),
				}
				tc.change(in)
				_, err := c.CreateReplicationGroup(ctx, in)
				wantCode(t, err, tc.code)
				if tc.code != "" {
					return
				}
				time.Sleep(time.Hour)
				got, err := c.DescribeReplicationGroups(ctx, &elasticache.DescribeReplicationGroupsInput{ReplicationGroupId: aws.String("new")})
				wantCode(t, err, "")
				if *got.ReplicationGroups[0].Status != tc.status {
					t.Errorf("it is %s, want %s", *got.ReplicationGroups[0].Status, tc.status)
				}
			})
		})
	}
}

// A single node takes one file, and a snapshot shows what it is used for.
func TestSeedsOfSingleNodes(t *testing.T) {
	inExports(t, func(t *testing.T, _ *sandbox.AWS, c *elasticache.Client, b *s3.Client) {
		ctx := t.Context()
		_, err := b.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("out"), Key: aws.String("bad.rdb"), Body: strings.NewReader("hello")})
		wantCode(t, err, "")
		create := func(name string, change func(*elasticache.CreateCacheClusterInput)) error {
			in := &elasticache.CreateCacheClusterInput{
				CacheClusterId: &name, Engine: aws.String("redis"), CacheNodeType: aws.String("cache.t4g.small"), NumCacheNodes: aws.Int32(1),
			}
			change(in)
			_, err := c.CreateCacheCluster(ctx, in)
			return err
		}
		wantCode(t, create("one", func(in *elasticache.CreateCacheClusterInput) { in.SnapshotName = aws.String("hot-1") }), "")
		snaps, err := c.DescribeSnapshots(ctx, &elasticache.DescribeSnapshotsInput{SnapshotName: aws.String("hot-1")})
		wantCode(t, err, "")
		if *snaps.Snapshots[0].SnapshotStatus != "restoring" {
			t.Errorf("the snapshot is %s", *snaps.Snapshots[0].SnapshotStatus)
		}
		wantCode(t, create("two", func(in *elasticache.CreateCacheClusterInput) { in.SnapshotName = aws.String("shards-1") }), "InvalidParameterCombination")
		wantCode(t, create("three", func(in *elasticache.CreateCacheClusterInput) {
			in.Engine, in.SnapshotName = aws.String("memcached"), aws.String("hot-1")
		}), "InvalidParameterCombination")
		wantCode(t, create("four", func(in *elasticache.CreateCacheClusterInput) { in.SnapshotArns = []string{"arn:aws:s3:::out/bad.rdb"} }), "")
		time.Sleep(time.Hour)
		got, err := c.DescribeCacheClusters(ctx, &elasticache.DescribeCacheClustersInput{CacheClusterId: aws.String("four")})
		wantCode(t, err, "")
		if *got.CacheClusters[0].CacheClusterStatus != "restore-failed" {
			t.Errorf("it is %s", *got.CacheClusters[0].CacheClusterStatus)
		}
		_, err = c.DeleteCacheCluster(ctx, &elasticache.DeleteCacheClusterInput{CacheClusterId: aws.String("four")})
		wantCode(t, err, "")
	})
}
