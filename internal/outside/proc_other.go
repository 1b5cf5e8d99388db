//go:build !linux

package outside

import (
	"os"
	"syscall"
	"testing"
)

func ownGroup() *syscall.SysProcAttr { return nil }

func killGroup(p *os.Process) { _ = p.Kill() }

func asServer() *syscall.SysProcAttr { return nil }

func giveAway(testing.TB, string) {}
