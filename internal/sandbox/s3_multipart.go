package sandbox

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// upload is an object that comes in parts.
type upload struct {
	id    string
	begun time.Time
	// of is what the object will be, but for its bytes.
	of    *object
	parts map[int]*s3Part
	// algorithm and kind are of the checksum that the object will have; stated says
	// that the caller chose the algorithm, and so must give those of the parts.
	algorithm, kind string
	stated          bool
}

// s3Part is a part of an upload.
type s3Part struct {
	number  int
	written time.Time
	content *content
	etag    string
	sum     checksum
}

const (
	minPart  = 5 << 20
	maxParts = 10_000
)

// createUpload begins an upload.
//
// Amazon S3 API Reference, CreateMultipartUpload.
func (s *s3State) createUpload(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	o, err := s.newObject(r, b)
	if err != nil {
		return nil, err
	}
	algorithm, err := wantsChecksum(r.s3)
	if err != nil {
		return nil, err
	}
	kind, err := uploadKind(algorithm, r.s3.header.Get("X-Amz-Checksum-Type"))
	if err != nil {
		return nil, err
	}
	s.made++
	u := &upload{
		id: hashed(64, "upload", b.name, o.key, strconv.Itoa(s.made)), begun: r.now, of: o, parts: map[int]*s3Part{},
		algorithm: or(algorithm, crc64Sum), kind: kind, stated: algorithm != "",
	}
	b.uploads[u.id] = u
	out := s3XML("InitiateMultipartUploadResult", struct{ Bucket, Key, UploadId string }{b.name, o.key, u.id})
	o.sse.put(out.header)
	if u.stated {
		out.header.Set("X-Amz-Checksum-Algorithm", u.algorithm)
		out.header.Set("X-Amz-Checksum-Type", u.kind)
	}
	return out, nil
}

// uploadKind gives the type of the checksum of an upload.
//
// Amazon S3 User Guide, "Checking object integrity", the table of the algorithms
// that can be of the full object and of its parts.
func uploadKind(algorithm, wanted string) (string, error) {
	full, parts := true, true
	switch algorithm {
	case "", crc64Sum:
		parts = false
	case sha1Sum, sha256Sum:
		full = false
	}
	switch {
	case wanted == fullObject && !full, wanted == composite && !parts:
		return "", refuse("InvalidRequest", "The %s checksum type cannot be used with the %s checksum algorithm.", wanted, strings.ToLower(or(algorithm, crc64Sum)))
	case wanted == fullObject, wanted == composite:
		return wanted, nil
	case wanted != "":
		return "", refuse("InvalidRequest", "Value for x-amz-checksum-type header is invalid.")
	case parts:
		return composite, nil
	}
	return fullObject, nil
}

