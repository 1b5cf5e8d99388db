package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestPublishAndRead(t *testing.T) {
	key, err := age.GenerateX25519Identity()
	ok(t, err)
	crypt := Options{Recipients: []string{key.Recipient().String()}, Identities: "# a key\n" + key.String() + "\n"}
	both := crypt
	both.Compress = true
	body := append(bytes.Repeat([]byte("REDIS0011 and so on "), 5000), noise(100_000)...)
	everywhere(t, func(t *testing.T, open func(Options) *Vault) {
		for name, o := range map[string]Options{"plain": {}, "compressed": {Compress: true}, "encrypted": crypt, "both": both} {
			v, id := open(o), ID{"orders", name}
			d := begin(t, v, id, claimOf("orders"))
			want := Manifest{
				Format: Format, Kind: "redis", Resource: "orders", Name: name, Claim: claimOf("orders"), Nonce: d.mark.Nonce,
				Source: Source{Addresses: []string{"10.0.0.1:6379"}, Role: "master", Server: "redis", Version: "7.2.4", ReplicationID: strings.Repeat("ab", 20), Offset: 1 << 40},
				Begun:  d.mark.Begun, Taken: slot, Ended: slot.Add(time.Minute), Consistency: PointInTime, Skew: 1500 * time.Millisecond,
				Parts: []Part{
					{Name: "0-8191", Stored: writePart(t, d, "0-8191", body).Stored, Slots: "0-8191", Keys: 12, CRC64: "e9c6d914c4b8d9ca", Digest: "d", Types: map[string]uint64{"hash": 5}},
					{Name: "rest", Stored: writePart(t, d, "rest", nil).Stored},
				},
			}
			if len(list(t, v)) != 0 {
				t.Fatalf("%s: it is seen before it is published", name)
			}
			if _, err := v.Get(t.Context(), id); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: before it is published: %v", name, err)
			}
			_, err := d.Publish(t.Context(), want)
			ok(t, err)
			all := list(t, v)
			if len(all) != 1 || all[0].Damage != "" || all[0].Flaw != "" {
				t.Fatalf("%s: listed %+v", name, all)
			}
			if diff := cmp.Diff(want, all[0].Manifest, cmpopts.IgnoreUnexported(Manifest{}, Source{}, Part{})); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			wantPart(t, v, all[0].Manifest, "0-8191", body)
			wantPart(t, v, all[0].Manifest, "rest", nil)
			ok(t, v.Verify(t.Context(), all[0].Manifest))
			part, _ := all[0].Manifest.Part("0-8191")
			if compressed := part.Bytes < int64(len(body)); compressed != o.Compress {
				t.Errorf("%s: %d bytes became %d", name, len(body), part.Bytes)
			}
			folder := id.folder()
			names := []string{folder + manifestName, folder + part.File, folder + want.Parts[1].File}
			slices.Sort(names)
			wantKeys(t, v, names...)
			ok(t, v.Delete(t.Context(), id, claimOf("orders")))
			wantKeys(t, v)
		}
	})
}

func TestReadRange(t *testing.T) {
	everywhere(t, func(t *testing.T, open func(Options) *Vault) {
		v, body := open(Options{}), noise(1000)
		m := publish(t, v, orders, map[string][]byte{"a": body})
		for _, c := range []struct{ from, n, want int64 }{{0, -1, 1000}, {10, 20, 20}, {990, 20, 10}, {1000, -1, 0}, {5, 0, 0}, {500, -1, 500}} {
			r, err := v.ReadRange(t.Context(), m, "a", c.from, c.n)
			ok(t, err)
			got, err := io.ReadAll(r)
			ok(t, err)
			if !bytes.Equal(got, body[c.from:c.from+c.want]) {
				t.Errorf("%d bytes from %d: got %d", c.n, c.from, len(got))
			}
			ok(t, r.Close())
		}
		if _, err := v.ReadRange(t.Context(), m, "a", 1001, 1); err == nil {
			t.Error("a range beyond the end was read")
		}
	})
}

