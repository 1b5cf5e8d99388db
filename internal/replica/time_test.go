package replica

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

// These tests run in virtual time: an hour of waiting passes at once.

func TestOnlyNewlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPrimary(strings.Repeat("\n", 10_000))
		p.piece, p.pause = 1, time.Second
		begun := time.Now()
		_, _, err := p.dump(t, Options{})
		if ReasonOf(err) != Silent || time.Since(begun) < time.Hour || time.Since(begun) > time.Hour+time.Minute {
			t.Error(time.Since(begun), err)
		}
	})
}

// A server that saves to its disk for long is waited for.
func TestLongSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := sample()
		p := newPrimary("")
		head, rest, _ := strings.Cut(byLength(file), "\r\n")
		p.stream = []byte(head + "\r\n" + strings.Repeat("\n", 1800) + rest)
		p.piece, p.pause = 1, time.Second
		r, got, err := p.dump(t, Options{SHA256: true})
		if err != nil {
			t.Fatal(err)
		}
		proveFile(t, r, got, file)
		if d := r.Begun.Sub(r.Taken); d < 30*time.Minute {
			t.Errorf("taken %v before the first byte", d)
		}
	})
}

func TestSilence(t *testing.T) {
	file := sample()
	for name, cut := range map[string]int{"at once": 0, "before the length": 60, "in the file": 150} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPrimary(byLength(file))
				p.cut, p.hang = cut, true
				begun := time.Now()
				_, _, err := p.dump(t, Options{})
				if ReasonOf(err) != Silent || time.Since(begun) != time.Minute {
					t.Error(time.Since(begun), err)
				}
			})
		})
	}
}

// Who is reached and says nothing is not waited for as long.
func TestSilentFromTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := Endpoint{Dial: func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go func() { io.Copy(io.Discard, there) }()
			return here, nil
		}}
		begun := time.Now()
		_, err := Dump(t.Context(), e, Node{Address: "x"}, Target{To: io.Discard}, Options{})
		if ReasonOf(err) != Silent || time.Since(begun) != knock || !strings.Contains(err.Error(), "x:6379") {
			t.Error(time.Since(begun), err)
		}
	})
}

func TestLoadingIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPrimary(byMark(sample()))
		p.replies["PING"] = "-LOADING Redis is loading the dataset in memory\r\n"
		go func() {
			time.Sleep(90 * time.Second)
			p.mu.Lock()
			p.replies["PING"] = "+PONG\r\n"
			p.mu.Unlock()
		}()
		begun := time.Now()
		if _, _, err := p.dump(t, Options{}); err != nil || time.Since(begun) < 90*time.Second || time.Since(begun) > 92*time.Second {
			t.Error(time.Since(begun), err)
		}
		p.replies["PING"] = "-LOADING Redis is loading the dataset in memory\r\n"
		begun = time.Now()
		if _, _, err := p.dump(t, Options{}); ReasonOf(err) != Loading || time.Since(begun) != 5*time.Minute {
			t.Error(time.Since(begun), err)
		}
	})
}

func TestCancel(t *testing.T) {
	for name, cut := range map[string]int{"before": 0, "within": 150} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPrimary(byLength(sample()))
				p.cut, p.hang = cut, true
				why := errors.New("somebody asked for it")
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(5*time.Second, func() { cancel(why) })
				begun := time.Now()
				_, err := Dump(ctx, p.endpoint(t), Node{Address: "fake:1"}, Target{To: io.Discard}, Options{})
				if !errors.Is(err, why) || time.Since(begun) != 5*time.Second {
					t.Error(time.Since(begun), err)
				}
			})
		})
	}
}

// slowly takes its time for each write.
type slowly struct {
	bytes.Buffer
	each time.Duration
}

func (s *slowly) Write(p []byte) (int, error) {
	time.Sleep(s.each)
	return s.Buffer.Write(p)
}

func bigFile(mib int) []byte {
	f := rdbtest.New("REDIS0010").Select(0, uint64(mib), 0)
	for i := range mib {
		f.Key(0, string(rune('a'+i))).Str(strings.Repeat(string(rune('a'+i)), 1<<20))
	}
	return f.End()
}

