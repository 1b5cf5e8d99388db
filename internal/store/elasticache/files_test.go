package elasticache_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/elasticache"
)

const (
	other   = "222222222222"
	outward = "outward"
	inward  = "inward"
)

func away() dr.Site { return dr.Site{Name: "away", Account: other, Region: "us-west-2"} }

// harbour is a fixture with two buckets: outward at home, inward in another account
// and Region.
type harbour struct {
	*fixture
	// spoil, where it is set, sees each answer before the driver.
	spoil func(*http.Request, *http.Response)
}

func (h *harbour) client() aws.HTTPClient { return &spoiling{h, h.aws.Client()} }

type spoiling struct {
	h *harbour
	*sandbox.Client
}

// Do sends a request.
func (s *spoiling) Do(r *http.Request) (*http.Response, error) {
	out, err := s.Client.Do(r)
	if err == nil && s.h.spoil != nil {
		s.h.spoil(r, out)
	}
	return out, err
}

func inHarbour(t *testing.T, test func(h *harbour)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(365 * 24 * time.Hour)
		h := &harbour{fixture: &fixture{T: t, aws: sandbox.New(sandbox.Options{Latency: 10 * time.Millisecond})}}
		sites := []policy.Site{{Site: home(), Bucket: outward}, {Site: away(), Role: "holdfast", Bucket: inward}}
		h.drv = elasticache.New(session.New(session.Options{
			HTTPClient: h.client(), Version: "test", Credentials: session.Static(account),
		}, sites), gold(), elasticache.Files{Sites: sites, To: []string{"away"}})
		h.must(h.aws.PutBucket(account, region, outward))
		h.must(h.aws.PutBucket(other, "us-west-2", inward))
		h.allow(exporting(outward), reading(outward))
		h.put("orders", sandbox.SeedCache{Shards: 3, ClusterMode: true, Engine: "valkey", Version: "8.0.1", Size: 3})
		test(h)
	})
}

func exporting(bucket string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Principal":{"Service":["us-east-1.elasticache-snapshot.amazonaws.com"]},"Action":["s3:Put*","s3:Get*","s3:List*"],`+
		`"Resource":["arn:aws:s3:::%s","arn:aws:s3:::%s/*"]}`, bucket, bucket)
}

func reading(bucket string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":["s3:GetObject","s3:ListBucket"],`+
		`"Resource":["arn:aws:s3:::%s","arn:aws:s3:::%s/*"]}`, other, bucket, bucket)
}

func (h *harbour) s3(site dr.Site) *s3.Client {
	return s3.NewFromConfig(aws.Config{Region: site.Region, HTTPClient: h.aws.Client(), Credentials: session.Static(site.Account)})
}

// allow makes this the policy of the bucket at home.
func (h *harbour) allow(statements ...string) {
	h.Helper()
	text := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	_, err := h.s3(home()).PutBucketPolicy(context.Background(), &s3.PutBucketPolicyInput{Bucket: aws.String(outward), Policy: &text})
	h.must(err)
}

func (h *harbour) keys(site dr.Site, bucket string) []string {
	h.Helper()
	out, err := h.s3(site).ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: &bucket})
	h.must(err)
	var keys []string
	for _, o := range out.Contents {
		keys = append(keys, *o.Key)
	}
	return keys
}

func (h *harbour) write(site dr.Site, bucket, key, body string) {
	h.Helper()
	_, err := h.s3(site).PutObject(context.Background(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)})
	h.must(err)
}

// copying is the action with which a plan asks for a hop.
func copying(x dr.Snapshot, to dr.Site, stage string) plan.Action {
	c := x.Claim
	if c.Origin == "" {
		c.Origin, c.Taken = x.Ref.Origin(), x.Taken.UTC().Truncate(time.Second)
	}
	c.Stage = stage
	return plan.Action{
		Verb: plan.Copy, From: x.Ref, To: to, Name: dr.SnapshotName(c, "orders", 0, 40), Claim: c, Taken: x.Taken, ARN: x.ARN, Tags: dr.Tags{"team": "shop"},
	}
}

