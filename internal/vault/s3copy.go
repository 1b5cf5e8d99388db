package vault

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

const (
	// wholeCopy is the largest object that one call copies; larger ones are copied in
	// ranges, of which some go at a time (Amazon S3 API Reference, CopyObject: 5 GB).
	wholeCopy  = 1 << 30
	copyRanges = 4
)

// take copies within S3, with the credentials of the destination. Where those may not
// read the source, or the source is elsewhere, the bytes have to come here.
func (b *s3Bucket) take(ctx context.Context, from bucket, key string, size int64, as string) (bool, error) {
	src, ok := from.(*s3Bucket)
	if !ok || src.endpoint != b.endpoint {
		return false, nil
	}
	source := src.bucket + "/" + escapeSource(src.prefix+key)
	err := b.copyWhole(ctx, source, size, as)
	switch {
	case err == nil:
		return true, nil
	case inS3Class(err, ErrDenied), inS3Class(err, ErrNotFound), isCode(err, "NotImplemented"):
		return false, nil // Reading it will tell.
	}
	return false, b.fail("copy from "+src.name()+" to", as, err)
}

// escapeSource: the header that names the source of a copy is URL-encoded (Amazon S3 API
// Reference, CopyObject), and the client does not see to that.
func escapeSource(key string) string {
	var parts []string
	for part := range strings.SplitSeq(key, "/") {
		parts = append(parts, url.PathEscape(part))
	}
	return strings.ReplaceAll(strings.Join(parts, "/"), "+", "%2B")
}

func (b *s3Bucket) copyWhole(ctx context.Context, source string, size int64, as string) error {
	if size > wholeCopy {
		return b.copyRanges(ctx, source, size, as)
	}
	_, err := b.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b.bucket, Key: b.key(as), CopySource: &source})
	return err
}

// copyRanges copies in ranges of equal length.
func (b *s3Bucket) copyRanges(ctx context.Context, source string, size int64, as string) (err error) {
	begun, err := b.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b.bucket, Key: b.key(as)})
	if err != nil {
		return err
	}
	id := aws.ToString(begun.UploadId)
	defer func() {
		if err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), givingUp)
			defer cancel()
			err = also(err, b.abortUpload(ctx, as, id))
		}
	}()
	step := max(wholeCopy/2, (size+mostPieces-1)/mostPieces)
	done := make([]types.CompletedPart, (size+step-1)/step)
	g, copying := errgroup.WithContext(ctx)
	g.SetLimit(copyRanges)
	for i := range done {
		first := int64(i) * step
		g.Go(func() error {
			out, err := b.UploadPartCopy(copying, &s3.UploadPartCopyInput{
				Bucket: &b.bucket, Key: b.key(as), UploadId: &id, CopySource: &source, PartNumber: aws.Int32(int32(i + 1)),
				CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", first, min(first+step, size)-1)),
			})
			if err != nil {
				return err
			}
			done[i] = types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: out.CopyPartResult.ETag}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return b.complete(ctx, as, id, done, size)
}
