package sandbox

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// maxExportName bounds the name that exported files begin with.
const maxExportName = 1000

// exportSnapshot writes a snapshot into a bucket: for each shard one object, named
// after the target and the shard: NAME-0001.rdb. They are there when it is done.
//
// Amazon ElastiCache User Guide, "Exporting a backup" (the names, the bucket's
// Region and owner, the permissions, and that there is no export with data tiering)
// and API Reference, CopySnapshot (the messages). Of the codes only
// InvalidParameterValue fits; that the snapshot shows "exporting" meanwhile is
// assumed.
func (s *cacheState) exportSnapshot(r *request, snap *cacheSnapshot, name, bucket string) (any, error) {
	switch {
	case snap.of.dataTiering:
		return nil, refuse("SnapshotFeatureNotSupportedFault", "Snapshots of clusters with data tiering cannot be exported to Amazon S3.")
	case len(name) > maxExportName || !utf8.ValidString(name):
		return nil, invalidValue("The parameter TargetSnapshotName must have between 1 and %d characters in UTF-8.", maxExportName)
	}
	if err := s.export(r, snap, name, bucket); err != nil {
		return nil, err
	}
	return cacheSnapshotResult{showCacheSnapshot(snap, false, r.now)}, nil
}

// exportServerlessSnapshot is the same for serverless caches. It has no name for
// the target: that the objects are named after the snapshot is assumed.
//
// Amazon ElastiCache API Reference, ExportServerlessCacheSnapshot: Valkey and Redis
// OSS only.
func (s *cacheState) exportServerlessSnapshot(r *request) (any, error) {
	name, bucket := r.params.need("ServerlessCacheSnapshotName"), r.params.need("S3BucketName")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	snap, ok := s.region(r.place()).snapshot(true, name, r.now)
	if !ok {
		return nil, cacheSnapshotNotFound(true, name)
	}
	if snap.of.engine == "memcached" {
		return nil, invalidValue("Exporting snapshots is not supported for the engine memcached.")
	}
	if err := s.export(r, snap, snap.name, bucket); err != nil {
		return nil, err
	}
	return serverlessSnapshotResult{showServerlessSnapshot(snap, r.now)}, nil
}

func (s *cacheState) export(r *request, snap *cacheSnapshot, name, bucketName string) error {
	if err := snap.mustBe(r.now, "export", statusAvailable); err != nil {
		return err
	}
	b, err := s.exportBucket(r, bucketName)
	if err != nil {
		return err
	}
	done := r.now.Add(s.aws.options.Durations.Copy.of(snap.of.gib))
	files := snap.files()
	sse, err := s.exportEncryption(r, b)
	if err != nil {
		return err
	}
	for i := range files {
		key := fmt.Sprintf("%s-%04d.rdb", name, i+1)
		if _, taken := b.object(key, done); taken {
			return invalidValue("The S3 bucket %s already contains an object with key %s.", b.name, key)
		}
	}
	for i, file := range files {
		o := storedBy(b, fmt.Sprintf("%s-%04d.rdb", name, i+1), file, done)
		o.sse = sse
		b.put(o, done, r.now)
	}
	snap.status.set(r.now, statusExporting)
	snap.status.then(done, statusAvailable)
	return nil
}

// exportEncryption gives how files in a bucket are encrypted, which is by its
// default. That ElastiCache, too, may use a key is not looked at.
func (s *cacheState) exportEncryption(r *request, b *bucket) (encryption, error) {
	sse := b.sse
	if sse.algorithm != sseKMS {
		return encryption{algorithm: sseS3}, nil
	}
	var err error
	if sse.key, err = s.aws.s3.useKey(r, b, or(sse.key, "alias/aws/s3"), "GenerateDataKey"); err != nil {
		return sse, invalidValue("The S3 bucket %s is encrypted with a key that cannot be used: %s", b.name, plain(err))
	}
	return sse, nil
}

// elasticacheIn is ElastiCache, as it comes to S3 in a Region: as a service in
// policies, and as an account in the grants of those Regions that are enabled by
// default.
//
// Amazon ElastiCache User Guide, "Exporting a backup", step 2.
func elasticacheIn(region string) caller {
	who := caller{service: region + ".elasticache-snapshot.amazonaws.com"}
	switch {
	case region == "us-gov-west-1":
		who.canonical = "40fa568277ad703bd160f66ae4f83fc9dfdfd06c2f1b5060ca22442ac3ef8be6"
	case slices.Contains(regionsByDefault(), region):
		who.canonical = "540804c33a284a299d2547575ce1010f2312ef3da9b3a053c8bc45bf233e4353"
	}
	return who
}

