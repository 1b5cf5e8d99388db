package swap

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Facts are what a restore has to know of a store that was found under a name.
type Facts struct {
	Name string
	// ID is what no rename changes.
	ID string
	// Status is the service's own word.
	Status string
	Tags   dr.Tags
	// Serves: it can be used. Changeable: it can be changed and renamed now.
	Serves, Changeable bool
	// RenamingTo is the name that it is just being given, or Somewhere where the service
	// does not tell; empty where it is given none.
	RenamingTo string
	// Deleting: it is on its way out. Protected: it cannot be deleted.
	Deleting, Protected bool
	// Broken says why it will never serve; nil where it may.
	Broken error
}

// Somewhere stands for a name that the service does not tell.
const Somewhere = "?"

// Cloud is what one kind of store offers at one site.
type Cloud[T any] interface {
	// Noun is what AWS calls one: "DB instance".
	Noun() string
	// Find looks for the one that has a name now.
	Find(ctx context.Context, name string) (t T, found bool, err error)
	Facts(t T) Facts
	Tag(ctx context.Context, t T, tags dr.Tags) error
	Untag(ctx context.Context, t T, keys []string) error
	Rename(ctx context.Context, t T, to string) error
	Protect(ctx context.Context, t T, on bool) error
	// Delete begins to delete one and all that belongs to it, without a final snapshot.
	// It is called again and again until nothing has the name any more.
	Delete(ctx context.Context, t T) error
	// Restore begins to make the new one, with these tags from the first call on.
	Restore(ctx context.Context, st saga.Step, tags dr.Tags) error
	// Settled reports whether a step of the driver's own has nothing left to do to the
	// new one, and Settle does it. Settle is called when it can be changed.
	Settled(ctx context.Context, t T, st saga.Step) (bool, error)
	Settle(ctx context.Context, t T, st saga.Step) error
}

// Worker does the steps.
type Worker[T any] struct{ Cloud Cloud[T] }

// one is what has a name: found is false where nothing has.
type one[T any] struct {
	Facts
	it    T
	found bool
}

func (w Worker[T]) find(ctx context.Context, name string) (one[T], error) {
	t, found, err := w.Cloud.Find(ctx, name)
	if err != nil {
		return one[T]{}, fmt.Errorf("look at %s %s: %w", w.Cloud.Noun(), name, err)
	}
	if !found {
		return one[T]{Facts: Facts{Status: "there is none"}}, nil
	}
	return one[T]{w.Cloud.Facts(t), t, true}, nil
}

// marked reports whether it bears the mark of a restore in a role.
func (o one[T]) marked(st saga.Step, role string) bool {
	return o.found && o.Tags[dr.TagRestore] == st.Args["id"] && o.Tags[dr.TagRole] == role
}

// is reports whether it is the old or the new one of a restore, whatever its name.
func (o one[T]) is(st saga.Step, role string) bool {
	if role == dr.RoleOld {
		return o.found && o.ID != "" && o.ID == st.Args["old"]
	}
	return o.marked(st, role)
}

func (o one[T]) renaming(to string) bool {
	return o.RenamingTo == Somewhere || strings.EqualFold(o.RenamingTo, to)
}

func at[T any](s saga.State, o one[T]) (saga.Progress, error) {
	return saga.Progress{State: s, Note: o.Status}, nil
}

func doneIf[T any](done bool, o one[T]) (saga.Progress, error) {
	if done {
		return at(saga.Done, o)
	}
	return at(saga.NotBegun, o)
}

// Probe looks how far a step has come.
func (w Worker[T]) Probe(ctx context.Context, st saga.Step) (saga.Progress, error) {
	if st.Op == OpRename {
		return w.probeRename(ctx, st)
	}
	o, err := w.find(ctx, st.Args["name"])
	if err != nil {
		return saga.Progress{}, err
	}
	switch st.Op {
	case OpMark:
		return doneIf(o.marked(st, dr.RoleOld), o)
	case OpRestore:
		return w.probeRestore(o, st)
	case OpReady:
		return probeReady(o, st)
	case OpKeep:
		return doneIf(o.is(st, dr.RoleOld) && o.Tags[dr.TagExpires] == st.Args["until"] && o.Tags[dr.TagRestore] == "", o)
	case OpFinish:
		return probeFinish(o, st)
	default:
		return w.probeMade(ctx, o, st)
	}
}

