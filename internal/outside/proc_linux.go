package outside

import (
	"os"
	"syscall"
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
