package doctest

import (
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// cobraAdds are the commands that come with the library.
var cobraAdds = []string{"help"}

// commandLine is a command of holdfast as a page writes it.
type commandLine struct{ page, text string }

var (
	inline     = regexp.MustCompile("`([^`]+)`")
	ofHoldfast = regexp.MustCompile(`(?:^|[\s/"])holdfast ([a-z].*)$`)
	flagForm   = regexp.MustCompile(`(?:^|[\s\[])(--[a-z][a-z-]*)`)
	helpEntry  = regexp.MustCompile(`(?m)^  ([a-z]+) +\S`)
)

// TestCommandsAndFlagsAreDescribed compares the help of the program with what the
// pages say, both ways.
func TestCommandsAndFlagsAreDescribed(t *testing.T) {
	known := helpOf(t, build(t))
	all := map[string]bool{}
	for _, flags := range known {
		maps.Copy(all, flags)
	}
	described := map[string]bool{}
	lines, flags := mentions(pages(t))
	for _, flag := range flags {
		described[flag.text] = true
		if !all[flag.text] {
			t.Errorf("%s: there is no flag %s", flag.page, flag.text)
		}
	}
	for _, line := range lines {
		command, _, _ := strings.Cut(line.text, " ")
		described[command] = true
		if known[command] == nil {
			t.Errorf("%s: holdfast %s: there is no such command", line.page, line.text)
			continue
		}
		for _, m := range flagForm.FindAllStringSubmatch(line.text, -1) {
			described[m[1]] = true
			if !known[command][m[1]] {
				t.Errorf("%s: holdfast %s: it has no flag %s", line.page, line.text, m[1])
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		for _, want := range append(slices.Sorted(maps.Keys(known[name])), name) {
			if !described[want] && want != "--help" && !slices.Contains(cobraAdds, want) {
				t.Errorf("no page says anything of holdfast %s, %s", name, want)
			}
		}
	}
}

// mentions collects the commands that the pages write, and the flags that they
// write alone.
func mentions(all []page) (lines, flags []commandLine) {
	add := func(p page, text string) {
		if m := ofHoldfast.FindStringSubmatch(strings.ReplaceAll(text, "go run ./cmd/holdfast", "holdfast")); m != nil {
			lines = append(lines, commandLine{p.name, m[1]})
		}
	}
	for _, p := range all {
		for _, m := range inline.FindAllStringSubmatch(strings.Join(p.prose, "\n"), -1) {
			if strings.HasPrefix(m[1], "--") {
				name, _, _ := strings.Cut(m[1], " ")
				flags = append(flags, commandLine{p.name, name})
			} else if strings.HasPrefix(m[1], "holdfast ") || strings.HasPrefix(m[1], "go run ") {
				add(p, m[1])
			}
		}
		for _, b := range p.blocks {
			for _, line := range b.lines {
				if command, ok := strings.CutPrefix(line, "$ "); ok || b.lang == "sh" || b.lang == "ini" || b.lang == "yaml" {
					add(p, command)
				}
			}
		}
	}
	return lines, flags
}

// helpOf gives the flags of every command, as its help says.
func helpOf(t *testing.T, binary string) map[string]map[string]bool {
	t.Helper()
	help := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), binary, append(args, "--help")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	_, rest, _ := strings.Cut(help(), "Available Commands:")
	rest, _, ok := strings.Cut(rest, "\nFlags:")
	if !ok {
		t.Fatal("the help of holdfast lists no commands")
	}
	known := map[string]map[string]bool{}
	for _, m := range helpEntry.FindAllStringSubmatch(rest, -1) {
		known[m[1]] = map[string]bool{}
		_, flags, _ := strings.Cut(help(m[1]), "\nFlags:")
		for _, f := range flagForm.FindAllStringSubmatch(flags, -1) {
			known[m[1]][f[1]] = true
		}
	}
	return known
}
