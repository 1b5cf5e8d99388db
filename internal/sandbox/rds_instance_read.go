package sandbox

// describeDBInstances lists databases.
func (s *rdsState) describeDBInstances(r *request) (any, error) {
	p := r.params
	name := p.str("DBInstanceIdentifier")
	f, err := readFilters(p, "db-cluster-id", "db-instance-id", "dbi-resource-id", "domain", "engine")
	pg, pageErr := readPage(p)
	if err := firstError(p.check(), err, pageErr); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	if name != "" {
		d, ok := g.instance(name, r.view)
		if !ok {
			return nil, instanceNotFound(name)
		}
		f = f.with("dbi-resource-id", d.resource)
	}
	var found []instanceXML
	for _, d := range g.instances {
		if d.exists(r.view) && f.selectInstance(d, r) {
			found = append(found, s.showInstance(d, r.view))
		}
	}
	var out instancesResult
	out.DBInstances.DBInstance, out.Marker = cut(found, func(x instanceXML) string { return x.DBInstanceIdentifier }, pg)
	return out, nil
}

func (f filters) selectInstance(d *dbInstance, r *request) bool {
	c := d.config.get(r.view)
	return f.allow("db-instance-id", c.name, d.arn(r.view).String()) &&
		f.allow("dbi-resource-id", d.resource) &&
		f.allow("db-cluster-id", c.cluster) &&
		f.allow("domain") &&
		f.allow("engine", c.engine)
}
