package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// spelledOut is how many values of a field are named one by one.
const spelledOut = 6

// words says for people when a schedule runs. Rare forms are left as cron has them.
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

// isDaily reports whether it runs on each day.
func (s spec) isDaily() bool {
	return s.cron.Month&cronStar != 0 && s.cron.Dom&cronStar != 0 && len(valuesOf(s.cron.Dow)) == 7
}

// asWritten is a spec without words.
func asWritten(spec, zone string) string {
	return strings.Join(strings.Fields(spec), " ") + " (" + zone + ")"
}

// minutesInWords says at which minutes of each hour.
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

// everyNth are the minutes of an hour that a step divides.
func everyNth(step int) (list []int) {
	for m := 0; m < 60; m += step {
		list = append(list, m)
	}
	return list
}

// daysInWords says on which days: every day, of the week, or of the month.
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

// valuesOf are the values of a field, in order.
func valuesOf(bits uint64) (list []int) {
	for v := range 60 {
		if bits&(1<<v) != 0 {
			list = append(list, v)
		}
	}
	return list
}

// listed joins words as a sentence does.
func listed(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// everyInWords is "every 10 minutes": in the largest unit that leaves nothing over.
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
