package form_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/backlist/backlist/internal/form"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, typed, want, problem string }{
		{"plain", "Odo", "Odo", ""},
		{"outer and double spaces", "  Odo \t Quillfeather ", "Odo Quillfeather", ""},
		{"empty", "   ", "", "missing"},
		{"of maximal length", strings.Repeat("é", 80), strings.Repeat("é", 80), ""},
		{"too long", strings.Repeat("é", 81), strings.Repeat("é", 81), "at most 80 characters; this has 81"},
		{"NUL", "a\x00b", "ab", "cannot be stored"},
		{"invalid UTF-8", "a\xffb", "ab", "cannot be stored"},
		{"escape", "a\x1bb", "ab", "cannot be stored"},
		{"C1 control", "a\u009bb", "ab", "cannot be stored"},
		{"override", "a\u202eb", "ab", "cannot be stored"},
		{"right-to-left mark", "\u05d0\u200f", "\u05d0\u200f", ""},
		{"invisible", "\u200b\u2060", "\u200b\u2060", "missing"},
		{"line separator", "a\u2028b", "a b", ""},
		{"joined emoji", "\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := form.Invalid{}
			if got := v.Text("name", "Your name", c.typed, 1, 80); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if c.problem == "" && v.Err() != nil || !strings.Contains(v["name"], c.problem) {
				t.Errorf("the problem is %q, want %q", v["name"], c.problem)
			}
		})
	}
}

func FuzzText(f *testing.F) {
	f.Add("Odo")
	f.Add("\x00\xff")
	f.Fuzz(func(t *testing.T, typed string) {
		v := form.Invalid{}
		got := v.Text("name", "Your name", typed, 1, 80)
		if !form.Clean(got) {
			t.Errorf("%q gave %q, which cannot be stored", typed, got)
		}
		if v.Err() == nil && (got == "" || utf8.RuneCountInString(got) > 80) {
			t.Errorf("%q passed as %q", typed, got)
		}
	})
}
