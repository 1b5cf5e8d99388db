package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/replica"
)

// reach gives the way to an endpoint. Files are read anew each time, as certificates and
// passwords change.
func (d *Driver) reach(site dr.Site, e policy.Endpoint) (replica.Endpoint, error) {
	at := replica.Endpoint{
		Addresses: e.Addresses, User: e.User, PSync: e.PSync, Cluster: e.Cluster,
		Sentinel: e.Sentinel, SentinelUser: e.SentinelUser, PreferReplica: !e.Primary,
		Password: d.secret(site, e.Password), SentinelPassword: d.secret(site, e.SentinelPassword),
	}
	protected, err := protection(e.TLS)
	if err != nil {
		return at, fmt.Errorf("reach endpoint %s: %w", e.Name, err)
	}
	at.TLS = protected
	if e.Sentinel != "" {
		at.SentinelTLS = protected
	}
	return at, nil
}

// secret gives a password when it is needed; nil where none is asked for.
func (d *Driver) secret(site dr.Site, p policy.Password) replica.Secret {
	if p == (policy.Password{}) {
		return nil
	}
	return func(ctx context.Context) (string, error) { return d.passwords(ctx, site, p) }
}

func protection(t policy.EndpointTLS) (*tls.Config, error) {
	cfg := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	switch t.Mode {
	case policy.TLSRequire:
		cfg.InsecureSkipVerify = true // That is what "require" means; "verify" does more.
	case policy.TLSVerify:
		if err := trust(cfg, t.CA); err != nil {
			return nil, err
		}
	default:
		return nil, nil //nolint:nilnil // No protection is no configuration.
	}
	if t.Cert != "" {
		own, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("read our certificate and its key: %w", err)
		}
		cfg.Certificates = []tls.Certificate{own}
	}
	return cfg, nil
}

// trust has certificates verified by those in a file, or by the system's.
func trust(cfg *tls.Config, file string) error {
	if file == "" {
		return nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the certificates: %w", err)
	}
	cfg.RootCAs = x509.NewCertPool()
	if !cfg.RootCAs.AppendCertsFromPEM(pem) {
		return fmt.Errorf("file %s holds no certificate", file)
	}
	return nil
}
