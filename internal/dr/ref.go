// Package dr is the vocabulary of holdfast: where data stores and their
// snapshots live, who made a snapshot and for what, and what was seen of all
// that at one moment.
//
// The package is pure: no clock, no context, no randomness, no SDK. Every value
// can be compared, printed and written as JSON.
package dr

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Kind names a sort of data store, such as "rds". Drivers declare their own.
type Kind string

// Site is a place where snapshots live: an account and Region of AWS, or a vault
// (a directory or bucket) for stores whose snapshots are files.
type Site struct {
	// Name is what the policy file calls the site.
	Name string `json:"name"`
	// Account is the AWS account id, 12 digits.
	Account string `json:"account,omitempty"`
	// Region is the AWS Region, such as "us-east-1".
	Region string `json:"region,omitempty"`
	// Vault is the URL of a vault; empty for AWS sites.
	Vault string `json:"vault,omitempty"`
}

// String gives the site's name with what tells two sites of equal names apart.
func (s Site) String() string {
	switch {
	case s.Vault != "":
		return fmt.Sprintf("%s (%s)", s.Name, s.Vault)
	case s.Account != "":
		return fmt.Sprintf("%s (%s %s)", s.Name, s.Account, s.Region)
	default:
		return fmt.Sprintf("%s (%s)", s.Name, s.Region)
	}
}

// Partition gives the partition of AWS in which the site's Region lies, as ARNs
// name it.
func (s Site) Partition() string {
	switch {
	case strings.HasPrefix(s.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(s.Region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

// Ref names one thing at one site: a resource or a snapshot.
type Ref struct {
	Kind Kind   `json:"kind"`
	Site Site   `json:"site"`
	ID   string `json:"id"`
}

// String gives a short form for people, such as "rds orders at prod".
func (r Ref) String() string {
	return fmt.Sprintf("%s %s at %s", r.Kind, r.ID, r.Site.Name)
}

// Source gives the form in which a claim names the resource: kind, account (or
// vault), Region and identifier, such as "rds/111111111111/us-east-1/orders". It
// does not hold the site's name, which is local to one policy file, so that it
// still means the same to another installation.
func (r Ref) Source() string {
	place := escape(r.Site.Account) + "/" + escape(r.Site.Region)
	if r.Site.Vault != "" {
		place = escape(r.Site.Vault) + "/"
	}
	return string(r.Kind) + "/" + place + "/" + escape(r.ID)
}

// ReadSource reads what Source wrote; the site has no name, since names are local to one
// policy file.
func ReadSource(text string) (r Ref, ok bool) {
	kind, rest, _ := strings.Cut(text, "/")
	last := strings.LastIndex(rest, "/")
	if kind == "" || last < 0 {
		return Ref{}, false
	}
	var parts [3]string // Account or vault, Region, identifier.
	parts[0], parts[2] = rest[:last], rest[last+1:]
	if i := strings.LastIndex(parts[0], "/"); i >= 0 {
		parts[0], parts[1] = parts[0][:i], parts[0][i+1:]
	}
	for i := range parts {
		var err error
		if parts[i], err = unescape(parts[i]); err != nil {
			return Ref{}, false
		}
	}
	r = Ref{Kind: Kind(kind), Site: Site{Account: parts[0], Region: parts[1]}, ID: parts[2]}
	if strings.Contains(parts[0], "/") {
		r.Site = Site{Vault: parts[0]}
	}
	return r, r.ID != ""
}

// tagValue is how long the value of a tag may be at every service.
const tagValue = 256

// Origin gives the form in which the claim of a copy names the snapshot that was
// copied: as Source does, cut short with a hash where that is longer than a tag
// may be.
func (r Ref) Origin() string {
	s := r.Source()
	if len(s) <= tagValue {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return s[:tagValue-33] + "-" + hex.EncodeToString(sum[:16])
}

// Compare orders refs by kind, site and identifier; it decides the order of all
// that holdfast prints.
func (r Ref) Compare(o Ref) int {
	if c := strings.Compare(string(r.Kind), string(o.Kind)); c != 0 {
		return c
	}
	if c := r.Site.Compare(o.Site); c != 0 {
		return c
	}
	return strings.Compare(r.ID, o.ID)
}

// Compare orders sites by name, then by what tells equal names apart.
func (s Site) Compare(o Site) int {
	for _, pair := range [...][2]string{{s.Name, o.Name}, {s.Account, o.Account}, {s.Region, o.Region}, {s.Vault, o.Vault}} {
		if c := strings.Compare(pair[0], pair[1]); c != 0 {
			return c
		}
	}
	return 0
}
