package sandbox

import (
	"regexp"
	"slices"
	"strconv"
)

// namespacePattern is that of the API Reference, with 3 to 64 characters.
var namespacePattern = regexp.MustCompile(`^[a-z0-9-]{3,64}$`)

func checkNamespaceName(param, name string) error {
	if !namespacePattern.MatchString(name) {
		return notValid("Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-z0-9-]{3,64}$", name, param)
	}
	return nil
}

func (s *serverlessState) createNamespace(r *request) (any, error) {
	p := r.params
	name, key := p.need("namespaceName"), p.str("kmsKeyId")
	c := namespaceConfig{
		user: or(p.str("adminUsername"), "admin"), dbName: or(p.str("dbName"), "dev"), defaultRole: p.str("defaultIamRoleArn"),
		roles: p.list("iamRoles", "member"), logs: p.list("logExports", "member"), size: 50,
	}
	p.ignore("adminUserPassword", "manageAdminPassword")
	tags, err := readServerlessTags(p)
	if err := firstError(p.check(), err, checkNamespaceName("namespaceName", name)); err != nil {
		return nil, err
	}
	if key != "" {
		full, ok := s.aws.keys.resolve(r.place(), key)
		if !ok {
			return nil, notValid("The KMS key %s does not exist or is not usable.", key)
		}
		c.key = full
	}
	g := s.region(r.place(), r.now)
	if _, err := g.namespace(name, r.now); err == nil {
		return nil, conflict("The namespace %s already exists.", name)
	}
	return namespaceResult{showNamespace(s.addNamespace(g, name, c, tags, r), r.now)}, nil
}

func (s *serverlessState) addNamespace(g *serverlessRegion, name string, c namespaceConfig, tags tagSet, r *request) *namespace {
	s.aws.serial++
	n := &namespace{
		place: g.place, name: name, created: r.now,
		id: hashedUUID(g.account, g.region, name, stamp(r.now), strconv.Itoa(s.aws.serial), "namespace"),
	}
	n.config.set(r.now, c)
	n.tags.set(r.now, tags)
	n.status.set(r.now, namespaceAvailable)
	g.namespaces = append(g.namespaces, n)
	return n
}

// The statuses of namespaces, workgroups and snapshots.
const (
	namespaceAvailable = "AVAILABLE"
	namespaceModifying = "MODIFYING"
	namespaceDeleting  = "DELETING"
	snapshotCreating   = "CREATING"
	snapshotAvailable  = "AVAILABLE"
	snapshotFailed     = "FAILED"
)

func (s *serverlessState) namedNamespace(r *request) (*serverlessRegion, *namespace, error) {
	name := r.params.need("namespaceName")
	if err := r.params.check(); err != nil {
		return nil, nil, err
	}
	g := s.region(r.place(), r.now)
	n, err := g.namespace(name, r.view)
	return g, n, err
}

func (s *serverlessState) getNamespace(r *request) (any, error) {
	_, n, err := s.namedNamespace(r)
	if err != nil {
		return nil, err
	}
	return namespaceResult{showNamespace(n, r.view)}, nil
}

func (s *serverlessState) updateNamespace(r *request) (any, error) {
	p := r.params
	roles, role, logs := p.list("iamRoles", "member"), p.str("defaultIamRoleArn"), p.list("logExports", "member")
	_, n, err := s.namedNamespace(r)
	if err != nil {
		return nil, err
	}
	if !n.status.in(r.now, namespaceAvailable) {
		return nil, conflict("The namespace %s is not available.", n.name)
	}
	c := n.config.get(r.now)
	if len(roles) > 0 {
		c.roles, c.defaultRole = slices.Clone(roles), role
	}
	if len(logs) > 0 {
		c.logs = slices.Clone(logs)
	}
	done := r.now.Add(s.aws.options.Durations.Modify.Base)
	n.config.set(done, c)
	n.status.set(r.now, namespaceModifying)
	n.status.then(done, namespaceAvailable)
	return namespaceResult{showNamespace(n, r.now)}, nil
}

// deleteNamespace deletes a namespace that has no workgroup any more.
func (s *serverlessState) deleteNamespace(r *request) (any, error) {
	final := r.params.str("finalSnapshotName")
	days := r.params.number("finalSnapshotRetentionPeriod")
	g, n, err := s.namedNamespace(r)
	if err != nil {
		return nil, err
	}
	if !n.status.in(r.now, namespaceAvailable) || n.config.get(r.now).workgroup != "" {
		return nil, conflict("There is a workgroup associated with the namespace %s, or it is being changed.", n.name)
	}
	gone := r.now.Add(s.aws.options.Durations.Delete.Base)
	if final != "" {
		if err := s.roomForNamespaceSnapshot(g, final, r.now); err != nil {
			return nil, err
		}
		snap := s.takeNamespace(g, n, final, r)
		if days != nil {
			snap.keep(*days, r.now)
		}
		gone = snap.ready.Add(s.aws.options.Durations.Delete.Base)
	}
	n.status.set(r.now, namespaceDeleting)
	n.status.then(gone, "")
	return namespaceResult{showNamespace(n, r.now)}, nil
}

func (s *serverlessState) listNamespaces(r *request) (any, error) {
	pg, err := readToken(r.params)
	if err := firstError(r.params.check(), err); err != nil {
		return nil, err
	}
	out := namespacesResult{Namespaces: []namespaceJSON{}}
	for _, n := range s.region(r.place(), r.now).namespaces {
		if n.exists(r.view) {
			out.Namespaces = append(out.Namespaces, showNamespace(n, r.view))
		}
	}
	out.Namespaces, out.NextToken = cut(out.Namespaces, func(x namespaceJSON) string { return x.NamespaceName }, pg)
	return out, nil
}

// readToken reads the part of a listing that a call asks for: maxResults is 1 to
// 100, the default 100.
func readToken(p *params) (page, error) {
	got, size, token := page{size: 100}, p.number("maxResults"), p.str("nextToken")
	if size != nil {
		got.size = *size
	}
	if got.size < 1 || got.size > 100 {
		return got, notValid("Value '%d' at 'maxResults' failed to satisfy constraint: Member must be between 1 and 100", got.size)
	}
	after, ok := readMarker(token)
	if token != "" && !ok {
		return got, notValid("Invalid or expired nextToken: %s", token)
	}
	got.after = after
	return got, nil
}
