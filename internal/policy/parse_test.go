package policy

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

var update = flag.Bool("update", false, "write golden files and the schema anew")

// golden compares with a file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

var known = Options{
	Kinds:     []dr.Kind{"ebs", "rds", "aurora", "redshift", "elasticache", "redis"},
	FileKinds: []dr.Kind{"redis", "elasticache"},
}

func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			out, _, err := Parse("holdfast.yaml", data, known)
			var all *Errors
			if !errors.As(err, &all) {
				t.Fatalf("no *Errors but %v", err)
			}
			if len(out.Policies) > 0 || len(out.Sites) > 0 {
				t.Error("a refused file has content")
			}
			for _, p := range all.Problems {
				if p.Line < 1 || p.Column < 1 || p.Message == "" {
					t.Errorf("no place or message: %+v", p)
				}
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", err.Error()+"\n")
		})
	}
}

func TestGoodFile(t *testing.T) {
	data, err := os.ReadFile("testdata/good/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, warnings, err := Parse("holdfast.yaml", data, known)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	berlin := zoneNamed(t, "Europe/Berlin")
	name, err := NewPattern("^orders-")
	if err != nil {
		t.Fatal(err)
	}
	want := File{
		Namespace: "prod",
		Sites: []Site{
			{Site: dr.Site{Name: "prod", Account: "111111111111", Region: "us-east-1"}, Role: "holdfast", Pos: Pos{3, 3}},
			{Site: dr.Site{Name: "dr", Account: "222222222222", Region: "us-west-2"}, Role: "holdfast", Restore: Translation{
				"security": {"sg-1": "sg-2"}, "port": {"5432": "5433"}, "*": {"arn:x": "arn:y"},
			}, Pos: Pos{4, 3}},
			{Site: dr.Site{Name: "lake", Vault: "s3://acme-rdb/prod"}, Pos: Pos{5, 3}},
		},
		Policies: []Policy{
			{
				Name: "gold", Match: Selector{Kinds: []dr.Kind{"rds"}, Tags: dr.Tags{"backup": "gold"}},
				Schedule: mustEvery(t, "1h", berlin), Keep: Retention{Daily: 7, Floor: 1},
				Copies:    []Copy{{To: "dr", Keep: Retention{Daily: 14, Floor: 1}}},
				Objective: Objective{RPO: 3 * time.Hour}, Location: berlin, Pos: Pos{7, 3},
			},
			{
				Name:     "aws",
				Match:    Selector{Sites: []string{"prod"}, Name: name, Exclude: &Selector{Tags: dr.Tags{"tier": "scratch"}}},
				Schedule: mustCron(t, "cron(0 8 ? * FRI *)", nil),
				Keep:     Retention{Last: 3, Hourly: 4, Weekly: 4, Monthly: 2, Yearly: 1, Within: day, Floor: 2},
				Location: time.UTC, Pos: Pos{15, 3},
			},
		},
		Notify: []Notify{
			{"sns:arn:aws:sns:us-east-1:111111111111:holdfast", []Event{OnFailure, OnBreach}, Pos{20, 5}},
			{"slack://token@channel", []Event{OnFailure, OnSuccess}, Pos{21, 5}},
		},
	}
	sameZone := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
	if diff := cmp.Diff(want, f, sameZone); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, form := range []string{"\xef\xbb\xbf" + string(data), strings.ReplaceAll(string(data), "\n", "\r\n"), "---\n" + string(data)} {
		if _, _, err := Parse("holdfast.yaml", []byte(form), known); err != nil {
			t.Error(err)
		}
	}
}

func TestWarnings(t *testing.T) {
	data, err := os.ReadFile("testdata/good/warnings.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, warnings, err := Parse("holdfast.yaml", data, known)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, w := range warnings {
		out.WriteString(w.String() + "\n")
	}
	golden(t, "testdata/good/warnings.golden", out.String())
}

func TestExample(t *testing.T) {
	f, warnings, err := Parse("holdfast.yaml", Example(), known)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if len(f.Sites) != 1 || len(f.Policies) != 1 {
		t.Errorf("%d sites, %d policies", len(f.Sites), len(f.Policies))
	}
}

// commented finds keys and list entries behind a #, but not prose.
var commented = regexp.MustCompile(`(?m)^( *)# ( *(?:- \{|[a-z_]+:(?: |$)).*)$`)

// What is commented out in the example must hold as well.
func TestExampleUncommented(t *testing.T) {
	var out strings.Builder
	for line := range strings.Lines(strings.Replace(string(Example()), "    every: 1h\n", "", 1)) {
		out.WriteString(commented.ReplaceAllString(line, "$1$2"))
	}
	if _, _, err := Parse("holdfast.yaml", []byte(out.String()), known); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// Nonsense must end soon and cost little: the file may come from anyone.
func TestNonsenseIsCheap(t *testing.T) {
	for name, data := range map[string]string{
		"10 MB":        strings.Repeat("x: [{", 2_000_000),
		"brackets":     strings.Repeat("[", 25_000),
		"braces":       strings.Repeat("{a: ", 25_000),
		"dashes":       strings.Repeat("- ", 25_000),
		"questions":    strings.Repeat("? ", 25_000),
		"colons":       strings.Repeat("a: ", 25_000),
		"colons only":  strings.Repeat(":", 25_000),
		"quotes":       strings.Repeat("\"'", 25_000),
		"one quote":    "\"" + strings.Repeat("a\n", 100_000),
		"long text":    "a: " + strings.Repeat("b\n  ", 50_000),
		"long line":    "a: " + strings.Repeat("b ", 100_000),
		"lines":        strings.Repeat("a\n", 100_000),
		"block scalar": "a: |\n" + strings.Repeat("  b\n", 50_000),
		"comments":     strings.Repeat("#\n", 125_000),
		"anchors":      strings.Repeat("&a ", 25_000),
		"escapes":      "\"" + strings.Repeat(`\u0041`, 37_000) + "\"",
		"keys":         strings.Repeat("a: b\n", 50_000),
		"fewer keys":   strings.Repeat("a: b\n", maxKeys),
		"flow keys 2":  "{" + strings.Repeat("a: b, ", maxKeys) + "}",
		"entries 2":    strings.Repeat("- a\n", maxTokens/2-1),
		"commas 2":     "[" + strings.Repeat(",", maxTokens-3) + "]",
		"items":        "[" + strings.Repeat("a,", maxTokens/2-2) + "]",
		"flow keys":    "{" + strings.Repeat("a: b, ", 42_000) + "}",
		"entries":      strings.Repeat("- a\n", 50_000),
		"commas":       "[" + strings.Repeat(",", 225_000) + "]",
		"documents":    strings.Repeat("---\n", 50_000),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, _, err := Parse("holdfast.yaml", []byte(data), Options{})
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Error("accepted")
			}
			t.Logf("%v, %d MiB", took, (after.TotalAlloc-before.TotalAlloc)>>20)
			if took > 3*time.Second {
				t.Errorf("took %v", took)
			}
			if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 350 {
				t.Errorf("allocated %d MiB", mib)
			}
		})
	}
}
