package vault

import (
	"errors"
	"fmt"
	"strings"
)

// What an error is about; use errors.Is.
var (
	// ErrNotFound: there is no such object, or no such vault.
	ErrNotFound = errors.New("not found")
	// ErrConflict: something else is there, or changed meanwhile.
	ErrConflict = errors.New("conflict")
	// ErrHeld: a person holds the snapshot, so it is not deleted.
	ErrHeld = errors.New("held")
	// ErrFull: the vault has no room.
	ErrFull = errors.New("full")
	// ErrDenied: the caller may not.
	ErrDenied = errors.New("denied")
	// ErrCorrupt: what is there is not what was written.
	ErrCorrupt = errors.New("corrupt")
	// ErrUnreachable: the vault gives no answer, or none that helps, for now.
	ErrUnreachable = errors.New("unreachable")
)

// Error says what was being done to what in which vault, and what to do about it.
type Error struct {
	Doing, Vault, Object string
	// Class is one of the errors above, or nil.
	Class  error
	Err    error
	Remedy string
}

// Error gives all of it on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Doing)
	if e.Object != "" {
		b.WriteString(" " + e.Object)
	}
	b.WriteString(" in vault " + e.Vault)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	} else if e.Class != nil {
		b.WriteString(": " + e.Class.Error())
	}
	if remedy := e.remedy(); remedy != "" {
		b.WriteString(": " + remedy)
	}
	return b.String()
}

// Unwrap gives the class and the cause.
func (e *Error) Unwrap() []error {
	var out []error
	for _, err := range [...]error{e.Class, e.Err} {
		if err != nil {
			out = append(out, err)
		}
	}
	return out
}

func (e *Error) remedy() string {
	var inner *Error
	switch {
	case e.Remedy != "":
		return e.Remedy
	case errors.As(e.Err, &inner): // It has said so already.
		return ""
	}
	switch {
	case errors.Is(e.Class, ErrFull):
		return "make room there, or let fewer snapshots be kept"
	case errors.Is(e.Class, ErrDenied):
		return "let the credentials that holdfast runs with list, read, write and delete there"
	case errors.Is(e.Class, ErrCorrupt):
		return "restore from another snapshot or another vault's copy, and look after the medium"
	case errors.Is(e.Class, ErrUnreachable):
		return "see whether it can be reached from here; the next run tries again"
	}
	return ""
}

// ConflictError says that a snapshot is already there.
type ConflictError struct {
	// There is its manifest.
	There Manifest
}

// Error says whose it is.
func (e *ConflictError) Error() string {
	if e.There.Leaving {
		return "a snapshot of that name is half deleted: the next sweep ends that"
	}
	c := e.There.Claim
	return fmt.Sprintf("a snapshot of that name is already there, of %s, policy %s, owner %s, for %s",
		c.Source, c.Policy, c.Owner, c.Slot.Format("2006-01-02T15:04:05Z07:00"))
}

// Is makes it an ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// fail makes an Error of what a bucket met.
func (v *Vault) fail(doing, what string, err error) error {
	return &Error{Doing: doing, Vault: v.String(), Object: what, Class: classOf(err), Err: bare(err)}
}

// classOf gives the class of an error that has one.
func classOf(err error) error {
	for _, class := range [...]error{ErrNotFound, ErrConflict, ErrHeld, ErrFull, ErrDenied, ErrCorrupt, ErrUnreachable} {
		if errors.Is(err, class) {
			return class
		}
	}
	return nil
}

// bare gives the cause where an Error is put into another one of the same vault: what
// was being done is said once.
func bare(err error) error {
	inner, ok := err.(*Error) //nolint:errorlint // Only one that nothing is wrapped around.
	if !ok || inner.Remedy != "" || inner.Err == nil {
		return err
	}
	return inner.Err
}

// also adds what went wrong while clearing up after an error.
func also(err, second error) error {
	if second == nil {
		return err
	}
	return errors.Join(err, second)
}
