// Package vault is where snapshots that are files live: a directory, or a bucket of
// S3, of something that speaks like it, of Google Cloud Storage or of Azure.
//
// A snapshot is a folder with its files and a manifest, which says all there is to say
// of it:
//
//	RESOURCE/NAME/begun-NONCE.json       somebody is writing it
//	RESOURCE/NAME/PART-NONCE.rdb         one file for each shard, .zst and .age if so
//	RESOURCE/NAME/manifest.json          it is whole
//
// The manifest comes last, under the condition that there is none, so nothing is seen
// before it is whole, and of two writers one wins. The nonce is the writer's own: two of
// them never write to the same file, and what one left behind is known by it. While one
// writes, it renews its mark; what has a mark that was not renewed for long is swept up.
// A delete turns the manifest into one that says so, again under a condition, and takes
// it away last. Whatever is not of exactly these forms is never touched.
package vault

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"filippo.io/age"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/klauspost/compress/zstd"
)

// Options say how a vault is reached and how files are written to it.
type Options struct {
	// AWS is how S3 is called: Region, credentials, retries. Other places find their
	// credentials as their own tools do.
	AWS aws.Config
	// Compress has files compressed with zstd. Without it they are as the server gave
	// them, and can be read by redis-server and ElastiCache.
	Compress bool
	// Recipients are the age and SSH public keys for which files are encrypted; none
	// leaves them plain.
	Recipients []string
	// Identities is the text of age's identity files, to read what is encrypted.
	Identities string
	// Beat is how often a writer renews its mark; 0 means every minute.
	Beat time.Duration
	// Spool is the folder for pieces of very large uploads; empty means the system's
	// folder for temporary files.
	Spool string
}

// Vault is one such place. It may be used from several goroutines at once.
type Vault struct {
	bucket     bucket
	beat       time.Duration
	level      zstd.EncoderLevel // Zero: files are not compressed.
	recipients []age.Recipient
	identities []age.Identity

	mu sync.Mutex
	// known are the manifests that were read, by key; those that changed have another
	// version.
	known map[string]known
}

type known struct {
	version string
	found   Snapshot
}

// Open gives the vault at a URL: an absolute path or file:///path, s3://bucket/prefix,
// gs://bucket/prefix or azblob://container/prefix. Those of S3 may have parameters:
// endpoint, region, path_style (true where there is an endpoint), and
// checksums=required for places that do not know S3's newer checksums. Nothing is called
// yet, but a directory has to be there.
func Open(ctx context.Context, where string, o Options) (*Vault, error) {
	recipients, err := readRecipients(o.Recipients)
	if err != nil {
		return nil, fmt.Errorf("open vault %s: %w", where, err)
	}
	identities, err := readIdentities(o.Identities)
	if err != nil {
		return nil, fmt.Errorf("open vault %s: %w", where, err)
	}
	b, err := openBucket(ctx, where, o)
	if err != nil {
		return nil, err
	}
	v := newVault(b, o)
	v.recipients, v.identities = recipients, identities
	return v, nil
}

func newVault(b bucket, o Options) *Vault {
	v := &Vault{bucket: b, beat: o.Beat, known: map[string]known{}}
	if v.beat == 0 {
		v.beat = time.Minute
	}
	if o.Compress {
		v.level = zstd.SpeedFastest // RDB files are mostly compressed already.
	}
	return v
}

func openBucket(ctx context.Context, where string, o Options) (bucket, error) {
	if path.IsAbs(where) {
		return openDir(where)
	}
	u, err := url.Parse(where)
	if err != nil {
		return nil, fmt.Errorf("open vault %q: %w", where, err)
	}
	switch prefix := strings.Trim(u.Path, "/"); u.Scheme {
	case "file":
		return openDir(u.Path)
	case "s3":
		return openS3(u, prefix, o)
	case "gs":
		return openGCS(ctx, u.Host, prefix)
	case "azblob":
		return openAzure(ctx, u.Host, prefix)
	}
	return nil, fmt.Errorf("open vault %q: nothing is known of %q: write an absolute path, or a URL that begins with s3://, gs:// or azblob://", where, u.Scheme)
}

// String gives the vault's name, as its URL.
func (v *Vault) String() string { return v.bucket.name() }

// Close lets go of what the vault holds open.
func (v *Vault) Close() error { return v.bucket.close() }

// ID names a snapshot within a vault.
type ID struct {
	// Resource is what it was taken of.
	Resource string `json:"resource"`
	// Name is its own.
	Name string `json:"name"`
}

// String gives a short form for people.
func (id ID) String() string { return id.Name + " of " + id.Resource }
