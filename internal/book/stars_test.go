package book_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/form"
)

func TestParseStars(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]book.Stars{
		"": 0, " ": 0, "0.5": 1, "1": 2, "1.0": 2, "1.5": 3, "2,5": 5, "4": 8, "4.0": 8, "4.50": 9, " 5 ": 10, "5.0": 10, "05": 10, "5.": 10,
	} {
		if got, err := book.ParseStars(s); err != nil || got != want {
			t.Errorf("ParseStars(%q) = %d, %v; want %d", s, got, err, want)
		}
	}
	for s, want := range map[string]string{
		"0": "remove", "0.0": "remove", "5.5": "most", "6": "most", "10": "most", "2.7": "halves", "0.25": "halves", "4.51": "halves",
		"five": "number", "-1": "number", "+3": "number", "1e0": "number", "1.2.3": "number", "1,5,0": "number", ".5": "number", ".": "number",
		"½": "number", "٣": "number", "0x1": "number", "\x00": "number", "\xff": "number", "NaN": "number", "99999999999999999999": "number",
		strings.Repeat("1", 10_000): "number",
	} {
		got, err := book.ParseStars(s)
		invalid, ok := errors.AsType[form.Invalid](err)
		if !ok || !strings.Contains(invalid["stars"], want) || got != book.None {
			t.Errorf("ParseStars(%.20q) = %d, %v; want a sentence with %q", s, got, err, want)
		}
	}
}

func FuzzParseStars(f *testing.F) {
	for _, s := range []string{"", "0", "0.5", "5.5", "2.7", "4,5", "five", "\x00", "5.000000000000", "1e9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		stars, err := book.ParseStars(s)
		if err != nil {
			if _, ok := errors.AsType[form.Invalid](err); !ok || stars != book.None {
				t.Fatalf("ParseStars(%q) = %d, %v", s, stars, err)
			}
			return
		}
		if stars < 0 || stars > 10 {
			t.Fatalf("ParseStars(%q) = %d", s, stars)
		}
		if stars == book.None {
			return
		}
		written := strconv.FormatFloat(float64(stars)/2, 'f', -1, 64)
		if again, err := book.ParseStars(written); err != nil || again != stars {
			t.Fatalf("%q is %d, written %q, read as %d, %v", s, stars, written, again, err)
		}
	})
}
