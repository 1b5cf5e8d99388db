package doctest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store/all"
)

// TestFilesAreValid reads every YAML and JSON block as the program would to which
// it belongs.
func TestFilesAreValid(t *testing.T) {
	seen := map[string]int{}
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			what, err := valid(b)
			seen[what]++
			if err != nil {
				t.Errorf("%s:%d: %s: %v", b.page, b.line, what, err)
			}
		}
	}
	for _, what := range []string{"policy file", "lines of a policy", "wrong policy file", "seed", "JSON"} {
		if seen[what] == 0 {
			t.Errorf("no %s is shown at all: is this test looking in the right place?", what)
		}
	}
}

func valid(b block) (what string, err error) {
	switch {
	case b.lang == "json":
		var anything any
		return "JSON", json.Unmarshal([]byte(b.text()), &anything)
	case b.lang != "yaml":
		return "", nil
	case b.is("other"):
		var anything any
		return "YAML", yaml.Unmarshal([]byte(b.text()), &anything)
	case b.is("policy"):
		return "lines of a policy", parse(fill(b))
	case b.is("wrong"):
		if parse(b.text()) == nil { // What it is refused with is shown below it.
			err = errNotRefused
		}
		return "wrong policy file", err
	case strings.HasPrefix(b.text(), "accounts:"):
		seed, err := sandbox.ParseSeed("seed.yaml", []byte(b.text()))
		if err == nil {
			err = sandbox.New(sandbox.Options{}).Seed(seed)
		}
		return "seed", err
	default:
		return "policy file", parse(b.text())
	}
}

var errNotRefused = errors.New("it is not refused")

func parse(text string) error {
	_, _, err := policy.Parse("holdfast.yaml", []byte(text), policy.Options{Kinds: all.Kinds(), FileKinds: all.FileKinds()})
	return err
}

// fill makes a policy file around some lines of a policy.
func fill(b block) string {
	var f strings.Builder
	f.WriteString("namespace: prod\nsites:\n  prod: {region: us-east-1}\n  west: {region: us-west-2}\npolicies:\n  gold:\n")
	has := map[string]bool{}
	for _, line := range b.lines {
		key, _, _ := strings.Cut(strings.TrimPrefix(line, "# "), ":")
		has[key] = has[key] || !strings.HasPrefix(line, "#")
		f.WriteString("    " + line + "\n")
	}
	for _, missing := range [...]struct{ line, key, or string }{
		{`match: {name: ".*"}`, "match", ""}, {"every: 1h", "every", "cron"}, {"keep: {last: 100}", "keep", ""},
	} {
		if !has[missing.key] && !has[missing.or] {
			f.WriteString("    " + missing.line + "\n")
		}
	}
	return f.String()
}
