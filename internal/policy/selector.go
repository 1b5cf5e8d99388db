package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Selector says which resources are meant. Within it everything that is stated
// must hold; of a list one entry is enough. The zero Selector means nothing.
type Selector struct {
	// Kinds lists kinds of stores.
	Kinds []dr.Kind
	// Sites lists the sites where the resource may live.
	Sites []string
	// Tags must all be there with these values; the value "*" stands for any.
	Tags dr.Tags
	// Name must match the resource's name.
	Name Pattern
	// Exclude takes out what it matches; it is read in the same way, so that all
	// that it states must hold.
	Exclude *Selector
}

// AnyValue as the value of a tag in a selector stands for any value.
const AnyValue = "*"

// Empty reports whether nothing is stated that could choose a resource.
func (s Selector) Empty() bool {
	return len(s.Kinds) == 0 && len(s.Sites) == 0 && len(s.Tags) == 0 && s.Name.Empty()
}

// Matches reports whether the resource is meant.
func (s Selector) Matches(r dr.Resource) bool {
	if s.Empty() || s.Exclude != nil && s.Exclude.Matches(r) {
		return false
	}
	if len(s.Kinds) > 0 && !slices.Contains(s.Kinds, r.Ref.Kind) {
		return false
	}
	if len(s.Sites) > 0 && !slices.Contains(s.Sites, r.Ref.Site.Name) {
		return false
	}
	for k, want := range s.Tags {
		if have, ok := r.Tags[k]; !ok || want != AnyValue && have != want {
			return false
		}
	}
	return s.Name.Empty() || s.Name.Match(r.Name)
}

// String gives the selector in one fixed form: selectors that read the same
// match the same.
func (s Selector) String() string {
	var parts []string
	if len(s.Kinds) > 0 {
		parts = append(parts, "kinds "+joinSorted(s.Kinds))
	}
	if len(s.Sites) > 0 {
		parts = append(parts, "sites "+joinSorted(s.Sites))
	}
	for _, k := range slices.Sorted(maps.Keys(s.Tags)) {
		parts = append(parts, fmt.Sprintf("tag %q=%q", k, s.Tags[k]))
	}
	if !s.Name.Empty() {
		parts = append(parts, fmt.Sprintf("name %q", s.Name))
	}
	if s.Exclude != nil {
		parts = append(parts, "except ("+s.Exclude.String()+")")
	}
	return strings.Join(parts, ", ")
}

func joinSorted[S ~string](list []S) string {
	words := make([]string, len(list))
	for i, w := range list {
		words[i] = string(w)
	}
	slices.Sort(words)
	return strings.Join(slices.Compact(words), "|")
}
