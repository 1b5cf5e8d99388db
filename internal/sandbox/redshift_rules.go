package sandbox

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// The quotas of Redshift that are simulated, with the defaults of the Amazon
// Redshift Management Guide, "Quotas and limits in Amazon Redshift".
const (
	// QuotaClusterSnapshots: manual cluster snapshots per Region.
	QuotaClusterSnapshots Quota = "redshift-snapshots"
	// QuotaServerlessSnapshots: manual snapshots of namespaces per Region, apart
	// from those of clusters. The guide ("Quotas for Amazon Redshift Serverless
	// objects") names none, and CreateSnapshot may answer
	// ServiceQuotaExceededException; 20 is assumed, to be no kinder than AWS.
	QuotaServerlessSnapshots Quota = "redshift-serverless-snapshots"
)

// restoreAccounts is how many accounts may be let to restore one snapshot.
const restoreAccounts = 20

// keyShares is how many such permissions there may be of all snapshots under one key.
const keyShares = 100

// checkClusterSnapshotName says what is wrong with the name of a new snapshot.
//
// Amazon Redshift API Reference, CreateClusterSnapshot: 1 to 255 letters, digits
// or hyphens; the first character is a letter; no hyphen at the end and no two in
// a row. The same as RDS.
func checkClusterSnapshotName(param, name string) error {
	return checkName(param, name, maxSnapshotName)
}

// checkRetention says what is wrong with the days that a manual snapshot is kept.
func checkRetention(days *int) error {
	if days != nil && *days != -1 && (*days < 1 || *days > 3653) {
		return refuse("InvalidRetentionPeriodFault", "Invalid manual snapshot retention period. It must be -1 or an integer between 1 and 3,653.")
	}
	return nil
}

func readRetention(p *params, name string) (int, error) {
	days := p.number(name)
	if days == nil {
		return -1, nil
	}
	return *days, checkRetention(days)
}

// readRedshiftTags reads and checks the tags of a call.
//
// Amazon Redshift Management Guide, "Tagging requirements": keys of 1 to 128 and
// values of at most 256 characters out of letters, digits, white space and
// _ . : / = + - @; keys are unique and do not begin with aws:.
func readRedshiftTags(p *params, key, value string, prefixes []string) (tagSet, error) {
	out := tagSet{}
	for _, prefix := range prefixes {
		k, v := p.str(prefix+"."+key), p.str(prefix+"."+value)
		if _, twice := out[k]; twice {
			return nil, refuse("InvalidTagFault", "Duplicate tag key %s.", k)
		}
		if err := checkRedshiftTag(k, v); err != nil {
			return nil, err
		}
		out[k] = v
	}
	return out, checkRedshiftTagCount(out)
}

func checkRedshiftTag(key, value string) error {
	switch {
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		return refuse("InvalidTagFault", "Tag keys cannot start with aws:.")
	case key == "" || utf8.RuneCountInString(key) > maxTagKey || !tagText(key):
		return refuse("InvalidTagFault", "The tag key '%s' is invalid.", key)
	case utf8.RuneCountInString(value) > maxTagValue || !tagText(value):
		return refuse("InvalidTagFault", "The tag value '%s' is invalid.", value)
	}
	return nil
}

func checkRedshiftTagCount(t tagSet) error {
	if len(t) > maxTags {
		return refuse("TagLimitExceededFault", "You have exceeded the number of tags allowed, %d.", maxTags)
	}
	return nil
}

// tagFilter is the part of a Describe call that selects by tags.
//
// Amazon Redshift API Reference, DescribeClusterSnapshots, TagKeys: "returns a
// response with the snapshots that have either or both of these tag keys".
type tagFilter struct{ keys, values []string }

func readTagFilter(p *params) tagFilter {
	return tagFilter{p.list("TagKeys", "TagKey"), p.list("TagValues", "TagValue")}
}

func (f tagFilter) empty() bool { return len(f.keys)+len(f.values) == 0 }

func (f tagFilter) allow(tags tagSet) bool {
	if f.empty() {
		return true
	}
	for k, v := range tags {
		if (len(f.keys) == 0 || slices.Contains(f.keys, k)) && (len(f.values) == 0 || slices.Contains(f.values, v)) {
			return true
		}
	}
	return false
}

func invalidClusterState(format string, args ...any) error {
	return refuse("InvalidClusterState", format, args...)
}

func invalidClusterSnapshotState(format string, args ...any) error {
	return refuse("InvalidClusterSnapshotState", format, args...)
}
