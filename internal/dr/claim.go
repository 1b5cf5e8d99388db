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
	// TagStage, on a snapshot that is only a stop on the way of a copy, says which.
	TagStage = TagPrefix + "stage"
	// TagTaken holds, on a copy, the moment whose data it holds.
	TagTaken = TagPrefix + "taken"
	// TagMember, on each snapshot of a copied recovery point, names what of the source
	// it holds, such as a volume: the copy itself does not tell, and what of a copy
	// that was interrupted is still missing shows by it.
	TagMember = TagPrefix + "member"
	// TagShared names the accounts that holdfast shares a snapshot with.
	TagShared = TagPrefix + "shared"
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
	// Stage is set on what is made on the way of a copy and goes when the copy is
	// there; such a snapshot is no recovery point.
	Stage string `json:"stage,omitempty"`
	// Taken is, on a copy, the moment whose data it holds, in UTC and whole seconds:
	// services show when the copy was made.
	Taken time.Time `json:"taken,omitzero"`
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
// owner, policy, slot, source, origin, stage and set, whatever else was written.
func (c Claim) Is(o Claim) bool {
	c.Keep, c.Config, c.Retention, c.Taken = false, "", "", time.Time{}
	o.Keep, o.Config, o.Retention, o.Taken = false, "", "", time.Time{}
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
	if c.Stage != "" {
		t[TagStage] = c.Stage
	}
	if !c.Taken.IsZero() {
		t[TagTaken] = c.Taken.UTC().Format(time.RFC3339)
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
	c := Claim{Owner: owner, Policy: t[TagPolicy], Source: t[TagSource], Origin: t[TagOrigin], Stage: t[TagStage], Set: t[TagSet], Retention: t[TagRetention]}
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
	if c.Taken, err = parseTaken(t); err != nil {
		return Claim{}, err
	}
	c.Config = joinConfig(t)
	return c, nil
}

func parseTaken(t Tags) (time.Time, error) {
	text, ok := t[TagTaken]
	if !ok {
		return time.Time{}, nil
	}
	taken, err := time.Parse(time.RFC3339, text)
	if err != nil || taken.Nanosecond() != 0 || taken.Year() < 1 || taken.Year() > 9999 {
		return time.Time{}, fmt.Errorf("tag %s is not an RFC 3339 time in whole seconds: %q", TagTaken, text)
	}
	return taken.UTC(), nil
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
