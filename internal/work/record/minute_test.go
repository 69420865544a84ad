package record

import (
	"testing"
	"time"
)

func TestHistogramBounds(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]int{
		-time.Second: 1, 0: 1, 999 * time.Microsecond: 1,
		time.Millisecond: 2, 2*time.Millisecond - 1: 2, 2 * time.Millisecond: 3, 4 * time.Millisecond: 4,
		time.Second: 11, 1024 * time.Millisecond: 12, time.Minute: 17,
		1<<24*time.Millisecond - 1: 25, 1 << 24 * time.Millisecond: 26, 1000 * time.Hour: 26,
	} {
		var h histogram
		h.add(d)
		for i, n := range h {
			if (n == 1) != (i+1 == want) {
				t.Errorf("%s is counted in element %d: %d, want element %d", d, i+1, n, want)
			}
		}
	}
}
