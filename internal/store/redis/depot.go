package redis

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/vault"
)

// depot is the vault of a site. It is opened once; a failure is not remembered.
type depot struct {
	site dr.Site

	mu    sync.Mutex
	vault *vault.Vault
	// swept says that what earlier runs left behind was looked for.
	swept bool
}

func (d *Driver) depot(site dr.Site) *depot {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.depots[site.Name]
	if p == nil {
		p = &depot{site: site}
		d.depots[site.Name] = p
	}
	return p
}

func (p *depot) open(ctx context.Context, d *Driver) (*vault.Vault, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.vault != nil {
		return p.vault, nil
	}
	known, ok := d.file.Site(p.site.Name)
	if !ok {
		return nil, fmt.Errorf("site %q is not in the policy file", p.site.Name)
	}
	options, err := d.options(ctx, known)
	if err != nil {
		return nil, err
	}
	v, err := vault.Open(ctx, whereIs(known), options)
	if err != nil {
		return nil, err
	}
	p.vault = v
	return v, nil
}

// inS3 begins the URLs of vaults that are reached with AWS's credentials.
const inS3 = "s3://"

func (d *Driver) options(ctx context.Context, site policy.Site) (vault.Options, error) {
	o := vault.Options{Compress: site.Depot.Compress != "", Recipients: site.Depot.EncryptTo}
	if strings.HasPrefix(site.Vault, inS3) {
		cfg, err := d.sessions.Config(ctx, site.Site)
		if err != nil {
			return o, err
		}
		o.AWS = cfg
	}
	if site.Depot.Identity != (policy.Password{}) {
		key, err := d.passwords(ctx, site.Site, site.Depot.Identity)
		if err != nil {
			return o, fmt.Errorf("read the private key for vault %s: %w", site.Name, err)
		}
		o.Identities = key
	}
	return o, nil
}

// whereIs gives the URL of a vault with what the file says beside it.
func whereIs(site policy.Site) string {
	more := url.Values{}
	for name, value := range map[string]string{"endpoint": site.Depot.Endpoint, "region": site.Depot.Region} {
		if value != "" {
			more.Set(name, value)
		}
	}
	switch {
	case len(more) == 0 || !strings.HasPrefix(site.Vault, inS3):
		return site.Vault
	case strings.Contains(site.Vault, "?"):
		return site.Vault + "&" + more.Encode()
	}
	return site.Vault + "?" + more.Encode()
}

// abandoned is how long a writer may have been silent until what it wrote counts as left
// behind. It renews its mark every minute.
const abandoned = time.Hour

// sweep takes away what runs that were cut short left behind, once for each site. That is
// done before something is written, and when it fails the next run does it.
func (p *depot) sweep(ctx context.Context, owner string) {
	p.mu.Lock()
	done := p.swept
	p.swept = true
	p.mu.Unlock()
	if done {
		return
	}
	if _, err := p.vault.Sweep(ctx, owner, abandoned); err != nil {
		p.mu.Lock()
		p.swept = false
		p.mu.Unlock()
	}
}
