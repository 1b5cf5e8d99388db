package check

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/holdfast-dr/holdfast/internal/policy"
)

// countKeys asks Redis or Valkey how many keys it holds; of a cluster, all its masters.
func countKeys(ctx context.Context, c policy.Check, t Target, who login, d dialer) (int64, error) {
	database, err := strconv.Atoi(or(c.Database, "0"))
	if err != nil {
		return 0, final(err)
	}
	// The first connection is made here: the library would tell the world when it fails.
	conn, err := d.dialTLS(ctx, "tcp", address(c, t))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	still := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	one := redis.NewClient(&redis.Options{
		Addr: address(c, t), Dialer: handOver(conn, d), Username: who.user, Password: who.password, DB: database,
		Protocol: 2, MaxRetries: -1, PoolSize: 1, DialTimeout: knock, DisableIdentity: true, MaintNotificationsConfig: still,
		ContextTimeoutEnabled: true, DialerRetries: 1,
	})
	defer one.Close()
	info, err := one.Info(ctx, "cluster").Result()
	if err != nil {
		return 0, keysError(err)
	}
	if !strings.Contains(info, "cluster_enabled:1") {
		n, err := one.DBSize(ctx).Result()
		return n, keysError(err)
	}
	all := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: []string{address(c, t)}, Dialer: d.dialTLS, Username: who.user, Password: who.password,
		Protocol: 2, MaxRetries: -1, PoolSize: 1, DialTimeout: knock, DisableIdentity: true, MaintNotificationsConfig: still,
		ContextTimeoutEnabled: true,
	})
	defer all.Close()
	n, err := all.DBSize(ctx).Result()
	return n, keysError(err)
}

// handOver gives a connection that is there already, and then new ones.
func handOver(conn net.Conn, d dialer) func(ctx context.Context, network, addr string) (net.Conn, error) {
	var once sync.Once
	return func(ctx context.Context, network, addr string) (given net.Conn, err error) {
		once.Do(func() { given = conn })
		if given == nil {
			given, err = d.dialTLS(ctx, network, addr)
		}
		return given, err
	}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// passingKeys begin the errors that time may heal: loading a snapshot, a cluster that
// is not whole yet, logging in (Redis documentation, "Redis serialization protocol
// specification", and the texts of its server).
const passingKeys = "LOADING CLUSTERDOWN MASTERDOWN TRYAGAIN BUSY NOAUTH WRONGPASS"

func keysError(err error) error {
	var said redis.Error
	if err == nil || !errors.As(err, &said) {
		return err
	}
	word, _, _ := strings.Cut(said.Error(), " ")
	if strings.Contains(passingKeys, word) || strings.Contains(said.Error(), "max number of clients") {
		return err
	}
	return final(err)
}
