package check_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dr/holdfast/internal/check"
	"github.com/holdfast-dr/holdfast/internal/check/checktest"
	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/outside"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/store"
)

const word = "pass-word-of-the-test"

var home = dr.Site{Name: "prod", Account: "111111111111", Region: "us-east-1"}

// wall is the time of the world.
type wall struct{}

func (wall) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func runner() *check.Runner {
	return &check.Runner{Clock: wall{}, Getenv: env("PW", word, "WRONG", "not-it-at-all"), Pause: 50 * time.Millisecond}
}

// sees is what a check ends with: nothing, or an error that holds these words.
type sees struct {
	name  string
	check policy.Check
	want  string
}

// judge runs checks; none of their errors holds a password.
func judge(t *testing.T, r *check.Runner, at check.Target, all []sees) {
	t.Helper()
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			if c.check.Within == 0 {
				c.check.Within = 30 * time.Second
			}
			if c.check.Password == (policy.Password{}) {
				c.check.Password = policy.Password{From: policy.FromEnv, Name: "PW"}
			}
			err := r.Run(t.Context(), c.check, at)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want that it says %q", err, c.want)
			case err != nil && (strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "not-it-at-all")):
				t.Errorf("it tells a password: %v", err)
			}
		})
	}
}

func target(port int, engine string, settings map[string]string) check.Target {
	return check.Target{Site: home, Endpoint: store.Endpoint{Host: "127.0.0.1", Port: port, Engine: engine}, Settings: settings}
}

func sqlCheck(query, expect string) policy.Check {
	return policy.Check{Kind: policy.CheckSQL, SQL: query, Expect: expect, TLS: policy.TLSOff}
}

func with(c policy.Check, change func(*policy.Check)) policy.Check {
	change(&c)
	return c
}

// databases are the judgements that PostgreSQL and MariaDB share.
func databases() []sees {
	short := 2 * time.Second
	return []sees{
		{"right", sqlCheck("select count(*) from orders", "3"), ""},
		{"bounds", policy.Check{Kind: policy.CheckSQL, SQL: "select sum(price) from orders", AtLeast: "10", AtMost: "12.75", TLS: policy.TLSOff}, ""},
		{"text", sqlCheck("select name from orders where id = 2", "näme"), ""},
		{"wrong", sqlCheck("select count(*) from orders", "4"), `found "3", wanted "4"`},
		{"too few", policy.Check{Kind: policy.CheckSQL, SQL: "select count(*) from orders", AtLeast: "1000", TLS: policy.TLSOff}, `as master: found "3", wanted at least 1000`},
		{"no number", policy.Check{Kind: policy.CheckSQL, SQL: "select name from orders where id = 2", AtLeast: "1", TLS: policy.TLSOff}, `found "näme"`},
		{"no row", sqlCheck("select id from orders where id = 99", "1"), "gave no row"},
		{"rows", sqlCheck("select id from orders", "1"), "more than one row"},
		{"columns", sqlCheck("select id, name from orders where id = 2", "1"), "2 columns"},
		{"null", sqlCheck("select price from orders where id = 3", "1"), "NULL"},
		{"no table", sqlCheck("select count(*) from nothing", "1"), "nothing"},
		{"no query", sqlCheck("selekt 1", "1"), "syntax"},
		{"two", sqlCheck("select 1; delete from orders", "1"), "syntax"},
		{"two that write", sqlCheck("commit; delete from orders", "1"), "y"},
		{"writes", sqlCheck("delete from orders", "1"), ""},
		{"nothing was deleted", sqlCheck("select count(*) from orders", "3"), ""},
		{"wrong password", with(sqlCheck("select 1", "1"), func(c *policy.Check) {
			c.Password, c.Within = policy.Password{From: policy.FromEnv, Name: "WRONG"}, short
		}), "not passed within"},
		{"no password", with(sqlCheck("select 1", "1"), func(c *policy.Check) {
			c.Password = policy.Password{From: policy.FromEnv, Name: "NOT_SET"}
		}), "environment variable NOT_SET is not set"},
		{"no such database", with(sqlCheck("select 1", "1"), func(c *policy.Check) { c.Database = "nowhere" }), "nowhere"},
		{"port", policy.Check{Kind: policy.CheckTCP}, ""},
		{"port that is shut", policy.Check{Kind: policy.CheckTCP, Port: 1, Within: short}, "127.0.0.1:1: not passed within"},
	}
}