// at gives what is at a site as files.
func (h *harbour) at(site dr.Site) []dr.Snapshot {
	h.Helper()
	all, err := h.drv.Snapshots(h.Context(), site)
	h.must(err)
	var out []dr.Snapshot
	for _, s := range all {
		if s.Claim.Origin != "" {
			out = append(out, s)
		}
	}
	return out
}

func (h *harbour) only(site dr.Site, want dr.Condition) dr.Snapshot {
	h.Helper()
	all := h.at(site)
	if len(all) != 1 || all[0].State != want {
		h.Fatalf("at %s is %+v, want one that is %s", site.Name, all, want)
	}
	return all[0]
}

// exported takes a snapshot of a cache and exports it.
func (h *harbour) exported(id string) (x, export dr.Snapshot) {
	h.Helper()
	x = h.taken(id)
	h.must(h.apply(copying(x, home(), plan.ExportStage)))
	h.only(home(), dr.Pending)
	time.Sleep(time.Hour)
	return x, h.only(home(), dr.Good)
}

func (h *harbour) wantFault(err error, want store.Fault, words ...string) {
	h.Helper()
	if err == nil || h.drv.Classify(err) != want {
		h.Errorf("%v is %s, want %s", err, h.drv.Classify(err), want)
		return
	}
	text := err.Error() + " → " + store.Remedy(err)
	for _, w := range words {
		if !strings.Contains(text, w) {
			h.Errorf("%q does not say %q", text, w)
		}
	}
}

func TestFilesOnceEach(t *testing.T) {
	for _, id := range []string{"orders", "cluster:lone", "serverless:flow"} {
		t.Run(id, func(t *testing.T) {
			inHarbour(t, func(h *harbour) {
				h.put("lone", sandbox.SeedCache{Form: "cluster"})
				h.put("flow", sandbox.SeedCache{Form: "serverless", Engine: "valkey"})
				x, export := h.exported(id)
				h.must(h.apply(copying(x, home(), plan.ExportStage)))
				if diff := cmp.Diff(export, h.only(home(), dr.Good)); diff != "" {
					h.Errorf("exported twice (-before +after):\n%s", diff)
				}
				a := copying(export, away(), "")
				h.must(h.apply(a))
				before := h.keys(away(), inward)
				h.must(h.apply(a))
				if after := h.keys(away(), inward); strings.Join(after, " ") != strings.Join(before, " ") {
					h.Errorf("copied twice: %v, then %v", before, after)
				}
				y := h.only(away(), dr.Good)
				if y.Claim.Stage != "" || !y.Claim.Is(a.Claim) || y.Of.ID != id || !y.Taken.Equal(x.Taken.Truncate(time.Second)) || y.Bytes != export.Bytes {
					h.Errorf("the copy is %+v", y)
				}
				h.must(h.apply(about(plan.Delete, export)))
				h.must(h.apply(about(plan.Delete, export)))
				if left := h.keys(home(), outward); len(left) > 0 {
					h.Errorf("left of the export: %v", left)
				}
				m, err := h.drv.Manifest(h.Context(), y)
				h.must(err)
				if m.Claim.Config == "" || len(m.Files) == 0 || m.Tags["team"] != "shop" {
					h.Errorf("the manifest says %+v", m)
				}
			})
		})
	}
}