func (w Worker[T]) probeRestore(o one[T], st saga.Step) (saga.Progress, error) {
	switch {
	case !o.found:
		return at(saga.NotBegun, o)
	case !o.marked(st, dr.RoleNew):
		if st.Args["name"] == st.Args["final"] && o.is(st, dr.RoleOld) {
			return at(saga.NotBegun, o) // The old one still has the name.
		}
		return saga.Progress{}, saga.Hopeless(fmt.Errorf("there is another %s %s", w.Cloud.Noun(), st.Args["name"]))
	case o.Broken != nil:
		return saga.Progress{}, saga.Hopeless(o.Broken)
	case o.Serves:
		return at(saga.Done, o)
	default:
		return at(saga.Underway, o)
	}
}

// probeMade looks at what is done to the new one.
func (w Worker[T]) probeMade(ctx context.Context, o one[T], st saga.Step) (saga.Progress, error) {
	if !o.marked(st, dr.RoleNew) {
		return at(saga.NotBegun, o)
	}
	if o.Broken != nil {
		return saga.Progress{}, saga.Hopeless(o.Broken)
	}
	done, err := w.Cloud.Settled(ctx, o.it, st)
	switch {
	case err != nil:
		return saga.Progress{}, err
	case !o.Serves: // Which can be of a step before.
		return at(saga.NotYet, o)
	case done:
		return at(saga.Done, o)
	case !o.Changeable:
		return at(saga.NotYet, o)
	default:
		return at(saga.NotBegun, o)
	}
}

// probeReady: else it could not be renamed, and the old one would have gone too early.
func probeReady[T any](o one[T], st saga.Step) (saga.Progress, error) {
	switch {
	case !o.marked(st, dr.RoleNew):
		return at(saga.NotBegun, o)
	case o.Broken != nil:
		return saga.Progress{}, saga.Hopeless(o.Broken)
	case o.Changeable:
		return at(saga.Done, o)
	default:
		return at(saga.Underway, o)
	}
}

func (w Worker[T]) probeRename(ctx context.Context, st saga.Step) (saga.Progress, error) {
	role := st.Args["role"]
	to, err := w.find(ctx, st.Args["to"])
	if err != nil {
		return saga.Progress{}, err
	}
	if to.is(st, role) {
		// Nobody waits for the old one to answer under its new name: that its own name
		// is free is enough, and saves as long as a DNS name takes.
		if role == dr.RoleOld || to.Serves {
			return at(saga.Done, to)
		}
		return at(saga.Underway, to)
	}
	from, err := w.find(ctx, st.Args["from"])
	if err != nil {
		return saga.Progress{}, err
	}
	switch {
	case !from.is(st, role):
		return at(saga.NotBegun, from)
	case to.found && !to.is(st, dr.RoleOld) && !to.is(st, dr.RoleNew):
		return saga.Progress{}, saga.Hopeless(fmt.Errorf("there is another %s %s", w.Cloud.Noun(), st.Args["to"]))
	case from.renaming(st.Args["to"]):
		return at(saga.Underway, from)
	case !from.Changeable:
		return at(saga.NotYet, from)
	default:
		return at(saga.NotBegun, from)
	}
}

func probeFinish[T any](o one[T], st saga.Step) (saga.Progress, error) {
	if o.Tags[dr.TagRestored] != st.Args["id"] || o.Tags[dr.TagRestore] != "" {
		return doneIf(false, o)
	}
	want, err := dr.Config(st.Args["settings"]).Settings()
	if err != nil {
		return saga.Progress{}, saga.Hopeless(err)
	}
	return doneIf(o.Protected == (want["protected"] == "yes"), o)
}

