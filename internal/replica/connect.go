package replica

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

const (
	serverPort   = "6379"
	sentinelPort = "26379"
)

// entry is how to be let in somewhere: to a server, or to a Sentinel.
type entry struct {
	tls      *tls.Config
	user     string
	password Secret
	patient  time.Duration
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

func (e Endpoint) servers() entry {
	return entry{tls: e.TLS, user: e.User, password: e.Password, patient: or(e.Timeout, knock), dial: e.Dial}
}

func (e Endpoint) sentinels() entry {
	return entry{tls: e.SentinelTLS, user: e.SentinelUser, password: e.SentinelPassword, patient: or(e.Timeout, knock), dial: e.Dial}
}

// withPort adds the usual port to an address that has none.
func withPort(address, port string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), port)
}

func host(address string) string {
	h, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return h
}

// connect makes a connection that is logged in. It lives as long as ctx.
func (e entry) connect(ctx context.Context, address string) (*conn, error) {
	soon, cancel := context.WithTimeout(ctx, e.patient)
	defer cancel()
	raw, err := e.reach(soon, address)
	if err != nil {
		if ctx.Err() != nil {
			return nil, broken(ctx, address, "connecting", err)
		}
		return nil, &Error{
			Reason: Unreachable, Address: address, Doing: "connecting", Err: err,
			Remedy: "check address, port, firewall and whether the server runs",
		}
	}
	secured, err := e.secure(soon, raw, address)
	if err != nil {
		_ = raw.Close() // What failed says more.
		if ctx.Err() != nil {
			return nil, broken(ctx, address, "connecting", err)
		}
		return nil, err
	}
	c := newConn(ctx, raw, secured, address, e.patient)
	if err := e.logIn(ctx, c); err != nil {
		_ = c.Close() // What failed says more.
		return nil, err
	}
	return c, nil
}

func (e entry) reach(ctx context.Context, address string) (net.Conn, error) {
	dial := e.dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	raw, err := dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	// Go sets it by itself on what it dials; a proxy's dialer may not.
	if t, ok := raw.(interface{ SetNoDelay(bool) error }); ok {
		if err := t.SetNoDelay(true); err != nil {
			_ = raw.Close() // It never was of use.
			return nil, err
		}
	}
	return raw, nil
}

// secure puts TLS around a connection, if that is wanted.
func (e entry) secure(ctx context.Context, raw net.Conn, address string) (net.Conn, error) {
	if e.tls == nil {
		return raw, nil
	}
	config := e.tls.Clone()
	if config.ServerName == "" {
		config.ServerName = host(address)
	}
	secured := tls.Client(raw, config)
	err := secured.HandshakeContext(ctx)
	if err == nil {
		return secured, nil
	}
	bad := &Error{
		Reason: Insecure, Address: address, Doing: "setting up TLS", Err: err,
		Remedy: "the port may speak no TLS, or expect a certificate",
	}
	var plain tls.RecordHeaderError
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &plain):
		bad.Remedy = "the port speaks no TLS: turn TLS off for it, or name its tls-port"
	case alerted(err):
		bad.Remedy = "it did not take our certificate or version of TLS: give a certificate and key that its authority signed"
	case errors.As(err, &name):
		bad.Remedy = "its certificate is for another name: set the server's name"
	case errors.As(err, &authority):
		bad.Remedy = "its certificate was signed by somebody unknown here: give the certificate of its authority"
	case errors.Is(err, context.DeadlineExceeded):
		bad.Err = fmt.Errorf("no answer within %v", e.patient)
	}
	return nil, bad
}

func (e entry) logIn(ctx context.Context, c *conn) error {
	if e.password == nil {
		return nil
	}
	password, err := e.password(ctx)
	if err != nil {
		return &Error{Reason: Login, Address: c.address, Doing: "reading the password", Err: err}
	}
	args := []string{"AUTH", password}
	if e.user != "" {
		args = []string{"AUTH", e.user, password}
	}
	_, err = c.do(args...)
	return err
}

// patiently tries again while the server is loading its data, for so long.
func patiently(ctx context.Context, d time.Duration, try func(context.Context) error) error {
	for until := time.Now().Add(d); ; {
		err := try(ctx)
		if ReasonOf(err) != Loading || !time.Now().Before(until) || pause(ctx, time.Second) != nil {
			return err
		}
	}
}

// pause waits, unless the context ends before.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
