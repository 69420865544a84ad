package schedule

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// FuzzSpec: parsing any text ends; the runs of a valid spec come later and later; and in a zone without clock changes it runs in
// exactly the minutes that a slow match of the fields finds, which shares no code with the parser.
func FuzzSpec(f *testing.F) {
	for _, text := range []string{
		"every 10m", "every 1d12h", "every 2w", "every 1s", "every 5200w", "every 0.5h", "every -1d", "every",
		"* * * * *", "*/7 * * * *", "0 4 * * 7", "0 4 * * 5-7", "0 4 * * sat-sun", "0 4 * * 1-7/2", "30 2 1-7 * MON", "0 0 29 2 *",
		"0 0 */2 */3 *", "59 23 31 12 ?", "5/15 8-18/2 ? jan-jun,dec 0,7", "0 4 L * *", "*/61 * * * *", "@daily", "0 0 0 * * *", "1,,2 * * * *",
		"* * * * sun-sun", "0 22-6 * * *", "0 0 30 2 1", "-1 * * * *", "1-2-3 4/5/6 * * *", "* * * * 7/1", "٣ * * * *", "\x00",
	} {
		for i := range uint8(len(fuzzZones)) {
			f.Add(text, int64(1_795_694_400+86_400*int64(i)), i) // 2026-11-26
		}
	}
	f.Fuzz(func(t *testing.T, text string, unix int64, zone uint8) {
		const years = 200 * 366 * 24 * 3600 // from 1970; beyond them day 29 February is missing for eight years
		at := time.Unix(unix%years, 0).UTC()
		s, err := parseSpec(text, fuzzZones[int(zone)%len(fuzzZones)])
		if err != nil {
			if err.Error() == "" || strings.Contains(err.Error(), "strconv") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if s.words() == "" {
			t.Errorf("%q has no words", text)
		}
		for from, n := at, 0; n < 5; n++ {
			next := s.next(from)
			if next.IsZero() { // too far away
				return
			}
			if !next.After(from) {
				t.Fatalf("%q: after %s comes %s", text, from, next)
			}
			from = next
		}
		if s.every == 0 && zone%4 < 2 {
			agreesWithMinutes(t, s, text, at)
		}
	})
}

var fuzzZones = []string{"UTC", "Etc/GMT-5", "Europe/Berlin", "Pacific/Apia"}

// agreesWithMinutes compares the runs of two days with all their minutes.
func agreesWithMinutes(t *testing.T, s spec, text string, at time.Time) {
	t.Helper()
	at = at.Truncate(time.Minute)
	fields := strings.Fields(strings.ToLower(text))
	for end, next := at.Add(48*time.Hour), s.next(at); at.Before(end); {
		at = at.Add(time.Minute)
		shown := at.In(s.zone)
		want := slowMatch(fields[0], shown.Minute(), 0, 59, nil) && slowMatch(fields[1], shown.Hour(), 0, 23, nil) &&
			slowMatch(fields[3], int(shown.Month()), 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}) &&
			slowDay(fields[2], fields[4], shown)
		if want != next.Equal(at) {
			t.Fatalf("%q: %s runs: %v; the next run is %s", text, shown, want, next)
		}
		if want {
			next = s.next(at)
		}
	}
}

func slowDay(dom, dow string, at time.Time) bool {
	weekday := int(at.Weekday())
	days := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	ofWeek := slowMatch(dow, weekday, 0, 6, days) || weekday == 0 && slowMatch(dow, 7, 0, 6, days)
	ofMonth := slowMatch(dom, at.Day(), 1, 31, nil)
	if isStar := func(field string) bool {
		return slices.ContainsFunc(strings.Split(field, ","), func(item string) bool {
			star, step, _ := strings.Cut(item, "/")
			n, _ := strconv.Atoi(step)
			return (star == "*" || star == "?") && n <= 1
		})
	}; isStar(dom) || isStar(dow) {
		return ofWeek && ofMonth
	}
	return ofWeek || ofMonth
}

// slowMatch reports whether a valid field contains a value. last is the end of "*", and of a value with a step.
func slowMatch(field string, value, first, last int, names []string) bool {
	number := func(text string) int {
		if i := slices.Index(names, text); i >= 0 {
			return first + i
		}
		n, _ := strconv.Atoi(text)
		return n
	}
	for _, item := range strings.Split(field, ",") {
		span, step, stepped := strings.Cut(item, "/")
		by := 1
		if stepped {
			by = number(step)
		}
		low, high, ranged := strings.Cut(span, "-")
		from, to := first, last
		if low != "*" && low != "?" {
			from = number(low)
			switch {
			case ranged && high == "sun" && from > 0:
				to = 7
			case ranged:
				to = number(high)
			case !stepped:
				to = from
			default:
				to = max(from, last)
			}
		}
		for v := from; v <= to; v += by {
			if v == value {
				return true
			}
		}
	}
	return false
}