func TestHeldFilesStay(t *testing.T) {
	inHarbour(t, func(h *harbour) {
		_, export := h.exported("orders")
		h.must(h.apply(copying(export, away(), "")))
		y := h.only(away(), dr.Good)
		h.must(h.apply(about(plan.Hold, y)))
		h.wantFault(h.apply(about(plan.Delete, y)), store.Conflict)
		sure, err := h.drv.Confirm(h.Context(), away(), []dr.Snapshot{y})
		h.must(err)
		if len(sure) != 1 || !sure[0].Claim.Keep || !h.only(away(), dr.Good).Claim.Keep {
			h.Errorf("the hold is not seen: %+v", sure)
		}
		h.must(h.apply(about(plan.Release, y)))
		h.must(h.apply(about(plan.Release, y)))
		changed := about(plan.Delete, y)
		changed.Claim.Policy = "silver"
		h.wantFault(h.apply(changed), store.Conflict)
		h.write(away(), inward, "holdfast/elasticache/prod/"+y.Ref.ID+"/notes.txt", "a person's")
		h.must(h.apply(about(plan.Delete, y)))
		if left := h.keys(away(), inward); len(left) != 1 || !strings.HasSuffix(left[0], "notes.txt") {
			h.Errorf("left are %v, want the notes", left)
		}
		if sure, err = h.drv.Confirm(h.Context(), away(), []dr.Snapshot{y}); err != nil || len(sure) > 0 {
			h.Errorf("what is gone: %v %v", sure, err)
		}
	})
}

// A copy that is not the same is deleted, and is an error.
func TestFilesThatDiffer(t *testing.T) {
	inHarbour(t, func(h *harbour) {
		_, export := h.exported("orders")
		h.shorten()
		a, spoilt := copying(export, away(), ""), 0
		h.spoil = func(r *http.Request, out *http.Response) {
			if r.Method == http.MethodHead && strings.Contains(r.URL.Host, inward) && strings.HasSuffix(r.URL.Path, "-0002.rdb") && out.StatusCode == http.StatusOK {
				out.Header.Set("X-Amz-Checksum-Crc64nvme", "AAAAAAAAAAA=")
				spoilt++
			}
		}
		err := h.apply(a)
		if err == nil || !strings.Contains(err.Error(), "differs") || spoilt == 0 {
			h.Errorf("after %d spoilt answers: %v", spoilt, err)
		}
		for _, key := range h.keys(away(), inward) {
			if strings.HasSuffix(key, "-0002.rdb") || strings.Contains(key, "complete") {
				h.Errorf("%s is there", key)
			}
		}
		if len(h.at(away())) > 0 {
			h.Errorf("it is shown: %+v", h.at(away()))
		}
		h.spoil = nil
		h.must(h.apply(a))
		m, err := h.drv.Manifest(h.Context(), h.only(away(), dr.Good))
		h.must(err)
		for _, f := range m.Files {
			if f.Compared != "crc64nvme" || f.Checksum == "" {
				h.Errorf("compared: %+v", f)
			}
		}
	})
}

// shorten puts short files in the place of the exported ones, of which S3 has
// checksums at once.
func (h *harbour) shorten() {
	h.Helper()
	for _, key := range h.keys(home(), outward) {
		if strings.HasSuffix(key, ".rdb") {
			h.write(home(), outward, key, "REDIS0009 "+key)
		}
	}
}

// A copy that was cut short goes on with the parts that it has, and one that nobody
// goes on with for a day is shown as failed and can be deleted, uploads and all.
func TestFilesGoOn(t *testing.T) {
	inHarbour(t, func(h *harbour) {
		_, export := h.exported("orders")
		a := copying(export, away(), "")
		h.aws.Inject(sandbox.Fault{Match: sandbox.Match{Service: "s3", Action: "UploadPartCopy"}, Skip: 4, Times: 100, Kind: sandbox.Deny})
		h.wantFault(h.apply(a), store.Denied)
		if len(h.at(away())) > 0 {
			h.Error("half a copy is shown")
		}
		time.Sleep(25 * time.Hour)
		bad := h.only(away(), dr.Failed)
		h.must(h.apply(about(plan.Delete, bad)))
		if left := h.keys(away(), inward); len(left) > 0 {
			h.Errorf("left are %v", left)
		}
		open, err := h.s3(away()).ListMultipartUploads(h.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(inward)})
		h.must(err)
		if len(open.Uploads) > 0 {
			h.Errorf("%d uploads are left", len(open.Uploads))
		}
	})
	inHarbour(t, func(h *harbour) {
		_, export := h.exported("orders")
		a := copying(export, away(), "")
		end := h.aws.Inject(sandbox.Fault{Match: sandbox.Match{Service: "s3", Action: "UploadPartCopy"}, Skip: 4, Times: 100, Kind: sandbox.Deny})
		h.wantFault(h.apply(a), store.Denied)
		end()
		again := 0
		h.aws.ResetCalls()
		h.must(h.apply(a))
		for _, c := range h.aws.Calls() {
			if c.Action == "UploadPartCopy" {
				again++
			}
		}
		if all := 3 * 3; again > all-4 { // 1 GiB and some bytes each, in parts of half a GiB.
			h.Errorf("%d parts of %d were copied, and 4 were there", again, all)
		}
	})
}

