package policy

import (
	_ "embed"
	"slices"
)

//go:embed example.yaml
var example []byte

// Example gives a policy file to start from, with comments.
func Example() []byte { return slices.Clone(example) }
