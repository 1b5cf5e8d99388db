package doctest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the folder of the module, seen from this package.
const root = "../.."

// page is one file of the documentation.
type page struct {
	name     string // from the root
	lines    []string
	blocks   []block
	prose    []string // the lines outside blocks
	headings []string // as anchors
}

// block is one fenced block.
type block struct {
	page  string
	line  int // of the first line within, from 1
	lang  string
	lines []string
	marks map[string]string
}

func (b block) text() string { return strings.Join(b.lines, "\n") + "\n" }

// is reports whether the block bears a mark.
func (b block) is(mark string) bool {
	_, ok := b.marks[mark]
	return ok
}

// option gives a word "name=value" of the mark "run".
func (b block) option(name string) string {
	for word := range strings.FieldsSeq(b.marks["run"]) {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			return value
		}
	}
	return ""
}

// pages reads all of the documentation.
func pages(t *testing.T) []page {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(filepath.Join(root, "docs"), func(name string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(name, ".md") {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []page
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		short, err := filepath.Rel(root, name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, parsePage(t, filepath.ToSlash(short), string(data)))
	}
	return out
}

var markForm = regexp.MustCompile(`^\s*<!-- ([a-z]+)(?:: (.*))? -->$`)

func parsePage(t *testing.T, name, text string) page {
	t.Helper()
	p := page{name: name, lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n")}
	marks := map[string]string{}
	for i := 0; i < len(p.lines); i++ {
		line := p.lines[i]
		trimmed := strings.TrimSpace(line)
		lang, fence := strings.CutPrefix(trimmed, "```")
		if !fence {
			if m := markForm.FindStringSubmatch(line); m != nil {
				marks[m[1]] = m[2]
			} else if trimmed != "" {
				marks = map[string]string{}
			}
			if title := strings.TrimLeft(line, "#"); title != line && strings.HasPrefix(title, " ") {
				p.headings = append(p.headings, anchor(title))
			}
			p.prose = append(p.prose, line)
			continue
		}
		indent, _, _ := strings.Cut(line, "```")
		b := block{page: name, line: i + 2, lang: lang, marks: marks}
		for i++; i < len(p.lines) && strings.TrimSpace(p.lines[i]) != "```"; i++ {
			b.lines = append(b.lines, strings.TrimPrefix(p.lines[i], indent))
		}
		if i == len(p.lines) {
			t.Fatalf("%s:%d: the block does not end", name, b.line-1)
		}
		p.blocks = append(p.blocks, b)
		marks = map[string]string{}
	}
	return p
}

var notInAnchors = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// anchor gives the name under which GitHub links to a heading.
func anchor(title string) string {
	title = strings.ToLower(strings.TrimSpace(title))
	return strings.ReplaceAll(notInAnchors.ReplaceAllString(title, ""), " ", "-")
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	for _, p := range all {
		for _, m := range link.FindAllStringSubmatch(strings.Join(p.prose, "\n"), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, fragment, _ := strings.Cut(m[1], "#")
			target := filepath.ToSlash(filepath.Join(filepath.Dir(p.name), path))
			if path == "" {
				target = p.name
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: link to %s: %v", p.name, m[1], err)
				continue
			}
			i := slices.IndexFunc(all, func(p page) bool { return p.name == target })
			if fragment != "" && (i < 0 || !slices.Contains(all[i].headings, fragment)) {
				t.Errorf("%s: link to %s: %s has no such heading", p.name, m[1], target)
			}
		}
	}
}
