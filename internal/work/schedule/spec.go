package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/backlist/backlist/internal/work/bound"
)

// spec says when a schedule runs: at fixed intervals, or at local wall-clock times.
type spec struct {
	text  string
	every time.Duration      // 0 for cron
	cron  *cron.SpecSchedule // its fields, read as if they were in UTC
	zone  *time.Location
}

// fault is an error in a column of a schedule's row. Its text says what to write instead.
type fault struct {
	column string
	cause  error
}

func (f *fault) Error() string { return f.cause.Error() }
func (f *fault) Unwrap() error { return f.cause }

// parseSpec parses "every 10m", or the five fields of cron in a time zone. Its errors are faults.
func parseSpec(text, zone string) (spec, error) {
	s := spec{text: text}
	var err error
	if s.zone, err = parseZone(zone); err != nil {
		return s, &fault{"zone", err}
	}
	if err := s.parse(); err != nil {
		return s, &fault{"spec", err}
	}
	return s, nil
}

// parseZone loads a time zone by its name, except zones that depend on the machine.
func parseZone(name string) (*time.Location, error) {
	switch name {
	case "":
		return nil, errors.New("the time zone has no name: write one as in UTC or Europe/Berlin")
	case "Local", "localtime", "posixrules":
		return nil, fmt.Errorf("the time zone %q differs from machine to machine: write one as in UTC or Europe/Berlin", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil { // it may name a path, and is not shown
		return nil, fmt.Errorf("the time zone %s is unknown: write one as in UTC or Europe/Berlin", bound.Quote(name))
	}
	return zone, nil
}

func (s *spec) parse() (err error) {
	if fields := strings.Fields(s.text); len(fields) > 0 && fields[0] == "every" {
		if s.every, err = ParseInterval(strings.Join(fields[1:], " ")); err != nil {
			return err
		}
		if s.every < time.Second || s.every%time.Second != 0 {
			return fmt.Errorf("the interval %s must be whole seconds, at least one", bound.Quote(s.text))
		}
		return nil
	}
	if s.cron, err = parseCron(s.text); err != nil {
		return fmt.Errorf("the fields of cron: %w", err)
	}
	if s.next(time.Now()).IsZero() {
		return fmt.Errorf("the fields of cron: %s names a day that never comes", bound.Quote(s.text))
	}
	return nil
}

// next returns the first run after t. Intervals are counted from the beginning of 1970 in UTC, a Thursday, so that all
// processes agree.
func (s spec) next(t time.Time) time.Time {
	switch {
	case s.every > 0:
		each := int64(s.every / time.Second)
		since := t.Unix() % each
		if since < 0 { // before 1970
			since += each
		}
		return time.Unix(t.Unix()-since+each, 0).UTC()
	case s.cron.Hour&cronStar != 0:
		return s.nextOfAnyHour(t)
	default:
		return s.nextOnTheWall(t)
	}
}

// nextOfAnyHour follows elapsed time: "*/10 * * * *" runs every ten minutes on a day of 23 or 25 hours too. It compares the
// fields with local time, separately for each period between two clock changes.
func (s spec) nextOfAnyHour(t time.Time) time.Time {
	for from, after := t, onTheWall(t, s.zone); ; {
		shown := s.cron.Next(after)
		if shown.IsZero() {
			return shown
		}
		at := from.Add(shown.Sub(onTheWall(from, s.zone)))
		_, change := from.In(s.zone).ZoneBounds()
		if change.IsZero() || at.Before(change) {
			return at.UTC()
		}
		from, after = change, onTheWall(change, s.zone).Add(-time.Second) // so that the moment of the change is included
	}
}

// nextOnTheWall follows the local wall clock. When clocks go back, a time that occurs twice counts only the first time. When
// they go forward, a time that does not occur runs at the change: 02:30 at 03:00.
func (s spec) nextOnTheWall(t time.Time) time.Time {
	for wall := onTheWall(t, s.zone); ; {
		wall = s.cron.Next(wall)
		if wall.IsZero() {
			return wall
		}
		if at := momentOf(wall, s.zone); at.After(t) {
			return at.UTC()
		}
	}
}

// onTheWall returns the local time of the zone at t, as if it were in UTC.
func onTheWall(t time.Time, zone *time.Location) time.Time {
	_, offset := t.In(zone).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// momentOf returns when the zone's clock first shows wall, or the moment of the clock change that skips it.
func momentOf(wall time.Time, zone *time.Location) time.Time {
	t := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	from, to := t.ZoneBounds()
	switch shown := onTheWall(t, zone); {
	case shown.After(wall):
		return from
	case shown.Before(wall):
		return to
	case from.IsZero():
		return t
	}
	_, before := from.Add(-1).Zone()
	_, now := t.Zone()
	if first := t.Add(-time.Duration(before-now) * time.Second); before > now && first.Before(from) {
		return first
	}
	return t
}

// countedMost is how many missed runs of cron are counted one by one: more than a month of minutes, because runs are recorded
// for a month. If there were more, counting continues with the last month.
const countedMost = 100_000

// runs returns, of the runs that are due at now and begin with first, the last one and the number before it, and then the next
// run. It is quick however long ago the first run was.
func (s spec) runs(first, now time.Time) (last time.Time, before int, next time.Time) {
	last, next = first, s.next(first)
	if s.every > 0 && !next.After(now) {
		each := int64(s.every / time.Second)
		skip := (now.Unix() - next.Unix()) / each // a time.Duration holds three centuries only
		last, before = time.Unix(next.Unix()+skip*each, 0).UTC(), int(skip)+1
		return last, before, s.next(last)
	}
	for !next.IsZero() && !next.After(now) {
		last, next = next, s.next(next)
		before++
		if before == countedMost {
			if recent := s.next(now.AddDate(0, -1, 0)); recent.After(next) && !recent.After(now) {
				next = recent
			}
		}
	}
	return last, before, next
}
