package schedule

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // the machine may have none
)

// TestSpecsOverChangesOfTheClock counts every run of a day on which the clocks change in Berlin: at 02:00 on 29 March 2026 they
// went forward to 03:00, and at 03:00 on 25 October back to 02:00.
func TestSpecsOverChangesOfTheClock(t *testing.T) {
	t.Parallel()
	const spring, autumn = "2026-03-29", "2026-10-25"
	for name, c := range map[string]struct {
		spec, day string
		want      []string // in UTC
	}{
		"02:30 is leapt over: it happens at the leap":         {"30 2 * * *", spring, []string{"01:00"}},
		"02:30 comes twice: the first counts":                 {"30 2 * * *", autumn, []string{"00:30"}},
		"another time of the short day":                       {"0 4 * * *", spring, []string{"02:00"}},
		"another time of the long day":                        {"0 4 * * *", autumn, []string{"03:00"}},
		"every other hour of the short day":                   {"0 */2 * * *", spring, []string{"23:00", "01:00", "02:00", "04:00", "06:00", "08:00", "10:00", "12:00", "14:00", "16:00", "18:00", "20:00"}},
		"every other hour of the long day":                    {"0 */2 * * *", autumn, []string{"22:00", "00:00", "03:00", "05:00", "07:00", "09:00", "11:00", "13:00", "15:00", "17:00", "19:00", "21:00"}},
		"what is leapt over together happens together, once":  {"0,30 2-3 * * *", spring, []string{"01:00", "01:30"}},
		"the hour that comes twice, by the wall, counts once": {"0,30 2-3 * * *", autumn, []string{"00:00", "00:30", "02:00", "02:30"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := runsOf(t, c.spec, c.day); !slices.Equal(got, c.want) {
				t.Errorf("%q on %s runs at %v, want %v", c.spec, c.day, got, c.want)
			}
		})
	}
	for day, hours := range map[string]int{spring: 23, "2026-06-01": 24, autumn: 25} {
		if n := len(runsOf(t, "*/10 * * * *", day)); n != hours*6 {
			t.Errorf("%s has %d runs of ten minutes, want %d", day, n, hours*6)
		}
		if n := len(runsOf(t, "every 10m", day)); n != hours*6 {
			t.Errorf("%s has %d intervals of ten minutes, want %d", day, n, hours*6)
		}
	}
}

// runsOf lists the runs of a day in Berlin, in UTC, and checks that time only goes forward.
func runsOf(t *testing.T, text, day string) (list []string) {
	t.Helper()
	s, err := parseSpec(text, "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	begin, err := time.ParseInLocation(time.DateOnly, day, s.zone)
	if err != nil {
		t.Fatal(err)
	}
	before := begin.Add(-time.Nanosecond)
	for at := s.next(before); at.Before(begin.AddDate(0, 0, 1)); at = s.next(at) {
		if !at.After(before) {
			t.Fatalf("after %s came %s", before, at)
		}
		before = at
		list = append(list, at.UTC().Format("15:04"))
	}
	return list
}

// TestAnyHourMinuteByMinute compares the runs of specs of any hour with every minute of local time, where clocks skip midnight
// (Beirut, Cairo), a whole day (Apia in 2011) or half an hour (Lord Howe), and elsewhere.
func TestAnyHourMinuteByMinute(t *testing.T) {
	t.Parallel()
	for zone, days := range map[string][]string{
		"Asia/Beirut":         {"2026-03-27", "2026-10-23"},
		"Africa/Cairo":        {"2026-04-22", "2026-10-28"},
		"Pacific/Apia":        {"2011-12-28", "2011-09-22", "2011-04-01"},
		"Australia/Lord_Howe": {"2026-04-03", "2026-10-02"},
		"America/New_York":    {"2026-03-06", "2026-10-30"},
		"UTC":                 {"2026-02-27"},
	} {
		for _, text := range []string{"0 * * * *", "*/7 * * * 0", "0 * * * 5", "59 * * * 6,1", "30 * 29-31 * *"} {
			s, err := parseSpec(text, zone)
			if err != nil {
				t.Fatal(err)
			}
			for _, day := range days {
				begin, err := time.Parse(time.DateOnly, day)
				if err != nil {
					t.Fatal(err)
				}
				end := begin.AddDate(0, 0, 5)
				var got, want []time.Time
				for at := s.next(begin); !at.After(end); at = s.next(at) {
					got = append(got, at)
				}
				for at := begin.Add(time.Minute); !at.After(end); at = at.Add(time.Minute) {
					if shown := onTheWall(at, s.zone); s.cron.Next(shown.Add(-time.Second)).Equal(shown) {
						want = append(want, at)
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%q in %s from %s on: %d runs, want %d:\n%v\n%v", text, zone, day, len(got), len(want), got, want)
				}
			}
		}
	}
}

// TestNextDoesNotDependOnWhenItIsAsked: the next run is the same from any moment before it.
func TestNextDoesNotDependOnWhenItIsAsked(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"30 2 * * *", "0,30 2-3 * * *", "*/7 * * * *", "15 */3 * * 0", "every 7m", "every 90s"} {
		s, err := parseSpec(text, "Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		for _, day := range []string{"2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z"} {
			from, _ := time.Parse(time.RFC3339, day)
			next := s.next(from)
			for at := from; at.Before(from.Add(12 * time.Hour)); at = at.Add(time.Minute) {
				if !next.After(at) {
					next = s.next(next)
				}
				if got := s.next(at); !got.Equal(next) {
					t.Fatalf("%q: after %s comes %s, and %s from the run before", text, at, got, next)
				}
			}
		}
	}
}

func TestSpecsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"", "UTC"},
		{"* * * *", "UTC"},
		{"0 0 4 * * *", "UTC"},
		{"@daily", "UTC"},
		{"CRON_TZ=Asia/Tokyo 0 4 * * *", "UTC"},
		{"61 * * * *", "UTC"},
		{"0 0 30 2 *", "UTC"},
		{"every day", "UTC"},
		{"every 500ms", "UTC"},
		{"every -1m", "UTC"},
		{"every 1500ms", "UTC"},
		{"0 4 * * *", "Europe/Nowhere"},
		{"0 4 * * *", ""},
		{"0 4 * * *", "Local"},
	} {
		if s, err := parseSpec(c[0], c[1]); err == nil {
			t.Errorf("%q in %q was taken for %+v", c[0], c[1], s)
		}
	}
}

