package elasticache

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticache"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// The forms of caches, as they stand in captured configurations.
const (
	formGroup      = "group"
	formCluster    = "cluster"
	formServerless = "serverless"
)

// What only restores of caches know; see store.Restore.With.
const (
	withRecord = "record"
	withZone   = "record-zone"
	withFiles  = "files"
	withToken  = "auth-token-from" //nolint:gosec // Where one is read.
)

// The operations of a restore's steps. A cache cannot be renamed, so what changes in
// the end is a record in DNS.
const (
	opMake   = "restore"
	opSettle = "settle"
	opPoint  = "point"
	opKeep   = "keep"
	opFinish = "finish"
)

// makerAPI is the part of the SDK's client that only restores use.
type makerAPI interface {
	CreateReplicationGroup(context.Context, *elasticache.CreateReplicationGroupInput, ...func(*elasticache.Options)) (*elasticache.CreateReplicationGroupOutput, error)
	ModifyReplicationGroup(context.Context, *elasticache.ModifyReplicationGroupInput, ...func(*elasticache.Options)) (*elasticache.ModifyReplicationGroupOutput, error)
	DeleteReplicationGroup(context.Context, *elasticache.DeleteReplicationGroupInput, ...func(*elasticache.Options)) (*elasticache.DeleteReplicationGroupOutput, error)
	CreateCacheCluster(context.Context, *elasticache.CreateCacheClusterInput, ...func(*elasticache.Options)) (*elasticache.CreateCacheClusterOutput, error)
	ModifyCacheCluster(context.Context, *elasticache.ModifyCacheClusterInput, ...func(*elasticache.Options)) (*elasticache.ModifyCacheClusterOutput, error)
	DeleteCacheCluster(context.Context, *elasticache.DeleteCacheClusterInput, ...func(*elasticache.Options)) (*elasticache.DeleteCacheClusterOutput, error)
	CreateServerlessCache(context.Context, *elasticache.CreateServerlessCacheInput, ...func(*elasticache.Options)) (*elasticache.CreateServerlessCacheOutput, error)
	ModifyServerlessCache(context.Context, *elasticache.ModifyServerlessCacheInput, ...func(*elasticache.Options)) (*elasticache.ModifyServerlessCacheOutput, error)
	DeleteServerlessCache(context.Context, *elasticache.DeleteServerlessCacheInput, ...func(*elasticache.Options)) (*elasticache.DeleteServerlessCacheOutput, error)
}

// maker is the driver at a site where it makes and deletes caches.
type maker struct {
	*visit
	caches makerAPI
}

func (d *Driver) maker(ctx context.Context, site dr.Site) (*maker, error) {
	v, err := d.visit(ctx, site)
	if err != nil {
		return nil, err
	}
	return &maker{v, elasticache.NewFromConfig(v.cfg)}, nil
}

// Restore builds the steps of a restore. Nothing is changed.
func (d *Driver) Restore(ctx context.Context, r store.Restore) (store.Restoration, error) {
	if err := r.Only(withRecord, withZone, withFiles, withToken); err != nil {
		return store.Restoration{}, err
	}
	m, err := d.maker(ctx, r.From.Ref.Site)
	if err != nil {
		return store.Restoration{}, err
	}
	p := &restorePlan{maker: m, Restore: r, settings: maps.Clone(r.Settings)}
	for _, prepare := range [...]func(context.Context) error{p.named, p.free, p.source, p.secured, p.placed, p.pointed} {
		if err := prepare(ctx); err != nil {
			return store.Restoration{}, err
		}
	}
	return store.Restoration{Saga: p.saga(), Losses: p.losses, Notes: p.notes(), Needs: p.needs(), Name: p.id()}, nil
}

