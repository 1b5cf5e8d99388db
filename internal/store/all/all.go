// Package all is the one list of the kinds of stores that holdfast knows.
package all

import (
	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/aurora"
	"github.com/holdfast-dr/holdfast/internal/store/ebs"
	"github.com/holdfast-dr/holdfast/internal/store/elasticache"
	"github.com/holdfast-dr/holdfast/internal/store/rds"
	"github.com/holdfast-dr/holdfast/internal/store/redshift"
)

// Drivers makes a driver of every kind. What the file says helps those whose
// service lists snapshots without their tags.
func Drivers(s store.Sessions, f policy.File) []store.Driver {
	return []store.Driver{
		ebs.New(s),
		rds.New(s),
		aurora.New(s),
		redshift.New(s, dr.Candidates{Namespace: f.Namespace, Policies: f.Names()}),
		elasticache.New(s, elasticache.Candidates{Namespace: f.Namespace, Policies: f.Names()}),
	}
}

// Kinds lists the kinds, for checking policy files.
func Kinds() []dr.Kind {
	var kinds []dr.Kind
	for _, d := range Drivers(nil, policy.File{}) {
		kinds = append(kinds, d.Kind())
	}
	return kinds
}

// Quota gives how many manual snapshots of a kind an account may have in a
// Region, of the kinds whose service has a small default (Amazon Redshift
// Management Guide, "Quotas and limits").
func Quota() map[dr.Kind]int {
	return map[dr.Kind]int{redshift.Kind: redshift.DefaultQuota}
}
