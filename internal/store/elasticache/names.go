package elasticache

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

const (
	clusterPrefix    = "cluster:"
	serverlessPrefix = "serverless:"
)

// ownName tells names of the form that dr.SnapshotName gives within nameLimit:
// slot, hash, and the number of a further attempt.
var ownName = regexp.MustCompile(`^hf-(?:.+-)?(\d{8}t\d{6}z)-[0-9a-v]{8}(?:-(\d{1,4}))?$`)

// parsedName is what can be read off a snapshot's name.
type parsedName struct {
	slot    time.Time
	attempt int
}

// parseName reads a name of holdfast's form.
func parseName(name string) (parsedName, bool) {
	m := ownName.FindStringSubmatch(name)
	if m == nil {
		return parsedName{}, false
	}
	slot, err := time.Parse("20060102t150405z", m[1])
	if err != nil {
		return parsedName{}, false
	}
	p := parsedName{slot: slot.UTC()}
	if m[2] != "" {
		n, err := strconv.Atoi(m[2])
		if err != nil || n < 2 {
			return parsedName{}, false
		}
		p.attempt = n - 1
	}
	return p, true
}

// bears reports whether a snapshot of this name and source is the one that serves
// a claim: 40 bits of a hash say so.
func bears(name string, c dr.Claim, resource string) bool {
	p, ok := parseName(name)
	return ok && p.slot.Equal(c.Slot) && name == dr.SnapshotName(c, resource, p.attempt, nameLimit)
}

// presumed gives the claim among the candidates that a snapshot's name stands for.
func (k Candidates) presumed(s *dr.Snapshot) (dr.Claim, bool) {
	p, ok := parseName(s.Ref.ID)
	if !ok || k.Namespace == "" || s.Of.ID == "" {
		return dr.Claim{}, false
	}
	resource := plainName(s.Of.ID)
	for _, name := range append([]string{plan.ManualPolicy}, k.Policies...) {
		c := dr.Claim{Owner: k.Namespace, Policy: name, Slot: p.slot, Source: s.Of.Source()}
		if s.Ref.ID == dr.SnapshotName(c, resource, p.attempt, nameLimit) {
			return c, true
		}
	}
	return dr.Claim{}, false
}

// plainName gives the name of a cache or snapshot without what tells the kinds
// apart.
func plainName(id string) string {
	if rest, ok := strings.CutPrefix(id, clusterPrefix); ok {
		return rest
	}
	return strings.TrimPrefix(id, serverlessPrefix)
}

// serverless reports whether an action is about a serverless cache or a snapshot
// of one.
func serverless(a plan.Action) bool {
	source := a.Claim.Source[strings.LastIndex(a.Claim.Source, "/")+1:]
	return strings.HasPrefix(a.From.ID, serverlessPrefix) || strings.HasPrefix(source, serverlessPrefix)
}

// snapshotARN gives the full name of a snapshot (Service Authorization Reference,
// "Resource types defined by Amazon ElastiCache").
func snapshotARN(site dr.Site, name string, serverless bool) string {
	kind := "snapshot"
	if serverless {
		kind = "serverlesssnapshot"
	}
	return "arn:" + site.Partition() + ":elasticache:" + site.Region + ":" + site.Account + ":" + kind + ":" + name
}
