package rdsapi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Flag leaves out what is false or unset, so that a captured configuration stays
// short.
func Flag(b *bool) string {
	if aws.ToBool(b) {
		return "yes"
	}
	return ""
}

// Number leaves out what is zero or unset.
func Number[T int32 | int64](n *T) string {
	if n == nil || *n == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*n), 10)
}

// List gives the names in order, so that the order in which AWS tells them makes no
// difference.
func List(names []string) string {
	return strings.Join(slices.Sorted(slices.Values(names)), ",")
}
