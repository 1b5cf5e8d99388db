package redshift_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsredshift "github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// drawn gives any logging and any copying that a cluster can have, with the
// settings that are to be found in the claim of its snapshot.
func drawn(t *rapid.T) (sandbox.SeedCluster, map[string]string) {
	c, want := sandbox.SeedCluster{Age: sandbox.Age(100 * time.Hour)}, map[string]string{}
	logs := []string{"connectionlog", "useractivitylog", "userlog"}
	switch rapid.SampledFrom([]string{"off", "s3", "cloudwatch"}).Draw(t, "logging") {
	case "s3":
		c.Logging = sandbox.SeedLogging{
			To: "s3", Bucket: rapid.StringMatching(`[a-z0-9][a-z0-9-]{1,60}[a-z0-9]`).Draw(t, "bucket"),
			Prefix: rapid.StringMatching(`([\p{L}\p{N}_.:/=+@ -]{0,40})`).Draw(t, "prefix"),
		}
		want["logging"], want["log-bucket"], want["log-prefix"] = "s3", c.Logging.Bucket, c.Logging.Prefix
	case "cloudwatch":
		c.Logging = sandbox.SeedLogging{To: "cloudwatch", Exports: logs[:rapid.IntRange(1, 3).Draw(t, "exports")]}
		want["logging"], want["log-exports"] = "cloudwatch", strings.Join(c.Logging.Exports, ",")
	}
	if rapid.Bool().Draw(t, "copied") {
		c.SnapshotCopy = sandbox.SeedSnapshotCopy{
			Region: "us-west-2", Days: rapid.IntRange(1, 35).Draw(t, "days"), ManualDays: rapid.SampledFrom([]int{-1, 1, 3653}).Draw(t, "manual days"),
			Grant: rapid.SampledFrom([]string{"", "to-the-west"}).Draw(t, "grant"),
		}
		want["copy-region"], want["copy-grant"] = "us-west-2", c.SnapshotCopy.Grant
		want["copy-days"], want["copy-manual-days"] = strconv.Itoa(c.SnapshotCopy.Days), strconv.Itoa(c.SnapshotCopy.ManualDays)
	}
	for k, v := range want {
		if v == "" {
			delete(want, k)
		}
	}
	return c, want
}

// ofInterest gives those settings of a configuration that these tests are about.
func ofInterest(f *fixture, c dr.Config) map[string]string {
	f.Helper()
	all, err := c.Settings()
	f.must(err)
	out := map[string]string{}
	for k, v := range all {
		if strings.HasPrefix(k, "log") || strings.HasPrefix(k, "copy-") || k == "omitted" {
			out[k] = v
		}
	}
	return out
}

// However a cluster logs and is copied stands in the claims of what is taken of it
// and of what is promoted, letter for letter; all else that was captured stays.
func TestLoggingRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed, want := drawn(rt)
		promote := rapid.Bool().Draw(rt, "promote")
		inBubble(t, func(f *fixture) {
			f.must(f.aws.PutCluster(account, region, "dwh", seed))
			r := f.resource("dwh")
			var from dr.Ref
			if promote {
				from = f.automated().Ref
			}
			a := action(r, from)
			f.must(f.apply(a))
			f.must(f.apply(a))
			time.Sleep(time.Hour)
			_, manual := split(f.observe().Snapshots)
			if len(manual) != 1 || !manual[0].Claim.Is(a.Claim) || len(manual[0].Claim.Config) > dr.MaxConfig {
				f.Fatalf("there is %+v", manual)
			}
			if diff := cmp.Diff(want, ofInterest(f, manual[0].Claim.Config)); diff != "" {
				f.Errorf("logging and copies (-want +got):\n%s", diff)
			}
			before, err := r.Config.Settings()
			f.must(err)
			after, err := manual[0].Claim.Config.Settings()
			f.must(err)
			for k, v := range before {
				if after[k] != v {
					f.Errorf("%s was %q and is %q", k, v, after[k])
				}
			}
		})
	})
}

// No snapshot fails because its cluster's logging cannot be read. The claim says
// what it lacks.
func TestLoggingUnread(t *testing.T) {
	for _, fault := range []sandbox.Fault{
		{Kind: sandbox.Deny}, {Kind: sandbox.Fail}, {Kind: sandbox.Fail, Code: "Throttling"}, {Kind: sandbox.Fail, Code: "UnsupportedOperation"},
	} {
		for _, verb := range []plan.Verb{plan.Create, plan.Promote} {
			t.Run(string(verb)+" "+string(fault.Kind)+" "+fault.Code, func(t *testing.T) {
				inBubble(t, func(f *fixture) {
					r := f.cluster("dwh")
					a := action(r, dr.Ref{})
					if verb == plan.Promote {
						a = action(r, f.automated().Ref)
					}
					fault.Action = "DescribeLoggingStatus"
					f.aws.Inject(fault)
					f.must(f.apply(a))
					time.Sleep(time.Hour)
					_, manual := split(f.observe().Snapshots)
					if len(manual) != 1 || !manual[0].Claim.Is(a.Claim) {
						f.Fatalf("there is %+v", manual)
					}
					if diff := cmp.Diff(map[string]string{"omitted": "logging"}, ofInterest(f, manual[0].Claim.Config)); diff != "" {
						f.Errorf("(-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

// What is switched off is not written down.
func TestLoggingSwitchedOff(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.must(f.aws.PutCluster(account, region, "dwh", sandbox.SeedCluster{}))
		_, err := f.client().EnableLogging(f.Context(), &awsredshift.EnableLoggingInput{
			ClusterIdentifier: aws.String("dwh"), LogDestinationType: types.LogDestinationTypeCloudwatch, LogExports: []string{"userlog"},
		})
		f.must(err)
		_, err = f.client().DisableLogging(f.Context(), &awsredshift.DisableLoggingInput{ClusterIdentifier: aws.String("dwh")})
		f.must(err)
		a := action(f.resource("dwh"), dr.Ref{})
		f.must(f.apply(a))
		f.wantOne(a)
	})
}
