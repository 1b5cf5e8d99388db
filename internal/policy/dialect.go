package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Dialect names the tags by which another tool was told what to protect. They are
// read only where they are switched on, so that a tag of the same name that means
// something else does no harm.
type Dialect string

// The dialects.
const (
	// SnapshotsLambda is that of the tag-driven snapshot functions for EC2
	// instances: Backup=Yes, Retention=<days>, Copy_Dest=<Region>. Its jobs ran
	// once a day and kept for seven days unless told otherwise.
	SnapshotsLambda Dialect = "ebs-snapshots-lambda"
	// SnapshotTool is that of the Snapshot Tool for RDS: CopyDBSnapshot=True. Its
	// defaults were a snapshot every 24 hours, kept for seven days.
	SnapshotTool Dialect = "rds-snapshot-tool"
)

// Dialects lists them all.
func Dialects() []Dialect { return []Dialect{SnapshotsLambda, SnapshotTool} }

const (
	dialectEvery = "24h"
	dialectDays  = 7
)

// translate reads a policy from the tags of another tool. Resources with parts
// are instances, and volumes that are attached to none; only instances were the
// functions' business, and neither was the Snapshot Tool's.
func (f File) translate(d Dialect, r dr.Resource) (Policy, bool, error) {
	switch {
	case d == SnapshotsLambda && isInstance(r) && says(r.Tags["Backup"], "yes"):
		return f.fromLambda(r)
	case d == SnapshotTool && len(r.Parts) == 0 && says(r.Tags["CopyDBSnapshot"], "true"):
		p, err := dialectPolicy(dialectDays)
		return p, true, err
	default:
		return Policy{}, false, nil
	}
}

// isInstance tells an instance from a volume, whose only part is itself.
func isInstance(r dr.Resource) bool { return len(r.Parts) > 0 && r.Parts[0].ID != r.Ref.ID }

func says(value, word string) bool { return strings.EqualFold(strings.TrimSpace(value), word) }

func (f File) fromLambda(r dr.Resource) (Policy, bool, error) {
	days := dialectDays
	if text, ok := r.Tags["Retention"]; ok {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > maxCount {
			return Policy{}, true, fmt.Errorf("tag Retention: expected a number of days, found %q", clip(text))
		}
		days = n
	}
	p, err := dialectPolicy(days)
	if err != nil {
		return Policy{}, true, err
	}
	for _, key := range []string{"Copy_Dest", "Auto_Snapshot_Copy1"} {
		if region := strings.TrimSpace(r.Tags[key]); region != "" {
			to, err := f.siteIn(region, r.Ref.Site.Account)
			if err != nil {
				return Policy{}, true, fmt.Errorf("tag %s: %w", key, err)
			}
			p.Copies = []Copy{{To: to, Keep: p.Keep}}
			break
		}
	}
	return p, true, nil
}

// siteIn finds the site of an account in a Region.
func (f File) siteIn(region, account string) (string, error) {
	at := slices.IndexFunc(f.Sites, func(s Site) bool {
		return s.Region == region && (s.Account == "" || s.Account == account)
	})
	if at < 0 {
		return "", fmt.Errorf("there is no site in Region %s", clip(region))
	}
	return f.Sites[at].Name, nil
}

func dialectPolicy(days int) (Policy, error) {
	schedule, err := Every(dialectEvery, nil)
	return Policy{
		Name: TagPolicyName, Location: time.UTC, Schedule: schedule,
		Keep: Retention{Within: time.Duration(days) * 24 * time.Hour, Floor: DefaultFloor},
	}, err
}

func (d *decoder) dialects(n *node) {
	known := make([]string, 0, len(Dialects()))
	for _, k := range Dialects() {
		known = append(known, string(k))
	}
	for _, w := range d.words(n, "dialects", "dialects of tags") {
		if !slices.Contains(known, w.text) {
			d.fail(w.pos, didYouMean(w.text, known), "unknown dialect %q", clip(w.text))
			continue
		}
		d.out.Dialects = append(d.out.Dialects, Dialect(w.text))
	}
}
