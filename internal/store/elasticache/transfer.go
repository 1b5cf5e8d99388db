package elasticache

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/store"
)

const (
	// inOne is the most that is copied with one call, so that no call takes long. (S3
	// would take up to 5 GB: Amazon S3 API Reference, CopyObject.)
	inOne = 512 << 20
	// mostParts is how many parts an upload may have (Amazon S3 User Guide, "Amazon S3
	// multipart upload limits").
	mostParts = 10_000
)

// transfer is one object that is copied from bucket to bucket, within S3.
type transfer struct {
	from, to       *bucket
	source, target string
	// kms is the key that the copy is under; empty: the bucket's default.
	kms string
}

// facts are what S3 says of the bytes of an object.
type facts struct {
	size      int64
	etag, sum string
	// key says that it is under a key of KMS, whose ETags are not of the bytes.
	key bool
}

// do copies the object, unless it is there already, and compares both.
func (t transfer) do(ctx context.Context) (File, error) {
	source, err := t.from.facts(ctx, t.source)
	if err != nil {
		return File{}, t.from.unread(t.to.site, err)
	}
	there, err := t.to.facts(ctx, t.target)
	if err == nil {
		if by, same := source.same(there); same && by != bySize {
			return t.file(there, by), nil
		}
	} else if classify(err) != store.NotFound {
		return File{}, err
	}
	if err := t.copy(ctx, source.size); err != nil {
		return File{}, t.from.unread(t.to.site, t.to.trouble("copy "+t.source+" of bucket "+t.from.name+" into", err))
	}
	if there, err = t.to.facts(ctx, t.target); err != nil {
		return File{}, err
	}
	by, same := source.same(there)
	if !same {
		if err := t.to.drop(ctx, t.target); err != nil {
			return File{}, fmt.Errorf("%w, and it cannot be deleted: %w", errDiffers, err)
		}
		return File{}, fmt.Errorf("file %s of bucket %s: %w", t.target, t.to.name, errDiffers)
	}
	return t.file(there, by), nil
}

func (t transfer) file(f facts, by string) File {
	return File{ARN: t.to.arn(t.target), Size: f.size, Checksum: f.sum, Compared: by}
}

func (b *bucket) facts(ctx context.Context, key string) (facts, error) {
	out, err := b.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key, ChecksumMode: types.ChecksumModeEnabled, ExpectedBucketOwner: b.owner()})
	if err != nil {
		return facts{}, b.trouble("look at "+key+" in", err)
	}
	f := facts{size: aws.ToInt64(out.ContentLength), etag: aws.ToString(out.ETag), key: out.SSEKMSKeyId != nil}
	if out.ChecksumType == types.ChecksumTypeFullObject {
		f.sum = aws.ToString(out.ChecksumCRC64NVME)
	}
	return f, nil
}

// By what two objects are compared.
const (
	bySum  = "crc64nvme"
	byETag = "etag"
	bySize = "size"
)

// same reports whether two objects hold the same bytes, and what says so: the checksum
// over all of the object, which S3 computes of whatever it stores; of objects that have
// none, the ETag, where that is one of the bytes (Amazon S3 API Reference, Object: of
// what was written in one and is under no key of KMS); else only the size.
func (f facts) same(o facts) (by string, same bool) {
	switch {
	case f.size != o.size:
		return bySize, false
	case f.sum != "" && o.sum != "":
		return bySum, f.sum == o.sum
	case !f.key && !o.key && !strings.Contains(f.etag+o.etag, "-"):
		return byETag, f.etag == o.etag
	}
	return bySize, true
}

// copySource names an object as the calls that copy want it.
func (t transfer) copySource() *string {
	return aws.String(url.PathEscape(t.from.name + "/" + t.source))
}

func (t transfer) copy(ctx context.Context, size int64) error {
	if size > inOne {
		return t.inParts(ctx, size)
	}
	in := &s3.CopyObjectInput{
		Bucket: &t.to.name, Key: &t.target, CopySource: t.copySource(), ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme,
		// Tags of the source would need permissions of their own.
		TaggingDirective:    types.TaggingDirectiveReplace,
		ExpectedBucketOwner: t.to.owner(), ExpectedSourceBucketOwner: t.from.owner(),
	}
	if t.kms != "" {
		in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, &t.kms
	}
	_, err := t.to.CopyObject(ctx, in)
	return err
}

// inParts copies a large object in parts. Parts that an upload of before has are kept:
// an export does not change, so that they are the same.
func (t transfer) inParts(ctx context.Context, size int64) error {
	part := max(inOne, (size+mostParts-1)/mostParts)
	id, have, err := t.upload(ctx, part, size)
	if err != nil {
		return err
	}
	parts := make([]types.CompletedPart, (size+part-1)/part)
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(sideBySide)
	for i := range parts {
		n := int32(i + 1) // There are no more than mostParts.
		if p, ok := have[n]; ok {
			parts[i] = p
			continue
		}
		from, to := int64(i)*part, min(size, int64(i+1)*part)-1
		g.Go(func() (err error) {
			parts[i], err = t.part(each, id, n, from, to)
			return err
		})
	}
	if err = g.Wait(); err == nil {
		err = t.complete(ctx, id, parts)
	}
	if hasCode(err, "NoSuchUpload") { // Another run was faster; what is there is compared.
		return nil
	}
	return err
}

