package policy

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	yaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Options is what Parse has to be told, because drivers declare it.
type Options struct {
	// Kinds are the known kinds of stores; empty: any.
	Kinds []dr.Kind
	// FileKinds are those whose snapshots are files, which is what a vault can
	// hold. Empty: not known, and vaults are accepted everywhere.
	FileKinds []dr.Kind
}

// Parse reads a policy file. file is its name, for the messages.
//
// An invalid file is refused whole: the error is an *Errors with every problem
// that was found, and the File is then empty. Warnings are for a person to read:
// the file is valid, but something in it is probably not meant.
func Parse(file string, data []byte, opt Options) (File, []Warning, error) {
	d := &decoder{reporter: reporter{file: file}, opt: opt}
	root := d.read(data)
	if root == nil {
		return File{}, nil, d.err()
	}
	d.top(root)
	if err := d.err(); err != nil {
		return File{}, d.sortedWarnings(), err
	}
	d.review()
	return d.out, d.sortedWarnings(), nil
}

// read turns text into nodes; nil when there is nothing to go on with.
func (r *reporter) read(data []byte) *node {
	data, ok := r.checkText(data)
	if !ok {
		return nil
	}
	tokens, ok := r.tokenize(string(data))
	if !ok || !r.checkTokens(tokens) {
		return nil
	}
	tree, err := parseTokens(tokens)
	if err != nil {
		r.syntax(err)
		return nil
	}
	if len(tree.Docs) == 0 || tree.Docs[0].Body == nil {
		r.fail(Pos{1, 1}, "holdfast init writes one to start from", "the file is empty")
		return nil
	}
	return r.build(tree.Docs[0].Body, Pos{1, 1})
}

// tokenize cuts the text into tokens. The YAML library has panicked on broken
// input before; should it again, that is the file's problem and not the end of
// the program. The same goes for parseTokens.
func (r *reporter) tokenize(data string) (tokens token.Tokens, ok bool) {
	defer func() {
		if p := recover(); p != nil {
			r.fail(Pos{1, 1}, "", "not valid YAML: the parser gave up: %v", p)
			ok = false
		}
	}()
	return lexer.Tokenize(data), true
}

func parseTokens(tokens token.Tokens) (tree *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the parser gave up: %v", p)
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// syntax reports what the YAML parser said, at the place it said it of.
func (r *reporter) syntax(err error) {
	if bad, ok := errors.AsType[*yaml.SyntaxError](err); ok {
		r.fail(tokenPos(bad.Token), "", "not valid YAML: %s", bad.Message)
		return
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	r.fail(Pos{1, 1}, "", "not valid YAML: %s", line)
}

// nameForm is what names look like, so that they fit into tags and identifiers
// everywhere.
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

const nameHint = "names are 1 to 40 lower-case letters, digits and hyphens, and do not begin with a hyphen"

func (r *reporter) checkName(what, name string, at Pos) bool {
	if nameForm.MatchString(name) {
		return true
	}
	r.fail(at, nameHint, "%q is no name for a %s", clip(name), what)
	return false
}
