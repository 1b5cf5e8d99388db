package sandbox_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func s3At(a *sandbox.AWS, account, region string, options ...func(*s3.Options)) *s3.Client {
	c := config(a.Client(), account, region)
	// As in the configuration that the SDK loads by itself.
	c.RequestChecksumCalculation, c.ResponseChecksumValidation = aws.RequestChecksumCalculationWhenSupported, aws.ResponseChecksumValidationWhenSupported
	return s3.NewFromConfig(c, options...)
}

func pathStyle(o *s3.Options) { o.UsePathStyle = true }

// inBuckets runs a test on two buckets: "shop" of prod in us-east-1 and "vault" of
// recovery in us-west-2.
func inBuckets(t *testing.T, run func(t *testing.T, a *sandbox.AWS, c *s3.Client)) {
	t.Helper()
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		wantCode(t, a.PutBucket(prod, east, "shop"), "")
		wantCode(t, a.PutBucket(recovery, west, "vault"), "")
		run(t, a, s3At(a, prod, east))
	})
}

func putBytes(ctx context.Context, t *testing.T, c *s3.Client, bucket, key string, body []byte) *s3.PutObjectOutput {
	t.Helper()
	out, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)})
	wantCode(t, err, "")
	return out
}

func getBytes(ctx context.Context, t *testing.T, c *s3.Client, bucket, key string) []byte {
	t.Helper()
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	wantCode(t, err, "")
	body, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatalf("read %s of %s: %v", key, bucket, err)
	}
	return body
}

func TestObjectsInBothStyles(t *testing.T) {
	for _, style := range []struct {
		name   string
		option func(*s3.Options)
	}{{"virtual host", func(*s3.Options) {}}, {"path", pathStyle}, {"AWS's own host", func(o *s3.Options) { o.BaseEndpoint = nil }}} {
		t.Run(style.name, func(t *testing.T) {
			inBuckets(t, func(t *testing.T, a *sandbox.AWS, _ *s3.Client) {
				ctx, c := t.Context(), s3At(a, prod, east, style.option)
				key := "a b/ü+%&=.txt"
				put, err := c.PutObject(ctx, &s3.PutObjectInput{
					Bucket: aws.String("shop"), Key: &key, Body: strings.NewReader("hello"), ContentType: aws.String("text/plain"),
					Metadata: map[string]string{"made-by": "me"}, Tagging: aws.String("team=shop"),
				})
				wantCode(t, err, "")
				sum := md5.Sum([]byte("hello"))
				if *put.ETag != `"`+hex.EncodeToString(sum[:])+`"` || put.ChecksumCRC32 == nil || put.ServerSideEncryption != "AES256" {
					t.Errorf("put: %+v", put)
				}
				if got := getBytes(ctx, t, c, "shop", key); string(got) != "hello" {
					t.Errorf("got %q", got)
				}
				head, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("shop"), Key: &key, ChecksumMode: types.ChecksumModeEnabled})
				wantCode(t, err, "")
				if *head.ContentLength != 5 || *head.ContentType != "text/plain" || head.Metadata["made-by"] != "me" || *head.TagCount != 1 ||
					*head.ChecksumCRC32 != *put.ChecksumCRC32 || head.ChecksumType != types.ChecksumTypeFullObject {
					t.Errorf("head: %+v", head)
				}
				list, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("shop")})
				wantCode(t, err, "")
				if len(list.Contents) != 1 || *list.Contents[0].Key != key || *list.Contents[0].Size != 5 {
					t.Errorf("list: %+v", list.Contents)
				}
				_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String("shop"), Key: &key})
				wantCode(t, err, "")
				_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("shop"), Key: &key})
				wantCode(t, err, "NoSuchKey")
				_, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("shop"), Key: &key})
				if _, ok := errors.AsType[*types.NotFound](err); !ok {
					t.Errorf("head of nothing: %v", err)
				}
			})
		})
	}
}

