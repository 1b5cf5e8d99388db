package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"
)

// objects is the part of the client of S3 that a vault uses.
type objects interface {
	s3.ListObjectsV2APIClient
	s3.ListMultipartUploadsAPIClient
	s3.HeadObjectAPIClient
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
	CopyObject(context.Context, *s3.CopyObjectInput, ...func(*s3.Options)) (*s3.CopyObjectOutput, error)
	CreateMultipartUpload(context.Context, *s3.CreateMultipartUploadInput, ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error)
	UploadPart(context.Context, *s3.UploadPartInput, ...func(*s3.Options)) (*s3.UploadPartOutput, error)
	UploadPartCopy(context.Context, *s3.UploadPartCopyInput, ...func(*s3.Options)) (*s3.UploadPartCopyOutput, error)
	CompleteMultipartUpload(context.Context, *s3.CompleteMultipartUploadInput, ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error)
	AbortMultipartUpload(context.Context, *s3.AbortMultipartUploadInput, ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error)
}

// s3Bucket is a vault in a bucket of S3, or of something that speaks like it.
type s3Bucket struct {
	objects
	bucket string
	// prefix ends with a slash, or is empty.
	prefix   string
	endpoint string
	spool    string
	// pieces are places in memory for all uploads.
	pieces chan *piece
}

// conditionTries bounds the tries of a write that met another one to the same key.
const conditionTries = 5

func openS3(u *url.URL, prefix string, o Options) (bucket, error) {
	if u.Host == "" {
		return nil, fmt.Errorf("open vault %s: there is no bucket: write s3://bucket/prefix", u.Redacted())
	}
	b := &s3Bucket{bucket: u.Host, prefix: withSlash(prefix), endpoint: aws.ToString(o.AWS.BaseEndpoint), spool: o.Spool, pieces: pieces(shared)}
	var set []func(*s3.Options)
	for key, values := range u.Query() {
		value := values[0]
		switch key {
		case "endpoint":
			b.endpoint = strings.TrimRight(value, "/")
			set = append(set, func(o *s3.Options) { o.BaseEndpoint = &b.endpoint })
		case "region":
			set = append(set, func(o *s3.Options) { o.Region = value })
		case "path_style":
			set = append(set, func(o *s3.Options) { o.UsePathStyle = value == "true" })
		case "checksums":
			if value != "required" {
				return nil, fmt.Errorf("open vault %s: checksums=%s: only checksums=required is known", u.Redacted(), value)
			}
			set = append(set, func(o *s3.Options) {
				o.RequestChecksumCalculation, o.ResponseChecksumValidation = aws.RequestChecksumCalculationWhenRequired, aws.ResponseChecksumValidationWhenRequired
			})
		default:
			return nil, fmt.Errorf("open vault %s: parameter %q is not known: there are endpoint, region, path_style and checksums", u.Redacted(), key)
		}
	}
	b.objects = s3.NewFromConfig(o.AWS, append([]func(*s3.Options){func(o *s3.Options) {
		o.UsePathStyle = b.endpoint != "" // Other endpoints need not know names before theirs.
		o.DisableLogOutputChecksumValidationSkipped = true
		if o.Region == "" {
			o.Region = "us-east-1" // What needs no Region still wants one for its signatures.
		}
	}}, set...)...)
	return b, nil
}

func withSlash(prefix string) string {
	if prefix == "" {
		return ""
	}
	return path.Clean(prefix) + "/"
}

func (b *s3Bucket) name() string {
	return strings.TrimSuffix("s3://"+b.bucket+"/"+b.prefix, "/")
}

func (b *s3Bucket) close() error { return nil }

func (b *s3Bucket) key(key string) *string { return aws.String(b.prefix + key) }

func (b *s3Bucket) fail(doing, key string, err error) error {
	return &Error{Doing: doing, Vault: b.name(), Object: key, Class: classOfS3(err), Err: err, Remedy: remedyOfS3(err)}
}

// classOfS3 sorts errors by their code, and where there is none, as in answers to HEAD, by
// the status.
func classOfS3(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "NoSuchBucket", "NoSuchKey", "NotFound", "NoSuchUpload":
			return ErrNotFound
		case "PreconditionFailed", "ConditionalRequestConflict":
			return ErrConflict
		case "QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "EntityTooLarge":
			return ErrFull
		case "BadDigest", "XAmzContentSHA256Mismatch":
			return ErrCorrupt
		case "NotImplemented":
			return nil
		}
	}
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) || answer.HTTPStatusCode() == 0 { // There was none.
		var called *smithy.OperationError
		if errors.As(err, &called) && api == nil && !errors.Is(err, context.Canceled) {
			return ErrUnreachable
		}
		return nil
	}
	switch code := answer.HTTPStatusCode(); {
	case code == http.StatusNotFound:
		return ErrNotFound
	case code == http.StatusPreconditionFailed, code == http.StatusConflict:
		return ErrConflict
	case code == http.StatusInsufficientStorage:
		return ErrFull
	case code == http.StatusForbidden, code == http.StatusUnauthorized:
		return ErrDenied
	case code >= 500, code == http.StatusTooManyRequests:
		return ErrUnreachable
	}
	return nil
}

func inS3Class(err, class error) bool { return errors.Is(classOfS3(err), class) }

// remedyOfS3 gives what to do where the class does not tell.
func remedyOfS3(err error) string {
	switch {
	case isCode(err, "NoSuchBucket"):
		return "make the bucket, or correct the vault's URL"
	case isCode(err, "NotImplemented"):
		return "holdfast needs conditional writes (If-Match, If-None-Match), which this place does not know: use a newer version of it, or another"
	case isCode(err, "BadDigest"), isCode(err, "XAmzContentSHA256Mismatch"):
		return "try again: the bytes were damaged on the way"
	}
	return ""
}