func TestDiscard(t *testing.T) {
	everywhere(t, func(t *testing.T, open func(Options) *Vault) {
		v := open(Options{Compress: true})
		d := begin(t, v, orders, claimOf("orders"))
		writePart(t, d, "a", noise(10))
		w, err := d.NewPart(t.Context(), "b")
		ok(t, err)
		_, err = w.Write(noise(12 << 20)) // So that S3 has some of it already.
		ok(t, err)
		if _, err := d.Publish(t.Context(), Manifest{}); err == nil {
			t.Error("published with a part that is still open")
		}
		if len(keys(t, v)) < 2 {
			t.Errorf("nothing was written: %v", keys(t, v))
		}
		ok(t, d.Discard(t.Context()))
		wantKeys(t, v)
		if _, err := w.Commit(); err == nil {
			t.Error("a part of a draft that was discarded was committed")
		}
		wantKeys(t, v)
	})
}

func TestTwoRunsAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, open func(Options) *Vault) {
		one, two := open(Options{}), open(Options{})
		bodies := map[*Vault][]byte{one: noise(1000), two: noise(2000)}
		drafts := map[*Vault]*Draft{}
		for v := range bodies {
			drafts[v] = begin(t, v, orders, claimOf("orders"))
		}
		type end struct {
			v   *Vault
			err error
		}
		ends := make(chan end)
		for v, d := range drafts {
			p := writePart(t, d, "a", bodies[v])
			go func() {
				_, err := d.Publish(context.WithoutCancel(t.Context()), Manifest{Kind: "redis", Parts: []Part{p}})
				ends <- end{v, err}
			}()
		}
		var won *Vault
		for range 2 {
			e := <-ends
			if e.err == nil {
				if won != nil {
					t.Fatal("both won")
				}
				won = e.v
				continue
			}
			var there *ConflictError
			if !errors.As(e.err, &there) || there.There.Claim != claimOf("orders") || !errors.Is(e.err, ErrConflict) {
				t.Errorf("the one that lost: %v", e.err)
			}
			ok(t, drafts[e.v].Discard(t.Context()))
		}
		if won == nil {
			t.Fatal("nobody won")
		}
		all := list(t, one)
		if len(all) != 1 || all[0].Damage != "" {
			t.Fatalf("listed %+v", all)
		}
		wantPart(t, two, all[0].Manifest, "a", bodies[won])
		if got := keys(t, one); len(got) != 2 {
			t.Errorf("left is %v", got)
		}
		var there *ConflictError
		if _, err := one.Begin(t.Context(), orders, claimOf("orders")); !errors.As(err, &there) {
			t.Errorf("begun anew: %v", err)
		} else {
			mustFit(t, err, "already there, of redis///orders, policy gold, owner prod")
		}
	})
}

func TestHoldReclaimDelete(t *testing.T) {
	everywhere(t, func(t *testing.T, open func(Options) *Vault) {
		v, ctx := open(Options{}), t.Context()
		publish(t, v, orders, map[string][]byte{"a": noise(10)})
		write(t, v, orders.folder()+"notes.txt", []byte("a person's"))
		claim, other := claimOf("orders"), claimOf("users")
		if err := v.Hold(ctx, orders, other, true); !errors.Is(err, ErrConflict) {
			t.Errorf("held with another's claim: %v", err)
		}
		ok(t, v.Hold(ctx, orders, claim, true))
		if !list(t, v)[0].Manifest.Claim.Keep {
			t.Error("the hold is not seen")
		}
		if err := v.Delete(ctx, orders, claim); !errors.Is(err, ErrHeld) {
			t.Errorf("what is held was deleted: %v", err)
		}
		changed := claim
		changed.Policy = "silver"
		ok(t, v.Reclaim(ctx, orders, claim, changed))
		if m := list(t, v)[0].Manifest; !m.Claim.Keep || m.Claim.Policy != "silver" {
			t.Errorf("the claim is %+v", m.Claim)
		}
		ok(t, v.Hold(ctx, orders, changed, false))
		if err := v.Delete(ctx, orders, claim); !errors.Is(err, ErrConflict) {
			t.Errorf("deleted with the claim of before: %v", err)
		}
		ok(t, v.Delete(ctx, orders, changed))
		ok(t, v.Delete(ctx, orders, changed))
		wantKeys(t, v, orders.folder()+"notes.txt")
		if len(list(t, v)) != 0 {
			t.Error("it is still seen")
		}
		if err := v.Hold(ctx, orders, claim, true); !errors.Is(err, ErrNotFound) {
			t.Errorf("held what is gone: %v", err)
		}
	})
}

