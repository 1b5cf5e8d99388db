package replica

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Reason is why there is no snapshot.
type Reason string

// The reasons.
const (
	// Unreachable: nobody answers at the address.
	Unreachable Reason = "unreachable"
	// Insecure: the two sides do not agree on TLS.
	Insecure Reason = "tls"
	// Login: user or password are missing or wrong.
	Login Reason = "login"
	// Denied: the user may not do it.
	Denied Reason = "denied"
	// Refused: the server does not replicate to anybody but its own.
	Refused Reason = "refused"
	// Managed: the service behind the address has snapshots of its own, and no replication.
	Managed Reason = "managed"
	// Loading: the server is not ready yet.
	Loading Reason = "loading"
	// Busy: the server has no room for one more.
	Busy Reason = "busy"
	// Broken: the server is not well: it cannot save, or has lost its primary.
	Broken Reason = "broken"
	// CutOff: the connection ended before the file did.
	CutOff Reason = "cut off"
	// Damaged: what came is not a sound file.
	Damaged Reason = "damaged"
	// Silent: nothing came for too long.
	Silent Reason = "silent"
	// Slow: what takes the file is too slow for the server.
	Slow Reason = "slow"
	// Unwritten: what takes the file failed.
	Unwritten Reason = "unwritten"
	// Moving: slots of the cluster are being moved, or belong to nobody.
	Moving Reason = "moving"
	// Strange: the answer is none that such a server gives.
	Strange Reason = "strange"
)

// Error is a snapshot that could not be taken.
type Error struct {
	Reason  Reason
	Address string
	// Doing is what was done: a command, or some words.
	Doing string
	// Said is the server's own word, if it had one.
	Said string
	// What is wrong, in ours.
	What   string
	Remedy string
	Err    error

	replied bool // it is the server's reply, and the connection is as good as before
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Doing)
	if e.Address != "" {
		b.WriteString(" at " + e.Address)
	}
	if e.Said != "" {
		b.WriteString(": the server said " + strconv.QuoteToASCII(cut(e.Said)))
	}
	if e.What != "" {
		b.WriteString(": " + e.What)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// ReasonOf gives the reason of an error of this package, or "".
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ""
}

// Refuses reports whether an error says that there is no replication to be had, so that
// reading key by key is all that is left.
func Refuses(err error) bool {
	r := ReasonOf(err)
	return r == Refused || r == Managed || r == Denied
}

// saidMax is how much of a server's word is shown.
const saidMax = 300

func cut(s string) string {
	if len(s) > saidMax {
		return s[:saidMax] + "…"
	}
	return s
}

// aclThatSuffices is what a user needs; no keys, no channels. With INFO the rest is known
// too: versions, replicas, whether it is a cluster.
const aclThatSuffices = "ACL SETUSER <user> on +psync +replconf +ping (and +info, +cluster|nodes for clusters and replicas)"

// words are what servers say when they refuse, by how it begins or what it contains. The
// first that fits counts. They stand in server.c, acl.c, networking.c and replication.c.
var words = []struct {
	begin, contains string
	reason          Reason
	remedy          string
}{
	{"NOAUTH", "", Login, "give it a user and a password"},
	{"WRONGPASS", "", Login, "check user and password, and that the user is on (ACL LIST)"},
	{"ERR", "invalid password", Login, "check the password"},
	{"ERR", "without any password configured", Login, "the default user has no password here: leave it out, or name the user that has it"},
	{"ERR", "no password is set", Login, "the server has no password: leave it out"},
	{"NOPERM", "", Denied, "let the user do it: " + aclThatSuffices},
	{"NOMASTERLINK", "", Broken, "it is a replica that has lost its primary: mend that link, or take the snapshot from the primary"},
	{"MASTERDOWN", "", Broken, "it is a replica that has lost its primary: mend that link, or take the snapshot from the primary"},
	{"LOADING", "", Loading, "it is reading its data: come back when it is done (INFO persistence)"},
	{"BUSY", "", Busy, "a script or function is running: wait for it, or end it with SCRIPT KILL or FUNCTION KILL"},
	{"MISCONF", "", Broken, "it cannot save to its disk: its log says why"},
	{"DENIED", "protected mode", Login, "protected mode lets nobody in from outside: give it a password, or set bind and protected-mode"},
	{"", "max number of clients", Busy, "raise maxclients there, or close connections"},
	{"ERR", "BGSAVE failed", Broken, "it could not fork or could not write: its log says why (memory, vm.overcommit_memory, space on its disk)"},
	{"ERR", "failing over", Broken, "it is handing over to another primary: try again when that is done"},
	{"ERR", "unknown command", Refused, "it may have been renamed: set its name; a managed service may block it"},
	{"ERR", "unknown subcommand", Refused, "the server is too old for it, or blocks it"},
	{"ERR", "not allowed", Refused, "it may be blocked by the service that runs it"},
	{"CLUSTERDOWN", "", Broken, "the cluster does not work: CLUSTER INFO says why"},
	{"MOVED", "", Moving, "slots have moved in between: try again when that is done"},
	{"ASK", "", Moving, "slots are being moved: try again when that is done"},
	{"TRYAGAIN", "", Moving, "slots are being moved: try again when that is done"},
}

// refusal makes an error of a server's reply; text has no "-" in front.
func refusal(address, doing, text string) *Error {
	e := &Error{Reason: Strange, Address: address, Doing: doing, Said: text, Remedy: "its log may say more", replied: true}
	for _, w := range words {
		if strings.HasPrefix(text, w.begin) && strings.Contains(text, w.contains) {
			e.Reason, e.Remedy = w.reason, w.remedy
			break
		}
	}
	return e
}

// alerted says that the other side refused us by TLS's own means. What it sent has a type
// of crypto/tls that has no name outside.
func alerted(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// broken makes an error of a connection that failed.
func broken(ctx context.Context, address, doing string, err error) error {
	if ctx.Err() != nil {
		return &Error{Reason: CutOff, Address: address, Doing: doing, What: "given up", Err: context.Cause(ctx)}
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	e := &Error{Reason: CutOff, Address: address, Doing: doing, Err: err}
	switch {
	case alerted(err):
		e.Reason, e.Remedy = Insecure, "it did not take our certificate, or asks for one (tls-auth-clients): give a certificate and key that its authority signed"
	case errors.Is(err, os.ErrDeadlineExceeded):
		e.Reason, e.What, e.Err = Silent, "no answer in time", nil
		e.Remedy = "the server may hang, or the network lose packets"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		e.What, e.Err = "the connection was closed", io.ErrUnexpectedEOF
		e.Remedy = "the server's log says why"
	}
	return e
}
