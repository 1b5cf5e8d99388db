package redis_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/replica"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/redis/redistest"
	"github.com/holdfast-dr/holdfast/internal/vault"
)

// bubble runs a test under virtual time.
func bubble(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newWorld(t)) })
}

// A snapshot is the server's file, byte by byte, and its manifest says what is in it.
func TestSnapshotIsTheFile(t *testing.T) {
	bubble(t, func(w *world) {
		of := w.endpoint(w.home, "sessions", dr.Tags{"team": "shop"})
		s := w.must(w.creation(of))
		if s.State != dr.Good || s.Of != of || len(s.Members) != 1 || s.Bytes != int64(len(redistest.File(map[string]string{"name": "sessions", "counter": "1"}))) {
			t.Errorf("it reads %+v", s)
		}
		m, err := w.vault(w.home).Get(w.Context(), vault.ID{Resource: "sessions", Name: s.Ref.ID})
		if err != nil {
			t.Fatal(err)
		}
		p := m.Parts[0]
		if p.Keys != 2 || p.Databases["0"] != 2 || p.Types["string"] != 2 || !strings.HasPrefix(p.Digest, "hf1:") || len(p.CRC64) != 16 {
			t.Errorf("the part reads %+v", p)
		}
		if m.Source.Version != "7.4.1" || m.Source.Server != "redis" || p.Source.Offset != 4711 || m.Consistency != vault.PointInTime {
			t.Errorf("the manifest reads %+v", m)
		}
		got, err := os.ReadFile(filepath.Join(w.home.Vault, "sessions", s.Ref.ID, p.File))
		if err != nil || !bytes.Equal(got, redistest.File(map[string]string{"name": "sessions", "counter": "1"})) {
			t.Errorf("the file holds %q (%v)", got, err)
		}
	})
}

// A cluster is one snapshot with a part for each shard.
func TestClusterIsOneSnapshot(t *testing.T) {
	bubble(t, func(w *world) {
		of := w.endpoint(w.home, "a", nil)
		w.endpoint(w.home, "b", nil)
		w.file.Endpoints[0].Addresses = []string{"a.home:6379", "b.home:6379"}
		w.file.Endpoints[0].Cluster = true
		s := w.must(w.creation(of))
		m, err := w.vault(w.home).Get(w.Context(), vault.ID{Resource: "a", Name: s.Ref.ID})
		if err != nil || len(m.Parts) != 2 || m.Parts[0].Slots != "0-99" || m.Parts[1].Slots != "100-199" || m.Parts[1].Source.Addresses[0] != "b.home:6379" {
			t.Errorf("%+v, %v", m.Parts, err)
		}
		w.Put("b.home:6379", redistest.Server{Broken: errors.New("it broke")})
		a := w.creation(of)
		a.Name += "-2"
		if _, err := w.apply(a); err == nil {
			t.Error("half a cluster is a snapshot")
		}
		if all := w.snapshots(w.home); len(all) != 1 || len(w.files(w.home)) != 3 {
			t.Errorf("there is %v, %v", all, w.files(w.home))
		}
	})
}

// An endpoint in trouble says so, and hides neither the others nor any snapshot.
func TestEndpointInTrouble(t *testing.T) {
	bubble(t, func(w *world) {
		of := w.endpoint(w.home, "sessions", nil)
		w.endpoint(w.home, "carts", nil)
		s := w.must(w.creation(of))
		for _, tc := range []struct {
			server redistest.Server
			state  dr.Readiness
			status string
		}{
			{redistest.Server{Loading: true}, dr.Busy, "loading"},
			{redistest.Server{Err: &replica.Error{Reason: replica.Loading, Doing: "PING", Said: "LOADING"}}, dr.Busy, "loading"},
			{redistest.Server{Err: &replica.Error{Reason: replica.Unreachable, Doing: "connecting", Err: io.EOF, Remedy: "do this"}}, dr.Blocked, "unreachable (connecting: EOF)"},
			{redistest.Server{Err: &replica.Error{Reason: replica.Login, Doing: "AUTH", Said: "WRONGPASS"}}, dr.Blocked, "login"},
		} {
			w.Put("sessions.home:6379", tc.server)
			inv, err := w.driver().Observe(w.Context(), w.home)
			if err != nil || len(inv.Snapshots) != 1 || inv.Snapshots[0].Ref != s.Ref || len(inv.Resources) != 2 {
				t.Fatalf("%+v, %v", inv, err)
			}
			if r := inv.Resources[0]; r.State != tc.state || !strings.Contains(r.Status, tc.status) {
				t.Errorf("it is %s, %q; want %s, %q", r.State, r.Status, tc.state, tc.status)
			}
			if r := inv.Resources[1]; r.State != dr.Ready {
				t.Errorf("its neighbour is %s, %q", r.State, r.Status)
			}
		}
	})
}

