package elasticache

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// tagChange, on the new one, says which change of records was asked for last, and
// whether it points to the new one or back: so that any machine can wait for it.
const tagChange = dr.TagRestore + "-change"

const (
	toNew = "new"
	toOld = "old"
)

// showsLate is how long what was made may not show: when a half-made cache is to go and
// is not there, it is looked for once more after that.
const showsLate = 15 * time.Second

// Worker does the steps of restores at a site.
func (d *Driver) Worker(ctx context.Context, site dr.Site) (saga.Worker, error) {
	m, err := d.maker(ctx, site)
	return worker{m}, err
}

type worker struct{ *maker }

func progress(s saga.State, note string) (saga.Progress, error) {
	return saga.Progress{State: s, Note: note}, nil
}

// Probe looks how far a step has come.
func (w worker) Probe(ctx context.Context, st saga.Step) (saga.Progress, error) {
	if st.Op == opKeep {
		return w.probeKeep(ctx, st)
	}
	c, found, err := w.look(ctx, st.Args["new"])
	switch {
	case err != nil:
		return saga.Progress{}, err
	case !found:
		return progress(saga.NotBegun, "there is none")
	}
	whose, tags, err := w.whose(ctx, c, st.Args["id"])
	if err != nil {
		return saga.Progress{}, err
	}
	if st.Op == opFinish && whose == finished && tags[dr.TagRestore] == "" {
		return progress(saga.Done, c.status)
	}
	if broken := c.broken(); broken != nil && whose != others && whose != finished {
		return saga.Progress{}, saga.Hopeless(fmt.Errorf("%w: what it is made from may not fit into it, or its network is wrong", broken))
	}
	switch st.Op {
	case opMake:
		return probeMake(c, whose)
	case opSettle:
		return w.probeSettle(ctx, c, whose, st)
	case opPoint:
		return w.probePoint(ctx, c, whose, tags, st)
	case opFinish:
		return probeFinish(c, whose)
	}
	return saga.Progress{}, saga.Hopeless(fmt.Errorf("%s cannot %s", Kind, st.Op))
}

func probeMake(c cacheNow, whose belongs) (saga.Progress, error) {
	switch {
	case whose == others:
		return saga.Progress{}, saga.Hopeless(fmt.Errorf("there is another %s %s", noun(c.form), c.name))
	case whose != unclear && c.serves():
		return progress(saga.Done, c.status)
	default:
		return progress(saga.Underway, c.status)
	}
}

// probeSettle never says of a cache that is being made that this is under way: nobody
// would begin it then.
func (w worker) probeSettle(ctx context.Context, c cacheNow, whose belongs, st saga.Step) (saga.Progress, error) {
	if whose == others || whose == finished || c.deleting() {
		return progress(saga.NotBegun, c.status)
	}
	if !c.serves() {
		return progress(saga.NotYet, c.status)
	}
	want, err := dr.Config(st.Args["settings"]).Settings()
	if err != nil {
		return saga.Progress{}, saga.Hopeless(err)
	}
	is, err := w.settingsNow(ctx, c)
	if err != nil {
		return saga.Progress{}, err
	}
	settled := len(unsettled(c.form, c.name, is, want)) == 0
	switch {
	case want["auth"] != is["auth"]:
		return saga.Progress{}, saga.Hopeless(fmt.Errorf("%s %s does not ask for an AUTH token as the old one did", noun(c.form), c.name))
	case settled && c.ready() && whose == ours:
		return progress(saga.Done, c.status)
	case settled:
		return progress(saga.Underway, c.status)
	case !c.ready():
		return progress(saga.NotYet, c.status)
	default:
		return progress(saga.NotBegun, c.status)
	}
}

func probeFinish(c cacheNow, whose belongs) (saga.Progress, error) {
	if whose == unclear || !c.ready() {
		return progress(saga.NotYet, c.status)
	}
	return progress(saga.NotBegun, c.status)
}

// probeKeep looks at the old one.
func (w worker) probeKeep(ctx context.Context, st saga.Step) (saga.Progress, error) {
	c, found, err := w.look(ctx, st.Args["old"])
	switch {
	case err != nil:
		return saga.Progress{}, err
	case !found:
		return w.probeNoneToKeep(ctx, st)
	}
	tags, ok, err := w.tagsNow(ctx, c)
	switch {
	case err != nil:
		return saga.Progress{}, err
	case !ok:
		return progress(saga.NotYet, c.status)
	case tags[dr.TagExpires] == st.Args["until"] && tags[dr.TagReplaced] == st.Args["new"]:
		return progress(saga.Done, c.status)
	}
	return progress(saga.NotBegun, c.status)
}