// A file that is there under the name of one to be exported is not touched, and an
// export that fails is over some time.
func TestExportsThatFail(t *testing.T) {
	inHarbour(t, func(h *harbour) {
		x := h.taken("orders")
		a := copying(x, home(), plan.ExportStage)
		h.write(home(), outward, a.Name+"-0001.rdb", "a person's")
		h.wantFault(h.apply(a), store.Conflict, "does not touch it")
		if keys := h.keys(home(), outward); len(keys) != 1 {
			h.Errorf("there are %v", keys)
		}
		_, err := h.s3(home()).DeleteObject(h.Context(), &s3.DeleteObjectInput{Bucket: aws.String(outward), Key: aws.String(a.Name + "-0001.rdb")})
		h.must(err)
		h.allow(reading(outward))
		h.wantFault(h.apply(a), store.Denied, "add to the policy of bucket outward", "us-east-1.elasticache-snapshot.amazonaws.com", "s3:GetBucketAcl")
		if keys := h.keys(home(), outward); len(keys) > 0 {
			h.Errorf("there are %v", keys)
		}
		h.allow(exporting(outward), reading(outward))
		h.must(h.apply(a))
		h.wantFault(h.apply(about(plan.Delete, h.only(home(), dr.Pending))), store.Busy)
		time.Sleep(time.Hour)
		_, err = h.s3(home()).DeleteObject(h.Context(), &s3.DeleteObjectInput{Bucket: aws.String(outward), Key: aws.String(a.Name + "-0002.rdb")})
		h.must(err)
		bad := h.only(home(), dr.Failed)
		h.wantFault(h.apply(copying(bad, away(), "")), store.Busy)
		h.must(h.apply(about(plan.Delete, bad)))
		if keys := h.keys(home(), outward); len(keys) > 0 {
			h.Errorf("there are %v", keys)
		}
	})
}

// An export of a serverless snapshot has the names of the snapshot, whatever it is
// called itself; what an earlier one left is cleared first.
func TestServerlessExportsAgain(t *testing.T) {
	inHarbour(t, func(h *harbour) {
		h.put("flow", sandbox.SeedCache{Form: "serverless", Engine: "valkey"})
		x, export := h.exported("serverless:flow")
		if keys := h.keys(home(), outward); keys[0] != x.Ref.ID+"-0001.rdb" || export.Ref.ID == x.Ref.ID {
			h.Errorf("exported %s as %v", x.Ref.ID, keys)
		}
		h.write(home(), outward, x.Ref.ID+"-0003.rdb", "half of it")
		h.only(home(), dr.Failed)
		a := copying(x, home(), plan.ExportStage)
		a.Name = dr.SnapshotName(a.Claim, "flow", 1, 40)
		h.must(h.apply(a))
		h.must(h.apply(a))
		time.Sleep(time.Hour)
		if again := h.only(home(), dr.Good); again.Ref.ID != a.Name {
			h.Errorf("there is %+v", again)
		}
	})
}

