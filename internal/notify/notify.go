// Package notify tells people what happens. Alerts are sent by a goroutine of their
// own: a receiver that is slow, or not there, never holds up what they are about.
package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Deadline is how long one alert may take to be sent, and how long Close waits for all
// that are still on their way.
const Deadline = 10 * time.Second

// Webhook posts {"text": "..."} as JSON to a URL, which is what chat services take.
type Webhook struct {
	url    *url.URL
	client *http.Client
}

// NewWebhook takes an http or https URL. The transport may be nil.
func NewWebhook(address string, transport http.RoundTripper) (*Webhook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, errors.New("want an address such as https://hooks.example.com/…") // It may hold a secret: it is not repeated.
	}
	return &Webhook{u, &http.Client{
		Transport: transport,
		// Elsewhere nobody asked for the text.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Send posts one text. Its errors name the host only: the path is often the secret.
func (w *Webhook) Send(ctx context.Context, text string) error {
	body, err := json.Marshal(struct {
		Text string `json:"text"`
	}{text})
	if err != nil {
		return fmt.Errorf("write the alert as JSON: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("send an alert to %s: %w", w.url.Host, err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := w.client.Do(req)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err
		}
		return fmt.Errorf("send an alert to %s: %w", w.url.Host, err)
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 4096) // So that the connection can be used again.
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("send an alert to %s: it answered %s", w.url.Host, res.Status)
	}
	return nil
}