// probeNoneToKeep: an old one that somebody deleted is not waited for, if the new one has
// its place. That would never end, and no policy takes snapshots of what bears a mark.
func (w worker) probeNoneToKeep(ctx context.Context, st saga.Step) (saga.Progress, error) {
	const none = "there is none"
	c, found, err := w.look(ctx, st.Args["new"])
	if err != nil || !found {
		return saga.Progress{State: saga.NotBegun, Note: none}, err
	}
	whose, tags, err := w.whose(ctx, c, st.Args["id"])
	if err != nil || whose != ours {
		return saga.Progress{State: saga.NotBegun, Note: none}, err
	}
	if p, err := w.probePoint(ctx, c, whose, tags, st); err != nil || p.State != saga.Done {
		return saga.Progress{State: saga.NotBegun, Note: none}, nil //nolint:nilerr // The step before says what is wrong with the records.
	}
	if err := rest(ctx, showsLate); err != nil {
		return saga.Progress{}, err
	}
	_, found, err = w.look(ctx, st.Args["old"])
	if err != nil || found {
		return saga.Progress{State: saga.NotBegun}, err
	}
	return progress(saga.Done, none)
}

// Do begins a step.
func (w worker) Do(ctx context.Context, st saga.Step) error {
	if st.Op == opMake {
		return w.make(ctx, st)
	}
	if st.Op == opKeep {
		return w.keep(ctx, st)
	}
	c, found, err := w.look(ctx, st.Args["new"])
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%s: %w", st.Args["new"], errGone)
	}
	whose, tags, err := w.whose(ctx, c, st.Args["id"])
	switch {
	case err != nil:
		return err
	case whose == unclear:
		return fmt.Errorf("%s %s: %w", noun(c.form), c.name, errUnread)
	case whose != ours && (whose != finished || st.Op != opFinish):
		return fmt.Errorf("%s %s is not the one that this restore made", noun(c.form), c.name)
	}
	switch st.Op {
	case opSettle:
		want, err := dr.Config(st.Args["settings"]).Settings()
		if err != nil {
			return err
		}
		is, err := w.settingsNow(ctx, c)
		if err != nil {
			return err
		}
		return w.settle(ctx, c, is, want)
	case opPoint:
		return w.point(ctx, c, st)
	case opFinish:
		return w.finish(ctx, c, tags, st)
	}
	return fmt.Errorf("%s cannot %s", Kind, st.Op)
}

// keep says on the old one until when it is kept.
func (w worker) keep(ctx context.Context, st saga.Step) error {
	c, found, err := w.look(ctx, st.Args["old"])
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("the old one, %s: %w; somebody else has deleted it", st.Args["old"], errGone)
	}
	tags := dr.Tags{dr.TagExpires: st.Args["until"], dr.TagKeeper: st.Args["owner"], dr.TagReplaced: st.Args["new"]}
	if text := recordsTag(st); text != "" {
		tags[tagRecords] = text
	}
	return w.addTags(ctx, c, tags)
}

func (w worker) addTags(ctx context.Context, c cacheNow, tags dr.Tags) error {
	out, err := w.AddTagsToResource(ctx, &elasticache.AddTagsToResourceInput{ResourceName: &c.arn, Tags: sdkTags(tags)})
	if err != nil {
		return fmt.Errorf("tag %s %s: %w", noun(c.form), c.name, err)
	}
	w.memory.read(c.arn, plainTags(out.TagList)) // The answer holds all tags.
	return nil
}

// finish takes the marks off the new one.
func (w worker) finish(ctx context.Context, c cacheNow, tags dr.Tags, st saga.Step) error {
	if err := w.addTags(ctx, c, dr.Tags{dr.TagRestored: st.Args["id"]}); err != nil {
		return err
	}
	keys := tags.RestoreMarkKeys()
	if _, ok := tags[tagChange]; ok {
		keys = append([]string{tagChange}, keys...)
	}
	if len(keys) == 0 {
		return nil
	}
	out, err := w.RemoveTagsFromResource(ctx, &elasticache.RemoveTagsFromResourceInput{ResourceName: &c.arn, TagKeys: keys})
	if err != nil {
		return fmt.Errorf("take the marks off %s %s: %w", noun(c.form), c.name, err)
	}
	w.memory.read(c.arn, plainTags(out.TagList))
	return nil
}

// Undo begins to take back a step. Only what bears the mark of this very restore is
// ever deleted.
func (w worker) Undo(ctx context.Context, st saga.Step) error {
	switch st.Op {
	case opMake:
		c, found, err := w.look(ctx, st.Args["new"])
		if err != nil || !found {
			return err
		}
		whose, _, err := w.whose(ctx, c, st.Args["id"])
		switch {
		case err != nil || whose == others || whose == finished:
			return err
		case whose == unclear && c.broken() != nil:
			if whose, err = w.indexed(ctx, c, st.Args["id"]); err != nil {
				return err
			}
		}
		if whose == ours {
			return w.remove(ctx, c)
		}
	case opPoint:
		return w.pointBack(ctx, st)
	}
	return nil
}

