// Package all is the one list of the kinds of stores that holdfast knows.
package all

import (
	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/rds"
)

// Drivers makes a driver of every kind.
func Drivers(s store.Sessions) []store.Driver {
	return []store.Driver{
		rds.New(s),
	}
}

// Kinds lists the kinds, for checking policy files.
func Kinds() []dr.Kind {
	var kinds []dr.Kind
	for _, d := range Drivers(nil) {
		kinds = append(kinds, d.Kind())
	}
	return kinds
}
