package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// getObject gives an object, or a range or part of it; to HEAD only what is known
// of it.
//
// Amazon S3 API Reference, GetObject and HeadObject.
func (s *s3State) getObject(r *request) (any, error) {
	b, o, err := s.openObject(r)
	if err != nil {
		return nil, err
	}
	if err := checkRead(r, o, r.s3.header, ""); err != nil {
		return nil, err
	}
	reading := r.s3.method == http.MethodGet
	if reading {
		if err := s.readable(r, b, o); err != nil {
			return nil, err
		}
	}
	from, n, partial, err := wantedRange(r.s3, o)
	if err != nil {
		return nil, err
	}
	out := o.describe()
	if partial {
		out.status = http.StatusPartialContent
		out.header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, from+n-1, o.content.size()))
	} else if strings.EqualFold(r.s3.header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		o.sum = o.sum.filled(o.content)
		o.sum.put(out.header)
	}
	if r.s3.query.Has("partNumber") && len(o.parts) > 0 {
		out.header.Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(o.parts)))
	}
	for name := range r.s3.query {
		if header, ok := strings.CutPrefix(name, "response-"); ok && reading {
			out.header.Set(header, r.s3.query.Get(name))
		}
	}
	out.header.Set("Content-Length", strconv.FormatInt(n, 10))
	if reading {
		out.content = o.content.slice(from, n)
	}
	return out, nil
}

// readable says why the bytes of an object cannot be read: they are archived, or the
// caller may not use the key.
func (s *s3State) readable(r *request, b *bucket, o *object) error {
	if archived(o.class) {
		return forbid("InvalidObjectState", "The operation is not valid for the object's storage class")
	}
	if o.sse.algorithm != sseKMS {
		return nil
	}
	_, err := s.useKey(r, b, o.sse.key, "Decrypt")
	return err
}

// describe gives the headers that tell of an object.
func (o *object) describe() *s3Answer {
	out := head("Etag", o.etag, "Last-Modified", httpDate(o.created), "Accept-Ranges", "bytes")
	for name, value := range o.meta {
		out.header.Set(name, value)
	}
	o.sse.put(out.header)
	if o.class != "STANDARD" {
		out.header.Set("X-Amz-Storage-Class", o.class)
	}
	if len(o.tags) > 0 {
		out.header.Set("X-Amz-Tagging-Count", strconv.Itoa(len(o.tags)))
	}
	return out
}

// checkRead sees to the conditions of a read, or of the source of a copy, whose
// headers have a prefix and which is never answered "not modified".
//
// RFC 9110, section 13.2.2, says which of the conditions counts.
func checkRead(r *request, o *object, h http.Header, prefix string) error {
	since := func(name string) bool {
		t, err := http.ParseTime(h.Get(prefix + name))
		return err == nil && !o.created.Truncate(time.Second).After(t)
	}
	match, none := h.Get(prefix+"If-Match"), h.Get(prefix+"If-None-Match")
	switch {
	case match != "" && !sameETag(match, o.etag):
		return preconditionFailed(r, prefix+"If-Match")
	case match == "" && h.Get(prefix+"If-Unmodified-Since") != "" && !since("If-Unmodified-Since"):
		return preconditionFailed(r, prefix+"If-Unmodified-Since")
	case none != "" && sameETag(none, o.etag), none == "" && h.Get(prefix+"If-Modified-Since") != "" && since("If-Modified-Since"):
		if prefix != "" {
			return preconditionFailed(r, prefix+"If-None-Match")
		}
		r.s3.answer.Set("Etag", o.etag)
		return s3Refuse(http.StatusNotModified, "NotModified", "Not Modified")
	}
	return nil
}

// wantedRange reads which bytes of an object a call asks for: a range, a part or
// all. What cannot be understood as a range is ignored.
func wantedRange(c *s3Call, o *object) (from, n int64, partial bool, err error) {
	size := o.content.size()
	if c.query.Has("partNumber") {
		from, n, err = partRange(c, o)
		return from, n, len(o.parts) > 0, err
	}
	spec, ok := strings.CutPrefix(c.header.Get("Range"), "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !ok || !dash || strings.Contains(spec, ",") {
		return 0, size, false, nil
	}
	from, to, ok := rangeOf(first, last, size)
	if !ok {
		return 0, size, false, nil
	}
	if from >= size || from > to {
		c.tell("ActualObjectSize", strconv.FormatInt(size, 10))
		return 0, 0, false, s3Refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	}
	return from, to - from + 1, true, nil
}

// rangeOf reads 5-9, 5- or -5.
func rangeOf(first, last string, size int64) (from, to int64, ok bool) {
	a, errA := strconv.ParseInt(first, 10, 64)
	z, errZ := strconv.ParseInt(last, 10, 64)
	switch {
	case first == "" && errZ == nil:
		if z == 0 {
			return size, 0, true
		}
		return max(size-z, 0), size - 1, true
	case errA == nil && last == "":
		return a, size - 1, true
	case errA == nil && errZ == nil && a <= z:
		return a, min(z, size-1), true
	}
	return 0, 0, false
}

func partRange(c *s3Call, o *object) (from, n int64, err error) {
	k, err := strconv.Atoi(c.query.Get("partNumber"))
	parts := o.parts
	if len(parts) == 0 {
		parts = []int64{o.content.size()}
	}
	if err != nil || k < 1 || k > 10_000 {
		return 0, 0, refuse("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
	}
	if k > len(parts) {
		return 0, 0, s3Refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber", "The requested partnumber is not satisfiable")
	}
	for _, size := range parts[:k-1] {
		from += size
	}
	return from, parts[k-1], nil
}

type (
	objectAttributesXML struct {
		ETag         string               `xml:",omitempty"`
		Checksum     *objectSumXML        `xml:",omitempty"`
		ObjectParts  *struct{ Count int } `xml:",omitempty"`
		StorageClass string               `xml:",omitempty"`
		ObjectSize   *int64               `xml:",omitempty"`
	}
	objectSumXML struct {
		checksumXML
		ChecksumType string
	}
)

// getAttributes gives what is asked for of what is known of an object.
func (s *s3State) getAttributes(r *request) (any, error) {
	_, o, err := s.openObject(r)
	if err != nil {
		return nil, err
	}
	var wanted []string
	for name := range strings.SplitSeq(strings.Join(r.s3.header.Values("X-Amz-Object-Attributes"), ","), ",") {
		wanted = append(wanted, strings.TrimSpace(name))
	}
	wants := func(name string) bool { return slices.Contains(wanted, name) }
	var x objectAttributesXML
	if wants("ETag") {
		x.ETag = strings.Trim(o.etag, `"`)
	}
	if o.sum = o.sum.filled(o.content); wants("Checksum") && o.sum.value != "" {
		x.Checksum = &objectSumXML{o.sum.xml(), o.sum.kind}
	}
	if wants("ObjectParts") && len(o.parts) > 0 {
		x.ObjectParts = &struct{ Count int }{len(o.parts)}
	}
	if wants("StorageClass") {
		x.StorageClass = o.class
	}
	if size := o.content.size(); wants("ObjectSize") {
		x.ObjectSize = &size
	}
	return head("Last-Modified", httpDate(o.created)).with("GetObjectAttributesResponse", x), nil
}