// TestRefusalsSayWhy: an error names the field and says what to write instead.
func TestRefusalsSayWhy(t *testing.T) {
	t.Parallel()
	const fields = "the fields of cron: "
	for text, want := range map[string]string{
		"60 * * * *":            fields + `the minute "60" must be 0 to 59`,
		"*/61 * * * *":          fields + `the minute "*/61" must have a step of 1 to 60`,
		"*/0 * * * *":           fields + `the minute "*/0" must have a step of 1 to 60`,
		"*/x * * * *":           fields + `the minute "*/x" must have a step of 1 to 60`,
		"10-20/12 * * * *":      fields + `the minute "10-20/12" must have a step of 1 to 11`,
		"1,,2 * * * *":          fields + `the minute "1,,2" has an empty part`,
		"? * * * *":             fields + `the minute "?" must be 0 to 59`,
		"+5 * * * *":            fields + `the minute "+5" must be 0 to 59`,
		"*-5 * * * *":           fields + `the minute "*" must be 0 to 59`,
		"0 24 * * *":            fields + `the hour "24" must be 0 to 23`,
		"0 22-6 * * *":          fields + `the hour "22-6" runs backwards: split it in two, as in 22-23,0-6`,
		"0 99999999999 * * *":   fields + `the hour "99999999999" must be 0 to 23`,
		"0 4 0 * *":             fields + `the day of month "0" must be 1 to 31`,
		"0 4 L * *":             fields + `the day of month "L" must be 1 to 31`,
		"0 4 * 13 *":            fields + `the month "13" must be 1 to 12, or jan to dec`,
		"0 4 * January *":       fields + `the month "January" must be 1 to 12, or jan to dec`,
		"0 4 * nov-feb *":       fields + `the month "nov-feb" runs backwards: split it in two, as in nov-12,1-feb`,
		"0 4 * * 8":             fields + `the day of week "8" must be 0 to 7, or sun to sat`,
		"0 4 * * Sunday":        fields + `the day of week "Sunday" must be 0 to 7, or sun to sat`,
		"0 4 * * fri-mon":       fields + `the day of week "fri-mon" runs backwards: split it in two, as in fri-7,1-mon`,
		"0 4 * * 6-0":           fields + `the day of week "6-0" runs backwards: split it in two, as in 6-7`,
		"0 4 * * 1#2":           fields + `the day of week "1#2" must be 0 to 7, or sun to sat`,
		"0 0 30 2 *":            fields + `"0 0 30 2 *" names a day that never comes`,
		"0 0 4 * * *":           fields + `want five fields, minute hour day month weekday, but there are 6: for seconds write an interval, as in "every 10s"`,
		"* *":                   fields + `want "every 10m" or five fields, minute hour day month weekday, but there are 2`,
		"@daily":                fields + `"@daily" is not supported: write "0 0 * * *"`,
		"TZ=Asia/Tokyo 0 4 * *": fields + "a time zone does not belong in the spec: write it in the column zone",
		"every day":             `the interval "day" must be numbers and units up to 5200w, as in 90s, 10m, 36h, 1d or 2w`,
		"every 0s":              `the interval "every 0s" must be whole seconds, at least one`,
		"every -1d":             `the interval "-1d" must be numbers and units up to 5200w, as in 90s, 10m, 36h, 1d or 2w`,
		"every 1d-2h":           `the interval "1d-2h" must be numbers and units up to 5200w, as in 90s, 10m, 36h, 1d or 2w`,
		"every 5201w":           `the interval "5201w" must be numbers and units up to 5200w, as in 90s, 10m, 36h, 1d or 2w`,
		"every 99999999999999d": `the interval "99999999999999d" must be numbers and units up to 5200w, as in 90s, 10m, 36h, 1d or 2w`,
		"every 2562047h":        `the interval "2562047h" must be numbers and units up to 5200w, as in 90s, 10m, 36h, 1d or 2w`,
	} {
		if _, err := parseSpec(text, "UTC"); err == nil || err.Error() != want {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
	}
	for zone, want := range map[string]string{
		"":                 "the time zone has no name: write one as in UTC or Europe/Berlin",
		"localtime":        `the time zone "localtime" differs from machine to machine: write one as in UTC or Europe/Berlin`,
		"../../etc/passwd": `the time zone "../../etc/passwd" is unknown: write one as in UTC or Europe/Berlin`,
	} {
		if _, err := parseSpec("0 4 * * *", zone); err == nil || err.Error() != want {
			t.Errorf("zone %q: %v", zone, err)
		}
	}
}

// TestSameRuns: forms that mean the same, as cronie reads them.
func TestSameRuns(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0 4 * * 7":          "0 4 * * 0",
		"0 4 * * 5-7":        "0 4 * * 0,5,6",
		"0 4 * * sat-sun":    "0 4 * * 0,6",
		"0 4 * * Sat-SUN":    "0 4 * * 0,6",
		"0 4 * * mon-sun":    "0 4 * * *",
		"0 4 * * 0-7":        "0 4 * * *",
		"0 4 * * sun-tue":    "0 4 * * 0,1,2",
		"0 4 * * sun-sun":    "0 4 * * 0",
		"0 4 * * 7-7":        "0 4 * * 0",
		"0 4 * * 1-7/2":      "0 4 * * 0,1,3,5",
		"0 4 ? * 1":          "0 4 * * 1",
		"0 4 1 * ?":          "0 4 1 * *",
		"*/60 * * * *":       "0 * * * *",
		"5/15 * * * *":       "5,20,35,50 * * * *",
		"0 4 * JAN,jul *":    "0 4 * 1,7 *",
		" \t0   04 *  *   *": "0 4 * * *",
		"every  1d":          "every 24h",
		"every 1d12h":        "every 36h",
		"every 2w":           "every 336h",
		"every 1w2d3h":       "every 219h",
	} {
		a, err := parseSpec(text, "UTC")
		if err != nil {
			t.Error(err)
			continue
		}
		b, err := parseSpec(want, "UTC")
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
		for range 400 {
			if x, y := a.next(at), b.next(at); !x.Equal(y) {
				t.Errorf("after %s comes %s by %q, and %s by %q", at, x, text, y, want)
				break
			}
			at = a.next(at)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"every 10m":       "every 10 minutes",
		"every 90s":       "every 90 seconds",
		"every 1s":        "every second",
		"every 1h":        "every hour",
		"every 36h":       "every 36 hours",
		"every 48h":       "every 2 days",
		"* * * * *":       "every minute",
		"*/10 * * * *":    "every 10 minutes",
		"*/7 * * * *":     "*/7 * * * * (Europe/Berlin)", // the last one of an hour is 4 minutes
		"5 * * * *":       "every hour at minute 5",
		"0 4 * * *":       "every day at 04:00 (Europe/Berlin)",
		"30 9 * * 1":      "every Monday at 09:30 (Europe/Berlin)",
		"30 9 * * mon":    "every Monday at 09:30 (Europe/Berlin)",
		"30 9 * * 1-5":    "every weekday at 09:30 (Europe/Berlin)",
		"0 8 * * 1,3,fri": "every Monday, Wednesday and Friday at 08:00 (Europe/Berlin)",
		"0 0 1 * *":       "on the 1st of each month at 00:00 (Europe/Berlin)",
		"0 0 22 * *":      "on the 22nd of each month at 00:00 (Europe/Berlin)",
		"0 0 13 * *":      "on the 13th of each month at 00:00 (Europe/Berlin)",
		"0 0 13 * 5":      "0 0 13 * 5 (Europe/Berlin)",
		"0 0 1 1 *":       "0 0 1 1 * (Europe/Berlin)",
		"0 8-18 * * *":    "0 8-18 * * * (Europe/Berlin)",

		"every 1d":             "every day",
		"every 1d12h":          "every 36 hours",
		"every 7d":             "every week",
		"every 2w":             "every 2 weeks",
		"*/60 * * * *":         "every hour at minute 0",
		"0-59/15 * * * *":      "every 15 minutes",
		"5-59/15 * * * *":      "every hour at minutes 5, 20, 35 and 50",
		"0,40 * * * *":         "every hour at minutes 0 and 40",
		"*/10 * * * 1-7":       "every 10 minutes",
		"*/10 * * * 1":         "*/10 * * * 1 (Europe/Berlin)",
		"*/10 * 1-7 * 0-6":     "*/10 * 1-7 * 0-6 (Europe/Berlin)", // either day is enough: every day
		"0 */6 * * *":          "every day at 00:00, 06:00, 12:00 and 18:00 (Europe/Berlin)",
		"0,30 4 * * *":         "0,30 4 * * * (Europe/Berlin)",
		"0 4 * * 7":            "every Sunday at 04:00 (Europe/Berlin)",
		"0 4 * * 5-7":          "every Friday, Saturday and Sunday at 04:00 (Europe/Berlin)",
		"0 4 * * sat-sun":      "every Saturday and Sunday at 04:00 (Europe/Berlin)",
		"0 4 * * 0,SAT":        "every Saturday and Sunday at 04:00 (Europe/Berlin)",
		"0 4 * * 1-5/2":        "every Monday, Wednesday and Friday at 04:00 (Europe/Berlin)",
		"0 4 ? * mon-sun":      "every day at 04:00 (Europe/Berlin)",
		"0 4 1,15 * *":         "on the 1st and 15th of each month at 04:00 (Europe/Berlin)",
		"0 4 31 * ?":           "on the 31st of each month that has it at 04:00 (Europe/Berlin)",
		"0 4 */2 * *":          "0 4 */2 * * (Europe/Berlin)",
		" 0  4\t1 1-6 mon-sun": "0 4 1 1-6 mon-sun (Europe/Berlin)",
	} {
		s, err := parseSpec(text, "Europe/Berlin")
		if err != nil {
			t.Error(err)
		} else if got := s.words(); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// TestMissedRunsAreCounted: missed runs are counted, those of intervals in closed form.
func TestMissedRunsAreCounted(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		spec    string
		first   time.Duration // before now
		last    time.Duration // before now
		before  int
		nextFor time.Duration
	}{
		{"every 10m", 0, 0, 0, 10 * time.Minute},
		{"every 10m", 10 * time.Minute, 0, 1, 10 * time.Minute},
		{"every 10m", 15 * time.Minute, 0, 2, 10 * time.Minute}, // an operator had set an odd time
		{"every 1s", 31 * 24 * time.Hour, 0, 31 * 24 * 3600, time.Second},
		{"0 4 * * *", 8 * time.Hour, 8 * time.Hour, 0, 16 * time.Hour},
		{"0 4 * * *", 80 * time.Hour, 8 * time.Hour, 3, 16 * time.Hour},
		{"every 1d12h", 144 * time.Hour, 0, 4, 36 * time.Hour},
	} {
		s, err := parseSpec(c.spec, "UTC")
		if err != nil {
			t.Fatal(err)
		}
		last, before, next := s.runs(now.Add(-c.first), now)
		if now.Sub(last) != c.last || before != c.before || next.Sub(now) != c.nextFor {
			t.Errorf("%+v: the last is %s, %d before it, the next %s", c, last, before, next)
		}
	}
}

// TestRunsMissedForCenturies: a row with a time of long ago is handled quickly.
func TestRunsMissedForCenturies(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for text, count := range map[string]int{
		"every 1s":  63931204800,
		"* * * * *": countedMost + 31*24*60,
		"0 0 1 1 *": 2025,
	} {
		s, err := parseSpec(text, "UTC")
		if err != nil {
			t.Fatal(err)
		}
		last, before, next := s.runs(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), now)
		if last.After(now) || !s.next(last).Equal(next) || !next.After(now) || before < count-2 || before > count+2 {
			t.Errorf("%q: the last is %s, %d before it, the next %s", text, last, before, next)
		}
	}
}
