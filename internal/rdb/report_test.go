package rdb_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/rdb"
)

// What is told of a file, as JSON: golden files, written anew by -update.
func TestReport(t *testing.T) {
	p, err := os.ReadFile(filepath.Join("testdata", "redis-7.0-small.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range levels {
		r, err := verify(t, p, l)
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Aux {
			if r.Aux[i].Name == "ctime" || r.Aux[i].Name == "used-mem" {
				r.Aux[i].Value = "0" // They change whenever the file is recorded.
			}
		}
		got, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", "report-"+l.String()+".json")
		if *update {
			if err := os.WriteFile(path, append(got, '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)+"\n"); d != "" {
			t.Errorf("level %v: %s", l, d)
		}
	}
}

// Prefixes, sizes and databases are counted.
func TestCounts(t *testing.T) {
	p := mixed(3 << 20)
	r, err := verify(t, p, rdb.Shallow)
	if err != nil {
		t.Fatal(err)
	}
	var prefixes, slots, kinds uint64
	var bytes int64
	for _, s := range r.Prefixes {
		prefixes, bytes = prefixes+s.Keys, bytes+s.Bytes
	}
	for _, s := range r.Slots {
		slots += s.Keys
	}
	for _, k := range r.Databases[0].Kinds {
		kinds += k.Keys
	}
	if len(r.Prefixes) != 5 || prefixes != r.Keys || slots != r.Keys || kinds != r.Keys || r.Databases[0].Keys != r.Keys {
		t.Errorf("%d keys: %d by prefix, %d by slot, %d by kind", r.Keys, prefixes, slots, kinds)
	}
	if bytes != r.Databases[0].Bytes || bytes > r.Bytes || r.Unpacked <= r.Bytes {
		t.Errorf("%d bytes: %d by prefix, %d in the database, %d unpacked", r.Bytes, bytes, r.Databases[0].Bytes, r.Unpacked)
	}
	if len(r.Largest) != 20 || r.Largest[0].Bytes < r.Largest[19].Bytes || r.Expires.Keys == 0 || r.Expires.Earliest >= r.Expires.Latest {
		t.Errorf("%+v, %+v", r.Largest, r.Expires)
	}
}
