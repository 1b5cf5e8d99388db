package sandbox

import (
	"slices"
	"strings"
	"time"
)

// groupKind is a kind of group that a database names, as it stands in ARNs.
type groupKind string

const (
	subnetGroups    groupKind = "subgrp"
	parameterGroups groupKind = "pg"
	optionGroups    groupKind = "og"
	// clusterParameterGroups are those of DB clusters.
	clusterParameterGroups groupKind = "cluster-pg"
)

// dbGroup is a subnet group, parameter group or option group, as far as databases
// name it.
type dbGroup struct {
	kind              groupKind
	name, description string
	// family is a parameter group's family; engine and major an option group's.
	family, engine, major string
	subnets               []string
	status                status
	tags                  timeline[tagSet]
}

// group finds a group as of a moment. Default ones exist by themselves.
func (g *rdsRegion) group(kind groupKind, name string, when time.Time) (*dbGroup, bool) {
	for _, x := range g.groups {
		if x.kind == kind && x.name == name && x.status.exists(when) {
			return x, true
		}
	}
	return g.defaultGroup(kind, name)
}

func (g *rdsRegion) defaultGroup(kind groupKind, name string) (*dbGroup, bool) {
	x := &dbGroup{kind: kind, name: name, description: "Default group"}
	switch kind {
	case subnetGroups:
		for _, zone := range []string{"a", "b", "c"} {
			x.subnets = append(x.subnets, "subnet-"+hashed(17, g.account, g.region, zone))
		}
		return x, name == "default"
	case parameterGroups, clusterParameterGroups:
		family, ok := strings.CutPrefix(name, "default.")
		x.family = family
		return x, ok && family != ""
	default:
		rest, ok := strings.CutPrefix(name, "default:")
		for engine := range engines() {
			major, found := strings.CutPrefix(rest, engine+"-")
			if ok && found && major != "" && major[0] >= '0' && major[0] <= '9' {
				x.engine, x.major = engine, strings.ReplaceAll(major, "-", ".")
				return x, true
			}
		}
		return x, false
	}
}

func (s *rdsState) checkSubnetGroup(g *rdsRegion, name string, now time.Time) error {
	if _, ok := g.group(subnetGroups, name, now); !ok {
		return groupNotFound(subnetGroups, name)
	}
	return nil
}

func (s *rdsState) checkParameterGroup(g *rdsRegion, name, engine, version string, now time.Time) error {
	grp, ok := g.group(parameterGroups, name, now)
	if !ok {
		return groupNotFound(parameterGroups, name)
	}
	if want := parameterFamily(engine, version); grp.family != want {
		return invalidCombination("The parameter group %s with DBParameterGroupFamily %s can't be used for this instance. "+
			"Please use a parameter group with DBParameterGroupFamily %s", name, grp.family, want)
	}
	return nil
}

func (s *rdsState) checkOptionGroup(g *rdsRegion, name, engine, version string, now time.Time) error {
	grp, ok := g.group(optionGroups, name, now)
	if !ok {
		return groupNotFound(optionGroups, name)
	}
	if major := majorVersion(engine, version); grp.engine != engine || grp.major != major {
		return invalidCombination("The option group %s is for %s %s and cannot be used with %s %s.", name, grp.engine, grp.major, engine, major)
	}
	return nil
}

func groupNotFound(kind groupKind, name string) error {
	switch kind {
	case subnetGroups:
		return notFound("DBSubnetGroupNotFoundFault", "DB subnet group '%s' does not exist.", name)
	case parameterGroups, clusterParameterGroups:
		return notFound("DBParameterGroupNotFound", "DBParameterGroup not found: %s", name)
	default:
		return notFound("OptionGroupNotFoundFault", "Specified OptionGroupName: %s not found.", name)
	}
}

// addGroup puts a group into a Region.
func (s *rdsState) addGroup(r *request, x *dbGroup, taken string) error {
	tags, err := readTags(r.params)
	if err := firstError(r.params.check(), err); err != nil {
		return err
	}
	g := s.region(r.place())
	x.name = strings.ToLower(x.name)
	if _, ok := g.group(x.kind, x.name, r.now); ok {
		return refuse(taken, "The group %s already exists.", x.name)
	}
	x.status.set(r.now, statusAvailable)
	x.tags.set(r.now, tags)
	g.groups = append(g.groups, x)
	return nil
}

// dropGroup deletes a group that no database uses.
func (s *rdsState) dropGroup(r *request, kind groupKind, param, busy string) (any, error) {
	name := strings.ToLower(r.params.need(param))
	if err := r.params.check(); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	x, ok := g.group(kind, name, r.now)
	switch {
	case !ok:
		return nil, groupNotFound(kind, name)
	case len(x.status.timeline) == 0:
		return nil, refuse(busy, "Default groups cannot be deleted: %s", name)
	case g.uses(kind, name, r.now):
		return nil, refuse(busy, "One or more database instances are still members of this group %s, so the group cannot be deleted", name)
	}
	x.status.set(r.now, "")
	return nil, nil
}

func (g *rdsRegion) uses(kind groupKind, name string, now time.Time) bool {
	return g.clusterUses(kind, name, now) || slices.ContainsFunc(g.instances, func(d *dbInstance) bool {
		c := d.config.get(now)
		named := map[groupKind]string{subnetGroups: c.subnetGroup, parameterGroups: c.parameterGroup, optionGroups: c.optionGroup}
		return d.exists(now) && named[kind] == name
	})
}

// listGroups gives the groups of a kind, or the one that is named.
func (s *rdsState) listGroups(r *request, kind groupKind, param string) ([]*dbGroup, page, error) {
	name := strings.ToLower(r.params.str(param))
	pg, pageErr := readPage(r.params)
	if err := firstError(r.params.check(), pageErr); err != nil {
		return nil, pg, err
	}
	g := s.region(r.place())
	if name != "" {
		x, ok := g.group(kind, name, r.view)
		if !ok {
			return nil, pg, groupNotFound(kind, name)
		}
		return []*dbGroup{x}, pg, nil
	}
	var out []*dbGroup
	for _, x := range g.groups {
		if x.kind == kind && x.status.exists(r.view) {
			out = append(out, x)
		}
	}
	return out, pg, nil
}