func TestBuckets(t *testing.T) {
	inBuckets(t, func(t *testing.T, a *sandbox.AWS, c *s3.Client) {
		ctx := t.Context()
		inWest := s3At(a, prod, west)
		create := func(c *s3.Client, name, region string) error {
			in := &s3.CreateBucketInput{Bucket: &name}
			if region != "" {
				in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
			}
			_, err := c.CreateBucket(ctx, in)
			return err
		}
		wantCode(t, create(inWest, "logs", west), "")
		wantCode(t, create(inWest, "logs", west), "BucketAlreadyOwnedByYou")
		wantCode(t, create(c, "vault", ""), "BucketAlreadyExists")
		wantCode(t, create(c, "shop", ""), "") // us-east-1 is so.
		wantCode(t, create(inWest, "more", ""), "IllegalLocationConstraintException")
		wantCode(t, create(inWest, "more", "eu-west-1"), "IllegalLocationConstraintException")
		wantCode(t, create(c, "more", "us-east-1"), "InvalidLocationConstraint")
		wantCode(t, create(c, "Bad_Name", ""), "InvalidBucketName")

		where, err := c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: aws.String("logs")})
		wantCode(t, err, "")
		if where.LocationConstraint != types.BucketLocationConstraintUsWest2 {
			t.Errorf("logs is in %q", where.LocationConstraint)
		}
		where, err = c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: aws.String("shop")})
		wantCode(t, err, "")
		if where.LocationConstraint != "" {
			t.Errorf("shop is in %q", where.LocationConstraint)
		}
		all, err := c.ListBuckets(ctx, &s3.ListBucketsInput{})
		wantCode(t, err, "")
		if len(all.Buckets) != 2 || *all.Buckets[0].Name != "logs" || *all.Buckets[0].BucketRegion != west {
			t.Errorf("buckets: %+v", all.Buckets)
		}
		head, err := c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("shop")})
		wantCode(t, err, "")
		if *head.BucketRegion != east {
			t.Errorf("shop: %+v", head)
		}
		putBytes(ctx, t, c, "shop", "k", nil)
		_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("shop")})
		wantCode(t, err, "BucketNotEmpty")
		_, err = inWest.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("logs")})
		wantCode(t, err, "")
		_, err = inWest.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("logs")})
		wantCode(t, err, "NoSuchBucket")
	})
}

// A call to the wrong Region is told the right one.
func TestBucketsOfOtherRegions(t *testing.T) {
	inBuckets(t, func(t *testing.T, a *sandbox.AWS, _ *s3.Client) {
		ctx := t.Context()
		for _, tc := range []struct{ name, code, region string }{
			{"us-east-1 as virtual host", "AuthorizationHeaderMalformed", east},
			{"another Region", "PermanentRedirect", "eu-west-1"},
		} {
			c := s3At(a, recovery, tc.region)
			_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("vault"), Key: aws.String("k")})
			wantCode(t, err, tc.code)
		}
		_, err := s3At(a, recovery, east).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("vault")})
		if err == nil || !strings.Contains(err.Error(), "400") {
			t.Errorf("head in the wrong Region: %v", err)
		}
	})
}

func TestListing(t *testing.T) {
	inBuckets(t, func(t *testing.T, _ *sandbox.AWS, c *s3.Client) {
		ctx := t.Context()
		for i := range 25 {
			putBytes(ctx, t, c, "shop", fmt.Sprintf("a/%02d", i), []byte("x"))
		}
		for _, key := range []string{"b/1", "b/2", "c", "a-0"} {
			putBytes(ctx, t, c, "shop", key, nil)
		}
		var keys []string
		pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String("shop"), MaxKeys: aws.Int32(10)})
		n := 0
		for ; pages.HasMorePages(); n++ {
			page, err := pages.NextPage(ctx)
			wantCode(t, err, "")
			for _, o := range page.Contents {
				keys = append(keys, *o.Key)
			}
		}
		if n != 3 || len(keys) != 29 || keys[0] != "a-0" || keys[28] != "c" {
			t.Errorf("%d pages: %v", n, keys)
		}
		var got []string
		pages = s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String("shop"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			wantCode(t, err, "")
			for _, p := range page.CommonPrefixes {
				got = append(got, *p.Prefix)
			}
			for _, o := range page.Contents {
				got = append(got, *o.Key)
			}
		}
		if strings.Join(got, " ") != "a-0 a/ b/ c" {
			t.Errorf("by the delimiter: %v", got)
		}
		part, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("shop"), Prefix: aws.String("a/"), StartAfter: aws.String("a/22")})
		wantCode(t, err, "")
		if *part.KeyCount != 2 {
			t.Errorf("after a/22: %+v", part.Contents)
		}
		old, err := c.ListObjects(ctx, &s3.ListObjectsInput{Bucket: aws.String("shop"), Marker: aws.String("b/1")})
		wantCode(t, err, "")
		if len(old.Contents) != 2 {
			t.Errorf("after b/1: %+v", old.Contents)
		}
		gone, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String("shop"), Delete: &types.Delete{
			Objects: []types.ObjectIdentifier{{Key: aws.String("b/1")}, {Key: aws.String("none")}},
		}})
		wantCode(t, err, "")
		if len(gone.Deleted) != 2 || len(gone.Errors) != 0 {
			t.Errorf("deleted: %+v", gone)
		}
	})
}

