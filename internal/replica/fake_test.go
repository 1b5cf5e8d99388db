package replica

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

const (
	testID   = "0123456789012345678901234567890123456789"
	testMark = "abcdefabcdefabcdefabcdefabcdefabcdefabcd"
	info70   = "# Server\r\nredis_version:7.0.15\r\n# Replication\r\nrole:master\r\n"
)

// primary is a server that does what a real one does not do on demand. What it answers to
// a command stands in replies, by its first word; what is not there gets +OK.
type primary struct {
	replies map[string]string
	// stream is what it sends for PSYNC, in pieces of a size (0: all at once), at most cut
	// bytes (-1: all). It hangs up then, or is silent.
	stream []byte
	piece  int
	cut    int
	hang   bool
	pause  time.Duration // before each piece

	running sync.WaitGroup

	mu    sync.Mutex
	asked []string
	sent  int64
	left  bool // the client has hung up
}

// newPrimary is one that has a file.
func newPrimary(stream string) *primary {
	return &primary{stream: []byte(stream), cut: -1, replies: map[string]string{"INFO": bulk(info70), "PING": "+PONG\r\n"}}
}

func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

func byLength(file []byte) string {
	return fmt.Sprintf("+FULLRESYNC %s 4711\r\n$%d\r\n%s", testID, len(file), file)
}

func byMark(file []byte) string {
	return fmt.Sprintf("+FULLRESYNC %s 4711\r\n$EOF:%s\r\n%s%s", testID, testMark, file, testMark)
}

// endpoint is where it is.
func (p *primary) endpoint(t testing.TB) Endpoint {
	t.Cleanup(p.running.Wait)
	return Endpoint{
		Addresses: []string{"fake:1"},
		Dial: func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			p.running.Go(func() { p.serve(there) })
			return here, nil
		},
	}
}

func (p *primary) dump(t testing.TB, o Options) (Result, []byte, error) {
	t.Helper()
	var out bytes.Buffer
	r, err := Dump(t.Context(), p.endpoint(t), Node{Address: "fake:1"}, Target{To: &out}, o)
	return r, out.Bytes(), err
}

func (p *primary) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		args, err := command(in)
		if err != nil {
			p.mu.Lock()
			p.left = true
			p.mu.Unlock()
			return
		}
		p.mu.Lock()
		p.asked = append(p.asked, strings.Join(args, " "))
		answer, ok := p.replies[strings.Join(args, " ")]
		if !ok {
			answer, ok = p.replies[args[0]]
		}
		p.mu.Unlock()
		if !ok && (args[0] == "PSYNC" || args[0] == "SYNC") {
			if !p.send(c) {
				return
			}
			continue
		}
		if !ok {
			answer = "+OK\r\n"
		}
		if answer == "close" {
			return
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}

// send sends the stream; false says that the connection is to be closed.
func (p *primary) send(c net.Conn) bool {
	rest := p.stream
	if p.cut >= 0 {
		rest = rest[:min(p.cut, len(rest))]
	}
	for len(rest) > 0 {
		n := len(rest)
		if p.piece > 0 {
			n = min(p.piece, n)
		}
		if p.pause > 0 {
			time.Sleep(p.pause)
		}
		if _, err := c.Write(rest[:n]); err != nil {
			return false
		}
		p.sent += int64(n)
		rest = rest[n:]
	}
	return p.hang
}

// command reads what a client asks.
func command(in *bufio.Reader) ([]string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "*")))
	if err != nil {
		return nil, err
	}
	args := make([]string, n)
	for i := range args {
		if line, err = in.ReadString('\n'); err != nil {
			return nil, err
		}
		size, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "$")))
		if err != nil {
			return nil, err
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(in, b); err != nil {
			return nil, err
		}
		args[i] = string(b[:size])
	}
	return args, nil
}

func sample() []byte { return rdbtest.Samples()["redis-7.0"] }

func shaOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func proveFile(t testing.TB, r Result, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Fatalf("%d bytes were written that are not the %d of the file", len(got), len(want))
	}
	if r.Bytes != int64(len(want)) || r.SHA256 != shaOf(want) {
		t.Errorf("the result tells of %d bytes with %s", r.Bytes, r.SHA256)
	}
	if r.Checksum == 0 || r.Taken.IsZero() || r.Begun.IsZero() || r.Ended.Before(r.Asked) {
		t.Errorf("%+v", r)
	}
}

