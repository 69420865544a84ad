package listing

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzOpen: any file is refused or read to its end, and what is read fits the database.
func FuzzOpen(f *testing.F) {
	files, err := filepath.Glob("testdata/*.[ct]sv")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := Open(bytes.NewReader(content))
		if err != nil {
			if sentence, ok := IsRefusal(err); !ok || !utf8.ValidString(sentence) {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		for n := 0; ; n++ {
			row, err := file.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if wrong, ok := errors.AsType[*RowError](err); ok {
				if !storable(wrong.Title) || !storable(wrong.Reason) || wrong.Reason == "" {
					t.Fatalf("%+v", wrong)
				}
				continue
			}
			if _, refused := IsRefusal(err); refused {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			check(t, row)
			if n > len(content) {
				t.Fatal("more rows than bytes")
			}
		}
	})
}

func check(t *testing.T, row Row) {
	t.Helper()
	texts := slices.Concat([]string{row.Title, row.Series, row.Volume, row.ISBN, row.Goodreads}, row.Authors, row.Notes)
	for _, text := range texts {
		if !storable(text) {
			t.Fatalf("%q cannot be stored", text)
		}
	}
	known := slices.Contains([]string{"", toRead, reading, read}, row.Shelf)
	if n := utf8.RuneCountInString(row.Title); n == 0 || n > maxTitle || row.Stars < 0 || row.Stars > 10 || !known || row.Line < 2 {
		t.Fatalf("%+v", row)
	}
	if row.ISBN != "" && (len(row.ISBN) != 13 || check13(row.ISBN) != row.ISBN[12]) {
		t.Fatalf("ISBN %q", row.ISBN)
	}
	for _, at := range []time.Time{row.RatedAt, row.ShelvedAt} {
		if y := at.Year(); !at.IsZero() && (y < 1849 || y > 2101) {
			t.Fatalf("a time in the year %d", y)
		}
	}
}

func storable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// FuzzNeutral: a neutral cell does not begin a formula, and gives back its text.
func FuzzNeutral(f *testing.F) {
	for _, s := range []string{"", "=1+1", "'=1", "+1", "-x", "@a", "'", "''", "'Twas", "plain"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		cell := Neutral(s)
		if got := neutral(cell); got != s {
			t.Errorf("%q became %q and then %q", s, cell, got)
		}
		if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
			t.Errorf("%q begins a formula", cell)
		}
	})
}

// FuzzISBN: both forms of a valid ISBN are the same book.
func FuzzISBN(f *testing.F) {
	for _, s := range []string{"0439023483", "978-0-439-02348-1", "080442957x", "439023483", "9.78E+12"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		isbn, ok := parseISBN(s)
		if !ok {
			return
		}
		if again, ok := parseISBN(isbn); !ok || again != isbn {
			t.Errorf("%q: %q, then %q", s, isbn, again)
		}
		if old := ISBN10(isbn); old != "" {
			if again, ok := parseISBN(old); !ok || again != isbn {
				t.Errorf("%q: %q as %q is %q", s, isbn, old, again)
			}
		}
	})
}