func (t transfer) complete(ctx context.Context, id string, parts []types.CompletedPart) error {
	_, err := t.to.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &t.to.name, Key: &t.target, UploadId: &id, ExpectedBucketOwner: t.to.owner(),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return err
}

func (t transfer) part(ctx context.Context, id string, n int32, from, to int64) (types.CompletedPart, error) {
	out, err := t.to.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
		Bucket: &t.to.name, Key: &t.target, UploadId: &id, PartNumber: &n, CopySource: t.copySource(),
		CopySourceRange:     aws.String(fmt.Sprintf("bytes=%d-%d", from, to)),
		ExpectedBucketOwner: t.to.owner(), ExpectedSourceBucketOwner: t.from.owner(),
	})
	switch {
	case err != nil:
		return types.CompletedPart{}, err
	case out.CopyPartResult == nil:
		return types.CompletedPart{}, errors.New("S3 gave no result for a part")
	}
	return types.CompletedPart{PartNumber: &n, ETag: out.CopyPartResult.ETag, ChecksumCRC64NVME: out.CopyPartResult.ChecksumCRC64NVME}, nil
}

// upload finds the upload of before, with the parts that it has, or begins one.
func (t transfer) upload(ctx context.Context, part, size int64) (string, map[int32]types.CompletedPart, error) {
	open, err := t.to.uploads(ctx, t.target)
	if err != nil {
		return "", nil, err
	}
	open = slices.DeleteFunc(open, func(u types.MultipartUpload) bool { return aws.ToString(u.Key) != t.target })
	if len(open) > 0 {
		latest := slices.MaxFunc(open, func(x, y types.MultipartUpload) int { return aws.ToTime(x.Initiated).Compare(aws.ToTime(y.Initiated)) })
		id := aws.ToString(latest.UploadId)
		have, err := t.parts(ctx, id, part, size)
		return id, have, err
	}
	in := &s3.CreateMultipartUploadInput{
		Bucket: &t.to.name, Key: &t.target, ExpectedBucketOwner: t.to.owner(),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumType: types.ChecksumTypeFullObject,
	}
	if t.kms != "" {
		in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, &t.kms
	}
	out, err := t.to.CreateMultipartUpload(ctx, in)
	if err != nil {
		return "", nil, err
	}
	return aws.ToString(out.UploadId), nil, nil
}

// parts gives the parts of an upload that are as they should be.
func (t transfer) parts(ctx context.Context, id string, part, size int64) (map[int32]types.CompletedPart, error) {
	have := map[int32]types.CompletedPart{}
	pages := s3.NewListPartsPaginator(t.to, &s3.ListPartsInput{Bucket: &t.to.name, Key: &t.target, UploadId: &id, ExpectedBucketOwner: t.to.owner()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range page.Parts {
			n := aws.ToInt32(p.PartNumber)
			if from := int64(n-1) * part; from < size && aws.ToInt64(p.Size) == min(part, size-from) {
				have[n] = types.CompletedPart{PartNumber: p.PartNumber, ETag: p.ETag, ChecksumCRC64NVME: p.ChecksumCRC64NVME}
			}
		}
	}
	return have, nil
}

// uploads lists the uploads that are under way to keys that begin like this.
func (b *bucket) uploads(ctx context.Context, prefix string) ([]types.MultipartUpload, error) {
	var out []types.MultipartUpload
	pages := s3.NewListMultipartUploadsPaginator(b, &s3.ListMultipartUploadsInput{Bucket: &b.name, Prefix: &prefix, ExpectedBucketOwner: b.owner()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, b.trouble("list uploads to", err)
		}
		out = append(out, page.Uploads...)
	}
	return out, nil
}

// abortUploads gives up the uploads to the files of a snapshot, whose parts cost as
// much as objects.
func (b *bucket) abortUploads(ctx context.Context, prefix string) error {
	open, err := b.uploads(ctx, prefix)
	if err != nil {
		return err
	}
	for _, u := range open {
		_, rest, ours := parseKey(aws.ToString(u.Key))
		p := strings.Split(strings.TrimSuffix(prefix, "/"), "/")
		if _, file := fileNumber(rest, p[len(p)-1]); !ours || !file {
			continue
		}
		_, err := b.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.name, Key: u.Key, UploadId: u.UploadId, ExpectedBucketOwner: b.owner()})
		if err != nil && !hasCode(err, "NoSuchUpload") {
			return b.trouble("abort an upload to", err)
		}
	}
	return nil
}