// indexed finds out by the index whose a cache is whose tags cannot be read and will
// not be.
func (w worker) indexed(ctx context.Context, c cacheNow, id string) (belongs, error) {
	index, err := w.markedIndex(ctx)
	switch {
	case err != nil:
		return 0, err
	case index[c.arn][dr.TagRestore] == id:
		return ours, nil
	}
	return 0, &store.Error{
		Doing: "remove " + c.name, Fault: store.Busy, Err: fmt.Errorf("%s %s is %s, and its tags cannot be read", noun(c.form), c.name, c.status),
		Remedy: "delete it yourself, if this restore made it",
	}
}

// Undone looks whether a step is taken back.
func (w worker) Undone(ctx context.Context, st saga.Step) (bool, error) {
	switch st.Op {
	case opMake:
		gone, err := w.gone(ctx, st)
		if !gone || err != nil {
			return gone, err
		}
		if err := rest(ctx, showsLate); err != nil {
			return false, err
		}
		return w.gone(ctx, st)
	case opPoint:
		return w.backAgain(ctx, st)
	}
	return true, nil
}

func (w worker) gone(ctx context.Context, st saga.Step) (bool, error) {
	c, found, err := w.look(ctx, st.Args["new"])
	if err != nil || !found {
		return err == nil, err
	}
	whose, _, err := w.whose(ctx, c, st.Args["id"])
	return err == nil && (whose == others || whose == finished), err
}

// retire deletes an old one that was kept until now. Its tags are read again before:
// they still have to say what the plan saw.
func (m *maker) retire(ctx context.Context, a plan.Action) error {
	c, found, err := m.look(ctx, a.From.ID)
	if err != nil || !found || c.deleting() {
		return err
	}
	tags, ok, err := m.tagsNow(ctx, c)
	if err != nil {
		return err
	}
	if !ok || !c.ready() && c.broken() == nil {
		return fmt.Errorf("%s %s is %s: %w", noun(c.form), c.name, c.status, errUnread)
	}
	for _, k := range [...]string{dr.TagExpires, dr.TagKeeper, dr.TagReplaced} {
		if tags[k] == "" || tags[k] != a.Tags[k] {
			return &store.Error{
				Doing: "delete " + a.From.ID, Fault: store.Conflict,
				Err:    fmt.Errorf("the tags of %s %s have changed since it was looked at (%s)", noun(c.form), c.name, k),
				Remedy: "the next run looks again",
			}
		}
	}
	if err := m.unused(ctx, c, tags[tagRecords]); err != nil {
		return err
	}
	return m.remove(ctx, c)
}

// records reads the records that a step is about, with what they are to be.
func (w worker) records(ctx context.Context, st saga.Step) (z zone, sets []types.ResourceRecordSet, all []pointer, err error) {
	site := w.site
	if s, ok := w.siteCalled(st.Args["zone-site"]); ok {
		site = s
	}
	dns, err := w.dns(ctx, site)
	if err != nil {
		return z, nil, nil, err
	}
	z, all = zone{dns, st.Args["zone"], site}, decodePointers(st.Args["records"])
	for _, p := range all {
		var set types.ResourceRecordSet
		if z.id != "" { // Where it is gone there are no records.
			if set, _, err = z.find(ctx, p.name); err != nil {
				return z, nil, nil, err
			}
		}
		sets = append(sets, set)
	}
	return z, sets, all, nil
}

// probePoint: done is what all name servers know.
func (w worker) probePoint(ctx context.Context, c cacheNow, whose belongs, tags dr.Tags, st saga.Step) (saga.Progress, error) {
	switch {
	case whose == unclear || whose == ours && !c.ready():
		return progress(saga.NotYet, c.status)
	case whose != ours || tags == nil:
		return progress(saga.NotBegun, c.status)
	}
	z, sets, all, err := w.records(ctx, st)
	if err != nil {
		return saga.Progress{}, err
	}
	moved := 0
	for i, p := range all {
		switch to := valueOf(sets[i]); {
		case to != "" && to == dotless(c.hosts[p.what]):
			moved++
		case to != "" && to == dotless(p.was):
		default:
			return saga.Progress{}, saga.Hopeless(fmt.Errorf("the record %s points to %q now: somebody else has changed it", p.name, to))
		}
	}
	change, ok := strings.CutPrefix(tags[tagChange], toNew+" ")
	if !ok {
		return progress(saga.NotBegun, c.status)
	}
	known, err := z.inSync(ctx, change)
	switch {
	case err != nil:
		return saga.Progress{}, err
	case known && moved == len(all):
		return progress(saga.Done, c.status)
	case !known:
		return progress(saga.Underway, "not all name servers know it yet")
	}
	return progress(saga.NotBegun, c.status)
}

