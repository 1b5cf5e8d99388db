package aurora

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
	"github.com/holdfast-dr/holdfast/internal/store/internal/swap"
)

// What the mark says of members. Once they change names nothing else tells what they
// were called, and the snapshot that tells of the new ones may be gone by then.
const (
	withOld = "old-members" // name:resource-id/name:resource-id
	withNew = "new-members" // name/name
)

// cast is the members of both clusters.
type cast struct {
	old  []oldMember
	made []newMember
	// cluster is the old one as it was found while planning; nil where there is none, or
	// where it is not looked at any more.
	cluster *types.DBCluster
}

// oldMember is a member of the old cluster, which no rename of either is to lose.
type oldMember struct{ name, id, away string }

// newMember is a member that is made: first under the name beside, in the end under
// name.
type newMember struct {
	name, beside string
	settings     map[string]string
}

// castOf gives the members: from the mark where the restore is under way, else from
// what is there, whose names must be free.
func castOf(ctx context.Context, api restoreAPI, r store.Restore) (cast, error) {
	var c cast
	if _, under := r.With[withNew]; under {
		c = castOfMark(r)
		c.giveNames(r)
		return c, nil
	}
	there, err := instancesOf(ctx, api)
	if err != nil {
		return cast{}, err
	}
	if r.InPlace {
		if err := c.findOld(ctx, api, r, there); err != nil {
			return cast{}, err
		}
	}
	if !multiAZ(r.Settings) {
		c.plan(r)
	}
	c.giveNames(r)
	return c, c.free(r, there)
}

func castOfMark(r store.Restore) cast {
	var c cast
	for _, text := range pieces(r.With[withOld]) {
		name, id, _ := strings.Cut(text, ":")
		c.old = append(c.old, oldMember{name: name, id: id})
	}
	captured := decodeMembers(r.Settings)
	for i, name := range pieces(r.With[withNew]) {
		m := newMember{name: name}
		if i < len(captured) {
			m.settings = captured[i].settings
		}
		c.made = append(c.made, m)
	}
	return c
}

func pieces(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "/")
}

// noted writes the members into what goes on the mark.
func (c cast) noted(r store.Restore) store.Restore {
	r.With = maps.Clone(r.With)
	if r.With == nil {
		r.With = map[string]string{}
	}
	var old, made []string
	for _, m := range c.old {
		old = append(old, m.name+":"+m.id)
	}
	for _, m := range c.made {
		made = append(made, m.name)
	}
	r.With[withOld], r.With[withNew] = strings.Join(old, "/"), strings.Join(made, "/")
	return r
}

// findOld finds the old cluster and its members.
func (c *cast) findOld(ctx context.Context, api restoreAPI, r store.Restore, there map[string]*types.DBInstance) error {
	old, found, err := clusters{api: api}.Find(ctx, r.Name)
	switch {
	case err != nil:
		return err
	case !found || aws.ToString(old.DbClusterResourceId) != r.Old:
		return &store.Error{
			Doing: "restore " + r.Name + " in place", Fault: store.NotFound, Err: fmt.Errorf("DB cluster %s is not there any more", r.Name),
			Remedy: "restore it under its name with --as " + r.Name,
		}
	}
	c.cluster = old.DBCluster
	if status := aws.ToString(old.Status); readiness(status) == dr.Blocked || readiness(status) == dr.Leaving {
		return &store.Error{
			Doing: "restore " + r.Name + " in place", Fault: store.Busy,
			Err:    fmt.Errorf("DB cluster %s is %s, and cannot be given another name", r.Name, status),
			Remedy: "start it, or restore under another name with --as",
		}
	}
	if !isAurora(aws.ToString(old.Engine)) {
		return nil // Its instances are AWS's to name.
	}
	for _, m := range membersOf(old.DBCluster, there) {
		if in := there[m.id]; in != nil && aws.ToString(in.DBInstanceStatus) != "deleting" {
			c.old = append(c.old, oldMember{name: m.id, id: aws.ToString(in.DbiResourceId)})
		}
	}
	return nil
}

// plan says what members are to be made. In place they have the names that were
// captured; beside a cluster of another name, names of its own.
func (c *cast) plan(r store.Restore) {
	captured := decodeMembers(r.Settings)
	from, used := r.From.Of.ID, map[string]bool{}
	for i, m := range captured {
		name := m.id
		if !r.InPlace {
			rest, named := strings.CutPrefix(m.id, from)
			if !named || from == "" {
				rest = fmt.Sprintf("-%d", i+1)
			}
			if name = r.Name + rest; len(name) > rdsapi.InstanceNameLimit || used[name] {
				tail := fmt.Sprintf("-%d", i+1)
				name = strings.TrimRight(r.Name[:min(len(r.Name), rdsapi.InstanceNameLimit-len(tail))], "-") + tail
			}
		}
		used[name] = true
		c.made = append(c.made, newMember{name: name, settings: m.settings})
	}
}

// giveNames gives members the names that they have for a while. They follow from the
// names that they had, so that any machine gives the same ones.
func (c *cast) giveNames(r store.Restore) {
	aside := func(name string, n int, of func(store.Restore, int) string, used map[string]bool) string {
		m := r
		m.Name = name
		got := of(m, rdsapi.InstanceNameLimit)
		if used[got] { // Two long names that differ at the end only.
			m.Name = fmt.Sprintf("m%d-%s", n+1, name)
			got = of(m, rdsapi.InstanceNameLimit)
		}
		used[got] = true
		return got
	}
	used := map[string]bool{}
	for i := range c.old {
		c.old[i].away = aside(c.old[i].name, i, store.Restore.Away, used)
	}
	for i := range c.made {
		c.made[i].beside = c.made[i].name
		if r.InPlace && !r.RenameFirst {
			c.made[i].beside = aside(c.made[i].name, i, store.Restore.Beside, used)
		}
	}
}

