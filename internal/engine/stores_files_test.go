package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	ectypes "github.com/aws/aws-sdk-go-v2/service/elasticache/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	store "github.com/holdfast-dr/holdfast/internal/store/elasticache"
)

// filesTo begins a policy file whose sites have buckets: one in another Region and one
// in another account too.
const filesTo = `namespace: test
sites:
  prod: {account: "111111111111", region: us-east-1, bucket: prod-files}
  near: {account: "111111111111", region: us-west-2, bucket: near-files}
  far: {account: "222222222222", region: us-west-2, role: holdfast, bucket: far-files%s}
policies:
  daily:
    match: {kinds: [elasticache], tags: {backup: gold}}
    every: 1d
    keep: {last: 3, floor: 1}
    copies:
`

const (
	toFarFiles  = "      - {to: far, keep: {daily: 14, floor: 2}}\n"
	toNearFiles = "      - {to: near, keep: {daily: 7, floor: 1}}\n"
)

func nearSite() dr.Site { return located("near", farRegion) }

// theirFiles are objects in every bucket that are not holdfast's, or not of this
// installation, however much they look like it.
func theirFiles() []string {
	return []string{
		"hf-orders-daily-20000101t000000z-abcdefgh-0001.rdb", "hf-notes.txt", "report.csv",
		"holdfast/elasticache/readme.txt", "holdfast/elasticache/test/notes.txt",
		"holdfast/elasticache/other/hf-orders-daily-20000101t000000z-abcdefgh/hf-orders-daily-20000101t000000z-abcdefgh-0001.rdb",
	}
}

// depot is a world with buckets and one cache of three shards.
type depot struct {
	*world
	file policy.File
	of   dr.Ref
}

func newDepot(w *world, f policy.File, cache sandbox.SeedCache) *depot {
	w.Helper()
	for name, site := range map[string]dr.Site{"prod-files": home(), "near-files": nearSite(), "far-files": farSite()} {
		w.must(w.PutBucket(site.Account, site.Region, name))
		for _, key := range theirFiles() {
			w.must(w.PutLargeObject(name, key, 10))
		}
		w.grant(site, name, exportStatement(site.Region, name), readStatement(second, name))
	}
	cache.Age, cache.Tags = sandbox.Age(100*24*time.Hour), dr.Tags{"backup": "gold", "team": "shop"}
	w.must(w.PutCache(prod, region, "orders", cache))
	return &depot{w, f, dr.Ref{Kind: "elasticache", Site: home(), ID: "orders"}}
}

func inDepot(t *testing.T, f policy.File, cache sandbox.SeedCache, test func(d *depot)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(12*time.Hour + 3*time.Minute)
		test(newDepot(&world{TB: t, AWS: sandbox.New(sandbox.Options{}), clock: passing{}}, f, cache))
	})
}

func threeShards() sandbox.SeedCache {
	return sandbox.SeedCache{Shards: 3, Replicas: 1, ClusterMode: true, Engine: "valkey", Version: "8.0.1", Node: "cache.r7g.large", Size: 3}
}

// exportStatement is what the user guide of ElastiCache says to grant.
func exportStatement(in, bucket string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Principal":{"Service":"%s.elasticache-snapshot.amazonaws.com"},"Action":["s3:PutObject","s3:GetObject","s3:ListBucket",`+
		`"s3:GetBucketAcl","s3:ListMultipartUploadParts","s3:ListBucketMultipartUploads"],"Resource":["arn:aws:s3:::%s","arn:aws:s3:::%s/*"]}`, in, bucket, bucket)
}

func readStatement(account, bucket string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":["s3:GetObject","s3:ListBucket"],`+
		`"Resource":["arn:aws:s3:::%s","arn:aws:s3:::%s/*"]}`, account, bucket, bucket)
}

