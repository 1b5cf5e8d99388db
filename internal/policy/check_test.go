package policy

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func goodChecks(t *testing.T) (File, string) {
	t.Helper()
	data, err := os.ReadFile("testdata/good/checks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, warnings, err := Parse("holdfast.yaml", data, known)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	return f, string(data)
}

func TestChecks(t *testing.T) {
	f, text := goodChecks(t)
	want := []Check{
		{
			Kind: CheckSQL, SQL: "select count(*) from orders", Database: "shop", User: "holdfast", Expect: "4711",
			Password: Password{From: FromEnv, Name: "SHOP_PASSWORD"}, Within: 30 * time.Minute, TLS: TLSVerify, CA: "/etc/rds.pem", Pos: Pos{10, 9},
		},
		{
			Kind: CheckSQL, SQL: "select max(id) from orders", AtLeast: "1000", AtMost: "2.5e3",
			Password: Password{From: FromSecret, Name: "shop/db", Key: "word"}, Within: DefaultWithin, TLS: TLSOff, Pos: Pos{18, 9},
		},
		{Kind: CheckTCP, Within: DefaultWithin, Pos: Pos{19, 9}},
		{Kind: CheckTCP, Port: 5432, Within: DefaultWithin, Pos: Pos{20, 9}},
		{Kind: CheckKeys, Keys: 5_000_000_000, Database: "3", Password: Password{From: FromParameter, Name: "/shop/redis"}, Within: DefaultWithin, Pos: Pos{21, 9}},
	}
	if diff := cmp.Diff(want, f.Policies[0].Checks); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if f.Sites[0].Proxy != "socks5://me:secret@127.0.0.1:1080" {
		t.Errorf("proxy %q", f.Sites[0].Proxy)
	}
	digest := Digest(f.Policies[0].Checks)
	moved, _, err := Parse("holdfast.yaml", []byte("# A line more.\n"+text), known)
	if err != nil || len(digest) != 12 || Digest(moved.Policies[0].Checks) != digest {
		t.Errorf("%q, moved by a line %q (%v)", digest, Digest(moved.Policies[0].Checks), err)
	}
	other, _, err := Parse("holdfast.yaml", []byte(strings.Replace(text, "4711", "4712", 1)), known)
	if err != nil || Digest(other.Policies[0].Checks) == digest {
		t.Errorf("another value, the same digest (%v)", err)
	}
	if Digest(nil) != "" {
		t.Error("no checks have a digest")
	}
}

func TestChecksSayWhatTheyWant(t *testing.T) {
	f, _ := goodChecks(t)
	var got []string
	for _, c := range f.Policies[0].Checks {
		got = append(got, c.String())
	}
	want := []string{
		`select count(*) from orders: "4711"`, "select max(id) from orders: from 1000 to 2.5e3",
		"its port answers", "port 5432 answers", "keys of database 3: at least 5000000000",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGives(t *testing.T) {
	for _, c := range []struct {
		check  Check
		answer string
		want   bool
	}{
		{Check{Expect: "4711"}, "4711", true},
		{Check{Expect: "4711"}, "4711.00", true},
		{Check{Expect: "4711"}, "4712", false},
		{Check{Expect: "done"}, "done", true},
		{Check{Expect: "done"}, "Done", false},
		{Check{Expect: "1e3"}, "1000", true},
		{Check{AtLeast: "1000"}, "1000", true},
		{Check{AtLeast: "1000"}, "999.99", false},
		{Check{AtLeast: "1000"}, "many", false},
		{Check{AtLeast: "1000"}, "", false},
		{Check{AtLeast: "-5", AtMost: "5"}, "-5.0", true},
		{Check{AtLeast: "-5", AtMost: "5"}, "6", false},
		{Check{AtMost: "9007199254740992"}, "9007199254740993", false}, // More than a float can tell apart.
		{Check{AtLeast: "1"}, "1e999999999", false},
	} {
		if got := c.check.Gives(c.answer); got != c.want {
			t.Errorf("%+v gives %v for %q", c.check, got, c.answer)
		}
	}
}

// What may be a password is not repeated in a message.
func TestBadChecksHideSecrets(t *testing.T) {
	data, err := os.ReadFile("testdata/bad/checks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = Parse("holdfast.yaml", data, known)
	for _, secret := range []string{"hunter", "secret@"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("a message holds %q:\n%v", secret, err)
		}
	}
}
