package replica

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/rdb/crc64"
)

// aclForFuzzy is what a user needs whose keys are read one by one.
const aclForFuzzy = "ACL SETUSER <user> on ~* +ping +info +select +scan +dump +pexpiretime +pttl +time +function|dump +readonly"

// Fuzzy reads key by key, and puts a file together that a server would load. It only reads.
// It is for where replication is refused: keys that change meanwhile are there as they were
// when their turn came, and two that changed together may not fit each other. How recently
// or how often keys were used is not told.
func Fuzzy(ctx context.Context, at Endpoint, from Node, to Target, o Options) (Result, error) {
	o = o.withDefaults()
	f := &fuzzy{at: at, node: from, o: o, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	f.node.Address = withPort(from.Address, serverPort)
	f.result = Result{Address: f.node.Address, Offset: -1, Framing: ByKey, Fuzzy: true}
	if to.Scan == nil {
		own := rdb.NewPusher(ctx, rdb.Options{Level: rdb.Framing})
		defer own.Close()
		to.Scan = own
	}
	f.out = newFile(to, o.SHA256)
	err := patiently(ctx, o.Retry, f.begin)
	if err != nil {
		return f.result, err
	}
	defer f.c.Close()
	err = f.read(ctx)
	f.result.Bytes, f.result.Keys, f.result.Ended = f.out.bytes, f.keys, time.Now()
	f.result.Received = f.result.Ended
	var e *Error
	if errors.As(err, &e) && e.Reason == Denied {
		e.Remedy = "let the user do it: " + aclForFuzzy
	}
	return f.result, err
}

// fuzzy is one such reading.
type fuzzy struct {
	at     Endpoint
	node   Node
	o      Options
	c      *conn
	out    *file
	result Result
	keys   uint64

	relative bool // the server knows PTTL only (before Redis 7.0)
	db       int
	selected bool // whether the file is in that database
	seeds    [2]maphash.Seed
	seen     map[[2]uint64]struct{}
	window   int // how many keys to ask for at once
}

// begin connects, and looks what the server is.
func (f *fuzzy) begin(ctx context.Context) error {
	f.result.Asked = time.Now()
	c, err := f.at.servers().connect(ctx, f.node.Address)
	if err != nil {
		return err
	}
	err = f.node.inspect(c)
	if ReasonOf(err) == Denied {
		err = nil
	}
	if err == nil && f.node.clustered && f.node.Replica {
		_, err = c.do("READONLY")
	}
	if err == nil {
		// The empty key may belong to another node of a cluster: that is an answer too.
		_, err = c.do("PEXPIRETIME", "")
		f.relative = ReasonOf(err) == Refused
		if f.relative || ReasonOf(err) == Moving {
			err = nil
		}
	}
	if err != nil {
		_ = c.Close() // What failed says more.
		return err
	}
	c.patient = f.o.Silence
	f.c = c
	f.result.Server, f.result.Replica = f.node.Server, f.node.Replica
	return nil
}

func (f *fuzzy) read(ctx context.Context) error {
	f.result.Taken = time.Now()
	f.result.Begun = f.result.Taken
	if err := f.functions(); err != nil {
		return err
	}
	for _, db := range f.databases() {
		if err := f.database(ctx, db); errors.Is(err, errNoDatabase) {
			break
		} else if err != nil {
			return err
		}
	}
	sum, sha, err := f.out.end(f.node.Server)
	f.result.Checksum, f.result.SHA256 = sum, sha
	return f.trouble(err)
}

// trouble says where it was, of an error in writing.
func (f *fuzzy) trouble(err error) error {
	if err == nil || ReasonOf(err) != "" {
		return err
	}
	return &Error{Reason: Unwritten, Doing: "writing the snapshot of " + f.node.Address, Err: err}
}

// functions copies the libraries: what FUNCTION DUMP gives is what stands in a file, with
// the end of a DUMP.
func (f *fuzzy) functions() error {
	if err := f.c.send([]string{"FUNCTION", "DUMP"}); err != nil {
		return err
	}
	r, err := f.c.receive("FUNCTION DUMP")
	if ReasonOf(err) == Refused { // Before Redis 7.0.
		return nil
	}
	if err != nil {
		return err
	}
	p := []byte(r.text)
	if len(p) < dumpEnd {
		return f.c.strange(p)
	}
	body, end := p[:len(p)-dumpEnd], p[len(p)-dumpEnd:]
	if err := f.proveDump(crc64.Update(0, body), end); err != nil {
		return err
	}
	_, err = f.out.Write(body)
	return f.trouble(err)
}

// dumpEnd is the size of what ends a DUMP: a version of 2 bytes and a checksum of 8
// (cluster.c, createDumpPayload).
const dumpEnd = 2 + checksumSize

// proveDump looks at the end of a DUMP; crc is that of what is before it. All of a file has
// one version.
func (f *fuzzy) proveDump(crc uint64, end []byte) error {
	if crc64.Update(crc, end[:2]) != binary.LittleEndian.Uint64(end[2:]) {
		return &Error{Reason: Damaged, Address: f.node.Address, Doing: "DUMP", What: "the checksum of what came is wrong", Remedy: "look at what lies between (proxies), and take the snapshot again"}
	}
	version := int(binary.LittleEndian.Uint16(end))
	if f.out.begun && f.out.version != version {
		return &Error{Reason: Strange, Address: f.node.Address, Doing: "DUMP", What: fmt.Sprintf("versions %d and %d of one server", f.out.version, version), Remedy: "was it upgraded meanwhile? take the snapshot again"}
	}
	return f.trouble(f.out.begin(version, f.node.Server))
}

// databases are those that have keys. Where nobody tells, all that there may be.
func (f *fuzzy) databases() []int {
	if !f.node.secretive {
		return slices.Sorted(maps.Keys(f.node.Keys))
	}
	all := make([]int, 10_000)
	for i := range all {
		all[i] = i
	}
	return all
}

var errNoDatabase = errors.New("there is no such database")

func (f *fuzzy) database(ctx context.Context, db int) error {
	f.db, f.selected, f.window = db, false, 1
	f.seen = map[[2]uint64]struct{}{}
	if db > 0 {
		if _, err := f.c.do("SELECT", strconv.Itoa(db)); ReasonOf(err) == Strange || ReasonOf(err) == Refused {
			return errNoDatabase
		} else if err != nil {
			return err
		}
	}
	for cursor := "0"; ; {
		r, err := f.c.do("SCAN", cursor, "COUNT", strconv.Itoa(f.o.Pace.Count))
		if err != nil {
			return err
		}
		if len(r.list) != 2 {
			return f.c.strange([]byte(r.text))
		}
		if err := f.some(f.unseen(r.list[1].list)); err != nil {
			return err
		}
		if cursor = r.list[0].text; cursor == "0" {
			return nil
		}
		if err := f.rest(ctx); err != nil {
			return err
		}
	}
}

// unseen leaves out the keys that were told before. That happens while a table grows; and a
// server ends itself when a file that it loads has a key twice (rdb.c).
func (f *fuzzy) unseen(told []reply) []string {
	var keys []string
	for _, k := range told {
		id := [2]uint64{maphash.String(f.seeds[0], k.text), maphash.String(f.seeds[1], k.text)}
		if _, twice := f.seen[id]; !twice {
			f.seen[id] = struct{}{}
			keys = append(keys, k.text)
		}
	}
	return keys
}

// rest leaves the server alone for a moment.
func (f *fuzzy) rest(ctx context.Context) error {
	if len(f.seen) > f.o.Pace.Keys {
		return &Error{
			Reason: Strange, Address: f.node.Address, Doing: "reading key by key",
			What:   fmt.Sprintf("there are more than %d keys in database %d", f.o.Pace.Keys, f.db),
			Remedy: "raise the limit of keys, some 40 bytes of memory each, or use replication",
		}
	}
	if f.o.Progress != nil {
		f.o.Progress(Progress{Address: f.node.Address, Bytes: f.out.bytes, Keys: f.keys})
	}
	if f.o.Pace.Rest <= 0 {
		return nil
	}
	if err := pause(ctx, f.o.Pace.Rest); err != nil {
		return f.c.fail("reading key by key", err)
	}
	return nil
}

// windowBytes is how much a server should have to hold for us at once.
const windowBytes = 1 << 20

// some copies some keys. How many are asked for at once depends on how large those before
// were: all answers together lie in the server's memory.
func (f *fuzzy) some(keys []string) error {
	for len(keys) > 0 {
		n := min(f.window, len(keys))
		largest, err := f.ask(keys[:n])
		if err != nil {
			return err
		}
		keys = keys[n:]
		fit := windowBytes / max(largest, 1)
		f.window = int(max(min(int64(2*f.window), fit), 1))
	}
	return nil
}

// ask copies some keys, asked for at once, and tells how large the largest was.
func (f *fuzzy) ask(keys []string) (largest int64, err error) {
	var commands [][]string
	expiry := "PEXPIRETIME"
	if f.relative {
		expiry = "PTTL"
		commands = append(commands, []string{"TIME"})
	}
	for _, k := range keys {
		commands = append(commands, []string{expiry, k}, []string{"DUMP", k})
	}
	if err := f.c.send(commands...); err != nil {
		return 0, err
	}
	var now int64
	if f.relative {
		if now, err = f.time(); err != nil {
			return 0, err
		}
	}
	for _, k := range keys {
		r, err := f.c.receive(expiry)
		if err != nil {
			return 0, err
		}
		if r.kind != ':' {
			return 0, f.c.strange([]byte(r.text))
		}
		expires := r.n
		if expires >= 0 {
			expires += now
		}
		size, err := f.value(k, expires)
		if err != nil {
			return 0, err
		}
		largest = max(largest, size)
	}
	return largest, nil
}

// time gives the server's clock, in milliseconds.
func (f *fuzzy) time() (int64, error) {
	r, err := f.c.receive("TIME")
	if err != nil {
		return 0, err
	}
	if len(r.list) != 2 {
		return 0, f.c.strange([]byte(r.text))
	}
	return number(r.list[0].text)*1000 + number(r.list[1].text)/1000, nil
}

// value copies the answer to a DUMP into the file, without ever holding all of it. It may be
// gone by now.
func (f *fuzzy) value(key string, expires int64) (size int64, err error) {
	line, err := f.c.line()
	if err != nil {
		return 0, f.c.fail("DUMP", err)
	}
	if line[0] == '-' {
		return 0, refusal(f.node.Address, "DUMP", string(line[1:]))
	}
	size, err = strconv.ParseInt(string(line[1:]), 10, 64)
	switch {
	case line[0] != '$' || err != nil:
		return 0, f.c.strange(line)
	case size == -1:
		return 0, nil
	case size <= dumpEnd:
		return 0, f.c.strange(line)
	}
	kind, err := f.c.in.ReadByte()
	if err != nil {
		return 0, f.c.fail("DUMP", unexpected(err))
	}
	if kind >= firstOpcode {
		return 0, &Error{
			Reason: Strange, Address: f.node.Address, Doing: "DUMP", What: fmt.Sprintf("a value that begins with %d, such as one with metadata of a module", kind),
			Remedy: "such keys cannot be copied one by one: use replication",
		}
	}
	return size, f.copyValue(key, expires, kind, size-1-dumpEnd)
}

// firstOpcode is the first number that is no type of a value (rdb.h).
const firstOpcode = 242

func (f *fuzzy) copyValue(key string, expires int64, kind byte, size int64) error {
	// The version stands behind the value, and in the file before all. If it is not known
	// yet, the first value has to be held.
	var to io.Writer = f.out
	var first bytes.Buffer
	if !f.out.begun {
		to = &first
	} else if err := f.head(key, expires, kind); err != nil {
		return err
	}
	crc := &summing{to: to, crc: crc64.Update(0, []byte{kind})}
	if _, err := io.CopyN(crc, f.c.in, size); err != nil {
		if crc.err != nil {
			return f.trouble(crc.err)
		}
		return f.c.fail("DUMP", unexpected(err))
	}
	var end [dumpEnd]byte
	if _, err := io.ReadFull(f.c.in, end[:]); err != nil {
		return f.c.fail("DUMP", unexpected(err))
	}
	if err := f.c.lineEnd(); err != nil {
		return f.c.fail("DUMP", err)
	}
	held := !f.out.begun
	if err := f.proveDump(crc.crc, end[:]); err != nil {
		return err
	}
	if held {
		if err := f.head(key, expires, kind); err != nil {
			return err
		}
		if _, err := f.out.Write(first.Bytes()); err != nil {
			return f.trouble(err)
		}
	}
	f.keys++
	return nil
}

// head writes what stands before a value.
func (f *fuzzy) head(key string, expires int64, kind byte) error {
	var b []byte
	if !f.selected {
		b = appendLength(append(b, opSelect), uint64(f.db))
		f.selected = true
	}
	if expires >= 0 {
		b = binary.LittleEndian.AppendUint64(append(b, opExpire), uint64(expires))
	}
	b = append(appendLength(append(b, kind), uint64(len(key))), key...)
	_, err := f.out.Write(b)
	return f.trouble(err)
}

// summing passes on what it is given, and sums it up.
type summing struct {
	to  io.Writer
	crc uint64
	err error
}

func (s *summing) Write(p []byte) (int, error) {
	s.crc = crc64.Update(s.crc, p)
	n, err := s.to.Write(p)
	s.err = err
	return n, err
}
