package sandbox

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
)

type (
	listXML struct {
		Name                  string
		Prefix                string
		Delimiter             string `xml:",omitempty"`
		MaxKeys               int
		EncodingType          string `xml:",omitempty"`
		IsTruncated           bool
		KeyCount              *int    `xml:",omitempty"`
		StartAfter            string  `xml:",omitempty"`
		ContinuationToken     string  `xml:",omitempty"`
		NextContinuationToken string  `xml:",omitempty"`
		Marker                *string `xml:",omitempty"`
		NextMarker            string  `xml:",omitempty"`
		Contents              []entryXML
		CommonPrefixes        []prefixXML
	}
	entryXML struct {
		Key, LastModified, ETag string
		ChecksumAlgorithm       string `xml:",omitempty"`
		ChecksumType            string `xml:",omitempty"`
		Size                    int64
		StorageClass            string
		Owner                   *ownerXML `xml:",omitempty"`
	}
	prefixXML struct{ Prefix string }
)

// listing is what a call to list objects asks for.
type listing struct {
	prefix, delimiter, after string
	limit                    int
	owner                    bool
	encode                   func(string) string
	encoding                 string
}

// maxKeys is the most that is listed at once.
const maxKeys = 1000

func readListing(c *s3Call) (listing, error) {
	l := listing{limit: maxKeys, encode: func(s string) string { return s }}
	l.prefix, _ = c.parameter("prefix")
	l.delimiter, _ = c.parameter("delimiter")
	if text, ok := c.parameter("max-keys"); ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return l, refuse("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647")
		}
		l.limit = min(n, maxKeys)
	}
	switch encoding, _ := c.parameter("encoding-type"); encoding {
	case "":
	case "url":
		l.encoding = encoding
		l.encode = func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") }
	default:
		return l, refuse("InvalidArgument", "Invalid Encoding Method specified in Request")
	}
	return l, nil
}

// list gives a page of the objects of a bucket, and where it ends if there are
// more. Keys that share what comes before a delimiter count as one.
func (b *bucket) list(r *request, l listing) (x listXML, end string) {
	x = listXML{
		Name: b.name, Prefix: l.encode(l.prefix), Delimiter: l.encode(l.delimiter), MaxKeys: l.limit, EncodingType: l.encoding,
	}
	last := ""
	for _, key := range b.keys(r.now) {
		rest, ok := strings.CutPrefix(key, l.prefix)
		if !ok || key <= l.after {
			continue
		}
		item, group := key, false
		if before, _, found := strings.Cut(rest, l.delimiter); found && l.delimiter != "" {
			item, group = l.prefix+before+l.delimiter, true
		}
		if group && (item == last || strings.HasPrefix(l.after, item)) {
			continue // The group was listed, be it on the page before.
		}
		if len(x.Contents)+len(x.CommonPrefixes) == l.limit {
			x.IsTruncated = l.limit > 0
			return x, last
		}
		last = item
		if group {
			x.CommonPrefixes = append(x.CommonPrefixes, prefixXML{l.encode(item)})
			continue
		}
		x.Contents = append(x.Contents, b.entry(r, key, l))
	}
	return x, ""
}

func (b *bucket) entry(r *request, key string, l listing) entryXML {
	o, _ := b.object(key, r.now)
	e := entryXML{
		Key: l.encode(key), LastModified: stamp(o.created), ETag: o.etag, Size: o.content.size(), StorageClass: o.class,
		ChecksumAlgorithm: o.sum.algorithm, ChecksumType: o.sum.kind,
	}
	if l.owner {
		e.Owner = &ownerXML{ID: canonicalID(o.owner)}
	}
	return e
}

// listObjectsV2 lists objects, up to a thousand at once.
//
// Amazon S3 API Reference, ListObjectsV2.
func (s *s3State) listObjectsV2(r *request) (any, error) {
	c := r.s3
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	l, err := readListing(c)
	if err != nil {
		return nil, err
	}
	owner, _ := c.parameter("fetch-owner")
	start, _ := c.parameter("start-after")
	token, paged := c.parameter("continuation-token")
	l.owner, l.after = owner == "true", start
	if paged {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || len(raw) == 0 {
			return nil, refuse("InvalidArgument", "The continuation token provided is incorrect")
		}
		l.after = string(raw)
	}
	x, end := b.list(r, l)
	n := len(x.Contents) + len(x.CommonPrefixes)
	x.KeyCount, x.StartAfter, x.ContinuationToken = &n, l.encode(start), token
	if x.IsTruncated {
		x.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(end))
	}
	return s3XML("ListBucketResult", x), nil
}

// listObjects is the first form of the call, which pages by keys.
func (s *s3State) listObjects(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	l, err := readListing(r.s3)
	if err != nil {
		return nil, err
	}
	l.owner = true
	l.after, _ = r.s3.parameter("marker")
	x, end := b.list(r, l)
	marker := l.encode(l.after)
	x.Marker = &marker
	if x.IsTruncated && l.delimiter != "" {
		x.NextMarker = l.encode(end)
	}
	return s3XML("ListBucketResult", x), nil
}
