package sandbox

import "time"

// Amazon Redshift Management Guide, "Snapshots and recovery points": "Amazon
// Redshift Serverless automatically creates recovery points every 30 minutes or
// after every 5 GB of data changes per node, whichever happens first. … All
// recovery points are kept for 24 hours." Nothing writes data here.
const (
	pointsEvery = 30 * time.Minute
	pointsKept  = 24 * time.Hour
)

// recoveryPoint is what Redshift Serverless keeps of a namespace by itself. Nothing
// is stored for it: which there are follows from the time.
type recoveryPoint struct {
	of    *namespace
	taken time.Time
}

func (x recoveryPoint) id() string { return hashedUUID(x.of.id, stamp(x.taken), "recovery-point") }

// points gives the recovery points of a namespace at a moment, oldest first.
func (n *namespace) points(when time.Time) []recoveryPoint {
	var out []recoveryPoint
	if !n.exists(when) {
		return nil
	}
	first := n.created
	if old := when.Add(-pointsKept); old.After(first) {
		first = first.Add(old.Sub(first).Truncate(pointsEvery))
	}
	for at := first.Add(pointsEvery); !at.After(when); at = at.Add(pointsEvery) {
		if n.status.in(at, namespaceAvailable) && n.config.get(at).workgroup != "" {
			out = append(out, recoveryPoint{n, at})
		}
	}
	return out
}

func (g *serverlessRegion) point(id string, when time.Time) (recoveryPoint, error) {
	for _, n := range g.namespaces {
		for _, x := range n.points(when) {
			if x.id() == id {
				return x, nil
			}
		}
	}
	return recoveryPoint{}, resourceNotFound("The recovery point %s was not found.", id)
}

func (s *serverlessState) listRecoveryPoints(r *request) (any, error) {
	p := r.params
	of, full := p.str("namespaceName"), p.str("namespaceArn")
	pg, err := readToken(p)
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	out := pointsResult{RecoveryPoints: []pointJSON{}}
	for _, n := range s.region(r.place(), r.now).namespaces {
		if of != "" && n.name != of || full != "" && n.arn() != full {
			continue
		}
		for _, x := range n.points(r.view) {
			out.RecoveryPoints = append(out.RecoveryPoints, showPoint(x))
		}
	}
	out.RecoveryPoints, out.NextToken = cut(out.RecoveryPoints, func(x pointJSON) string { return x.RecoveryPointID }, pg)
	return out, nil
}

func (s *serverlessState) getRecoveryPoint(r *request) (any, error) {
	id := r.params.need("recoveryPointId")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	x, err := s.region(r.place(), r.now).point(id, r.view)
	if err != nil {
		return nil, err
	}
	return pointResult{showPoint(x)}, nil
}

// convertRecoveryPoint makes a snapshot of a recovery point. Its
// snapshotCreateTime is that of the conversion: "The timestamp of when the
// snapshot was created."
func (s *serverlessState) convertRecoveryPoint(r *request) (any, error) {
	p := r.params
	id, name, days := p.need("recoveryPointId"), p.need("snapshotName"), p.number("retentionPeriod")
	tags, err := readServerlessTags(p)
	if err := firstError(p.check(), err, checkServerlessSnapshot(name, days)); err != nil {
		return nil, err
	}
	g := s.region(r.place(), r.now)
	x, err := g.point(id, r.now)
	if err := firstError(err, s.roomForNamespaceSnapshot(g, name, r.now)); err != nil {
		return nil, err
	}
	snap := s.takeNamespace(g, x.of, name, r)
	snap.tags.set(r.now, tags)
	snap.keep(given(days, -1), r.now)
	return namespaceSnapshotResult{showNamespaceSnapshot(snap, r.now)}, nil
}