// point points the records to the new one.
func (w worker) point(ctx context.Context, c cacheNow, st saga.Step) error {
	z, sets, all, err := w.records(ctx, st)
	if err != nil {
		return err
	}
	to := make([]string, len(all))
	for i, p := range all {
		is := valueOf(sets[i])
		if to[i] = c.hosts[p.what]; to[i] == "" {
			return fmt.Errorf("%s %s has no %s endpoint for the record %s", noun(c.form), c.name, p.what, p.name)
		}
		if is != dotless(p.was) && is != dotless(to[i]) {
			return fmt.Errorf("the record %s points to %q now: somebody else has changed it", p.name, is)
		}
	}
	change, err := z.change(ctx, sets, to, "holdfast: restore "+st.Args["id"])
	if err != nil {
		return err
	}
	return w.addTags(ctx, c, dr.Tags{tagChange: toNew + " " + change})
}

// pointBack points those records back that point to the new one; and those again that
// were pointed back by a change of which nobody knows any more.
func (w worker) pointBack(ctx context.Context, st saga.Step) error {
	b, err := w.back(ctx, st)
	if err != nil || b.asked && !b.astray {
		return err
	}
	var from []types.ResourceRecordSet
	var to []string
	for i, p := range b.pointers {
		is := valueOf(b.sets[i])
		if p.was == "" && b.leads(i) {
			return fmt.Errorf("nobody knows any more where the record %s pointed: the old one is gone; resume the restore instead", p.name)
		}
		if p.was != "" && (b.leads(i) || is == dotless(p.was)) {
			from, to = append(from, b.sets[i]), append(to, p.was)
		}
	}
	if len(from) == 0 {
		return nil
	}
	change, err := b.zone.change(ctx, from, to, "holdfast: restore "+st.Args["id"]+" is taken back")
	if err != nil || !b.found {
		return err
	}
	return w.addTags(ctx, b.fresh, dr.Tags{tagChange: toOld + " " + change})
}

// backAgain reports whether no record points to the new one, as all name servers know.
func (w worker) backAgain(ctx context.Context, st saga.Step) (bool, error) {
	b, err := w.back(ctx, st)
	switch {
	case err != nil || b.astray:
		return false, err
	case !b.found || !b.fresh.serves(): // Nothing has ever pointed to it, or it is too late.
		return true, nil
	case b.unread:
		return false, nil
	case b.asked:
		return b.zone.inSync(ctx, b.change)
	}
	return b.change == "", nil
}

// backNow is how far the records have come back.
type backNow struct {
	zone     zone
	sets     []types.ResourceRecordSet
	pointers []pointer
	// fresh is the new one, if it is found; unread says that its tags cannot be read.
	fresh         cacheNow
	found, unread bool
	// astray: some record points to it. asked: the last change was to point back, and
	// change is which.
	astray, asked bool
	change        string
}

func (b backNow) leads(i int) bool { return mentions(valueOf(b.sets[i]), b.fresh.name) }

func (w worker) back(ctx context.Context, st saga.Step) (b backNow, err error) {
	if b.zone, b.sets, b.pointers, err = w.records(ctx, st); err != nil {
		return b, err
	}
	if b.fresh, b.found, err = w.look(ctx, st.Args["new"]); err != nil {
		return b, err
	}
	b.fresh.form, b.fresh.name = splitID(st.Args["new"]) // Also of one that is not there.
	for i := range b.sets {
		b.astray = b.astray || b.leads(i)
	}
	if !b.found || !b.fresh.serves() {
		return b, nil
	}
	tags, ok, err := w.tagsNow(ctx, b.fresh)
	if err != nil || !ok {
		b.unread = true
		return b, err
	}
	how, change, _ := strings.Cut(tags[tagChange], " ")
	b.asked, b.change = how == toOld, change
	return b, nil
}

// siteCalled finds a site of the policy file.
func (d *Driver) siteCalled(name string) (dr.Site, bool) {
	for _, s := range d.files.Sites {
		if s.Name == name && name != "" {
			return s.Site, true
		}
	}
	return dr.Site{}, false
}

// retire deletes an old one that has been kept long enough.
func (d *Driver) retire(ctx context.Context, a plan.Action) (dr.Ref, error) {
	m, err := d.maker(ctx, a.From.Site)
	if err != nil {
		return dr.Ref{}, err
	}
	return a.From, m.retire(ctx, a)
}