// Captured gives the configuration of a snapshot that was listed without it: of one
// whose claim was told by its name alone, and of files.
func (d *Driver) Captured(ctx context.Context, s dr.Snapshot) (dr.Config, error) {
	if s.Claim.Config != "" {
		return s.Claim.Config, nil
	}
	if asFile(&s) {
		m, err := d.Manifest(ctx, s)
		return m.Claim.Config, err
	}
	v, err := d.visit(ctx, s.Ref.Site)
	if err != nil {
		return "", err
	}
	tags, err := v.readTags(ctx, cmp.Or(s.ARN, snapshotARN(s.Ref.Site, plainName(s.Ref.ID), strings.HasPrefix(s.Of.ID, serverlessPrefix))))
	if err != nil {
		return "", fmt.Errorf("read the tags of snapshot %s: %w", s.Ref.ID, err)
	}
	c, err := dr.ParseClaim(tags)
	return c.Config, err
}

// restorePlan is a restore that is being planned.
type restorePlan struct {
	*maker
	store.Restore
	settings map[string]string
	form     string
	// name is that of the new one; it never has another.
	name string
	// there is what there is of it already, when the restore goes on.
	there *cacheNow
	// files are the objects that it is made from, by their ARNs; none: the snapshot.
	files   []string
	records []pointer
	zone    zone
	losses  []string
}

func (p *restorePlan) id() string { return cacheID(p.form, p.name) }

// cacheID gives the identifier of a cache, and splitID its parts.
func cacheID(form, name string) string {
	switch form {
	case formCluster:
		return clusterPrefix + name
	case formServerless:
		return serverlessPrefix + name
	default:
		return name
	}
}

func splitID(id string) (form, name string) {
	switch name = plainName(id); {
	case strings.HasPrefix(id, clusterPrefix):
		return formCluster, name
	case strings.HasPrefix(id, serverlessPrefix):
		return formServerless, name
	default:
		return formGroup, name
	}
}

// cacheName is what AWS says of names (Amazon ElastiCache API Reference,
// CreateReplicationGroup, ReplicationGroupId; two hyphens side by side are looked for
// apart from it).
var cacheName = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)

// madeBefore is the end of a name that an earlier restore gave.
var madeBefore = regexp.MustCompile(`-r\d{4}t\d{4}-[0-9a-f]{4}$`)

func nameRoom(form string) int {
	if form == formCluster {
		return 50
	}
	return nameLimit
}

// named finds out what the new one is and what it will be called.
func (p *restorePlan) named(ctx context.Context) error {
	if p.form = p.settings["form"]; p.form == "" {
		if err := p.formed(ctx); err != nil {
			return err
		}
	}
	if p.form != formGroup && p.form != formCluster && p.form != formServerless {
		return p.refuse(fmt.Errorf("the captured configuration of snapshot %s does not say what the cache was", p.From.Ref.ID),
			"name another snapshot (--from)")
	}
	room := nameRoom(p.form)
	switch {
	case p.InPlace && p.With[withRecord] == "":
		return p.refuse(fmt.Errorf("no cache can get another name, so none can take the place of another by its name"),
			"restore it beside (--as NAME) and point its clients there; or, where they go by a record in Route 53, say which (--record NAME)")
	case p.InPlace && p.RenameFirst:
		return p.refuse(fmt.Errorf("no cache can get another name, so there is no order of renames"), "leave out --order")
	case !p.InPlace && p.With[withRecord] != "":
		return p.refuse(fmt.Errorf("--record is for --in-place"), "leave it out, or restore in place")
	case p.InPlace:
		p.name = p.beside()
	default:
		p.name = strings.ToLower(plainName(p.Name))
	}
	if len(p.name) > room || !cacheName.MatchString(p.name) || strings.Contains(p.name, "--") {
		return p.refuse(fmt.Errorf("%q cannot be the name of a cache", p.name),
			fmt.Sprintf("a name has up to %d letters, digits and single hyphens, begins with a letter and does not end with a hyphen", room))
	}
	return nil
}

// formed finds out the form of what this restore has made, where the snapshot is gone
// that would tell: so that it can be taken back.
func (p *restorePlan) formed(ctx context.Context) error {
	for _, form := range [...]string{formGroup, formCluster, formServerless} {
		p.form = form
		name := strings.ToLower(plainName(p.Name))
		if p.InPlace {
			name = p.beside()
		}
		c, found, err := p.look(ctx, cacheID(form, name))
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if whose, _, err := p.whose(ctx, c, p.ID); err != nil || whose == ours {
			return err
		}
	}
	p.form = ""
	return nil
}

