package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Queue sends alerts one after another, in the order in which they were put in.
type Queue struct {
	send    func(ctx context.Context, text string) error
	cancel  context.CancelFunc
	waiting chan string
	done    chan struct{}

	mu     sync.Mutex
	closed bool
	failed []error
}

// errFull: more alerts came than anybody can have wanted.
var errFull = errors.New("too many are waiting to be sent")

// most is how many alerts may wait.
const most = 64

// NewQueue begins to send; Close ends it. What ctx carries is kept, its end is not: an
// alert that something was stopped has to get out after it was.
func NewQueue(ctx context.Context, send func(ctx context.Context, text string) error) *Queue {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	q := &Queue{send: send, cancel: cancel, waiting: make(chan string, most), done: make(chan struct{})}
	go q.run(ctx)
	return q
}

// Put puts in an alert. It never waits.
func (q *Queue) Put(text string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	select {
	case q.waiting <- text:
	default:
		q.failed = append(q.failed, unsent(text, errFull))
	}
}

// Close waits for what is on its way, for Deadline at most, and gives what could not
// be sent.
func (q *Queue) Close() []error {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.waiting)
	}
	q.mu.Unlock()
	late := time.AfterFunc(Deadline, q.cancel)
	<-q.done
	late.Stop()
	q.cancel()
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.failed
}

func (q *Queue) run(ctx context.Context) {
	defer close(q.done)
	for text := range q.waiting {
		limit, cancel := context.WithTimeout(ctx, Deadline)
		err := limit.Err() // Over already: the rest is only named.
		if err == nil {
			err = q.send(limit, text)
		}
		cancel()
		if err != nil {
			q.mu.Lock()
			q.failed = append(q.failed, unsent(text, err))
			q.mu.Unlock()
		}
	}
}

func unsent(text string, err error) error {
	return fmt.Errorf("the alert %q was not sent: %w", text, err)
}
