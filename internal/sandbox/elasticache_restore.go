package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
)

// cacheSource is what a new cache is to be filled from: files in S3, or a snapshot.
type cacheSource struct {
	arns                 []string
	snapshot, serverless string
}

func readCacheSource(p *params) cacheSource {
	return cacheSource{
		arns: p.list("SnapshotArns", "SnapshotArn"), snapshot: p.str("SnapshotName"), serverless: p.str("ServerlessCacheSnapshotName"),
	}
}

// readShards reads how a group's shards are set up one by one. Those that differ in
// their replicas, or do not share the slots evenly, are not simulated.
func readShards(p *params, c *cacheConfig) error {
	all := p.members("NodeGroupConfiguration", "NodeGroupConfiguration")
	for i, prefix := range all {
		p.ignore(prefix + ".NodeGroupId")
		primary, others := p.str(prefix+".PrimaryAvailabilityZone"), p.list(prefix+".ReplicaAvailabilityZones", "AvailabilityZone")
		if primary != "" {
			c.zones = append(c.zones, append([]string{primary}, others...))
		}
		if n := p.number(prefix + ".ReplicaCount"); n != nil {
			if i > 0 && *n != c.replicas {
				return notSimulated("shards with different numbers of replicas")
			}
			c.replicas = *n
		}
		if slots := p.str(prefix + ".Slots"); slots != "" && slots != cacheSlots(i, len(all)) {
			return notSimulated("slots that are not shared evenly: %s", slots)
		}
	}
	switch {
	case len(all) > 0 && c.shards != 0 && c.shards != len(all):
		return invalidCombination("NumNodeGroups must be the number of elements of NodeGroupConfiguration.")
	case len(all) > 0:
		c.shards = len(all)
	}
	return nil
}

// cacheData is what a new cache is filled from.
type cacheData struct {
	names []string
	// snapshot is the snapshot that it is, if it is one.
	snapshot *cacheSnapshot
	// broken says that it cannot be read after all.
	broken bool
}

// outcome gives the status that a cache has in the end.
//
// Amazon ElastiCache User Guide, "Seeding a new cluster with an externally created
// backup": restore-failed. For groups the status is assumed.
func (d cacheData) outcome(form cacheForm) string {
	switch {
	case !d.broken:
		return statusAvailable
	case form == formCluster:
		return "restore-failed"
	default:
		return "create-failed"
	}
}

// hold shows that a snapshot is in use (API Reference, CreateReplicationGroup:
// "changes to restoring while the new replication group is being created").
func (d cacheData) hold(now, until time.Time) {
	if d.snapshot != nil {
		d.snapshot.status.set(now, statusRestoring)
		d.snapshot.status.then(until, statusAvailable)
	}
}

// dataFor finds what a new cache is to be filled from, and gives the cache the
// settings that come with it and were not said.
func (s *cacheState) dataFor(r *request, form cacheForm, c *cacheConfig, from cacheSource) (cacheData, error) {
	given := 0
	for _, is := range [...]bool{len(from.arns) > 0, from.snapshot != "", from.serverless != ""} {
		if is {
			given++
		}
	}
	switch {
	case given == 0:
		return cacheData{}, nil
	case given > 1:
		return cacheData{}, invalidCombination("Only one of SnapshotArns, SnapshotName and ServerlessCacheSnapshotName can be given.")
	case c.engine == "memcached":
		return cacheData{}, invalidCombination("Snapshots can only be given for the engines redis and valkey.")
	case from.snapshot != "":
		return s.fromSnapshot(r, form, c, false, from.snapshot)
	case from.serverless != "":
		return s.fromSnapshot(r, form, c, true, from.serverless)
	}
	if a, ok := parseARN(from.arns[0]); ok && form == formServerless && a.service == "elasticache" {
		return s.fromSnapshotARN(r, form, c, a, len(from.arns))
	}
	return s.fromFiles(r, form, c, from.arns)
}

func (s *cacheState) fromSnapshotARN(r *request, form cacheForm, c *cacheConfig, a arn, n int) (cacheData, error) {
	kind := a.kind == "serverlesssnapshot"
	if n > 1 || a.place != r.place() || !kind && a.kind != "snapshot" {
		return cacheData{}, invalidValue("Invalid snapshot ARN: %s", a)
	}
	return s.fromSnapshot(r, form, c, kind, a.id)
}

