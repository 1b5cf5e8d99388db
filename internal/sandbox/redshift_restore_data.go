package sandbox

import (
	"reflect"
	"time"
)

// differs reports whether anything is set otherwise.
func (c clusterConfig) differs(o clusterConfig) bool { return !reflect.DeepEqual(c, o) }

// ClusterData says whose data a cluster, or a table of it, was made with. It is zero
// where it was not restored.
type ClusterData struct {
	// Snapshot is the ARN of the snapshot that was restored.
	Snapshot string
	// Namespace is the id of the namespace of the cluster whose data it is, which no
	// change of name touches.
	Namespace string
	// At is the moment as of which the data is.
	At time.Time
}

func (s *clusterSnapshot) data() ClusterData {
	return ClusterData{s.arn().String(), s.namespace, s.taken}
}

// ClusterData says what a Redshift cluster was restored from.
func (a *AWS) ClusterData(account, region, name string) (ClusterData, error) {
	var got ClusterData
	err := a.onCluster(account, region, name, func(c *cluster, _ time.Time) {
		if c.restored != nil {
			got = c.restored.from.data()
		}
	})
	return got, err
}

// ClusterNamespace gives the id of the namespace of a Redshift cluster, which tells it
// from all others, whatever its name.
func (a *AWS) ClusterNamespace(account, region, name string) (string, error) {
	var got string
	err := a.onCluster(account, region, name, func(c *cluster, _ time.Time) { got = c.namespace })
	return got, err
}

// ClusterAnswering gives the namespace of the Redshift cluster that can be connected to
// at an endpoint's DNS name now; "" where there is none.
//
// Amazon Redshift Management Guide, "Renaming a cluster": the old DNS name "is
// immediately deleted", and the cluster "is not available until the new name becomes
// effective".
func (a *AWS) ClusterAnswering(address string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	for _, g := range a.redshift.regions {
		for _, c := range g.clusters {
			open := c.status.in(now, statusAvailable, statusModifying, statusResizing, statusFinalSnapshot)
			if open && c.endpoint(now) == address {
				return c.namespace
			}
		}
	}
	return ""
}

// endpoint is the DNS name of a cluster.
func (c *cluster) endpoint(when time.Time) string {
	return c.config.get(when).name + ".c" + hashed(11, c.account, c.region) + "." + c.region + ".redshift.amazonaws.com"
}

// FailNextClusterRestores makes the next n restores of clusters in a Region fail: they
// end as "incompatible-restore".
func (a *AWS) FailNextClusterRestores(account, region string, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.redshift.bare(place{account, region}).failRestores = n
}
