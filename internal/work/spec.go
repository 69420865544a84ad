package work

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// spec says when a schedule ticks: at fixed intervals, or at times of a clock on somebody's wall.
type spec struct {
	text  string
	every time.Duration      // 0 for cron
	cron  *cron.SpecSchedule // its fields, read as if they were in UTC
	zone  *time.Location
}

// anyHour is set in a field of cron that is a star.
const anyHour = 1 << 63

// parseSpec reads "every 10m", or the five fields of cron in a time zone.
func parseSpec(text, zone string) (spec, error) {
	s := spec{text: text}
	var err error
	if zone == "" || zone == "Local" { // what time.LoadLocation would take for UTC, and for this machine's own
		return s, errors.New("the time zone has no name")
	}
	if s.zone, err = time.LoadLocation(zone); err != nil {
		return s, fmt.Errorf("the time zone: %w", err)
	}
	if interval, ok := strings.CutPrefix(text, "every "); ok {
		if s.every, err = time.ParseDuration(interval); err != nil {
			return s, fmt.Errorf("the interval: %w", err)
		}
		if s.every < time.Second || s.every%time.Second != 0 {
			return s, errors.New("the interval must be whole seconds, at least one")
		}
		return s, nil
	}
	if n := len(strings.Fields(text)); n != 5 {
		return s, fmt.Errorf(`want "every 10m" or the five fields of cron, but it has %d`, n)
	}
	parsed, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(text)
	if err != nil {
		return s, fmt.Errorf("the fields of cron: %w", err)
	}
	fields, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return s, fmt.Errorf("the fields of cron are a %T", parsed)
	}
	fields.Location = time.UTC
	s.cron = fields
	if s.next(time.Now()).IsZero() {
		return s, errors.New("the fields of cron name a day that never comes")
	}
	return s, nil
}

// next is the first tick after t. Intervals are counted from 1970 on, so that all processes agree.
func (s spec) next(t time.Time) time.Time {
	switch {
	case s.every > 0:
		each := int64(s.every / time.Second)
		return time.Unix((t.Unix()/each+1)*each, 0).UTC()
	case s.cron.Hour&anyHour != 0:
		return s.nextOfAnyHour(t)
	default:
		return s.nextOnTheWall(t)
	}
}

// nextOfAnyHour follows the time as it passes: "*/10 * * * *" ticks every ten minutes on a day of 23 or 25 hours as well. The
// fields are compared with the wall's clock, from one change of it to the next.
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
		from, after = change, onTheWall(change, s.zone).Add(-time.Second) // that very moment included
	}
}

// nextOnTheWall follows the clock on the wall. When the clocks are put back, a time that it shows twice counts the first
// time only. When they are put forward, what it leaps over happens at the leap: 02:30 at 03:00.
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

// onTheWall is what a clock in the zone shows at t, as if it were in UTC.
func onTheWall(t time.Time, zone *time.Location) time.Time {
	_, offset := t.In(zone).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// momentOf is when a clock in the zone first shows what wall says, or the moment at which it leaps over that.
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

// ticks are those that are due at now, from a first one on: the last of them, how many there are before it, and the one
// after.
func (s spec) ticks(first, now time.Time) (last time.Time, before int, next time.Time) {
	last, next = first, s.next(first)
	if s.every > 0 && !next.After(now) {
		skip := int64(now.Sub(next) / s.every)
		last, next, before = next.Add(time.Duration(skip)*s.every), next.Add(time.Duration(skip+1)*s.every), int(skip)+1
	}
	for !next.IsZero() && !next.After(now) {
		last, next = next, s.next(next)
		before++
	}
	return last, before, next
}
