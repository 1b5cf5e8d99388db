package redis

import (
	"context"
	"errors"
	"strings"

	"github.com/holdfast-dr/holdfast/internal/replica"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/vault"
)

// Classify sorts an error of servers and vaults.
func (*Driver) Classify(err error) store.Fault {
	if errors.Is(err, context.Canceled) {
		return store.Stopped
	}
	if e, ok := errors.AsType[*store.Error](err); ok {
		return e.Fault
	}
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return store.NotFound
	case errors.Is(err, vault.ErrConflict), errors.Is(err, vault.ErrHeld):
		return store.Conflict
	case errors.Is(err, vault.ErrFull):
		return store.Quota
	case errors.Is(err, vault.ErrDenied):
		return store.Denied
	case errors.Is(err, vault.ErrUnreachable):
		return store.Unreachable
	case errors.Is(err, vault.ErrCorrupt):
		return store.Unknown
	}
	if reason := replica.ReasonOf(err); reason != "" {
		return faultOf(reason)
	}
	return store.ClassifyAWS(err, nil)
}

func faultOf(r replica.Reason) store.Fault {
	switch r {
	case replica.Unreachable, replica.Silent, replica.CutOff, replica.Slow:
		return store.Unreachable
	case replica.Login, replica.Denied, replica.Refused:
		return store.Denied
	case replica.Managed, replica.Insecure:
		return store.Invalid
	case replica.Loading, replica.Busy, replica.Moving:
		return store.Busy
	case replica.Broken, replica.Damaged, replica.Unwritten, replica.Strange:
		return store.Unknown
	}
	return store.Unknown
}

// explained makes an error of servers and vaults one whose remedy stands apart.
func explained(err error) error {
	if _, ok := errors.AsType[*store.Error](err); ok || err == nil {
		return err
	}
	doing, text, remedy := parted(err)
	if doing == "" {
		return err
	}
	if errors.Is(err, vault.ErrConflict) {
		remedy = "" // That of any conflict says what to do.
	}
	fault := (*Driver)(nil).Classify(err)
	if remedy == "" {
		remedy = fault.Remedy()
	}
	return &store.Error{Doing: doing, Fault: fault, Remedy: remedy, Err: &wordedError{text, err}}
}

// wordedError says an error in other words.
type wordedError struct {
	text string
	err  error
}

// Error gives the words.
func (e *wordedError) Error() string { return e.text }

// Unwrap gives the error.
func (e *wordedError) Unwrap() error { return e.err }

// parted takes an error apart: what was being done, what went wrong, and what to do. A
// vault's comes first, since a server's says no more than that nobody took its file.
func parted(err error) (doing, text, remedy string) {
	if e, ok := errors.AsType[*vault.Error](err); ok {
		bare := *e
		bare.Remedy, bare.Class = "", nil
		remedy = strings.TrimPrefix(strings.TrimPrefix(e.Error(), bare.Error()), ": ")
		doing = strings.TrimSpace(e.Doing+" "+e.Object) + " in vault " + e.Vault
		text = strings.TrimPrefix(strings.TrimPrefix(bare.Error(), doing), ": ")
		if text == "" && e.Class != nil {
			text = e.Class.Error()
		}
		return doing, text, strings.TrimPrefix(remedy, text+": ")
	}
	if e, ok := errors.AsType[*replica.Error](err); ok {
		bare := replica.Error{Said: e.Said, What: e.What, Err: e.Err}
		doing = e.Doing
		if e.Address != "" {
			doing += " at " + e.Address
		}
		return doing, strings.TrimPrefix(bare.Error(), ": "), e.Remedy
	}
	return "", err.Error(), ""
}

// plainly says an error without its remedy.
func plainly(err error) string {
	doing, text, _ := parted(err)
	if doing == "" {
		return store.Brief(err)
	}
	return doing + ": " + text
}
