package sandbox

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// answer is a complete answer on the wire.
type answer struct {
	status int
	header http.Header
	body   []byte
	// large is a body that is made while it is read, instead of body; size is its
	// length.
	large func() io.Reader
	size  int64
}

func (a *answer) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = io.Copy(w, a.reader()) // The caller may be gone; there is no one to tell.
}

func (a *answer) reader() io.Reader {
	if a.large != nil {
		return a.large()
	}
	return bytes.NewReader(a.body)
}

func (a *answer) response(r *http.Request) *http.Response {
	return &http.Response{
		Status:     strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(a.reader()),
		ContentLength: int64(len(a.body)) + a.size, Request: r,
	}
}

// The envelopes of the AWS Query protocol.
type (
	responseMetadata struct {
		RequestID string `xml:"RequestId"`
	}
	errorEnvelope struct {
		XMLName xml.Name    `xml:"ErrorResponse"`
		Space   string      `xml:"xmlns,attr"`
		Error   errorDetail `xml:"Error"`
		Request string      `xml:"RequestId"`
	}
	errorDetail struct {
		Type, Code, Message string
	}
)

// renderResult writes what an operation gave.
func renderResult(svc *service, action string, result any, id string) (*answer, error) {
	if svc.json {
		return renderJSON(action, result, id)
	}
	if svc.restXML {
		return renderRESTXML(svc, action, result, id)
	}
	if svc.ec2 {
		return renderEC2(svc, action, result, id)
	}
	var b bytes.Buffer
	enc := xml.NewEncoder(&b)
	root := xml.StartElement{
		Name: xml.Name{Local: action + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: svc.namespace}},
	}
	err := enc.EncodeToken(root)
	if err == nil && result != nil {
		err = enc.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: action + "Result"}})
	}
	if err == nil {
		err = enc.EncodeElement(responseMetadata{id}, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}})
	}
	if err == nil {
		err = enc.EncodeToken(root.End())
	}
	if err == nil {
		err = enc.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox: write the answer to %s: %w", action, err)
	}
	return xmlAnswer(http.StatusOK, b.Bytes(), id), nil
}

// renderError writes an error. svc is nil where the service is unknown.
func renderError(svc *service, e *apiError, id string) (*answer, error) {
	if svc != nil && svc.json {
		return renderJSONError(e, id)
	}
	if svc != nil && svc.ec2 {
		return renderEC2Error(e, id)
	}
	body := errorEnvelope{Error: errorDetail{Type: "Sender", Code: e.code, Message: e.message}, Request: id}
	if e.status >= http.StatusInternalServerError {
		body.Error.Type = "Receiver"
	}
	if svc != nil {
		body.Space = svc.namespace
	}
	out, err := xml.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("sandbox: write the error %s: %w", e.code, err)
	}
	return xmlAnswer(e.status, out, id), nil
}

func xmlAnswer(status int, body []byte, id string) *answer {
	return &answer{status: status, header: http.Header{
		"Content-Type":     {"text/xml"},
		"Content-Length":   {strconv.Itoa(len(body))},
		"X-Amzn-Requestid": {id},
	}, body: body}
}

// stamp writes a moment as the Query services do.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
