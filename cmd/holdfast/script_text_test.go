package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// update says that the expected texts are to be written anew.
func update() bool { return os.Getenv("UPDATE_SCRIPTS") == "1" }

// Masks keep the length of what they hide, for the sake of tables.
var masks = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\dZ`), "<----- time ---->"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "<time>"},
	{regexp.MustCompile(`-\d{8}t\d{6}z-[0-9a-v]{8}`), "-<---- slot and hash --->"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
}

// sdkNoise is what the SDK itself logs, now and then, of a connection that it
// closed while it drained an answer.
var sdkNoise = regexp.MustCompile(`(?m)^SDK \S+ \S+ WARN failed to discard remaining HTTP response body.*\n`)

// said gives what holdfast wrote.
func said(ts *testscript.TestScript, file string) string {
	return sdkNoise.ReplaceAllString(ts.ReadFile(file), "")
}

func scriptMask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mask FROM TO")
	}
	text := said(ts, args[0])
	for _, m := range masks {
		text = m.what.ReplaceAllString(text, m.as)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

func scriptQuiet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: quiet")
	}
	if text := said(ts, "stderr"); text != "" {
		ts.Fatalf("standard error is not empty:\n%s", text)
	}
}

// scriptJSON looks up a path such as actions.0.verb; len is how many there are.
// A leading "!" insists that the value does not match, or is not there.
func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	from := "stdout"
	if len(args) > 0 && args[0] == "-stderr" {
		from, args = "stderr", args[1:]
	}
	if len(args) != 2 {
		ts.Fatalf("usage: json [-stderr] PATH REGEXP")
	}
	var doc any
	if err := json.Unmarshal([]byte(said(ts, from)), &doc); err != nil {
		ts.Fatalf("%s is not JSON: %v", from, err)
	}
	got, err := lookUp(doc, strings.Split(args[0], "."))
	if neg && err != nil {
		return
	}
	ts.Check(err)
	re, err := regexp.Compile(args[1])
	ts.Check(err)
	if re.MatchString(got) == neg {
		ts.Fatalf("%s is %s", args[0], got)
	}
}

func lookUp(doc any, path []string) (string, error) {
	for _, step := range path {
		switch at := doc.(type) {
		case map[string]any:
			next, ok := at[step]
			if !ok {
				return "", fmt.Errorf("there is no %q", step)
			}
			doc = next
		case []any:
			if step == "len" {
				return strconv.Itoa(len(at)), nil
			}
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(at) {
				return "", fmt.Errorf("there is no %q among %d", step, len(at))
			}
			doc = at[i]
		default:
			return "", fmt.Errorf("there is nothing below %q: %v", step, doc)
		}
	}
	if text, ok := doc.(string); ok {
		return text, nil
	}
	out, err := json.Marshal(doc)
	return string(out), err
}
