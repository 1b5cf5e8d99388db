package sandbox

import (
	"maps"
	"strings"
)

// copySnapshot copies a snapshot within its Region. To export one to a bucket is
// not simulated.
//
// Amazon ElastiCache API Reference, CopySnapshot; User Guide, "Data tiering in
// ElastiCache": such snapshots cannot be exported to Amazon S3. The code of that
// refusal is assumed.
func (s *cacheState) copySnapshot(r *request) (any, error) {
	p := r.params
	from, to, bucket, key := p.need("SourceSnapshotName"), p.need("TargetSnapshotName"), p.str("TargetBucket"), p.str("KmsKeyId")
	tags, err := readCacheTags(p)
	if err := firstError(p.check(), err, checkSnapshotName(to, formGroup)); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	source, ok := g.snapshot(false, from, r.now)
	switch {
	case !ok:
		return nil, cacheSnapshotNotFound(false, from)
	case bucket != "" && source.of.dataTiering:
		return nil, refuse("SnapshotFeatureNotSupportedFault", "Snapshots of clusters with data tiering cannot be exported to Amazon S3.")
	case bucket != "":
		return nil, notSimulated("the export of snapshots to Amazon S3")
	}
	if err := source.mustBe(r.now, "copy", statusAvailable); err != nil {
		return nil, err
	}
	if _, taken := g.snapshot(false, to, r.now); taken {
		return nil, refuse("SnapshotAlreadyExistsFault", "Snapshot with specified name already exists: %s", to)
	}
	made := *source
	made.name, made.automated, made.started = strings.ToLower(to), false, source.started
	if key != "" {
		if made.key, err = s.cacheKey(r.place(), key); err != nil {
			return nil, err
		}
	}
	made.ready = r.now.Add(s.aws.options.Durations.Copy.of(source.of.gib))
	made.status, made.tags = status{}, nil
	made.status.set(r.now, statusCopying)
	made.status.then(made.ready, statusAvailable)
	made.tags.set(r.now, maps.Clone(tags))
	g.snapshots = append(g.snapshots, &made)
	return cacheSnapshotResult{showCacheSnapshot(&made, false, r.now)}, nil
}
