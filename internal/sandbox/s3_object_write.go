package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// maxWritten is the most that can be written, or copied, in one call.
const maxWritten = 5 << 30

// putObject stores an object, and so replaces what was there.
//
// Amazon S3 API Reference, PutObject.
func (s *s3State) putObject(r *request) (any, error) {
	c := r.s3
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	if err := firstError(checkBody(c), checkOverwrite(r, b)); err != nil {
		return nil, err
	}
	o, err := s.newObject(r, b)
	if err != nil {
		return nil, err
	}
	o.content, o.sum = bytesOf(c.body), checksumFor(c)
	o.etag, o.sum = o.content.etag(), o.sum.filled(o.content)
	b.put(o, r.now, r.now)
	out := head("Etag", o.etag)
	o.sse.put(out.header)
	o.sum.put(out.header)
	return out, nil
}

// newObject reads from a call what an object is to be, but for its bytes.
func (s *s3State) newObject(r *request, b *bucket) (*object, error) {
	c := r.s3
	if len(c.key) > 1024 {
		return nil, refuse("KeyTooLongError", "Your key is too long")
	}
	if err := notSimulatedHeaders(c); err != nil {
		return nil, err
	}
	o := &object{key: c.key, owner: r.who.account, created: r.now, class: or(c.header.Get("X-Amz-Storage-Class"), "STANDARD")}
	if c.header.Get("X-Amz-Acl") == "bucket-owner-full-control" && b.ownership == ownerPreferred || !b.hasACLs() {
		o.owner = b.account
	}
	if !slices.Contains(storageClasses(), o.class) {
		return nil, refuse("InvalidStorageClass", "The storage class you specified is not valid")
	}
	var err1, err2, err3, err4 error
	o.meta, err1 = keptHeaders(c.header)
	o.tags, err2 = headerTags(c.header.Get("X-Amz-Tagging"))
	o.acl, err3 = readACL(c, b, o.owner, false)
	if err := firstError(err1, err2, err3); err != nil {
		return nil, err
	}
	o.sse, err4 = s.encryptionOf(r, b)
	return o, err4
}

func storageClasses() []string {
	return []string{
		"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR",
	}
}

// archived reports whether objects of a class cannot be read as they are.
func archived(class string) bool { return class == "GLACIER" || class == "DEEP_ARCHIVE" }

