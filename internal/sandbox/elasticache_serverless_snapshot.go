package sandbox

import (
	"strings"
	"time"
)

type (
	serverlessSnapshotXML struct {
		ServerlessCacheSnapshotName, ARN string
		KmsKeyId                         string `xml:",omitempty"`
		SnapshotType, Status, CreateTime string
		BytesUsedForCache                string `xml:",omitempty"`
		ServerlessCacheConfiguration     struct{ ServerlessCacheName, Engine, MajorEngineVersion string }
	}
	serverlessSnapshotResult  struct{ ServerlessCacheSnapshot serverlessSnapshotXML }
	serverlessSnapshotsResult struct {
		NextToken                string `xml:",omitempty"`
		ServerlessCacheSnapshots struct{ ServerlessCacheSnapshot []serverlessSnapshotXML }
	}
)

// createServerlessSnapshot takes a manual snapshot of a serverless cache, which
// goes on being available.
//
// Amazon ElastiCache API Reference, CreateServerlessCacheSnapshot; User Guide,
// "Quotas": 24 snapshots of a serverless cache a day.
func (s *cacheState) createServerlessSnapshot(r *request) (any, error) {
	p := r.params
	name, of, key := p.need("ServerlessCacheSnapshotName"), p.need("ServerlessCacheName"), p.str("KmsKeyId")
	tags, err := readCacheTags(p)
	if err := firstError(p.check(), err, checkSnapshotName(name, formServerless)); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	c, ok := g.cache(formServerless, of, r.now)
	if !ok {
		return nil, cacheNotFound(formServerless, of)
	}
	if err := firstError(
		c.mustBe(r.now, "create a snapshot", statusAvailable),
		s.roomForSnapshot(g, c, c.sources(), name, r.now),
	); err != nil {
		return nil, err
	}
	snap := s.take(g, c, name, c.sources(), r.now)
	if key != "" {
		if snap.key, err = s.cacheKey(r.place(), key); err != nil {
			return nil, err
		}
	}
	snap.tags.set(r.now, tags)
	return serverlessSnapshotResult{showServerlessSnapshot(snap, r.now)}, nil
}

func (s *cacheState) deleteServerlessSnapshot(r *request) (any, error) {
	snap, err := s.dropSnapshot(r, true, r.params.need("ServerlessCacheSnapshotName"))
	if err != nil {
		return nil, err
	}
	return serverlessSnapshotResult{showServerlessSnapshot(snap, r.now)}, nil
}

func (s *cacheState) describeServerlessSnapshots(r *request) (any, error) {
	p := r.params
	name, of, kind := p.str("ServerlessCacheSnapshotName"), p.str("ServerlessCacheName"), p.str("SnapshotType")
	pg, err := readCachePage(p, "MaxResults", "NextToken", 1, 50)
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	var found []serverlessSnapshotXML
	for _, snap := range s.region(r.place()).snapshots {
		if !snap.serverless() || !snap.exists(r.view) {
			continue
		}
		x := showServerlessSnapshot(snap, r.view)
		if asked(name, snap.name) && asked(of, snap.of.name) && asked(kind, x.SnapshotType) {
			found = append(found, x)
		}
	}
	if name != "" && len(found) == 0 {
		return nil, cacheSnapshotNotFound(true, name)
	}
	var out serverlessSnapshotsResult
	out.ServerlessCacheSnapshots.ServerlessCacheSnapshot, out.NextToken = cut(found,
		func(x serverlessSnapshotXML) string { return x.ServerlessCacheSnapshotName }, pg)
	return out, nil
}

func showServerlessSnapshot(s *cacheSnapshot, when time.Time) serverlessSnapshotXML {
	x := serverlessSnapshotXML{
		ServerlessCacheSnapshotName: s.name, ARN: s.arn().String(), KmsKeyId: s.key, SnapshotType: "manual",
		Status: s.status.get(when), CreateTime: stamp(s.started),
	}
	if s.automated {
		x.SnapshotType = "automated"
	}
	if x.Status == statusAvailable {
		x.BytesUsedForCache = "1048576"
	}
	x.ServerlessCacheConfiguration.ServerlessCacheName, x.ServerlessCacheConfiguration.Engine = s.of.name, s.of.engine
	x.ServerlessCacheConfiguration.MajorEngineVersion = strings.Split(s.of.version, ".")[0]
	return x
}
