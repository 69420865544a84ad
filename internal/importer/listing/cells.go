package listing

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/backlist/backlist/internal/fold"
)

// cells are the cells of a row by the names of their columns.
type cells struct {
	line   int
	title  string
	values map[string]string
	notes  []string
}

// clean refuses what Postgres cannot store and no book needs, and replaces damaged characters.
func (c *cells) clean() error {
	for name, value := range c.values {
		if strings.ContainsRune(value, 0) {
			return c.fail("The column %s contains a zero byte.", quote(name))
		}
		if !utf8.ValidString(value) {
			c.values[name] = strings.ToValidUTF8(value, "\ufffd")
		}
	}
	c.title = strings.ToValidUTF8(c.title, "\ufffd")
	return nil
}

// get returns the first of the columns that is not empty, with its white space tidied.
func (c *cells) get(names ...string) string {
	for _, name := range names {
		if value := tidy(c.values[name]); value != "" {
			return value
		}
	}
	return ""
}

func (c *cells) fail(format string, args ...any) error {
	title := strings.ReplaceAll(strings.ToValidUTF8(c.title, "\ufffd"), "\x00", "")
	return &RowError{Line: c.line, Title: shorten(title, 200), Reason: fmt.Sprintf(format, args...)}
}

// wrongWidth fails a row with another number of cells than columns. A cell with several lines suggests why.
func (c *cells) wrongWidth(fields []string, columns int) error {
	more := 0
	for _, field := range fields {
		more += strings.Count(field, "\n")
	}
	why := ""
	if more > 0 {
		why = fmt.Sprintf(" Perhaps a quotation mark is not closed: lines %d to %d were read as one row.", c.line, c.line+more)
	}
	return c.fail("The row has %s, but the first line names %d.%s", count(len(fields), "column"), columns, why)
}

// note says that a part of the row is left out.
func (c *cells) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

// maxTitle is the longest title, in characters. The search indexes whole titles of up to 1000 bytes.
const maxTitle = 300

// book reads what other sites' formats have in common: the title with its series.
func (c *cells) book() (Row, error) {
	title, series, volume := splitSeries(c.title)
	return Row{Title: title, Series: shorten(series, 200), Volume: shorten(volume, 20)}, c.checkTitle(title)
}

func (c *cells) checkTitle(title string) error {
	if n := utf8.RuneCountInString(title); n > maxTitle {
		return c.fail("The title has %d characters; %d are the limit.", n, maxTitle)
	}
	if fold.String(title) == "" {
		return c.fail("The title has neither letters nor digits.")
	}
	return nil
}

// date returns the first of the columns that is not empty as a time; zero if there is none or it is not a date.
func (c *cells) date(names ...string) time.Time {
	for _, name := range names {
		value := strings.Trim(tidy(c.values[name]), "[]")
		if value == "" {
			continue
		}
		t, ok := parseDate(value)
		if !ok {
			c.note("The date “%s” was left out.", shorten(value, 40))
			continue
		}
		return t
	}
	return time.Time{}
}

// year returns the first of the columns that is not empty as a year.
func (c *cells) year(names ...string) int {
	for _, name := range names {
		value := tidy(c.values[name])
		if value == "" || value == "0" {
			continue
		}
		if y, ok := parseYear(value); ok {
			return y
		}
		c.note("The year “%s” was left out.", shorten(value, 40))
	}
	return 0
}

// isbn returns the first valid ISBN of the columns. Junk is noted where the column has nothing but ISBNs.
func (c *cells) isbn(names ...string) string {
	for _, name := range names {
		value := unwrap(c.values[name])
		if value == "" {
			continue
		}
		if isbn, ok := parseISBN(value); ok {
			return isbn
		}
		if scientific(value) {
			c.note("The ISBN “%s” has lost its digits in a spreadsheet, so it was left out.", shorten(value, 40))
		} else {
			c.note("The ISBN “%s” is not valid, so it was left out.", shorten(value, 40))
		}
	}
	return ""
}

// tidy trims s and replaces each run of white space in it by one space.
func tidy(s string) string { return strings.Join(strings.FieldsFunc(s, space), " ") }

func space(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || unicode.IsControl(r) && r != 0 }

// shorten cuts s to at most n characters.
func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
