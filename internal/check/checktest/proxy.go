// Package checktest stands, in tests, between checks and the servers they ask.
package checktest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Proxy is a SOCKS5 proxy (RFC 1928) on loopback. Whatever host it is asked for, it
// connects to where To says.
type Proxy struct {
	// URL is that of the proxy.
	URL string

	user, password string
	to             func(host string, port int) string
	listener       net.Listener
	mu             sync.Mutex
	asked          []string
}

// NewProxy starts a proxy that ends with the test. With a user it insists on that and
// the password (RFC 1929).
func NewProxy(t testing.TB, user, password string, to func(host string, port int) string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // At once.
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{user: user, password: password, to: to, listener: l, URL: "socks5://" + l.Addr().String()}
	if user != "" {
		p.URL = "socks5://" + user + ":" + password + "@" + l.Addr().String()
	}
	t.Cleanup(func() { _ = l.Close() })
	go p.serve()
	return p
}

// Always gives a proxy that leads every host and port to one address.
func Always(t testing.TB, addr string) *Proxy {
	t.Helper()
	return NewProxy(t, "", "", func(string, int) string { return addr })
}

// Asked lists the hosts and ports that it was asked for, as they were given.
func (p *Proxy) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.asked...)
}

func (p *Proxy) serve() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_ = p.handle(conn) // The client notices.
		}()
	}
}

var errRefused = errors.New("refused")

func (p *Proxy) handle(conn net.Conn) error {
	if err := p.greet(conn); err != nil {
		return err
	}
	host, port, err := request(conn)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.asked = append(p.asked, net.JoinHostPort(host, strconv.Itoa(port)))
	p.mu.Unlock()
	far, err := net.Dial("tcp", p.to(host, port)) //nolint:noctx // Loopback answers at once.
	if err != nil {
		_, err := conn.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		return err
	}
	defer far.Close()
	if _, err := conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(far, conn) // Until either side ends.
		_ = far.Close()
	}()
	_, err = io.Copy(conn, far)
	return err
}

func (p *Proxy) greet(conn net.Conn) error {
	head := make([]byte, 2)
	if _, err := io.ReadFull(conn, head); err != nil {
		return err
	}
	methods := make([]byte, head[1])
	if _, err := io.ReadFull(conn, methods); err != nil {
		return err
	}
	if p.user == "" {
		_, err := conn.Write([]byte{5, 0})
		return err
	}
	if _, err := conn.Write([]byte{5, 2}); err != nil {
		return err
	}
	version := make([]byte, 1)
	if _, err := io.ReadFull(conn, version); err != nil {
		return err
	}
	user, err := text(conn)
	if err != nil {
		return err
	}
	password, err := text(conn)
	if err != nil {
		return err
	}
	if user != p.user || password != p.password {
		_, _ = conn.Write([]byte{1, 1}) // It is refused anyway.
		return errRefused
	}
	_, err = conn.Write([]byte{1, 0})
	return err
}

func text(r io.Reader) (string, error) {
	size := make([]byte, 1)
	if _, err := io.ReadFull(r, size); err != nil {
		return "", err
	}
	out := make([]byte, size[0])
	_, err := io.ReadFull(r, out)
	return string(out), err
}

func request(conn net.Conn) (host string, port int, err error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(conn, head); err != nil {
		return "", 0, err
	}
	switch head[3] {
	case 1, 4:
		ip := make(net.IP, map[byte]int{1: 4, 4: 16}[head[3]])
		_, err = io.ReadFull(conn, ip)
		host = ip.String()
	case 3:
		host, err = text(conn)
	default:
		err = fmt.Errorf("an address of type %d", head[3])
	}
	if err != nil {
		return "", 0, err
	}
	number := make([]byte, 2)
	_, err = io.ReadFull(conn, number)
	return host, int(binary.BigEndian.Uint16(number)), err
}
