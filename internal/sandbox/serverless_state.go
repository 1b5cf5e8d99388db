package sandbox

import (
	"slices"
	"time"
)

// serverlessState is all that there is in Redshift Serverless, in every account
// and Region.
type serverlessState struct {
	aws     *AWS
	regions map[place]*serverlessRegion
}

// serverlessRegion is what one account has in one Region. The lists keep what is
// gone for a while, since a stale read may still show it.
type serverlessRegion struct {
	place
	namespaces []*namespace
	snapshots  []*namespaceSnapshot
}

// namespaceConfig is what can be set on a namespace and its workgroup.
type namespaceConfig struct {
	user, dbName, key, defaultRole string
	roles, logs                    []string
	// workgroup names the workgroup that computes over the namespace; empty when
	// there is none, and then the rest says nothing.
	workgroup, track string
	base, most, port int
	public, enhanced bool
	subnets, groups  []string
	workgroupCreated time.Time
	workgroupTags    tagSet
	size             int // GiB
}

// namespace is a namespace of Redshift Serverless.
type namespace struct {
	place
	name, id string
	created  time.Time
	config   timeline[namespaceConfig]
	status   status
	tags     timeline[tagSet]
	data     timeline[ClusterData]
	failNext int
}

func (n *namespace) exists(when time.Time) bool { return n.status.exists(when) }

func (n *namespace) arn() string { return serverlessARN(n.place, "namespace", n.id) }

// namespaceSnapshot is a manual snapshot of a namespace.
type namespaceSnapshot struct {
	place
	name, id       string
	of             *namespace
	config         namespaceConfig
	started, ready time.Time
	days           timeline[int]
	status         status
	tags           timeline[tagSet]
}

func (s *namespaceSnapshot) exists(when time.Time) bool { return s.status.exists(when) }

func (s *namespaceSnapshot) arn() string { return serverlessARN(s.place, "snapshot", s.id) }

func (s *namespaceSnapshot) keep(days int, now time.Time) {
	s.days.set(now, days)
	if last := len(s.status.timeline) - 1; last > 0 && s.status.timeline[last].value == "" {
		s.status.timeline = s.status.timeline[:last:last]
	}
	if days > 0 {
		s.status.then(latest(s.started.AddDate(0, 0, days), now), "")
	}
}

// serverlessARN gives a full name. "Resource types defined by Amazon Redshift
// Serverless" in the Service Authorization Reference:
// arn:aws:redshift-serverless:REGION:ACCOUNT:namespace/ID, …:snapshot/ID.
func serverlessARN(p place, kind, id string) string {
	return "arn:aws:redshift-serverless:" + p.region + ":" + p.account + ":" + kind + "/" + id
}

func newServerless(a *AWS) *serverlessState {
	return &serverlessState{a, map[place]*serverlessRegion{}}
}

func (s *serverlessState) region(p place, now time.Time) *serverlessRegion {
	got, ok := s.regions[p]
	if !ok {
		got = &serverlessRegion{place: p}
		s.regions[p] = got
	}
	old := now.Add(-remembered)
	got.namespaces = slices.DeleteFunc(got.namespaces, func(n *namespace) bool { return n.status.goneSince(old) })
	got.snapshots = slices.DeleteFunc(got.snapshots, func(x *namespaceSnapshot) bool { return x.status.goneSince(old) })
	return got
}

func (g *serverlessRegion) namespace(name string, when time.Time) (*namespace, error) {
	for _, n := range g.namespaces {
		if n.name == name && n.exists(when) {
			return n, nil
		}
	}
	return nil, resourceNotFound("The namespace %s was not found.", name)
}

// byWorkgroup finds the namespace to which a workgroup belongs.
func (g *serverlessRegion) byWorkgroup(name string, when time.Time) (*namespace, error) {
	for _, n := range g.namespaces {
		if n.exists(when) && name != "" && n.config.get(when).workgroup == name {
			return n, nil
		}
	}
	return nil, resourceNotFound("The workgroup %s was not found.", name)
}

func (g *serverlessRegion) snapshot(name string, when time.Time) (*namespaceSnapshot, error) {
	for _, x := range g.snapshots {
		if x.name == name && x.exists(when) {
			return x, nil
		}
	}
	return nil, resourceNotFound("The snapshot %s was not found.", name)
}

func resourceNotFound(format string, args ...any) error {
	return refuse("ResourceNotFoundException", format, args...)
}

func conflict(format string, args ...any) error { return refuse("ConflictException", format, args...) }

func notValid(format string, args ...any) error {
	return refuse("ValidationException", format, args...)
}
