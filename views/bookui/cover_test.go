package bookui

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

func TestFit(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		want []string
	}{
		{"Emma", []string{"Emma"}},
		{"One Hundred Years of Solitude", []string{"One", "Hundred", "Years of", "Solitude"}},
		{"Slaughterhouse-Five", []string{"Slaughterhouse-", "Five"}},
		{"", nil},
	} {
		b := fit(tc.text, 122, 110, 34, 13)
		if strings.Join(b.lines, "|") != strings.Join(tc.want, "|") {
			t.Errorf("%q has the lines %q at %v", tc.text, b.lines, b.size)
		}
	}
}

// FuzzFit: text never exceeds its room on a cover.
func FuzzFit(f *testing.F) {
	for _, s := range []string{"Emma", "戦争と平和", "a-b--c-", strings.Repeat("Donaudampfschiff", 9), strings.Repeat("of the ", 60), "\xff\x00", "é́́"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b := fit(text, 122, 110, 34, 13)
		if b.height() > 110 {
			t.Errorf("%q is %v high", text, b.height())
		}
		for _, line := range b.lines {
			if w := measure(line) * b.size; w > 122+b.size {
				t.Errorf("%q has the line %q, %v wide", text, line, w)
			}
		}
	})
}

func TestCoverIsSteadyAndVaried(t *testing.T) {
	t.Parallel()
	kinds := map[int]int{}
	for n := range 700 {
		kind, d := Cover{Title: "Emma", Variant: n - 10}.plan()
		again, _ := Cover{Title: "Emma", Variant: n - 10}.plan()
		if kind != again || d.ground == "" {
			t.Fatalf("variant %d: %d, then %d", n-10, kind, again)
		}
		kinds[kind]++
	}
	for kind := range familyCount {
		if kinds[kind] < 50 {
			t.Errorf("design %d is drawn %d times of 700", kind, kinds[kind])
		}
	}
}

func TestCoverIsWellFormed(t *testing.T) {
	t.Parallel()
	for n := range 60 {
		var b bytes.Buffer
		if err := (Cover{Title: `<"Tom & Jerry">`, Author: "A & B", Year: "750 BC", Variant: n}).Draw().Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		dec := xml.NewDecoder(&b)
		for {
			if _, err := dec.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("variant %d: %v", n, err)
			}
		}
	}
}

// TestPaletteContrast: every palette is legible, which WCAG defines as 4.5 to 1 for small print.
func TestPaletteContrast(t *testing.T) {
	t.Parallel()
	for i, p := range palettes {
		for _, pair := range [][2]string{{p.ground, p.text}, {p.paper, p.ink}} {
			if c := contrast(pair[0], pair[1]); c < 4.5 {
				t.Errorf("palette %d: %s on %s is %.2f", i, pair[1], pair[0], c)
			}
		}
	}
}
