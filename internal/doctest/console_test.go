package doctest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what the commands print into the pages")

// shown is the address at which the pages show the simulated AWS.
const shown = "127.0.0.1:4566"

// build makes the program once.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "holdfast")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/holdfast")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// TestCommandsDoWhatIsShown runs the commands of every page.
func TestCommandsDoWhatIsShown(t *testing.T) {
	binary := build(t)
	for _, p := range pages(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			wrong := playWithinAnHour(t, binary, p)
			for _, w := range wrong {
				t.Errorf("%s:%d: $ %s\n%s\n(go test ./internal/doctest -update writes it into the page)", p.name, w.at.line, w.at.command, w.why)
			}
			if *update {
				rewrite(t, p, wrong)
			}
		})
	}
}

// playWithinAnHour plays a page, and plays it anew where it went wrong and an hour
// began meanwhile: a new slot may have begun with it, and all be due again. The pages
// show no schedule that is finer.
func playWithinAnHour(t *testing.T, binary string, p page) []mistake {
	t.Helper()
	hour := func() time.Time { return time.Now().UTC().Truncate(time.Hour) } // As slots are cut.
	for {
		began := hour()
		wrong := newSession(t, binary).play(p)
		if len(wrong) == 0 || hour().Equal(began) {
			return wrong
		}
	}
}

// step is one command of a block and what it is said to print.
type step struct {
	line    int // of the command, from 1
	command string
	want    []string
	exit    int
}

