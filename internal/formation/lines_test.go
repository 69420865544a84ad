package formation

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	t.Parallel()
	var got []string
	l := &lines{each: func(line string) { got = append(got, line) }}
	long := strings.Repeat("x", lineLimit)
	for _, part := range []string{"one\ntw", "o\n\nthr", "ee\n" + long, long + "yz\n" + long + "\nend"} {
		if n, err := fmt.Fprint(l, part); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	l.end()
	if want := []string{"one", "two", "", "three", long, long, "yz", long, "end"}; !slices.Equal(got, want) {
		t.Errorf("%d lines: %.40q", len(got), got)
	}
}
