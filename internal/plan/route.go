package plan

import (
	"fmt"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Means is how snapshots of a kind get to other sites.
type Means string

// The ways there are.
const (
	// ByCall: one call copies one snapshot, at the destination.
	ByCall Means = "call"
	// ByFile: a snapshot is exported to a bucket and its files are copied.
	ByFile Means = "file"
	// BySetting: the service copies what it is set to copy, and only within the
	// account; other accounts may be let restore from a snapshot.
	BySetting Means = "setting"
	// ByVault: snapshots are files in vaults, and are copied from one to another. There
	// are no accounts, keys or shares.
	ByVault Means = "vault"
)

// Routing is what a service allows of copies. Its driver declares it; all else
// about routes follows from it.
type Routing struct {
	Means Means
	// Default is the alias of the key that AWS manages for the service, under which a
	// copy comes where its site names no key.
	Default string
	// PlainStaysPlain: no key may be given for a snapshot that is not encrypted.
	PlainStaysPlain bool
	// Copies is how many copies from other Regions an account may have on their way
	// into one Region at a time, unless its quotas say otherwise; 0: any number.
	Copies int
	// NameLimit is how many characters the name of a copy may have.
	NameLimit int
	// Off is the command, but for the resource's identifier at its end, with which a
	// person ends the copying that is set for a resource.
	Off string
}

// The stages of what is only on the way of a copy.
const (
	// RekeyStage: under a key that can be shared.
	RekeyStage = "rekey"
	// ExportStage: as files in a bucket where it was taken.
	ExportStage = "export"
)

// Hop is one step of a route.
type Hop struct {
	Verb Verb
	// At is the site in which the call is made.
	At dr.Site
	// Key is the KMS key of what a copy makes; empty: plain.
	Key string
	// With is the account that a share is for.
	With string
	// Stage is set where the outcome is only on the way.
	Stage string
	Why   string
}

// Detour says why there is no route, and what to do about it.
type Detour struct {
	Why, Remedy string
}

// Trip is a snapshot and where it is to go.
type Trip struct {
	// Key is the snapshot's; empty for a plain one. Managed says that AWS manages it.
	Key      string
	Managed  bool
	From, To dr.Site
	// FromKey and ToKey are the keys that the policy file names for the two sites.
	FromKey, ToKey string
	// FromBucket and ToBucket are the buckets that it names for them.
	FromBucket, ToBucket string
}

// Route gives the hops by which a copy gets from site to site, or says why there
// are none. The last hop that copies makes the copy itself.
//
// Amazon RDS User Guide, "Copying a DB snapshot" and "Sharing encrypted snapshots";
// Amazon EBS User Guide, "Copy an Amazon EBS snapshot" and "Share an Amazon EBS
// snapshot": what another account is to copy has to be shared with it; what is
// encrypted under a key that AWS manages cannot be shared.
func (r Routing) Route(t Trip) ([]Hop, *Detour) {
	if r.Means == ByVault || t.From.Vault != "" || t.To.Vault != "" {
		return r.byVault(t)
	}
	switch {
	case r.Means != ByCall && r.Means != ByFile:
		return nil, &Detour{Why: "snapshots of this kind are not copied one by one"}
	case t.From.Account == t.To.Account && t.From.Region == t.To.Region:
		return nil, &Detour{Why: "the site is in the same account and Region"}
	case t.From.Partition() != t.To.Partition():
		return nil, &Detour{Why: "nothing can be copied between " + t.From.Partition() + " and " + t.To.Partition(), Remedy: "name a site in the same partition of AWS"}
	case t.ToKey != "" && dr.KeyAccount(t.ToKey) != "" && dr.KeyAccount(t.ToKey) != t.To.Account:
		return nil, &Detour{
			Why:    fmt.Sprintf("the key of site %s is one of account %s, and a copy must not depend on another account's key", t.To.Name, dr.KeyAccount(t.ToKey)),
			Remedy: fmt.Sprintf("give site %s a key of account %s", t.To.Name, t.To.Account),
		}
	}
	if r.Means == ByFile {
		return t.byFile()
	}
	last := Hop{Verb: Copy, At: t.To, Key: r.arrival(t), Why: "copy to " + t.To.Name}
	switch {
	case t.From.Account == t.To.Account:
		return []Hop{last}, nil
	case t.Key == "" || !t.Managed:
		return []Hop{r.share(t), last}, nil
	case t.FromKey == "":
		return nil, &Detour{
			Why:    fmt.Sprintf("it is encrypted under a key that AWS manages, which account %s cannot use", t.To.Account),
			Remedy: fmt.Sprintf("give site %s a customer managed key (key: alias/…) that account %s may use; it is copied to that key first", t.From.Name, t.To.Account),
		}
	}
	rekey := Hop{
		Verb: Copy, At: t.From, Key: t.FromKey, Stage: RekeyStage,
		Why: fmt.Sprintf("it is under a key that AWS manages and has to be under %s before account %s can have it", t.FromKey, t.To.Account),
	}
	return []Hop{rekey, r.share(t), last}, nil
}

// byVault is the way from one vault to another: the destination reads and writes.
func (r Routing) byVault(t Trip) ([]Hop, *Detour) {
	switch {
	case r.Means != ByVault:
		return nil, &Detour{Why: "site " + t.To.Name + " is a vault, and snapshots of this kind are no files", Remedy: "name a site with an account and Region"}
	case t.From.Vault == "":
		return nil, &Detour{Why: "it is in no vault"}
	case t.To.Vault == "":
		return nil, &Detour{Why: "site " + t.To.Name + " is no vault, and it is files", Remedy: "name a site with a vault (vault: …)"}
	case t.From.Vault == t.To.Vault:
		return nil, &Detour{Why: "the site is the same vault"}
	}
	return []Hop{{Verb: Copy, At: t.To, Why: "copy to " + t.To.Name}}, nil
}

// byFile is the way over buckets: an export next to the source, and its files copied
// from bucket to bucket.
func (t Trip) byFile() ([]Hop, *Detour) {
	for _, s := range [...]struct{ site, bucket string }{{t.From.Name, t.FromBucket}, {t.To.Name, t.ToBucket}} {
		if s.bucket == "" {
			return nil, &Detour{Why: "it leaves as files, and site " + s.site + " names no bucket", Remedy: "give site " + s.site + " a bucket of its account and Region (bucket: …)"}
		}
	}
	return []Hop{
		{Verb: Copy, At: t.From, Stage: ExportStage, Why: "export to bucket " + t.FromBucket + ", on the way to " + t.To.Name},
		{Verb: Copy, At: t.To, Key: t.ToKey, Why: "copy its files to bucket " + t.ToBucket + " at " + t.To.Name},
	}, nil
}

func (r Routing) share(t Trip) Hop {
	return Hop{Verb: Share, At: t.From, With: t.To.Account, Why: "for the copy to " + t.To.Name}
}

// arrival gives the key of a copy at its destination: what is encrypted stays so
// under the destination's key, what is plain is encrypted on the way where the
// service can and the site names a key.
func (r Routing) arrival(t Trip) string {
	switch {
	case t.Key == "" && (r.PlainStaysPlain || t.ToKey == ""):
		return ""
	case t.ToKey != "":
		return t.ToKey
	default:
		return r.Default
	}
}
