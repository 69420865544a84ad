package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// spelledOut is the number of values of a field up to which they are named one by one.
const spelledOut = 6

// words describes for people when a schedule runs. It returns rare forms as they are written in cron.
func (s spec) words() string {
	if s.every > 0 {
		return everyInWords(s.every)
	}
	days, ok := s.daysInWords()
	if !ok {
		return asWritten(s.text, s.zone.String())
	}
	minutes, hours := valuesOf(s.cron.Minute), valuesOf(s.cron.Hour)
	if s.cron.Hour&cronStar != 0 {
		if every, ok := minutesInWords(minutes); ok && s.isDaily() {
			return every
		}
		return asWritten(s.text, s.zone.String())
	}
	if len(minutes) > 1 || len(hours) > spelledOut {
		return asWritten(s.text, s.zone.String())
	}
	var times []string
	for _, h := range hours {
		times = append(times, fmt.Sprintf("%02d:%02d", h, minutes[0]))
	}
	return fmt.Sprintf("%s at %s (%s)", days, listed(times), s.zone)
}

// isDaily reports whether the schedule runs every day.
func (s spec) isDaily() bool {
	return s.cron.Month&cronStar != 0 && s.cron.Dom&cronStar != 0 && len(valuesOf(s.cron.Dow)) == 7
}

// asWritten returns a spec as it is written, with its zone.
func asWritten(spec, zone string) string {
	return strings.Join(strings.Fields(spec), " ") + " (" + zone + ")"
}

// minutesInWords describes at which minutes of each hour a schedule runs.
func minutesInWords(minutes []int) (string, bool) {
	if step := 60 / len(minutes); len(minutes) > 1 && slices.Equal(minutes, everyNth(step)) {
		return everyInWords(time.Duration(step) * time.Minute), true
	}
	if len(minutes) > spelledOut {
		return "", false
	}
	var names []string
	for _, m := range minutes {
		names = append(names, strconv.Itoa(m))
	}
	if len(minutes) == 1 {
		return "every hour at minute " + names[0], true
	}
	return "every hour at minutes " + listed(names), true
}

// everyNth returns the minutes of an hour that step divides.
func everyNth(step int) (list []int) {
	for m := 0; m < 60; m += step {
		list = append(list, m)
	}
	return list
}

// daysInWords describes on which days a schedule runs: every day, days of the week, or days of the month.
func (s spec) daysInWords() (string, bool) {
	switch {
	case s.isDaily():
		return "every day", true
	case s.cron.Month&cronStar == 0:
		return "", false
	case s.cron.Dom&cronStar != 0:
		return weekInWords(valuesOf(s.cron.Dow)), true
	case s.cron.Dow&cronStar != 0:
		return monthInWords(valuesOf(s.cron.Dom))
	}
	return "", false
}

// weekInWords names days of the week, from Monday on.
func weekInWords(days []int) string {
	if slices.Equal(days, []int{1, 2, 3, 4, 5}) {
		return "every weekday"
	}
	if days[0] == 0 {
		days = append(days[1:], 0)
	}
	var names []string
	for _, d := range days {
		names = append(names, time.Weekday(d).String())
	}
	return "every " + listed(names)
}

func monthInWords(days []int) (string, bool) {
	if len(days) > spelledOut {
		return "", false
	}
	var names []string
	for _, d := range days {
		names = append(names, ordinal(d))
	}
	words := "on the " + listed(names) + " of each month"
	if last := days[len(days)-1]; last > 28 {
		words += " that has it"
	}
	return words, true
}

// valuesOf returns the values of a field, in order.
func valuesOf(bits uint64) (list []int) {
	for v := range 60 {
		if bits&(1<<v) != 0 {
			list = append(list, v)
		}
	}
	return list
}

// listed joins words as in a sentence.
func listed(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// everyInWords returns "every 10 minutes", in the largest unit that divides d.
func everyInWords(d time.Duration) string {
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"week", week}, {"day", day}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if d == unit.of {
			return "every " + unit.name
		}
		if d%unit.of == 0 {
			return fmt.Sprintf("every %d %ss", d/unit.of, unit.name)
		}
	}
	if d == time.Second {
		return "every second"
	}
	return fmt.Sprintf("every %d seconds", d/time.Second)
}

func ordinal(n int) string {
	suffix := "th"
	switch {
	case n%100/10 == 1: // 11th to 13th
	case n%10 == 1:
		suffix = "st"
	case n%10 == 2:
		suffix = "nd"
	case n%10 == 3:
		suffix = "rd"
	}
	return strconv.Itoa(n) + suffix
}
