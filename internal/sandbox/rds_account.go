package sandbox

type (
	accountResult struct {
		AccountQuotas struct{ AccountQuota []quotaXML }
	}
	quotaXML struct {
		AccountQuotaName string
		Used, Max        int
	}
)

// describeAccountAttributes gives the quotas that are simulated. The names are
// those of the Amazon RDS API Reference, AccountQuota.
func (s *rdsState) describeAccountAttributes(r *request) (any, error) {
	if err := r.params.check(); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	instances, storage := 0, 0
	for _, d := range g.instances {
		if d.exists(r.view) {
			instances++
			storage += d.config.get(r.view).size
		}
	}
	var out accountResult
	out.AccountQuotas.AccountQuota = []quotaXML{
		{"DBInstances", instances, s.aws.quota(g.place, QuotaInstances)},
		{"AllocatedStorage", storage, 100_000},
		{"ManualSnapshots", s.countManual(g, r.view), s.aws.quota(g.place, QuotaManualSnapshots)},
		{"DBClusters", g.countClusters(r.view), s.aws.quota(g.place, QuotaDBClusters)},
		{"ManualClusterSnapshots", g.countManualOfClusters(r.view), s.aws.quota(g.place, QuotaManualDBClusterSnapshots)},
	}
	return out, nil
}