func TestReads(t *testing.T) {
	inBuckets(t, func(t *testing.T, _ *sandbox.AWS, c *s3.Client) {
		ctx := t.Context()
		etag := putBytes(ctx, t, c, "shop", "k", []byte("0123456789")).ETag
		get := func(change func(*s3.GetObjectInput)) (string, error) {
			in := &s3.GetObjectInput{Bucket: aws.String("shop"), Key: aws.String("k")}
			change(in)
			out, err := c.GetObject(ctx, in)
			if err != nil {
				return "", err
			}
			body, err := io.ReadAll(out.Body)
			return string(body) + aws.ToString(out.ContentRange), err
		}
		for spec, want := range map[string]string{
			"bytes=2-4": "234bytes 2-4/10", "bytes=8-": "89bytes 8-9/10", "bytes=-3": "789bytes 7-9/10", "bytes=5-99": "56789bytes 5-9/10", "nonsense": "0123456789",
		} {
			got, err := get(func(in *s3.GetObjectInput) { in.Range = &spec })
			if err != nil || got != want {
				t.Errorf("%s: %q, %v", spec, got, err)
			}
		}
		_, err := get(func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=10-") })
		wantCode(t, err, "InvalidRange")
		_, err = get(func(in *s3.GetObjectInput) { in.IfMatch = etag })
		wantCode(t, err, "")
		_, err = get(func(in *s3.GetObjectInput) { in.IfMatch = aws.String("other") })
		wantCode(t, err, "PreconditionFailed")
		_, err = get(func(in *s3.GetObjectInput) { in.IfNoneMatch = etag })
		if err == nil || !strings.Contains(err.Error(), "304") {
			t.Errorf("if none match: %v", err)
		}
		_, err = get(func(in *s3.GetObjectInput) { in.IfUnmodifiedSince = aws.Time(time.Now().Add(-time.Hour)) })
		wantCode(t, err, "PreconditionFailed")
	})
}

func TestWrites(t *testing.T) {
	inBuckets(t, func(t *testing.T, _ *sandbox.AWS, c *s3.Client) {
		ctx := t.Context()
		put := func(change func(*s3.PutObjectInput)) error {
			in := &s3.PutObjectInput{Bucket: aws.String("shop"), Key: aws.String("k"), Body: strings.NewReader("x")}
			change(in)
			_, err := c.PutObject(ctx, in)
			return err
		}
		wantCode(t, put(func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }), "")
		wantCode(t, put(func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }), "PreconditionFailed")
		wantCode(t, put(func(in *s3.PutObjectInput) { in.IfMatch = aws.String("other") }), "PreconditionFailed")
		wantCode(t, put(func(in *s3.PutObjectInput) { in.ChecksumCRC32 = aws.String("AAAAAA==") }), "BadDigest")
		wantCode(t, put(func(in *s3.PutObjectInput) { in.ContentMD5 = aws.String("AAAAAAAAAAAAAAAAAAAAAA==") }), "BadDigest")
		wantCode(t, put(func(in *s3.PutObjectInput) { in.ContentMD5 = aws.String("AAAA") }), "InvalidDigest")
		wantCode(t, put(func(in *s3.PutObjectInput) { in.ExpectedBucketOwner = aws.String(recovery) }), "AccessDenied")
		wantCode(t, put(func(in *s3.PutObjectInput) { in.ACL = types.ObjectCannedACLPublicRead }), "AccessControlListNotSupported")
		wantCode(t, put(func(in *s3.PutObjectInput) { in.ACL = types.ObjectCannedACLBucketOwnerFullControl }), "")
		wantCode(t, put(func(in *s3.PutObjectInput) { in.ObjectLockLegalHoldStatus = types.ObjectLockLegalHoldStatusOn }), "NotImplemented")
		for _, algorithm := range types.ChecksumAlgorithm("").Values() {
			switch algorithm {
			case "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256":
			default:
				continue
			}
			wantCode(t, put(func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = algorithm }), "")
			if got := getBytes(ctx, t, c, "shop", "k"); string(got) != "x" {
				t.Errorf("%s: %q", algorithm, got)
			}
			about, err := c.GetObjectAttributes(ctx, &s3.GetObjectAttributesInput{
				Bucket: aws.String("shop"), Key: aws.String("k"),
				ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesChecksum, types.ObjectAttributesObjectSize, types.ObjectAttributesEtag},
			})
			wantCode(t, err, "")
			if about.Checksum == nil || about.Checksum.ChecksumType != types.ChecksumTypeFullObject || *about.ObjectSize != 1 {
				t.Errorf("%s: %+v", algorithm, about)
			}
		}
	})
}

