package main

import (
	"context"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// mayEncrypt is the permission without which nothing is encrypted under a key.
const mayEncrypt = "kms:GenerateDataKey"

// keyChecks tries what copies need of the key of a site.
func keyChecks(ctx context.Context, a *app, site policy.Site, at dr.Site) []grantCheck {
	if site.Key == "" {
		return nil
	}
	tries := []struct {
		permission, needed string
		try                func(context.Context, dr.Site, string) error
	}{
		{"kms:DescribeKey", "to see the state of key " + site.Key, a.account.Look},
		{mayEncrypt, "to make copies under key " + site.Key, a.account.MayEncrypt},
	}
	var out []grantCheck
	for _, t := range tries {
		err := t.try(ctx, at, site.Key)
		g := grantCheck{Permission: t.permission, Needed: t.needed, Granted: err == nil}
		if err != nil {
			g.Error = store.Brief(err)
			if t.permission == mayEncrypt {
				g.Error += " (where the key's policy allows it through a service alone, by kms:ViaService, this says nothing)"
			}
		}
		out = append(out, g)
	}
	return out
}
