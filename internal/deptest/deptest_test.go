package deptest

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestImportsPointOneWay(t *testing.T) {
	packages := list(t)
	for _, line := range Broken(packages) {
		t.Error(line)
	}
	for _, driver := range Unregistered(packages) {
		t.Errorf("%s is not in the list of all stores", driver)
	}
}

// list reads the real import graph; packages that do not compile count too.
func list(t *testing.T) []Package {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e",
		"-json=ImportPath,Imports,TestImports,XTestImports,Deps", Module+"/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []Package
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p Package
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		packages = append(packages, p)
	}
	if !slices.ContainsFunc(packages, func(p Package) bool { return p.ImportPath == internal+"dr" }) {
		t.Fatalf("go list gave %d packages, and not dr: the rules were not tested", len(packages))
	}
	return packages
}

func TestRulesCatchViolations(t *testing.T) {
	const sdk = "github.com/aws/aws-sdk-go-v2/service/rds"
	for _, c := range []struct{ importer, imported, want string }{
		{"internal/dr", "internal/policy", "one way"},
		{"internal/dr", "context", "pure"},
		{"internal/policy", "os", "pure"},
		{"internal/policy", "internal/plan", "one way"},
		{"internal/plan", "log/slog", "pure"},
		{"internal/plan", "math/rand/v2", "pure"},
		{"internal/plan", sdk, "SDK"},
		{"internal/plan", "internal/store", "one way"},
		{"internal/saga", "internal/plan", "one way"},
		{"internal/saga", "github.com/aws/smithy-go", "SDK"},
		{"internal/store", "internal/engine", "one way"},
		{"internal/store", "internal/store/rds", "one way"},
		{"internal/store/rds", "internal/store/aurora", "no store"},
		{"internal/store/rds/wire", "internal/store/aurora", "no store"},
		{"internal/store/internal/names", "internal/store/rds", "one way"},
		{"internal/store/rds", "internal/engine", "one way"},
		{"internal/store/rds", "internal/sandbox", "one way"},
		{"internal/store/storetest", "internal/store/rds", "one way"},
		{"internal/engine", "internal/store/all", "list of all"},
		{"internal/engine", "internal/store/rds", "one way"},
		{"internal/engine", sdk, "SDK"},
		{"internal/engine", "internal/web", "one way"},
		{"internal/engine", "cmd/holdfast", "one way"},
		{"internal/sandbox", "internal/dr", "one way"},
		{"internal/sandbox", sdk, "SDK"},
		{"internal/sandbox/ec2", "internal/plan", "one way"},
		{"internal/unheardof", "internal/store/all", "list of all"},
		{"cmd/holdfast", sdk, "SDK"},

		{"internal/dr", "time", ""},
		{"internal/policy", "internal/dr", ""},
		{"internal/policy", "github.com/goccy/go-yaml", ""},
		{"internal/plan", "internal/policy", ""},
		{"internal/store/rds", "internal/store", ""},
		{"internal/store/rds", "internal/store/internal/names", ""},
		{"internal/store/rds", sdk, ""},
		{"internal/store/storetest", "internal/sandbox", ""},
		{"internal/store/all", "internal/store/rds", ""},
		{"internal/engine", "internal/store", ""},
		{"internal/sandbox", "internal/sandbox/ec2", ""},
		{"internal/sandbox/ec2", "internal/sandbox", ""},
		{"internal/session", sdk, ""},
		{"internal/session", "internal/store", ""},
		{"internal/store/rds", "internal/store/rds/wire", ""},
		{"cmd/holdfast", "internal/store/all", ""},
		{"cmd/holdfast", "github.com/aws/aws-lambda-go/lambda", ""},
	} {
		p := Package{ImportPath: full(c.importer), Imports: []string{full(c.imported)}}
		got := strings.Join(Broken([]Package{p}), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s imports %s: said %q, want %q", c.importer, c.imported, got, c.want)
		}
	}
}

func TestPureIsPureThroughLibrariesToo(t *testing.T) {
	for _, reached := range []string{"net/http", "github.com/aws/smithy-go"} {
		p := Package{ImportPath: internal + "policy", Deps: []string{"log", "net", reached}}
		if got := Broken([]Package{p}); len(got) != 1 || !strings.Contains(got[0], reached) {
			t.Errorf("reaching %s: said %q", reached, got)
		}
	}
}

func TestTestsOfStoresStayApart(t *testing.T) {
	p := Package{ImportPath: stores + "rds", XTestImports: []string{stores + "aurora", stores + "rds", stores + "storetest"}}
	if got := Broken([]Package{p}); len(got) != 1 || !strings.Contains(got[0], "aurora") {
		t.Errorf("said %q, want a word about aurora alone", got)
	}
}

func TestUnregistered(t *testing.T) {
	packages := []Package{
		{ImportPath: registry, Imports: []string{stores + "rds"}},
		{ImportPath: stores + "rds"},
		{ImportPath: stores + "storetest"},
		{ImportPath: stores + "sixth"},
	}
	if got := Unregistered(packages); !slices.Equal(got, []string{stores + "sixth"}) {
		t.Errorf("said %q, want the sixth", got)
	}
	if got := Unregistered(packages[1:]); got != nil {
		t.Errorf("said %q where there is no list", got)
	}
}

// full names a package of this module in full, and others as they are.
func full(path string) string {
	if strings.HasPrefix(path, "internal/") || strings.HasPrefix(path, "cmd/") {
		return Module + "/" + path
	}
	return path
}
