// Package replica takes snapshots of Redis and Valkey the way their own replicas do: over
// the replication protocol, in one pass, without a file on the server that somebody would
// have to fetch.
//
// Discover tells what is behind an endpoint: one server, what Sentinel watches, or a
// cluster. Dump takes the file of one server. Take takes those of all shards. Fuzzy is for
// where replication is refused: it reads key by key, which is not a point in time.
//
// What a server gives has to prove itself before it counts: the file has to end where the
// framing of the transfer says, with a checksum that is right. Until Dump has returned no
// error, what was written is nothing that may be published.
//
// What servers do is told by Redis's replication.c, rdb.c and cluster.c and Valkey's, and
// by the documentation of both; where a comment names a file, it is one of these.
package replica

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"time"
)

// Endpoint is where servers are, and how to be let in.
type Endpoint struct {
	// Addresses are HOST:PORT or HOST: servers of one replication group, nodes of a
	// cluster, or Sentinels. They are tried in this order.
	Addresses []string
	// TLS is used for servers when it is there; the name to prove is the host's unless it
	// says another.
	TLS *tls.Config
	// User may be empty: then the password is that of the default user. A nil Password
	// means that none is asked for.
	User     string
	Password Secret
	// PSync, Sync and Replconf are the names of these commands where they were renamed.
	PSync, Sync, Replconf string
	// Cluster insists that it is one. Without it a cluster is recognised all the same, if
	// the user may ask for INFO.
	Cluster bool
	// Sentinel is the name of the primary as the Sentinels at Addresses know it. They have
	// users and passwords of their own.
	Sentinel         string
	SentinelUser     string
	SentinelPassword Secret
	SentinelTLS      *tls.Config
	// PreferReplica takes from a replica whose link is up, if there is one: the fork is
	// then its burden. To know of replicas, the user has to be allowed INFO.
	PreferReplica bool
	// Timeout is how long it may take to be let in, and to be answered a question; 0 stands
	// for 15 s.
	Timeout time.Duration
	// Dial makes connections, for whoever is behind a proxy. It may be nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Secret gives a password when it is needed.
type Secret func(context.Context) (string, error)

// Scanner follows a file as it passes by. It is given all bytes in order, until it says
// done: then used is how many of the last bytes belong to the file, and err whether the
// file was sound, its checksum included. A Pusher of package rdb is one.
type Scanner interface {
	Push(p []byte) (used int, done bool, err error)
}

// Target is where a file goes.
type Target struct {
	// To is given exactly the file. It is written to by a goroutine that ends before Dump
	// returns; if it has a method CloseWithError, that is called when the snapshot fails,
	// so that a Write that hangs comes back.
	To io.Writer
	// Scan may be nil: then the framing of the file and its checksum are proven, and
	// nothing is counted.
	Scan Scanner
}

// Options say how to take a snapshot. The zero value is a good one.
type Options struct {
	Spool Spool
	// SHA256 also computes that of the file.
	SHA256 bool
	// Silence is for how long a server may send nothing at all, not even a newline; 0
	// stands for 60 s, which is the default of repl-timeout.
	Silence time.Duration
	// Wait is for how long it may take until the file begins to come: a server that saves
	// to its disk first does nothing else until then. 0 stands for an hour.
	Wait time.Duration
	// Retry is for how long to come back to a server that is loading its data; 0 stands
	// for 5 minutes, less for not at all.
	Retry time.Duration
	// Forks is how many shards of a cluster fork at the same time; 0 stands for all.
	Forks int
	// ForksPerHost is how many do so on one host, where each fork may come to need as much
	// memory again as it has; 0 stands for 1, less for any number.
	ForksPerHost int
	// AllowFuzzy lets Take read key by key where replication is refused.
	AllowFuzzy bool
	Pace       Pace
	// Progress is called now and then, by several goroutines when there are several
	// shards. It may be nil.
	Progress func(Progress)
}

// Pace is how gently Fuzzy reads.
type Pace struct {
	// Count is how many keys to ask for at once; 0 stands for 100.
	Count int
	// Rest is how long to leave the server alone in between.
	Rest time.Duration
	// Keys is how many keys there may be at most, because each needs some 40 bytes of
	// memory here; 0 stands for 20 million.
	Keys int
}

// Progress is how far a snapshot has come.
type Progress struct {
	Address string
	Bytes   int64
	// Total is what the server has announced; 0 if it did not.
	Total int64
	// Waiting is what has come and is not written yet.
	Waiting int64
	// Keys is how many were read by Fuzzy.
	Keys uint64
}

// Framing is how a server said where the file ends.
type Framing string

// The framings.
const (
	// ByLength is what a server uses that has the file on its disk.
	ByLength Framing = "length"
	// ByMark is what a server uses that has no file.
	ByMark Framing = "mark"
	// ByKey is Fuzzy's: no file came, it was put together here.
	ByKey Framing = "keys"
)

// Result is a snapshot that was taken.
type Result struct {
	Address string
	Server  Server
	// Replica says that it was taken from one.
	Replica bool
	Bytes   int64
	// Checksum ends the file; 0 says that the server writes none ("rdbchecksum no").
	Checksum uint64
	// SHA256 is there if it was asked for, in hexadecimal.
	SHA256 string
	// ReplicationID and Offset say where in its history the server was. They are not known
	// (empty, and -1) of servers that know only SYNC, and of fuzzy snapshots.
	ReplicationID string
	Offset        int64
	Framing       Framing
	// Asked is when the snapshot was asked for. Taken is the moment of the data, as well
	// as it can be known, and rather too early than too late. Begun is when the first byte
	// came, Received when the server was done with, and Ended when all was written.
	Asked, Taken, Begun, Received, Ended time.Time
	// Fuzzy says that the keys were not read at one moment, but between Taken and Ended.
	Fuzzy bool
	Keys  uint64 // those of a fuzzy snapshot
	// Spooled is the most that waited to be written at any time, and Stalled for how long
	// the server had to wait because it was too much.
	Spooled int64
	Stalled time.Duration
}

// Server is which program it is.
type Server struct {
	// Program is "Redis", "Valkey", or "" where nobody would tell.
	Program string
	Version string
}

const (
	defaultSilence = 60 * time.Second
	defaultWait    = time.Hour
	defaultRetry   = 5 * time.Minute
	defaultCount   = 100
	defaultKeys    = 20_000_000
	knock          = 15 * time.Second
)

func (o Options) withDefaults() Options {
	o.Silence = or(o.Silence, defaultSilence)
	o.Wait = or(o.Wait, defaultWait)
	o.Retry = or(o.Retry, defaultRetry)
	o.ForksPerHost = or(o.ForksPerHost, 1)
	o.Pace.Count = or(o.Pace.Count, defaultCount)
	o.Pace.Keys = or(o.Pace.Keys, defaultKeys)
	o.Spool = o.Spool.withDefaults()
	return o
}

func or[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}
