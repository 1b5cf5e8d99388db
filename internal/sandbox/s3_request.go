package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxS3Body bounds the body of a call to S3. S3 takes 5 GiB in one; here bytes lie
// in memory.
const maxS3Body = 1 << 30

// s3Call is what a call to S3 says.
type s3Call struct {
	method, bucket, key string
	// virtual says that the bucket's name came with the host.
	virtual bool
	// endpoint is the Region of the host that was called; "" where the name does
	// not tell.
	endpoint string
	query    url.Values
	header   http.Header
	body     []byte
	// trailer holds the checksums that came after the body.
	trailer http.Header
	// damaged is what was wrong with the way the body was framed.
	damaged error
	// detail and answer are what an error has to tell besides its message: elements
	// and headers.
	detail []s3Detail
	answer http.Header
}

type s3Detail struct{ name, value string }

// tell adds to what the answer says if the call fails.
func (c *s3Call) tell(name, value string) { c.detail = append(c.detail, s3Detail{name, value}) }

// readS3Call reads a request, its body included.
func readS3Call(r *http.Request) (*s3Call, error) {
	c := &s3Call{method: r.Method, query: r.URL.Query(), header: r.Header, answer: http.Header{}}
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	path := strings.TrimPrefix(r.URL.Path, "/")
	if c.bucket, c.endpoint = bucketOfHost(host); c.bucket != "" {
		c.virtual, c.key = true, path
	} else {
		c.bucket, c.key, _ = strings.Cut(path, "/")
	}
	if r.Body == nil {
		return c, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxS3Body+1))
	if err != nil {
		return nil, fmt.Errorf("sandbox: read the request's body: %w", err)
	}
	if len(body) > maxS3Body {
		c.damaged = refuse("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
		return c, nil
	}
	c.body = body
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		c.body, c.trailer, c.damaged = unchunk(body)
	}
	return c, nil
}

// bucketOfHost gives the bucket that a host's name begins with, in the style of a
// virtual host, and the Region that it names. Of endpoints that are not AWS's,
// only those that are usual for a sandbox can be told from buckets.
//
// Amazon S3 User Guide, "Virtual hosting of general purpose buckets".
func bucketOfHost(host string) (bucket, region string) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	rest, aws := strings.CutSuffix(host, ".amazonaws.com")
	if !aws {
		for _, base := range [...]string{".sandbox.local", ".localhost"} {
			if name, ok := strings.CutSuffix(host, base); ok {
				return name, ""
			}
		}
		return "", ""
	}
	label := strings.Split(rest, ".")
	for i, name := range slices.Backward(label) {
		old, dashed := strings.CutPrefix(name, "s3-") // s3-eu-west-1, from before there was a dot.
		if name != "s3" && !dashed {
			continue
		}
		region = strings.TrimPrefix(strings.Join(label[i+1:], "."), "dualstack.")
		if region == "" {
			region = or(old, "us-east-1")
		}
		if !dashed && i+1 == len(label) {
			region = "us-east-1"
		}
		return strings.Join(label[:i], "."), region
	}
	return "", ""
}

// unchunk takes a body out of the frame of aws-chunked: chunks of a stated length,
// and checksums after the last. The signatures of chunks are not checked, as no
// signatures are.
//
// Amazon S3 API Reference, "Signature calculations ... transferring payload in
// multiple chunks" and "... including trailing headers".
func unchunk(framed []byte) (body []byte, trailer http.Header, err error) {
	bad := refuse("IncompleteBody", "The request body terminated unexpectedly")
	trailer = http.Header{}
	for {
		line, rest, ok := bytes.Cut(framed, []byte("\r\n"))
		size, _, _ := strings.Cut(string(line), ";")
		var n int
		if _, err := fmt.Sscanf(size, "%x", &n); !ok || err != nil || n < 0 || len(rest) < n {
			return nil, nil, bad
		}
		if n == 0 {
			framed = rest
			break
		}
		body = append(body, rest[:n]...)
		if framed, ok = bytes.CutPrefix(rest[n:], []byte("\r\n")); !ok {
			return nil, nil, bad
		}
	}
	for line := range strings.SplitSeq(string(framed), "\n") {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			trailer.Set(name, strings.TrimSpace(value))
		}
	}
	return body, trailer, nil
}

// expired reports whether a call comes too late by the URL that it was given.
//
// Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters".
func (c *s3Call) expired(now time.Time) bool {
	seconds, err := strconv.Atoi(c.query.Get("X-Amz-Expires"))
	if err != nil {
		return false
	}
	signed, err := time.Parse("20060102T150405Z", c.query.Get("X-Amz-Date"))
	return err != nil || now.After(signed.Add(time.Duration(seconds)*time.Second))
}

// says gives a header, or the checksum of that name from after the body.
func (c *s3Call) says(header string) string {
	if v := c.header.Get(header); v != "" {
		return v
	}
	return c.trailer.Get(header)
}

// parameter gives a parameter of the query and whether it is there.
func (c *s3Call) parameter(name string) (string, bool) { return c.query.Get(name), c.query.Has(name) }

// resource names what a call is about.
func (c *s3Call) resource() string {
	switch {
	case c.bucket == "":
		return "*"
	case c.key == "":
		return bucketARN(c.bucket)
	}
	return bucketARN(c.bucket) + "/" + c.key
}

func bucketARN(bucket string) string { return "arn:aws:s3:::" + bucket }
