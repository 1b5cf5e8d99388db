package policy

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

func zoneNamed(tb testing.TB, name string) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return loc
}

func mustCron(tb testing.TB, text string, loc *time.Location) Schedule {
	tb.Helper()
	s, err := Cron(text, loc)
	if err != nil {
		tb.Fatalf("Cron(%q): %v", text, err)
	}
	return s
}

func mustEvery(tb testing.TB, text string, loc *time.Location) Schedule {
	tb.Helper()
	s, err := Every(text, loc)
	if err != nil {
		tb.Fatalf("Every(%q): %v", text, err)
	}
	return s
}

func at(tb testing.TB, s string) time.Time {
	tb.Helper()
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestSlots(t *testing.T) {
	berlin := zoneNamed(t, "Europe/Berlin")
	tests := []struct {
		name            string
		schedule        Schedule
		now, slot, next string
	}{
		{"hour", mustEvery(t, "1h", nil), "2026-03-04T05:06:07Z", "2026-03-04T05:00:00Z", "2026-03-04T06:00:00Z"},
		{"at the beginning", mustEvery(t, "1h", nil), "2026-03-04T05:00:00Z", "2026-03-04T05:00:00Z", "2026-03-04T06:00:00Z"},
		{"week from Monday", mustEvery(t, "1w", nil), "2026-03-04T05:06:07Z", "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"},
		{"before the anchor", mustEvery(t, "1d", nil), "1999-12-31T23:00:00Z", "1999-12-31T00:00:00Z", "2000-01-01T00:00:00Z"},
		{"local day", mustEvery(t, "1d", berlin), "2026-03-29T12:00:00+02:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"},
		{"short day", mustEvery(t, "12h", berlin), "2026-03-29T13:00:00+02:00", "2026-03-29T13:00:00+02:00", "2026-03-30T00:00:00+02:00"},
		{"long day", mustEvery(t, "12h", berlin), "2026-10-25T23:30:00+01:00", "2026-10-25T23:00:00+01:00", "2026-10-26T00:00:00+01:00"},
		{"rate", mustEvery(t, "rate(2 hours)", nil), "2026-03-04T05:06:07Z", "2026-03-04T04:00:00Z", "2026-03-04T06:00:00Z"},
		{"gap", mustCron(t, "30 2 * * *", berlin), "2026-03-29T12:00:00+02:00", "2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"},
		{"in the repeated hour", mustCron(t, "30 2 * * *", berlin), "2026-10-25T02:45:00+01:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"},
		{"wildcard in the repeated hour", mustCron(t, "30 * * * *", berlin), "2026-10-25T02:45:00+01:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00"},
		{"either day", mustCron(t, "0 0 13 * 5", nil), "2026-03-08T00:00:00Z", "2026-03-06T00:00:00Z", "2026-03-13T00:00:00Z"},
		{"Sunday as 7", mustCron(t, "0 0 * * 6-7", nil), "2026-03-09T00:00:00Z", "2026-03-08T00:00:00Z", "2026-03-14T00:00:00Z"},
		{"29 February", mustCron(t, "0 0 29 2 *", nil), "2103-03-09T00:00:00Z", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"AWS weekday", mustCron(t, "cron(0 8 ? * 6 *)", nil), "2026-03-09T00:00:00Z", "2026-03-06T08:00:00Z", "2026-03-13T08:00:00Z"},
		{"AWS L", mustCron(t, "cron(0 8 L * ? *)", nil), "2026-03-09T00:00:00Z", "2026-02-28T08:00:00Z", "2026-03-31T08:00:00Z"},
		{"AWS LW", mustCron(t, "cron(0 8 LW * ? *)", nil), "2026-03-09T00:00:00Z", "2026-02-27T08:00:00Z", "2026-03-31T08:00:00Z"},
		{"AWS 1W", mustCron(t, "cron(0 8 1W * ? *)", nil), "2026-02-09T00:00:00Z", "2026-02-02T08:00:00Z", "2026-03-02T08:00:00Z"},
		{"AWS 15W", mustCron(t, "cron(0 8 15W * ? *)", nil), "2026-02-09T00:00:00Z", "2026-01-15T08:00:00Z", "2026-02-16T08:00:00Z"},
		{"AWS FRIL", mustCron(t, "cron(0 8 ? * FRIL *)", nil), "2026-03-09T00:00:00Z", "2026-02-27T08:00:00Z", "2026-03-27T08:00:00Z"},
		{"AWS 3#2", mustCron(t, "cron(0 8 ? * 3#2 *)", nil), "2026-03-09T00:00:00Z", "2026-02-10T08:00:00Z", "2026-03-10T08:00:00Z"},
		{"AWS year", mustCron(t, "cron(0 8 1 1 ? 2026-2027)", nil), "2026-03-09T00:00:00Z", "2026-01-01T08:00:00Z", "2027-01-01T08:00:00Z"},
		{"named", mustCron(t, "@weekly", nil), "2026-03-09T00:00:00Z", "2026-03-08T00:00:00Z", "2026-03-15T00:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, want := tt.schedule.Slot(at(t, tt.now)), at(t, tt.slot).UTC(); got != want {
				t.Errorf("Slot = %v, want %v", got, want)
			}
			if got, want := tt.schedule.Next(at(t, tt.now)), at(t, tt.next).UTC(); got != want {
				t.Errorf("Next = %v, want %v", got, want)
			}
		})
	}
}

