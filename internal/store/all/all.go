// Package all is the one list of the kinds of stores that holdfast knows.
package all

import (
	"context"
	"os"

	"github.com/holdfast-dr/holdfast/internal/account"
	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/password"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/aurora"
	"github.com/holdfast-dr/holdfast/internal/store/ebs"
	"github.com/holdfast-dr/holdfast/internal/store/elasticache"
	"github.com/holdfast-dr/holdfast/internal/store/rds"
	"github.com/holdfast-dr/holdfast/internal/store/redis"
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
		elasticache.New(s, elasticache.Candidates{Namespace: f.Namespace, Policies: f.Names()}, elasticache.Files{Sites: f.Sites, To: destinations(f)}),
		redis.New(f, s, passwords(s), redis.Real()),
	}
}

// passwords finds what the file says is kept somewhere else.
func passwords(s store.Sessions) redis.Passwords {
	reader := password.Reader{Secrets: account.New(s, nil), Getenv: os.LookupEnv}
	return func(ctx context.Context, site dr.Site, p policy.Password) (string, error) {
		found, err := reader.Read(ctx, site, p)
		return found.Password, err
	}
}

// destinations names the sites that policies copy to.
func destinations(f policy.File) []string {
	var to []string
	for _, p := range f.Policies {
		for _, c := range p.Copies {
			to = append(to, c.To)
		}
	}
	return to
}

// Kinds lists the kinds, for checking policy files.
func Kinds() []dr.Kind {
	var kinds []dr.Kind
	for _, d := range Drivers(nil, policy.File{}) {
		kinds = append(kinds, d.Kind())
	}
	return kinds
}

// FileKinds lists those whose snapshots are files in vaults.
func FileKinds() []dr.Kind {
	var kinds []dr.Kind
	for _, d := range Drivers(nil, policy.File{}) {
		if _, ok := d.(store.Filed); ok {
			kinds = append(kinds, d.Kind())
		}
	}
	return kinds
}

// Limits lists the quotas that the kinds mind.
func Limits() []account.Limit {
	var limits []account.Limit
	for _, d := range Drivers(nil, policy.File{}) {
		if limited, ok := d.(store.Limited); ok {
			for _, l := range limited.Limits() {
				limits = append(limits, account.Limit{Kind: d.Kind(), Limit: l})
			}
		}
	}
	return limits
}

// Defaults gives the quotas of an account that has asked AWS for no more.
func Defaults() map[dr.Kind]dr.Quota {
	defaults := map[dr.Kind]dr.Quota{}
	for _, l := range Limits() {
		q := defaults[l.Kind]
		q.From = "default"
		if l.Copies {
			q.Copies = l.Default
		} else {
			q.Snapshots = l.Default
		}
		defaults[l.Kind] = q
	}
	return defaults
}

// Routes gives, of the kinds whose snapshots can get to other sites, how they do.
func Routes() map[dr.Kind]plan.Routing {
	routes := map[dr.Kind]plan.Routing{}
	for _, d := range Drivers(nil, policy.File{}) {
		if routing, ok := store.New(d).Routing(); ok {
			routes[d.Kind()] = routing
		}
	}
	return routes
}
