package vault

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestElement(t *testing.T) {
	for name, want := range map[string]string{
		"orders": "orders", "10.0.0.1:6379": "10.0.0.1@3a6379", "a/b": "a@2fb", "..": "@2e.", ".": "@2e", ".holdfast": "@2eholdfast",
		"../../etc": "@2e.@2f..@2fetc", "@2e": "@402e", "a,b": "a@2cb", "ü": "@c3@bc", "": "", "x\x00y": "x@00y",
	} {
		if got := element(name); got != want {
			t.Errorf("element(%q) = %q, want %q", name, got, want)
		}
	}
	long := strings.Repeat("a", 300)
	if a, b := element(long), element(long+"b"); a == b || len(a) != nameLimit || len(b) != nameLimit {
		t.Errorf("long names become %q and %q", a, b)
	}
}

// TestNamesLeadNowhere: whatever a resource, a snapshot and a part are called, their keys
// are below the vault and of the form that is known, and those of others are others.
func TestNamesLeadNowhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.StringN(1, 40, 400), rapid.StringMatching(`[./\\@a-]{1,20}`))
		a, b := ID{name.Draw(t, "resource"), name.Draw(t, "name")}, ID{name.Draw(t, "resource"), name.Draw(t, "name")}
		part := name.Draw(t, "part")
		file := partName(part, newNonce(), rapid.Bool().Draw(t, "zst"), rapid.Bool().Draw(t, "age"))
		for _, f := range []string{file, manifestName, markName(newNonce())} {
			key := a.folder() + f
			folder, split, ok := split(key)
			if !ok || folder != a.folder() || split != f {
				t.Fatalf("%q is taken for %q and %q, %t", key, folder, split, ok)
			}
			if path.Clean("/"+key) != "/"+key || strings.HasPrefix(key, ".") || len(f) > 255 {
				t.Fatalf("%q leads somewhere else", key)
			}
		}
		if (a == b) != (a.folder() == b.folder()) {
			t.Fatalf("%q and %q are in %q and %q", a, b, a.folder(), b.folder())
		}
	})
}

func TestPathsThatLeadOut(t *testing.T) {
	everywhere(t, func(t *testing.T, open func(Options) *Vault) {
		v := open(Options{})
		id := ID{"../../../etc", "..\\/x\x00"}
		m := publish(t, v, id, map[string][]byte{"../../a": noise(10), ".": noise(11)})
		for _, key := range keys(t, v) {
			if !strings.HasPrefix(key, "@2e.@2f..@2f..@2fetc/@2e.@5c@2fx@00/") {
				t.Errorf("there is %q", key)
			}
		}
		ok(t, v.Verify(t.Context(), m))
		if all := list(t, v); len(all) != 1 || all[0].Manifest.ID() != id {
			t.Errorf("listed %+v", all)
		}
	})
}

// FuzzManifest: whatever lies there as a manifest, nothing it names is outside of its
// folder, and what is read is written again as it was.
func FuzzManifest(f *testing.F) {
	m := Manifest{
		Format: Format, Kind: "redis", Resource: "orders", Name: "x", Claim: claimOf("orders"), Nonce: "0123456789abcdef", Taken: slot,
		Parts: []Part{{Name: "a", Stored: Stored{File: "a-0123456789abcdef.rdb", Bytes: 5, SHA256: "00"}}},
	}
	body, err := m.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(strings.Replace(string(body), "a-0123456789abcdef.rdb", "../a-0123456789abcdef.rdb", 1)))
	f.Add([]byte(strings.Replace(string(body), `"kind"`, `"new": {"a": [1, 2.50]}, "kind"`, 1)))
	f.Add([]byte(strings.Replace(string(body), `"owner"`, `"added": 1, "owner"`, 1)))
	f.Add([]byte(`{"format": "holdfast.vault/9"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		const folder = "orders/x/"
		m, err := parseManifest(body, folder)
		if err != nil {
			return
		}
		for _, p := range m.Parts {
			if key := folder + p.File; path.Clean(key) != key || path.Dir(key)+"/" != folder {
				t.Fatalf("names %q", key)
			}
		}
		again, err := m.encode()
		if err != nil {
			t.Skip() // Too long, indented.
		}
		m2, err := parseManifest(again, folder)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, again)
		}
		third, err := m2.encode()
		if err != nil || !bytes.Equal(third, again) {
			t.Fatalf("written twice:\n%s\n%s", again, third)
		}
	})
}

// TestWhatIsNotKnownIsKept when a manifest is rewritten, as by a hold.
func TestWhatIsNotKnownIsKept(t *testing.T) {
	v := inDirectory(t)(Options{})
	m := publish(t, v, orders, map[string][]byte{"a": noise(10)})
	m.Source = Source{Role: "master"}
	body, err := m.encode()
	ok(t, err)
	text := string(body)
	for _, where := range []string{`"format"`, `"owner"`, `"role"`, `"file"`} {
		text = strings.Replace(text, where, `"later": {"n": 12345678901234567890, "x": 1.50}, `+where, 1)
	}
	write(t, v, orders.folder()+manifestName, []byte(text))
	ok(t, v.Hold(t.Context(), orders, claimOf("orders"), true))
	body, _, err = v.bucket.read(t.Context(), orders.folder()+manifestName)
	ok(t, err)
	var got struct {
		Later json.RawMessage `json:"later"`
		Claim struct {
			Later json.RawMessage `json:"later"`
			Keep  bool            `json:"keep"`
		} `json:"claim"`
		Source struct {
			Later json.RawMessage `json:"later"`
		} `json:"source"`
		Parts []struct {
			Later json.RawMessage `json:"later"`
		} `json:"parts"`
	}
	ok(t, json.Unmarshal(body, &got))
	for _, raw := range []json.RawMessage{got.Later, got.Claim.Later, got.Source.Later, got.Parts[0].Later} {
		if s := strings.Join(strings.Fields(string(raw)), ""); s != `{"n":12345678901234567890,"x":1.50}` {
			t.Errorf("kept is %s", s)
		}
	}
	if !got.Claim.Keep {
		t.Error("the hold is not there")
	}
}
