package rdsapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Shelf is the manual snapshots of one kind at one site. RDS has the same calls
// for DB snapshots and for DB cluster snapshots, under different names and with
// different types; here they have one shape.
type Shelf interface {
	Tagger
	// Find reads one snapshot.
	Find(ctx context.Context, name string) (dr.Snapshot, error)
	// Create takes a snapshot of a resource.
	Create(ctx context.Context, of, name string, tags []types.Tag) error
	// Copy makes a copy here.
	Copy(ctx context.Context, c Copying) error
	// Delete deletes a snapshot.
	Delete(ctx context.Context, name string) error
	// Admit lets other accounts copy and restore a snapshot, or takes that back.
	Admit(ctx context.Context, name string, add, remove []string) error
}

// Tagger is the part of the SDK's client that changes tags; it is the same for all
// that RDS has.
type Tagger interface {
	AddTagsToResource(context.Context, *rds.AddTagsToResourceInput, ...func(*rds.Options)) (*rds.AddTagsToResourceOutput, error)
	RemoveTagsFromResource(context.Context, *rds.RemoveTagsFromResourceInput, ...func(*rds.Options)) (*rds.RemoveTagsFromResourceOutput, error)
}

// Copying is what a copy is made from, and how.
type Copying struct {
	// Source is the name of a snapshot here, or the full name of one elsewhere.
	Source string
	// SourceRegion is set where the source is in another Region.
	SourceRegion *string
	Name         string
	// Key is nil for a copy that stays plain.
	Key  *string
	Tags []types.Tag
	// Options is the option group that the source's database had.
	Options string
}

// RestoreAttribute is the attribute of a snapshot that says who else may copy and
// restore it (ModifyDBSnapshotAttribute, AttributeName).
const RestoreAttribute = "restore"

// DefaultKey is the alias of the key that AWS manages for RDS and Aurora.
const DefaultKey = "alias/aws/rds"
