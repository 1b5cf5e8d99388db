package account

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// quotasLast is how long quotas that were read are believed. AWS raises them on
// request, which takes hours.
const quotasLast = time.Hour

type readQuotas struct {
	at     time.Time
	quotas map[dr.Scope]dr.Quota
}

// Quotas reads what an account may have at a site, of the given kinds: one call for
// each quota, once an hour. What cannot be read is left out, and the stores'
// defaults hold.
func (r *Reader) Quotas(ctx context.Context, now time.Time, site dr.Site, wanted func(dr.Kind) bool) map[dr.Scope]dr.Quota {
	r.mu.Lock()
	known, ok := r.quotas[site.Name]
	r.mu.Unlock()
	if ok && now.Sub(known.at) < quotasLast {
		return known.quotas
	}
	out := map[dr.Scope]dr.Quota{}
	cfg, err := r.sessions.Config(ctx, site)
	if err != nil {
		return out // The site itself is a gap.
	}
	client := servicequotas.NewFromConfig(cfg)
	for _, l := range r.limits {
		if !wanted(l.Kind) {
			continue
		}
		n, ok := read(ctx, client, l)
		if !ok {
			continue
		}
		scope := dr.Scope{Kind: l.Kind, Site: site}
		q := out[scope]
		q.From = "Service Quotas"
		if l.Copies {
			q.Copies = n
		} else {
			q.Snapshots = n
		}
		out[scope] = q
	}
	if ctx.Err() == nil {
		r.mu.Lock()
		r.quotas[site.Name] = readQuotas{now, out}
		r.mu.Unlock()
	}
	return out
}

func read(ctx context.Context, client *servicequotas.Client, l Limit) (int, bool) {
	out, err := client.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{
		ServiceCode: aws.String(l.Service), QuotaCode: aws.String(l.Code),
	})
	if err != nil || out.Quota == nil || out.Quota.Value == nil {
		return 0, false
	}
	return int(aws.ToFloat64(out.Quota.Value)), true
}
