package main

import (
	"context"
	"os"
	"slices"

	"github.com/holdfast-dr/holdfast/internal/account"
	"github.com/holdfast-dr/holdfast/internal/check"
	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// newChecker makes what checks the data of restored stores.
func newChecker(f policy.File, secrets *account.Reader, clock engine.Clock) *check.Runner {
	proxies := map[string]string{}
	for _, s := range f.Sites {
		proxies[s.Name] = s.Proxy
	}
	return &check.Runner{Proxies: proxies, Secrets: secrets, Clock: clock, Getenv: os.LookupEnv}
}

// dataChecks tries whether the passwords can be read that the checks of policies need
// at a site.
func dataChecks(ctx context.Context, a *app, at dr.Site) []grantCheck {
	var out []grantCheck
	for _, p := range a.file.Policies {
		if !reaches(p, at.Name) {
			continue
		}
		for _, c := range p.Checks {
			if c.Password == (policy.Password{}) {
				continue
			}
			g := grantCheck{Permission: c.Password.String(), Needed: "for the checks of policy " + p.Name, Granted: true}
			if err := a.engine.Checks.Ready(ctx, c, check.Target{Site: at}); err != nil {
				g.Granted, g.Error = false, err.Error()
			}
			if !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	return out
}

// reaches reports whether snapshots of a policy can be at a site.
func reaches(p policy.Policy, site string) bool {
	return len(p.Match.Sites) == 0 || slices.Contains(p.Match.Sites, site) ||
		slices.ContainsFunc(p.Copies, func(c policy.Copy) bool { return c.To == site })
}
