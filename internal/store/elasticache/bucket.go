package elasticache

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Files says where snapshots are as files.
type Files struct {
	// Sites are the sites of the policy file; those with a bucket are looked at.
	Sites []policy.Site
	// To names the sites that copies go to.
	To []string
}

// of gives the bucket of a site.
func (f Files) of(site string) (string, bool) {
	for _, s := range f.Sites {
		if s.Name == site {
			return s.Bucket, s.Bucket != ""
		}
	}
	return "", false
}

// objects is the part of the client of S3 that the driver uses.
type objects interface {
	s3.ListObjectsV2APIClient
	s3.ListMultipartUploadsAPIClient
	s3.ListPartsAPIClient
	s3.HeadObjectAPIClient
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
	CopyObject(context.Context, *s3.CopyObjectInput, ...func(*s3.Options)) (*s3.CopyObjectOutput, error)
	CreateMultipartUpload(context.Context, *s3.CreateMultipartUploadInput, ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error)
	UploadPartCopy(context.Context, *s3.UploadPartCopyInput, ...func(*s3.Options)) (*s3.UploadPartCopyOutput, error)
	CompleteMultipartUpload(context.Context, *s3.CompleteMultipartUploadInput, ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error)
	AbortMultipartUpload(context.Context, *s3.AbortMultipartUploadInput, ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error)
	GetBucketPolicy(context.Context, *s3.GetBucketPolicyInput, ...func(*s3.Options)) (*s3.GetBucketPolicyOutput, error)
	GetBucketAcl(context.Context, *s3.GetBucketAclInput, ...func(*s3.Options)) (*s3.GetBucketAclOutput, error)
}

// bucket is the bucket of a site, as somebody reaches it who may be at another.
type bucket struct {
	objects
	name string
	// site is where it lies; each call says whose it must be, so that a bucket of this
	// name that has passed to somebody else is not taken for it.
	site dr.Site
}

// object is an object as listings show it.
type object struct {
	key      string
	size     int64
	modified time.Time
}

// bucketAt gives the bucket of a site as this visit's credentials reach it.
func (v *visit) bucketAt(site dr.Site) (*bucket, bool) {
	name, ok := v.files.of(site.Name)
	if !ok {
		return nil, false
	}
	client := s3.NewFromConfig(v.cfg, func(o *s3.Options) {
		o.Region = site.Region
		o.UsePathStyle = o.BaseEndpoint != nil // Other endpoints need not know names before theirs.
	})
	return &bucket{client, name, site}, true
}

func (b *bucket) owner() *string { return aws.String(b.site.Account) }

// needed gives the bucket of a site, or says that there is none.
func (v *visit) needed(site dr.Site) (*bucket, error) {
	b, ok := v.bucketAt(site)
	if !ok {
		return nil, &store.Error{
			Doing: "find the bucket of site " + site.Name, Fault: store.Invalid, Err: errNoBucket,
			Remedy: "give site " + site.Name + " a bucket of its account and Region (bucket: …)",
		}
	}
	return b, nil
}

func (b *bucket) arn(key string) string {
	return "arn:" + b.site.Partition() + ":s3:::" + b.name + "/" + key
}

// list lists the objects whose keys begin like this, a thousand a page. Keys come
// encoded, since not every key can stand in XML.
func (b *bucket) list(ctx context.Context, prefix string) ([]object, error) {
	var out []object
	pages := s3.NewListObjectsV2Paginator(b, &s3.ListObjectsV2Input{
		Bucket: &b.name, Prefix: &prefix, EncodingType: types.EncodingTypeUrl, ExpectedBucketOwner: b.owner(),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, b.trouble("list", err)
		}
		for i := range page.Contents {
			o := &page.Contents[i]
			key, err := url.QueryUnescape(aws.ToString(o.Key))
			if err != nil {
				return nil, fmt.Errorf("list bucket %s: key %q: %w", b.name, aws.ToString(o.Key), err)
			}
			out = append(out, object{key, aws.ToInt64(o.Size), aws.ToTime(o.LastModified)})
		}
	}
	return out, nil
}

// shelf finds what there is of one snapshot; nil where there is nothing.
func (b *bucket) shelf(ctx context.Context, p place) (*shelved, error) {
	all, err := b.list(ctx, p.prefix())
	if err != nil {
		return nil, err
	}
	if found := shelve(all); len(found) == 1 {
		return found[0], nil
	}
	return nil, nil
}

// exported lists the files at the top of the bucket whose names begin like this.
func (b *bucket) exported(ctx context.Context, prefix string) ([]object, error) {
	all, err := b.list(ctx, prefix+"-")
	return filesOf(all, prefix), err
}

// filesOf gives those of the objects that are files of an export.
func filesOf(all []object, prefix string) []object {
	return slices.DeleteFunc(slices.Clone(all), func(o object) bool { _, ok := fileNumber(o.key, prefix); return !ok })
}

// put writes a small object; under a key of KMS where one is given.
func (b *bucket) put(ctx context.Context, key string, body []byte, kms string) error {
	in := &s3.PutObjectInput{Bucket: &b.name, Key: &key, Body: bytes.NewReader(body), ExpectedBucketOwner: b.owner()}
	if kms != "" {
		in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, &kms
	}
	_, err := b.PutObject(ctx, in)
	return b.trouble("write to", err)
}

// manifestLimit bounds what is read of a manifest: much more than one of hundreds of
// files has.
const manifestLimit = 4 << 20

func (b *bucket) get(ctx context.Context, key string) ([]byte, error) {
	out, err := b.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key, ExpectedBucketOwner: b.owner()})
	if err != nil {
		return nil, b.trouble("read from", err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(io.LimitReader(out.Body, manifestLimit))
	if err != nil {
		return nil, fmt.Errorf("read %s from bucket %s: %w", key, b.name, err)
	}
	return body, nil
}

// drop deletes objects, one after the other in this order. What is not there is as
// good as deleted.
func (b *bucket) drop(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if _, err := b.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key, ExpectedBucketOwner: b.owner()}); err != nil {
			return b.trouble("delete from", err)
		}
	}
	return nil
}

func keysOf(all []object) []string {
	out := make([]string, 0, len(all))
	for _, o := range all {
		out = append(out, o.key)
	}
	return out
}

// trouble says of an error which bucket it is about, and what to do.
func (b *bucket) trouble(doing string, err error) error {
	if err == nil {
		return nil
	}
	e := &store.Error{Doing: doing + " bucket " + b.name, Fault: classify(err), Err: err}
	switch {
	case hasCode(err, "NoSuchBucket"):
		e.Remedy = fmt.Sprintf("make the bucket %s in account %s and Region %s, or name another for site %s", b.name, b.site.Account, b.site.Region, b.site.Name)
	case hasCode(err, "PermanentRedirect"), hasCode(err, "AuthorizationHeaderMalformed"), hasCode(err, "MovedPermanently"):
		e.Remedy = fmt.Sprintf("bucket %s is in another Region: name one in %s for site %s", b.name, b.site.Region, b.site.Name)
	case e.Fault == store.Denied:
		e.Remedy = fmt.Sprintf("see that bucket %s belongs to account %s, and that the role may use it; `holdfast check` lists what is missing", b.name, b.site.Account)
	}
	return e
}