func TestBucketGrants(t *testing.T) {
	denied := func(grants []store.Grant) string {
		var out []string
		for _, g := range grants {
			if g.Err != nil {
				out = append(out, g.Permission+": "+store.Remedy(g.Err))
			}
		}
		return strings.Join(out, "\n")
	}
	inHarbour(t, func(h *harbour) {
		before := len(h.keys(home(), outward)) + len(h.keys(away(), inward))
		for _, site := range []dr.Site{home(), away()} {
			if got := denied(h.drv.Grants(h.Context(), site)); got != "" {
				h.Errorf("at %s: %s", site.Name, got)
			}
		}
		if after := len(h.keys(home(), outward)) + len(h.keys(away(), inward)); after != before {
			h.Error("trying changed something")
		}
		h.allow(strings.Replace(exporting(outward), "s3:Put*", "s3:PutBucketAcl", 1))
		if got := denied(h.drv.Grants(h.Context(), home())); !strings.Contains(got, "add to the policy of bucket outward: {") {
			h.Errorf("ElastiCache may not write, and it says %q", got)
		}
		if got := denied(h.drv.Grants(h.Context(), away())); !strings.Contains(got, `"AWS":"arn:aws:iam::222222222222:root"`) {
			h.Errorf("the bucket cannot be read from away, and it says %q", got)
		}
		for _, action := range []string{"s3:ListBucket", "s3:PutObject", "elasticache:CopySnapshot", "s3:AbortMultipartUpload", "elasticache:ExportServerlessCacheSnapshot"} {
			h.aws.SetDenied(account, action)
			if got := denied(h.drv.Grants(h.Context(), home())); !strings.Contains(got, action+": ") {
				h.Errorf("%s is denied, and it says %q", action, got)
			}
		}
	})
}

// A bucket that is not there, or not the site's, leaves a gap and no wrong picture;
// the caches beside it are seen, so that snapshots of them are taken.
func TestBucketsThatCannotBeSeen(t *testing.T) {
	inHarbour(t, func(h *harbour) {
		h.aws.SetDenied(account, "s3:ListBucket")
		inv, err := h.drv.Observe(h.Context(), home())
		h.must(err)
		h.wantFault(inv.Gaps[dr.Scope{Kind: elasticache.Kind, Site: home()}], store.Denied, "bucket ")
		if len(inv.Resources) == 0 {
			h.Error("with the bucket the caches are out of sight too")
		}
		_, err = h.drv.Snapshots(h.Context(), home())
		h.wantFault(err, store.Denied, "bucket ")
		h.aws.SetDenied(account)
		h.aws.SetDenied(other, "s3:ListBucket")
		stranger := dr.Site{Name: "away", Account: "333333333333", Region: "us-west-2"}
		_, err = h.drv.Snapshots(h.Context(), stranger)
		h.wantFault(err, store.Denied, "account 333333333333")
		elsewhere := dr.Site{Name: "home", Account: account, Region: "eu-west-1"}
		_, err = h.drv.Snapshots(h.Context(), elsewhere)
		h.wantFault(err, store.Invalid, "another Region")
	})
	inHarbour(t, func(h *harbour) {
		_, err := h.s3(away()).DeleteBucket(h.Context(), &s3.DeleteBucketInput{Bucket: aws.String(inward)})
		h.must(err)
		_, err = h.drv.Snapshots(h.Context(), away())
		h.wantFault(err, store.NotFound, "make the bucket inward in account 222222222222")
	})
}

// Copying stops when it is told to.
func TestCopyingStops(t *testing.T) {
	inHarbour(t, func(h *harbour) {
		_, export := h.exported("orders")
		ctx, cancel := context.WithCancel(h.Context())
		h.spoil = func(r *http.Request, _ *http.Response) {
			if r.URL.Query().Get("partNumber") == "2" {
				cancel()
			}
		}
		_, err := h.drv.Apply(ctx, copying(export, away(), ""))
		if !errors.Is(err, context.Canceled) {
			h.Errorf("told to stop it gives %v", err)
		}
		h.spoil = nil
		h.must(h.apply(copying(export, away(), "")))
		h.only(away(), dr.Good)
	})
}
