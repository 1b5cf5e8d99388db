package policy

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// maxPattern bounds what compiling a pattern can cost.
const maxPattern = 1000

// Pattern is a regular expression (RE2) for names. It must match the whole name:
// "prod" matches neither "nonprod" nor "prod-2". One that begins with ^ or ends
// with $ is taken as it is written: "^orders-" matches all names that begin so.
// The zero Pattern is empty and matches nothing.
type Pattern struct {
	text string
	re   *regexp.Regexp
}

// NewPattern compiles a pattern.
func NewPattern(text string) (Pattern, error) {
	if text == "" {
		return Pattern{}, errors.New(`is empty; write ".*" for any name`)
	}
	if len(text) > maxPattern {
		return Pattern{}, fmt.Errorf("is longer than %d characters", maxPattern)
	}
	// Compiled as written first: wrapped, "a)(b" would pass.
	re, err := regexp.Compile(text)
	if err == nil && !anchored(text) {
		re, err = regexp.Compile(`^(?:` + text + `)$`)
	}
	if err != nil {
		return Pattern{}, patternError(text, err)
	}
	return Pattern{text, re}, nil
}

func patternError(text string, err error) error {
	var bad *syntax.Error
	if !errors.As(err, &bad) {
		return err
	}
	switch {
	case strings.HasPrefix(text, "*"):
		return errors.New(`begins with *; write ".*" for any text`)
	case bad.Code == syntax.ErrInvalidPerlOp:
		return fmt.Errorf("has %q, which RE2 does not have; use exclude to leave names out", bad.Expr)
	default:
		return fmt.Errorf("is no regular expression: %s: %q", bad.Code, clip(bad.Expr))
	}
}

// anchored reports whether the author placed the anchors. A $ after an odd
// number of backslashes is a dollar sign, not an anchor.
func anchored(text string) bool {
	if strings.HasPrefix(text, "^") {
		return true
	}
	before, ok := strings.CutSuffix(text, "$")
	slashes := len(before) - len(strings.TrimRight(before, `\`))
	return ok && slashes%2 == 0
}

// Empty reports whether there is no pattern.
func (p Pattern) Empty() bool { return p.re == nil }

// Match reports whether the name matches.
func (p Pattern) Match(name string) bool { return p.re != nil && p.re.MatchString(name) }

// String gives the pattern as written.
func (p Pattern) String() string { return p.text }

// Equal reports whether both were written the same.
func (p Pattern) Equal(o Pattern) bool { return p.text == o.text }
