package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// ParseSeed reads a Seed. name is what errors call the file; they begin with
// name:line.
func ParseSeed(name string, data []byte) (Seed, error) {
	var s Seed
	err := yaml.NewDecoder(bytes.NewReader(data), yaml.DisallowUnknownField()).Decode(&s)
	if errors.Is(err, io.EOF) {
		return Seed{}, nil // An empty file seeds nothing.
	}
	if err != nil {
		return Seed{}, positioned(name, err)
	}
	var at *seedError
	if err := s.check(); errors.As(err, &at) {
		return Seed{}, fmt.Errorf("%s:%d: %s: %w", name, lineOf(data, at.path), strings.Join(at.path, "."), at.err)
	}
	return s, nil
}

// positioned puts the place of a syntax error first.
func positioned(name string, err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return fmt.Errorf("%s:%d: %s", name, at.GetToken().Position.Line, at.GetMessage())
	}
	return fmt.Errorf("%s:1: %w", name, err)
}

// lineOf finds the line of the node at a path, or of the nearest one above it.
func lineOf(data []byte, path []string) int {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return 1
	}
	for n := len(path); n > 0; n-- {
		b := (&yaml.PathBuilder{}).Root()
		for _, part := range path[:n] {
			if i, ok := index(part); ok {
				b = b.Index(i)
			} else {
				b = b.Child(part)
			}
		}
		if node, err := b.Build().FilterFile(file); err == nil && node != nil {
			return node.GetToken().Position.Line
		}
	}
	return 1
}

// index reads a path's part that stands for a place in a list, such as "[2]".
func index(part string) (uint, bool) {
	var i uint
	n, err := fmt.Sscanf(part, "[%d]", &i)
	return i, err == nil && n == 1
}

// seedError is an error of a seed and where it is.
type seedError struct {
	path []string
	err  error
}

func (e *seedError) Error() string { return strings.Join(e.path, ".") + ": " + e.err.Error() }
func (e *seedError) Unwrap() error { return e.err }

func at(err error, path ...string) error {
	if err == nil {
		return nil
	}
	return &seedError{path, err}
}