// steps cuts a console block into its commands.
func steps(b block) []step {
	var out []step
	for i, line := range b.lines {
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch n := len(out); {
		case isCommand:
			out = append(out, step{line: b.line + i, command: command})
		case n > 0 && strings.HasSuffix(out[n-1].command, `\`) && len(out[n-1].want) == 0:
			out[n-1].command = strings.TrimSuffix(out[n-1].command, `\`) + strings.TrimSpace(line)
		case n > 0:
			out[n-1].want = append(out[n-1].want, line)
		}
	}
	for i, code := range strings.Split(b.option("exit"), ",") {
		if n, err := strconv.Atoi(code); err == nil && i < len(out) {
			out[i].exit = n
		}
	}
	return out
}

// mistake is where a page and the program disagree.
type mistake struct {
	at  step
	got []string
	why string
}

// session is what a reader has before her while she follows a page.
type session struct {
	*testing.T
	binary, dir string
	env         map[string]string
	sandbox     string // address, empty where none is served
}

func newSession(t *testing.T, binary string) *session {
	t.Helper()
	dir := t.TempDir()
	return &session{T: t, binary: binary, dir: dir, env: map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": dir, "TERM": "dumb", "TZ": "UTC", "AWS_EC2_METADATA_DISABLED": "true",
	}}
}

func (s *session) play(p page) []mistake {
	var out []mistake
	for _, b := range p.blocks {
		if name := b.marks["file"]; name != "" {
			if err := os.WriteFile(filepath.Join(s.dir, name), []byte(b.text()), 0o600); err != nil {
				s.Fatal(err)
			}
		}
		if b.lang != "console" || b.is("norun") {
			continue
		}
		if name := b.option("copy"); name != "" {
			s.copy(name)
		}
		if seed := b.option("sandbox"); seed != "" {
			s.serve("--seed", seed)
			s.export("AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_ENDPOINT_URL=http://"+shown)
		}
		for _, at := range steps(b) {
			got, code, err := s.do(at.command)
			switch {
			case err != nil:
				s.Fatalf("%s:%d: $ %s: %v", p.name, at.line, at.command, err)
			case code != at.exit:
				out = append(out, mistake{at, got, fmt.Sprintf("exits with %d, and the page says %d:\n%s", code, at.exit, strings.Join(got, "\n"))})
			case !same(got, at.want):
				out = append(out, mistake{at, got, fmt.Sprintf("--- the page says\n%s\n--- it prints\n%s", strings.Join(at.want, "\n"), strings.Join(got, "\n"))})
			}
		}
	}
	return out
}

// copy puts a file of the module into the working folder.
func (s *session) copy(name string) {
	data, err := os.ReadFile(filepath.Join(root, name))
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, filepath.Base(name)), data, 0o600)
	}
	if err != nil {
		s.Fatal(err)
	}
}

// do runs one command and gives the lines that it prints.
func (s *session) do(command string) (lines []string, code int, err error) {
	words, err := split(strings.Replace(command, "go run ./cmd/holdfast", "holdfast", 1))
	if err != nil {
		return nil, 0, err
	}
	switch {
	case words[0] == "export":
		s.export(words[1:]...)
		return nil, 0, nil
	case words[0] == "curl":
		lines, err = s.curl(words[1:])
		return lines, 0, err
	case words[0] != "holdfast":
		return nil, 0, errors.New("it cannot be run here: mark the block with norun")
	case words[len(words)-1] == "&":
		return s.serve(words[2 : len(words)-1]...), 0, nil
	}
	return s.holdfast(words[1:])
}

func (s *session) export(words ...string) {
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		s.env[name] = value
	}
}

// real puts the address of the simulated AWS in place of the one that is shown.
func (s *session) real(text string) string { return strings.ReplaceAll(text, shown, s.sandbox) }

func (s *session) command(ctx context.Context, args []string) *exec.Cmd {
	for i := range args {
		args[i] = s.real(args[i])
	}
	cmd := exec.CommandContext(ctx, s.binary, args...)
	cmd.Dir = s.dir
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+s.real(value))
	}
	return cmd
}

func (s *session) holdfast(args []string) (lines []string, code int, err error) {
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	if slices.Contains(args, "--wait") {
		args = append(args, "--poll=100ms")
		defer s.hurry(ctx)()
	}
	var out bytes.Buffer
	cmd := s.command(ctx, args)
	cmd.Stdout, cmd.Stderr = &out, &out
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		return nil, 0, err
	}
	return s.linesOf(out.String()), cmd.ProcessState.ExitCode(), nil
}

// linesOf cuts an output into lines and takes out what the SDK writes beside it.
func (s *session) linesOf(out string) []string {
	if out = strings.TrimRight(out, "\n"); out == "" {
		return nil
	}
	if s.sandbox != "" {
		out = strings.ReplaceAll(out, s.sandbox, shown)
	}
	return slices.DeleteFunc(strings.Split(out, "\n"), func(line string) bool { return strings.HasPrefix(line, "SDK ") })
}

// hurry lets simulated time fly until stop is called.
func (s *session) hurry(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_, _ = s.call(ctx, http.MethodPost, "http://"+s.sandbox+"/_sandbox/advance?by=5m", "") // Best effort: the run times out without it.
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}()
	return func() { cancel(); <-done }
}

// serve starts the simulated AWS and gives what it prints.
func (s *session) serve(flags ...string) []string {
	cmd := s.command(s.Context(), append([]string{"sandbox", "--listen", "127.0.0.1:0"}, flags...))
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.Fatal(err)
	}
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	_, address, ok := strings.Cut(strings.TrimSpace(line), "http://")
	if err != nil || !ok {
		s.Fatalf("holdfast sandbox %v: %q, %v\n%s", flags, line, err, &complaint)
	}
	s.sandbox = address
	return s.linesOf(line)
}

func (s *session) curl(words []string) ([]string, error) {
	method, url, body := http.MethodGet, "", ""
	for i := 0; i < len(words); i++ {
		switch w := words[i]; {
		case w == "-X" && i+1 < len(words):
			i++
			method = words[i]
		case w == "-d" && i+1 < len(words):
			i++
			body = words[i]
		case strings.HasPrefix(w, "-"):
		default:
			url = w
		}
	}
	if !strings.HasPrefix(url, "http://"+shown+"/") {
		return nil, fmt.Errorf("only the simulated AWS at %s can be called", shown)
	}
	got, err := s.call(s.Context(), method, s.real(url), body)
	return s.linesOf(got), err
}

func (*session) call(ctx context.Context, method, url, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return string(got), err
}

// split cuts a command into words, as a shell does with plain and quoted ones.
func split(command string) ([]string, error) {
	var words []string
	for rest := strings.TrimSpace(command); rest != ""; rest = strings.TrimSpace(rest) {
		var word strings.Builder
		for rest != "" && rest[0] != ' ' {
			quote := rest[0]
			if quote != '\'' && quote != '"' {
				word.WriteByte(quote)
				rest = rest[1:]
				continue
			}
			text, after, ok := strings.Cut(rest[1:], string(quote))
			if !ok {
				return nil, errors.New("a quotation mark does not end")
			}
			word.WriteString(text)
			rest = after
		}
		words = append(words, word.String())
	}
	return words, nil
}

// same compares what is printed with what a page says.
func same(got, want []string) bool {
	return match(mask(got), mask(want))
}

func match(got, want []string) bool {
	for len(want) > 0 && want[0] != "…" {
		if len(got) == 0 || got[0] != want[0] {
			return false
		}
		got, want = got[1:], want[1:]
	}
	if len(want) == 0 {
		return len(got) == 0
	}
	for i := range len(got) + 1 {
		if match(got[i:], want[1:]) {
			return true
		}
	}
	return false
}

// masks hide what is different each time.
var masks = [...]struct {
	form *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\dZ`), "TIME"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`-\d{8}t\d{6}z-[0-9a-v]{8}`), "-SLOT-HASH"},
	{regexp.MustCompile(`\b\d+h\d\dm\b|\b\d+m\b`), "AGE"},
	{regexp.MustCompile(`"age_seconds": \d+`), `"age_seconds": N`},
	{regexp.MustCompile(`holdfast \S+ \(go\S+ \w+/\w+\)`), "VERSION"},
	{regexp.MustCompile(` {2,}`), "  "},
}

func mask(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		for _, m := range masks {
			line = m.form.ReplaceAllString(line, m.with)
		}
		out[i] = strings.TrimRight(line, " ")
	}
	for i := 0; i < len(out); {
		n := i
		for n < len(out) && inAnyOrder.MatchString(out[n]) {
			n++
		}
		slices.Sort(out[i:n])
		i = max(n, i+1)
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

// inAnyOrder are the lines of things that go on side by side.
var inAnyOrder = regexp.MustCompile(`^(seen|taking|sharing|copying|ready|ended|deleted) `)

// rewrite puts what was printed into a page. A step that leaves lines out is left
// to a person.
func rewrite(t *testing.T, p page, wrong []mistake) {
	t.Helper()
	lines := slices.Clone(p.lines)
	for _, w := range slices.Backward(wrong) {
		if slices.Contains(w.at.want, "…") {
			continue
		}
		begin := w.at.line // The line after the command.
		for strings.HasSuffix(p.lines[begin-1], `\`) {
			begin++
		}
		end := begin + len(w.at.want)
		for end > begin && strings.TrimSpace(lines[end-1]) == "" {
			end-- // The gap before the next command.
		}
		lines = slices.Concat(lines[:begin], w.got, lines[end:])
	}
	if err := os.WriteFile(filepath.Join(root, p.name), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}