// beside is the name of a new one that takes the place of another.
func (p *restorePlan) beside() string {
	base, tail := madeBefore.ReplaceAllString(plainName(p.Name), ""), "-"+p.ID
	return strings.TrimRight(base[:min(len(base), nameRoom(p.form)-len(tail))], "-") + tail
}

func (p *restorePlan) refuse(err error, remedy string) error {
	return &store.Error{Doing: "restore " + plainName(p.Name), Fault: store.Invalid, Err: err, Remedy: remedy}
}

// free refuses a name that another has. What this very restore has made is found there
// when it goes on.
func (p *restorePlan) free(ctx context.Context) error {
	c, found, err := p.look(ctx, p.id())
	if err != nil || !found {
		return err
	}
	whose, _, err := p.whose(ctx, c, p.ID)
	switch {
	case err != nil:
		return err
	case whose == others, whose == unclear && !c.created.IsZero() && c.created.Before(p.Begun.Add(-time.Minute)):
		return &store.Error{
			Doing: "restore as " + p.name, Fault: store.Conflict, Err: fmt.Errorf("there is a %s %s already", noun(p.form), p.name),
			Remedy: "restore under another name (--as)",
		}
	}
	p.there = &c
	return nil
}

// secured sees that a cache with a password gets one again. AWS shows nobody what it
// was, and a cache without it would be open to all that reach it.
func (p *restorePlan) secured(context.Context) error {
	from := p.With[withToken]
	switch {
	case p.settings["auth"] == "" && from != "":
		return p.refuse(fmt.Errorf("the cache had no AUTH token when the snapshot was taken"), "leave out --auth-token-from")
	case p.settings["auth"] == "" || p.there != nil:
		return nil
	case from == "":
		return p.refuse(fmt.Errorf("the cache has an AUTH token, which AWS shows nobody"),
			"say where it is to be read: --auth-token-from env:NAME or --auth-token-from file:PATH")
	}
	_, err := readToken(from)
	return err
}

// placed leaves out the zones of other Regions, and what no call takes.
func (p *restorePlan) placed(context.Context) error {
	var zones []string
	for _, z := range wanted(p.settings).list("zones") {
		if strings.HasPrefix(z, p.site.Region) {
			zones = append(zones, z)
		} else {
			p.losses = append(p.losses, "zones "+z)
		}
	}
	p.settings["zones"] = strings.Join(zones, ",")
	lost := []string{"global"}
	if p.form == formGroup {
		lost = append(lost, "outpost")
	}
	p.losses = append(p.losses, store.Lost(p.settings, lost...)...)
	if n := len(p.Tags); n > ownTags {
		p.losses = append(p.losses, fmt.Sprintf("%d of its %d tags: a cache has at most %d, and a restore needs some", n-ownTags, n, maxTags))
	}
	slices.Sort(p.losses)
	return nil
}

// ownTags is how many of its own tags a restored cache can have: the others are for
// the marks.
const ownTags = maxTags - 12

func (p *restorePlan) notes() []string {
	var out []string
	if p.form == formServerless {
		out = append(out, "it runs the newest release of "+p.settings["engine"]+" "+p.settings["major"]+" that ElastiCache has")
	} else {
		out = append(out, "it runs the newest patch of "+p.settings["engine"]+" "+release(p.settings)+" that ElastiCache has")
	}
	if p.InPlace {
		out = append(out,
			"no cache can be renamed: the new one is "+p.id()+" for good; policies that select by name have to match that, and its snapshots count anew",
			"the old one keeps its name, and serves those that go by it and not by "+strings.Join(p.recordNames(), ", ")+
				"; what is written there is not in the new one")
		for _, r := range p.records {
			out = append(out, fmt.Sprintf("clients follow %s within %d seconds, and keep the connections that they have", r.name, r.ttl))
		}
	}
	if p.settings["auth"] != "" {
		out = append(out, "its AUTH token is read from "+p.With[withToken]+" when the new one is made")
	}
	return out
}

