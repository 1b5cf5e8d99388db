package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"

	"golang.org/x/net/proxy"

	"github.com/holdfast-dr/holdfast/internal/policy"
)

// dialer is the way to a store.
type dialer struct {
	through proxy.ContextDialer
	// tls is nil where the connection is not protected.
	tls *tls.Config
}

// dialer finds the way: through the proxy of the site, which then looks up the names of
// hosts too, and with TLS as the check says.
func (r *Runner) dialer(c policy.Check, t Target) (dialer, error) {
	d := dialer{through: &net.Dialer{}}
	if at := r.Proxies[t.Site.Name]; at != "" {
		u, err := url.Parse(at)
		if err != nil {
			return d, fmt.Errorf("the proxy of site %s is no URL", t.Site.Name)
		}
		var auth *proxy.Auth
		if u.User != nil {
			password, _ := u.User.Password()
			auth = &proxy.Auth{User: u.User.Username(), Password: password}
		}
		socks, err := proxy.SOCKS5("tcp", u.Host, auth, &net.Dialer{})
		if err != nil {
			return d, err
		}
		through, ok := socks.(proxy.ContextDialer)
		if !ok {
			return d, errors.New("the proxy cannot be told to stop")
		}
		d.through = through
	}
	var err error
	d.tls, err = protection(c, t)
	return d, err
}

// protection gives how a connection is protected. What the check does not say is
// "require" for databases; a cache takes TLS if it was captured with it, and else
// cannot.
func protection(c policy.Check, t Target) (*tls.Config, error) {
	mode := c.TLS
	if mode == "" && (c.Kind == policy.CheckSQL || t.Settings["tls"] == "yes") {
		mode = policy.TLSRequire
	}
	switch mode {
	case policy.TLSRequire:
		return &tls.Config{ServerName: t.Endpoint.Host, InsecureSkipVerify: true}, nil //nolint:gosec // What "require" means; "verify" does more.
	case policy.TLSVerify:
		cfg := &tls.Config{ServerName: t.Endpoint.Host, MinVersion: tls.VersionTLS12}
		if c.CA == "" {
			return cfg, nil
		}
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("read the certificates: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("file %s holds no certificate", c.CA)
		}
		return cfg, nil
	default:
		return nil, nil //nolint:nilnil // No protection is no configuration.
	}
}

// dial connects, without TLS.
func (d dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, knock)
	defer cancel()
	return d.through.DialContext(ctx, network, addr)
}

// dialTLS connects, with TLS where it is to be.
func (d dialer) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := d.dial(ctx, network, addr)
	if err != nil || d.tls == nil {
		return conn, err
	}
	ctx, cancel := context.WithTimeout(ctx, knock)
	defer cancel()
	protected := tls.Client(conn, d.tls)
	if err := protected.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // Of no use any more.
		return nil, err
	}
	return protected, nil
}
