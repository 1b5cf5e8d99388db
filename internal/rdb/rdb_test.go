package rdb_test

import (
	"bytes"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

var levels = []rdb.Level{rdb.Framing, rdb.Shallow, rdb.Deep}

func verify(t testing.TB, p []byte, l rdb.Level) (rdb.Report, error) {
	t.Helper()
	return rdb.Verify(t.Context(), bytes.NewReader(p), rdb.Options{Level: l})
}

func TestSamplesAreSound(t *testing.T) {
	for name, p := range rdbtest.Samples() {
		for _, l := range levels {
			t.Run(name+"/"+l.String(), func(t *testing.T) {
				r, err := verify(t, p, l)
				if err != nil {
					t.Fatal(err)
				}
				if r.Checksum != rdb.ChecksumGood || r.Bytes != int64(len(p)) {
					t.Errorf("checksum %q, %d bytes of %d", r.Checksum, r.Bytes, len(p))
				}
				for _, f := range r.Flaws {
					if name != "valkey-9" || f.What[:5] != "slots" {
						t.Errorf("flaw: %+v", f)
					}
				}
			})
		}
	}
}
