package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// maxBody bounds a request's body: AWS's Query services take no larger ones.
const maxBody = 1 << 20

// exchange answers one request, or gives a transport error.
func (a *AWS) exchange(c *Client, r *http.Request) (*answer, error) {
	if c != nil && c.dead.Load() {
		return nil, ErrCrashed
	}
	form, call, err := readInput(r)
	if err != nil {
		return nil, err
	}
	if err := pause(r.Context(), a.options.Latency/2); err != nil {
		return nil, err
	}
	got, err := a.handle(c, r, form, call)
	if err != nil {
		return nil, err
	}
	if err := pause(r.Context(), a.options.Latency-a.options.Latency/2); err != nil {
		return nil, err
	}
	return got, nil
}

// readInput gives what a request asks for: parameters or, of a call to S3, all of
// it but for the action, which is made out from the rest.
func readInput(r *http.Request) (url.Values, *s3Call, error) {
	s, scopeErr := readScope(r)
	if scopeErr == nil && s.service == "s3" {
		call, err := readS3Call(r)
		if err != nil {
			return nil, nil, err
		}
		return url.Values{"Action": {call.operation()}}, call, nil
	}
	if scopeErr == nil && s.service == "route53" {
		form, err := route53Form(r)
		return form, nil, err
	}
	form, err := readForm(r)
	return form, nil, err
}

// readForm gives the parameters of a request, which come in the body or, with
// GET, in the URL.
func readForm(r *http.Request) (url.Values, error) {
	query := r.URL.Query()
	if r.Body == nil || r.Method == http.MethodGet {
		return query, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("sandbox: read the request's body: %w", err)
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return jsonForm(target, body), nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		form = url.Values{} // Not a form: there is no Action in it, which is refused later.
	}
	for k, v := range query {
		form[k] = append(form[k], v...)
	}
	return form, nil
}

// handle finds out who asks for what, and answers.
func (a *AWS) handle(c *Client, r *http.Request, form url.Values, call *s3Call) (*answer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c != nil && c.dead.Load() {
		return nil, ErrCrashed
	}
	a.serial++
	now := a.now()
	req := &request{client: c, action: form.Get("Action"), now: now, view: now, s3: call}
	svc, result, err := a.perform(req, r, form)
	if svc != nil && svc.json {
		err = jsonError(err)
	}
	if call != nil {
		err = s3Error(err)
	}
	a.logCall(req, err)

	if call != nil {
		return renderS3(req, result, err, a.requestID())
	}
	if err == nil {
		return renderResult(svc, req.action, result, a.requestID())
	}
	if api, ok := errors.AsType[*apiError](err); ok {
		return renderError(svc, api, a.requestID())
	}
	return nil, err
}

// perform authenticates, applies faults and limits, and runs the operation.
func (a *AWS) perform(req *request, r *http.Request, form url.Values) (*service, any, error) {
	s, err := readScope(r)
	if err != nil {
		return nil, nil, err
	}
	req.region, req.service = s.region, s.service
	svc, ok := a.services[s.service]
	if !ok {
		return nil, nil, notSimulated("the service %q", s.service)
	}
	if req.who, err = a.identify(s.accessKey, r); err != nil {
		return svc, nil, err
	}
	op, err := svc.find(req.action, form.Get("Version"))
	if err != nil {
		return svc, nil, err
	}
	req.params = newParams(req.action, form)
	struck := a.strike(req)
	if err := a.admit(svc, req, struck); err != nil {
		return svc, nil, err
	}
	if struck != nil && struck.Kind == Stale && op.read {
		req.view = req.now.Add(-struck.StaleBy)
	}
	result, err := op.run(req)
	if struck != nil && struck.losesAnswer() {
		return svc, nil, struck.lose(req)
	}
	return svc, result, err
}

// admit says why a call does not come to pass at all: it is made to fail, there
// are too many, or it is not allowed.
func (a *AWS) admit(svc *service, req *request, struck *Fault) error {
	if struck != nil {
		if err := struck.before(req); err != nil {
			return err
		}
	}
	if err := a.throttle(req); err != nil {
		return err
	}
	prefix := or(svc.iam, svc.name)
	action, denied := req.action, struck != nil && struck.Kind == Deny
	for _, need := range svc.permissions(req) {
		if !denied && a.account(req.who.account).denies(prefix, need) {
			action, denied = need, true
		}
	}
	if !denied {
		return nil
	}
	if svc.ec2 {
		return ec2Unauthorized(req, action)
	}
	return forbid("AccessDenied",
		"User: %s is not authorized to perform: %s:%s on resource: %s because no identity-based policy allows the %s:%s action",
		req.who.arn, prefix, action, svc.resource(req), prefix, action)
}

// requestID gives the next request id: in order, so that runs can be compared.
func (a *AWS) requestID() string {
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", a.serial)
}

// pause waits, unless the caller gives up.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