// fromSnapshot fills a cache from a snapshot of the same account and Region.
//
// Amazon ElastiCache User Guide, "Restoring from a backup into a new cache": what
// was in cluster mode stays in it. "Data tiering": a backup of a cluster with data
// tiering can only be restored into another.
func (s *cacheState) fromSnapshot(r *request, form cacheForm, c *cacheConfig, serverless bool, name string) (cacheData, error) {
	snap, ok := s.region(r.place()).snapshot(serverless, name, r.now)
	if !ok {
		return cacheData{}, invalidValue("Snapshot not found: %s", name)
	}
	if !snap.status.in(r.now, statusAvailable, statusRestoring) {
		return cacheData{}, invalidValue("Snapshot %s cannot be restored: it is %s.", snap.name, snap.status.get(r.now))
	}
	of := snap.of
	if form != formServerless {
		if of.clusterMode && form == formCluster {
			return cacheData{}, invalidCombination("A snapshot of a cluster with cluster mode enabled cannot be restored into a single node.")
		}
		if form == formGroup && c.shards == 0 && of.clusterMode {
			c.shards = of.shards
		}
		c.node, c.clusterMode = or(c.node, of.node), c.clusterMode || of.clusterMode
		if of.dataTiering != c.dataTiering {
			return cacheData{}, invalidCombination("A snapshot can be restored into a cluster with data tiering only if it is of one, and into no other.")
		}
	}
	if c.engine == "" {
		c.engine, c.version = of.engine, or(c.version, of.version)
	}
	if of.engine == c.engine && form != formServerless && older(or(c.version, of.version), of.version) {
		return cacheData{}, invalidCombination("A snapshot of version %s cannot be restored into version %s.", of.version, c.version)
	}
	c.gib = of.gib
	return cacheData{names: []string{snap.name}, snapshot: snap}, nil
}

// fromFiles fills a cache from files in S3, which ElastiCache must be able to read.
// How many there are does not tell how many shards there will be.
//
// Amazon ElastiCache API Reference, CreateReplicationGroup and CreateCacheCluster
// (SnapshotArns); User Guide, "Seeding a new cluster with an externally created
// backup": the bucket's Region, what must be granted, encryption with SSE-S3 only,
// and that what comes from cluster mode cannot go into a cluster without. The
// messages are made after those of the export.
func (s *cacheState) fromFiles(r *request, form cacheForm, c *cacheConfig, arns []string) (cacheData, error) {
	out, size := cacheData{names: arns}, int64(0)
	if len(arns) > 1 && (form == formCluster || form == formGroup && !c.clusterMode) {
		return out, invalidValue("Exactly one snapshot ARN can be given where cluster mode is disabled.")
	}
	for _, name := range arns {
		o, err := s.file(r, name)
		if err != nil {
			return out, err
		}
		magic, slots := rdbHead(o.content)
		if !magic {
			out.broken = true
		}
		if slots && form != formServerless && !c.clusterMode {
			return out, invalidCombination("The file %s is of a cluster with cluster mode enabled: it cannot be restored into one with cluster mode disabled.", name)
		}
		size += o.content.size()
	}
	c.gib = int((size + 1<<30 - 1) >> 30)
	return out, nil
}

// file finds a file in S3 that ElastiCache may read.
func (s *cacheState) file(r *request, name string) (*object, error) {
	path, ok := strings.CutPrefix(name, "arn:aws:s3:::")
	bucketName, key, slash := strings.Cut(path, "/")
	if !ok || !slash || key == "" || strings.Contains(name, ",") {
		return nil, invalidValue("Invalid S3 ARN: %s", name)
	}
	b, ok := s.aws.s3.buckets[bucketName]
	switch {
	case !ok:
		return nil, invalidValue("The S3 bucket %s does not exist.", bucketName)
	case b.region != r.region:
		return nil, invalidValue("The S3 bucket %s is outside of the region.", bucketName)
	}
	who := elasticacheIn(r.region)
	o, exists := b.object(key, r.now)
	listed := exists && b.hasACLs() && o.acl.allows(who, grantRead, true) && o.acl.allows(who, grantReadACP, true)
	for _, action := range [...]string{"GetObject", "ListBucket", "GetBucketAcl"} {
		if b.policy.decide(who, b, key, action, r) == policyDenies || !listed && !s.aws.s3.may(who, b, key, action, r) {
			return nil, invalidValue("ElastiCache has not been granted READ permissions %s on the S3 object %s.", or(who.canonical, who.service), name)
		}
	}
	switch {
	case !exists:
		return nil, invalidValue("The S3 object %s does not exist.", name)
	case o.sse.algorithm == sseKMS:
		return nil, invalidValue("The S3 object %s is encrypted with a KMS key: only SSE-S3 is supported.", name)
	case archived(o.class):
		return nil, invalidValue("The S3 object %s is archived.", name)
	}
	return o, nil
}

// rdbHead reads the beginning of a file: whether it is one of the RDB format, and
// whether it comes from cluster mode.
func rdbHead(c *content) (magic, slots bool) {
	start := make([]byte, 512)
	n, _ := io.ReadFull(c.reader(), start) // Shorter files end early.
	start = start[:n]
	magic = bytes.HasPrefix(start, []byte("REDIS")) || bytes.HasPrefix(start, []byte("VALKEY"))
	return magic, bytes.Contains(start, rdbString(rdbSlots))
}

// CacheSeededFrom names what a cache was made from: a snapshot, or objects in S3 by
// their ARNs; nothing where it began empty.
func (a *AWS) CacheSeededFrom(account, region, form, name string) ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	kind, err := seedForm(form)
	if err != nil {
		return nil, err
	}
	c, ok := a.elasticache.region(place{account, region}).cache(kind, name, a.now())
	if !ok {
		return nil, fmt.Errorf("cache %s in %s of %s: there is no such cache", name, region, account)
	}
	return c.seeded, nil
}