// Do begins a step.
func (w Worker[T]) Do(ctx context.Context, st saga.Step) error {
	if st.Op == OpRestore {
		return w.restore(ctx, st)
	}
	name := st.Args["name"]
	if st.Op == OpRename {
		name = st.Args["from"]
	}
	o, err := w.find(ctx, name)
	if err != nil {
		return err
	}
	if !o.found { // What was renamed a moment ago may not show yet, so it is worth another try.
		return &store.Error{
			Doing: "find " + name, Fault: store.Busy, Err: fmt.Errorf("there is no %s %s", w.Cloud.Noun(), name),
			Remedy: "look whether somebody renamed or deleted it; `holdfast restore list` shows what is under way",
		}
	}
	switch st.Op {
	case OpMark:
		return w.Cloud.Tag(ctx, o.it, mark(st, dr.RoleOld))
	case OpReady:
		return nil
	case OpRename:
		return w.rename(ctx, o, st, st.Args["to"])
	case OpKeep:
		return w.keep(ctx, o, st)
	case OpFinish:
		return w.finish(ctx, o, st)
	}
	if !o.marked(st, dr.RoleNew) {
		return fmt.Errorf("%s %s is not the new one", w.Cloud.Noun(), name)
	}
	return w.Cloud.Settle(ctx, o.it, st)
}

func mark(st saga.Step, role string) dr.Tags {
	return dr.RestoreMark(st.Args["id"], role, dr.Config(st.Args["request"]))
}

func (w Worker[T]) restore(ctx context.Context, st saga.Step) error {
	tags, err := dr.Config(st.Args["tags"]).Settings()
	if err != nil {
		return err
	}
	all := dr.Tags(tags)
	maps.Copy(all, mark(st, dr.RoleNew))
	return w.Cloud.Restore(ctx, st, all)
}

// rename renames the old or the new one, and none else: what has the name may have
// changed since it was looked at.
func (w Worker[T]) rename(ctx context.Context, o one[T], st saga.Step, to string) error {
	if !o.is(st, st.Args["role"]) {
		return fmt.Errorf("%s %s is not the one to rename", w.Cloud.Noun(), o.Name)
	}
	return w.Cloud.Rename(ctx, o.it, to)
}

// keep says on the old one until when it is kept, and takes its mark off: the new one
// bears it still.
func (w Worker[T]) keep(ctx context.Context, o one[T], st saga.Step) error {
	if !o.is(st, dr.RoleOld) {
		return fmt.Errorf("%s %s is not the old one", w.Cloud.Noun(), o.Name)
	}
	kept := dr.Tags{dr.TagExpires: st.Args["until"], dr.TagKeeper: st.Args["owner"], dr.TagReplaced: st.Args["final"]}
	if err := w.Cloud.Tag(ctx, o.it, kept); err != nil {
		return err
	}
	return w.unmark(ctx, o)
}

func (w Worker[T]) unmark(ctx context.Context, o one[T]) error {
	keys := o.Tags.RestoreMarkKeys()
	if len(keys) == 0 {
		return nil
	}
	return w.Cloud.Untag(ctx, o.it, keys)
}

// finish protects the new one as the old one was and takes the marks off.
func (w Worker[T]) finish(ctx context.Context, o one[T], st saga.Step) error {
	want, err := dr.Config(st.Args["settings"]).Settings()
	if err != nil {
		return err
	}
	if protect := want["protected"] == "yes"; protect != o.Protected {
		if err := w.Cloud.Protect(ctx, o.it, protect); err != nil {
			return err
		}
	}
	if err := w.Cloud.Tag(ctx, o.it, dr.Tags{dr.TagRestored: st.Args["id"]}); err != nil {
		return err
	}
	return w.unmark(ctx, o)
}

