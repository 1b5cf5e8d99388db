package rdb

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// FormatError is a place where a file is not what it has to be.
type FormatError struct {
	// Offset is where in the file, in bytes. Of what is wrong inside a string that is
	// stored compressed it is where that string begins, and Inside is the place in it.
	Offset int64
	Inside int64
	// Key is the key whose value is being read, cut and escaped; "" outside of one.
	Key string
	DB  uint64
	// Type is the type of that value.
	Type string
	// What is wrong, and what was expected.
	What string
	// Remedy is what to do about it.
	Remedy string
	// Err is the cause, such as io.ErrUnexpectedEOF.
	Err error
}

func (e *FormatError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rdb: at offset %d", e.Offset)
	if e.Inside > 0 {
		fmt.Fprintf(&b, " (byte %d of the string there, unpacked)", e.Inside)
	}
	if e.Key != "" {
		fmt.Fprintf(&b, ", in the value of key %s (%s) of database %d", e.Key, e.Type, e.DB)
	}
	b.WriteString(": " + e.What)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

func (e *FormatError) Unwrap() error { return e.Err }

// UnknownTypeError is a type or opcode that this package does not know. Since a file does
// not tell how long such a thing is, nothing behind it can be read.
type UnknownTypeError struct {
	Offset int64
	Code   byte
	Header Header
	// Key is the key that has it, cut and escaped; "" where the code stands for no value.
	Key string
	DB  uint64
	// Why says more, such as that such a value can be read only by the module that wrote it.
	Why string
}

func (e *UnknownTypeError) Error() string {
	what := fmt.Sprintf("rdb: at offset %d: type or opcode %d is not known in a %s file", e.Offset, e.Code, e.Header)
	if e.Key != "" {
		what += fmt.Sprintf(" (key %s of database %d)", e.Key, e.DB)
	}
	if e.Why != "" {
		what += ": " + e.Why
	}
	return what + "; it cannot be walked over: take a newer holdfast, or check the file with the tools of the server that wrote it"
}

// VersionError is a version that this package cannot read, or not as deeply as asked.
type VersionError struct{ Header Header }

func (e *VersionError) Error() string {
	if e.Header.Known() || e.Header.Version > newestRedis && e.Header.Line == Redis || e.Header.Version > newestValkey {
		return fmt.Sprintf("rdb: %s is newer than what this holdfast decodes (Redis %d, Valkey %d): take a newer holdfast, or look at framing level only",
			e.Header, newestRedis, newestValkey)
	}
	return fmt.Sprintf("rdb: %s is older than what holdfast reads (Redis %d, Valkey %d): load it into a newer server and save it there",
		e.Header, oldestRedis, oldestValkey)
}

// ChecksumError is a file whose bytes are not those that were written.
type ChecksumError struct {
	Offset     int64
	Told, Real uint64
}

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("rdb: the checksum at offset %d is %016x and that of the bytes before is %016x: the file was changed after it was written; take it from another copy",
		e.Offset, e.Told, e.Real)
}

// LimitError is something larger than bounded memory allows.
type LimitError struct {
	Offset int64
	What   string
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("rdb: at offset %d: %s: more than holdfast keeps in memory", e.Offset, e.What)
}

// quoteMax is how much of a key is shown in an error.
const quoteMax = 64

// quote shows bytes in an error: cut, escaped, in quotation marks.
func quote(p []byte) string {
	if len(p) > quoteMax {
		return strconv.QuoteToASCII(string(p[:quoteMax])) + "…"
	}
	return strconv.QuoteToASCII(string(p))
}

// cutOff is the cause of a file that ends too early, or that could not be read.
func cutOff(cause error) (remedy string, err error) {
	if errors.Is(cause, io.EOF) {
		return "it was cut off: take the file or the snapshot again", io.ErrUnexpectedEOF
	}
	return "", cause
}
