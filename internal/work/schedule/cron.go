package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/backlist/backlist/internal/work/bound"
)

// cronField describes one of the five fields of cron.
type cronField struct {
	name     string
	min, max int
	names    []string // of the values from min on, in upper or lower case
	anyDay   bool     // "?" means "*", as in Quartz
}

// The fields of cron as in cronie: 7 is Sunday too, and so is "sun" at the end of a range.
var (
	cronMinute     = cronField{name: "minute", min: 0, max: 59}
	cronHour       = cronField{name: "hour", min: 0, max: 23}
	cronDayOfMonth = cronField{name: "day of month", min: 1, max: 31, anyDay: true}
	cronMonth      = cronField{
		name: "month", min: 1, max: 12,
		names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"},
	}
	cronDayOfWeek = cronField{name: "day of week", min: 0, max: 6, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, anyDay: true}
)

// cronStar is set in the bits of a field that is "*" and so restricts nothing.
const cronStar = 1 << 63

// cronMacros are refused; the values are what to write instead.
var cronMacros = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// parseCron reads the five fields. If both days are restricted, either is enough, as in other crons; a step is a restriction.
func parseCron(text string) (*cron.SpecSchedule, error) {
	fields := strings.Fields(text)
	switch n := len(fields); {
	case n > 0 && cronMacros[strings.ToLower(fields[0])] != "":
		return nil, fmt.Errorf("%s is not supported: write %q", bound.Quote(fields[0]), cronMacros[strings.ToLower(fields[0])])
	case n > 0 && strings.Contains(fields[0], "TZ="):
		return nil, errors.New("a time zone does not belong in the spec: write it in the column zone")
	case n == 6:
		return nil, errors.New(`want five fields, minute hour day month weekday, but there are 6: for seconds write an interval, as in "every 10s"`)
	case n != 5:
		return nil, fmt.Errorf(`want "every 10m" or five fields, minute hour day month weekday, but there are %d`, n)
	}
	s := &cron.SpecSchedule{Second: 1, Location: time.UTC}
	for i, f := range []struct {
		cronField
		bits *uint64
	}{
		{cronMinute, &s.Minute},
		{cronHour, &s.Hour},
		{cronDayOfMonth, &s.Dom},
		{cronMonth, &s.Month},
		{cronDayOfWeek, &s.Dow},
	} {
		var err error
		if *f.bits, err = f.parse(fields[i]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// parse reads a list of values, ranges and steps into a bit for each value.
func (f cronField) parse(text string) (bits uint64, err error) {
	for item := range strings.SplitSeq(text, ",") {
		if item == "" {
			return 0, fmt.Errorf("the %s %s has an empty part", f.name, bound.Quote(text))
		}
		base, stepText, stepped := strings.Cut(item, "/")
		from, to, err := f.span(base, stepped)
		if err != nil {
			return 0, err
		}
		step := 1
		if stepped {
			// A larger step would match the first value only, and was probably meant for another field.
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > to-from+1 {
				return 0, fmt.Errorf("the %s %s must have a step of 1 to %d", f.name, bound.Quote(item), to-from+1)
			}
		}
		if f.isStar(base) && step == 1 {
			bits |= cronStar
		}
		for v := from; v <= to; v += step {
			bits |= 1 << f.fold(v)
		}
	}
	return bits, nil
}

// span reads "*", a value or a range. A value with a step is a range to the end.
func (f cronField) span(base string, stepped bool) (from, to int, err error) {
	if f.isStar(base) {
		return f.min, f.max, nil
	}
	low, high, isRange := strings.Cut(base, "-")
	if from, err = f.value(low); err != nil {
		return 0, 0, err
	}
	switch {
	case !isRange && stepped:
		return from, max(from, f.max), nil
	case !isRange:
		return from, from, nil
	}
	if to, err = f.value(high); err != nil {
		return 0, 0, err
	}
	if f.isWeek() && to == 0 && from > 0 && strings.EqualFold(high, f.names[0]) { // sat-sun
		to = 7
	}
	if from > to {
		return 0, 0, fmt.Errorf("the %s %s runs backwards: split it in two, as in %s", f.name, bound.Quote(base), f.split(low, high, to))
	}
	return from, to, nil
}

func (f cronField) isStar(text string) bool { return text == "*" || f.anyDay && text == "?" }

func (f cronField) isWeek() bool { return f.max == 6 }

// fold turns 7, which is Sunday too, into 0.
func (f cronField) fold(v int) int {
	if f.isWeek() {
		return v % 7
	}
	return v
}

func (f cronField) value(text string) (int, error) {
	if i := slices.IndexFunc(f.names, func(name string) bool { return strings.EqualFold(name, text) }); i >= 0 {
		return f.min + i, nil
	}
	last, orNames := f.max, ""
	if f.isWeek() {
		last = 7
	}
	if len(f.names) > 0 {
		orNames = ", or " + f.names[0] + " to " + f.names[len(f.names)-1]
	}
	n, err := strconv.ParseUint(text, 10, 8)
	if v := int(n); err == nil && v >= f.min && v <= last {
		return v, nil
	}
	return 0, fmt.Errorf("the %s %s must be %d to %d%s", f.name, bound.Quote(text), f.min, last, orNames)
}

// split returns how to write a range that passes the end of the field.
func (f cronField) split(low, high string, to int) string {
	switch {
	case f.isWeek() && to == 0:
		return low + "-7"
	case f.isWeek():
		return low + "-7,1-" + high
	}
	return fmt.Sprintf("%s-%d,%d-%s", low, f.max, f.min, high)
}