// regionsByDefault lists the Regions from before March 20, 2019, which need not be
// enabled (AWS General Reference, "AWS Regions").
func regionsByDefault() []string {
	return []string{
		"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
		"eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
	}
}

// exportBucket finds the bucket that a snapshot is to go to, if the caller and
// ElastiCache may use it. What the caller needs is listed in the User Guide under
// "Exporting a backup", step 3.
func (s *cacheState) exportBucket(r *request, name string) (*bucket, error) {
	acc := s.aws.account(r.who.account)
	for _, action := range [...]string{"GetBucketLocation", "ListAllMyBuckets", "PutObject", "GetObject", "DeleteObject", "ListBucket"} {
		if acc.denies("s3", action) {
			return nil, invalidValue("ElastiCache was unable to validate the authenticated user has access on the S3 bucket %s.", name)
		}
	}
	b, ok := s.aws.s3.buckets[name]
	switch {
	case !ok:
		return nil, invalidValue("The S3 bucket %s does not exist.", name)
	case b.account != r.who.account:
		return nil, invalidValue("The S3 bucket %s is not owned by the authenticated user.", name)
	case b.region != r.region:
		return nil, invalidValue("The S3 bucket %s is outside of the region.", name)
	}
	who := elasticacheIn(r.region)
	granted := func(permission string, actions ...string) error {
		for _, action := range actions {
			key := ""
			if !bucketAction(action) {
				key = "*"
			}
			// A grant of the bucket's list is enough by itself.
			byList := b.hasACLs() && b.acl.allows(who, permission, b.block.IgnorePublicAcls)
			if b.policy.decide(who, b, key, action, r) == policyDenies || !byList && !s.aws.s3.may(who, b, key, action, r) {
				return invalidValue("ElastiCache has not been granted %s permissions %s on the S3 Bucket.", permission, or(who.canonical, who.service))
			}
		}
		return nil
	}
	return b, firstError(
		granted(grantRead, "ListBucket", "GetObject", "ListMultipartUploadParts", "ListBucketMultipartUploads"),
		granted(grantWrite, "PutObject"), granted(grantReadACP, "GetBucketAcl"))
}

// rdbValue is how long the values in exported files are.
const rdbValue = 64 << 20

// files gives what is exported of a snapshot: for each shard a file in the RDB
// format, version 9, whose values are made when they are read. Its size is that of
// the data.
//
// Redis documentation, "Redis RDB File Format" (rdb.c): magic and version,
// auxiliary fields, a database with keys and strings, the end and a checksum, of
// which 0 says that there is none.
func (s *cacheSnapshot) files() []*content {
	shards := 1
	if !s.serverless() {
		shards = len(s.nodes)
	}
	size := int64(max(s.of.gib, 1)) << 30 / int64(shards)
	var out []*content
	for shard := range shards {
		out = append(out, s.file(shard, shards, size))
	}
	return out
}

func (s *cacheSnapshot) file(shard, shards int, size int64) *content {
	start := []byte("REDIS0009")
	start = append(start, rdbAux("redis-ver", s.of.version)...)
	if s.of.clusterMode {
		start = append(start, rdbAux(rdbSlots, cacheSlots(shard, shards))...)
	}
	parts := []*content{bytesOf(append(start, 0xfe, 0))} // Database 0 begins.
	seed := s.arn().String() + " " + s.started.UTC().Format(time.RFC3339Nano)
	for n := 0; size > 0; n++ {
		length := min(size, rdbValue)
		size -= length
		key := append([]byte{0}, rdbString(fmt.Sprintf("key-%d-%d", shard, n))...)
		key = append(key, 0x80, byte(length>>24), byte(length>>16), byte(length>>8), byte(length))
		parts = append(parts, bytesOf(key), madeOf(fmt.Sprintf("%s %d %d", seed, shard, n), length))
	}
	return joined(append(parts, bytesOf(append([]byte{0xff}, make([]byte, 8)...)))...)
}

// rdbSlots is the auxiliary field by which the sandbox knows a file that comes from
// a cluster in cluster mode. Others pass over it.
const rdbSlots = "sandbox-slots"

func rdbAux(key, value string) []byte {
	return append(append([]byte{0xfa}, rdbString(key)...), rdbString(value)...)
}

// rdbString writes a short text: its length in one byte and then itself.
func rdbString(s string) []byte { return append([]byte{byte(len(s))}, s...) }