func (w *world) grant(site dr.Site, bucket string, statements ...string) {
	w.Helper()
	_, err := w.s3(site).PutBucketPolicy(context.Background(), &s3.PutBucketPolicyInput{
		Bucket: &bucket, Policy: aws.String(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`),
	})
	w.must(err)
}

func (w *world) s3(site dr.Site) *s3.Client {
	return s3.NewFromConfig(w.hands(site), func(o *s3.Options) { o.UsePathStyle = true })
}

// holds gives the keys in a bucket that are not theirs.
func (w *world) holds(site dr.Site, bucket string) []string {
	w.Helper()
	out, err := w.s3(site).ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: &bucket})
	w.must(err)
	var ours, theirs []string
	for _, o := range out.Contents {
		if slices.Contains(theirFiles(), *o.Key) {
			theirs = append(theirs, *o.Key)
		} else {
			ours = append(ours, *o.Key)
		}
	}
	if len(theirs) != len(theirFiles()) {
		w.Errorf("of theirs in %s are left: %v", bucket, theirs)
	}
	open, err := w.s3(site).ListMultipartUploads(context.Background(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
	w.must(err)
	if len(open.Uploads) > 0 {
		w.Errorf("%d uploads to %s are open", len(open.Uploads), bucket)
	}
	return ours
}

// wantFiles wants that a bucket holds one copy, whole, and nothing else of ours.
func (d *depot) wantFiles(site dr.Site, bucket string, x dr.Snapshot, files int) {
	d.Helper()
	at := "holdfast/elasticache/test/" + x.Ref.ID + "/"
	var rdb, labels, odd int
	for _, key := range d.holds(site, bucket) {
		rest, mine := strings.CutPrefix(key, at)
		switch {
		case mine && strings.HasPrefix(rest, x.Ref.ID+"-000") && strings.HasSuffix(rest, ".rdb"):
			rdb++
		case mine && (strings.HasPrefix(rest, "complete/") || rest == "manifest.json"):
			labels++
		case mine && strings.HasPrefix(rest, "begun/"): // The mark of a run that died after the last but one call.
		default:
			odd++
			d.Errorf("%s is left in %s", key, bucket)
		}
	}
	if rdb != files || labels != 2 || odd > 0 {
		d.Errorf("in %s are %d files and %d labels, want %d and 2", bucket, rdb, labels, files)
	}
}

func (d *depot) manifest(x dr.Snapshot) store.Manifest {
	d.Helper()
	drv := store.New(session.New(session.Options{
		EndpointURL: "http://sandbox.invalid", HTTPClient: d.Client(), Credentials: session.Static(prod), Version: "test",
	}, d.file.Sites), store.Candidates{}, store.Files{Sites: d.file.Sites})
	m, err := drv.Manifest(d.Context(), x)
	d.must(err)
	return m
}

// copyAt gives the one copy at a site.
func (d *depot) copyAt(site dr.Site) dr.Snapshot {
	d.Helper()
	var found []dr.Snapshot
	for _, x := range d.look(d.file).copies {
		if x.Ref.Site == site {
			found = append(found, x)
		}
	}
	if len(found) != 1 || found[0].State != dr.Good {
		d.Fatalf("at %s are the copies %+v, want one good one", site.Name, found)
	}
	return found[0]
}

// calm lets the runs come to rest and wants no trouble.
func (d *depot) calm() {
	d.Helper()
	if p := d.rest(d.file); len(p.Refused)+len(p.Gaps) > 0 {
		d.Errorf("refused %v, gaps %v", p.Refused, p.Gaps)
	}
}

// A group of three shards gets into the buckets of another Region and of another
// account, and a new group is made from what is there.
func TestFilesReachOtherBuckets(t *testing.T) {
	inDepot(t, parseAll(t, fmt.Sprintf(filesTo, "")+toFarFiles+toNearFiles), threeShards(), func(d *depot) {
		d.calm()
		x := d.wantShape(d.file, "1 originals, 0 on the way, 2 copies").originals[0]
		if left := d.holds(home(), "prod-files"); len(left) > 0 {
			d.Errorf("left of the export: %v", left)
		}
		for site, bucket := range map[dr.Site]string{farSite(): "far-files", nearSite(): "near-files"} {
			y := d.copyAt(site)
			d.wantFiles(site, bucket, y, 3)
			if y.Claim.Origin != x.Ref.Origin() || y.Claim.Retention == "" || !y.Taken.Equal(x.Taken.Truncate(time.Second)) || y.Bytes < 3<<30 {
				d.Errorf("the copy is %+v", y)
			}
			m := d.manifest(y)
			if len(m.Files) != 3 || len(m.NodeGroups) != 3 || m.NodeGroups[2].Slots == "" || m.Engine != "valkey" || m.Tags["team"] != "shop" {
				d.Errorf("the manifest says %+v", m)
			}
			if settings, err := m.Claim.Config.Settings(); err != nil || settings["shards"] != "3" || settings["version"] != "8.0.1" {
				d.Errorf("the captured configuration is %v (%v)", settings, err)
			}
			d.seeds(site, m)
		}
	})
}

// A run that waits brings the copy there by itself.
func TestFilesInOneRunThatWaits(t *testing.T) {
	inDepot(t, parseAll(t, fmt.Sprintf(filesTo, "")+toFarFiles), threeShards(), func(d *depot) {
		r := d.carrier(d.file).RunAndWait(d.Context(), time.Minute)
		d.clean(r)
		d.wantFiles(farSite(), "far-files", d.copyAt(farSite()), 3)
	})
}

// seeds makes a new group from a manifest alone.
func (d *depot) seeds(site dr.Site, m store.Manifest) {
	d.Helper()
	var arns []string
	var shards []ectypes.NodeGroupConfiguration
	for i, f := range m.Files {
		arns = append(arns, f.ARN)
		g := m.NodeGroups[i]
		shards = append(shards, ectypes.NodeGroupConfiguration{NodeGroupId: &g.ID, Slots: &g.Slots, ReplicaCount: aws.Int32(int32(g.Replicas))})
	}
	c := elasticache.NewFromConfig(d.hands(site))
	_, err := c.CreateReplicationGroup(d.Context(), &elasticache.CreateReplicationGroupInput{
		ReplicationGroupId: aws.String("again"), ReplicationGroupDescription: aws.String("d"), Engine: &m.Engine, EngineVersion: aws.String("8.0"),
		CacheNodeType: aws.String("cache.r7g.large"), SnapshotArns: arns, NodeGroupConfiguration: shards,
	})
	d.must(err)
	d.sleep(time.Hour)
	got, err := c.DescribeReplicationGroups(d.Context(), &elasticache.DescribeReplicationGroupsInput{ReplicationGroupId: aws.String("again")})
	d.must(err)
	if g := got.ReplicationGroups[0]; *g.Status != "available" || len(g.NodeGroups) != 3 {
		d.Errorf("the new group is %s with %d shards", *g.Status, len(g.NodeGroups))
	}
	from, err := d.CacheSeededFrom(site.Account, site.Region, "group", "again")
	d.must(err)
	if !slices.Equal(from, arns) {
		d.Errorf("it was made from %v, want %v", from, arns)
	}
}

// The bytes and their checksums are those of the export, also after days in which
// copies expired; under the key of the destination, if it has one.
func TestFilesAreTheSame(t *testing.T) {
	inDepot(t, parseAll(t, fmt.Sprintf(filesTo, ", key: alias/far")+toFarFiles), threeShards(), func(d *depot) {
		d.keyed()
		d.pass(d.file, 2) // The snapshot is taken, and its export begun.
		d.sleep(time.Hour)
		want := map[string]string{}
		for _, key := range d.holds(home(), "prod-files") {
			if n, ok := strings.CutSuffix(key, ".rdb"); ok && !strings.Contains(key, "/") {
				body := "REDIS0009 " + strings.Repeat(n, 100) // S3 has a checksum of what it can read in no time.
				_, err := d.s3(home()).PutObject(d.Context(), &s3.PutObjectInput{Bucket: aws.String("prod-files"), Key: &key, Body: strings.NewReader(body)})
				d.must(err)
				want[n[len(n)-4:]] = body
			}
		}
		d.calm()
		y := d.copyAt(farSite())
		d.wantFiles(farSite(), "far-files", y, 3)
		m := d.manifest(y)
		for i, f := range m.Files {
			key := strings.TrimPrefix(f.ARN, "arn:aws:s3:::far-files/")
			got, err := d.s3(farSite()).GetObject(d.Context(), &s3.GetObjectInput{Bucket: aws.String("far-files"), Key: &key})
			d.must(err)
			body, err := io.ReadAll(got.Body)
			d.must(err)
			if n := fmt.Sprintf("%04d", i+1); string(body) != want[n] || !strings.HasSuffix(key, n+".rdb") || f.Compared != "crc64nvme" || f.Checksum == "" {
				d.Errorf("%s (%s %q) holds %d bytes, want %d", key, f.Compared, f.Checksum, len(body), len(want[n]))
			}
			if got.ServerSideEncryption != "aws:kms" || !strings.Contains(aws.ToString(got.SSEKMSKeyId), second) {
				d.Errorf("%s is under %s %s", key, got.ServerSideEncryption, aws.ToString(got.SSEKMSKeyId))
			}
		}
	})
}

// Copies are held, and expire by the rules of their own site, with all their objects.
func TestFilesExpire(t *testing.T) {
	const short = "      - {to: far, keep: {last: 2, floor: 1}}\n"
	inDepot(t, parseAll(t, fmt.Sprintf(filesTo, "")+short), threeShards(), func(d *depot) {
		d.calm()
		first := d.copyAt(farSite())
		p := d.carrier(d.file)
		if o := p.Mark(d.Context(), plan.Hold, first); o.Err != nil {
			d.Fatal(o.Err)
		}
		for range 4 {
			d.sleep(24 * time.Hour)
			d.calm()
		}
		c := d.wantShape(d.file, "3 originals, 0 on the way, 3 copies")
		if held := c.copies[2]; held.Ref != first.Ref || !held.Claim.Keep {
			d.Errorf("the oldest is %+v, want the one held, %s", held, first.Ref)
		}
		if o := p.Mark(d.Context(), plan.Release, first); o.Err != nil {
			d.Fatal(o.Err)
		}
		d.calm()
		c = d.wantShape(d.file, "3 originals, 0 on the way, 2 copies")
		if n := len(d.holds(farSite(), "far-files")); n != 2*5 {
			d.Errorf("%d objects are left of two copies, want %d", n, 2*5)
		}
		d.remove(d.of) // And without its source a copy goes on being one.
		d.calm()
		if m := d.manifest(c.copies[0]); len(m.Files) != 3 {
			d.Errorf("the manifest says %+v", m)
		}
	})
}

// Every call on the way is in turn the last of its process, or fails: the next runs
// bring the copy there all the same, once, and leave nothing behind.
func TestFilesSurviveEveryCall(t *testing.T) {
	t.Parallel()
	f := parseAll(t, fmt.Sprintf(filesTo, "")+toFarFiles)
	first := func(d *depot) *process {
		p := d.carrier(d.file)
		return p
	}
	runs := func(d *depot, p *process) {
		for range 5 {
			if p.RunOnce(d.Context()); p.client.Crashed() {
				return
			}
			d.sleep(10 * time.Minute)
		}
	}
	var calls []point
	inDepot(t, f, threeShards(), func(d *depot) {
		p := first(d)
		d.ResetCalls()
		runs(d, p)
		seen := map[point]int{}
		for _, c := range d.Calls() {
			at := point{account: c.Account, region: c.Region, service: c.Service, action: c.Action}
			n := seen[at]
			seen[at]++
			at.n = n
			if c.Service == "s3" || c.Service == "elasticache" {
				calls = append(calls, at)
			}
		}
		d.onlyCopy()
	})
	thin := 1
	if testing.Short() || raceDetector {
		thin = 7
	}
	struck, hit := 0, 0
	for i, at := range calls {
		for n, m := range mishaps() {
			writes := at.changes() && !strings.HasPrefix(at.action, "Head")
			if (i+n)%thin != 0 || !writes && (!m.reads || (i+n)%3 != 0) { // A read gets one of the three.
				continue
			}
			struck++
			inDepot(t, f, threeShards(), func(d *depot) {
				p := first(d)
				fault := m.Fault
				fault.Match = sandbox.Match{Account: at.account, Region: at.region, Service: at.service, Action: at.action, Client: p.client}
				fault.Skip = at.n
				defer func() {
					if d.Failed() {
						d.Logf("that was %s at %s", m.name, at)
					}
				}()
				remove := d.Inject(fault)
				d.ResetCalls()
				runs(d, p)
				remove()
				if p.client.Crashed() || slices.ContainsFunc(d.Calls(), func(c sandbox.Call) bool { return c.Action == at.action && c.Code != "" }) {
					hit++
				}
				d.onlyCopy()
			})
		}
	}
	if hit < struck {
		t.Errorf("only %d of %d calls were struck", hit, struck)
	}
	t.Logf("%d mishaps on %d calls", struck, len(calls))
}

// onlyCopy wants the end of every way: one snapshot, one copy, no more.
func (d *depot) onlyCopy() {
	d.Helper()
	d.calm()
	d.wantShape(d.file, "1 originals, 0 on the way, 1 copies")
	if left := d.holds(home(), "prod-files"); len(left) > 0 {
		d.Errorf("left of the export: %v", left)
	}
	d.wantFiles(farSite(), "far-files", d.copyAt(farSite()), 3)
}

// What cannot be exported is said, without a call; what is not granted is said with
// what to add.
func TestFilesThatCannotLeave(t *testing.T) {
	tiered := threeShards()
	tiered.Node, tiered.DataTiering = "cache.r6gd.xlarge", true
	f := parseAll(t, fmt.Sprintf(filesTo, "")+toFarFiles)
	inDepot(t, f, tiered, func(d *depot) {
		d.pass(f, 2)
		d.ResetCalls()
		r := d.pass(f, 1)
		d.wantRefused(r.Plan, plan.NoRoute, "data tiering", "other means")
		if n := d.calls()["CopySnapshot"]; n > 0 {
			d.Errorf("%d calls that must fail", n)
		}
	})
	for _, tc := range []struct{ name, word string }{
		{"prod-files", "us-east-1.elasticache-snapshot.amazonaws.com"}, {"source", `"AWS":"arn:aws:iam::222222222222:root"`},
	} {
		inDepot(t, f, threeShards(), func(d *depot) {
			if tc.name == "source" {
				d.grant(home(), "prod-files", exportStatement(region, "prod-files"))
			} else {
				d.grant(home(), "prod-files", readStatement(second, "prod-files"))
			}
			var failed []string
			for range 4 {
				for _, o := range d.pass(f, 1).Failed() {
					failed = append(failed, o.Err.Error()+" → "+remedyOf(o.Err))
				}
			}
			if len(failed) == 0 || !strings.Contains(failed[0], tc.word) || !strings.Contains(failed[0], "add to the policy of bucket prod-files") {
				d.Errorf("%s: failed %q, want %q in it", tc.name, failed, tc.word)
			}
			d.grant(home(), "prod-files", exportStatement(region, "prod-files"), readStatement(second, "prod-files"))
			d.onlyCopy()
		})
	}
}

// remedyOf gives what an error says to do.
func remedyOf(err error) string {
	if a, ok := errors.AsType[interface {
		error
		Advice() string
	}](err); ok {
		return a.Advice()
	}
	return ""
}