// What the SDK sends of a stream it cannot go back in: chunks, with the checksum
// after them.
func TestStreams(t *testing.T) {
	inBuckets(t, func(t *testing.T, a *sandbox.AWS, _ *s3.Client) {
		c := s3At(a, prod, east, func(o *s3.Options) { o.BaseEndpoint = aws.String("https://sandbox.local") })
		body := bytes.Repeat([]byte("0123456789"), 30_000)
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("shop"), Key: aws.String("k"), Body: io.LimitReader(bytes.NewReader(body), 1<<20), ContentLength: aws.Int64(int64(len(body))),
		})
		wantCode(t, err, "")
		if got := getBytes(t.Context(), t, c, "shop", "k"); !bytes.Equal(got, body) {
			t.Errorf("%d bytes came back of %d", len(got), len(body))
		}
	})
}

func TestLargeObjects(t *testing.T) {
	inBuckets(t, func(t *testing.T, a *sandbox.AWS, c *s3.Client) {
		ctx := t.Context()
		wantCode(t, a.PutLargeObject("shop", "small", 10_000_003), "")
		all := getBytes(ctx, t, c, "shop", "small") // Which checks the checksum.
		if len(all) != 10_000_003 || bytes.Equal(all[:64], all[64:128]) {
			t.Errorf("%d bytes, beginning with %x", len(all), all[:64])
		}
		out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("shop"), Key: aws.String("small"), Range: aws.String("bytes=5000001-5000020")})
		wantCode(t, err, "")
		if part, _ := io.ReadAll(out.Body); !bytes.Equal(part, all[5000001:5000021]) {
			t.Errorf("the range: %x, want %x", part, all[5000001:5000021])
		}
		wantCode(t, a.PutLargeObject("shop", "huge", 3<<30), "")
		begun := time.Now()
		_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String("shop"), Key: aws.String("copy"), CopySource: aws.String("shop/huge")})
		wantCode(t, err, "")
		head, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("shop"), Key: aws.String("copy")})
		wantCode(t, err, "")
		if *head.ContentLength != 3<<30 || time.Since(begun) > 0 {
			t.Errorf("the copy: %+v", head)
		}
	})
}

