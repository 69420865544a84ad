package lab

import (
	"fmt"
	"strconv"
)

// Milliseconds writes a duration in the unit that suits it: 0.4 ms, 23 ms, 1.30 s.
func Milliseconds(ms float64) string {
	switch {
	case ms < 10:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	case ms < 1000:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	}
	return fmt.Sprintf("%.2f s", ms/1000)
}

// Ratio writes how many times as much something is.
func Ratio(r float64) string {
	if r < 10 {
		return strconv.FormatFloat(r, 'f', 1, 64) + " ×"
	}
	return strconv.FormatFloat(r, 'f', 0, 64) + " ×"
}
