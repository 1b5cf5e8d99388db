package replica

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dr/holdfast/internal/outside"
)

// authority signs certificates for a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{}
	a.pem, _, a.cert, a.key = a.issue(t, "authority")
	return a
}

func (a *authority) issue(t testing.TB, name string) (cert, key string, parsed *x509.Certificate, private *ecdsa.PrivateKey) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: a.cert == nil, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, private
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &private.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	b, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b})), parsed, private
}

func TestRealTLS(t *testing.T) {
	ca := newAuthority(t)
	serverCert, serverKey, _, _ := ca.issue(t, "server")
	address := server(t, "--port", "0", "--tls-port", "{port}", "--tls-auth-clients", "yes",
		"--tls-cert-file", outside.ServerFile(t, "cert", serverCert), "--tls-key-file", outside.ServerFile(t, "key", serverKey),
		"--tls-ca-cert-file", outside.ServerFile(t, "ca", ca.pem))
	cert, key, _, _ := ca.issue(t, "client")
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	config := &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}
	redis := client(t, address, func(o *redis.Options) { o.TLSConfig = config })
	fill(t, redis)
	fillMany(t, redis, 20_000)
	_, file := fetch(t, Endpoint{Addresses: []string{address}, TLS: config}, Options{})
	accepted(t, file, run(t, redis, "debug", "digest"))

	plain := server(t)
	for name, c := range map[string]struct {
		address string
		config  *tls.Config
		remedy  string
	}{
		"no certificate":    {address, &tls.Config{RootCAs: roots}, "a certificate and key"},
		"unknown authority": {address, &tls.Config{Certificates: config.Certificates}, "certificate of its authority"},
		"another name":      {address, &tls.Config{RootCAs: roots, ServerName: "other", Certificates: config.Certificates}, "set the server's name"},
		"plain to TLS":      {address, nil, "TLS"},
		"TLS to plain":      {plain, config, "TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Dump(t.Context(), Endpoint{TLS: c.config, Timeout: time.Second}, Node{Address: c.address}, Target{To: io.Discard}, Options{})
			if r := ReasonOf(err); r != Insecure && r != CutOff || !strings.Contains(fmt.Sprint(err), c.remedy) {
				t.Errorf("%v (%s), want %q", err, r, c.remedy)
			}
		})
	}
}