func TestSlotsOutsideTheYears(t *testing.T) {
	s := mustCron(t, "cron(0 8 1 1 ? 2026-2027)", nil)
	if got := s.Slot(at(t, "2025-03-09T00:00:00Z")); !got.IsZero() {
		t.Errorf("Slot before the first = %v", got)
	}
	if got := s.Next(at(t, "2027-03-09T00:00:00Z")); !got.IsZero() {
		t.Errorf("Next after the last = %v", got)
	}
	var zero Schedule
	if !zero.Slot(at(t, "2025-03-09T00:00:00Z")).IsZero() || zero.Longest() != 0 || !zero.IsZero() {
		t.Error("the zero Schedule has slots")
	}
}

func TestLongest(t *testing.T) {
	berlin := zoneNamed(t, "Europe/Berlin")
	tests := []struct {
		schedule Schedule
		want     time.Duration
	}{
		{mustEvery(t, "6h", nil), 6 * time.Hour},
		{mustEvery(t, "6h", berlin), 6 * time.Hour},
		{mustEvery(t, "1d", berlin), 25 * time.Hour},
		{mustCron(t, "0 3 * * *", nil), 24 * time.Hour},
		{mustCron(t, "0 3 * * *", berlin), 25 * time.Hour},
		{mustCron(t, "0 3 * * MON-FRI", nil), 72 * time.Hour},
		{mustCron(t, "0 8-18 * * *", nil), 14 * time.Hour},
		{mustCron(t, "*/15 * * * *", nil), 15 * time.Minute},
		{mustCron(t, "0 0 29 2 *", nil), 1461 * day},
		{mustCron(t, "@monthly", nil), 31 * day},
	}
	for _, tt := range tests {
		if got := tt.schedule.Longest(); got != tt.want {
			t.Errorf("%s: Longest = %v, want %v", tt.schedule, got, tt.want)
		}
	}
}

func TestScheduleString(t *testing.T) {
	berlin := zoneNamed(t, "Europe/Berlin")
	if got, want := mustCron(t, "0 3 * * *", berlin).String(), `cron "0 3 * * *" Europe/Berlin`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := mustEvery(t, "1h", time.UTC).String(), "every 1h"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// days on which clocks are changed, and quiet ones.
var hardDays = map[string][]string{
	"Europe/Berlin":       {"2026-03-29", "2026-10-25", "2026-06-01", "2028-12-31"},
	"America/New_York":    {"2026-03-08", "2026-11-01"},
	"Australia/Lord_Howe": {"2026-04-05", "2026-10-04"},
	"Asia/Kathmandu":      {"1985-12-31", "2026-01-01"},
	"America/Sao_Paulo":   {"2018-11-04", "2019-02-16"},
	"Pacific/Apia":        {"2011-12-30"},
	"America/St_Johns":    {"2010-11-07", "2011-03-13"},
	"America/Havana":      {"2026-03-08", "2026-11-01"},
}

func anyZoneTime(t *rapid.T) (*time.Location, time.Time) {
	name := rapid.SampledFrom([]string{
		"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
		"America/Sao_Paulo", "Pacific/Apia", "America/St_Johns", "America/Havana",
	}).Draw(t, "zone")
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	date := rapid.SampledFrom(hardDays[name]).Draw(t, "date")
	start, err := time.ParseInLocation(time.DateOnly, date, loc)
	if err != nil {
		t.Fatal(err)
	}
	return loc, start.Add(time.Duration(rapid.Int64Range(-36*3600, 60*3600).Draw(t, "seconds")) * time.Second)
}

// activations finds, minute by minute and without any cleverness, the moments at
// which a cron with these masks is active around a moment.
func activations(loc *time.Location, around time.Time, match func(wall time.Time) bool, everyHour bool) []time.Time {
	var out []time.Time
	start := around.UTC().Truncate(time.Minute).Add(-4 * day)
	begun := map[string]bool{}
	wallOf := func(t time.Time) time.Time {
		l := t.In(loc)
		return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC)
	}
	for i := range int(8 * day / time.Minute) {
		now := start.Add(time.Duration(i) * time.Minute)
		wall, before := wallOf(now), wallOf(now.Add(-time.Minute))
		if match(wall) && (everyHour || !begun[wall.String()]) {
			out = append(out, now)
		}
		begun[wall.String()] = true
		// Jumped over: as far after the jump as after its beginning.
		for w := before.Add(time.Minute); w.Before(wall); w = w.Add(time.Minute) {
			if match(w) {
				out = append(out, now.Add(w.Sub(before)-time.Minute))
			}
		}
	}
	return out
}

