package elasticache

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Manifest says of a copy all that a restore needs, when nothing else is left.
type Manifest struct {
	// Claim is whole: with the captured configuration.
	Claim dr.Claim `json:"claim"`
	// Name is that of the copy.
	Name string `json:"name"`
	// Tags are those of the cache.
	Tags    dr.Tags `json:"tags,omitempty"`
	Engine  string  `json:"engine,omitempty"`
	Version string  `json:"version,omitempty"`
	// NodeGroups are the shards, in the order of the files. A cache without cluster
	// mode has one, without slots.
	NodeGroups []NodeGroup `json:"node_groups,omitempty"`
	Files      []File      `json:"files,omitempty"`
	// Key is the KMS key that the files are under; empty: the bucket's default. New
	// caches are seeded only from files that are under none (Amazon ElastiCache User
	// Guide, "Seeding a new cluster with an externally created backup").
	Key string `json:"key,omitempty"`
}

// NodeGroup is one shard.
type NodeGroup struct {
	ID string `json:"id,omitempty"`
	// Slots are its slots, such as "0-5461"; empty without cluster mode.
	Slots    string `json:"slots,omitempty"`
	Replicas int    `json:"replicas,omitempty"`
}

// File is one file of a copy.
type File struct {
	// ARN is what CreateReplicationGroup and CreateCacheCluster take.
	ARN  string `json:"arn"`
	Size int64  `json:"size"`
	// Checksum is the CRC64NVME over all of it in base64, as S3 gives it; empty where
	// S3 had none of the exported file.
	Checksum string `json:"crc64nvme,omitempty"`
	// Compared says by what source and copy were compared: "crc64nvme", "etag" or,
	// where S3 gives nothing else, "size".
	Compared string `json:"compared,omitempty"`
}

// Manifest reads what a restore of a copy needs.
func (d *Driver) Manifest(ctx context.Context, s dr.Snapshot) (Manifest, error) {
	v, err := d.visit(ctx, s.Ref.Site)
	if err != nil {
		return Manifest{}, err
	}
	b, err := v.needed(s.Ref.Site)
	if err != nil {
		return Manifest{}, err
	}
	return b.manifest(ctx, place{s.Claim.Owner, s.Ref.ID}.key(manifestName))
}

func (b *bucket) manifest(ctx context.Context, key string) (Manifest, error) {
	var m Manifest
	body, err := b.get(ctx, key)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("read the manifest %s of bucket %s: %w", key, b.name, err)
	}
	return m, nil
}

func (m Manifest) encode() ([]byte, error) {
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the manifest of %s: %w", m.Name, err)
	}
	return body, nil
}
