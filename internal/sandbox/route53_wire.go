package sandbox

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const route53Namespace = "https://route53.amazonaws.com/doc/2013-04-01/"

// route53Form reads a call of the REST-XML protocol as the parameters of a call in the
// Query protocol: the action follows from method and path, what stands in the path is
// called Id, and <ChangeBatch><Changes><Change><Action> is
// ChangeBatch.Changes.Change.1.Action.
//
// Amazon Route 53 API Reference, "Actions", request syntax of each.
func route53Form(r *http.Request) (url.Values, error) {
	form := url.Values{}
	for k, v := range r.URL.Query() {
		if !strings.HasPrefix(k, "X-Amz-") {
			form[k] = v
		}
	}
	action, id := route53Action(r.Method, strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/2013-04-01/"), "/"))
	form.Set("Action", action)
	if id != "" {
		form.Set("Id", id)
	}
	if r.Body == nil {
		return form, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("sandbox: read the request's body: %w", err)
	}
	if len(body) > 0 && readXML(form, body) != nil {
		form.Set(notXML, "true")
	}
	return form, nil
}

// notXML says that the body of a call could not be read.
const notXML = "<body>"

// route53Action gives the action of a call and what stands in its path. Others than
// those that are simulated keep method and path.
func route53Action(method, path string) (action, id string) {
	part := strings.Split(path, "/")
	shape := method + " " + part[0]
	if len(part) > 1 {
		shape, id = shape+"/*", part[1]
	}
	if len(part) > 2 {
		shape += "/" + strings.Join(part[2:], "/")
	}
	known := map[string]string{
		"GET hostedzone": "ListHostedZones", "GET hostedzonesbyname": "ListHostedZonesByName", "POST hostedzone": "CreateHostedZone",
		"GET hostedzone/*": "GetHostedZone", "GET hostedzone/*/rrset": "ListResourceRecordSets",
		"POST hostedzone/*/rrset": "ChangeResourceRecordSets", "GET change/*": "GetChange",
	}
	return or(known[shape], shape), id
}

// readXML flattens what stands in the root element.
func readXML(form url.Values, body []byte) error {
	dec := xml.NewDecoder(bytes.NewReader(body))
	var path []string
	var text strings.Builder
	seen := map[string]int{}
	leaf := false
	for {
		token, err := dec.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the body: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			name := t.Name.Local
			if numbered(name) {
				at := strings.Join(append(path, name), ".")
				seen[at]++
				name += "." + strconv.Itoa(seen[at])
			}
			path, leaf = append(path, name), true
			text.Reset()
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			if leaf && len(path) > 1 {
				form.Set(strings.Join(path[1:], "."), text.String())
			}
			path, leaf = path[:len(path)-1], false
		}
	}
}

// numbered says that an element is a member of a list.
func numbered(name string) bool { return name == "Change" || name == "ResourceRecord" }

// renderRESTXML writes what an operation gave: the result is the root itself.
func renderRESTXML(svc *service, action string, result any, id string) (*answer, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	root := xml.StartElement{
		Name: xml.Name{Local: action + "Response"}, Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: svc.namespace}},
	}
	if err := xml.NewEncoder(&b).EncodeElement(result, root); err != nil {
		return nil, fmt.Errorf("sandbox: write the answer to %s: %w", action, err)
	}
	return xmlAnswer(http.StatusOK, b.Bytes(), id), nil
}
