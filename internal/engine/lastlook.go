package engine

import (
	"context"
	"fmt"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// look is what the last look says of one delete.
type look struct {
	// why says why it is left alone; empty where it may go.
	why string
	// members are those that the snapshot has now.
	members []string
}

// lastLook reads the snapshots of a scope anew, and says of each delete in the
// order in which they are given.
func (e *Engine) lastLook(ctx context.Context, s *store.Store, scope dr.Scope, actions []plan.Action, others []dr.Snapshot) ([]look, error) {
	if s == nil {
		return nil, fmt.Errorf("delete %s snapshots: no such store", scope.Kind)
	}
	fresh, err := s.Snapshots(ctx, scope.Site)
	if err != nil {
		return nil, stopped(ctx, err)
	}
	if fresh, err = e.sure(ctx, s, scope, fresh, actions); err != nil {
		return nil, stopped(ctx, err)
	}
	for _, o := range others {
		if o.Ref.Scope() != scope {
			fresh = append(fresh, o)
		}
	}
	return e.judge(fresh, actions), nil
}

// abroad gives the snapshots of a plan's inventory that the last look at one scope
// needs of the others: copies that are being made, and what else holds the data of
// what was only on the way.
func abroad(p plan.Plan, inv dr.Inventory) []dr.Snapshot {
	type lineage struct{ source, policy string }
	cleared := map[lineage]bool{}
	deletes := false
	for _, a := range p.Actions {
		if a.Verb != plan.Delete {
			continue
		}
		deletes = true
		if a.Claim.Stage != "" {
			cleared[lineage{a.Claim.Source, a.Claim.Policy}] = true
		}
	}
	if !deletes {
		return nil
	}
	var out []dr.Snapshot
	for _, s := range inv.Snapshots {
		pending := s.State == dr.Pending && (s.Claim.Origin != "" || s.Presumed != nil && s.Presumed.Origin != "")
		if pending || s.State == dr.Good && s.Claim.Stage == "" && cleared[lineage{s.Claim.Source, s.Claim.Policy}] {
			out = append(out, s)
		}
	}
	return out
}

// judge puts the deletes of what is still as the plan saw it through its check, and
// says why the others are left alone.
func (e *Engine) judge(fresh []dr.Snapshot, actions []plan.Action) []look {
	looks := make([]look, len(actions))
	there := indexed(fresh)
	var going []plan.Action
	at := map[dr.Ref]int{}
	for n, a := range actions {
		if looks[n].why = there.changed(a); looks[n].why != "" {
			continue
		}
		looks[n].members = there.byName[a.From].Members
		at[a.From] = n
		going = append(going, a)
	}
	for _, v := range plan.Check(plan.Plan{Actions: going}, e.File, dr.Inventory{Snapshots: fresh}) {
		if mine := &looks[at[v.Action.From]]; mine.why == "" {
			mine.why = v.Why // The first is the plainest.
		}
	}
	return looks
}

// index finds snapshots by what a delete was planned with.
type index struct {
	byName   map[dr.Ref]*dr.Snapshot
	byMember map[string]*dr.Snapshot
}

func indexed(snaps []dr.Snapshot) index {
	ix := index{map[dr.Ref]*dr.Snapshot{}, map[string]*dr.Snapshot{}}
	for i := range snaps {
		ix.byName[snaps[i].Ref] = &snaps[i]
		for _, m := range snaps[i].Members {
			ix.byMember[m] = &snaps[i]
		}
	}
	return ix
}

// changed says why a snapshot is not the one that a delete was planned for; empty
// when it is. A name is not enough: of two duplicates the second gets the name of the
// first when that is gone, and is a duplicate no more.
func (ix index) changed(a plan.Action) string {
	x := ix.byName[a.From]
	if len(a.Members) == 0 {
		switch {
		case x == nil:
			return "it is gone already"
		case len(x.Members) > 0 || !a.Taken.IsZero() && !x.Taken.Equal(a.Taken):
			return "another one has its name by now"
		}
		return ""
	}
	here, elsewhere := 0, 0
	for _, m := range a.Members {
		switch ix.byMember[m] {
		case nil: // Some may have gone since.
		case x:
			here++
		default:
			elsewhere++
		}
	}
	switch {
	case here+elsewhere == 0:
		return "it is gone already"
	case elsewhere > 0 || here < len(x.Members):
		return "it has changed since the plan was made; the next run looks at it anew"
	}
	return ""
}
