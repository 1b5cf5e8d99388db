package sandbox

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A timeline is compared with the plainest thing that does the same: a value for
// every second.
func TestTimelineRemembers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const seconds = 30
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		var line timeline[int]
		var plain [seconds]int
		for _, at := range rapid.SliceOf(rapid.IntRange(0, seconds-1)).Draw(t, "at") {
			v := rapid.IntRange(1, 9).Draw(t, "value")
			line.set(start.Add(time.Duration(at)*time.Second), v)
			for i := at; i < seconds; i++ {
				plain[i] = v
			}
		}
		for i, want := range plain {
			when := start.Add(time.Duration(i) * time.Second)
			got, ok := line.at(when)
			if got != want || ok != (want != 0) {
				t.Fatalf("second %d: %d, want %d", i, got, want)
			}
			if next, ok := line.next(when); ok && !next.at.After(when) {
				t.Fatalf("the next change after %s is at %s", when, next.at)
			}
		}
		if line.last() != plain[seconds-1] {
			t.Fatalf("last is %d, want %d", line.last(), plain[seconds-1])
		}
	})
}
