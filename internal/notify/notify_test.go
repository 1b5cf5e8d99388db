package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dr/holdfast/internal/notify"
)

func webhook(t *testing.T, address string) *notify.Webhook {
	t.Helper()
	w, err := notify.NewWebhook(address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWebhook: what is posted, and what is said of a receiver that does not take it.
func TestWebhook(t *testing.T) {
	var mu sync.Mutex
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var m map[string]string
		if err := json.Unmarshal(body, &m); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %q: %v", r.Method, body, err)
		}
		mu.Lock()
		got = append(got, m["text"])
		mu.Unlock()
		switch r.URL.Path {
		case "/secret/broken":
			rw.WriteHeader(http.StatusInternalServerError)
		case "/secret/elsewhere":
			http.Redirect(rw, r, "/ok", http.StatusTemporaryRedirect)
		}
	}))
	defer srv.Close()
	for path, want := range map[string]string{"/ok": "", "/secret/broken": "500 Internal Server Error", "/secret/elsewhere": "307"} {
		err := webhook(t, srv.URL+path).Send(t.Context(), `a "word"`)
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", path, err, want)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("it gives away the address: %v", err)
		}
	}
	if len(got) != 3 || got[0] != `a "word"` {
		t.Errorf("received %q", got)
	}
	srv.Close()
	if err := webhook(t, srv.URL+"/secret").Send(t.Context(), "x"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestWebhookAddress(t *testing.T) {
	for _, bad := range []string{"", "hooks.example.com", "ftp://example.com/x", "https://", "file:///etc/passwd", "https://a b/%zz"} {
		if _, err := notify.NewWebhook(bad, nil); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestQueueNeverWaits: a receiver that hangs holds up nobody; what was not sent is
// named in the end.
func TestQueueNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		q := notify.NewQueue(ctx, func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		})
		begun := time.Now()
		q.Put("one")
		q.Put("two")
		q.Put("three")
		cancel() // Who was told to stop still says so.
		if d := time.Since(begun); d != 0 {
			t.Errorf("putting took %s", d)
		}
		failed := q.Close()
		if d := time.Since(begun); d > notify.Deadline {
			t.Errorf("closing took %s", d)
		}
		if len(failed) != 3 || !strings.Contains(failed[2].Error(), `"three" was not sent`) {
			t.Errorf("failed: %v", failed)
		}
		q.Put("four")
		if again := q.Close(); len(again) != 3 {
			t.Errorf("closed twice: %v", again)
		}
	})
}

// TestQueueGoesOn: what fails does not stop what follows, and the order is kept.
func TestQueueGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		q := notify.NewQueue(t.Context(), func(_ context.Context, text string) error {
			if text == "two" {
				return errors.New("no")
			}
			sent = append(sent, text)
			return nil
		})
		for _, text := range []string{"one", "two", "three"} {
			q.Put(text)
		}
		if failed := q.Close(); len(failed) != 1 || !slices.Equal(sent, []string{"one", "three"}) {
			t.Errorf("sent %v, failed %v", sent, failed)
		}
	})
}

// TestQueueIsBounded: a receiver that hangs for hours does not fill the memory.
func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := notify.NewQueue(t.Context(), func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() })
		for range 1000 {
			q.Put("x")
		}
		if failed := q.Close(); len(failed) != 1000 {
			t.Errorf("%d failed", len(failed))
		}
	})
}
