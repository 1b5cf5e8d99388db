package sandbox

import "time"

// mustBe refuses what cannot be done to a cache in its status.
func (c *cache) mustBe(now time.Time, what string, these ...string) error {
	if c.status.in(now, these...) {
		return nil
	}
	switch c.form {
	case formGroup:
		return refuse("InvalidReplicationGroupState", "Cannot %s: the replication group %s is %s.", what, c.config.name, c.status.get(now))
	case formServerless:
		return refuse("InvalidServerlessCacheStateFault", "Cannot %s: serverless cache %s is %s.", what, c.config.name, c.status.get(now))
	default:
		return refuse("InvalidCacheClusterState", "Cannot %s: the cache cluster %s is %s.", what, c.config.name, c.status.get(now))
	}
}

func (s *cacheSnapshot) mustBe(now time.Time, what string, these ...string) error {
	if s.status.in(now, these...) {
		return nil
	}
	code := "InvalidSnapshotState"
	if s.serverless() {
		code = "InvalidServerlessCacheSnapshotStateFault"
	}
	return refuse(code, "Cannot %s: the snapshot %s is %s.", what, s.name, s.status.get(now))
}
