package sandbox

import (
	"slices"
	"strings"
	"time"
)

// copyGrant lets Redshift encrypt copied snapshots in its Region with a key.
type copyGrant struct {
	place
	name, key string
	status    status
	tags      timeline[tagSet]
}

func (g *copyGrant) arn() arn { return arn{"redshift", g.place, "snapshotcopygrant", g.name} }

const (
	maxGrantName = 63
	// mostCopyGrants is how many of them an account may have in a Region. That there
	// is a limit, SnapshotCopyGrantQuotaExceededFault says; the number is inferred.
	mostCopyGrants = 10
)

type (
	copyGrantXML struct {
		SnapshotCopyGrantName, KmsKeyId string
		Tags                            redshiftTagsXML
	}
	copyGrantResult  struct{ SnapshotCopyGrant copyGrantXML }
	copyGrantsResult struct {
		Marker             string `xml:",omitempty"`
		SnapshotCopyGrants struct{ SnapshotCopyGrant []copyGrantXML }
	}
)

func showCopyGrant(g *copyGrant, when time.Time) copyGrantXML {
	return copyGrantXML{g.name, g.key, showRedshiftTags(g.tags.get(when))}
}

// grant finds a grant by its name as of a moment.
func (g *redshiftRegion) grant(name string, when time.Time) (*copyGrant, bool) {
	name = strings.ToLower(name)
	for _, x := range g.grants {
		if x.name == name && x.status.exists(when) {
			return x, true
		}
	}
	return nil, false
}

func (g *redshiftRegion) addGrant(name, key string, tags tagSet, now time.Time) *copyGrant {
	made := &copyGrant{place: g.place, name: strings.ToLower(name), key: key}
	made.status.set(now, statusAvailable)
	made.tags.set(now, tags)
	g.grants = append(g.grants, made)
	return made
}

// createSnapshotCopyGrant makes a grant in the Region in which copies are to arrive.
//
// Amazon Redshift API Reference, CreateSnapshotCopyGrant: names of 1 to 63 letters,
// digits and hyphens, which come out in lower case; without a key it is for the
// default one. What the caller must be allowed of the key, and the error where he is
// not, is inferred.
func (s *redshiftState) createSnapshotCopyGrant(r *request) (any, error) {
	p := r.params
	name, keyName := p.need("SnapshotCopyGrantName"), or(p.str("KmsKeyId"), "alias/aws/redshift")
	tags, err := readRedshiftTags(p, "Key", "Value", p.members("Tags", "Tag"))
	if err := firstError(p.check(), err, checkName("SnapshotCopyGrantName", name, maxGrantName)); err != nil {
		return nil, err
	}
	key, err := s.aws.keys.use(keyUse{r.who, "redshift"}, r.region, keyName, r.now, "DescribeKey", "CreateGrant")
	if err != nil {
		return nil, invalidValue("The KMS key %s does not exist or is not usable.", keyName)
	}
	g := s.region(r.place(), r.now)
	if _, taken := g.grant(name, r.now); taken {
		return nil, refuse("SnapshotCopyGrantAlreadyExistsFault", "A snapshot copy grant named %s already exists.", strings.ToLower(name))
	}
	n := 0
	for _, x := range g.grants {
		if x.status.exists(r.now) {
			n++
		}
	}
	if n >= mostCopyGrants {
		return nil, refuse("SnapshotCopyGrantQuotaExceededFault", "You have reached the maximum of %d snapshot copy grants in this region.", mostCopyGrants)
	}
	return copyGrantResult{showCopyGrant(g.addGrant(name, key, tags, r.now), r.now)}, nil
}

func copyGrantNotFound(name string) error {
	return refuse("SnapshotCopyGrantNotFoundFault", "The snapshot copy grant %s cannot be found.", name)
}

// describeSnapshotCopyGrants lists grants (DescribeSnapshotCopyGrants: a name or a
// marker, not both).
func (s *redshiftState) describeSnapshotCopyGrants(r *request) (any, error) {
	p := r.params
	name, f := p.str("SnapshotCopyGrantName"), readTagFilter(p)
	marked := p.str("Marker") != ""
	pg, err := readPage(p)
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	if name != "" && marked {
		return nil, invalidCombination("SnapshotCopyGrantName and Marker cannot be specified together.")
	}
	var found []*copyGrant
	for _, x := range s.region(r.place(), r.now).grants {
		if x.status.exists(r.view) && f.allow(x.tags.get(r.view)) && (name == "" || strings.EqualFold(name, x.name)) {
			found = append(found, x)
		}
	}
	if name != "" && len(found) == 0 {
		return nil, copyGrantNotFound(name)
	}
	var out copyGrantsResult
	found, out.Marker = cut(found, func(x *copyGrant) string { return x.name }, pg)
	for _, x := range found {
		out.SnapshotCopyGrants.SnapshotCopyGrant = append(out.SnapshotCopyGrants.SnapshotCopyGrant, showCopyGrant(x, r.view))
	}
	return out, nil
}

// deleteSnapshotCopyGrant deletes a grant that no cluster uses any more
// (InvalidSnapshotCopyGrantStateFault: "it is used by one or more clusters").
func (s *redshiftState) deleteSnapshotCopyGrant(r *request) (any, error) {
	name := r.params.need("SnapshotCopyGrantName")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	grant, ok := s.region(r.place(), r.now).grant(name, r.now)
	if !ok {
		return nil, copyGrantNotFound(name)
	}
	for _, g := range s.senders(r.place()) {
		if slices.ContainsFunc(g.clusters, func(c *cluster) bool {
			to := c.config.get(r.now).copies
			return c.exists(r.now) && to.Region == r.region && strings.EqualFold(to.Grant, grant.name)
		}) {
			return nil, refuse("InvalidSnapshotCopyGrantStateFault", "The snapshot copy grant %s is used by one or more clusters.", grant.name)
		}
	}
	grant.status.set(r.now, "")
	return nil, nil //nolint:nilnil // There is nothing to say but that it is done.
}
