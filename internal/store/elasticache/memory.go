package elasticache

import (
	"sync"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

const (
	// tagsLast is how long the tags of a cache are taken as read.
	tagsLast = 5 * time.Minute
	// indexLags is how long the index may not show what was read or written here.
	indexLags = 15 * time.Minute
	// indexRests is how long an index that could not be read is not asked again.
	indexRests = 10 * time.Minute
	// holdLasts is how long a hold that was seen is believed, so that one that a
	// person released by other means is noticed.
	holdLasts = 10 * time.Minute
	// confirmed is for how long what Confirm has read need not be read by it again:
	// about as long as it takes from there to the last delete of a batch.
	confirmed = 20 * time.Second
	// justRead is how long ago the tags may have been read by which a snapshot is
	// deleted.
	justRead = 2 * time.Minute
	// forgotten is how long what is no longer listed is remembered: what a service
	// lists can lag behind what it did.
	forgotten = 24 * time.Hour
)

// memory holds the tags that were read or written in this process, by ARN. It
// saves calls and decides nothing: what is deleted is read anew.
type memory struct {
	mu   sync.Mutex
	tags map[string]remembered
	// refused is when the index could last not be read, by site.
	refused map[dr.Site]time.Time
}

// remembered is what is known of the tags of one thing.
type remembered struct {
	tags dr.Tags
	// read is when they were read; zero when holdfast wrote them itself.
	read time.Time
	// known is when they were read or written.
	known time.Time
	// seen is when they were last of use.
	seen time.Time
	// unsure: they could not be read, and the name alone speaks for them.
	unsure bool
}

// newer reports whether the index may not show this yet.
func (r remembered) newer() bool { return !stale(r.known, indexLags) }

func newMemory() *memory {
	return &memory{tags: map[string]remembered{}, refused: map[dr.Site]time.Time{}}
}

// noIndex remembers that the index of a site could not be read.
func (m *memory) noIndex(site dr.Site) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refused[site] = time.Now()
}

// unindexed reports whether that is not long ago.
func (m *memory) unindexed(site dr.Site) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	when, ok := m.refused[site]
	return ok && !stale(when, indexRests)
}

func (m *memory) get(arn string) (remembered, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.tags[arn]
	if ok {
		r.seen = time.Now()
		m.tags[arn] = r
	}
	return r, ok
}

// read remembers tags that AWS has just given.
func (m *memory) read(arn string, tags dr.Tags) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.tags[arn] = remembered{tags: tags, read: now, known: now, seen: now}
}

// wrote remembers the tags that a snapshot was made with.
func (m *memory) wrote(arn string, tags dr.Tags) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.tags[arn] = remembered{tags: tags, known: now, seen: now}
}

// presume remembers tags that a snapshot should have by its name, until they can
// be read.
func (m *memory) presume(arn string, tags dr.Tags) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.tags[arn]; !known {
		m.tags[arn] = remembered{tags: tags, seen: time.Now(), unsure: true}
	}
}

func (m *memory) forget(arn string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.tags, arn)
}

// tidy forgets what was of no use for long.
func (m *memory) tidy() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for arn, r := range m.tags {
		if time.Since(r.seen) > forgotten {
			delete(m.tags, arn)
		}
	}
}
