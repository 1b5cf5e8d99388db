// Package redis protects Redis and Valkey, wherever they run: single servers, those that
// Sentinels watch, and clusters.
//
// No service lists them, so the policy file does: an endpoint says where servers are, how
// to be let in, and in which vault their snapshots are kept. That vault is their site.
//
// A snapshot is taken by the replication protocol (package replica), proven and counted
// while it passes by (package rdb), and published in the vault by its manifest when all
// of it is there (package vault). So there is none that is pending or that has failed: Apply
// returns when it is good, and what was cut short is not seen, and swept up later.
//
// # Identifiers
//
// An endpoint is known by its name in the policy file, a snapshot by its name. Its claim
// names vault and endpoint, and holds what INFO told when it was planned.
package redis

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/replica"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/vault"
)

// Kind is the kind's name in policies and claims.
const Kind dr.Kind = "redis"

// nameLimit is how long the name of a snapshot may be: short enough for a vault to have
// it as it is.
const nameLimit = 120

// Passwords finds the passwords of which the policy file says where they are.
type Passwords func(ctx context.Context, site dr.Site, p policy.Password) (string, error)

// Servers is how servers are asked.
type Servers struct {
	// Discover tells what is behind an endpoint.
	Discover func(ctx context.Context, at replica.Endpoint) (replica.Topology, error)
	// Take takes the files of all shards.
	Take func(ctx context.Context, at replica.Endpoint, open func(context.Context, int, replica.Shard) (replica.Target, error), o replica.Options) (replica.Point, error)
	// MayPSync tries whether a server would let a replica in; nil where that cannot be
	// tried.
	MayPSync func(ctx context.Context, at replica.Endpoint, n replica.Node) error
}

// Real gives the way to ask servers over the network.
func Real() Servers {
	return Servers{Discover: replica.Discover, Take: replica.Take, MayPSync: mayPSync}
}

// Driver is the store.Driver for Redis and Valkey.
type Driver struct {
	file      policy.File
	sessions  store.Sessions
	passwords Passwords
	servers   Servers

	mu     sync.Mutex
	depots map[string]*depot // by the site's name
}

// New makes a driver for the endpoints of a policy file.
func New(f policy.File, sessions store.Sessions, passwords Passwords, servers Servers) *Driver {
	return &Driver{file: f, sessions: sessions, passwords: passwords, servers: servers, depots: map[string]*depot{}}
}

var (
	_ store.Copier = (*Driver)(nil)
	_ store.Filed  = (*Driver)(nil)
)

// Kind names the kind.
func (*Driver) Kind() dr.Kind { return Kind }

// Filed says that snapshots are files in vaults.
func (*Driver) Filed() {}

// Routing says that they are copied from vault to vault.
func (*Driver) Routing() plan.Routing {
	return plan.Routing{Means: plan.ByVault, NameLimit: nameLimit}
}

// visit is the driver at work at one site.
type visit struct {
	*Driver
	site  dr.Site
	depot *depot
	vault *vault.Vault
}

func (d *Driver) visit(ctx context.Context, site dr.Site) (*visit, error) {
	p := d.depot(site)
	v, err := p.open(ctx, d)
	if err != nil {
		return nil, explained(err)
	}
	return &visit{d, site, p, v}, nil
}

// Apply does an action once, however often it is called. It returns when it is done,
// which may take as long as the data takes to come.
func (d *Driver) Apply(ctx context.Context, a plan.Action) (dr.Ref, error) {
	if err := ctx.Err(); err != nil {
		return dr.Ref{}, err
	}
	v, err := d.visit(ctx, a.To)
	if err != nil {
		return dr.Ref{}, err
	}
	ref := dr.Ref{Kind: Kind, Site: a.To, ID: a.Name}
	switch a.Verb {
	case plan.Create:
		err = v.create(ctx, a)
	case plan.Copy:
		err = v.copyHere(ctx, a)
	case plan.Delete:
		err = v.remove(ctx, a)
	case plan.Hold, plan.Release:
		err = v.vault.Hold(ctx, v.id(a), a.Claim, a.Verb == plan.Hold)
	case plan.Promote, plan.Adopt, plan.Share, plan.Withdraw, plan.Configure, plan.Retire:
		err = fmt.Errorf("snapshots that are files know no %s", a.Verb)
	}
	if err != nil {
		return dr.Ref{}, explained(err)
	}
	return ref, nil
}

// id names the snapshot that an action is about, within its vault.
func (v *visit) id(a plan.Action) vault.ID {
	return vault.ID{Resource: resourceOf(a.Claim), Name: a.Name}
}

// resourceOf gives the name of the endpoint that a claim is about.
func resourceOf(c dr.Claim) string {
	source, _ := dr.ReadSource(c.Source) // An empty name is refused by the vault.
	return source.ID
}

// endpoint finds the endpoint that is to be taken a snapshot of.
func (v *visit) endpoint(name string) (policy.Endpoint, error) {
	all := v.file.Of(v.site)
	i := slices.IndexFunc(all, func(e policy.Endpoint) bool { return e.Name == name })
	if i < 0 {
		return policy.Endpoint{}, &store.Error{
			Doing: "look it up", Fault: store.NotFound,
			Err:    fmt.Errorf("the policy file has no endpoint %q with the vault %s", name, v.site.Name),
			Remedy: store.NotFound.Remedy(),
		}
	}
	return all[i], nil
}