// A slow writer is not felt by the server, as far as the spool goes; beyond that it waits,
// but not so long that it would hang up.
func TestSlowWriter(t *testing.T) {
	file := bigFile(20)
	for _, c := range []struct {
		name    string
		spool   Spool
		each    time.Duration
		want    Reason
		stalled bool
	}{
		{"in memory", Spool{Memory: 32 << 20, Disk: -1}, 10 * time.Second, "", false},
		{"on disk", Spool{Memory: 1 << 20}, 10 * time.Second, "", false},
		{"a ring", Spool{Memory: 1 << 20, Disk: 3*chunkSize + 12345}, 10 * time.Second, "", true},
		{"no disk", Spool{Memory: 1 << 20, Disk: -1}, 44 * time.Second, "", true},
		{"too slow", Spool{Memory: 1 << 20, Disk: 1 << 20}, 50 * time.Second, Slow, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.spool.Dir = t.TempDir()
				p := newPrimary(byMark(file))
				p.piece = 300_000
				w := &slowly{each: c.each}
				begun := time.Now()
				r, err := Dump(t.Context(), p.endpoint(t), Node{Address: "fake:1"}, Target{To: w}, Options{Spool: c.spool, SHA256: true})
				if ReasonOf(err) != c.want || (r.Stalled > 0) != c.stalled {
					t.Fatalf("%v; %+v", err, r)
				}
				if left, _ := os.ReadDir(c.spool.Dir); len(left) > 0 {
					t.Error("there is something left:", left)
				}
				if err != nil {
					if !strings.Contains(err.Error(), "45s") {
						t.Error(err)
					}
					return
				}
				proveFile(t, r, w.Bytes(), file)
				if !c.stalled && r.Received.Sub(begun) > time.Second {
					t.Error("the server was kept for", r.Received.Sub(begun))
				}
				if most := int64(c.spool.Memory) + max(c.spool.Disk, 0) + chunkSize; c.spool.Disk != 0 && r.Spooled > most {
					t.Error(r.Spooled, "waited, and only", most, "may")
				}
			})
		})
	}
}

// A writer that hangs is told when the snapshot fails.
func TestHangingWriterIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, in := io.Pipe()
		defer out.Close()
		p := newPrimary(byMark(bigFile(5)))
		_, err := Dump(t.Context(), p.endpoint(t), Node{Address: "fake:1"}, Target{To: in}, Options{Spool: Spool{Memory: 1 << 20, Disk: -1}})
		if ReasonOf(err) != Slow {
			t.Error(err)
		}
		if _, err := out.Read(make([]byte, 1)); ReasonOf(err) != Slow {
			t.Error("who reads is told", err)
		}
	})
}

// The moment of the data: when the server says that it begins, unless it gives us what it
// was saving before.
func TestMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(1_000_000 * time.Second) // Virtual time begins in the year 2000.
		for name, c := range map[string]struct {
			ahead time.Duration
			saved time.Duration // before we ask, by the server's clock
			clock bool
			want  time.Duration
		}{
			"for us":                          {0, -time.Second, true, 0},
			"for somebody else":               {0, 30 * time.Second, true, -30 * time.Second},
			"for us, clock behind":            {-time.Hour, -time.Second, true, 0},
			"for somebody else, clock behind": {-time.Hour, 30 * time.Second, true, -30 * time.Second},
			"for somebody else, clock ahead":  {time.Hour, 30 * time.Second, true, -30 * time.Second},
			"nobody knows":                    {time.Hour, 30 * time.Second, false, 0},
		} {
			now := time.Now().Truncate(time.Second).Add(time.Second)
			time.Sleep(time.Until(now))
			saved := now.Add(c.ahead - c.saved)
			file := rdbtest.New("REDIS0010").Aux("redis-ver", "7.0.15").Raw(250).Str("redis-bits").Int(64).
				Raw(250).Str("ctime").Int(int(saved.Unix())).Select(0, 1, 0).Key(0, "a").Str("b").End()
			p := newPrimary(byMark(file))
			n := Node{Address: "fake:1", Server: Server{"Redis", "7.0.15"}, ahead: c.ahead, clocked: c.clock}
			r, err := Dump(t.Context(), p.endpoint(t), n, Target{To: io.Discard}, Options{})
			if err != nil {
				t.Fatal(name, err)
			}
			if got := r.Taken.Sub(now); got != c.want {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
	})
}

// Behind the mark something may come at once that is no newline, and then nothing: the end
// is seen all the same.
func TestSomethingBehindTheMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPrimary(byMark(sample()) + "*1\r\n$4\r\nPING\r\n")
		p.hang = true
		begun := time.Now()
		r, got, err := p.dump(t, Options{SHA256: true})
		if err != nil || time.Since(begun) > nap {
			t.Fatal(time.Since(begun), err)
		}
		proveFile(t, r, got, sample())
	})
}

// A file that comes in drops is taken.
func TestDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, pause := range []time.Duration{500 * time.Millisecond, 30 * time.Second, 59 * time.Second} {
			p := newPrimary(byMark(sample()))
			p.piece, p.pause, p.hang = 7, pause, true
			r, got, err := p.dump(t, Options{SHA256: true})
			if err != nil {
				t.Fatal(pause, err)
			}
			proveFile(t, r, got, sample())
		}
	})
}
