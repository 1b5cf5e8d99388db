package sandbox_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func TestRedshiftLogging(t *testing.T) {
	withCluster(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		a.PutLogBucket(east, "logs")
		a.PutLogBucket("us-west-2", "far-logs")
		ctx, name := t.Context(), aws.String("dwh")
		status := func() *redshift.DescribeLoggingStatusOutput {
			out, err := c.DescribeLoggingStatus(ctx, &redshift.DescribeLoggingStatusInput{ClusterIdentifier: name})
			wantCode(t, err, "")
			return out
		}
		if got := status(); *got.LoggingEnabled || got.BucketName != nil {
			t.Errorf("at first it logs: %+v", got)
		}
		watch, s3 := types.LogDestinationTypeCloudwatch, types.LogDestinationTypeS3
		for _, tc := range []struct {
			in   redshift.EnableLoggingInput
			code string
		}{
			{redshift.EnableLoggingInput{BucketName: aws.String("logs"), ClusterIdentifier: aws.String("none")}, "ClusterNotFound"},
			{redshift.EnableLoggingInput{}, "InvalidParameterCombination"},
			{redshift.EnableLoggingInput{LogDestinationType: s3}, "InvalidParameterCombination"},
			{redshift.EnableLoggingInput{LogDestinationType: "kafka"}, "InvalidParameterValue"},
			{redshift.EnableLoggingInput{LogDestinationType: watch}, "InvalidParameterCombination"},
			{redshift.EnableLoggingInput{LogDestinationType: watch, BucketName: aws.String("logs"), LogExports: []string{"userlog"}}, "InvalidParameterCombination"},
			{redshift.EnableLoggingInput{LogDestinationType: watch, LogExports: []string{"userlog", "errorlog"}}, "InvalidParameterValue"},
			{redshift.EnableLoggingInput{BucketName: aws.String("No")}, "InvalidS3BucketNameFault"},
			{redshift.EnableLoggingInput{BucketName: aws.String("nowhere")}, "BucketNotFoundFault"},
			{redshift.EnableLoggingInput{BucketName: aws.String("far-logs")}, "BucketNotFoundFault"},
			{redshift.EnableLoggingInput{BucketName: aws.String("logs"), S3KeyPrefix: aws.String("a*b")}, "InvalidS3KeyPrefixFault"},
			{redshift.EnableLoggingInput{BucketName: aws.String("logs"), S3KeyPrefix: aws.String(strings.Repeat("x", 257))}, "InvalidS3KeyPrefixFault"},
		} {
			if tc.in.ClusterIdentifier == nil {
				tc.in.ClusterIdentifier = name
			}
			_, err := c.EnableLogging(ctx, &tc.in)
			wantCode(t, err, tc.code)
		}
		_, err := c.EnableLogging(ctx, &redshift.EnableLoggingInput{ClusterIdentifier: name, BucketName: aws.String("logs"), S3KeyPrefix: aws.String("audit/é 1")})
		wantCode(t, err, "")
		if got := status(); !*got.LoggingEnabled || *got.BucketName != "logs" || *got.S3KeyPrefix != "audit/é 1" || got.LogDestinationType != s3 {
			t.Errorf("to a bucket: %+v", got)
		}
		both := []string{"connectionlog", "userlog"}
		_, err = c.EnableLogging(ctx, &redshift.EnableLoggingInput{ClusterIdentifier: name, LogDestinationType: watch, LogExports: both})
		wantCode(t, err, "")
		if got := status(); got.LogDestinationType != watch || got.BucketName != nil || !slices.Equal(got.LogExports, both) {
			t.Errorf("to CloudWatch: %+v", got)
		}
		_, err = c.PauseCluster(ctx, &redshift.PauseClusterInput{ClusterIdentifier: name})
		wantCode(t, err, "")
		_, err = c.DisableLogging(ctx, &redshift.DisableLoggingInput{ClusterIdentifier: name})
		wantCode(t, err, "InvalidClusterState")
		status() // Can be read all the same.
		time.Sleep(time.Hour)
		_, err = c.ResumeCluster(ctx, &redshift.ResumeClusterInput{ClusterIdentifier: name})
		wantCode(t, err, "")
		time.Sleep(time.Hour)
		off, err := c.DisableLogging(ctx, &redshift.DisableLoggingInput{ClusterIdentifier: name})
		wantCode(t, err, "")
		if got := status(); *off.LoggingEnabled || *got.LoggingEnabled {
			t.Errorf("switched off: %+v", got)
		}
		a.SetDenied(prod, "redshift:DescribeLoggingStatus")
		_, err = c.DescribeLoggingStatus(ctx, &redshift.DescribeLoggingStatusInput{ClusterIdentifier: name})
		wantCode(t, err, "AccessDenied")
	})
}

// What a seed says of logging and of copies to another Region is what is read.
func TestRedshiftSeedOfLoggingAndCopies(t *testing.T) {
	for what, c := range map[string]sandbox.SeedCluster{
		"": {
			SnapshotCopy: sandbox.SeedSnapshotCopy{Region: "us-west-2", Grant: "west"},
			Logging:      sandbox.SeedLogging{To: "s3", Bucket: "logs"},
		},
		"snapshot-copy: region": {SnapshotCopy: sandbox.SeedSnapshotCopy{Days: 3}},
		"snapshot-copy: days":   {SnapshotCopy: sandbox.SeedSnapshotCopy{Region: "us-west-2", Days: 36}},
		"retention period":      {SnapshotCopy: sandbox.SeedSnapshotCopy{Region: "us-west-2", ManualDays: 4000}},
		"BucketName":            {Logging: sandbox.SeedLogging{To: "s3"}},
		"LogDestinationType":    {Logging: sandbox.SeedLogging{Bucket: "logs"}},
	} {
		a := sandbox.New(sandbox.Options{})
		err := a.PutCluster(prod, east, "dwh", c)
		if what != "" {
			if err == nil || !strings.Contains(err.Error(), what) {
				t.Errorf("%v, want one that says %q", err, what)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		client := redshiftAt(a, prod, east)
		out, err := client.DescribeClusters(t.Context(), nil)
		wantCode(t, err, "")
		if to := out.Clusters[0].ClusterSnapshotCopyStatus; to == nil || *to.DestinationRegion != "us-west-2" || *to.RetentionPeriod != 7 || *to.ManualSnapshotRetentionPeriod != -1 || *to.SnapshotCopyGrantName != "west" {
			t.Errorf("copies: %+v", to)
		}
		logs, err := client.DescribeLoggingStatus(t.Context(), &redshift.DescribeLoggingStatusInput{ClusterIdentifier: aws.String("dwh")})
		wantCode(t, err, "")
		if !*logs.LoggingEnabled || *logs.BucketName != "logs" {
			t.Errorf("logging: %+v", logs)
		}
	}
}
