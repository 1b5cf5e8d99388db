package policy

import (
	"github.com/goccy/go-yaml/token"
)

// Limits on the shape of a policy file. The deepest that the language needs is 5;
// a policy has some 20 keys, and the time that the parser takes grows with the
// square of their number.
const (
	maxDepth  = 16
	maxTokens = 50_000
	maxKeys   = 8_000
)

// checkTokens refuses, before anything is parsed or expanded, what a policy file
// does not need and a parser can choke on: anchors, aliases and merge keys (an
// alias can stand for a billion nodes), YAML tags and directives, several
// documents, and deep nesting.
func (r *reporter) checkTokens(tokens token.Tokens) bool {
	if len(tokens) > maxTokens {
		r.fail(Pos{1, 1}, "is it the right file?", "the file has more than %d parts", maxTokens)
		return false
	}
	if keys := countKeys(tokens); keys > maxKeys {
		r.fail(Pos{1, 1}, "is it the right file?", "the file has %d keys; a policy file has at most %d", keys, maxKeys)
		return false
	}
	d := depth{}
	content, line := false, 0
	for i, t := range tokens {
		at := tokenPos(t)
		if hint, what := refused(t); what != "" {
			r.fail(at, hint, "%s", what)
		}
		if t.Type == token.DocumentHeaderType && content {
			r.fail(at, "put the second in its own file", "a second YAML document; a policy file is one")
			return false
		}
		content = content || t.Type != token.CommentType && t.Type != token.DocumentHeaderType
		var next *token.Token
		if i+1 < len(tokens) {
			next = tokens[i+1]
		}
		if d.take(t, next, t.Position.Line != line) > maxDepth {
			r.fail(at, "is it the right file?", "nested more than %d levels deep", maxDepth)
			return false
		}
		line = t.Position.Line
		if len(r.problems) >= maxProblems {
			return false
		}
	}
	return len(r.problems) == 0
}

func countKeys(tokens token.Tokens) int {
	n := 0
	for _, t := range tokens {
		if t.Type == token.MappingValueType {
			n++
		}
	}
	return n
}

func refused(t *token.Token) (hint, what string) {
	const repeat = "write it out where it is needed"
	switch t.Type {
	case token.AnchorType:
		return repeat, "YAML anchors (&) are not supported"
	case token.AliasType:
		return repeat + `; a text that begins with * must be quoted`, "YAML aliases (*) are not supported"
	case token.MergeKeyType:
		return repeat, "YAML merge keys (<<) are not supported"
	case token.TagType:
		return "quote a text that begins with !", "YAML tags (!) are not supported"
	case token.DirectiveType:
		return "remove the line", "YAML directives (%) are not supported"
	case token.MappingKeyType:
		return "write key: value; quote a text that begins with ?", "YAML complex keys (?) are not supported"
	case token.InvalidType:
		return "", "not valid YAML: " + t.Error
	default:
		return "", ""
	}
}

func tokenPos(t *token.Token) Pos {
	if t == nil || t.Position == nil {
		return Pos{1, 1}
	}
	return Pos{max(t.Position.Line, 1), max(t.Position.Column, 1)}
}

// depth follows how deep the tokens are nested.
type depth struct {
	flow    int
	columns []int // where the open blocks begin
}

// take gives the depth at a token. Within brackets these count; outside, a block
// is open as long as the lines after it are indented further.
func (d *depth) take(t, next *token.Token, firstOnLine bool) int {
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		d.flow++
	case token.SequenceEndType, token.MappingEndType:
		d.flow = max(d.flow-1, 0)
	default: // No bracket.
	}
	isKey := next != nil && next.Type == token.MappingValueType
	if d.flow == 0 && (firstOnLine || isKey || t.Type == token.SequenceEntryType) {
		column := t.Position.Column
		for len(d.columns) > 0 && d.columns[len(d.columns)-1] >= column {
			d.columns = d.columns[:len(d.columns)-1]
		}
		d.columns = append(d.columns, column)
	}
	return d.flow + len(d.columns)
}
