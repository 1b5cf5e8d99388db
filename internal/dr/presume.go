package dr

import (
	"regexp"
	"strconv"
	"time"
)

// Candidates are the claims that snapshots of an installation can bear: those of
// its namespace under each of these policies.
type Candidates struct {
	Namespace string
	Policies  []string
}

// snapshotName tells names of the form that SnapshotName gives: prefix, slot, hash
// and the number of a further attempt.
var snapshotName = regexp.MustCompile(`^(?:holdfast|hf)-(?:.+-)?(\d{8}t\d{6}z)-[0-9a-v]{8}(?:-(\d{1,4}))?$`)

// Presume gives the claim among the candidates that the name of a snapshot of a
// resource stands for: the one for which SnapshotName gives just this name. What
// a name does not hold is missing in it: a hold, the retention of a policy in
// tags, and the captured configuration.
func (k Candidates) Presume(name string, of Ref, resource string, limit int) (Claim, bool) {
	m := snapshotName.FindStringSubmatch(name)
	if m == nil || k.Namespace == "" || of.ID == "" {
		return Claim{}, false
	}
	slot, err := time.Parse("20060102t150405z", m[1])
	if err != nil {
		return Claim{}, false
	}
	attempt, _ := strconv.Atoi(m[2]) // Without one it is the first.
	for _, p := range k.Policies {
		c := Claim{Owner: k.Namespace, Policy: p, Slot: slot.UTC(), Source: of.Source()}
		if name == SnapshotName(c, resource, max(attempt-1, 0), limit) {
			return c, true
		}
	}
	return Claim{}, false
}
