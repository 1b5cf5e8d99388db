package outside

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const serverDeadline = 60 * time.Second

// Postgres starts a PostgreSQL server on loopback that ends with the test, and gives its
// port. Its superuser is "master" with the password given; seed are statements, each on
// one line, that are run in the database "postgres" before it listens; settings are
// names and values as in "ssl=on".
func Postgres(t testing.TB, password string, seed []string, settings ...string) (port int) {
	t.Helper()
	dir := serverDir(t)
	data := filepath.Join(dir, "data")
	word := writeFor(t, dir, "password", password+"\n")
	runServer(t, dir, "", postgresProgram(t, "initdb"), "-D", data, "-U", "master", "-A", "scram-sha-256", "--pwfile", word, "-E", "UTF8", "--locale", "C", "--no-sync")
	server := postgresProgram(t, "postgres")
	if len(seed) > 0 {
		runServer(t, dir, strings.Join(seed, "\n")+"\n", server, "--single", "-D", data, "postgres")
	}
	args := []string{"-D", data, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return serve(t, dir, server, append(args, "-p", "{port}"))
}

func postgresProgram(t testing.TB, name string) string {
	t.Helper()
	return program(t, "/usr/lib/postgresql/*/bin/"+name)
}

// program finds a program that Debian keeps where PATH does not always lead.
func program(t testing.TB, pattern string) string {
	t.Helper()
	found, _ := filepath.Glob(pattern) // The patterns are right.
	if len(found) > 0 {
		return found[len(found)-1]
	}
	return Command(t, filepath.Base(pattern))
}

// MariaDB starts a MariaDB server on loopback that ends with the test, and gives its
// port; seed are statements, each on one line, that are run before it listens. Nobody
// can log in whom they do not make.
func MariaDB(t testing.TB, seed []string, options ...string) (port int) {
	t.Helper()
	dir := serverDir(t)
	data := filepath.Join(dir, "data")
	runServer(t, dir, "", Command(t, "mariadb-install-db"), "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	first := writeFor(t, dir, "seed.sql", strings.Join(seed, "\n")+"\n")
	args := append([]string{
		"--no-defaults", "--datadir=" + data, "--bind-address=127.0.0.1", "--socket=" + filepath.Join(dir, "s"),
		"--pid-file=" + filepath.Join(dir, "pid"), "--init-file=" + first, "--innodb-flush-log-at-trx-commit=0",
	}, options...)
	return serve(t, dir, program(t, "/usr/sbin/mariadbd"), append(args, "--port={port}"))
}

// Redis starts a Redis server on loopback that ends with the test, and gives its port.
// An option "{port}" stands for that.
func Redis(t testing.TB, options ...string) (port int) {
	t.Helper()
	dir := serverDir(t)
	args := append([]string{"--bind", "127.0.0.1", "--save", "", "--dir", dir}, options...)
	if !slices.Contains(options, "{port}") {
		args = append(args, "--port", "{port}")
	}
	return serve(t, dir, Command(t, "redis-server"), args)
}

// ServerFile writes a file that the servers started here may read, and nobody else.
func ServerFile(t testing.TB, name, text string) string {
	t.Helper()
	return writeFor(t, serverDir(t), name, text)
}

// serverDir makes a directory for a server.
func serverDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "holdfast-server-") //nolint:usetesting // That of a test lets nobody else in.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // The system clears what is left.
	giveAway(t, dir)
	return dir
}

func writeFor(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	giveAway(t, path)
	return path
}

// runServer runs a program that prepares a server.
func runServer(t testing.TB, dir, input, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = cleanEnv(t), dir, asServer()
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(program), err, out)
	}
}

// serve starts a server on a free port, for which "{port}" stands, and waits until it
// listens. Another process may take the port in between, so there are several tries.
func serve(t testing.TB, dir, program string, args []string) int {
	t.Helper()
	var log bytes.Buffer
	for range 3 {
		port := freePort(t)
		log.Reset()
		cmd := exec.Command(program, withPort(args, port)...) //nolint:gosec,noctx // The program is ours to choose, and ends in Cleanup.
		cmd.Env, cmd.Dir, cmd.SysProcAttr = cleanEnv(t), dir, asServer()
		cmd.Stdout, cmd.Stderr = &log, &log
		cmd.WaitDelay = time.Second
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = cmd.Wait() // It is killed, or its log says why it ended.
		}()
		if listens(port, ended) {
			t.Cleanup(func() {
				killGroup(cmd.Process)
				<-ended
				if t.Failed() {
					t.Logf("what %s said:\n%s", filepath.Base(cmd.Path), log.String())
				}
			})
			return port
		}
		killGroup(cmd.Process)
		<-ended
	}
	t.Fatalf("the server does not listen:\n%s", log.String())
	return 0
}

func withPort(args []string, port int) []string {
	out := slices.Clone(args)
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], "{port}", strconv.Itoa(port))
	}
	return out
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // At once.
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port //nolint:errcheck,forcetypeassert // It listens on TCP.
}

// listens waits until somebody listens on a port.
func listens(port int, ended <-chan struct{}) bool {
	for begun := time.Now(); time.Since(begun) < serverDeadline; {
		select {
		case <-ended:
			return false
		case <-time.After(50 * time.Millisecond):
		}
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) //nolint:noctx // Loopback answers at once.
		if err == nil {
			return conn.Close() == nil
		}
	}
	return false
}
