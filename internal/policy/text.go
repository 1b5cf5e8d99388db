package policy

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// maxSize bounds a policy file: a hundred policies take some 30 KiB.
const maxSize = 256 << 10

// checkText looks at the bytes before any of them is given to the parser. It
// gives the text to parse: without a byte order mark, lines ended by \n.
func (r *reporter) checkText(data []byte) ([]byte, bool) {
	start := Pos{1, 1}
	if len(data) > maxSize {
		r.fail(start, "is it the right file?", "the file is %d bytes long; a policy file has at most %d", len(data), maxSize)
		return nil, false
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	if len(bytes.TrimSpace(data)) == 0 {
		r.fail(start, "holdfast init writes one to start from", "the file is empty")
		return nil, false
	}
	line := 0
	for text := range bytes.Lines(data) {
		line++
		r.checkLine(line, text)
		if len(r.problems) >= maxProblems {
			break
		}
	}
	return data, len(r.problems) == 0
}

func (r *reporter) checkLine(line int, text []byte) {
	blank := isBlank(text)
	indent, column := true, 0
	for i := 0; i < len(text); {
		column++
		c, size := utf8.DecodeRune(text[i:])
		at := Pos{line, column}
		switch {
		case c == utf8.RuneError && size <= 1:
			r.fail(at, "save the file as UTF-8", "byte %#02x is not valid UTF-8", text[i])
			return
		case c == '\t' && indent && !blank:
			r.fail(at, "use spaces", "a tab in the indentation")
			return
		case c != '\n' && c != '\t' && (unicode.IsControl(c) || c == '\u2028' || c == '\u2029' || c == '\ufeff'):
			r.fail(at, "remove it", "the character %U has no place in a policy file", c)
			return
		case c != ' ' && c != '\t':
			indent = false
		}
		i += size
	}
}

// isBlank reports whether a line holds nothing but white space or a comment.
func isBlank(text []byte) bool {
	text = bytes.TrimSpace(text)
	return len(text) == 0 || text[0] == '#'
}
