package work

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// words says for people when a schedule ticks. Forms that few use are left as cron has them.
func (s spec) words() string {
	if s.every > 0 {
		return everyInWords(s.every)
	}
	fields := strings.Fields(s.text)
	minute, hour, dom, month, dow := fields[0], fields[1], fields[2], fields[3], fields[4]
	asItIs := strings.Join(fields, " ") + " (" + s.zone.String() + ")"
	if month != "*" {
		return asItIs
	}
	if n, ok := strings.CutPrefix(minute, "*/"); hour == "*" && dom == "*" && dow == "*" && (ok || minute == "*") {
		each, err := strconv.Atoi(n)
		switch {
		case !ok:
			return "every minute"
		case err == nil && each > 0 && 60%each == 0:
			return everyInWords(time.Duration(each) * time.Minute)
		}
		return asItIs
	}
	m, err := strconv.Atoi(minute)
	if err != nil {
		return asItIs
	}
	if hour == "*" && dom == "*" && dow == "*" {
		return fmt.Sprintf("every hour at minute %d", m)
	}
	h, err := strconv.Atoi(hour)
	if err != nil {
		return asItIs
	}
	at := fmt.Sprintf("at %02d:%02d (%s)", h, m, s.zone)
	switch {
	case dom == "*" && dow == "*":
		return "every day " + at
	case dom == "*":
		if days, ok := daysInWords(dow); ok {
			return "every " + days + " " + at
		}
	case dow == "*":
		if day, err := strconv.Atoi(dom); err == nil {
			return fmt.Sprintf("on the %s of each month %s", ordinal(day), at)
		}
	}
	return asItIs
}

// everyInWords is "every 10 minutes": in the largest unit that leaves nothing over.
func everyInWords(d time.Duration) string {
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
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

// daysInWords reads the field of cron for days of the week: one, several, or the working days.
func daysInWords(dow string) (string, bool) {
	if dow == "1-5" || strings.EqualFold(dow, "mon-fri") {
		return "weekday", true
	}
	var names []string
	for field := range strings.SplitSeq(dow, ",") {
		day, ok := dayOfWeek(field)
		if !ok {
			return "", false
		}
		names = append(names, day.String())
	}
	last := len(names) - 1
	if last == 0 {
		return names[0], true
	}
	return strings.Join(names[:last], ", ") + " and " + names[last], true
}

func dayOfWeek(field string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if field == strconv.Itoa(int(day)) || strings.EqualFold(field, day.String()[:3]) {
			return day, true
		}
	}
	return 0, false
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
