package sandbox

import (
	"maps"
	"strings"
)

// copySnapshot copies a snapshot within its Region or, with TargetBucket, exports
// it.
//
// Amazon ElastiCache API Reference, CopySnapshot.
func (s *cacheState) copySnapshot(r *request) (any, error) {
	p := r.params
	from, to, bucket, key := p.need("SourceSnapshotName"), p.need("TargetSnapshotName"), p.str("TargetBucket"), p.str("KmsKeyId")
	tags, err := readCacheTags(p)
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	source, ok := g.snapshot(false, from, r.now)
	if !ok {
		return nil, cacheSnapshotNotFound(false, from)
	}
	if bucket != "" {
		return s.exportSnapshot(r, source, to, bucket)
	}
	if err := checkSnapshotName(to, formGroup); err != nil {
		return nil, err
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
