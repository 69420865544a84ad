package schedule

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/backlist/backlist/internal/work/bound"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
	// longestInterval is about a century; a time.Duration holds three.
	longestInterval = 5200 * week
)

var weeksAndDays = regexp.MustCompile(`^(?:(\d+)w)?(?:(\d+)d)?(.*)$`)

// ParseInterval reads an interval as time.ParseDuration does, with optional weeks and days in front: 2w, 1d, 1d12h. A day has
// 24 hours. A sign is not allowed.
func ParseInterval(text string) (time.Duration, error) {
	bad := fmt.Errorf("the interval %s must be numbers and units up to 5200w, as in 90s, 10m, 36h, 1d or 2w", bound.Quote(text))
	parts := weeksAndDays.FindStringSubmatch(text)
	if parts == nil || text == "" {
		return 0, bad
	}
	var d time.Duration
	for i, unit := range []time.Duration{week, day} {
		if parts[i+1] == "" {
			continue
		}
		n, err := strconv.Atoi(parts[i+1])
		if err != nil || n > int(longestInterval/unit) {
			return 0, bad
		}
		d += time.Duration(n) * unit
	}
	if rest := parts[3]; rest != "" {
		if rest[0] == '-' || rest[0] == '+' {
			return 0, bad
		}
		more, err := time.ParseDuration(rest)
		if err != nil || more > longestInterval {
			return 0, bad
		}
		d += more
	}
	if d > longestInterval {
		return 0, bad
	}
	return d, nil
}
