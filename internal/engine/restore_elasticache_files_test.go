package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// When the source, its account and all its snapshots are gone, the files in a bucket of
// another account in another Region are enough: the shards, their slots, the settings and
// the tags come from there.
func TestRestoreCacheFromFiles(t *testing.T) {
	file := parseAll(t, fmt.Sprintf(filesTo, "")+toFarFiles)
	inDepot(t, file, threeShards(), func(d *depot) {
		d.calm()
		y := d.copyAt(farSite())
		d.must(destroy(d.Context(), d.hands(home()), d.of))
		d.sleep(time.Hour)
		p := d.carrier(file)
		wish := engine.RestoreWish{Resource: "orders", From: "latest", Site: "far", As: "again", Drop: []string{"security"}}
		if _, err := p.PlanRestore(d.Context(), p.Observe(d.Context()), engine.RestoreWish{Resource: "orders", Site: "far", As: "again"}); err == nil {
			t.Error("security groups of another account are taken as they are")
		}
		r := d.planRestore(p, wish)
		res, err := p.RunRestore(d.Context(), r, restorePoll, nil)
		d.must(err)
		if res.Outcome != saga.Finished {
			t.Fatalf("%+v", res)
		}
		from, err := d.CacheSeededFrom(second, farRegion, "group", "again")
		d.must(err)
		var want []string
		for _, f := range d.manifest(y).Files {
			want = append(want, f.ARN)
		}
		if len(want) != 3 || !slices.Equal(from, want) {
			t.Errorf("it was made from %v, want %v", from, want)
		}
		inv := d.sight(file)
		i := slices.IndexFunc(inv.Resources, func(x dr.Resource) bool { return x.Name == "again" })
		if i < 0 || inv.Resources[i].Tags["team"] != "shop" {
			t.Fatalf("there are %+v", inv.Resources)
		}
		is, err := inv.Resources[i].Config.Settings()
		d.must(err)
		for key, was := range r.Request.Settings {
			if is[key] != was {
				t.Errorf("%s is %q, was %q", key, is[key], was)
			}
		}
		if told := strings.Join(r.Losses, "; "); !strings.Contains(told, "security ") || !strings.Contains(told, "zones ") {
			t.Errorf("losses: %s", told)
		}
	})
}

// What ElastiCache cannot read is said before it is tried: a bucket that does not let it,
// and files that are under a key of KMS.
func TestRestoreCacheUnreadableFiles(t *testing.T) {
	file := parseAll(t, fmt.Sprintf(filesTo, ", key: alias/far")+toFarFiles)
	inDepot(t, file, threeShards(), func(d *depot) {
		_, err := d.PutKey(second, farRegion, sandbox.SeedKey{Name: "alias/far"})
		d.must(err)
		d.calm()
		p := d.carrier(file)
		wish := engine.RestoreWish{Resource: "orders", Site: "far", As: "again", Drop: []string{"security"}}
		refused := func(want string) {
			t.Helper()
			_, err := p.PlanRestore(d.Context(), p.Observe(d.Context()), wish)
			if err == nil || !strings.Contains(err.Error()+" "+store.Remedy(err), want) {
				t.Errorf("%v; %s", err, store.Remedy(err))
			}
		}
		refused("encrypted with the KMS key")
		refused("aws s3 cp --sse AES256")
		d.grant(farSite(), "far-files", readStatement(second, "far-files"))
		refused("add to the policy of bucket far-files")

		// Copied to a bucket without a key, as the error says, they will do.
		d.must(d.PutBucket(second, farRegion, "plain"))
		d.grant(farSite(), "plain", exportStatement(farRegion, "plain"))
		var files []string
		for i, f := range d.manifest(d.copyAt(farSite())).Files {
			key := fmt.Sprintf("shard-%d.rdb", i+1)
			_, err := d.s3(farSite()).CopyObject(d.Context(), &s3.CopyObjectInput{
				Bucket: aws.String("plain"), Key: &key, CopySource: aws.String(strings.TrimPrefix(f.ARN, "arn:aws:s3:::")),
			})
			d.must(err)
			files = append(files, "s3://plain/"+key)
		}
		wish.With = map[string]string{"files": strings.Join(files[:2], ",")}
		refused("2 files, and the cache has 3 shards")
		wish.With = map[string]string{"files": strings.Join(files, ",")}
		res, err := p.RunRestore(d.Context(), d.planRestore(p, wish), restorePoll, nil)
		d.must(err)
		from, err := d.CacheSeededFrom(second, farRegion, "group", "again")
		d.must(err)
		if res.Outcome != saga.Finished || len(from) != 3 || from[2] != "arn:aws:s3:::plain/shard-3.rdb" {
			t.Errorf("%+v: %v", res, from)
		}
	})
}

// Files that are no snapshots make a cache that never serves: it goes again.
func TestRestoreCacheBrokenFile(t *testing.T) {
	for _, form := range []string{"group", "cluster"} {
		t.Run(form, func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.seededCache(sandbox.SeedCache{Form: form, Description: "orders"})
				w.must(w.PutBucket(prod, region, "loose"))
				w.grant(home(), "loose", exportStatement(region, "loose"))
				_, err := w.s3(home()).PutObject(w.Context(), &s3.PutObjectInput{
					Bucket: aws.String("loose"), Key: aws.String("notes.rdb"), Body: strings.NewReader("no snapshot"),
				})
				w.must(err)
				p := w.cachery(cachesDaily)
				r := w.planRestore(p, engine.RestoreWish{Resource: "orders", As: "copy", With: map[string]string{"files": "s3://loose/notes.rdb"}})
				res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
				w.must(err)
				if all := w.caches(); res.Outcome != saga.RolledBack || len(all) != 1 {
					t.Errorf("%+v: %v", res, all)
				}
			})
		})
	}
}
