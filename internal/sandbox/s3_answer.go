package sandbox

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"
)

const s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// s3Answer is what an operation of S3 gives. All of it may be left out.
type s3Answer struct {
	status int
	header http.Header
	// root and xml are the name of the body's root and what stands in it.
	root string
	xml  any
	// text is a body that is not XML.
	text []byte
	// content is a body that is (part of) an object.
	content *content
}

// head makes an answer of headers, in pairs. Empty ones are left out.
func head(pairs ...string) *s3Answer {
	out := &s3Answer{header: http.Header{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out.header.Set(pairs[i], pairs[i+1])
		}
	}
	return out
}

func (a *s3Answer) with(root string, xml any) *s3Answer {
	a.root, a.xml = root, xml
	return a
}

func s3XML(root string, xml any) *s3Answer { return head().with(root, xml) }

// renderS3 writes the answer to a call, be it an error.
func renderS3(r *request, result any, err error, id string) (*answer, error) {
	var api *apiError
	switch {
	case errors.As(err, &api):
		return renderS3Error(r, api, id)
	case err != nil:
		return nil, err
	}
	got, ok := result.(*s3Answer)
	if !ok {
		got = head()
	}
	out := &answer{status: got.status, header: http.Header{}, body: got.text}
	if out.status == 0 {
		out.status = http.StatusOK
	}
	if got.root != "" {
		if out.body, err = marshalS3(got.root, got.xml); err != nil {
			return nil, fmt.Errorf("sandbox: write the answer to %s: %w", r.action, err)
		}
		out.header.Set("Content-Type", "application/xml")
	}
	maps.Copy(out.header, got.header)
	if got.content != nil {
		out.large, out.size = got.content.reader, got.content.size()
	}
	signS3(out, id)
	return out, nil
}

// signS3 adds the headers that every answer has.
func signS3(out *answer, id string) {
	out.header.Set("X-Amz-Request-Id", id)
	out.header.Set("X-Amz-Id-2", hashed(40, "host", id))
	out.header.Set("Server", "AmazonS3")
	if out.header.Get("Content-Length") == "" && out.status != http.StatusNoContent && out.status != http.StatusNotModified {
		out.header.Set("Content-Length", strconv.FormatInt(int64(len(out.body))+out.size, 10))
	}
}

func marshalS3(root string, v any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	enc := xml.NewEncoder(&b)
	start := xml.StartElement{Name: xml.Name{Local: root}, Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: s3Namespace}}}
	if err := enc.EncodeElement(v, start); err != nil {
		return nil, fmt.Errorf("write <%s>: %w", root, err)
	}
	return b.Bytes(), nil
}

type s3ErrorXML struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Detail    []s3DetailXML
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`
}

type s3DetailXML struct {
	XMLName xml.Name
	Value   string `xml:",chardata"`
}

// renderS3Error writes an error. One in answer to HEAD has no body, so that the
// caller learns nothing but its status.
func renderS3Error(r *request, e *apiError, id string) (*answer, error) {
	out := &answer{status: e.status, header: r.s3.answer.Clone()}
	if r.s3.method != http.MethodHead && e.status != http.StatusNotModified {
		body := s3ErrorXML{Code: e.code, Message: e.message, RequestID: id, HostID: hashed(40, "host", id)}
		for _, d := range r.s3.detail {
			body.Detail = append(body.Detail, s3DetailXML{xml.Name{Local: d.name}, d.value})
		}
		text, err := xml.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("sandbox: write the error %s: %w", e.code, err)
		}
		out.body = append([]byte(xml.Header), text...)
		out.header.Set("Content-Type", "application/xml")
	}
	signS3(out, id)
	return out, nil
}

// s3Error gives an error of the core the code and status that S3 has for it (Amazon
// S3 API Reference, "Error responses").
func s3Error(err error) error {
	var api *apiError
	if !errors.As(err, &api) {
		return err
	}
	known, ok := map[string]apiError{
		"Throttling":           {"SlowDown", http.StatusServiceUnavailable, "Please reduce your request rate."},
		"InternalFailure":      {"InternalError", http.StatusInternalServerError, ""},
		"InvalidClientTokenId": {"InvalidAccessKeyId", http.StatusForbidden, "The AWS Access Key Id you provided does not exist in our records."},
		"ExpiredToken":         {"ExpiredToken", http.StatusBadRequest, "The provided token has expired."},
		"MissingAction":        {"MethodNotAllowed", http.StatusMethodNotAllowed, "The specified method is not allowed against this resource."},
	}[api.code]
	if !ok {
		return err
	}
	return &apiError{known.code, known.status, or(known.message, api.message)}
}

// s3Refuse makes an error of any status.
func s3Refuse(status int, code, message string) *apiError { return &apiError{code, status, message} }

func s3Denied() *apiError { return forbid("AccessDenied", "Access Denied") }

// readS3XML reads a body.
func readS3XML(c *s3Call, into any) error {
	if xml.Unmarshal(c.body, into) != nil {
		return refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	return nil
}

// httpDate writes a moment as headers do.
func httpDate(t time.Time) string { return t.UTC().Format(http.TimeFormat) }
