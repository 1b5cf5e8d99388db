package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// jsonForm reads the body of a call in the AWS JSON 1.1 protocol as the
// parameters of a call in the Query protocol, so that operations of both read
// alike: {"tags": [{"key": "a"}]} is tags.member.1.key=a. The action stands in the
// header X-Amz-Target, after the service's name.
func jsonForm(target string, body []byte) url.Values {
	_, action, _ := strings.Cut(target, ".")
	form := url.Values{"Action": {action}}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var root map[string]any
	if len(body) > 0 && dec.Decode(&root) != nil {
		return url.Values{} // Not JSON: there is no action in it, which is refused later.
	}
	for k, v := range root {
		flatten(form, k, v)
	}
	return form
}

func flatten(form url.Values, name string, value any) {
	switch v := value.(type) {
	case nil:
	case map[string]any:
		for k, inner := range v {
			flatten(form, name+"."+k, inner)
		}
	case []any:
		if len(v) == 0 {
			form.Set(name, "")
		}
		for i, inner := range v {
			flatten(form, name+".member."+strconv.Itoa(i+1), inner)
		}
	default:
		form.Set(name, fmt.Sprint(v))
	}
}

// renderJSON writes what an operation gave in the AWS JSON 1.1 protocol.
func renderJSON(action string, result any, id string) (*answer, error) {
	if result == nil {
		result = struct{}{}
	}
	out, err := json.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("sandbox: write the answer to %s: %w", action, err)
	}
	return jsonAnswer(http.StatusOK, out, id), nil
}

func renderJSONError(e *apiError, id string) (*answer, error) {
	out, err := json.Marshal(map[string]string{"__type": e.code, "message": e.message})
	if err != nil {
		return nil, fmt.Errorf("sandbox: write the error %s: %w", e.code, err)
	}
	return jsonAnswer(e.status, out, id), nil
}

func jsonAnswer(status int, body []byte, id string) *answer {
	return &answer{status: status, header: http.Header{
		"Content-Type":     {"application/x-amz-json-1.1"},
		"Content-Length":   {strconv.Itoa(len(body))},
		"X-Amzn-Requestid": {id},
	}, body: body}
}

// jsonError gives an error of the core the name that services of the JSON protocol
// have for it (Amazon Redshift Serverless API Reference, "Common errors").
func jsonError(err error) error {
	var api *apiError
	if !errors.As(err, &api) {
		return err
	}
	code, ok := map[string]string{
		"AccessDenied": "AccessDeniedException", "Throttling": "ThrottlingException", "InternalFailure": "InternalServerException",
		"InvalidClientTokenId": "UnrecognizedClientException", "ExpiredToken": "ExpiredTokenException",
		"MissingAuthenticationToken": "MissingAuthenticationTokenException", "InvalidAction": "UnknownOperationException",
		"MissingAction": "UnknownOperationException", "MissingParameter": "ValidationException",
		"InvalidParameterValue": "ValidationException", "MalformedInput": "ValidationException",
	}[api.code]
	if !ok {
		return err
	}
	status := api.status
	if code == "AccessDeniedException" || code == "UnrecognizedClientException" || code == "ExpiredTokenException" {
		status = http.StatusBadRequest
	}
	return &apiError{code, status, api.message}
}
