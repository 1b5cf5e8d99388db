package sandbox

import (
	"regexp"
	"slices"
	"unicode/utf8"
)

// clusterLogging is where a cluster's audit logs go; the zero value: nowhere.
type clusterLogging struct {
	to, bucket, prefix string
	exports            []string
}

// loggingXML is the answer of all three calls about logging. Times of deliveries
// are left out: nothing is logged here.
type loggingXML struct {
	LoggingEnabled     bool
	BucketName         string         `xml:",omitempty"`
	S3KeyPrefix        string         `xml:",omitempty"`
	LogDestinationType string         `xml:",omitempty"`
	LogExports         *logExportsXML `xml:",omitempty"`
}

type logExportsXML struct {
	Member []string `xml:"member"`
}

const (
	logsToS3    = "s3"
	logsToWatch = "cloudwatch"
)

var (
	// logBucketPattern is what a name must look like (Amazon S3 User Guide, "General
	// purpose bucket naming rules").
	logBucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	// logPrefixPattern and the length are those of EnableLogging, S3KeyPrefix.
	logPrefixPattern = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

const maxLogPrefix = 256

// enableLogging makes a cluster log.
//
// Amazon Redshift API Reference, EnableLogging: the cluster must be available; the
// bucket must exist and be "in the same region as the cluster"; LogDestinationType
// is s3 or cloudwatch; LogExports are connectionlog, useractivitylog and userlog.
// Inferred: s3 is the default and needs a bucket, cloudwatch needs LogExports and
// takes no bucket, and a bucket in another Region is as good as none.
func (s *redshiftState) enableLogging(r *request) (any, error) {
	p := r.params
	to := clusterLogging{
		to: or(p.str("LogDestinationType"), logsToS3), bucket: p.str("BucketName"), prefix: p.str("S3KeyPrefix"),
		exports: p.list("LogExports", "member"),
	}
	g, c, err := s.namedCluster(r)
	switch {
	case err != nil:
		return nil, err
	case !c.status.in(r.now, statusAvailable):
		return nil, invalidClusterState("The cluster %s is not in the available state.", c.config.get(r.now).name)
	}
	if err := checkLogging(to); err != nil {
		return nil, err
	}
	if to.to == logsToS3 && s.buckets[to.bucket] != g.region {
		return nil, refuse("BucketNotFoundFault", "Cannot find the bucket %s in the Region %s.", to.bucket, g.region)
	}
	c.logging.set(r.now, to)
	return showLogging(to), nil
}

// checkLogging says what is wrong with what a cluster is to log.
func checkLogging(to clusterLogging) error {
	switch to.to {
	case logsToS3:
		if to.bucket == "" {
			return invalidCombination("BucketName is required when LogDestinationType is s3.")
		}
		if !logBucketPattern.MatchString(to.bucket) {
			return refuse("InvalidS3BucketNameFault", "The S3 bucket name %s is invalid.", to.bucket)
		}
	case logsToWatch:
		if to.bucket != "" || to.prefix != "" {
			return invalidCombination("BucketName and S3KeyPrefix cannot be specified when LogDestinationType is cloudwatch.")
		}
		if len(to.exports) == 0 {
			return invalidCombination("LogExports is required when LogDestinationType is cloudwatch.")
		}
	default:
		return invalidValue("Invalid LogDestinationType: %s", to.to)
	}
	if !logPrefixPattern.MatchString(to.prefix) || utf8.RuneCountInString(to.prefix) > maxLogPrefix {
		return refuse("InvalidS3KeyPrefixFault", "The string specified for the logging S3 key prefix does not comply with the documented constraints.")
	}
	for i, e := range to.exports {
		if !slices.Contains([]string{"connectionlog", "useractivitylog", "userlog"}, e) || slices.Contains(to.exports[:i], e) {
			return invalidValue("Invalid LogExports: %s", e)
		}
	}
	return nil
}

// disableLogging makes a cluster log nothing any more. It must be available
// (DisableLogging, InvalidClusterState).
func (s *redshiftState) disableLogging(r *request) (any, error) {
	_, c, err := s.namedCluster(r)
	if err != nil {
		return nil, err
	}
	if !c.status.in(r.now, statusAvailable) {
		return nil, invalidClusterState("The cluster %s is not in the available state.", c.config.get(r.now).name)
	}
	c.logging.set(r.now, clusterLogging{})
	return showLogging(clusterLogging{}), nil
}

// describeLoggingStatus says how one cluster logs, in whatever state it is.
func (s *redshiftState) describeLoggingStatus(r *request) (any, error) {
	name := r.params.need("ClusterIdentifier")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	c, ok := s.region(r.place(), r.now).cluster(name, r.view)
	if !ok {
		return nil, clusterNotFound(name)
	}
	return showLogging(c.logging.get(r.view)), nil
}

func showLogging(to clusterLogging) loggingXML {
	if to.to == "" {
		return loggingXML{}
	}
	x := loggingXML{LoggingEnabled: true, BucketName: to.bucket, S3KeyPrefix: to.prefix, LogDestinationType: to.to}
	if len(to.exports) > 0 {
		x.LogExports = &logExportsXML{to.exports}
	}
	return x
}
