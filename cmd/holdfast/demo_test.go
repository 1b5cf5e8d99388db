package main

import (
	"context"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestDemo plays the demonstration as a program without any configuration, and
// without a way out: where it called anything but itself it would fail.
func TestDemo(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), slowdown*5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t), "demo")
	cmd.Dir = t.TempDir()
	cmd.Env = []string{
		"HOME=" + cmd.Dir,
		"HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://127.0.0.1:1",
		// What it must not heed.
		"AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_ACCESS_KEY_ID=nobody", "HOLDFAST_CONFIG=nowhere.yaml",
	}
	begun := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("it took %s", time.Since(begun).Round(time.Millisecond))
	for line := range strings.SplitSeq(string(out), "\n") {
		if strings.HasPrefix(line, "refused ") && !strings.Contains(line, "legacy-crm") {
			t.Errorf("it refuses more than it should: %s", line)
		}
	}
	for _, want := range []string{
		`Plan for namespace demo at [^:]*:02Z: 12 to create, 1 to promote, 1 refused, 14 past the objective`,
		`(?m)^refused legacy-crm at shop: it is stopped`,
		`(?m)^ready   holdfast-orders-gold-`,
		`(?m)^copying holdfast-customers-gold-\S+ of customers, within shop \(rekey\)$`,
		`(?m)^ready   holdfast-customers-gold-\S+ at recovery$`,
		`(?m)^Done at .*: 12 taken, 1 promoted, 5 shared, 1 prepared, 5 copied, 4 withdrawn, 1 deleted, 1 refused$`,
		`  day 3, until .*: \d+ snapshots taken, 3 promoted, 20 copied, \d+ expired`,
		`What was kept of database orders`,
		`holdfast-orders-gold-\S+  shop      gold  \S+ 09:02Z  kept by within, daily`,
		`holdfast-orders-gold-\S+  recovery  gold  \S+ \S+Z  kept by last`,
		`What expired of it`,
		`no rule keeps it`,
		`orders-before-migration +orders +shop +- .* not ours`,
		`Status at .*: 13 within the objective, 1 past the objective, 8 not covered`,
		`(?m)^  orders +rds +gold +recovery +\S+ 06:02Z `,
		`145 runs, 4\d\d snapshots taken, 10 promoted, 65 copied, \d+ expired, \d+ kept\. Nothing outside this process was touched\.`,
	} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("it does not say %s", want)
		}
	}
	if t.Failed() {
		t.Logf("it says:\n%s", out)
	}
}
