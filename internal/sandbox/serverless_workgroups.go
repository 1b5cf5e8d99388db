package sandbox

// createWorkgroup gives a namespace its workgroup. It has at most one.
func (s *serverlessState) createWorkgroup(r *request) (any, error) {
	p := r.params
	name, track := p.need("workgroupName"), or(p.str("trackName"), "current")
	base, most, port := p.number("baseCapacity"), p.number("maxCapacity"), p.number("port")
	public, enhanced := p.isSet("publiclyAccessible"), p.isSet("enhancedVpcRouting")
	subnets, groups := p.list("subnetIds", "member"), p.list("securityGroupIds", "member")
	tags, err := readServerlessTags(p)
	g, n, findErr := s.namedNamespace(r)
	if err := firstError(findErr, err, checkNamespaceName("workgroupName", name)); err != nil {
		return nil, err
	}
	if _, err := g.byWorkgroup(name, r.now); err == nil {
		return nil, conflict("The workgroup %s already exists.", name)
	}
	c := n.config.get(r.now)
	if c.workgroup != "" {
		return nil, conflict("The namespace %s already has the workgroup %s.", n.name, c.workgroup)
	}
	c.workgroup, c.track, c.public, c.enhanced = name, track, public, enhanced
	c.subnets, c.groups, c.workgroupTags, c.workgroupCreated = subnets, groups, tags, r.now
	c.base, c.most, c.port = given(base, 128), given(most, 0), given(port, 5439)
	n.config.set(r.now, c)
	return workgroupResult{showWorkgroup(n, r.now)}, nil
}

func given(n *int, otherwise int) int {
	if n == nil {
		return otherwise
	}
	return *n
}

func (s *serverlessState) deleteWorkgroup(r *request) (any, error) {
	name := r.params.need("workgroupName")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	n, err := s.region(r.place(), r.now).byWorkgroup(name, r.now)
	if err != nil {
		return nil, err
	}
	shown := showWorkgroup(n, r.now)
	shown.Status = namespaceDeleting
	c := n.config.get(r.now)
	c.workgroup = ""
	n.config.set(r.now, c)
	return workgroupResult{shown}, nil
}

func (s *serverlessState) listWorkgroups(r *request) (any, error) {
	pg, err := readToken(r.params)
	if err := firstError(r.params.check(), err); err != nil {
		return nil, err
	}
	out := workgroupsResult{Workgroups: []workgroupJSON{}}
	for _, n := range s.region(r.place(), r.now).namespaces {
		if n.exists(r.view) && n.config.get(r.view).workgroup != "" {
			out.Workgroups = append(out.Workgroups, showWorkgroup(n, r.view))
		}
	}
	out.Workgroups, out.NextToken = cut(out.Workgroups, func(x workgroupJSON) string { return x.WorkgroupName }, pg)
	return out, nil
}