// expecting replaces what a judgement expects.
func expecting(all []sees, changes map[string]string) []sees {
	for i := range all {
		if want, ok := changes[all[i].name]; ok {
			all[i].want = want
		}
	}
	return all
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	port := outside.Postgres(t, word, []string{
		"create table orders (id int, name text, price numeric);",
		"insert into orders values (1, 'one', 10.5), (2, 'näme', 2.25), (3, 'three', null);",
	})
	settings := map[string]string{"user": "master"}
	at := target(port, "postgres", settings)
	judge(t, runner(), at, append(
		expecting(databases(), map[string]string{
			"writes": "read-only transaction", "two": "multiple commands", "two that write": "multiple commands", "no such database": `"nowhere" does not exist`,
		}),
		sees{"slow", with(sqlCheck("select 1 from pg_sleep(30)", "1"), func(c *policy.Check) { c.Within = 1500 * time.Millisecond }), "select"},
		sees{"millions", sqlCheck("select generate_series(1, 100000000)", "1"), "more than one row"},
		sees{"true", sqlCheck("select true", "t"), ""},
		sees{"no TLS", with(sqlCheck("select 1", "1"), func(c *policy.Check) { c.TLS = "" }), "the server has no TLS"},
		sees{"keys", policy.Check{Kind: policy.CheckKeys, Keys: 1}, "has no keys to count"},
	))
	judge(t, runner(), target(port, "redshift", settings), []sees{{"as Redshift", sqlCheck("select count(*) from orders", "3"), ""}})
	judge(t, runner(), target(port, "oracle-ee", settings), []sees{{"Oracle", sqlCheck("select 1", "1"), "engine oracle-ee takes no query"}})
	judge(t, runner(), target(port, "postgres", nil), []sees{{"nobody", sqlCheck("select 1", "1"), "add user to the check"}})
	checkProxies(t, port, settings)
}

// checkProxies: names of hosts are looked up by the proxy, and nothing goes around it.
func checkProxies(t *testing.T, port int, settings map[string]string) {
	t.Helper()
	far := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p := checktest.NewProxy(t, "me", "proxy-word", func(string, int) string { return far })
	r := runner()
	r.Proxies = map[string]string{"prod": p.URL}
	at := target(5432, "postgres", settings)
	at.Endpoint.Host = "orders.abc.us-east-1.rds.amazonaws.com"
	judge(t, r, at, []sees{{"through a proxy", sqlCheck("select count(*) from orders", "3"), ""}, {"a port through it", policy.Check{Kind: policy.CheckTCP}, ""}})
	if got := p.Asked(); len(got) != 2 || got[0] != "orders.abc.us-east-1.rds.amazonaws.com:5432" {
		t.Errorf("the proxy was asked for %v", got)
	}
	r.Proxies = map[string]string{"prod": strings.Replace(p.URL, "proxy-word", "other-word", 1)}
	err := r.Run(t.Context(), policy.Check{Kind: policy.CheckTCP, Within: 300 * time.Millisecond}, at)
	if err == nil || strings.Contains(err.Error(), "other-word") {
		t.Errorf("a proxy that lets nobody in: %v", err)
	}
}

func TestPostgresTLS(t *testing.T) {
	t.Parallel()
	ca, cert, key := certificates(t)
	port := outside.Postgres(t, word, nil, "ssl=on", "ssl_cert_file="+cert, "ssl_key_file="+key)
	judgeTLS(t, target(port, "aurora-postgresql", map[string]string{"user": "master"}), ca,
		sqlCheck("select count(*) from pg_stat_ssl where pid = pg_backend_pid() and ssl", "1"))
}

func TestMariaDBTLS(t *testing.T) {
	t.Parallel()
	ca, cert, key := certificates(t)
	port := outside.MariaDB(t, []string{
		"create user master@'%' identified by '" + word + "' require ssl;",
	}, "--ssl-cert="+cert, "--ssl-key="+key)
	judgeTLS(t, target(port, "mariadb", map[string]string{"user": "master"}), ca,
		sqlCheck("select length(variable_value) > 0 from information_schema.session_status where variable_name = 'ssl_cipher'", "1"))
}