// oldID gives the resource id of the old member that has a name; empty where none has.
func (c cast) oldID(name string) string {
	for _, m := range c.old {
		if m.name == name {
			return m.id
		}
	}
	return ""
}

// free refuses a restore whose members' names others have.
func (c cast) free(r store.Restore, there map[string]*types.DBInstance) error {
	var names []string
	for _, m := range c.old {
		names = append(names, m.away)
	}
	for _, m := range c.made {
		names = append(names, m.name, m.beside)
	}
	for _, name := range names {
		in := there[name]
		if in == nil || c.oldID(name) == aws.ToString(in.DbiResourceId) || rdsapi.PlainTags(in.TagList)[dr.TagRestore] == r.ID {
			continue
		}
		return &store.Error{
			Doing: "restore " + r.Name, Fault: store.Conflict,
			Err:    fmt.Errorf("there is a DB instance %s already, and it is not of DB cluster %s", name, r.Name),
			Remedy: "rename or delete that instance, or restore under another name (--as)",
		}
	}
	return nil
}

// away renames the old members.
func (c cast) away(s *swap.Steps) {
	for i, m := range c.old {
		s.Rename(fmt.Sprintf("away-%d", i+1), m.name, m.away, dr.RoleOld, whatArg, theMember, "old", m.id)
	}
}

// make creates the new members. The first becomes the writer, so it is waited for; the
// others are made side by side.
func (c cast) make(s *swap.Steps) {
	for i := range c.made {
		c.create(s, i)
		if i == 0 {
			c.up(s, i)
		}
	}
	for i := 1; i < len(c.made); i++ {
		c.up(s, i)
	}
}

func (c cast) create(s *swap.Steps, i int) {
	m, r := c.made[i], s.Restore
	settings := maps.Clone(m.settings)
	if settings == nil {
		settings = map[string]string{}
	}
	tags := settings["tags"]
	delete(settings, "tags")
	settings["engine"] = r.Settings["engine"]
	args := []string{
		whatArg, theMember, "name", m.beside, "cluster", s.Beside, "settings", string(dr.NewConfig(settings)),
		"tags", string(dr.NewConfig(textTags(tags))), "request", "", // The cluster's mark says the rest.
		"final", m.name, "old", c.oldID(m.name), // Which may have the name still.
	}
	if i > 0 {
		args = append(args, goOnArg, "yes")
	}
	s.Add(saga.Step{
		Name: fmt.Sprintf("member-%d", i+1), Title: "create its instance " + m.beside, Op: swap.OpRestore,
		Expect: 30 * time.Second, Deadline: 12 * time.Hour,
	}, args...)
}

func (c cast) up(s *swap.Steps, i int) {
	s.Add(saga.Step{
		Name: fmt.Sprintf("up-%d", i+1), Title: "wait until " + c.made[i].beside + " serves", Op: opUp, Looks: i > 0,
		Expect: 7 * time.Minute, Deadline: 12 * time.Hour,
	}, whatArg, theMember, "name", c.made[i].beside)
}

// needs says what the restore takes of quotas.
func (c cast) needs(r store.Restore) string {
	what := "one more DB cluster"
	switch n := len(c.made); {
	case multiAZ(r.Settings):
		what += " and three more DB instances"
	case n == 1:
		what += " and one more DB instance"
	case n > 1:
		what += fmt.Sprintf(" and %d more DB instances", n)
	}
	if r.InPlace {
		return what + " in the account's quotas until the old one is gone"
	}
	return what + " in the account's quotas, and its price, for good"
}

// instancesOf gives all DB instances of a site by their names.
func instancesOf(ctx context.Context, api restoreAPI) (map[string]*types.DBInstance, error) {
	out := map[string]*types.DBInstance{}
	pages := rds.NewDescribeDBInstancesPaginator(api, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list DB instances: %w", err)
		}
		for i := range page.DBInstances {
			out[aws.ToString(page.DBInstances[i].DBInstanceIdentifier)] = &page.DBInstances[i]
		}
	}
	return out, nil
}

// notes says what a person should know beforehand.
func (c cast) notes(r store.Restore) []string {
	var out []string
	if r.Settings["secret-key"] != "" {
		out = append(out, "its master password is made anew, in a new secret of Secrets Manager: point those to it who read the old one's")
	}
	if !r.InPlace || c.cluster == nil {
		return out
	}
	old := c.cluster
	if len(old.CustomEndpoints) > 0 {
		out = append(out, "custom endpoints stay with the old one, and lead to its data: "+rdsapi.List(old.CustomEndpoints))
	}
	if g := aws.ToString(old.GlobalClusterIdentifier); g != "" {
		out = append(out, "the old one stays in the global database "+g+", whose other Regions keep following it")
	}
	if len(old.ReadReplicaIdentifiers) > 0 {
		out = append(out, "these replicate from the old one, and keep following it: "+rdsapi.List(old.ReadReplicaIdentifiers))
	}
	var extra []string
	for _, m := range c.old {
		if !slices.ContainsFunc(c.made, func(n newMember) bool { return n.name == m.name }) {
			extra = append(extra, m.name)
		}
	}
	if len(extra) > 0 {
		out = append(out, "instances that it did not have when the snapshot was taken, and will not have: "+strings.Join(extra, ","))
	}
	return out
}