func TestCronAgainstEveryMinute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loc, now := anyZoneTime(t)
		minute := rapid.SampledFrom([]string{"0", "30", "15,45", "*/20", "59"}).Draw(t, "minute")
		hour := rapid.SampledFrom([]string{"*", "*/2", "0", "1", "2", "3", "0-3", "23", "0,23", "1,2"}).Draw(t, "hour")
		dow := rapid.SampledFrom([]string{"*", "0", "1-5", "6,0"}).Draw(t, "dow")
		s, err := Cron(minute+" "+hour+" * * "+dow, loc)
		if err != nil {
			t.Fatal(err)
		}
		c := s.plan.(*cronSlots)
		match := func(w time.Time) bool {
			return c.minutes>>w.Minute()&1 != 0 && c.hours>>w.Hour()&1 != 0 && c.dates.weekdays>>w.Weekday()&1 != 0
		}
		var slot, next time.Time
		for _, a := range activations(loc, now, match, c.everyHour) {
			if !a.After(now) && a.After(slot) {
				slot = a
			}
			if a.After(now) && (next.IsZero() || a.Before(next)) {
				next = a
			}
		}
		if got := s.Slot(now); !slot.IsZero() && got != slot {
			t.Fatalf("%s at %v: Slot = %v, want %v", s, now, got.In(loc), slot.In(loc))
		}
		if got := s.Next(now); !next.IsZero() && got != next {
			t.Fatalf("%s at %v: Next = %v, want %v", s, now, got.In(loc), next.In(loc))
		}
	})
}

func TestScheduleLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loc, now := anyZoneTime(t)
		text := rapid.SampledFrom([]string{"15m", "1h", "6h", "8h", "12h", "1d", "3d", "2w"}).Draw(t, "every")
		s, err := Every(text, loc)
		if rapid.Bool().Draw(t, "cron") {
			text = rapid.SampledFrom([]string{"30 * * * *", "30 2 * * *", "0 0 1 * *", "cron(0 0 ? * 1#5 *)", "cron(0 1 31W * ? *)"}).Draw(t, "cron text")
			s, err = Cron(text, loc)
		}
		if err != nil {
			t.Fatal(err)
		}
		slot, next := s.Slot(now), s.Next(now)
		if slot.After(now) || !next.After(now) {
			t.Fatalf("%s: slot %v, now %v, next %v", s, slot, now, next)
		}
		if again := s.Slot(slot); again != slot {
			t.Fatalf("%s: Slot(%v) = %v", s, slot, again)
		}
		if again := s.Next(slot); again != next {
			t.Fatalf("%s: Next(Slot) = %v, Next(now) = %v", s, again, next)
		}
		if again := s.Slot(next); again != next {
			t.Fatalf("%s: Slot(Next) = %v, want %v", s, again, next)
		}
	})
}

func TestDurationsOfSlotsInLeapYears(t *testing.T) {
	// The last day of a leap year is where time.Time.ZoneBounds gives an end that
	// has passed.
	loc := zoneNamed(t, "Europe/Berlin")
	s := mustEvery(t, "1d", loc)
	for now := at(t, "2028-12-30T12:00:00Z"); now.Year() == 2028; now = now.Add(time.Hour) {
		if s.Slot(now).After(now) || !s.Next(now).After(now) {
			t.Fatalf("at %v: %v, %v", now, s.Slot(now), s.Next(now))
		}
	}
}

func BenchmarkSlot(b *testing.B) {
	berlin := zoneNamed(b, "Europe/Berlin")
	for name, s := range map[string]Schedule{
		"every":      mustEvery(b, "1h", nil),
		"every zone": mustEvery(b, "1d", berlin),
		"cron":       mustCron(b, "0 3 * * *", berlin),
		"cron month": mustCron(b, "0 3 1 1 *", berlin),
	} {
		b.Run(name, func(b *testing.B) {
			now := at(b, "2026-06-04T05:06:07Z")
			for b.Loop() {
				s.Slot(now)
			}
		})
	}
	b.Run("change of the clocks", func(b *testing.B) {
		s, now := mustCron(b, "*/5 * * * *", berlin), at(b, "2026-03-29T05:06:07Z")
		for b.Loop() {
			s.Slot(now)
		}
	})
}
