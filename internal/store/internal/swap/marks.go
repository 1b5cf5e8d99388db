package swap

import (
	"maps"
	"slices"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Marks puts together the restores that are under way at a site.
type Marks struct {
	Site  dr.Site
	found map[string]*store.Mark
}

// Add takes in the tags of one resource. A mark that cannot be read is not ours to
// touch.
func (m *Marks) Add(name string, tags dr.Tags) {
	mark, ok, err := store.ParseMark(tags)
	if !ok || err != nil {
		return
	}
	if m.found == nil {
		m.found = map[string]*store.Mark{}
	}
	if m.found[mark.ID] == nil {
		mark.Site, mark.On = m.Site, map[string]string{}
		m.found[mark.ID] = &mark
	}
	m.found[mark.ID].On[tags[dr.TagRole]] = name
}

// All gives them in the order of their IDs.
func (m *Marks) All() []store.Mark {
	out := make([]store.Mark, 0, len(m.found))
	for _, id := range slices.Sorted(maps.Keys(m.found)) {
		out = append(out, *m.found[id])
	}
	return out
}
