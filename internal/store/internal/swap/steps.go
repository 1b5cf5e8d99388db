// Package swap holds what restores have in common of all stores that have a name and
// can be given another: the new one is made beside the old one, and then the two
// change names.
package swap

import (
	"fmt"
	"maps"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// The operations of a restore's steps. All others are the driver's own: something
// that is done to the new one.
const (
	OpMark    = "mark"
	OpRestore = "restore"
	OpReady   = "ready"
	OpRename  = "rename"
	OpKeep    = "keep"
	OpFinish  = "finish"
)

// markedArg is set where what is renamed has to bear the mark of the restore. Parts of
// it bear none.
const markedArg = "marked"

// Steps puts the steps of one restore together.
type Steps struct {
	// Restore is what was asked for; Beside is the name under which the new one is
	// made, and Away the one that the old one gets.
	Restore      store.Restore
	Beside, Away string

	// Answers is how long it takes until a renamed one answers under its new name.
	Answers time.Duration
	// Last, which may be nil, adds what is to be done after the old one was let go and
	// before the marks are taken off the new one.
	Last func()

	out []saga.Step
}

// New begins the steps of a restore; limit is how long a name may be.
func New(r store.Restore, limit int) *Steps {
	s := &Steps{Restore: r, Beside: r.Name, Away: r.Away(limit)}
	if r.InPlace && !r.RenameFirst {
		s.Beside = r.Beside(limit)
	}
	return s
}

// Saga gives the steps in their order: the new one is whole and checked before the
// old one loses its name, unless somebody wants it otherwise. The driver's own steps
// are added by restore, which makes the new one, and by follow, for what else has to
// change names after it; follow may be nil.
func (s *Steps) Saga(restore, follow func()) saga.Saga {
	r := s.Restore
	if r.InPlace {
		s.Add(saga.Step{Name: "mark", Title: "mark " + r.Name, Op: OpMark, Expect: 5 * time.Second, Deadline: 10 * time.Minute}, "name", r.Name)
	}
	if r.InPlace && r.RenameFirst {
		s.Rename("away", r.Name, s.Away, dr.RoleOld, markedArg, "yes")
	}
	restore()
	s.check("check", s.Beside)
	if r.InPlace && !r.RenameFirst {
		s.Add(saga.Step{Name: "ready", Title: "wait until it can be renamed", Op: OpReady, Looks: true, Expect: time.Minute, Deadline: 12 * time.Hour}, "name", s.Beside)
		s.Rename("away", r.Name, s.Away, dr.RoleOld, markedArg, "yes")
		s.Rename("in", s.Beside, r.Name, dr.RoleNew)
		if follow != nil {
			follow()
		}
		s.check("check-again", r.Name)
	}
	s.end()
	return saga.Saga{ID: r.ID, Title: s.title(), Steps: s.out}
}

func (s *Steps) title() string {
	if s.Restore.InPlace {
		return fmt.Sprintf("restore %s in place from %s", s.Restore.Name, s.Restore.From.Ref.ID)
	}
	return fmt.Sprintf("restore %s as %s", s.Restore.From.Ref.ID, s.Restore.Name)
}

// Add adds a step, with the arguments that all steps have and those that follow in
// pairs.
func (s *Steps) Add(st saga.Step, args ...string) {
	r := s.Restore
	all := map[string]string{
		"id": r.ID, "old": r.Old, "final": r.Name, "owner": r.Owner, "snapshot": r.From.Ref.ID, "request": string(r.Request()),
	}
	for i := 0; i+1 < len(args); i += 2 {
		all[args[i]] = args[i+1]
	}
	maps.Copy(all, st.Args)
	st.Args = all
	s.out = append(s.out, st)
}

// Make adds a step of the driver's own, which knows the settings that the new one is
// to have and, when it makes the new one, its tags.
func (s *Steps) Make(st saga.Step, args ...string) {
	args = append(args, "name", s.Beside, "settings", string(dr.WholeConfig(s.Restore.Settings)))
	st.Looks = st.Op != OpRestore // A reboot that is not needed yet is no sign that all before it was done.
	if st.Op == OpRestore {
		args = append(args, "tags", string(dr.WholeConfig(s.Restore.Tags)))
	}
	s.Add(st, args...)
}

// Rename adds a step that gives the old or the new one another name.
func (s *Steps) Rename(step, from, to, role string, args ...string) {
	lasts := time.Minute
	if role == dr.RoleNew {
		lasts += s.Answers
	}
	s.Add(saga.Step{
		Name: step, Title: "rename " + from + " to " + to, Op: OpRename, Expect: lasts, Deadline: 2 * time.Hour,
	}, append(args, "from", from, "to", to, "role", role)...)
}

func (s *Steps) check(step, name string) {
	if s.Restore.Checks != "" {
		s.Add(store.CheckStep(step, name))
	}
}

// end lets go of the old one, which is the pivot, and takes the marks off.
func (s *Steps) end() {
	r := s.Restore
	if r.InPlace {
		until := r.Begun.Add(r.KeepOld).UTC().Format(time.RFC3339)
		s.Add(saga.Step{
			Name: "let-go", Title: "keep the old one as " + s.Away + " until " + until, Op: OpKeep, Pivot: true,
			Expect: 5 * time.Second, Deadline: 10 * time.Minute,
		}, "name", s.Away, "until", until)
	}
	if s.Last != nil {
		s.Last()
	}
	s.Add(saga.Step{Name: "finish", Title: "take the marks off " + r.Name, Op: OpFinish, Expect: 5 * time.Second, Deadline: 12 * time.Hour},
		"name", r.Name, "settings", string(dr.WholeConfig(r.Settings)))
}
