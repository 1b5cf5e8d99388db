package replica

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

// dumped is what DUMP gives of a string.
func dumped(version uint16, text string) string {
	b := rdbtest.New("").Raw(0).Str(text).Bytes()
	b = binary.LittleEndian.AppendUint16(b, version)
	return bulk(string(binary.LittleEndian.AppendUint64(b, rdbtest.Sum(b))))
}

func array(items ...string) string {
	return fmt.Sprintf("*%d\r\n%s", len(items), strings.Join(items, ""))
}

// keyed is a server whose keys are read one by one. It is older than Redis 7.0: it knows
// neither PEXPIRETIME nor functions.
func keyed() *primary {
	p := newPrimary("")
	maps.Copy(p.replies, map[string]string{
		"INFO":         bulk("redis_version:6.2.1\r\nrole:master\r\ndb0:keys=3,expires=1,avg_ttl=0\r\ndb7:keys=1,expires=0"),
		"PEXPIRETIME":  "-ERR unknown command `PEXPIRETIME`\r\n",
		"FUNCTION":     "-ERR unknown command `FUNCTION`\r\n",
		"TIME":         array(bulk("1700000000"), bulk("123456")),
		"PTTL":         ":-1\r\n",
		"PTTL expires": ":5000\r\n",
		"PTTL gone":    ":-2\r\n",
		"DUMP a":       dumped(9, "first"),
		"DUMP expires": dumped(9, "second"),
		"DUMP gone":    "$-1\r\n",
		"DUMP b":       dumped(9, "third"),
		// While a table grows, a key may come twice.
		"SCAN 0 COUNT 100":  array(bulk("17"), array(bulk("a"), bulk("expires"), bulk("gone"))),
		"SCAN 17 COUNT 100": array(bulk("0"), array(bulk("a"), bulk("b"))),
	})
	return p
}

func (p *primary) fuzzy(t testing.TB, o Options) (Result, []byte, error) {
	t.Helper()
	var out bytes.Buffer
	r, err := Fuzzy(t.Context(), p.endpoint(t), Node{Address: "fake:1"}, Target{To: &out}, o)
	return r, out.Bytes(), err
}

func TestFuzzyOfAnOldServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		r, file, err := keyed().fuzzy(t, Options{SHA256: true, Pace: Pace{Rest: time.Second}})
		if err != nil {
			t.Fatal(err)
		}
		proveFile(t, r, file, file)
		if !r.Fuzzy || r.Keys != 6 || time.Since(begun) != 2*time.Second {
			t.Errorf("%+v after %v", r, time.Since(begun))
		}
		var got []string
		_, err = rdb.Verify(t.Context(), bytes.NewReader(file), rdb.Options{Level: rdb.Deep, OnKey: func(k *rdb.Key) error {
			got = append(got, fmt.Sprintf("%d:%s:%d", k.DB, k.Name, k.Expires))
			return nil
		}})
		want := "0:a:0 0:expires:1700000005123 0:b:0 7:a:0 7:expires:1700000005123 7:b:0"
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q, want %q: %v", got, want, err)
		}
		if !bytes.HasPrefix(file, []byte("REDIS0009")) || !bytes.Contains(file, []byte("\x14holdfast-consistency\x05fuzzy")) {
			t.Errorf("%q", file[:80])
		}
	})
}

func TestFuzzyFails(t *testing.T) {
	bad := []byte(dumped(9, "first"))
	bad[6] ^= 1
	for name, c := range map[string]struct {
		command, answer string
		want            Reason
		text            string
	}{
		"checksum":        {"DUMP a", string(bad), Damaged, "checksum"},
		"other version":   {"DUMP b", dumped(11, "x"), Strange, "versions 9 and 11"},
		"no value":        {"DUMP a", "$3\r\nabc\r\n", Strange, "no reply"},
		"metadata":        {"DUMP a", bulk("\xf3" + strings.Repeat("x", 20)), Strange, "metadata"},
		"length lie":      {"DUMP a", "$99999999\r\n\x00abc", Silent, ""},
		"not a length":    {"DUMP a", ":5\r\n", Strange, "no reply"},
		"denied":          {"DUMP a", "-NOPERM this user has no permissions to run the 'dump' command\r\n", Denied, "+scan +dump"},
		"scan denied":     {"SCAN 0 COUNT 100", "-NOPERM no\r\n", Denied, "+scan +dump"},
		"scan odd":        {"SCAN 0 COUNT 100", "+OK\r\n", Strange, "no reply"},
		"slots move":      {"DUMP a", "-MOVED 7 10.0.0.1:1\r\n", Moving, "moved"},
		"expiry odd":      {"PTTL", "+OK\r\n", Strange, "no reply"},
		"time odd":        {"TIME", "+OK\r\n", Strange, "no reply"},
		"hangs up":        {"SCAN 17 COUNT 100", "close", CutOff, "closed"},
		"functions short": {"FUNCTION", bulk("abc"), Strange, "no reply"},
		"functions bad":   {"FUNCTION", bulk("abcdefghijklmnopq"), Damaged, "checksum"},
		"select":          {"SELECT", "-NOPERM no\r\n", Denied, "+select"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := keyed()
				p.replies[c.command] = c.answer
				_, _, err := p.fuzzy(t, Options{})
				if ReasonOf(err) != c.want || !strings.Contains(err.Error(), c.text) {
					t.Errorf("%v (%s), want %s", err, ReasonOf(err), c.want)
				}
			})
		})
	}
	if _, _, err := keyed().fuzzy(t, Options{Pace: Pace{Keys: 1}}); err == nil || !strings.Contains(err.Error(), "more than 1 keys") {
		t.Error(err)
	}
}

// Who does not tell which databases it has is asked for one after another.
func TestFuzzyOfASecretiveServer(t *testing.T) {
	p := keyed()
	p.replies["INFO"] = "-NOPERM this user has no permissions to run the 'info' command\r\n"
	p.replies["SELECT 2"] = "-ERR DB index is out of range\r\n"
	r, _, err := p.fuzzy(t, Options{})
	if err != nil || r.Keys != 6 {
		t.Error(r.Keys, err)
	}
}
