package sandbox

import (
	"fmt"
	"maps"
	"slices"
)

// checkDBClusters says what is wrong with the clusters of a seed and their snapshots.
func (r SeedRegion) checkDBClusters(in func(...string) []string) error {
	for _, name := range slices.Sorted(maps.Keys(r.DBClusters)) {
		c := r.DBClusters[name]
		err := firstError(checkName("the cluster's name", name, maxInstanceName), c.check(), checkSeedTags(c.Tags))
		if err != nil {
			return at(plain(err), in("db-clusters", name)...)
		}
	}
	for i, snap := range r.DBClusterSnapshots {
		if err := firstError(snap.check(), checkSeedTags(snap.Tags)); err != nil {
			return at(plain(err), in("db-cluster-snapshots", fmt.Sprintf("[%d]", i))...)
		}
	}
	return nil
}

func (c SeedDBCluster) check() error {
	engine := or(c.Engine, "aurora-postgresql")
	if dbClusterEngines()[engine] == "" {
		return fmt.Errorf("there is no engine %q of clusters", engine)
	}
	if family(engine) != "aurora" && len(c.Members) > 0 {
		return fmt.Errorf("members: a Multi-AZ DB cluster of %s has its own", engine)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Members)) {
		if err := firstError(checkName("the member's name", name, maxInstanceName), checkSeedTags(c.Members[name].Tags)); err != nil {
			return err
		}
	}
	return nil
}

func (s SeedDBClusterSnapshot) check() error {
	like := SeedSnapshot{Of: s.Of, Name: s.Name, Type: s.Type, Status: s.Status}
	if s.Cluster != nil {
		if err := s.Cluster.check(); err != nil {
			return err
		}
	}
	if manual := s.Type == "" || s.Type == "manual"; manual && len(s.Name) > maxClusterSnapshotName {
		return invalidValue("name must not be longer than %d characters", maxClusterSnapshotName)
	}
	return like.check()
}
