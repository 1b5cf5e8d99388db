package doctest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestListsAreWhole compares lists in the pages with where the program has them:
// what is added there has to be described.
func TestListsAreWhole(t *testing.T) {
	for _, l := range []struct {
		source, each, page, mark string
	}{
		{"internal/plan/reason.go", `\bCode = "([a-z-]+)"`, "docs/troubleshooting.md", "`"},
		{"internal/store/fault.go", `\bFault = "([a-z ]+)"`, "docs/troubleshooting.md", "| "},
		{"internal/store/rds/grants.go", `"(rds:\w+)"`, "docs/iam.md", `"`},
		{"internal/store/aurora/grants.go", `"(rds:\w+)"`, "docs/iam.md", `"`},
		{"internal/store/ebs/grants.go", `"(ec2:\w+)"`, "docs/iam.md", `"`},
		{"internal/store/redshift/grants.go", `"(redshift(?:-serverless)?:\w+)"`, "docs/iam.md", `"`},
		{"internal/store/elasticache/grants.go", `"((?:elasticache|tag):\w+)"`, "docs/iam.md", `"`},
		{"internal/adopt/adopt.go", `Tool = "([a-z-]+)"`, "docs/adopt.md", "`"},
		{"internal/policy/dialect.go", `Dialect = "([a-z-]+)"`, "docs/tags.md", "`"},
		{"internal/dr/claim.go", `TagPrefix \+ "([a-z]+)"`, "docs/architecture.md", "`holdfast:"},
		{"docs/policy.schema.json", `"([a-z_]+)": \{\n`, "docs/policy.md", "`"},
		{"internal/sandbox/fault.go", `FaultKind = "([a-z-]+)"`, "docs/sandbox.md", "`"},
		{"internal/sandbox/seed.go", `yaml:"([a-z-]+)"`, "docs/sandbox.md", ""},
	} {
		page := read(t, l.page)
		found := regexp.MustCompile(l.each).FindAllStringSubmatch(read(t, l.source), -1)
		if len(found) == 0 {
			t.Errorf("%s has no %s: is this test looking in the right place?", l.source, l.each)
		}
		for _, m := range found {
			if name := m[1]; !strings.Contains(page, l.mark+name) && !notAKey[name] {
				t.Errorf("%s says nothing of %q (%s)", l.page, name, l.source)
			}
		}
	}
}

// notAKey are the words of JSON Schema itself that look like keys of a policy.
var notAKey = map[string]bool{"properties": true, "items": true, "additionalProperties": true, "not": true}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
