package rdsapi

import "github.com/holdfast-dr/holdfast/internal/dr"

// Condition sorts the status of a DB snapshot or DB cluster snapshot.
func Condition(status string) dr.Condition {
	switch status {
	case "available":
		return dr.Good
	case "creating", "copying", "pending":
		return dr.Pending
	case "failed":
		return dr.Failed
	case "deleting", "deleted":
		return dr.Going
	default:
		return dr.Unclear
	}
}
