package redshift

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// withLogging adds to the configuration that an action captures how its cluster
// logs. No listing says that, it is a call for each cluster; so it is read when a
// snapshot is made and not in every look. No snapshot fails for it: what could not
// be read is named in the configuration as left out.
func (c client) withLogging(ctx context.Context, a plan.Action) (plan.Action, error) {
	if a.Claim.Config == "" {
		return a, nil
	}
	out, err := c.prov.DescribeLoggingStatus(ctx, &redshift.DescribeLoggingStatusInput{ClusterIdentifier: aws.String(clusterOf(a.Claim))})
	if ctx.Err() != nil {
		return a, ctx.Err()
	}
	var whole dr.Config
	if err != nil {
		whole, err = a.Claim.Config.With(nil, "logging")
	} else {
		whole, err = a.Claim.Config.With(logging(out))
	}
	if err == nil { // What cannot be read cannot be added to, and is no worse than before.
		a.Claim.Config = whole
	}
	return a, nil
}

// clusterOf gives the identifier of the cluster that a claim is about.
func clusterOf(c dr.Claim) string { return c.Source[strings.LastIndex(c.Source, "/")+1:] }

// logging gives what EnableLogging has to be told; nothing where it is off.
func logging(s *redshift.DescribeLoggingStatusOutput) map[string]string {
	if !aws.ToBool(s.LoggingEnabled) {
		return nil
	}
	to := string(s.LogDestinationType)
	if to == "" { // From before there was another.
		to = string(types.LogDestinationTypeS3)
	}
	return map[string]string{
		"logging":     to,
		"log-bucket":  aws.ToString(s.BucketName),
		"log-prefix":  aws.ToString(s.S3KeyPrefix),
		"log-exports": list(s.LogExports),
	}
}