// openUpload finds the upload of a call that may be made.
func (s *s3State) openUpload(r *request) (*bucket, *upload, error) {
	if err := notSimulatedHeaders(r.s3); err != nil {
		return nil, nil, err
	}
	b, err := s.open(r)
	if err != nil {
		return nil, nil, err
	}
	id, _ := r.s3.parameter("uploadId")
	u, ok := b.uploads[id]
	if !ok || u.of.key != r.s3.key {
		r.s3.tell("UploadId", id)
		return nil, nil, notFound("NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	}
	return b, u, nil
}

func partNumber(c *s3Call) (int, error) {
	n, err := strconv.Atoi(c.query.Get("partNumber"))
	if err != nil || n < 1 || n > maxParts {
		return 0, refuse("InvalidArgument", "Part number must be an integer between 1 and %d, inclusive", maxParts)
	}
	return n, nil
}

// uploadPart takes a part. It replaces one of the same number.
func (s *s3State) uploadPart(r *request) (any, error) {
	_, u, err := s.openUpload(r)
	if err != nil {
		return nil, err
	}
	n, err := partNumber(r.s3)
	if err := firstError(err, checkBody(r.s3)); err != nil {
		return nil, err
	}
	stated := statedSum(r.s3)
	if u.stated && stated.algorithm != u.algorithm {
		return nil, refuse("InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
			strings.ToLower(u.algorithm), strings.ToLower(or(stated.algorithm, "null")))
	}
	p := u.take(n, bytesOf(r.s3.body), r.now)
	out := head("Etag", p.etag)
	u.of.sse.put(out.header)
	stated.put(out.header)
	out.header.Del("X-Amz-Checksum-Type")
	return out, nil
}

// take keeps a part.
func (u *upload) take(n int, c *content, now time.Time) *s3Part {
	p := &s3Part{number: n, written: now, content: c, etag: c.etag()}
	if u.kind == composite {
		p.sum = checksum{u.algorithm, sumOf(u.algorithm, c), composite}
	} else {
		p.sum = checksum{u.algorithm, "", fullObject}.filled(c)
	}
	u.parts[n] = p
	return p
}

func (s *s3State) uploadPartCopy(r *request) (any, error) {
	_, u, err := s.openUpload(r)
	if err != nil {
		return nil, err
	}
	n, err := partNumber(r.s3)
	if err != nil {
		return nil, err
	}
	_, old, err := s.source(r)
	if err != nil {
		return nil, err
	}
	c, err := copiedRange(r.s3, old)
	if err != nil {
		return nil, err
	}
	p := u.take(n, c, r.now)
	x := copyXML{ETag: p.etag, LastModified: stamp(p.written)}
	if u.stated {
		x.checksumXML = p.sum.xml()
	}
	out := s3XML("CopyPartResult", x)
	u.of.sse.put(out.header)
	return out, nil
}

type (
	completeBody struct {
		Part []struct {
			ETag       string
			PartNumber int
			checksumXML
		}
	}
	completedXML struct {
		Location, Bucket, Key, ETag string
		checksumXML
		ChecksumType string `xml:",omitempty"`
	}
)

// completeUpload puts an object together from the parts that are named, and forgets
// the others.
//
// Amazon S3 API Reference, CompleteMultipartUpload.
func (s *s3State) completeUpload(r *request) (any, error) {
	b, u, err := s.openUpload(r)
	if err != nil {
		return nil, err
	}
	var body completeBody
	if err := readS3XML(r.s3, &body); err != nil {
		return nil, err
	}
	parts, err := u.chosen(body)
	if err := firstError(err, checkOverwrite(r, b)); err != nil {
		return nil, err
	}
	o := u.put(parts, r.now)
	want := r.s3.header.Get(checksumHeader(u.algorithm))
	if size := r.s3.header.Get("X-Amz-Mp-Object-Size"); size != "" && size != strconv.FormatInt(o.content.size(), 10) {
		return nil, refuse("InvalidRequest", "The provided 'x-amz-mp-object-size' header value %s does not match what was computed: %d", size, o.content.size())
	}
	if want != "" && o.sum.value != "" && want != o.sum.value {
		return nil, refuse("BadDigest", "The %s you specified did not match the calculated checksum.", strings.ToLower(u.algorithm))
	}
	delete(b.uploads, u.id)
	b.put(o, r.now, r.now)
	out := s3XML("CompleteMultipartUploadResult", completedXML{
		"https://" + b.name + ".s3." + b.region + ".amazonaws.com/" + o.key, b.name, o.key, o.etag, o.sum.xml(), o.sum.kind,
	})
	o.sse.put(out.header)
	return out, nil
}

// chosen gives the parts that the caller names, if they are there and fit.
func (u *upload) chosen(body completeBody) ([]*s3Part, error) {
	var out []*s3Part
	if len(body.Part) == 0 {
		return nil, refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	for i := 1; i < len(body.Part); i++ {
		if body.Part[i].PartNumber <= body.Part[i-1].PartNumber {
			return nil, refuse("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
	}
	for i, named := range body.Part {
		p, ok := u.parts[named.PartNumber]
		sum := *named.field(u.algorithm)
		switch {
		case !ok, !sameETag(named.ETag, p.etag), sum != "" && p.sum.value != "" && sum != p.sum.value:
			return nil, refuse("InvalidPart", "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		case u.stated && u.kind == composite && sum == "":
			return nil, refuse("InvalidRequest", "The upload was created using a %s checksum. The complete request must include the checksum for each part. It was missing for part %d in the request.",
				strings.ToLower(u.algorithm), named.PartNumber)
		case i < len(body.Part)-1 && p.content.size() < minPart:
			return nil, refuse("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		out = append(out, p)
	}
	return out, nil
}

// put joins parts. The ETag is of their digests, with their number.
func (u *upload) put(parts []*s3Part, now time.Time) *object {
	o := *u.of
	var all []*content
	h := md5.New()
	for _, p := range parts {
		all = append(all, p.content)
		sum := p.content.digest()
		h.Write(sum[:])
		o.parts = append(o.parts, p.content.size())
	}
	o.content, o.created = joined(all...), now
	o.etag = fmt.Sprintf(`"%s-%d"`, hex.EncodeToString(h.Sum(nil)), len(parts))
	o.sum = ofParts(u.algorithm, u.kind, parts).filled(o.content)
	return &o
}

func (s *s3State) abortUpload(r *request) (any, error) {
	b, u, err := s.openUpload(r)
	if err != nil {
		return nil, err
	}
	delete(b.uploads, u.id)
	return noContent(), nil
}

type (
	partsXML struct {
		Bucket, Key, UploadId string
		Initiator, Owner      ownerXML
		StorageClass          string
		PartNumberMarker      int
		NextPartNumberMarker  int
		MaxParts              int
		IsTruncated           bool
		ChecksumAlgorithm     string `xml:",omitempty"`
		ChecksumType          string `xml:",omitempty"`
		Part                  []partXML
	}
	partXML struct {
		PartNumber         int
		LastModified, ETag string
		Size               int64
		checksumXML
	}
)

func (s *s3State) listParts(r *request) (any, error) {
	b, u, err := s.openUpload(r)
	if err != nil {
		return nil, err
	}
	limit, err1 := smallNumber(r.s3, "max-parts", maxKeys)
	after, err2 := smallNumber(r.s3, "part-number-marker", 0)
	if err := firstError(err1, err2); err != nil {
		return nil, err
	}
	limit = min(limit, maxKeys)
	owner := ownerXML{ID: canonicalID(u.of.owner)}
	x := partsXML{
		Bucket: b.name, Key: u.of.key, UploadId: u.id, Initiator: owner, Owner: owner, StorageClass: u.of.class, PartNumberMarker: after, MaxParts: limit,
	}
	if u.stated {
		x.ChecksumAlgorithm, x.ChecksumType = u.algorithm, u.kind
	}
	for _, n := range slices.Sorted(maps.Keys(u.parts)) {
		if n <= after {
			continue
		}
		if x.IsTruncated = len(x.Part) == limit; x.IsTruncated {
			break
		}
		p := u.parts[n]
		one := partXML{PartNumber: n, LastModified: stamp(p.written), ETag: p.etag, Size: p.content.size()}
		if u.stated {
			one.checksumXML = p.sum.xml()
		}
		x.Part, x.NextPartNumberMarker = append(x.Part, one), n
	}
	return s3XML("ListPartsResult", x), nil
}

func smallNumber(c *s3Call, name string, otherwise int) (int, error) {
	text, ok := c.parameter(name)
	if !ok || text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, refuse("InvalidArgument", "Argument %s must be an integer between 0 and 2147483647", name)
	}
	return n, nil
}

type (
	uploadsXML struct {
		Bucket             string
		Prefix             string `xml:",omitempty"`
		KeyMarker          string
		UploadIdMarker     string
		NextKeyMarker      string `xml:",omitempty"`
		NextUploadIdMarker string `xml:",omitempty"`
		EncodingType       string `xml:",omitempty"`
		MaxUploads         int
		IsTruncated        bool
		Upload             []uploadXML
	}
	uploadXML struct {
		Key, UploadId     string
		Initiator, Owner  ownerXML
		StorageClass      string
		Initiated         string
		ChecksumAlgorithm string `xml:",omitempty"`
		ChecksumType      string `xml:",omitempty"`
	}
)

// listUploads lists the uploads that are under way, by key and then by id.
func (s *s3State) listUploads(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	l, err1 := readListing(r.s3)
	limit, err2 := smallNumber(r.s3, "max-uploads", maxKeys)
	if err := firstError(err1, err2); err != nil {
		return nil, err
	}
	if l.delimiter != "" {
		return nil, notSimulated("the delimiter of ListMultipartUploads")
	}
	x := uploadsXML{Bucket: b.name, Prefix: l.encode(l.prefix), MaxUploads: min(limit, maxKeys), EncodingType: l.encoding}
	x.KeyMarker, _ = r.s3.parameter("key-marker")
	x.UploadIdMarker, _ = r.s3.parameter("upload-id-marker")
	for _, u := range slices.SortedFunc(maps.Values(b.uploads), compareUploads) {
		seen := u.of.key < x.KeyMarker || u.of.key == x.KeyMarker && (x.UploadIdMarker == "" || u.id <= x.UploadIdMarker)
		if !strings.HasPrefix(u.of.key, l.prefix) || x.KeyMarker != "" && seen {
			continue
		}
		if x.IsTruncated = len(x.Upload) == x.MaxUploads; x.IsTruncated {
			break
		}
		owner := ownerXML{ID: canonicalID(u.of.owner)}
		one := uploadXML{Key: l.encode(u.of.key), UploadId: u.id, Initiator: owner, Owner: owner, StorageClass: u.of.class, Initiated: stamp(u.begun)}
		if u.stated {
			one.ChecksumAlgorithm, one.ChecksumType = u.algorithm, u.kind
		}
		x.Upload, x.NextKeyMarker, x.NextUploadIdMarker = append(x.Upload, one), l.encode(u.of.key), u.id
	}
	if !x.IsTruncated {
		x.NextKeyMarker, x.NextUploadIdMarker = "", ""
	}
	return s3XML("ListMultipartUploadsResult", x), nil
}

func compareUploads(a, b *upload) int {
	if c := strings.Compare(a.of.key, b.of.key); c != 0 {
		return c
	}
	return strings.Compare(a.id, b.id)
}
