package sandbox

// describeDBClusters lists clusters. IncludeShared shows nothing more here: clusters
// shared through AWS RAM are not simulated.
func (s *rdsState) describeDBClusters(r *request) (any, error) {
	p := r.params
	name := p.str("DBClusterIdentifier")
	p.ignore("IncludeShared")
	f, err := readFilters(p, "clone-group-id", "db-cluster-id", "db-cluster-resource-id", "domain", "engine")
	pg, pageErr := readPage(p)
	if err := firstError(p.check(), err, pageErr); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	if name != "" {
		c, ok := g.cluster(name, r.view)
		if !ok {
			return nil, dbClusterNotFound(name)
		}
		f = f.with("db-cluster-resource-id", c.resource)
	}
	var found []dbClusterXML
	for _, c := range g.clusters {
		if c.exists(r.view) && f.selectDBCluster(c, r) {
			found = append(found, s.showDBCluster(c, r.view))
		}
	}
	var out dbClustersResult
	out.DBClusters.DBCluster, out.Marker = cut(found, func(x dbClusterXML) string { return x.DBClusterIdentifier }, pg)
	return out, nil
}

func (f filters) selectDBCluster(c *dbCluster, r *request) bool {
	conf := c.config.get(r.view)
	return f.allow("db-cluster-id", conf.name, c.arn(r.view).String()) &&
		f.allow("db-cluster-resource-id", c.resource) &&
		f.allow("clone-group-id") && f.allow("domain") &&
		f.allow("engine", conf.engine)
}
