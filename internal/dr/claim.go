package dr

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Tags are a resource's or a snapshot's tags.
type Tags map[string]string

// TagPrefix starts the key of every tag that is holdfast's own.
const TagPrefix = "holdfast:"

// The tags of a claim.
const (
	TagOwner  = TagPrefix + "owner"
	TagPolicy = TagPrefix + "policy"
	TagSlot   = TagPrefix + "slot"
	TagSource = TagPrefix + "source"
	TagOrigin = TagPrefix + "origin"
	TagSet    = TagPrefix + "set"
	TagKeep   = TagPrefix + "keep"
	TagConfig = TagPrefix + "config"
	// TagRetention holds the retention of a snapshot whose policy stands nowhere
	// but in the tags of its source.
	TagRetention = TagPrefix + "retention"
	// TagExclude, on a resource or a part of one, takes it out of every policy.
	TagExclude = TagPrefix + "exclude"
)

// Claim says whose a snapshot is and what it is for. It is written as tags with
// the call that makes the snapshot. The zero Claim means: not holdfast's.
// Claims can be compared with ==; Slot is always in UTC.
type Claim struct {
	// Owner is the namespace of the installation that made the snapshot.
	// Installations never touch each other's snapshots.
	Owner string `json:"owner"`
	// Policy names the policy under which it was taken.
	Policy string `json:"policy"`
	// Slot is the beginning of the stretch of the schedule that it serves.
	Slot time.Time `json:"slot"`
	// Source names the resource it was taken of, as Ref.Source gives it.
	Source string `json:"source"`
	// Origin names, on a copy, the snapshot that was copied.
	Origin string `json:"origin,omitempty"`
	// Set ties together snapshots that are one recovery point.
	Set string `json:"set,omitempty"`
	// Keep is a person's hold: such a snapshot is never deleted.
	Keep bool `json:"keep,omitempty"`
	// Retention says how long to keep it, where the policy stands in the tags of
	// the source, which may be gone one day.
	Retention string `json:"retention,omitempty"`
	// Config is the configuration of the source when it was taken.
	Config Config `json:"config,omitempty"`
}

// ErrNoClaim is what ParseClaim returns for tags that claim nothing.
var ErrNoClaim = errors.New("no holdfast claim")

// Ours reports whether there is a claim at all.
func (c Claim) Ours() bool { return c.Owner != "" }

// Is reports whether both claims stand for the same recovery point: the same
// owner, policy, slot, source, origin and set, whatever else was written.
func (c Claim) Is(o Claim) bool {
	c.Keep, c.Config, c.Retention = false, "", ""
	o.Keep, o.Config, o.Retention = false, "", ""
	return c == o
}

// Tags encodes the claim.
func (c Claim) Tags() Tags {
	t := Tags{
		TagOwner:  c.Owner,
		TagPolicy: c.Policy,
		TagSlot:   c.Slot.UTC().Format(time.RFC3339),
		TagSource: c.Source,
	}
	if c.Origin != "" {
		t[TagOrigin] = c.Origin
	}
	if c.Set != "" {
		t[TagSet] = c.Set
	}
	if c.Keep {
		t[TagKeep] = "yes"
	}
	if c.Retention != "" {
		t[TagRetention] = c.Retention
	}
	for i, chunk := range c.Config.chunks() {
		t[configTag(i)] = chunk
	}
	return t
}

// configTag names the tag of the i-th part of the captured configuration.
func configTag(i int) string {
	if i == 0 {
		return TagConfig
	}
	return TagConfig + "-" + strconv.Itoa(i+1)
}

// ParseClaim reads a claim from tags. It returns ErrNoClaim where there is none,
// and another error where there are marks of one that cannot be read: neither is
// ours, and neither is ever deleted, but the second is worth a word.
//
// The tag "holdfast:keep" holds whatever its value is: a person who set it by
// hand must not lose a snapshot to a spelling.
func ParseClaim(t Tags) (Claim, error) {
	owner, ok := t[TagOwner]
	if !ok {
		return Claim{}, ErrNoClaim
	}
	c := Claim{Owner: owner, Policy: t[TagPolicy], Source: t[TagSource], Origin: t[TagOrigin], Set: t[TagSet], Retention: t[TagRetention]}
	_, c.Keep = t[TagKeep]
	for _, need := range [...]string{TagOwner, TagPolicy, TagSource} {
		if strings.TrimSpace(t[need]) == "" {
			return Claim{}, fmt.Errorf("tag %s is missing or empty", need)
		}
	}
	slot, err := time.Parse(time.RFC3339, t[TagSlot])
	if err != nil {
		return Claim{}, fmt.Errorf("tag %s is not an RFC 3339 time: %q", TagSlot, t[TagSlot])
	}
	c.Slot = slot.UTC()
	if c.Slot.Nanosecond() != 0 || c.Slot.Year() < 1 || c.Slot.Year() > 9999 {
		return Claim{}, fmt.Errorf("tag %s is not a time in whole seconds: %q", TagSlot, t[TagSlot])
	}
	c.Config = joinConfig(t)
	return c, nil
}

func joinConfig(t Tags) Config {
	first, ok := t[TagConfig]
	if !ok {
		return ""
	}
	parts := []string{first}
	for i := 1; i < configTags; i++ {
		next, ok := t[configTag(i)]
		if !ok {
			break
		}
		parts = append(parts, next)
	}
	return Config(strings.Join(parts, ""))
}