// keptHeaders gives the headers that are kept with an object and given back.
//
// Amazon S3 User Guide, "Working with object metadata": 2 KB of one's own.
func keptHeaders(h http.Header) (map[string]string, error) {
	out, size := map[string]string{"Content-Type": or(h.Get("Content-Type"), "binary/octet-stream")}, 0
	for _, name := range [...]string{"Cache-Control", "Content-Disposition", "Content-Language", "Expires"} {
		if v := h.Get(name); v != "" {
			out[name] = v
		}
	}
	var codings []string
	for coding := range strings.SplitSeq(h.Get("Content-Encoding"), ",") {
		if coding = strings.TrimSpace(coding); coding != "" && coding != "aws-chunked" {
			codings = append(codings, coding)
		}
	}
	if len(codings) > 0 {
		out["Content-Encoding"] = strings.Join(codings, ",")
	}
	for name, values := range h {
		if key, own := strings.CutPrefix(name, "X-Amz-Meta-"); own {
			out[name] = strings.Join(values, ",")
			size += len(key) + len(out[name])
		}
	}
	if size > 2048 {
		return nil, refuse("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	return out, nil
}

// encryptionOf gives how what a call writes is to be encrypted: as it says, or as
// is the bucket's default. The key is that of the caller's account, unless its ARN
// says otherwise.
//
// Amazon S3 User Guide, "Specifying server-side encryption with AWS KMS": the key
// must be in the bucket's Region; without one it is the key aws/s3.
func (s *s3State) encryptionOf(r *request, b *bucket) (encryption, error) {
	h := r.s3.header
	e := encryption{h.Get("X-Amz-Server-Side-Encryption"), h.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"), false}
	switch {
	case e.algorithm == "aws:kms:dsse":
		return e, notSimulated("dual-layer encryption")
	case e.algorithm == "" && e.key != "", e.algorithm == sseS3 && e.key != "":
		return e, refuse("InvalidArgument", "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
	case e.algorithm == "":
		e = encryption{or(b.sse.algorithm, sseS3), b.sse.key, b.sse.bucketKey}
	case e.algorithm != sseS3 && e.algorithm != sseKMS:
		return e, refuse("InvalidArgument", "The encryption method specified is not supported")
	case e.key == "" && e.algorithm == sseKMS && b.sse.algorithm == sseKMS:
		e.key = b.sse.key
	}
	if v := h.Get("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled"); v != "" {
		e.bucketKey = v == "true"
	}
	if e.algorithm == sseS3 {
		return encryption{algorithm: sseS3}, nil
	}
	key, err := s.useKey(r, b, or(e.key, "alias/aws/s3"), "GenerateDataKey")
	e.key = key
	return e, err
}

// put writes into headers how an object is encrypted.
func (e encryption) put(h http.Header) {
	h.Set("X-Amz-Server-Side-Encryption", e.algorithm)
	if e.algorithm == sseKMS {
		h.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", e.key)
	}
	if e.bucketKey {
		h.Set("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled", "true")
	}
}

// checkOverwrite sees to the conditions on what is there before a write.
//
// Amazon S3 User Guide, "How to prevent object overwrites with conditional writes".
func checkOverwrite(r *request, b *bucket) error {
	old, exists := b.object(r.s3.key, r.now)
	match, none := r.s3.header.Get("If-Match"), r.s3.header.Get("If-None-Match")
	switch {
	case none != "" && none != "*":
		return s3Refuse(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented")
	case none != "" && exists:
		return preconditionFailed(r, "If-None-Match")
	case match != "" && !exists:
		return notFound("NoSuchKey", "The specified key does not exist.")
	case match != "" && !sameETag(match, old.etag):
		return preconditionFailed(r, "If-Match")
	}
	return nil
}

func preconditionFailed(r *request, condition string) error {
	r.s3.tell("Condition", condition)
	return s3Refuse(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
}

// sameETag reports whether an ETag, with or without its quotes, is one of a list.
func sameETag(list, etag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.Trim(one, `"`) == strings.Trim(etag, `"`) {
			return true
		}
	}
	return false
}

// deleteObject deletes an object. That there is none is no error.
func (s *s3State) deleteObject(r *request) (any, error) {
	if err := notSimulatedHeaders(r.s3); err != nil {
		return nil, err
	}
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	if match := r.s3.header.Get("If-Match"); match != "" {
		if err := checkOverwrite(r, b); err != nil {
			return nil, err
		}
	}
	b.drop(r.s3.key, r.now)
	return noContent(), nil
}

type (
	deleteBody struct {
		Quiet  bool
		Object []struct{ Key, VersionId, ETag string }
	}
	deletedXML struct {
		Deleted []struct{ Key string }
		Error   []struct{ Key, Code, Message string }
	}
)

// deleteObjects deletes up to a thousand objects and answers for each.
//
// Amazon S3 API Reference, DeleteObjects.
func (s *s3State) deleteObjects(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	var body deleteBody
	if err := firstError(checkBody(r.s3), readS3XML(r.s3, &body)); err != nil {
		return nil, err
	}
	switch {
	case r.s3.header.Get("Content-Md5") == "" && statedSum(r.s3).value == "":
		return nil, refuse("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	case len(body.Object) == 0 || len(body.Object) > 1000:
		return nil, refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	var x deletedXML
	denied := s.aws.account(r.who.account).denies("s3", "DeleteObject")
	for _, one := range body.Object {
		switch {
		case one.VersionId != "" && one.VersionId != "null", one.ETag != "":
			return nil, notSimulated("versions and conditions in DeleteObjects")
		case denied || !s.may(callerOf(r), b, one.Key, "DeleteObject", r):
			x.Error = append(x.Error, struct{ Key, Code, Message string }{one.Key, "AccessDenied", "Access Denied"})
			continue
		}
		b.drop(one.Key, r.now)
		if !body.Quiet {
			x.Deleted = append(x.Deleted, struct{ Key string }{one.Key})
		}
	}
	return s3XML("DeleteResult", x), nil
}

// cloneMeta is for objects that are made from others.
func cloneMeta(o *object) map[string]string { return maps.Clone(o.meta) }
