package replica

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// The version that we claim to be of, to Valkey. It decides by that which form of file it
// writes (replication.c, REPLCONF VERSION); without one it falls back to a form that has no
// room for fields of hashes that expire, and gives up where there are any. Its next version
// may write what package rdb cannot read, so no newer one is claimed than that knows of.
const newestValkey = "9.2.0"

// announced is what came of asking for the file.
type announced struct {
	id     string
	offset int64
	at     time.Time // when the server said that it begins, zero with SYNC
	size   int64     // what will come, if mark is empty
	mark   []byte
}

// markSize is the length of the mark that ends a file of which nobody knew the length.
const markSize = 40

// handshake asks a server for its file, each question after the answer to the one before:
// a server takes no PSYNC from a connection on which it still has something to say.
func (d *dump) handshake(c *conn) (announced, error) {
	if _, err := c.do("PING"); err != nil && ReasonOf(err) != Denied {
		return announced{}, err
	}
	if err := d.identify(c); err != nil {
		return announced{}, err
	}
	conf := or(d.at.Replconf, "REPLCONF")
	options := [][]string{
		{"capa", "eof", "capa", "psync2"},
		// Then the server keeps nothing for us of what is written meanwhile (Redis 6.2).
		{"rdb-only", "1"},
	}
	if v := d.claim(); v != "" {
		options = append(options, []string{"version", v})
	}
	for _, o := range options {
		// A server that does not know an option says so, and goes on.
		_, err := c.do(append([]string{conf}, o...)...)
		var e *Error
		if errors.As(err, &e) && e.replied && (e.Reason == Strange || e.Reason == Refused) {
			continue
		}
		if err != nil {
			return announced{}, err
		}
	}
	return d.ask(c)
}

// identify asks which program it is, unless that is known or nobody would tell.
func (d *dump) identify(c *conn) error {
	if d.node.Server.Version == "" && !d.node.secretive {
		err := d.node.inspect(c)
		if err != nil && !Refuses(err) {
			return err
		}
	}
	d.result.Server, d.result.Replica = d.node.Server, d.node.Replica
	return nil
}

// claim gives the version to claim, "" where there is no use for one. Who would not tell
// what it is may be Valkey.
func (d *dump) claim() string {
	s := d.node.Server
	switch {
	case s.Program == programRedis:
		return ""
	case s.Version == "" || versionLess(newestValkey, s.Version):
		return newestValkey
	}
	return s.Version
}

// ask asks for the file, and reads what comes before it.
func (d *dump) ask(c *conn) (announced, error) {
	c.patient = d.o.Silence
	d.result.Asked = time.Now()
	until := d.result.Asked.Add(d.o.Wait)
	a := announced{offset: -1}
	doing, line, err := d.sync(c, until)
	if err != nil {
		return a, err
	}
	// A server takes a PSYNC that was renamed for SYNC, and says nothing of its history
	// (replication.c, syncCommand).
	if line[0] != '$' {
		if err := a.history(c, line); err != nil {
			return a, err
		}
		if line, err = c.awaited(doing, until); err != nil {
			return a, err
		}
	}
	err = a.framing(c, line)
	return a, err
}

// sync sends PSYNC, or SYNC to who knows no other, and gives the first line that comes.
func (d *dump) sync(c *conn, until time.Time) (doing string, line []byte, err error) {
	var refused error
	for _, command := range [][]string{{or(d.at.PSync, "PSYNC"), "?", "-1"}, {or(d.at.Sync, "SYNC")}} {
		doing = command[0]
		if err := c.send(command); err != nil {
			return doing, nil, err
		}
		line, err = c.awaited(doing, until)
		if ReasonOf(err) != Refused {
			return doing, line, err
		}
		if refused == nil {
			refused = err
		}
	}
	return doing, nil, refused
}

// history reads "+FULLRESYNC ID OFFSET"; more may follow on the line.
func (a *announced) history(c *conn, line []byte) error {
	a.at = time.Now()
	words := strings.Fields(string(line))
	if len(words) < 3 || words[0] != "+FULLRESYNC" {
		return c.strange(line)
	}
	_, badID := hex.DecodeString(words[1])
	offset, badOffset := strconv.ParseInt(words[2], 10, 64)
	if badID != nil || len(words[1]) != markSize || badOffset != nil {
		return c.strange(line)
	}
	a.id, a.offset = words[1], offset
	return nil
}

// framing reads "$LENGTH", or "$EOF:MARK".
func (a *announced) framing(c *conn, line []byte) error {
	if mark, ok := bytes.CutPrefix(line, []byte("$EOF:")); ok {
		if len(mark) != markSize {
			return c.strange(line)
		}
		a.mark = bytes.Clone(mark)
		return nil
	}
	size, err := strconv.ParseInt(strings.TrimPrefix(string(line), "$"), 10, 64)
	if err != nil || size <= 0 || line[0] != '$' {
		return c.strange(line)
	}
	a.size = size
	return nil
}

// awaited gives the next line that is not empty. While a server saves, it sends a newline
// about once a second, so that nobody takes it for dead.
func (c *conn) awaited(doing string, until time.Time) ([]byte, error) {
	for {
		b, err := c.in.Peek(1)
		if err != nil {
			return nil, c.fail(doing, unexpected(err))
		}
		if b[0] != '\n' && b[0] != '\r' {
			break
		}
		if time.Now().After(until) {
			return nil, &Error{
				Reason: Silent, Address: c.address, Doing: doing,
				What:   "the server says that it lives, and nothing else",
				Remedy: "it may be saving to a slow disk, or wait for another save to end (INFO persistence): look there, or wait longer",
			}
		}
		if _, err := c.in.Discard(1); err != nil {
			return nil, c.fail(doing, err)
		}
	}
	line, err := c.line()
	if err != nil {
		return nil, c.fail(doing, err)
	}
	if line[0] == '-' {
		return nil, refusal(c.address, doing, string(line[1:]))
	}
	return line, nil
}

// versionLess compares versions by their numbers.
func versionLess(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(x), len(y)) {
		if m, n := numberAt(x, i), numberAt(y, i); m != n {
			return m < n
		}
	}
	return false
}

func numberAt(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	end := strings.IndexFunc(parts[i], func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(parts[i])
	}
	n, _ := strconv.Atoi(parts[i][:end]) // What is no number counts as 0.
	return n
}

// managed recognises by its name an endpoint of a service that does not let replicas in.
func managed(address string) bool {
	h := strings.ToLower(strings.TrimSuffix(host(address), "."))
	h = strings.TrimSuffix(h, ".cn")
	return strings.HasSuffix(h, ".cache.amazonaws.com") ||
		strings.HasSuffix(h, ".amazonaws.com") && strings.Contains(h, ".memorydb.")
}

// unmanaged refuses what is known not to work, before anybody is asked. ElastiCache
// restricts SYNC and PSYNC, MemoryDB too (their documentation, "Restricted commands").
func (e Endpoint) unmanaged(ctx context.Context, address string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e.PSync != "" || !managed(address) {
		return nil
	}
	return &Error{
		Reason: Managed, Address: address, Doing: "asking for a snapshot by replication",
		What:   "this is an endpoint of ElastiCache or MemoryDB, which let no replica of ours in",
		Remedy: "protect it as an ElastiCache store, by the service's own snapshots; or let holdfast read key by key (fuzzy); or, if AWS gave you a renamed PSYNC, set its name",
	}
}