func TestCopies(t *testing.T) {
	inBuckets(t, func(t *testing.T, a *sandbox.AWS, c *s3.Client) {
		ctx, other := t.Context(), s3At(a, recovery, west)
		_, err := c.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String("shop"), Key: aws.String("a b"), Body: strings.NewReader("data"), Metadata: map[string]string{"m": "1"}, Tagging: aws.String("t=1"),
		})
		wantCode(t, err, "")
		copyTo := func(change func(*s3.CopyObjectInput)) error {
			in := &s3.CopyObjectInput{Bucket: aws.String("vault"), Key: aws.String("copy"), CopySource: aws.String("shop/a%20b")}
			if change != nil {
				change(in)
			}
			_, err := other.CopyObject(ctx, in)
			return err
		}
		wantCode(t, copyTo(nil), "AccessDenied")
		policy := func(actions string) {
			_, err := c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String("shop"), Policy: aws.String(
				`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":` + actions + `,"Resource":"arn:aws:s3:::shop/*"}}`,
			)})
			wantCode(t, err, "")
		}
		policy(`"s3:GetObject"`)
		wantCode(t, copyTo(nil), "AccessDenied") // The tags may not be read.
		policy(`["s3:GetObject","s3:GetObjectTagging"]`)
		wantCode(t, copyTo(nil), "")
		head, err := other.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("vault"), Key: aws.String("copy")})
		wantCode(t, err, "")
		if head.Metadata["m"] != "1" || *head.TagCount != 1 || string(getBytes(ctx, t, other, "vault", "copy")) != "data" {
			t.Errorf("the copy: %+v", head)
		}
		wantCode(t, copyTo(func(in *s3.CopyObjectInput) { in.IfNoneMatch = aws.String("*") }), "PreconditionFailed")
		wantCode(t, copyTo(func(in *s3.CopyObjectInput) { in.CopySourceIfMatch = aws.String("other") }), "PreconditionFailed")
		wantCode(t, copyTo(func(in *s3.CopyObjectInput) { in.CopySource = aws.String("shop/none") }), "AccessDenied") // It may not list.
		wantCode(t, copyTo(func(in *s3.CopyObjectInput) { in.CopySource = aws.String("nowhere/none") }), "NoSuchBucket")
		wantCode(t, copyTo(func(in *s3.CopyObjectInput) { in.CopySource = aws.String("vault/copy") }), "InvalidRequest")
		wantCode(t, copyTo(func(in *s3.CopyObjectInput) {
			in.MetadataDirective, in.Metadata = types.MetadataDirectiveReplace, map[string]string{"m": "2"}
			in.TaggingDirective = types.TaggingDirectiveReplace
		}), "")
		head, err = other.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("vault"), Key: aws.String("copy")})
		wantCode(t, err, "")
		if head.Metadata["m"] != "2" || head.TagCount != nil {
			t.Errorf("the copy with other metadata: %+v", head)
		}
	})
}

