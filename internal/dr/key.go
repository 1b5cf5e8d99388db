package dr

import (
	"strings"
	"time"
)

// KeyRef names a KMS key as somebody wrote it, an id, an ARN or an alias, at the
// site where that name means something.
type KeyRef struct {
	Site Site
	Name string
}

// Key is what is known of a KMS key.
type Key struct {
	// ARN is the key's own, whatever it was called.
	ARN string `json:"arn"`
	// Managed marks a key that AWS manages, such as the one behind alias/aws/rds. No
	// other account can use it.
	Managed bool `json:"managed,omitempty"`
	// Trouble says why nothing can be done with the key, such as that it is
	// disabled; empty when it is fit for use.
	Trouble string `json:"trouble,omitempty"`
	// Deletion is when the key will be deleted, with all that only it can decrypt.
	Deletion time.Time `json:"deletion,omitzero"`
	// Unknown says why the key could not be looked at; the rest is then empty.
	Unknown string `json:"unknown,omitempty"`
}

// KeyAccount gives the account that the ARN of a key or an alias names; empty for a
// name that means one of the account in which it is used.
func KeyAccount(name string) string {
	part := strings.SplitN(name, ":", 6)
	if len(part) < 6 || part[0] != "arn" || part[2] != "kms" {
		return ""
	}
	return part[4]
}

// Quota is what an account may have of a kind in a Region; 0 where there is no limit
// worth minding.
type Quota struct {
	// Snapshots is how many manual snapshots.
	Snapshots int `json:"snapshots,omitempty"`
	// Copies is how many copies may be on their way from other Regions at a time.
	Copies int `json:"copies,omitempty"`
	// From says where the numbers come from: "Service Quotas", "default", "--quota".
	From string `json:"from,omitempty"`
}