// Undo begins to take back a step. Only what bears the mark of this very restore is
// ever deleted.
func (w Worker[T]) Undo(ctx context.Context, st saga.Step) error {
	switch st.Op {
	case OpMark:
		o, err := w.find(ctx, st.Args["name"])
		if err != nil || !o.marked(st, dr.RoleOld) {
			return err
		}
		return w.unmark(ctx, o)
	case OpRestore:
		o, err := w.find(ctx, st.Args["name"])
		if err != nil || !o.marked(st, dr.RoleNew) {
			return err
		}
		return w.Cloud.Delete(ctx, o.it)
	case OpRename:
		o, err := w.find(ctx, st.Args["to"])
		if err != nil || !o.is(st, st.Args["role"]) || o.renaming(st.Args["from"]) {
			return err
		}
		return w.rename(ctx, o, st, st.Args["from"])
	case OpKeep:
		o, err := w.find(ctx, st.Args["name"])
		if err != nil || !o.is(st, dr.RoleOld) || o.Tags[dr.TagExpires] == "" {
			return err
		}
		return w.Cloud.Untag(ctx, o.it, []string{dr.TagExpires, dr.TagKeeper, dr.TagReplaced})
	}
	return nil
}

// Undone looks whether a step is taken back.
func (w Worker[T]) Undone(ctx context.Context, st saga.Step) (bool, error) {
	switch st.Op {
	case OpMark:
		o, err := w.find(ctx, st.Args["name"])
		return err == nil && !o.marked(st, dr.RoleOld), err
	case OpRestore:
		o, err := w.find(ctx, st.Args["name"])
		return err == nil && !o.marked(st, dr.RoleNew), err
	case OpRename:
		return w.undoneRename(ctx, st)
	case OpKeep:
		o, err := w.find(ctx, st.Args["name"])
		return err == nil && (!o.is(st, dr.RoleOld) || o.Tags[dr.TagExpires] == ""), err
	}
	return true, nil
}

// undoneRename: the old one has to have its name again and to answer; of the new one
// it is enough that it has not the old one's.
func (w Worker[T]) undoneRename(ctx context.Context, st saga.Step) (bool, error) {
	role := st.Args["role"]
	from, err := w.find(ctx, st.Args["from"])
	if err != nil {
		return false, err
	}
	if from.is(st, role) {
		return from.Serves && !from.renaming(st.Args["to"]), nil
	}
	to, err := w.find(ctx, st.Args["to"])
	return err == nil && role == dr.RoleNew && !to.is(st, role), err
}

// Free refuses a restore whose names others have.
func (w Worker[T]) Free(ctx context.Context, r store.Restore, limit int) error {
	names := []string{r.Name}
	if r.InPlace {
		names = []string{r.Beside(limit), r.Away(limit)}
	}
	for _, name := range names {
		o, err := w.find(ctx, name)
		switch {
		case err != nil:
			return err
		case o.found && o.Tags[dr.TagRestore] != r.ID && (r.Old == "" || o.ID != r.Old):
			return &store.Error{
				Doing: "restore as " + name, Fault: store.Conflict, Err: fmt.Errorf("there is a %s %s already", w.Cloud.Noun(), name),
				Remedy: "restore under another name (--as), or in its place (--in-place)",
			}
		}
	}
	return nil
}

// Retire deletes an old one that was kept until now. Its tags are read again before:
// they still have to say what the plan saw.
func (w Worker[T]) Retire(ctx context.Context, a plan.Action) error {
	o, err := w.find(ctx, a.From.ID)
	switch {
	case err != nil:
		return err
	case !o.found || o.Deleting:
		return nil
	}
	for _, k := range [...]string{dr.TagExpires, dr.TagKeeper, dr.TagReplaced} {
		if o.Tags[k] == "" || o.Tags[k] != a.Tags[k] {
			return &store.Error{
				Doing: "delete " + a.From.ID, Fault: store.Conflict,
				Err:    fmt.Errorf("the tags of %s %s have changed since it was looked at (%s)", w.Cloud.Noun(), a.From.ID, k),
				Remedy: "the next run looks again",
			}
		}
	}
	if o.Protected {
		if err := w.Cloud.Protect(ctx, o.it, false); err != nil {
			return fmt.Errorf("lift the deletion protection of %s: %w", a.From.ID, err)
		}
	}
	return w.Cloud.Delete(ctx, o.it)
}
