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
	// Stopped: it does not serve, nor can it be renamed, until somebody starts it.
	Stopped bool
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
	f := w.Cloud.Facts(t)
	if f.Deleting && f.Broken == nil { // Whoever waits for it would wait in vain.
		f.Broken = fmt.Errorf("%s %s is being deleted", w.Cloud.Noun(), name)
	}
	return one[T]{f, t, true}, nil
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
		return w.probeMark(o, st)
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

// probeMark: there is room for one mark, and whose it is may restore. Of two that write
// theirs at once the last one stays, and the other one sees it here or when it is to take
// the name away.
func (w Worker[T]) probeMark(o one[T], st saga.Step) (saga.Progress, error) {
	if o.is(st, dr.RoleOld) && o.Tags[dr.TagRestore] != "" && o.Tags[dr.TagRestore] != st.Args["id"] {
		return saga.Progress{}, saga.Hopeless(w.anothers(o))
	}
	return doneIf(o.marked(st, dr.RoleOld), o)
}

// anothers says that another restore has the old one.
func (w Worker[T]) anothers(o one[T]) error {
	id := o.Tags[dr.TagRestore]
	return &store.Error{
		Doing: "restore " + o.Name + " in place", Fault: store.Conflict, Err: fmt.Errorf("restore %s of this %s is under way", id, w.Cloud.Noun()),
		Remedy: "`holdfast restore resume " + id + "` goes on with that one, `holdfast restore abort " + id + "` takes it back",
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
	if unprotectable(o, st) {
		return at(saga.NotYet, o)
	}
	if o.Tags[dr.TagRestored] != st.Args["id"] || o.Tags[dr.TagRestore] != "" {
		return doneIf(false, o)
	}
	want, err := dr.Config(st.Args["settings"]).Settings()
	if err != nil {
		return saga.Progress{}, saga.Hopeless(err)
	}
	return doneIf(o.Protected == (want["protected"] == "yes"), o)
}

// unprotectable: what is backed up or changed just now cannot be protected, and that
// passes.
func unprotectable[T any](o one[T], st saga.Step) bool {
	want, err := dr.Config(st.Args["settings"]).Settings()
	return err == nil && o.marked(st, dr.RoleNew) && !o.Changeable && o.Protected != (want["protected"] == "yes")
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
		return w.mark(ctx, o, st)
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

// mark marks the old one: that for which the restore was planned, and no other that has
// got its name since.
func (w Worker[T]) mark(ctx context.Context, o one[T], st saga.Step) error {
	switch id := o.Tags[dr.TagRestore]; {
	case !o.is(st, dr.RoleOld):
		return &store.Error{
			Doing: "mark " + o.Name, Fault: store.Conflict, Err: fmt.Errorf("%s %s is not the one any more that it was when the restore was planned", w.Cloud.Noun(), o.Name),
			Remedy: "look whether it was restored meanwhile, and plan the restore anew",
		}
	case id != "" && id != st.Args["id"]:
		return w.anothers(o)
	}
	return w.Cloud.Tag(ctx, o.it, mark(st, dr.RoleOld))
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
	if st.Args[markedArg] != "" && to == st.Args["to"] && o.Tags[dr.TagRestore] != st.Args["id"] {
		if o.Tags[dr.TagRestore] != "" {
			return w.anothers(o)
		}
		return &store.Error{ // It can show late.
			Doing: "rename " + o.Name, Fault: store.Busy, Err: fmt.Errorf("%s %s does not bear the mark of restore %s", w.Cloud.Noun(), o.Name, st.Args["id"]),
			Remedy: "look whether somebody took its tags off",
		}
	}
	return w.Cloud.Rename(ctx, o.it, to)
}

// mostTags is how many tags AWS allows (AWS General Reference, "Tagging your AWS
// resources").
const mostTags = 50

// keep says on the old one until when it is kept, and takes its mark off: the new one
// bears it still.
func (w Worker[T]) keep(ctx context.Context, o one[T], st saga.Step) error {
	if !o.is(st, dr.RoleOld) {
		return fmt.Errorf("%s %s is not the old one", w.Cloud.Noun(), o.Name)
	}
	kept := dr.Tags{dr.TagExpires: st.Args["until"], dr.TagKeeper: st.Args["owner"], dr.TagReplaced: st.Args["final"]}
	if len(o.Tags)+len(kept) > mostTags { // There is no room for both, and it is known by its ID too.
		if err := w.unmark(ctx, o); err != nil {
			return err
		}
	}
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

// finish protects the new one as the old one was and takes the marks off. What has the
// name may be the old one again, where somebody took the restore back at the same time.
func (w Worker[T]) finish(ctx context.Context, o one[T], st saga.Step) error {
	if o.marked(st, dr.RoleOld) || o.Tags[dr.TagRestore] != st.Args["id"] && o.Tags[dr.TagRestored] != st.Args["id"] {
		return fmt.Errorf("%s %s is not the new one", w.Cloud.Noun(), o.Name)
	}
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
		if err != nil || !w.burdened(o, st) {
			return err
		}
		return w.unburden(ctx, o, st)
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

// burdened reports whether the old one bears anything of the restore under its own name:
// the mark, or, where another process let go of it while this one took the restore back,
// the word that it was replaced by itself.
func (w Worker[T]) burdened(o one[T], st saga.Step) bool {
	return o.marked(st, dr.RoleOld) || o.is(st, dr.RoleOld) && o.Tags[dr.TagReplaced] == st.Args["name"]
}

func (w Worker[T]) unburden(ctx context.Context, o one[T], st saga.Step) error {
	if o.is(st, dr.RoleOld) && o.Tags[dr.TagReplaced] == st.Args["name"] {
		if err := w.Cloud.Untag(ctx, o.it, []string{dr.TagExpires, dr.TagKeeper, dr.TagReplaced}); err != nil {
			return err
		}
	}
	if !o.marked(st, dr.RoleOld) {
		return nil
	}
	return w.unmark(ctx, o)
}

// Undone looks whether a step is taken back.
func (w Worker[T]) Undone(ctx context.Context, st saga.Step) (bool, error) {
	switch st.Op {
	case OpMark:
		o, err := w.find(ctx, st.Args["name"])
		return err == nil && !w.burdened(o, st), err
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

// undoneRename: the old one has to have its name again and to answer, if it can; of the
// new one it is enough that it has not the old one's. Where neither name leads to the old
// one any more and another has its name, it was never renamed by this restore: another one
// was quicker.
func (w Worker[T]) undoneRename(ctx context.Context, st saga.Step) (bool, error) {
	role := st.Args["role"]
	from, err := w.find(ctx, st.Args["from"])
	if err != nil {
		return false, err
	}
	if from.is(st, role) {
		return (from.Serves || from.Stopped || from.Broken != nil) && !from.renaming(st.Args["to"]), nil
	}
	to, err := w.find(ctx, st.Args["to"])
	if role == dr.RoleNew {
		return err == nil && !to.is(st, role), err
	}
	return err == nil && from.found && !from.is(st, dr.RoleNew) && !to.found, err
}

// replaceable refuses to begin what would end, hours later, at an old one that cannot be
// renamed. What is under way was looked at when it was begun.
func (w Worker[T]) replaceable(ctx context.Context, r store.Restore) error {
	o, err := w.find(ctx, r.Name)
	if err != nil || !o.found || o.ID != r.Old || o.Tags[dr.TagRestore] != "" || !o.Stopped && o.Broken == nil {
		return err
	}
	return &store.Error{
		Doing: "restore " + r.Name + " in place", Fault: store.Busy,
		Err:    fmt.Errorf("%s %s is %s, and cannot be given another name", w.Cloud.Noun(), r.Name, o.Status),
		Remedy: "bring it back to available, or restore under another name (--as)",
	}
}

// Free refuses a restore whose names others have, or whose old one cannot give up its.
func (w Worker[T]) Free(ctx context.Context, r store.Restore, limit int) error {
	names := []string{r.Name}
	if r.InPlace {
		if err := w.replaceable(ctx, r); err != nil {
			return err
		}
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