// What fails is sorted, with a remedy of its own, and leaves nothing behind.
func TestFaults(t *testing.T) {
	for _, tc := range []struct {
		name  string
		err   error
		fault store.Fault
		words string
	}{
		{"nobody there", &replica.Error{Reason: replica.Unreachable, Doing: "connecting", Err: io.EOF, Remedy: "knock"}, store.Unreachable, "connecting: EOF → knock"},
		{"not let in", &replica.Error{Reason: replica.Login, Doing: "AUTH", Said: "WRONGPASS", Remedy: "ask"}, store.Denied, `"WRONGPASS" → ask`},
		{"managed", &replica.Error{Reason: replica.Managed, Doing: "PSYNC", What: "it is one of ElastiCache", Remedy: "protect it as an ElastiCache store"}, store.Invalid, "→ protect it as an ElastiCache store"},
		{"loading", &replica.Error{Reason: replica.Loading, Doing: "PSYNC", Remedy: "come back"}, store.Busy, "come back"},
		{"cut off", &replica.Error{Reason: replica.CutOff, Doing: "receiving", What: "after 5 bytes", Remedy: "see its log"}, store.Unreachable, "after 5 bytes → see its log"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				of := w.endpoint(w.home, "sessions", nil)
				w.Put("sessions.home:6379", redistest.Server{Keys: map[string]string{"a": "b"}, Broken: tc.err})
				_, err := w.apply(w.creation(of))
				w.want(err, tc.fault, tc.words)
				if left := w.files(w.home); len(left) > 0 {
					t.Errorf("left are %v", left)
				}
			})
		})
	}
}

// A name that somebody else has is a conflict; two runs at once make one snapshot.
func TestConflictAndRace(t *testing.T) {
	bubble(t, func(w *world) {
		of := w.endpoint(w.home, "sessions", nil)
		w.Put("sessions.home:6379", redistest.Server{Keys: map[string]string{"a": "b"}, Takes: 30 * time.Second})
		a := w.creation(of)
		done := make(chan error)
		for range 2 {
			go func() { _, err := w.apply(a); done <- err }()
		}
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
		if w.Taken() != 2 || len(w.snapshots(w.home)) != 1 || len(w.files(w.home)) != 2 {
			t.Errorf("%d files were taken, and left is %v", w.Taken(), w.files(w.home))
		}
		a.Claim.Slot = a.Claim.Slot.Add(-time.Hour)
		_, err := w.apply(a)
		w.want(err, store.Conflict, "already there")
	})
}

// Stopped in the middle, nothing is seen and nothing is left.
func TestStopped(t *testing.T) {
	bubble(t, func(w *world) {
		of := w.endpoint(w.home, "sessions", nil)
		w.Put("sessions.home:6379", redistest.Server{Keys: map[string]string{"a": "b"}, Takes: 4 * time.Minute})
		ctx, cancel := context.WithCancel(w.Context())
		time.AfterFunc(3*time.Minute, cancel)
		_, err := store.New(w.driver()).Apply(ctx, w.creation(of))
		w.want(err, store.Stopped, "interrupted")
		if left := w.files(w.home); len(left) > 0 {
			t.Errorf("left are %v", left)
		}
	})
}

// A copy is the same data in another vault; one that is damaged is not copied, and shows
// as failed where it is.
func TestCopies(t *testing.T) {
	bubble(t, func(w *world) {
		w.file.Sites[1].Depot.Compress = "zstd"
		of := w.endpoint(w.home, "sessions", nil)
		s := w.must(w.creation(of))
		c := s.Claim
		c.Origin, c.Taken, c.Retention = s.Ref.Origin(), s.Taken.UTC().Truncate(time.Second), "within=1w floor=1"
		a := plan.Action{Verb: plan.Copy, From: s.Ref, To: w.away, Claim: c, Name: dr.SnapshotName(c, "sessions", 0, 120), Members: s.Members, Taken: s.Taken}
		copied := w.must(a)
		if copied.State != dr.Good || copied.Claim != c || copied.CopyOf == "" || copied.Made.IsZero() || !copied.Taken.Equal(s.Taken) {
			t.Errorf("the copy reads %+v", copied)
		}
		if again := w.must(a); again.Ref != copied.Ref || len(w.snapshots(w.away)) != 1 {
			t.Errorf("made twice: %+v", w.snapshots(w.away))
		}
		spoil(t, filepath.Join(w.home.Vault, "sessions", s.Ref.ID, s.Members[0]), false)
		a.Name += "-2"
		_, err := w.apply(a)
		w.want(err, store.Unknown, "restore from another snapshot")
		if len(w.snapshots(w.away)) != 1 || len(w.files(w.away)) != 2 {
			t.Errorf("left is %v", w.files(w.away))
		}
		spoil(t, filepath.Join(w.home.Vault, "sessions", s.Ref.ID, s.Members[0]), true)
		if all := w.snapshots(w.home); all[0].State != dr.Failed || !strings.Contains(all[0].Status, "bytes and not") {
			t.Errorf("damaged it reads %+v", all[0])
		}
	})
}

