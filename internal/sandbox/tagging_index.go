package sandbox

import (
	"strings"
	"time"
)

const (
	// taggingLag is how long a change of tags takes to show, and goneLag how long
	// what is gone is still shown. AWS states neither; of what was deleted, users
	// report more than twenty minutes (github.com/aws/aws-cli, issue 4173).
	taggingLag = 2 * time.Minute
	goneLag    = 30 * time.Minute
)

// taggedThing is one thing as the Tagging API knows it.
type taggedThing struct {
	arn    string
	tags   timeline[tagSet]
	status status
}

// kind gives the type as filters name it: "The string for each service name and
// resource type is the same as that embedded in a resource's Amazon Resource Name"
// (Resource Groups Tagging API Reference, GetResources).
func (t taggedThing) kind() string {
	part := strings.SplitN(t.arn, ":", 6)
	end := strings.IndexAny(part[5], ":/")
	return part[2] + ":" + part[5][:end]
}

// seen gives its tags as they are known at a moment. What never had a tag is not
// known; what has lost its last one is, without any.
func (t taggedThing) seen(when time.Time) (tagSet, bool) {
	known := when.Add(-taggingLag)
	if !t.status.exists(known) && !t.status.exists(when.Add(-goneLag)) {
		return nil, false
	}
	for _, c := range t.tags {
		if len(c.value) > 0 && !c.at.After(known) {
			return t.tags.get(known), true
		}
	}
	return nil, false
}

// taggable lists all that can have tags and is of a service that is simulated, but
// for the groups of RDS.
func (a *AWS) taggable(p place, now time.Time) []taggedThing {
	all := append(a.rds.taggable(p, now), a.elasticache.taggable(p)...)
	all = append(all, a.ec2.taggable(p)...)
	redshift := a.redshift.region(p, now)
	for _, c := range redshift.clusters {
		all = append(all, taggedThing{c.arn(now).String(), c.tags, c.status})
	}
	for _, x := range redshift.snapshots {
		all = append(all, taggedThing{x.arn().String(), x.tags, x.status})
	}
	serverless := a.serverless.region(p, now)
	for _, n := range serverless.namespaces {
		all = append(all, taggedThing{n.arn(), n.tags, n.status})
	}
	for _, x := range serverless.snapshots {
		all = append(all, taggedThing{x.arn(), x.tags, x.status})
	}
	return all
}

func (s *rdsState) taggable(p place, now time.Time) []taggedThing {
	var all []taggedThing
	g := s.region(p)
	for _, d := range g.instances {
		all = append(all, taggedThing{d.arn(now).String(), d.tags, d.status})
	}
	for _, c := range g.clusters {
		all = append(all, taggedThing{c.arn(now).String(), c.tags, c.status})
	}
	for _, x := range g.snapshots {
		all = append(all, taggedThing{x.arn().String(), x.tags, x.status})
	}
	for _, x := range g.dbClusterSnapshots {
		all = append(all, taggedThing{x.arn().String(), x.tags, x.status})
	}
	return all
}

// taggable lists caches and snapshots. Tags of a replication group "will be
// replicated to all nodes in the replication group" (Amazon ElastiCache API
// Reference, AddTagsToResource), so each of these is listed too. Whether a status
// lets tags be read by ListTagsForResource does not matter here.
func (s *cacheState) taggable(p place) []taggedThing {
	var all []taggedThing
	g := s.region(p)
	for _, c := range g.caches {
		all = append(all, taggedThing{c.arn().String(), c.tags, c.status})
		if c.form != formGroup {
			continue
		}
		for _, shard := range c.members() {
			for _, node := range shard {
				all = append(all, taggedThing{arn{"elasticache", c.place, string(formCluster), node}.String(), c.tags, c.status})
			}
		}
	}
	for _, x := range g.snapshots {
		all = append(all, taggedThing{x.arn().String(), x.tags, x.status})
	}
	return all
}

func (s *ec2State) taggable(p place) []taggedThing {
	var all []taggedThing
	add := func(kind, id string, tags timeline[tagSet], state status) {
		all = append(all, taggedThing{"arn:aws:ec2:" + p.region + ":" + p.account + ":" + kind + "/" + id, tags, state})
	}
	g := s.region(p)
	for _, x := range g.instances {
		add("instance", x.id, x.tags, x.state)
	}
	for _, x := range g.volumes {
		add("volume", x.id, x.tags, x.state)
	}
	for _, x := range g.snapshots {
		add("snapshot", x.id, x.tags, x.state)
	}
	return all
}
