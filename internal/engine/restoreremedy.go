package engine

import (
	"fmt"

	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// advised gives what ended a restore a remedy, where the sort of error has one: what
// helps a snapshot does not help here.
func advised(s *store.Store, r Restoring, res saga.Result) saga.Result {
	if res.Err == nil || store.Remedy(res.Err) != "" {
		return res
	}
	fault := s.Fault(res.Err)
	var remedy string
	switch {
	case fault == store.Quota && r.Request.InPlace && !r.Request.RenameFirst:
		// Renamed or not, the old one counts as long as it is there.
		remedy = "delete something that nobody needs, or ask AWS for a higher quota; --order rename-first needs room for two as well"
	case fault == store.Quota:
		remedy = "delete something that nobody needs, or ask AWS for a higher quota"
	case fault == store.Denied:
		remedy = "grant the permission to the role; `holdfast check --restores` lists all that are missing"
	default:
		return res
	}
	res.Err = &store.Error{Doing: fmt.Sprintf("restore %s at %s", r.Request.Name, r.Site), Fault: fault, Remedy: remedy, Err: res.Err}
	return res
}
