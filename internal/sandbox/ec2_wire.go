package sandbox

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
)

// The envelopes of EC2's form of the Query protocol: the result stands in the
// answer itself, and errors in a list (Amazon EC2 API Reference, "Making
// requests", "Error response").
type (
	ec2Envelope struct {
		XMLName xml.Name
		Space   string `xml:"xmlns,attr"`
		Request string `xml:"requestId"`
		Inner   []byte `xml:",innerxml"`
	}
	ec2ErrorEnvelope struct {
		XMLName xml.Name  `xml:"Response"`
		Errors  ec2Errors `xml:"Errors"`
		Request string    `xml:"RequestID"`
	}
	ec2Errors struct {
		Error ec2Error
	}
	ec2Error struct{ Code, Message string }
	// ec2Done is the result of an action that has none.
	ec2Done struct {
		Return bool `xml:"return"`
	}
	// items is a list as EC2 writes it.
	items[T any] struct {
		Item []T `xml:"item"`
	}
)

func renderEC2(svc *service, action string, result any, id string) (*answer, error) {
	if result == nil {
		result = ec2Done{true}
	}
	const open, end = "<r>", "</r>"
	var b bytes.Buffer
	if err := xml.NewEncoder(&b).EncodeElement(result, xml.StartElement{Name: xml.Name{Local: "r"}}); err != nil {
		return nil, fmt.Errorf("sandbox: write the answer to %s: %w", action, err)
	}
	out, err := xml.Marshal(ec2Envelope{
		XMLName: xml.Name{Local: action + "Response"}, Space: svc.namespace, Request: id,
		Inner: b.Bytes()[len(open) : b.Len()-len(end)],
	})
	if err != nil {
		return nil, fmt.Errorf("sandbox: write the answer to %s: %w", action, err)
	}
	return xmlAnswer(http.StatusOK, out, id), nil
}

func renderEC2Error(e *apiError, id string) (*answer, error) {
	out, err := xml.Marshal(ec2ErrorEnvelope{Errors: ec2Errors{ec2Error{e.code, e.message}}, Request: id})
	if err != nil {
		return nil, fmt.Errorf("sandbox: write the error %s: %w", e.code, err)
	}
	return xmlAnswer(e.status, out, id), nil
}