// spoil changes a byte in the middle of a file, or cuts it.
func spoil(t *testing.T, file string, cut bool) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if cut {
		b = b[:len(b)/2]
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What was seen is deleted, and not another that has its name by now; what is held stays.
func TestDeletesWhatWasSeen(t *testing.T) {
	bubble(t, func(w *world) {
		of := w.endpoint(w.home, "sessions", nil)
		s := w.must(w.creation(of))
		del := plan.Action{Verb: plan.Delete, From: s.Ref, To: w.home, Name: s.Ref.ID, Claim: s.Claim, Members: []string{"dump-0000000000000000.rdb"}}
		_, err := w.apply(del)
		w.want(err, store.Conflict, "another one has its name")
		del.Members = s.Members
		hold := del
		hold.Verb = plan.Hold
		w.must(hold)
		_, err = w.apply(del)
		w.want(err, store.Conflict, "holds it")
		hold.Verb = plan.Release
		w.must(hold)
		if _, err := w.apply(del); err != nil || len(w.files(w.home)) > 0 {
			t.Errorf("%v; left are %v", err, w.files(w.home))
		}
		if _, err := w.apply(del); err != nil {
			t.Errorf("again: %v", err)
		}
	})
}

// A manifest that nobody can read is shown, with why, and is not ours.
func TestFlawedManifest(t *testing.T) {
	bubble(t, func(w *world) {
		dir := filepath.Join(w.home.Vault, "sessions", "torn")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(`{"format":"holdfast.vault/1"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		all := w.snapshots(w.home)
		if len(all) != 1 || all[0].Flaw == "" || all[0].Claim.Ours() || all[0].Ref.ID != "torn" || all[0].Of.ID != "sessions" {
			t.Errorf("seen: %+v", all)
		}
	})
}

// A vault that is not there is a gap with a remedy, and the other is seen.
func TestVaultIsGone(t *testing.T) {
	bubble(t, func(w *world) {
		w.file.Sites[0].Vault, w.home.Vault = "/nowhere", "/nowhere"
		inv := store.New(w.driver()).Observe(w.Context(), w.home)
		w.want(inv.Gaps[dr.Scope{Kind: "redis", Site: w.home}], store.NotFound, "make the directory")
		grants := w.driver().Grants(w.Context(), w.home)
		w.want(grants[0].Err, store.NotFound, "make the directory")
		if inv := store.New(w.driver()).Observe(w.Context(), w.away); len(inv.Gaps) > 0 {
			t.Errorf("the other one: %v", inv.Gaps)
		}
	})
}

// Trying says of each endpoint whether it answers, and leaves the vault as it is.
func TestGrants(t *testing.T) {
	bubble(t, func(w *world) {
		w.endpoint(w.home, "sessions", nil)
		w.file.Endpoints = append(w.file.Endpoints, policy.Endpoint{Name: "gone", Addresses: []string{"gone:6379"}, Vault: "home"})
		var names []string
		for _, g := range w.driver().Grants(w.Context(), w.home) {
			names = append(names, g.Permission)
			if g.Permission == "PING gone" {
				w.want(g.Err, store.Unreachable, "firewall")
			} else if g.Err != nil || g.Needed == "" {
				t.Errorf("%+v", g)
			}
		}
		if !slices.Equal(names, []string{"vault", "PING sessions", "PING gone"}) || len(w.files(w.home)) > 0 {
			t.Errorf("tried %v, left %v", names, w.files(w.home))
		}
	})
}

// Endpoints are reached as the file says; what it names wrongly is said without a dial.
func TestFilesOfTLS(t *testing.T) {
	bubble(t, func(w *world) {
		w.endpoint(w.home, "sessions", nil)
		for file, words := range map[string]string{"/nowhere.pem": "read the certificates", os.DevNull: "holds no certificate"} {
			w.file.Endpoints[0].TLS = policy.EndpointTLS{Mode: policy.TLSVerify, CA: file}
			inv, err := w.driver().Observe(w.Context(), w.home)
			if err != nil || inv.Resources[0].State != dr.Blocked || !strings.Contains(inv.Resources[0].Status, words) {
				t.Errorf("%v %+v", err, inv.Resources)
			}
		}
	})
}