// In whatever pieces they come, the file is what is written, in both framings.
func TestBothFramingsInAllPieces(t *testing.T) {
	file := sample()
	for _, c := range []struct {
		stream string
		want   Framing
	}{{byLength(file), ByLength}, {byMark(file), ByMark}, {byMark(file) + "\n\n", ByMark}, {"\n\n\n" + byLength(file), ByLength}} {
		for piece := range 120 {
			p := newPrimary(c.stream)
			p.piece = piece
			r, got, err := p.dump(t, Options{SHA256: true})
			if err != nil {
				t.Fatal(piece, err)
			}
			proveFile(t, r, got, file)
			if r.Framing != c.want || r.ReplicationID != testID || r.Offset != 4711 || r.Server != (Server{"Redis", "7.0.15"}) {
				t.Fatalf("%+v", r)
			}
		}
	}
}

// A newline may come between any two of the server's lines.
func TestNewlinesBetween(t *testing.T) {
	file := sample()
	stream := strings.NewReplacer("+FULL", "\n\n\n+FULL", "4711\r\n", "4711 more words\r\n\n\n\n").Replace(byMark(file))
	r, got, err := newPrimary(stream).dump(t, Options{SHA256: true})
	if err != nil {
		t.Fatal(err)
	}
	proveFile(t, r, got, file)
}

// Wherever the connection is cut, there is no snapshot.
func TestCutAnywhere(t *testing.T) {
	file := sample()
	for _, stream := range []string{byLength(file), byMark(file)} {
		for cut := range len(stream) {
			p := newPrimary(stream)
			p.cut = cut
			_, _, err := p.dump(t, Options{})
			if ReasonOf(err) != CutOff && ReasonOf(err) != Strange {
				t.Fatalf("cut after %d of %d: %v", cut, len(stream), err)
			}
		}
	}
}

// Whichever byte is another one, it is seen.
func TestDamagedAnywhere(t *testing.T) {
	file := sample()
	for _, stream := range []string{byLength(file), byMark(file)} {
		from := strings.Index(stream, "$")
		for at := from; at < len(stream); at++ {
			bad := []byte(stream)
			bad[at] ^= 0x20
			if _, _, err := newPrimary(string(bad)).dump(t, Options{}); err == nil {
				t.Errorf("byte %d of %d is another, and nobody saw it", at, len(stream))
			}
		}
	}
}

// What looks like the mark, or like the end of the file, may be in the data.
func TestLookAlikes(t *testing.T) {
	end := string(rdbtest.New("REDIS0010").End())
	file := rdbtest.New("REDIS0010").Select(0, 4, 0).
		Key(0, testMark).Str(testMark).
		Key(0, "end").Str(end+testMark).
		Key(0, "part").Str(testMark[:39]).
		Key(0, "ends with it").Str("\xff\x00\x00\x00\x00\x00\x00\x00\x00" + testMark).End()
	for piece := range 60 {
		p := newPrimary(byMark(file) + "\n")
		p.piece = piece
		r, got, err := p.dump(t, Options{SHA256: true})
		if err != nil {
			t.Fatal(piece, err)
		}
		proveFile(t, r, got, file)
	}
}

func TestLies(t *testing.T) {
	file := sample()
	head := "+FULLRESYNC " + testID + " 1\r\n"
	for name, c := range map[string]struct {
		stream string
		want   Reason
	}{
		"longer":             {head + fmt.Sprintf("$%d\r\n%s    ", len(file)+4, file), Damaged},
		"much longer":        {head + fmt.Sprintf("$%d\r\n%s", int64(1)<<62, file), Damaged},
		"shorter":            {head + fmt.Sprintf("$%d\r\n%s", len(file)-1, file), Damaged},
		"much shorter":       {head + fmt.Sprintf("$%d\r\n%s", 1, file), Damaged},
		"none":               {head + "$0\r\n" + string(file), Strange},
		"negative":           {head + "$-5\r\n" + string(file), Strange},
		"no number":          {head + "$x\r\n" + string(file), Strange},
		"overflow":           {head + "$99999999999999999999\r\n" + string(file), Strange},
		"no length":          {head + string(file), Strange},
		"another mark":       {head + "$EOF:" + testMark + "\r\n" + string(file) + testID, Damaged},
		"no mark":            {head + "$EOF:" + testMark + "\r\n" + string(file), CutOff},
		"part of a mark":     {head + "$EOF:" + testMark + "\r\n" + string(file) + testMark[:39], CutOff},
		"newline for a mark": {head + "$EOF:" + testMark + "\r\n" + string(file) + "\n" + testMark[:39], Damaged},
		"short mark":         {head + "$EOF:abc\r\n" + string(file) + "abc", Strange},
		"no file":            {head + "$EOF:" + testMark + "\r\n" + testMark, Damaged},
		"another file":       {head + "$EOF:" + testMark + "\r\n" + strings.Replace(string(file), "REDIS", "REDOS", 1) + testMark, Damaged},
		"continue":           {"+CONTINUE\r\n", Strange},
		"no id":              {"+FULLRESYNC\r\n", Strange},
		"short id":           {"+FULLRESYNC abc 1\r\n", Strange},
		"bad offset":         {"+FULLRESYNC " + testID + " x\r\n", Strange},
		"long line":          {"+" + strings.Repeat("x", 1<<20), Strange},
		"HTTP":               {"HTTP/1.1 400 Bad Request\r\n\r\n", Strange},
		"TLS":                {"\x15\x03\x03\x00\x02\x02\x46", Insecure},
		"failed at last":     {head + "-ERR BGSAVE failed, replication can't continue\r\n", Broken},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := newPrimary(c.stream).dump(t, Options{})
			if ReasonOf(err) != c.want {
				t.Errorf("%v (%s), want %s", err, ReasonOf(err), c.want)
			}
		})
	}
}

