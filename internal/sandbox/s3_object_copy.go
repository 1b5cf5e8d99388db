package sandbox

import (
	"fmt"
	"net/url"
	"strings"
)

type copyXML struct {
	ETag, LastModified string
	checksumXML
	ChecksumType string `xml:",omitempty"`
}

// source finds what a call copies, and sees to it that the caller may read it. It
// may be in another Region and account.
//
// Amazon S3 API Reference, CopyObject and UploadPartCopy.
func (s *s3State) source(r *request) (*bucket, *object, error) {
	c := r.s3
	text, version, _ := strings.Cut(c.header.Get("X-Amz-Copy-Source"), "?versionId=")
	path, err := url.PathUnescape(text)
	name, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case strings.HasPrefix(text, "arn:"):
		return nil, nil, notSimulated("access points")
	case err != nil || !ok || key == "":
		return nil, nil, refuse("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	case version != "" && version != "null":
		return nil, nil, notSimulated("versions of objects")
	}
	b, ok := s.buckets[name]
	if !ok {
		c.tell("BucketName", name)
		return nil, nil, notFound("NoSuchBucket", "The specified bucket does not exist")
	}
	if owner := c.header.Get("X-Amz-Source-Expected-Bucket-Owner"); owner != "" && owner != b.account {
		return nil, nil, s3Denied()
	}
	if err := s.mayRead(r, b, key, "GetObject"); err != nil {
		return nil, nil, err
	}
	o, err := s.find(r, b, key)
	if err != nil {
		return nil, nil, err
	}
	return b, o, firstError(checkRead(r, o, c.header, "X-Amz-Copy-Source-"), s.readable(r, b, o))
}

// mayRead says why a caller may not do something to an object that it does not
// address.
func (s *s3State) mayRead(r *request, b *bucket, key, action string) error {
	if s.may(callerOf(r), b, key, action, r) && !s.aws.account(r.who.account).denies("s3", action) {
		return nil
	}
	return forbid("AccessDenied", "User: %s is not authorized to perform: s3:%s on resource: %q", r.who.arn, action, bucketARN(b.name)+"/"+key)
}

// copyObject copies an object of up to 5 GiB, with its metadata and tags unless
// they are replaced. Its grants and encryption are not copied.
func (s *s3State) copyObject(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	from, old, err := s.source(r)
	if err != nil {
		return nil, err
	}
	if err := checkOverwrite(r, b); err != nil {
		return nil, err
	}
	o, err := s.newObject(r, b)
	if err != nil {
		return nil, err
	}
	if err := s.carryOver(r, b, from, old, o); err != nil {
		return nil, err
	}
	algorithm, err := wantsChecksum(r.s3)
	if err != nil {
		return nil, err
	}
	o.content = old.content
	o.sum = checksum{or(algorithm, or(old.sum.algorithm, crc64Sum)), "", fullObject}
	if old.sum.kind == fullObject && old.sum.algorithm == o.sum.algorithm {
		o.sum.value = old.sum.value
	}
	o.etag, o.sum = o.content.etag(), o.sum.filled(o.content)
	b.put(o, r.now, r.now)
	out := s3XML("CopyObjectResult", copyXML{o.etag, stamp(o.created), o.sum.xml(), o.sum.kind})
	o.sse.put(out.header)
	return out, nil
}

// carryOver gives a copy what it takes over from its source. To copy tags takes the
// permission to read and to write them.
func (s *s3State) carryOver(r *request, b, from *bucket, old, o *object) error {
	h := r.s3.header
	keeps, keepsTags := h.Get("X-Amz-Metadata-Directive") != "REPLACE", h.Get("X-Amz-Tagging-Directive") != "REPLACE"
	changed := !keeps || h.Get("X-Amz-Storage-Class") != "" || h.Get("X-Amz-Server-Side-Encryption") != ""
	switch {
	case old.content.size() > maxWritten:
		return refuse("InvalidRequest", "The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxWritten))
	case from == b && old.key == o.key && !changed:
		return refuse("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing "+
			"the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if keeps {
		o.meta = cloneMeta(old)
	}
	if keepsTags {
		o.tags = old.tags
	}
	if keepsTags && len(old.tags) > 0 {
		return firstError(s.mayRead(r, from, old.key, "GetObjectTagging"), s.mayRead(r, b, o.key, "PutObjectTagging"))
	}
	return nil
}

// copiedRange reads which bytes of its source a part is.
func copiedRange(c *s3Call, o *object) (*content, error) {
	text := c.header.Get("X-Amz-Copy-Source-Range")
	size := o.content.size()
	if text == "" {
		if size > maxWritten {
			return nil, refuse("InvalidRequest", "The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxWritten))
		}
		return o.content, nil
	}
	var from, to int64
	if _, err := fmt.Sscanf(text, "bytes=%d-%d", &from, &to); err != nil || from > to || from < 0 {
		return nil, refuse("InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
	}
	if to >= size {
		return nil, refuse("InvalidArgument", "Range specified is not valid for source object of size: %d", size)
	}
	if to-from+1 > maxWritten {
		return nil, refuse("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	}
	return o.content.slice(from, to-from+1), nil
}