func TestUploads(t *testing.T) {
	inBuckets(t, func(t *testing.T, _ *sandbox.AWS, c *s3.Client) {
		ctx := t.Context()
		bucket, key := aws.String("shop"), aws.String("big")
		begin := func(algorithm types.ChecksumAlgorithm) *string {
			out, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key, ChecksumAlgorithm: algorithm})
			wantCode(t, err, "")
			return out.UploadId
		}
		part := func(id *string, n int32, size int, algorithm types.ChecksumAlgorithm) types.CompletedPart {
			out, err := c.UploadPart(ctx, &s3.UploadPartInput{
				Bucket: bucket, Key: key, UploadId: id, PartNumber: &n, Body: bytes.NewReader(bytes.Repeat([]byte{byte(n)}, size)), ChecksumAlgorithm: algorithm,
			})
			wantCode(t, err, "")
			return types.CompletedPart{ETag: out.ETag, PartNumber: &n, ChecksumCRC32: out.ChecksumCRC32, ChecksumSHA256: out.ChecksumSHA256}
		}
		complete := func(id *string, parts ...types.CompletedPart) (*s3.CompleteMultipartUploadOutput, error) {
			return c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
				Bucket: bucket, Key: key, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
			})
		}
		id := begin("")
		one, two := part(id, 1, 5<<20, ""), part(id, 2, 3, "")
		_, err := complete(id, two, one)
		wantCode(t, err, "InvalidPartOrder")
		_, err = complete(id, one, types.CompletedPart{PartNumber: aws.Int32(2), ETag: aws.String("other")})
		wantCode(t, err, "InvalidPart")
		listed, err := c.ListParts(ctx, &s3.ListPartsInput{Bucket: bucket, Key: key, UploadId: id})
		wantCode(t, err, "")
		if len(listed.Parts) != 2 || *listed.Parts[0].Size != 5<<20 {
			t.Errorf("parts: %+v", listed.Parts)
		}
		_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
		wantCode(t, err, "NoSuchKey")
		done, err := complete(id, one, two)
		wantCode(t, err, "")
		if !strings.HasSuffix(*done.ETag, `-2"`) || done.ChecksumCRC64NVME == nil || done.ChecksumType != types.ChecksumTypeFullObject {
			t.Errorf("completed: %+v", done)
		}
		if got := getBytes(ctx, t, c, "shop", "big"); len(got) != 5<<20+3 || got[5<<20] != 2 {
			t.Errorf("%d bytes came back", len(got))
		}
		second, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, PartNumber: aws.Int32(2)})
		wantCode(t, err, "")
		if *second.PartsCount != 2 || *second.ContentLength != 3 {
			t.Errorf("part 2: %+v", second)
		}
		_, err = complete(id, one)
		wantCode(t, err, "NoSuchUpload")

		id = begin(types.ChecksumAlgorithmCrc32)
		done, err = complete(id, part(id, 3, 5<<20, types.ChecksumAlgorithmCrc32), part(id, 7, 1, types.ChecksumAlgorithmCrc32))
		wantCode(t, err, "")
		if done.ChecksumCRC32 == nil || !strings.HasSuffix(*done.ChecksumCRC32, "-2") || done.ChecksumType != types.ChecksumTypeComposite {
			t.Errorf("completed with a checksum of checksums: %+v", done)
		}
		id = begin(types.ChecksumAlgorithmSha256)
		one, two = part(id, 1, 10, types.ChecksumAlgorithmSha256), part(id, 2, 10, types.ChecksumAlgorithmSha256)
		_, err = complete(id, one, two)
		wantCode(t, err, "EntityTooSmall")
		_, err = complete(id, types.CompletedPart{PartNumber: one.PartNumber, ETag: one.ETag})
		wantCode(t, err, "InvalidRequest") // Its checksum is missing.
		uploads, err := c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: bucket})
		wantCode(t, err, "")
		if len(uploads.Uploads) != 1 || *uploads.Uploads[0].UploadId != *id {
			t.Errorf("uploads: %+v", uploads.Uploads)
		}
		_, err = c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: id})
		wantCode(t, err, "")
		_, err = c.ListParts(ctx, &s3.ListPartsInput{Bucket: bucket, Key: key, UploadId: id})
		wantCode(t, err, "NoSuchUpload")
	})
}

// A large object goes to another bucket by parts, as objects beyond 5 GiB must.
func TestUploadsOfCopies(t *testing.T) {
	inBuckets(t, func(t *testing.T, a *sandbox.AWS, c *s3.Client) {
		ctx := t.Context()
		const size = 6 << 30
		wantCode(t, a.PutLargeObject("shop", "huge", size), "")
		bucket, key := aws.String("shop"), aws.String("copy")
		_, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: key, CopySource: aws.String("shop/huge")})
		wantCode(t, err, "InvalidRequest")
		begun, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key, ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme})
		wantCode(t, err, "")
		var parts []types.CompletedPart
		for n := range int32(6) {
			out, err := c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
				Bucket: bucket, Key: key, UploadId: begun.UploadId, PartNumber: aws.Int32(n + 1), CopySource: aws.String("shop/huge"),
				CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", int64(n)<<30, int64(n+1)<<30-1)),
			})
			wantCode(t, err, "")
			parts = append(parts, types.CompletedPart{ETag: out.CopyPartResult.ETag, PartNumber: aws.Int32(n + 1)})
		}
		_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: bucket, Key: key, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		})
		wantCode(t, err, "")
		ends := func(key string) string {
			out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: &key, Range: aws.String("bytes=1073741820-1073741829")})
			wantCode(t, err, "")
			body, _ := io.ReadAll(out.Body)
			return base64.StdEncoding.EncodeToString(body)
		}
		if ends("huge") != ends("copy") {
			t.Errorf("across the first part's end: %s, want %s", ends("copy"), ends("huge"))
		}
	})
}