// Each refusal has its reason and its remedy.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		at, said string
		want     Reason
		remedy   string
	}{
		{"PING", "-NOAUTH Authentication required.", Login, "user and a password"},
		{"AUTH", "-WRONGPASS invalid username-password pair or user is disabled.", Login, "ACL LIST"},
		{"AUTH", "-ERR Client sent AUTH, but no password is set", Login, "leave it out"},
		{"AUTH", "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?", Login, "leave it out"},
		{"PING", "-LOADING Redis is loading the dataset in memory", Loading, "come back"},
		{"PING", "-DENIED Redis is running in protected mode because", Login, "protected-mode"},
		{"PING", "-ERR max number of clients reached", Busy, "maxclients"},
		{"PING", "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", Broken, "link"},
		{"INFO", "-NOAUTH Authentication required.", Login, "password"},
		{"REPLCONF", "-NOPERM this user has no permissions to run the 'replconf' command", Denied, "+psync +replconf +ping"},
		{"PSYNC", "-NOPERM this user has no permissions to run the 'psync' command", Denied, "+psync +replconf +ping"},
		{"PSYNC", "-NOMASTERLINK Can't SYNC while not connected with my master", Broken, "primary"},
		{"PSYNC", "-ERR Can't SYNC while failing over", Broken, "handing over"},
		{"PSYNC", "-MISCONF Errors writing to the AOF file", Broken, "log"},
		{"PSYNC", "-BUSY Redis is busy running a script.", Busy, "SCRIPT KILL"},
		{"PSYNC", "-LOADING Redis is loading the dataset in memory", Loading, "come back"},
		{"PSYNC", "-something that nobody knows", Strange, "log"},
		{"PSYNC", "+OK", Strange, "check the address"},
		{"PING", "?", Strange, "check the address"},
		{"PING", ":x", Strange, "check the address"},
		{"PING", "$999999999999999", CutOff, ""},
		{"PING", "*999999999999999", CutOff, ""},
		{"PING", strings.Repeat("*1\r\n", 100) + "+x", CutOff, ""},
	} {
		p := newPrimary("")
		p.replies[c.at] = c.said + "\r\n"
		e := p.endpoint(t)
		if c.at == "AUTH" {
			e.Password = func(context.Context) (string, error) { return "secret", nil }
		}
		_, err := Dump(t.Context(), e, Node{Address: "fake:1"}, Target{To: io.Discard}, Options{Retry: -1})
		if ReasonOf(err) != c.want || !strings.Contains(fmt.Sprint(err), c.remedy) || !strings.Contains(fmt.Sprint(err), "fake:1") {
			t.Errorf("%s: %s\n%v (%s), want %s", c.at, c.said, err, ReasonOf(err), c.want)
		}
		if strings.Contains(fmt.Sprint(err), "secret") {
			t.Error("the password is told:", err)
		}
	}
}

// A server that knows no option of REPLCONF, and none of INFO, gives its file all the same.
func TestOldAndSecretive(t *testing.T) {
	p := newPrimary(byLength(sample()))
	p.replies["REPLCONF rdb-only 1"] = "-ERR Unrecognized REPLCONF option: rdb-only\r\n"
	p.replies["INFO"] = "-NOPERM this user has no permissions to run the 'info' command\r\n"
	r, got, err := p.dump(t, Options{SHA256: true})
	if err != nil {
		t.Fatal(err)
	}
	proveFile(t, r, got, sample())
	want := []string{
		"PING", "INFO", "REPLCONF capa eof capa psync2", "REPLCONF rdb-only 1", "REPLCONF version 9.2.0", "PSYNC ? -1",
	}
	if !slices.Equal(p.asked, want) {
		t.Errorf("asked %q", p.asked)
	}
}

