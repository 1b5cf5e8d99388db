package rdsapi

import (
	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Probe names a database, a cluster and a snapshot that do not exist. AWS looks
// whether the caller may do a thing before it looks whether the thing is there, so
// "not found" says that the permission is.
const Probe = "holdfast-permission-probe"

// Attempt is one permission and how to try it.
type Attempt struct {
	Permission, Needed string
	Try                func() error
	// Copies marks what is needed only for copies.
	Copies bool
	// Restores marks what is needed only for restores.
	Restores bool
}

// Grants tries each permission.
func Grants(attempts []Attempt) []store.Grant {
	grants := make([]store.Grant, 0, len(attempts))
	for _, t := range attempts {
		err := t.Try()
		if Classify(err) == store.NotFound {
			err = nil
		}
		grants = append(grants, store.Grant{Permission: t.Permission, Needed: t.Needed, Copies: t.Copies, Restores: t.Restores, Err: err})
	}
	return grants
}

// Unreached is what there is to say of the permissions at a site that cannot be
// reached.
func Unreached(err error) []store.Grant {
	return []store.Grant{{Permission: "sts:AssumeRole", Needed: "to reach the site", Err: err}}
}

// ProbeARN gives the full name of a snapshot that does not exist, of the kind that
// ARNs call so.
func ProbeARN(site dr.Site, kind string) string {
	return "arn:" + site.Partition() + ":rds:" + site.Region + ":" + site.Account + ":" + kind + ":" + Probe
}