func TestRedisTLS(t *testing.T) {
	t.Parallel()
	ca, cert, key := certificates(t)
	port := outside.Redis(t, "--port", "0", "--tls-port", "{port}", "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no", "--requirepass", word)
	judgeTLS(t, target(port, "", map[string]string{"tls": "yes"}), ca, policy.Check{Kind: policy.CheckKeys})
}

// judgeTLS: with any certificate, with one that is verified, and with one that cannot be.
func judgeTLS(t *testing.T, at check.Target, ca string, c policy.Check) {
	t.Helper()
	mode := func(m policy.TLS, ca string, within time.Duration) policy.Check {
		return with(c, func(c *policy.Check) { c.TLS, c.CA, c.Within = m, ca, within })
	}
	short := 2 * time.Second
	judge(t, runner(), at, []sees{
		{"not said", mode("", "", 0), ""},
		{"required", mode(policy.TLSRequire, "", 0), ""},
		{"verified", mode(policy.TLSVerify, ca, 0), ""},
		{"unknown authority", mode(policy.TLSVerify, "", short), "certificate"},
		{"no such file", mode(policy.TLSVerify, "/nothing", 0), "read the certificates"},
	})
	p := checktest.Always(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(at.Endpoint.Port)))
	r := runner()
	r.Proxies = map[string]string{"prod": p.URL}
	at.Endpoint.Host = "db.example"
	judge(t, r, at, []sees{{"verified through a proxy", mode(policy.TLSVerify, ca, 0), ""}})
	at.Endpoint.Host = "other.example"
	judge(t, r, at, []sees{{"of another host", mode(policy.TLSVerify, ca, short), "other.example"}})
}

// certificates makes an authority and a certificate of it for 127.0.0.1 and db.example.
func certificates(t *testing.T) (ca, cert, key string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	top := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	topDER, err := x509.CreateCertificate(rand.Reader, top, top, caKey.Public(), caKey)
	must(err)
	ownKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	own := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "db"}, NotBefore: top.NotBefore, NotAfter: top.NotAfter,
		DNSNames: []string{"db.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	ownDER, err := x509.CreateCertificate(rand.Reader, own, top, ownKey.Public(), caKey)
	must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(ownKey)
	must(err)
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	ca = filepath.Join(t.TempDir(), "ca.pem")
	must(os.WriteFile(ca, []byte(block("CERTIFICATE", topDER)), 0o600))
	return ca, outside.ServerFile(t, "cert.pem", block("CERTIFICATE", ownDER)), outside.ServerFile(t, "key.pem", block("PRIVATE KEY", keyDER))
}

func TestMariaDB(t *testing.T) {
	t.Parallel()
	port := outside.MariaDB(t, []string{
		"create database shop character set utf8mb4;",
		"create table shop.orders (id int, name varchar(40), price decimal(10,2));",
		"insert into shop.orders values (1, 'one', 10.5), (2, _latin1 x'6EE46D65', 2.25), (3, 'three', null);",
		"create user master@'%' identified by '" + word + "';",
		"grant all on *.* to master@'%';",
	})
	settings := map[string]string{"user": "master", "db": "shop"}
	judge(t, runner(), target(port, "mariadb", settings), append(
		expecting(databases(), map[string]string{"writes": "READ ONLY transaction", "two that write": "syntax", "no such database": "Unknown database"}),
		sees{"slow", with(sqlCheck("select sleep(30)", "0"), func(c *policy.Check) { c.Within = 1500 * time.Millisecond }), "select"},
		sees{"no TLS", with(sqlCheck("select 1", "1"), func(c *policy.Check) { c.TLS = policy.TLSRequire }), "the server has no TLS"},
	))
	judge(t, runner(), target(port, "aurora-mysql", settings), []sees{{"as MySQL", sqlCheck("select count(*) from orders", "3"), ""}})
}

