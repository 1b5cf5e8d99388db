package all_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store/all"
)

const root = "../../.."

// TestSixthStore adds a store in one folder and one line of all.go, builds the
// program with it, and protects a file by policy.
func TestSixthStore(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	bin := buildWithToy(t)
	dir := t.TempDir()
	for _, sub := range []string{"data", "snapshots"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "data", "letters"), "a b c")
	policy := filepath.Join(dir, "holdfast.yaml")
	write(t, policy, `namespace: toys
sites: {here: {account: "111111111111", region: us-east-1}}
policies:
  play: {match: {kinds: [toy], name: ".*"}, every: 1d, keep: {daily: 3}}
`)
	aws := httptest.NewServer(sandbox.New(sandbox.Options{}))
	defer aws.Close()
	run := func(want int, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), bin, append(args, "--config", policy, "--endpoint-url", aws.URL)...)
		cmd.Env = append(os.Environ(), "TOY_DIR="+dir, "AWS_ACCESS_KEY_ID=111111111111", "AWS_SECRET_ACCESS_KEY=x", "AWS_EC2_METADATA_DISABLED=true")
		out, err := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Fatalf("holdfast %v: exit %d, want %d (%v)\n%s", args, got, want, err, out)
		}
		return string(out)
	}
	if out := run(4, "plan"); !strings.Contains(out, "letters at here") {
		t.Errorf("the toy is not planned:\n%s", out)
	}
	run(0, "run")
	run(0, "plan")
	copies, err := filepath.Glob(filepath.Join(dir, "snapshots", "holdfast-letters-play-*"))
	if err != nil || len(copies) != 2 {
		t.Errorf("want one copy and its claim, got %v (%v)", copies, err)
	}
}

// buildWithToy builds the program from the tree as it is, overlaid with the toy's
// folder and one more line in all.go.
func buildWithToy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	data, err := os.ReadFile("all.go")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), "\t\trds.New(s),\n", "\t\trds.New(s),\n\t\ttoy.New(s),\n", 1)
	text = strings.Replace(text, "import (\n", "import (\n\t\"github.com/holdfast-dr/holdfast/internal/store/toy\"\n", 1)
	write(t, filepath.Join(dir, "all.go"), text)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(here, "all.go"):                      filepath.Join(dir, "all.go"),
		filepath.Join(filepath.Dir(here), "toy", "toy.go"): filepath.Join(here, "testdata", "toy", "toy.go.txt"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "overlay.json"), string(overlay))
	bin := filepath.Join(dir, "holdfast")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", bin, "./cmd/holdfast")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build with a sixth store: %v\n%s", err, out)
	}
	return bin
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestStoresAreNamedOnce: outside its own folder and the simulated AWS, a store
// is named in one file only, by import or by its kind: the list in all.go.
func TestStoresAreNamedOnce(t *testing.T) {
	kinds := map[string]bool{}
	for _, k := range all.Kinds() {
		kinds[string(k)] = true
	}
	naming := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata" || rel == "internal/sandbox" || ownFolder(rel, kinds) {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") && namesStore(t, path, kinds) {
			naming[rel] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(naming) != 1 || !naming["internal/store/all/all.go"] {
		t.Errorf("files that name a store outside its folder: %v, want only internal/store/all/all.go", naming)
	}
}

func ownFolder(rel string, kinds map[string]bool) bool {
	name, ok := strings.CutPrefix(filepath.ToSlash(rel), "internal/store/")
	return ok && kinds[name]
}

func namesStore(t *testing.T, path string, kinds map[string]bool) bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(lit.Value)
		if err != nil {
			return true
		}
		driver, isImport := strings.CutPrefix(text, "github.com/holdfast-dr/holdfast/internal/store/")
		found = found || kinds[text] || isImport && kinds[driver]
		return true
	})
	return found
}
