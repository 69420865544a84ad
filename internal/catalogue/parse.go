package catalogue

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var slugForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// lineError is an error in one line of a file, counted from 1. The caller adds the file's name in front.
type lineError struct {
	line int
	msg  string
}

func (e *lineError) Error() string { return fmt.Sprintf("%d: %s", e.line, e.msg) }

func wrong(line int, format string, args ...any) error {
	return &lineError{line: line, msg: fmt.Sprintf(format, args...)}
}

// eachLine calls do for every line except comments (# in the first column). It rejects characters that an editor hides:
// tabs and other control characters, invalid UTF-8, trailing spaces.
func eachLine(text string, do func(line int, s string) error) error {
	n := 0
	for s := range strings.SplitSeq(text, "\n") {
		n++
		switch {
		case !utf8.ValidString(s):
			return wrong(n, "not valid UTF-8")
		case strings.ContainsFunc(s, unicode.IsControl):
			return wrong(n, "control character")
		case strings.TrimRightFunc(s, unicode.IsSpace) != s:
			return wrong(n, "space at the end of the line")
		case strings.HasPrefix(s, "#"):
			continue
		}
		if err := do(n, s); err != nil {
			return err
		}
	}
	return nil
}

// fields splits "a | b | c" into fields that must not be empty or have outer spaces.
func fields(line int, s string, want int) ([]string, error) {
	f := strings.Split(s, " | ")
	if len(f) != want {
		return nil, wrong(line, "%d fields, want %d", len(f), want)
	}
	for _, v := range f {
		if v == "" || strings.TrimSpace(v) != v {
			return nil, wrong(line, "field %q is empty or has outer spaces", v)
		}
	}
	if !slugForm.MatchString(f[0]) {
		return nil, wrong(line, "%q is not a key", f[0])
	}
	return f, nil
}

// parseSubjects reads lines "key | name".
func parseSubjects(text string) ([]Subject, error) {
	var out []Subject
	err := eachLine(text, func(n int, s string) error {
		if s == "" {
			return nil
		}
		f, err := fields(n, s, 2)
		if err != nil {
			return err
		}
		out = append(out, Subject{Slug: f[0], Name: f[1]})
		return nil
	})
	return out, err
}

// parseAuthors reads lines "key | name | name for sorting | born | died". A question mark means an uncertain year.
func parseAuthors(text string) ([]Author, error) {
	var out []Author
	err := eachLine(text, func(n int, s string) error {
		if s == "" {
			return nil
		}
		f, err := fields(n, s, 5)
		if err != nil {
			return err
		}
		a := Author{Slug: f[0], Name: f[1], SortName: f[2]}
		if f[3] != "?" {
			if a.Born, err = parseYear(n, f[3]); err != nil {
				return err
			}
		}
		if f[4] != "?" {
			if a.Died, err = parseYear(n, f[4]); err != nil {
				return err
			}
		}
		out = append(out, a)
		return nil
	})
	return out, err
}

// bookKeys are the lines that a block may have, in this order, so that there is only one way to write a book.
var bookKeys = []string{"title", "original", "by", "year", "posthumous", "subjects", "series", "volume", "about"}

// parseBooks reads blocks separated by empty lines: the book's key, then indented lines " name: value".
func parseBooks(text string) ([]Book, error) {
	var (
		out  []Book
		b    *Book
		next int // index in bookKeys of the first name still allowed
	)
	end := func(n int) error {
		if b == nil {
			return nil
		}
		if b.Title == "" || len(b.Authors) == 0 || len(b.Subjects) == 0 || b.About == "" {
			return wrong(n, "%s lacks title, by, subjects or about", b.Slug)
		}
		if b.Volume != "" && b.Series == "" {
			return wrong(n, "%s has a volume but no series", b.Slug)
		}
		out, b = append(out, *b), nil
		return nil
	}
	last := 0
	err := eachLine(text, func(n int, s string) error {
		last = n
		line, indented := strings.CutPrefix(s, "  ")
		switch {
		case s == "":
			return end(n)
		case !indented && b != nil:
			return wrong(n, "want an empty line before the next book, or two spaces")
		case !indented && !slugForm.MatchString(s):
			return wrong(n, "%q is not a key", s)
		case !indented:
			b, next = &Book{Slug: s}, 0
			return nil
		case b == nil:
			return wrong(n, "this line does not belong to a book")
		}
		name, value, ok := strings.Cut(line, ": ")
		at := slices.Index(bookKeys, name)
		switch {
		case !ok || at < 0:
			return wrong(n, "want one of %s, a colon, a space and a value", strings.Join(bookKeys, ", "))
		case at < next:
			return wrong(n, "%s appears twice or out of order", name)
		case value == "" || strings.TrimSpace(value) != value:
			return wrong(n, "the value has outer spaces")
		}
		next = at + 1
		return b.set(n, name, value)
	})
	if err != nil {
		return nil, err
	}
	return out, end(last)
}

func (b *Book) set(n int, name, value string) (err error) {
	switch name {
	case "title":
		b.Title = value
	case "original":
		b.OriginalTitle = value
	case "by":
		b.Authors, err = parseSlugs(n, value)
	case "year":
		value, b.Circa = strings.CutPrefix(value, "about ")
		b.Year, err = parseYear(n, value)
	case "posthumous":
		if value != "yes" {
			return wrong(n, "posthumous is yes or left out")
		}
		b.Posthumous = true
	case "subjects":
		b.Subjects, err = parseSlugs(n, value)
	case "series":
		b.Series = value
	case "volume":
		b.Volume = value
	case "about":
		b.About = value
	}
	return err
}

func parseSlugs(n int, s string) ([]string, error) {
	list := strings.Split(s, " ")
	for i, v := range list {
		if !slugForm.MatchString(v) {
			return nil, wrong(n, "%q is not a key", v)
		}
		if slices.Contains(list[:i], v) {
			return nil, wrong(n, "%s appears twice", v)
		}
	}
	return list, nil
}

// parseYear accepts a year as people write it, so neither +1813 nor 01813, nor the year 0, which did not exist.
func parseYear(n int, s string) (int, error) {
	y, err := strconv.Atoi(s)
	if err != nil || y == 0 || y < -4000 || y > 2100 || strconv.Itoa(y) != s {
		return 0, wrong(n, "%q is not a year", s)
	}
	return y, nil
}
