package elasticache

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/holdfast-dr/holdfast/internal/store"
)

// seedNeeds are what ElastiCache must be allowed with a bucket that it fills a new
// cache from (Amazon ElastiCache User Guide, "Seeding a new cluster with an externally
// created backup", on granting it access to the .rdb file).
func seedNeeds() []string { return []string{"s3:GetObject", "s3:ListBucket", "s3:GetBucketAcl"} }

// source finds out what the new one is made from: a snapshot of ElastiCache, or files.
func (p *restorePlan) source(ctx context.Context) error {
	switch {
	case p.With[withFiles] != "":
		if err := p.filesSaid(ctx); err != nil {
			return err
		}
	case asFile(&p.From):
		m, err := p.Manifest(ctx, p.From)
		if err != nil {
			return err
		}
		p.manifest(m)
	default:
		return nil
	}
	shards := 1
	if p.form == formGroup {
		shards = len(shardsOf(p.settings))
	}
	if len(p.files) != shards && p.form != formServerless {
		return p.refuse(fmt.Errorf("there are %d files, and the cache has %d shards", len(p.files), shards),
			"name one file for each shard, in the order of the shards (--files)")
	}
	if p.there != nil {
		return nil // It has been read already.
	}
	return p.readable(ctx)
}

// manifest takes the files that it names, and the tags of the cache where nothing else
// tells them.
func (p *restorePlan) manifest(m Manifest) {
	for _, f := range m.Files {
		p.files = append(p.files, f.ARN)
	}
	if len(p.Tags) == 0 {
		p.Tags = m.Tags.Lasting()
	}
}

// filesSaid reads what a person named: objects, or one manifest.
func (p *restorePlan) filesSaid(ctx context.Context) error {
	said := strings.Split(p.With[withFiles], ",")
	if len(said) == 1 && path.Ext(said[0]) == ".json" {
		b, key, err := p.object(said[0])
		if err != nil {
			return err
		}
		m, err := b.manifest(ctx, key)
		if err != nil {
			return err
		}
		p.manifest(m)
		return nil
	}
	for _, text := range said {
		b, key, err := p.object(text)
		if err != nil {
			return err
		}
		p.files = append(p.files, b.arn(key))
	}
	return nil
}

// object finds the bucket of what is written as s3://BUCKET/KEY, or as an ARN. It has to
// be of the site's own account.
func (p *restorePlan) object(text string) (*bucket, string, error) {
	rest, ok := strings.CutPrefix(text, "s3://")
	if !ok {
		rest, ok = strings.CutPrefix(text, "arn:"+p.site.Partition()+":s3:::")
	}
	name, key, slash := strings.Cut(rest, "/")
	if !ok || !slash || name == "" || key == "" {
		return nil, "", p.refuse(fmt.Errorf("%q names no object", text), "write --files s3://BUCKET/KEY, with commas between several")
	}
	client := s3.NewFromConfig(p.cfg, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil })
	return &bucket{client, name, p.site}, key, nil
}

// readable looks whether ElastiCache can read the files: what it does not say before it
// begins to make a cache, and then with few words.
func (p *restorePlan) readable(ctx context.Context) error {
	seen := map[string]bool{}
	for _, arn := range p.files {
		b, key, err := p.object(arn)
		if err != nil {
			return err
		}
		if !seen[b.name] {
			seen[b.name] = true
			if err := b.seeds(ctx); err != nil {
				return err
			}
		}
		if err := b.seedable(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// seeds looks whether ElastiCache may fill a cache from the bucket.
func (b *bucket) seeds(ctx context.Context) error {
	missing, err := b.lacks(ctx, seedNeeds())
	if err != nil || len(missing) == 0 {
		return err
	}
	if listed, err := b.listed(ctx); err == nil && listed {
		return nil
	}
	return &store.Error{
		Doing: "see whether ElastiCache may read from bucket " + b.name, Fault: store.Denied,
		Err:    fmt.Errorf("its policy does not allow %s to %s", strings.Join(missing, ", "), b.service()),
		Remedy: "add to the policy of bucket " + b.name + ": " + b.allow(map[string]string{"Service": b.service()}, seedNeeds()...),
	}
}

// seedable looks whether a cache can be filled from an object.
//
// Amazon ElastiCache User Guide, "Seeding a new cluster with an externally created
// backup": of encryption at rest in S3, only that with S3's own keys.
func (b *bucket) seedable(ctx context.Context, key string) error {
	out, err := b.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key, ExpectedBucketOwner: b.owner()})
	if err != nil {
		return b.trouble("look at object "+key+" of", err)
	}
	refuse := func(what, remedy string) error {
		return &store.Error{Doing: "fill a cache from s3://" + b.name + "/" + key, Fault: store.Invalid, Err: fmt.Errorf("%s", what), Remedy: remedy}
	}
	switch {
	case out.ServerSideEncryption == types.ServerSideEncryptionAwsKms, out.ServerSideEncryption == types.ServerSideEncryptionAwsKmsDsse:
		return refuse("it is encrypted with the KMS key "+cmp.Or(aws.ToString(out.SSEKMSKeyId), "of the bucket")+", and ElastiCache reads only what is under S3's own keys",
			fmt.Sprintf("copy it to a bucket without such a key and name that (--files): aws s3 cp --sse AES256 s3://%s/%s s3://OTHER/%s", b.name, key, path.Base(key)))
	case out.StorageClass == types.StorageClassGlacier, out.StorageClass == types.StorageClassDeepArchive:
		return refuse("it is archived in "+string(out.StorageClass), "restore the object in S3 first")
	}
	return nil
}
