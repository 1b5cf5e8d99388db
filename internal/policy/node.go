package policy

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// shape is what a node of the file is.
type shape int

const (
	nothing shape = iota // a key without a value, or null
	text
	mapping
	list
)

// node is one value of the policy file: YAML without what the policy language
// does not use, and with its place.
type node struct {
	shape shape
	pos   Pos
	// text is a scalar as it was written, without its quotes.
	text string
	// kind tells what an unquoted scalar looks like: "a number", "true or false",
	// or nothing special.
	kind    string
	quoted  bool
	items   []*node
	entries []entry
}

// entry is one key of a mapping.
type entry struct {
	key   string
	pos   Pos
	value *node
}

// describe names the node's shape in an error.
func (n *node) describe() string {
	switch n.shape {
	case nothing:
		return "nothing"
	case mapping:
		return "a mapping"
	case list:
		return "a list"
	default:
		if n.kind != "" {
			return n.kind
		}
		return "a text"
	}
}

// build turns goccy's tree into nodes. at is where to complain about what has no
// place of its own.
func (r *reporter) build(n ast.Node, at Pos) *node {
	if n == nil {
		return &node{pos: at}
	}
	switch n := n.(type) {
	case *ast.NullNode:
		return &node{pos: at}
	case *ast.MappingNode:
		return r.buildMapping(n.Values, mappingPos(n, at))
	case *ast.MappingValueNode:
		return r.buildMapping([]*ast.MappingValueNode{n}, tokenPos(n.Key.GetToken()))
	case *ast.SequenceNode:
		out := &node{shape: list, pos: tokenPos(n.Start)}
		for _, v := range n.Values {
			out.items = append(out.items, r.build(v, out.pos))
		}
		return out
	case *ast.StringNode:
		quoted := n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType
		return &node{shape: text, pos: tokenPos(n.Token), text: n.Value, quoted: quoted}
	case *ast.LiteralNode:
		return &node{shape: text, pos: tokenPos(n.Start), text: n.Value.Value}
	case *ast.BoolNode:
		return scalar(n.Token, "true or false")
	case *ast.IntegerNode:
		return scalar(n.Token, "a number")
	case *ast.FloatNode:
		return scalar(n.Token, "a number")
	case *ast.InfinityNode:
		return scalar(n.Token, "a number")
	case *ast.NanNode:
		return scalar(n.Token, "a number")
	default:
		r.fail(at, "", "%s has no place in a policy file", n.Type())
		return &node{pos: at}
	}
}

func scalar(t *token.Token, kind string) *node {
	return &node{shape: text, pos: tokenPos(t), text: t.Value, kind: kind}
}

// mappingPos is where a mapping begins: its brace, or its first key.
func mappingPos(n *ast.MappingNode, at Pos) Pos {
	switch {
	case n.IsFlowStyle && n.Start != nil:
		return tokenPos(n.Start)
	case len(n.Values) > 0:
		return tokenPos(n.Values[0].Key.GetToken())
	default:
		return at
	}
}

func (r *reporter) buildMapping(values []*ast.MappingValueNode, pos Pos) *node {
	out := &node{shape: mapping, pos: pos}
	seen := map[string]Pos{}
	for _, v := range values {
		key, ok := r.keyText(v.Key)
		if !ok {
			continue
		}
		at := tokenPos(v.Key.GetToken())
		if first, dup := seen[key]; dup {
			r.fail(at, "keep one of them", "key %q is there already, on line %d", clip(key), first.Line)
			continue
		}
		seen[key] = at
		out.entries = append(out.entries, entry{key, at, r.build(v.Value, at)})
	}
	return out
}

func (r *reporter) keyText(k ast.MapKeyNode) (string, bool) {
	switch k := k.(type) {
	case *ast.StringNode:
		return k.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
		return k.GetToken().Value, true
	default:
		r.fail(tokenPos(k.GetToken()), "", "a key must be a plain text")
		return "", false
	}
}