func TestDeleteThatWasCutShort(t *testing.T) {
	everywhere(t, func(t *testing.T, open func(Options) *Vault) {
		v, ctx, claim := open(Options{}), t.Context(), claimOf("orders")
		m := publish(t, v, orders, map[string][]byte{"a": noise(10), "b": noise(20)})
		_, err := v.rewrite(ctx, orders, claim, func(m *Manifest) error { m.Leaving = true; return nil })
		ok(t, err)
		ok(t, v.bucket.remove(ctx, orders.folder()+m.Parts[0].File))
		if all := list(t, v); len(all) != 1 || !all[0].Manifest.Leaving {
			t.Errorf("listed %+v", all)
		}
		if err := v.Hold(ctx, orders, claim, true); !errors.Is(err, ErrConflict) {
			t.Errorf("held what is half deleted: %v", err)
		}
		var there *ConflictError
		if _, err := v.Begin(ctx, orders, claim); !errors.As(err, &there) || !there.There.Leaving {
			t.Errorf("begun where one is half deleted: %v", err)
		}
		if swept, err := v.Sweep(ctx, "prod", time.Hour); err != nil || len(swept.Deleted) != 0 {
			t.Errorf("swept at once: %+v, %v", swept, err)
		}
		grow()
		if swept, err := v.Sweep(ctx, "other", 0); err != nil || len(swept.Deleted) != 0 {
			t.Errorf("another owner swept it: %+v, %v", swept, err)
		}
		swept, err := v.Sweep(ctx, "prod", 0)
		if err != nil || len(swept.Deleted) != 1 || swept.Deleted[0] != claim {
			t.Errorf("swept %+v, %v", swept, err)
		}
		wantKeys(t, v)
	})
}

func TestSweep(t *testing.T) {
	everywhere(t, func(t *testing.T, open func(Options) *Vault) {
		v, ctx := open(Options{}), t.Context()
		// What stays: a whole snapshot, what is being written, what is another owner's, and
		// what is none of ours.
		publish(t, v, ID{"orders", "whole"}, map[string][]byte{"a": noise(10)})
		foreign := []string{
			"README.txt", "orders/notes", "orders/whole/dump.rdb", "orders/x/a-0123456789abcdef.rdb",
			"orders/x/begun-0123456789abcdef.json", "a/b/c/d-0123456789abcdef.rdb",
		}
		for _, key := range foreign {
			write(t, v, key, []byte("a person's"))
		}
		theirs := claimOf("orders")
		theirs.Owner = "other"
		abandon(begin(t, v, ID{"orders", "theirs"}, theirs))
		alive := begin(t, v, ID{"orders", "alive"}, claimOf("orders"))
		part := writePart(t, alive, "a", noise(1000))
		stays := keys(t, v)

		dead := begin(t, v, orders, claimOf("orders"))
		writePart(t, dead, "a", noise(1000))
		w, err := dead.NewPart(ctx, "b")
		ok(t, err)
		_, err = w.Write(noise(20 << 20))
		ok(t, err)
		abandon(dead)
		if swept, err := v.Sweep(ctx, "prod", time.Hour); err != nil || swept.Drafts != 0 {
			t.Errorf("swept at once: %+v, %v", swept, err)
		}
		grow()
		swept, err := v.Sweep(ctx, "prod", 0)
		if err != nil || swept.Drafts != 1 || swept.Files != 1 || swept.Bytes != 1000 {
			t.Errorf("swept %+v, %v", swept, err)
		}
		if got := keys(t, v); !slices.Equal(got, stays) {
			t.Errorf("left is\n%q\nwant\n%q", got, stays)
		}
		again, err := v.Sweep(ctx, "prod", 0)
		if err != nil || again.Drafts != 0 {
			t.Errorf("swept again %+v, %v", again, err)
		}

		// The one that was swept up wakes up.
		if _, err := w.Commit(); err == nil {
			t.Error("a part was committed of what was swept up")
		}
		if _, err := dead.Publish(ctx, Manifest{Kind: "redis", Parts: []Part{{Name: "a", Stored: dead.stored[partName("a", dead.mark.Nonce, false, false)]}}}); !errors.Is(err, errSwept) {
			t.Errorf("published what was swept up: %v", err)
		}
		if got := keys(t, v); !slices.Equal(got, stays) {
			t.Errorf("then left is\n%q\nwant\n%q", got, stays)
		}
		_, err = alive.Publish(ctx, Manifest{Kind: "redis", Parts: []Part{part}})
		ok(t, err)
		if len(list(t, v)) != 2 {
			t.Error("what was being written is not there")
		}
	})
}

