package ui

import (
	"fmt"
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		Count(1, "book", "books"): "1 book", Count(1204, "book", "books"): "1,204 books",
		Thousands(-1234567): "-1,234,567", Thousands(0): "0", Thousands(-123): "-123",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestPager(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		current, last int
		want          string
	}{
		{1, 1, "1"}, {1, 2, "1 2"}, {4, 17, "1 … 3 4 5 … 17"}, {17, 17, "1 … 16 17"}, {3, 4, "1 2 3 4"},
	} {
		var out []string
		for _, s := range NewPager(tc.current, tc.last, func(n int) string { return fmt.Sprint(n) }).Steps {
			if s.Gap {
				out = append(out, "…")
			} else {
				out = append(out, s.URL)
			}
		}
		if got := strings.Join(out, " "); got != tc.want {
			t.Errorf("page %d of %d: %s, want %s", tc.current, tc.last, got, tc.want)
		}
	}
}
