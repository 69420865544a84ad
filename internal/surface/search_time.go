package surface

import (
	"regexp"
	"strconv"
	"time"

	"github.com/backlist/backlist/internal/work/schedule"
)

// Moment is a time in a search, as it was written: a duration before now, a time of the clock, a date or a time with a zone.
// The zero value is none.
type Moment struct{ text string }

// Ago is a moment before now.
func Ago(d time.Duration) Moment { return Moment{d.String()} }

// Instant is a moment that does not depend on now.
func Instant(t time.Time) Moment { return Moment{t.UTC().Format(time.RFC3339Nano)} }

// IsZero reports whether the moment is none.
func (m Moment) IsZero() bool { return m.text == "" }

func (m Moment) words() []string {
	if m.IsZero() {
		return nil
	}
	return []string{m.text}
}

func (m *Moment) set(key, text string) *SearchError {
	if !m.IsZero() && m.text != text {
		return &SearchError{Code: badValue, Sentence: "A search has one " + key + ".", Instead: key + ": once."}
	}
	if _, ok := (Moment{text}).at(time.Now(), false); !ok {
		return &SearchError{
			Code: badValue, Sentence: strconv.Quote(text) + " is not a time.",
			Instead: key + ":2h, " + key + ":3d, " + key + ":10:00, " + key + ":2026-11-20 or " + key + ":2026-11-20T10:00:00Z.",
		}
	}
	*m = Moment{text}
	return nil
}

// at returns the time; ok is false if the text is not a moment. A time of the clock is today's, or yesterday's if today's is
// yet to come. A date is its first moment, or its end if that is asked for.
func (m Moment) at(now time.Time, end bool) (at time.Time, ok bool) {
	if d, err := schedule.ParseInterval(m.text); err == nil {
		return now.Add(-d), d >= time.Millisecond
	}
	if t, err := time.Parse(time.RFC3339Nano, m.text); err == nil {
		return t, plausible(t)
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, m.text, now.Location()); err == nil {
			return t, plausible(t)
		}
	}
	if t, err := time.ParseInLocation("2006-01-02", m.text, now.Location()); err == nil {
		if end {
			t = t.AddDate(0, 0, 1)
		}
		return t, plausible(t)
	}
	if !m.isClock() {
		return now, false
	}
	hour, _ := strconv.Atoi(clock.FindStringSubmatch(m.text)[1])
	minute, _ := strconv.Atoi(clock.FindStringSubmatch(m.text)[2])
	at = time.Date(now.Year(), now.Month(), now.Day(), hour, minute, 0, 0, now.Location())
	if at.After(now) {
		at = at.AddDate(0, 0, -1)
	}
	return at, true
}

var clock = regexp.MustCompile(`^([01]?\d|2[0-3]):([0-5]\d)$`)

func (m Moment) isClock() bool { return clock.MatchString(m.text) }

func plausible(t time.Time) bool { return t.Year() >= 1970 && t.Year() < 10000 }

// At returns the filter with times that do not depend on now, in whose zone those without a zone are read. To find the same
// jobs later, store this filter.
func (f Filter) At(now time.Time) Filter {
	since, _ := f.Since.at(now, false)
	until, _ := f.Until.at(now, true)
	if f.Until.isClock() && !f.Since.IsZero() && until.Before(since) {
		until = until.AddDate(0, 0, 1)
	}
	if !f.Since.IsZero() {
		f.Since = Instant(since)
	}
	if !f.Until.IsZero() {
		f.Until = Instant(until)
	}
	return f
}
