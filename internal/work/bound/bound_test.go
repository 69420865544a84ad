package bound

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 50_000)
	for _, c := range []struct{ name, text, want string }{
		{"short", "no such book", "no such book"},
		{"as long as allowed", strings.Repeat("x", 100), strings.Repeat("x", 100)},
		{"NUL", "a\x00b", "a\ufffdb"},
		{"not UTF-8", "a\xffb", "a\ufffdb"},
		{"long", strings.Repeat("x", 101), strings.Repeat("x", 77) + " … (101 bytes in all)"},
		{"long, and cut within a character", long, strings.Repeat("ä", 37) + " … (100000 bytes in all)"},
	} {
		got := Text(c.text, 100)
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if len(got) > 100 || !utf8.ValidString(got) {
			t.Errorf("%s: %d bytes, valid UTF-8: %t", c.name, len(got), utf8.ValidString(got))
		}
	}
}
