// Package listing reads the files in which reading sites export a reader's books. It recognises the format by the names of the
// columns, never by their order, and turns each row into a Row or into an error that names the line and the reason. It uses
// neither the database nor the network.
package listing

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// The limits of a file. Pages state them before an upload, and errors after it.
const (
	MaxBytes  = 20 << 20
	MaxRows   = 50_000
	MaxRecord = 256 << 10 // bytes of one row
)

// Row is a row of a file: a book, and what the reader says about it.
type Row struct {
	Line      int // in the file, where the row begins
	Title     string
	Series    string
	Volume    string   // "3", "0.5", "1-3"
	Authors   []string // as on a title page, the first named first; none if unknown
	ISBN      string   // 13 digits; empty if there is no valid one
	Goodreads string   // Goodreads's number of the edition
	Year      int      // of first publication, negative before our era; 0: unknown
	Stars     int      // in half stars, 1 to 10; 0: not rated
	Shelf     string   // to-read, reading, read; empty: on no shelf that this site has
	RatedAt   time.Time
	ShelvedAt time.Time // zero: unknown
	Notes     []string  // sentences about what of the row is left out
}

// RowError is a row that cannot be imported. The rows after it can be read.
type RowError struct {
	Line   int
	Title  string // as far as it could be read
	Reason string // a sentence for the reader
}

func (e *RowError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// Refusal is a file that cannot be imported at all. Its text is a sentence or two for the reader.
type Refusal struct{ Sentence string }

func (e *Refusal) Error() string { return e.Sentence }

func refuse(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// File is an opened file.
type File struct {
	Format  Format
	Notes   []string // sentences about the file as a whole
	columns []string // the normalised names, by position
	records func() ([]string, int, error)
	rows    int
}

// Open reads the beginning of a file and recognises its encoding and format. The error is a Refusal if the file is not a list
// of books.
func Open(r io.ReadSeeker) (*File, error) {
	text, note, err := decoded(r)
	if err != nil {
		return nil, err
	}
	f := &File{}
	if note != "" {
		f.Notes = append(f.Notes, note)
	}
	if err := f.readHeader(text); err != nil {
		return nil, err
	}
	return f, nil
}

// Next returns the next row. The error is a RowError if only this row is wrong, a Refusal if the rest of the file cannot be
// read, and io.EOF at the end.
func (f *File) Next() (Row, error) {
	fields, line, err := f.records()
	if err != nil {
		return Row{}, err
	}
	if f.rows++; f.rows > MaxRows {
		return Row{}, refuse("The file has more than %s rows, which is the limit. Split it into several files.", thousands(MaxRows))
	}
	c := cells{line: line, values: map[string]string{}}
	for i, name := range f.columns {
		if i < len(fields) && name != "" {
			c.values[name] = fields[i]
		}
	}
	c.title = tidy(c.values[f.Format.title])
	if len(fields) != len(f.columns) {
		return Row{}, c.wrongWidth(fields, len(f.columns))
	}
	if err := c.clean(); err != nil {
		return Row{}, err
	}
	if c.title == "" {
		return Row{}, c.fail("The row has no title.")
	}
	row, err := f.Format.read(&c)
	if err != nil {
		return Row{}, err
	}
	row.Line, row.Notes = line, c.notes
	return row, nil
}

// IsRefusal reports whether err refuses a file, and with which sentence.
func IsRefusal(err error) (string, bool) {
	r, ok := errors.AsType[*Refusal](err)
	if !ok {
		return "", false
	}
	return r.Sentence, true
}
