package redis

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/replica"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Grants tries the vault, with an object that is deleted at once, and of each endpoint
// whether it answers and would give a snapshot.
func (d *Driver) Grants(ctx context.Context, site dr.Site) []store.Grant {
	grants := []store.Grant{{Permission: "vault", Needed: "to list, read, write and delete there"}}
	v, err := d.visit(ctx, site)
	if err == nil {
		err = explained(v.vault.Check(ctx))
	}
	grants[0].Err = err
	for _, e := range d.file.Of(site) {
		grants = append(grants, d.endpointGrants(ctx, site, e)...)
	}
	return grants
}

func (d *Driver) endpointGrants(ctx context.Context, site dr.Site, e policy.Endpoint) []store.Grant {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	reach := store.Grant{Permission: "PING " + e.Name, Needed: "to reach its servers and be let in"}
	at, err := d.reach(site, e)
	var t replica.Topology
	if err == nil {
		t, err = d.servers.Discover(ctx, at)
	}
	if err != nil {
		reach.Err = explained(err)
		return []store.Grant{reach}
	}
	sync := store.Grant{Permission: "PSYNC " + e.Name, Needed: "to take snapshots as a replica does"}
	if e.Fuzzy || d.servers.MayPSync == nil {
		return []store.Grant{reach}
	}
	for _, s := range t.Shards {
		if err := d.servers.MayPSync(ctx, at, s.Source(!e.Primary)); err != nil && sync.Err == nil {
			sync.Err = explained(err)
		}
	}
	return []store.Grant{reach, sync}
}

// mayPSync asks for a replication from an offset that is no number. Servers from Redis 7.0
// on look first whether the user may, and then refuse it, with nothing begun
// (replication.c, syncCommand); older ones would begin, and are not asked.
func mayPSync(ctx context.Context, at replica.Endpoint, n replica.Node) error {
	major, _, _ := strings.Cut(n.Server.Version, ".")
	if v, err := strconv.Atoi(major); err != nil || v < 7 {
		return nil
	}
	o := &redis.Options{Addr: n.Address, Username: at.User, TLSConfig: at.TLS, Protocol: 2, DisableIdentity: true, MaxRetries: -1, PoolSize: 1, Dialer: at.Dial}
	if at.Password != nil {
		password, err := at.Password(ctx)
		if err != nil {
			return err
		}
		o.Password = password
	}
	c := redis.NewClient(o)
	defer c.Close()
	command := "PSYNC"
	if at.PSync != "" {
		command = at.PSync
	}
	err := c.Do(ctx, command, "?", "none").Err()
	if refused, ok := errors.AsType[redis.Error](err); ok {
		return refusal(n.Address, command, refused.Error())
	}
	return err
}

// refusal tells a word that only says that there was no number from one that refuses.
func refusal(address, command, said string) error {
	e := &replica.Error{Address: address, Doing: command, Said: said}
	switch {
	case strings.HasPrefix(said, "NOPERM"):
		e.Reason, e.Remedy = replica.Denied, "let the user do it: ACL SETUSER <user> on +psync +replconf +ping +info"
	case strings.Contains(said, "unknown command"):
		e.Reason, e.Remedy = replica.Refused, "it may have been renamed: set psync; a managed service may block it: let it be read key by key (fuzzy)"
	case strings.HasPrefix(said, "NOMASTERLINK"):
		e.Reason, e.Remedy = replica.Broken, "it is a replica that has lost its primary: mend that link, or write replica: never"
	default:
		return nil
	}
	return e
}
