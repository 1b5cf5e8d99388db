package replica

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

// BenchmarkDump is a file of small values that comes over loopback, with its SHA-256 and
// counts.
func BenchmarkDump(b *testing.B) {
	f := rdbtest.New("REDIS0010").Select(0, 200_000, 0)
	value := make([]byte, 300)
	for i := range 200_000 {
		f.Key(0, string([]byte{byte(i), byte(i >> 8), byte(i >> 16)})).Str(string(value))
	}
	file := f.End()
	p := newPrimary(byMark(file))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		scan := rdb.NewPusher(context.Background(), rdb.Options{Level: rdb.Shallow})
		if _, err := Dump(b.Context(), Endpoint{}, Node{Address: l.Addr().String()}, Target{To: io.Discard, Scan: scan}, Options{SHA256: true}); err != nil {
			b.Fatal(err)
		}
		if _, err := scan.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
