package vault

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/outside"
)

// killedEnv has the test's program be the run that is killed: it holds the vault's URL.
const killedEnv = "HOLDFAST_TEST_KILLED_WRITER"

// TestWriteUntilKilled is no test of its own: TestKilled runs it in another process.
func TestWriteUntilKilled(t *testing.T) {
	where := os.Getenv(killedEnv)
	if where == "" {
		t.Skip("run by TestKilled")
	}
	v := at(t, where)(Options{AWS: config(outside.GatewayKey, outside.GatewaySecret, nil)})
	d, err := v.Begin(context.Background(), orders, claimOf("orders"))
	ok(t, err)
	writePart(t, d, "a", noise(1000))
	w, err := d.NewPart(context.Background(), "b")
	ok(t, err)
	for chunk := noise(mib); ; {
		if _, err := w.Write(chunk); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestKilled: of a run that is killed while it uploads nothing is seen, and the next one
// takes away all that is left of it and succeeds.
func TestKilled(t *testing.T) {
	for name, place := range map[string]func(t *testing.T) string{
		"directory": func(t *testing.T) string { return t.TempDir() },
		"gateway": func(t *testing.T) string {
			endpoint, _ := outside.Gateway(t, bucketName)
			return "s3://" + bucketName + "/some/prefix?endpoint=" + url.QueryEscape(endpoint)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			where := place(t)
			v := at(t, where)(Options{AWS: config(outside.GatewayKey, outside.GatewaySecret, nil)})
			killed := exec.Command(os.Args[0], "-test.run=^TestWriteUntilKilled$", "-test.timeout=60s")
			killed.Env = append(os.Environ(), killedEnv+"="+where)
			ok(t, killed.Start())
			left := func() []leftover {
				out, err := v.bucket.leftovers(t.Context())
				ok(t, err)
				return out
			}
			for begun := time.Now(); len(left()) == 0 && time.Since(begun) < 30*time.Second; {
				time.Sleep(20 * time.Millisecond)
			}
			time.Sleep(100 * time.Millisecond)
			ok(t, killed.Process.Kill())
			_ = killed.Wait()

			if len(left()) == 0 {
				t.Fatal("it was killed too late or too soon")
			}
			if all := list(t, v); len(all) != 0 {
				t.Errorf("seen is %+v", all)
			}
			grow()
			swept, err := v.Sweep(t.Context(), "prod", 0)
			if err != nil || swept.Drafts != 1 || swept.Uploads == 0 || swept.Files != 1 {
				t.Errorf("swept %+v, %v", swept, err)
			}
			wantKeys(t, v)
			ok(t, take(t.Context(), v, noise(9*mib)))
			all := list(t, v)
			if len(all) != 1 {
				t.Fatalf("seen is %+v", all)
			}
			ok(t, v.Verify(t.Context(), all[0].Manifest))
		})
	}
}