func TestRedis(t *testing.T) {
	t.Parallel()
	port := outside.Redis(t, "--requirepass", word)
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	db := redis.NewClient(&redis.Options{Addr: addr, Password: word, DB: 3})
	defer db.Close()
	for i := range 12 {
		if err := db.Set(t.Context(), fmt.Sprint(i), "x", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Do(t.Context(), "ACL", "SETUSER", "asker", "on", ">"+word, "+dbsize", "+info", "+select", "~*").Err(); err != nil {
		t.Fatal(err)
	}
	keys := func(n int64, database string) policy.Check {
		return policy.Check{Kind: policy.CheckKeys, Keys: n, Database: database}
	}
	judge(t, runner(), target(port, "valkey", nil), []sees{
		{"enough", keys(12, "3"), ""},
		{"too few", keys(13, "3"), "found 12, wanted at least 13"},
		{"another database", keys(1, ""), "found 0, wanted at least 1"},
		{"no such database", keys(1, "99"), "out of range"},
		{"a user", with(keys(12, "3"), func(c *policy.Check) { c.User = "asker" }), ""},
		{"wrong password", with(keys(1, "3"), func(c *policy.Check) {
			c.Password, c.Within = policy.Password{From: policy.FromEnv, Name: "WRONG"}, 2*time.Second
		}), "WRONGPASS"},
		{"a query", sqlCheck("select 1", "1"), "engine valkey takes no query"},
	})
	p := checktest.Always(t, addr)
	r := runner()
	r.Proxies = map[string]string{"prod": p.URL}
	at := target(6379, "redis", nil)
	at.Endpoint.Host = "cache.example"
	judge(t, r, at, []sees{{"through a proxy", keys(12, "3"), ""}})
	if got := p.Asked(); !slices.Equal(got, []string{"cache.example:6379"}) {
		t.Errorf("the proxy was asked for %v", got)
	}
}

// Where a name was another store's just now, a wrong answer can be the other's.
func TestRenamed(t *testing.T) {
	t.Parallel()
	old, made := outside.Redis(t), outside.Redis(t)
	db := redis.NewClient(&redis.Options{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(made))})
	defer db.Close()
	if err := db.Set(t.Context(), "a", "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	p := checktest.NewProxy(t, "", "", func(string, int) string {
		if asked.Add(1) <= 3 {
			return net.JoinHostPort("127.0.0.1", strconv.Itoa(old))
		}
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(made))
	})
	r := runner()
	r.Proxies = map[string]string{"prod": p.URL}
	at := target(6379, "redis", nil)
	at.Endpoint.Host = "cache.example"
	keys := policy.Check{Kind: policy.CheckKeys, Keys: 1}
	judge(t, r, at, []sees{{"known by that name", keys, "found 0, wanted at least 1"}})
	at.Renamed = true
	judge(t, r, at, []sees{{"renamed", keys, ""}})
	keys.Keys, keys.Within = 2, 2*time.Second
	judge(t, r, at, []sees{{"renamed, and wrong", keys, "not passed within 0m: found 1, wanted at least 2"}})
}

// Of a cluster the keys of all masters count.
func TestRedisCluster(t *testing.T) {
	t.Parallel()
	var ports []int
	for range 3 {
		ports = append(ports, outside.Redis(t, "--cluster-enabled", "yes", "--requirepass", word, "--masterauth", word))
	}
	addr := func(i int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[i])) }
	slots := [][2]int{{0, 5460}, {5461, 10922}, {10923, 16383}}
	for i := range ports {
		node := redis.NewClient(&redis.Options{Addr: addr(i), Password: word})
		t.Cleanup(func() { _ = node.Close() })
		if err := node.ClusterAddSlotsRange(t.Context(), slots[i][0], slots[i][1]).Err(); err != nil {
			t.Fatal(err)
		}
		if err := node.ClusterMeet(t.Context(), "127.0.0.1", strconv.Itoa(ports[0])).Err(); err != nil {
			t.Fatal(err)
		}
	}
	all := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{addr(0)}, Password: word})
	defer all.Close()
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		err := all.Set(t.Context(), "0", "x", 0).Err()
		if err == nil && strings.Contains(all.ClusterInfo(t.Context()).String(), "cluster_known_nodes:3") {
			break
		}
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("the cluster does not come up: %v", err)
		}
	}
	for i := range 90 {
		for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
			err := all.Set(t.Context(), fmt.Sprint(i), "x", 0).Err()
			if err == nil {
				break
			}
			if time.Since(begun) > 30*time.Second {
				t.Fatal(err)
			}
		}
	}
	judge(t, runner(), target(ports[0], "redis", nil), []sees{
		{"enough", policy.Check{Kind: policy.CheckKeys, Keys: 90}, ""},
		{"too few", policy.Check{Kind: policy.CheckKeys, Keys: 91}, "found 90, wanted at least 91"},
	})
}
