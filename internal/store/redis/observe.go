package redis

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/replica"
	"github.com/holdfast-dr/holdfast/internal/vault"
)

const (
	// looks is how many endpoints are asked at a time.
	looks = 16
	// lookLimit is how long one may take to answer. It is more than connecting may take,
	// so that a cluster with a node that is gone still says which.
	lookLimit = 40 * time.Second
)

// Observe asks all endpoints whose vault the site is, and reads the manifests there. An
// endpoint that does not answer is blocked; what is in the vault is seen all the same.
func (d *Driver) Observe(ctx context.Context, site dr.Site) (dr.Inventory, error) {
	v, err := d.visit(ctx, site)
	if err != nil {
		return dr.Inventory{}, err
	}
	all := d.file.Of(site)
	inv := dr.Inventory{Resources: make([]dr.Resource, len(all))}
	if len(all) == 0 {
		inv.Resources = nil
	}
	g, looking := errgroup.WithContext(ctx)
	g.SetLimit(looks + 1)
	g.Go(func() (err error) { inv.Snapshots, err = v.snapshots(looking); return err })
	for i, e := range all {
		g.Go(func() error { inv.Resources[i] = v.resource(looking, e); return nil })
	}
	if err := g.Wait(); err != nil {
		return dr.Inventory{}, err
	}
	if err := ctx.Err(); err != nil { // Then nothing was said of the servers.
		return dr.Inventory{}, err
	}
	return inv, nil
}

// Snapshots reads the manifests in a vault.
func (d *Driver) Snapshots(ctx context.Context, site dr.Site) ([]dr.Snapshot, error) {
	v, err := d.visit(ctx, site)
	if err != nil {
		return nil, err
	}
	return v.snapshots(ctx)
}

func (v *visit) snapshots(ctx context.Context) ([]dr.Snapshot, error) {
	found, err := v.vault.List(ctx, "")
	if err != nil {
		return nil, explained(err)
	}
	var out []dr.Snapshot
	for i := range found {
		f := &found[i]
		if f.Flaw == "" && f.Manifest.Kind != Kind {
			continue // Another kind's.
		}
		out = append(out, v.snapshot(f))
	}
	return out, nil
}

// snapshot says what a manifest does.
func (v *visit) snapshot(f *vault.Snapshot) dr.Snapshot {
	m := &f.Manifest
	s := dr.Snapshot{
		Ref: dr.Ref{Kind: Kind, Site: v.site, ID: path.Base(f.Folder)}, State: dr.Unclear, Status: "unreadable", Flaw: f.Flaw,
		Of: dr.Ref{Kind: Kind, Site: v.site, ID: path.Dir(strings.TrimSuffix(f.Folder, "/"))},
	}
	if f.Flaw != "" {
		return s
	}
	s.Ref.ID, s.Of.ID = m.Name, m.Resource
	s.Taken, s.Claim, s.Bytes, s.CopyOf, s.Made = m.Taken, m.Claim, m.Bytes(), m.CopyOf, m.Copied
	for _, p := range m.Parts {
		s.Members = append(s.Members, p.File)
	}
	switch {
	case m.Leaving:
		s.State, s.Status = dr.Going, "deleting"
	case f.Damage != "":
		s.State, s.Status = dr.Failed, f.Damage
	case m.Consistency == vault.Fuzzy:
		s.State, s.Status = dr.Good, "available, fuzzy"
	default:
		s.State, s.Status = dr.Good, "available"
	}
	return s
}

// resource says how an endpoint is.
func (v *visit) resource(ctx context.Context, e policy.Endpoint) dr.Resource {
	r := dr.Resource{
		Ref: dr.Ref{Kind: Kind, Site: v.site, ID: e.Name}, Name: e.Name, Tags: e.Tags,
		State: dr.Ready, Status: "available", NameLimit: nameLimit,
	}
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	at, err := v.reach(v.site, e)
	var t replica.Topology
	if err == nil {
		t, err = v.servers.Discover(ctx, at)
	}
	if err != nil {
		r.State, r.Status = trouble(err)
		r.Config = dr.NewConfig(settings(e, replica.Topology{}))
		return r
	}
	for _, s := range t.Shards {
		from := s.Source(!e.Primary)
		r.Bytes += from.UsedMemory
		if from.Loading {
			r.State, r.Status = dr.Busy, "loading its data"
		}
	}
	if len(t.Moving) > 0 {
		r.State, r.Status = dr.Busy, "moving slots"
	}
	r.Config = dr.NewConfig(settings(e, t))
	return r
}

// trouble says of an endpoint that cannot be asked what that is.
func trouble(err error) (dr.Readiness, string) {
	state, word := dr.Blocked, string(cmp.Or(replica.ReasonOf(err), replica.Unreachable))
	switch replica.ReasonOf(err) {
	case replica.Loading, replica.Moving, replica.Busy:
		state = dr.Busy
	default:
	}
	return state, word + " (" + strings.ReplaceAll(plainly(err), "\n", "; ") + ")"
}

// settings is what a restore would need to know: what the servers are, and how they were
// set up as far as INFO tells.
func settings(e policy.Endpoint, t replica.Topology) map[string]string {
	out := map[string]string{
		"addresses": strings.Join(e.Addresses, ","), "mode": "single", "sentinel": e.Sentinel,
		"tls": string(e.TLS.Mode), "user": e.User,
	}
	switch {
	case t.Cluster || e.Cluster:
		out["mode"] = "cluster"
	case e.Sentinel != "":
		out["mode"] = "sentinel"
	}
	if len(t.Shards) == 0 {
		return out
	}
	out["shards"] = strconv.Itoa(len(t.Shards))
	from := t.Shards[0].Source(!e.Primary)
	out["engine"], out["version"] = strings.ToLower(from.Server.Program), from.Server.Version
	for setting, field := range map[string]string{
		"maxmemory": "maxmemory", "maxmemory-policy": "maxmemory_policy", "appendonly": "aof_enabled",
	} {
		out[setting] = from.Info[field]
	}
	for i, s := range t.Shards {
		if t.Cluster {
			out[fmt.Sprintf("shard-%d", i)] = slots(s.Slots)
		}
	}
	return out
}

// slots writes the slots of a shard, as in "0-5460,5462".
func slots(all []replica.Slots) string {
	words := make([]string, len(all))
	for i, s := range slices.Clone(all) {
		words[i] = s.String()
	}
	return strings.Join(words, ",")
}