func isCode(err error, code string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == code
}

// list lists a thousand objects a call. Keys come encoded, since not every key that is in
// a bucket can stand in XML.
func (b *s3Bucket) list(ctx context.Context, prefix string) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		pages := s3.NewListObjectsV2Paginator(b, &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: b.key(prefix), EncodingType: types.EncodingTypeUrl})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(object{}, b.fail("list", prefix, err))
				return
			}
			for i := range page.Contents {
				o := &page.Contents[i]
				key, err := url.QueryUnescape(aws.ToString(o.Key))
				key, ours := strings.CutPrefix(key, b.prefix)
				if err != nil || !ours {
					continue // No key of ours needs that.
				}
				if !yield(object{key, aws.ToInt64(o.Size), aws.ToTime(o.LastModified), aws.ToString(o.ETag)}, nil) {
					return
				}
			}
		}
	}
}

func (b *s3Bucket) read(ctx context.Context, key string) ([]byte, string, error) {
	out, err := b.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.bucket, Key: b.key(key)})
	if err != nil {
		return nil, "", b.fail("read", key, err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(io.LimitReader(out.Body, manifestLimit+1))
	if err != nil {
		return nil, "", b.broken(ctx, key, err)
	}
	return body, aws.ToString(out.ETag), nil
}

// broken is an answer that ended early.
func (b *s3Bucket) broken(ctx context.Context, key string, err error) error {
	e := &Error{Doing: "read", Vault: b.name(), Object: key, Err: err}
	if ctx.Err() == nil {
		e.Class = ErrUnreachable
	}
	return e
}

func (b *s3Bucket) open(ctx context.Context, key string, from, n int64) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{Bucket: &b.bucket, Key: b.key(key)}
	switch {
	case n == 0:
		return io.NopCloser(strings.NewReader("")), nil
	case n > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", from, from+n-1))
	case from > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", from))
	}
	out, err := b.GetObject(ctx, in)
	if err != nil {
		if from > 0 && isCode(err, "InvalidRange") {
			return io.NopCloser(strings.NewReader("")), nil // There is nothing there.
		}
		return nil, b.fail("read", key, err)
	}
	return &s3Reader{ctx, out.Body, b, key}, nil
}

// s3Reader gives errors a class.
type s3Reader struct {
	ctx context.Context //nolint:containedctx // Says whose wish the end was.
	io.ReadCloser
	b   *s3Bucket
	key string
}

func (r *s3Reader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // A Reader gives it bare.
		err = r.b.broken(r.ctx, r.key, err)
	}
	return n, err
}

// put writes under a condition. A call can fail after it took effect, and then be made
// again by the SDK: where the condition does not hold because what is there is what was
// to be written, it has been.
//
// Amazon S3 User Guide, "How to prevent object overwrites with conditional writes": 409
// and a 404 with If-Match say that somebody else was at it, too.
func (b *s3Bucket) put(ctx context.Context, key string, body []byte, was string) (string, error) {
	in := &s3.PutObjectInput{Bucket: &b.bucket, Key: b.key(key), ContentType: aws.String("application/json")}
	if was == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &was
	}
	var err error
	for try := range conditionTries {
		in.Body = bytes.NewReader(body)
		var out *s3.PutObjectOutput
		if out, err = b.PutObject(ctx, in); err == nil {
			return aws.ToString(out.ETag), nil
		}
		if !inS3Class(err, ErrConflict) && (!inS3Class(err, ErrNotFound) || was == "") {
			return "", b.fail("write", key, err)
		}
		there, version, err := b.read(ctx, key)
		switch {
		case err == nil && bytes.Equal(there, body):
			return version, nil
		case err == nil && version != was, errors.Is(err, ErrNotFound) && was != "":
			return "", &Error{Doing: "write", Vault: b.name(), Object: key, Class: ErrConflict}
		case err != nil && !errors.Is(err, ErrNotFound):
			return "", err
		}
		if err := pause(ctx, time.Duration(try+1)*100*time.Millisecond); err != nil {
			return "", b.fail("write", key, err)
		}
	}
	return "", b.fail("write", key, err)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// remove deletes one by one: not all that speak like S3 know a call for many.
func (b *s3Bucket) remove(ctx context.Context, keys ...string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for _, key := range keys {
		g.Go(func() error {
			_, err := b.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.bucket, Key: b.key(key)})
			if err != nil {
				if inS3Class(err, ErrNotFound) && !isCode(err, "NoSuchBucket") {
					return nil
				}
				return b.fail("delete", key, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// leftovers are uploads in parts: those are stored and paid for, and shown in no listing
// of objects.
func (b *s3Bucket) leftovers(ctx context.Context) ([]leftover, error) {
	var out []leftover
	pages := s3.NewListMultipartUploadsPaginator(b, &s3.ListMultipartUploadsInput{Bucket: &b.bucket, Prefix: &b.prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, b.fail("list uploads", "", err)
		}
		for i := range page.Uploads {
			u := &page.Uploads[i]
			key := strings.TrimPrefix(aws.ToString(u.Key), b.prefix)
			_, file, ok := split(key)
			nonce, ours := nonceOf(file)
			if !ok || !ours {
				continue
			}
			out = append(out, leftover{nonce, aws.ToTime(u.Initiated), func(ctx context.Context) error {
				return b.abortUpload(ctx, key, aws.ToString(u.UploadId))
			}})
		}
	}
	return out, nil
}

func (b *s3Bucket) abortUpload(ctx context.Context, key, id string) error {
	_, err := b.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.bucket, Key: b.key(key), UploadId: &id})
	if err != nil {
		if inS3Class(err, ErrNotFound) {
			return nil
		}
		return b.fail("give up the upload of", key, err)
	}
	return nil
}
