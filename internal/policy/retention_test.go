package policy

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The files in testdata/retention say: keep, zone, now, and a schedule with a
// count, from which points are made back from now. The golden files show every
// decision with its reason.
func TestRetentionGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/retention/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			k, loc, now, points := readRetention(t, file)
			var out strings.Builder
			fmt.Fprintf(&out, "keep %s; %s; now %s\n", k, loc, now.In(loc).Format("Mon 2006-01-02 15:04 MST"))
			for i, r := range k.Decide(now, loc, points, nil) {
				fmt.Fprintf(&out, "%s  %s\n", points[i].Slot.In(loc).Format("Mon 2006-01-02 15:04 MST"), r)
			}
			golden(t, strings.TrimSuffix(file, ".txt")+".golden", out.String())
		})
	}
}

func readRetention(t *testing.T, file string) (k Retention, loc *time.Location, now time.Time, points []Point) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	loc = time.UTC
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch key {
		case "keep":
			if k, err = ParseRetention(value); err != nil {
				t.Fatal(err)
			}
		case "zone":
			loc = zoneNamed(t, value)
		case "now":
			now = at(t, value)
		case "points":
			var n int
			var every string
			if _, err := fmt.Sscanf(value, "%d every %s", &n, &every); err != nil {
				t.Fatal(err)
			}
			s := mustEvery(t, every, loc)
			slot := s.Slot(now)
			for range n {
				points = append(points, Point{slot, slot.Add(time.Minute)})
				slot = s.Slot(slot.Add(-time.Second))
			}
		}
	}
	return k, loc, now, points
}

func TestDecide(t *testing.T) {
	now := at(t, "2026-03-04T05:06:07Z")
	point := func(ago time.Duration) Point { return Point{now.Add(-ago), now.Add(-ago)} }
	points := []Point{point(0), point(0), point(day), point(3 * day)}
	tests := []struct {
		name string
		keep Retention
		want []Rules
	}{
		{"nothing", Retention{}, []Rules{0, 0, 0, 0}},
		{"floor", Retention{Floor: 2}, []Rules{RuleFloor, RuleFloor, 0, 0}},
		{"floor only where nothing else", Retention{Last: 1, Floor: 2}, []Rules{RuleLast, RuleFloor, 0, 0}},
		{"days without a point do not count", Retention{Daily: 3}, []Rules{RuleDaily, 0, RuleDaily, RuleDaily}},
		{"within excludes its end", Retention{Within: day}, []Rules{RuleWithin, RuleWithin, 0, 0}},
		{"forever", Retention{Forever: true, Last: 1}, []Rules{RuleForever | RuleLast, RuleForever, RuleForever, RuleForever}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.keep.Decide(now, nil, points, nil)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func anyRetention(t *rapid.T) Retention {
	n := func(name string) int { return rapid.IntRange(0, 5).Draw(t, name) }
	return Retention{
		Last: n("last"), Hourly: n("hourly"), Daily: n("daily"), Weekly: n("weekly"), Monthly: n("monthly"),
		Yearly: n("yearly"), Floor: n("floor"), Within: time.Duration(n("within")) * 20 * time.Hour,
	}
}

func anyPoints(t *rapid.T, now time.Time) []Point {
	var points []Point
	for _, gap := range rapid.SliceOfN(rapid.Int64Range(0, 60*3600), 1, 40).Draw(t, "gaps") {
		now = now.Add(-time.Duration(gap) * time.Second)
		points = append(points, Point{now, now})
	}
	return points
}

func TestDecideLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loc, now := anyZoneTime(t)
		k, points := anyRetention(t), anyPoints(t, now)
		whole := k.Decide(now, loc, points, nil)
		// An older point changes nothing for the newer ones.
		if without := k.Decide(now, loc, points[:len(points)-1], nil); !slices.Equal(whole[:len(points)-1], without) {
			t.Fatalf("without the oldest: %v, with it: %v", without, whole)
		}
		if k != (Retention{Within: k.Within}) && whole[0] == 0 {
			t.Fatalf("%s: the newest is not kept", k)
		}
		for i, r := range whole {
			if i < k.Floor && r == 0 {
				t.Fatalf("%s: point %d is not kept", k, i)
			}
		}
		// More is never less.
		more := k
		more.Daily, more.Within, more.Floor = k.Daily+1, k.Within+day, k.Floor+1
		for i, r := range more.Decide(now, loc, points, nil) {
			if whole[i] != 0 && r == 0 {
				t.Fatalf("%s keeps point %d, %s does not", k, i, more)
			}
		}
	})
}

// Days, weeks, months and years must be those of the time package.
func TestBuckets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-3e9, 2e10).Draw(t, "at"), 0).UTC()
		l := localTime{unix: at.Unix()}
		c := civilOf(dayOf(l))
		if y, m, d := at.Date(); c.year != y || c.month != int(m) || c.day != d || c.days() != dayOf(l) {
			t.Fatalf("%v: %+v", at, c)
		}
		if weekday(dayOf(l)) != int(at.Weekday()) {
			t.Fatalf("%v: weekday %d", at, weekday(dayOf(l)))
		}
		y1, w1 := at.ISOWeek()
		y2, w2 := at.Add(day).ISOWeek()
		if same := weekOf(l) == weekOf(localTime{unix: at.Add(day).Unix()}); same != (y1 == y2 && w1 == w2) {
			t.Fatalf("%v: weeks", at)
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	now := at(b, "2026-06-04T05:06:07Z")
	points := make([]Point, 2000)
	for i := range points {
		points[i] = Point{now.Add(-time.Duration(i) * time.Hour), now.Add(-time.Duration(i) * time.Hour)}
	}
	k := Retention{Last: 10, Within: 48 * time.Hour, Hourly: 24, Daily: 30, Weekly: 8, Monthly: 12, Yearly: 3, Floor: 2}
	out := make([]Rules, 0, len(points))
	for _, name := range []string{"UTC", "Europe/Berlin"} {
		loc := zoneNamed(b, name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				out = k.Decide(now, loc, points, out[:0])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(points)), "ns/point")
		})
	}
}
