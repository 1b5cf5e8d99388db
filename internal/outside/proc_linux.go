package outside

import (
	"os"
	"syscall"
	"testing"
)

// ownGroup puts a process at the head of a group of its own, and has it end
// should the test binary be killed before it can clean up.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killGroup ends a process and those it started.
func killGroup(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
}

// nobody is who runs servers that refuse to be run by root.
const nobody = 65534

// asServer is ownGroup for such a server.
func asServer() *syscall.SysProcAttr {
	attr := ownGroup()
	if os.Geteuid() == 0 {
		attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	return attr
}

// giveAway makes a file or directory that of whoever runs servers.
func giveAway(t testing.TB, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Chown(path, nobody, nobody); err != nil {
		t.Fatal(err)
	}
}
