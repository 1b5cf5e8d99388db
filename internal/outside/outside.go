// Package outside finds and runs the judges that holdfast did not write: the
// aws command line and the emulator moto. Tests use it to hold holdfast, and
// its own simulated AWS, against programs that know nothing of either. It
// also starts real databases, for checks to ask.
//
// The programs are put in place by "make outside". Where one is missing, the
// test that needs it is skipped with a word about why; where they are required
// (CI=true or HOLDFAST_REQUIRE_TOOLS=1) it fails.
package outside

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const (
	// ToolsEnv names a directory to look for programs in before all others.
	ToolsEnv = "HOLDFAST_TOOLS"
	// RequireEnv names what, set to 1, makes a missing program a failure and not a skip.
	RequireEnv = "HOLDFAST_REQUIRE_TOOLS"

	awsDeadline = 90 * time.Second
)

// Command gives the path of an outside program. It looks in $HOLDFAST_TOOLS,
// then in .tools/venv/bin and .tools/bin of this repository, then in PATH.
func Command(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range toolDirs() {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return behindShim(path)
	}
	const reason = "OUTSIDE JUDGE MISSING: no program %q in $%s, .tools or PATH: run \"make outside\""
	if Required() {
		t.Fatalf(reason, name, ToolsEnv)
	}
	t.Skipf(reason, name, ToolsEnv)
	return ""
}

// Required reports whether a missing program is a failure.
func Required() bool {
	return os.Getenv("CI") == "true" || os.Getenv(RequireEnv) == "1"
}

// AWS runs the aws command line against endpoint, as an account (its 12 digits
// are the access key id) in a Region. It inherits no configuration, credentials
// or proxies, asks for JSON, and is given a deadline. An exit code other than
// zero is the caller's to judge.
func AWS(t testing.TB, endpoint, account, region string, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), awsDeadline)
	defer cancel()
	args = append([]string{"--endpoint-url", endpoint, "--output", "json"}, args...)
	cmd := exec.CommandContext(ctx, Command(t, "aws"), args...) //nolint:gosec // The program is ours to choose.
	cmd.WaitDelay = time.Second
	cmd.Env = append(
		cleanEnv(t),
		"AWS_ACCESS_KEY_ID="+account,
		"AWS_SECRET_ACCESS_KEY=secret",
		"AWS_DEFAULT_REGION="+region,
		"AWS_CONFIG_FILE="+os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_PAGER=",
	)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("aws %q gave no answer within %v: %v\n%s", args, awsDeadline, ctx.Err(), errs.String())
	}
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatalf("aws %q could not be run: %v", args, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// cleanEnv is the environment of every outside program: nothing of the
// caller's but where programs are found.
func cleanEnv(t testing.TB) []string {
	t.Helper()
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + t.TempDir(),
		"LANG=C.UTF-8",
		"NO_PROXY=*",
		"PYTHONDONTWRITEBYTECODE=1",
	}
}

func toolDirs() []string {
	var dirs []string
	if dir := os.Getenv(ToolsEnv); dir != "" {
		dirs = append(dirs, dir)
	}
	if root := repoRoot(); root != "" {
		tools := filepath.Join(root, ".tools")
		dirs = append(dirs, filepath.Join(tools, "venv", "bin"), filepath.Join(tools, "bin"))
	}
	return dirs
}

// repoRoot is the nearest directory, from the working directory up, that holds
// a go.mod: go test runs a test in its package's directory.
func repoRoot() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// behindShim gives the program behind one of pyenv's shims, which take longer
// to start than the program itself; any other path comes back as it is.
func behindShim(path string) string {
	if filepath.Base(filepath.Dir(path)) != "shims" {
		return path
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "pyenv", "which", filepath.Base(path)).Output() //nolint:gosec // A program's name.
	if err != nil {
		return path
	}
	return string(bytes.TrimSpace(out))
}