func (p *restorePlan) recordNames() []string {
	var out []string
	for _, r := range p.records {
		out = append(out, r.name)
	}
	return out
}

func (p *restorePlan) needs() string {
	what := "one more serverless cache in the account's quota, and its price, "
	if p.form != formServerless {
		what = fmt.Sprintf("%d more nodes of %s in the account's quota, and their price, ", nodesOf(p.settings), p.settings["node"])
	}
	if p.InPlace {
		return what + "until the old one is gone"
	}
	return what + "for good"
}

// saga puts the steps together.
func (p *restorePlan) saga() saga.Saga {
	fill := 10 * time.Duration(p.From.Bytes>>30) * time.Second // Ten seconds for each GiB.
	steps := []saga.Step{
		{
			Name: "restore", Title: "restore " + p.From.Ref.ID + " as " + p.name, Op: opMake,
			Expect: 12*time.Minute + fill, Deadline: 24 * time.Hour,
		},
		{
			Name: "settle", Title: "give it the settings that a restore does not take", Op: opSettle,
			Expect: time.Minute, Deadline: 6 * time.Hour,
		},
	}
	if p.Checks != "" {
		steps = append(steps, store.CheckStep("check", p.id()))
	}
	if p.InPlace {
		until := p.Begun.Add(p.KeepOld).UTC().Format(time.RFC3339)
		steps = append(steps, saga.Step{
			Name: "point", Title: "point " + strings.Join(p.recordNames(), ", ") + " to " + p.name, Op: opPoint,
			Expect: time.Minute, Deadline: time.Hour,
		}, saga.Step{
			Name: "let-go", Title: "keep " + plainName(p.Name) + " until " + until, Op: opKeep, Pivot: true,
			Expect: 5 * time.Second, Deadline: 12 * time.Hour, Args: map[string]string{"until": until},
		})
	}
	steps = append(steps, saga.Step{
		Name: "finish", Title: "take the marks off " + p.name, Op: opFinish, Expect: 5 * time.Second, Deadline: 12 * time.Hour,
	})
	args := p.args()
	for i := range steps {
		if steps[i].Op == store.OpCheck {
			continue
		}
		own := maps.Clone(args)
		maps.Copy(own, steps[i].Args)
		steps[i].Args = own
	}
	return saga.Saga{ID: p.ID, Title: p.title(), Steps: steps}
}

func (p *restorePlan) title() string {
	if p.InPlace {
		return fmt.Sprintf("restore %s in place from %s", p.Name, p.From.Ref.ID)
	}
	return fmt.Sprintf("restore %s as %s", p.From.Ref.ID, p.name)
}

// args are those that all steps have.
func (p *restorePlan) args() map[string]string {
	out := map[string]string{
		"id": p.ID, "new": p.id(), "owner": p.Owner, "snapshot": p.From.Ref.ID, "request": string(p.Request()),
		"settings": string(dr.NewConfig(p.settings)), "tags": string(dr.NewConfig(p.Tags)),
		"files": strings.Join(p.files, ","), "token": p.With[withToken],
	}
	if p.InPlace {
		out["old"], out["zone"], out["zone-site"] = p.Name, p.zone.id, p.zone.site.Name
		out["records"] = encodePointers(p.records)
	}
	return out
}

// Endpoint gives where a cache answers.
func (d *Driver) Endpoint(ctx context.Context, site dr.Site, name string) (store.Endpoint, error) {
	m, err := d.maker(ctx, site)
	if err != nil {
		return store.Endpoint{}, err
	}
	c, found, err := m.look(ctx, name)
	switch {
	case err != nil:
		return store.Endpoint{}, err
	case !found || len(c.hosts) == 0:
		return store.Endpoint{}, fmt.Errorf("cache %s has no endpoint", name)
	}
	host := cmp.Or(c.hosts[hostConfig], c.hosts[hostPrimary], c.hosts[hostNode])
	return store.Endpoint{Host: host, Port: c.port, Engine: c.engine}, nil
}