// Valkey is told a version: its own, or the newest that can be read here.
func TestValkeyIsToldAVersion(t *testing.T) {
	for version, want := range map[string]string{"8.1.4": "8.1.4", "9.0.0": "9.0.0", "9.2.0": "9.2.0", "9.2.1": "9.2.0", "10.0.3": "9.2.0"} {
		p := newPrimary(byMark(sample()))
		p.replies["INFO"] = bulk("redis_version:7.2.4\r\nvalkey_version:" + version + "\r\nrole:master\r\n")
		r, _, err := p.dump(t, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Server != (Server{"Valkey", version}) || !slices.Contains(p.asked, "REPLCONF version "+want) {
			t.Errorf("%+v, asked %q", r.Server, p.asked)
		}
	}
	p := newPrimary(byMark(sample()))
	if _, _, err := p.dump(t, Options{}); err != nil || slices.ContainsFunc(p.asked, func(s string) bool { return strings.Contains(s, "version") }) {
		t.Errorf("Redis was asked %q: %v", p.asked, err)
	}
}

func TestSyncWhereThereIsNoPsync(t *testing.T) {
	file := sample()
	_, plain, _ := strings.Cut(byLength(file), "\r\n")
	p := newPrimary("\n\n" + plain)
	p.replies["PSYNC"] = "-ERR unknown command 'PSYNC'\r\n"
	r, got, err := p.dump(t, Options{SHA256: true})
	if err != nil {
		t.Fatal(err)
	}
	proveFile(t, r, got, file)
	if r.ReplicationID != "" || r.Offset != -1 || !r.Taken.Equal(r.Asked) {
		t.Errorf("%+v", r)
	}

	p.replies["SYNC"] = "-ERR unknown command 'SYNC'\r\n"
	if _, _, err = p.dump(t, Options{}); !Refuses(err) || !strings.Contains(err.Error(), "PSYNC") {
		t.Error(err)
	}

	p = newPrimary(byLength(file))
	p.replies["PSYNC"] = "-ERR unknown command 'PSYNC'\r\n"
	p.replies["secret-psync"] = byLength(file)
	e := p.endpoint(t)
	e.PSync, e.Replconf = "secret-psync", "secret-replconf"
	if r, err = Dump(t.Context(), e, Node{Address: "x.cache.amazonaws.com"}, Target{To: io.Discard}, Options{}); err != nil || r.Offset != 4711 {
		t.Error(r, err)
	}
	if !slices.Contains(p.asked, "secret-replconf rdb-only 1") {
		t.Errorf("asked %q", p.asked)
	}
}

// A service that lets no replica in is not even asked.
func TestManaged(t *testing.T) {
	for address, want := range map[string]bool{
		"my.abc123.ng.0001.use1.cache.amazonaws.com:6379":            true,
		"clustercfg.my.abc123.use1.CACHE.amazonaws.com.":             true,
		"my.abc.0001.cnn1.cache.amazonaws.com.cn:6379":               true,
		"clustercfg.my.abc123.memorydb.us-east-1.amazonaws.com:6379": true,
		"ec2-1-2-3-4.compute.amazonaws.com":                          false,
		"cache.amazonaws.com.example.org:6379":                       false,
		"10.0.0.1:6379":                                              false,
		"memorydb.example.org":                                       false,
	} {
		p := newPrimary(byMark(sample()))
		_, err := Dump(t.Context(), p.endpoint(t), Node{Address: address}, Target{To: io.Discard}, Options{})
		if got := ReasonOf(err) == Managed; got != want {
			t.Errorf("%s: %v", address, err)
		}
		if want && (len(p.asked) > 0 || !strings.Contains(err.Error(), "the service's own snapshots")) {
			t.Errorf("%q, %v", p.asked, err)
		}
	}
}

// If what takes the file fails, that is the error, and the server is left alone.
func TestWriterFails(t *testing.T) {
	big := rdbtest.New("REDIS0010").Select(0, 1, 0).Key(0, "big").Str(strings.Repeat("0123456789abcdef", 400_000)).End()
	for name, w := range map[string]io.Writer{"error": failing{errors.New("no space")}, "short": failing{}} {
		t.Run(name, func(t *testing.T) {
			p := newPrimary(byMark(big))
			p.piece = 100_000
			_, err := Dump(t.Context(), p.endpoint(t), Node{Address: "fake:1"}, Target{To: w}, Options{Spool: Spool{Memory: chunkSize, Disk: -1}})
			if ReasonOf(err) != Unwritten {
				t.Error(err)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Write(p []byte) (int, error) { return len(p) / 2, f.err }

// A scanner of one's own is asked, and sees all.
func TestOwnScanner(t *testing.T) {
	file := sample()
	scan := rdb.NewPusher(t.Context(), rdb.Options{Level: rdb.Deep})
	p := newPrimary(byMark(file))
	_, err := Dump(t.Context(), p.endpoint(t), Node{Address: "fake:1"}, Target{To: io.Discard, Scan: scan}, Options{})
	report, scanned := scan.Close()
	if err != nil || scanned != nil || report.Keys != 5 {
		t.Error(err, scanned, report)
	}
}