func TestSweepTakesTheMarkOfWhatWasPublished(t *testing.T) {
	everywhere(t, func(t *testing.T, open func(Options) *Vault) {
		v, ctx := open(Options{}), t.Context()
		m := publish(t, v, orders, map[string][]byte{"a": noise(10)})
		whole := keys(t, v)
		left := mark{Format: Format, Owner: "prod", Resource: orders.Resource, Name: orders.Name, Nonce: m.Nonce, State: publishing}
		_, err := v.putMark(ctx, &left, "")
		ok(t, err)
		grow()
		_, err = v.Sweep(ctx, "prod", 0)
		ok(t, err)
		wantKeys(t, v, whole...)
		ok(t, v.Verify(ctx, m))
	})
}

func TestCorruption(t *testing.T) {
	everywhere(t, func(t *testing.T, open func(Options) *Vault) {
		v, ctx := open(Options{}), t.Context()
		body := noise(3000)
		m := publish(t, v, orders, map[string][]byte{"a": body})
		key := orders.folder() + m.Parts[0].File
		flipped := slices.Clone(body)
		flipped[1500] ^= 1
		for name, c := range map[string]struct {
			body   []byte
			damage bool
		}{"a bit": {flipped, false}, "cut": {body[:2999], true}, "longer": {append(slices.Clone(body), 0), true}, "empty": {nil, true}} {
			write(t, v, key, c.body)
			r, err := v.OpenPart(ctx, m, "a")
			ok(t, err)
			if _, err = io.Copy(io.Discard, r); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: read with %v", name, err)
			}
			ok(t, r.Close())
			if s := list(t, v)[0]; (s.Damage != "") != c.damage {
				t.Errorf("%s: listed with damage %q", name, s.Damage)
			}
			if err := v.Verify(ctx, m); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: verified with %v", name, err)
			}
		}
		ok(t, v.bucket.remove(ctx, key))
		mustFit(t, list(t, v)[0].Damage, "the file of part a is missing")
		if r, err := v.OpenPart(ctx, m, "a"); err == nil {
			_, err = io.ReadAll(r)
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("read what is not there: %v", err)
			}
		}
	})
}

func TestCopy(t *testing.T) {
	key, err := age.GenerateX25519Identity()
	ok(t, err)
	all := places()
	for name, place := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open := place(t)
			from := open(Options{})
			body := noise(11 << 20)
			m := publish(t, from, orders, map[string][]byte{"a": body, "b": []byte("small")})
			for to, v := range map[string]*Vault{
				"the same place":        from,
				"a directory":           inDirectory(t)(Options{}),
				"the simulated AWS":     inSandbox(t)(Options{}),
				"one that encrypts":     inDirectory(t)(Options{Compress: true, Recipients: []string{key.Recipient().String()}, Identities: key.String()}),
				"one that only unlocks": inMemoryOf(t)(Options{Identities: key.String()}),
			} {
				claim := claimOf("orders")
				claim.Origin, claim.Taken = "redis/"+from.String()+"//"+orders.Name, slot
				as := ID{"orders", "copy"}
				got, err := Copy(t.Context(), from, orders, v, as, claim)
				if err != nil {
					t.Fatalf("to %s: %v", to, err)
				}
				if got.Claim != claim || !got.Taken.Equal(m.Taken) || got.Copied.IsZero() || got.ID() != as {
					t.Errorf("to %s: the manifest is %+v", to, got)
				}
				wantPart(t, v, got, "a", body)
				wantPart(t, v, got, "b", []byte("small"))
				if encrypted := got.Parts[0].Encryption != ""; encrypted != (len(v.recipients) > 0) {
					t.Errorf("to %s: encrypted: %t", to, encrypted)
				}
				if _, err := Copy(t.Context(), from, orders, v, as, claim); !errors.Is(err, ErrConflict) {
					t.Errorf("to %s a second time: %v", to, err)
				}
				if n := len(keys(t, v)); n != 3 && v != from || v == from && n != 6 {
					t.Errorf("to %s: there is %q", to, keys(t, v))
				}
			}
		})
	}
}

