package plan

import (
	"encoding/json"

	"github.com/holdfast-dr/holdfast/internal/policy"
)

// Code enumerates the reasons. Execution never reads them.
type Code string

// Why something is done.
const (
	// Due: no good or pending snapshot holds the current slot.
	Due Code = "due"
	// Retry: the one that was to hold the current slot failed.
	Retry Code = "retry"
	// AlreadyTaken: the service took one by itself within the current slot.
	AlreadyTaken Code = "already-taken"
	// Duplicate: another good one serves the same slot.
	Duplicate Code = "duplicate"
	// NotProven: it bears a mark of another tool, but not all of them.
	NotProven Code = "not-proven"
	// MadeBy: another tool made it, as its tags and its name prove.
	MadeBy Code = "made-by"
	// CopyDue: a destination of its policy would keep it, and it is not there.
	CopyDue Code = "copy-due"
	// ForCopy: another account is to copy it.
	ForCopy Code = "for-copy"
	// ShareOver: nothing is copied from it to that account any more.
	ShareOver Code = "share-over"
	// Passed: what it was on the way to is there.
	Passed Code = "passed"
	// Interrupted: it was made for a slot, as its name proves, and not claimed.
	Interrupted Code = "interrupted"
	// Arrived: the service copied it by itself, and nobody has claimed it yet.
	Arrived Code = "arrived"
	// CopyingOff: the service is not set yet to copy what is taken.
	CopyingOff Code = "copying-off"
	// ForRestore: another account is to be able to restore from it.
	ForRestore Code = "for-restore"
	// Asked: a person asked for it.
	Asked Code = "asked"
	// Expired: no rule of its policy keeps it any longer.
	Expired Code = "expired"
	// FinalSnapshot: the time of what a restore replaced has come, and a last snapshot is
	// taken of it before it is deleted.
	FinalSnapshot Code = "final-snapshot"
	// Replaced: a restore replaced it, its time has come, and a final snapshot holds its
	// data.
	Replaced Code = "replaced"
	// Broken: it failed and can never be restored from.
	Broken Code = "broken"
)

// Why something is left as it is.
const (
	// Retained: rules of its policy keep it.
	Retained Code = "retained"
	// Held: a person marked it to keep.
	Held Code = "held"
	// Unfinished: it is still being made.
	Unfinished Code = "unfinished"
	// FailedCurrent: it failed, and stays until its slot is served.
	FailedCurrent Code = "failed-current"
	// Orphaned: no policy of that name is in the file, so nothing says when it expires.
	Orphaned Code = "orphaned"
	// Unseen: it would expire, but not all of its scope could be seen.
	Unseen Code = "unseen"
	// Unreadable: it bears marks of holdfast that cannot be read.
	Unreadable Code = "unreadable"
	// Needed: it would expire, but a copy still needs it.
	Needed Code = "needed"
	// Final: it is the final snapshot of what a restore replaced.
	Final Code = "final"
	// Odd: the service gave a status that holdfast does not know.
	Odd Code = "odd"
)

// Why something is not done, or is wrong.
const (
	// Busy: the resource cannot be snapshotted now; it will pass.
	Busy Code = "busy"
	// Leaving: the resource is being deleted.
	Leaving Code = "leaving"
	// Blocked: the resource cannot be snapshotted until somebody acts.
	Blocked Code = "blocked"
	// KeptUntil: a restore replaced it, and it is kept for a while.
	KeptUntil Code = "kept-until"
	// FinalPending: its final snapshot is being made.
	FinalPending Code = "final-pending"
	// Restoring: a restore of it is under way.
	Restoring Code = "restoring"
	// NotRetired: a restore replaced it, and something stands in the way of deleting it.
	NotRetired Code = "not-retired"
	// TooMany: the deletes of a scope go beyond the limit.
	TooMany Code = "too-many-deletes"
	// Copying: a copy is being made.
	Copying Code = "copying"
	// CopyFollows: it is copied when it is complete.
	CopyFollows Code = "copy-follows"
	// CopySlots: as many copies as AWS allows are being made.
	CopySlots Code = "copy-slots"
	// CopyRoom: there is room for the copy when what has expired is deleted.
	CopyRoom Code = "copy-room"
	// CopyFailed: a copy failed, and is tried again later.
	CopyFailed Code = "copy-failed"
	// NoRoute: there is no way for a copy to get where it is to go.
	NoRoute Code = "no-route"
	// RestoreOnly: at the destination there is no copy, only leave to restore.
	RestoreOnly Code = "restore-only"
	// AllArrive: every snapshot is copied, whatever pace the destination states.
	AllArrive Code = "all-arrive"
	// Unclaimed: copies arrive where no policy keeps them, so nothing expires them.
	Unclaimed Code = "unclaimed-copies"
	// BadKey: a KMS key that is needed is of no use.
	BadKey Code = "bad-key"
	// BadTag: the resource's tags state a policy that cannot be read.
	BadTag Code = "bad-tag"
	// NothingLeft: every part of the resource is left out.
	NothingLeft Code = "nothing-left"
	// QuotaFull: the account may have no more snapshots.
	QuotaFull Code = "quota-full"
	// QuotaForetold: what the policies will keep does not fit in the quota.
	QuotaForetold Code = "quota-foretold"
	// DailyFull: the service allows no more snapshots of the resource within a day.
	DailyFull Code = "daily-full"
	// DailyForetold: the policies on a resource want more within a day than that.
	DailyForetold Code = "daily-foretold"
	// Guarded: the plan's own check refused it.
	Guarded Code = "guarded"
	// RPOBreached: the newest good snapshot is older than the objective allows.
	RPOBreached Code = "rpo-breached"
	// NeverTaken: there is an objective and no good snapshot at all.
	NeverTaken Code = "never-taken"
)

// Reason says why. Code is for programs, Text for people.
type Reason struct {
	Code Code
	// Rules are the retention rules that keep a snapshot.
	Rules policy.Rules
	// Text adds what the code does not say.
	Text string
}

// String gives the reason in words.
func (r Reason) String() string {
	base := string(r.Code)
	switch r.Code {
	case Due:
		base = "due"
	case Retained:
		return "kept by " + r.Rules.String()
	case Held:
		base = "held by a person"
	case Expired:
		base = "no rule keeps it"
	case Broken:
		base = "failed; cannot be restored from"
	case Unfinished:
		base = "still being made"
	case FailedCurrent:
		base = "failed; stays until its slot is served"
	default:
		if r.Text != "" {
			return r.Text
		}
	}
	if r.Text != "" {
		return base + ": " + r.Text
	}
	return base
}

// MarshalJSON writes the code, the names of the rules and the words.
func (r Reason) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Code  Code     `json:"code"`
		Rules []string `json:"rules,omitempty"`
		Text  string   `json:"text"`
	}{r.Code, r.Rules.Names(), r.String()})
}
