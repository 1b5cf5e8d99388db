package rdb

import "fmt"

// Line is which program's files: since Redis 7.4 and Valkey 9 the same numbers stand for
// different things in the two.
type Line string

// The lines of programs, by the word that begins their files.
const (
	Redis  Line = "REDIS"
	Valkey Line = "VALKEY"
)

// Header is how a file begins.
type Header struct {
	Line    Line `json:"line"`
	Version int  `json:"version"`
}

// Versions that this package knows. Below 5 there is no checksum.
const (
	oldestRedis  = 5
	newestRedis  = 15
	oldestValkey = 80
	newestValkey = 81
)

// headerSize is that of the magic: 5 letters and 4 digits, or 6 and 3.
const headerSize = 9

// Known reports whether all that this version may hold is known here. A newer one may
// hold nothing new.
func (h Header) Known() bool {
	if h.Line == Valkey {
		return h.Version >= oldestValkey && h.Version <= newestValkey
	}
	return h.Version >= oldestRedis && h.Version <= newestRedis
}

// String gives the header as it stands in the file.
func (h Header) String() string {
	if h.Line == Valkey {
		return fmt.Sprintf("VALKEY%03d", h.Version)
	}
	return fmt.Sprintf("REDIS%04d", h.Version)
}

// parseHeader reads the magic.
func parseHeader(p []byte) (Header, error) {
	var h Header
	var digits []byte
	switch {
	case string(p[:6]) == "VALKEY":
		h.Line, digits = Valkey, p[6:]
	case string(p[:5]) == "REDIS":
		h.Line, digits = Redis, p[5:]
	case string(p[:3]) == "VCS":
		// Valkey 9.2: "rdbcompression lz4" wraps the whole file (valkey pull request 3531).
		return h, &FormatError{
			What:   "the file is packed as a whole (a Valkey compressed stream), which holdfast does not unpack",
			Remedy: "set rdbcompression to yes or no on the server and take the snapshot again",
		}
	default:
		return h, &FormatError{
			What:   fmt.Sprintf("it begins with %s and not with REDIS or VALKEY: it is no RDB file", quote(p)),
			Remedy: "look whether it is packed, encrypted, or an append-only file",
		}
	}
	for _, d := range digits {
		if d < '0' || d > '9' {
			return h, &FormatError{Offset: int64(headerSize - len(digits)), What: fmt.Sprintf("the version is %s and no number", quote(digits))}
		}
		h.Version = h.Version*10 + int(d-'0')
	}
	if h.Line == Redis && h.Version < oldestRedis || h.Line == Valkey && h.Version < oldestValkey {
		return h, &VersionError{Header: h}
	}
	return h, nil
}
