package sandbox

import (
	"fmt"
	"strings"
)

type namespaceRestored struct {
	Namespace    namespaceJSON `json:"namespace"`
	OwnerAccount string        `json:"ownerAccount"`
	SnapshotName string        `json:"snapshotName,omitempty"`
}

// restoreFromSnapshot puts the data of a snapshot into a namespace that there is, in the
// place of what it holds.
//
// Amazon Redshift Serverless API Reference, RestoreFromSnapshot; Redshift Management
// Guide, "Snapshots and recovery points": the snapshot may be of a provisioned cluster,
// by its ARN. That the namespace must be available, with this workgroup, is inferred.
func (s *serverlessState) restoreFromSnapshot(r *request) (any, error) {
	p := r.params
	group, name, full := p.need("workgroupName"), p.str("snapshotName"), p.str("snapshotArn")
	if owner := p.str("ownerAccount"); owner != "" && owner != r.who.account {
		p.fail(notSimulated("snapshots of Redshift Serverless that are shared"))
	}
	if p.isSet("manageAdminPassword") {
		p.fail(notSimulated("passwords of namespaces that Secrets Manager manages"))
	}
	g, n, err := s.namedNamespace(r)
	if err != nil {
		return nil, err
	}
	if (name == "") == (full == "") {
		return nil, notValid("Specify either snapshotName or snapshotArn, and not both.")
	}
	data, size, err := s.restoredData(g, name, full, r)
	if err != nil {
		return nil, err
	}
	c := n.config.get(r.now)
	if !n.status.in(r.now, namespaceAvailable) || c.workgroup != group {
		return nil, conflict("The namespace %s is not available, or the workgroup %s is not its own.", n.name, group)
	}
	done := r.now.Add(s.aws.options.Durations.Redshift.Restore.of(size))
	c.size = size
	n.config.set(done, c)
	n.data.set(done, data)
	n.status.set(r.now, namespaceModifying)
	n.status.then(done, namespaceAvailable)
	return namespaceRestored{showNamespace(n, r.now), r.who.account, name}, nil
}

// restoredData finds a snapshot, and gives whose data it holds and how much.
func (s *serverlessState) restoredData(g *serverlessRegion, name, full string, r *request) (ClusterData, int, error) {
	if strings.HasPrefix(full, "arn:aws:redshift:") {
		snap, err := s.aws.redshift.restorable(restoreSource{arn: full}, r)
		if err != nil {
			return ClusterData{}, 0, resourceNotFound("The snapshot %s was not found, or is not available.", full)
		}
		return snap.data(), snap.of.size, nil
	}
	for _, x := range g.snapshots {
		if !x.exists(r.now) || x.name != name && x.arn() != full {
			continue
		}
		if !x.status.in(r.now, snapshotAvailable) {
			return ClusterData{}, 0, conflict("The snapshot %s is not available.", x.name)
		}
		return ClusterData{x.arn(), x.of.id, x.started}, x.config.size, nil
	}
	return ClusterData{}, 0, resourceNotFound("The snapshot %s was not found.", or(name, full))
}

// NamespaceData says what a namespace of Redshift Serverless was restored from.
func (a *AWS) NamespaceData(account, region, name string) (ClusterData, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	n, err := a.serverless.region(place{account, region}, now).namespace(name, now)
	if err != nil {
		return ClusterData{}, fmt.Errorf("namespace %s in %s of %s: %w", name, region, account, plain(err))
	}
	return n.data.get(now), nil
}
