package console

import (
	"math"
	"strconv"
	"time"

	"github.com/backlist/backlist/views/ui"
)

// split returns a duration as a number and its unit, with about three digits.
func split(d time.Duration) (number, unit string) {
	abs := d.Abs()
	switch {
	case abs == 0:
		return "0", "s"
	case abs < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10), "µs"
	case abs < time.Second:
		return digits(float64(d) / float64(time.Millisecond)), "ms"
	case abs < time.Minute:
		return digits(d.Seconds()), "s"
	case abs < time.Hour:
		return digits(d.Minutes()), "min"
	case abs < 48*time.Hour:
		return digits(d.Hours()), "h"
	}
	return digits(d.Hours() / 24), "d"
}

// digits writes a number with at most one decimal below 100.
func digits(x float64) string {
	if math.Abs(x) >= 100 || x == math.Trunc(x) {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'f', 1, 64)
}

// ago writes how long ago a time was, or how far ahead it is, as in "12 s ago"
// and "in 3 min".
func ago(t, now time.Time) string {
	d := now.Sub(t)
	if d > -time.Second && d < time.Second {
		return "now"
	}
	number, unit := split(d.Abs().Truncate(time.Second))
	if d < 0 {
		return "in " + number + " " + unit
	}
	return number + " " + unit + " ago"
}

// elapsed writes the time since t, as in 12 s.
func elapsed(t, now time.Time) string {
	number, unit := split(max(now.Sub(t), 0).Truncate(time.Second))
	return number + " " + unit
}

// exact writes a time in full, for a title.
func exact(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000 UTC") }

// count writes a number with thin spaces between thousands.
func count(n int64) string { return ui.Thousands(int(n)) }

// percent writes a share from 0 to 1; a small one that is not 0 is not shown as 0.
func percent(share float64) string {
	p := share * 100
	switch {
	case p > 0 && p < 0.1:
		return "<0.1"
	case p > 99.9 && p < 100:
		return ">99.9"
	}
	return digits(p)
}

// bytes writes a number of bytes as a number and its unit.
func bytes(n int64) (number, unit string) {
	const mebi = 1 << 20
	if n < mebi {
		return digits(float64(n) / 1024), "KiB"
	}
	return digits(float64(n) / mebi), "MiB"
}