func TestCopyOfWhatIsCorrupt(t *testing.T) {
	from, to := inDirectory(t)(Options{}), inDirectory(t)(Options{})
	m := publish(t, from, orders, map[string][]byte{"a": noise(1000)})
	write(t, from, orders.folder()+m.Parts[0].File, noise(1001)[:1000])
	if _, err := Copy(t.Context(), from, orders, to, orders, claimOf("orders")); !errors.Is(err, ErrCorrupt) {
		t.Errorf("copied with %v", err)
	}
	wantKeys(t, to)
}

func TestCheck(t *testing.T) {
	everywhere(t, func(t *testing.T, open func(Options) *Vault) {
		v := open(Options{})
		ok(t, v.Check(t.Context()))
		wantKeys(t, v)
	})
}

func TestFlawsAreShownAndNotTouched(t *testing.T) {
	v := inDirectory(t)(Options{})
	m := publish(t, v, orders, map[string][]byte{"a": noise(10)})
	body, err := m.encode()
	ok(t, err)
	for folder, text := range map[string]string{
		"orders/elsewhere/": string(body),
		"orders/broken/":    string(body[:len(body)/2]),
		"orders/newer/":     strings.Replace(string(body), Format, "holdfast.vault/2", 1),
		"some/image/":       `{"schemaVersion": 2}`,
	} {
		write(t, v, folder+manifestName, []byte(text))
	}
	var got []string
	for _, s := range list(t, v) {
		got = append(got, fmt.Sprintf("%s %t", s.Folder, s.Flaw != ""))
	}
	want := []string{"orders/broken/ true", "orders/elsewhere/ true", orders.folder() + " false", "orders/newer/ true"}
	if !slices.Equal(got, want) {
		t.Errorf("listed\n%q\nwant\n%q", got, want)
	}
	id := ID{"orders", "newer"}
	if err := v.Delete(t.Context(), id, claimOf("orders")); !errors.Is(err, ErrCorrupt) {
		t.Errorf("deleted what cannot be read: %v", err)
	}
	if _, err := v.Begin(t.Context(), id, claimOf("orders")); !errors.Is(err, ErrCorrupt) {
		t.Errorf("begun over what cannot be read: %v", err)
	}
}

func TestEncryptedWithoutAKey(t *testing.T) {
	key, err := age.GenerateX25519Identity()
	ok(t, err)
	other, err := age.GenerateX25519Identity()
	ok(t, err)
	open := inDirectory(t)
	m := publish(t, open(Options{Recipients: []string{key.Recipient().String()}}), orders, map[string][]byte{"a": noise(10)})
	_, err = open(Options{}).OpenPart(t.Context(), m, "a")
	mustFit(t, err, "no age identity is given")
	ok(t, open(Options{}).Verify(t.Context(), m))
	if _, err = open(Options{Identities: other.String()}).OpenPart(t.Context(), m, "a"); err == nil {
		t.Error("read with another's key")
	}
	for _, bad := range []Options{{Recipients: []string{"age1nothing"}}, {Recipients: []string{"ssh-ed25519 AAAA"}}, {Identities: "AGE-SECRET-KEY-1SECRET"}} {
		if _, err := Open(t.Context(), t.TempDir(), bad); err == nil || strings.Contains(err.Error(), "1SECRET") {
			t.Errorf("opened with %+v: %v", bad, err)
		}
	}
}

func TestOpen(t *testing.T) {
	for where, want := range map[string]string{
		"/no/such/directory":              "make the directory",
		"ftp://host/x":                    `nothing is known of "ftp"`,
		"relative/path":                   "write an absolute path",
		"s3:///prefix":                    "there is no bucket",
		"s3://b/x?region=eu-west-1&a=b":   `parameter "a" is not known`,
		"s3://bucket/x?checksums=never":   "only checksums=required",
		"gs://bucket":                     "GOOGLE_APPLICATION_CREDENTIALS",
		"azblob://container/a":            "AZURE_STORAGE_ACCOUNT",
		"file:///no/such/directory/there": "make the directory",
	} {
		t.Setenv("HOME", t.TempDir())
		_, err := Open(t.Context(), where, Options{})
		if err == nil {
			t.Errorf("opened %s", where)
			continue
		}
		mustFit(t, err, want)
	}
}
