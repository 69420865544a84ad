package listing

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// records returns a function that returns the fields of each record and the line where it begins. LibraryThing separates fields
// by tabs and quotes none, so that a quotation mark in it is part of a title.
func records(text *bufio.Reader, comma rune, quoted bool) func() ([]string, int, error) {
	if !quoted {
		return unquoted(text, string(comma))
	}
	r := csv.NewReader(text)
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = comma, -1, true
	return func() ([]string, int, error) {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil, 0, io.EOF
		}
		if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, 0, refuse("The file cannot be read from line %d on: %v.", wrong.StartLine, wrong.Err)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("read the file: %w", err)
		}
		line, _ := r.FieldPos(0)
		size := 0
		for _, field := range fields {
			size += len(field)
		}
		if size > MaxRecord {
			return nil, 0, tooLong(line)
		}
		return fields, line, nil
	}
}

// tooLong refuses a record, which is longer than any book needs. A quotation mark that is not closed makes the rest of the file
// one field.
func tooLong(line int) error {
	return refuse("The row that begins in line %d is longer than %d kB. Perhaps a quotation mark in it is not closed. Nothing was imported.",
		line, MaxRecord>>10)
}

func unquoted(text *bufio.Reader, separator string) func() ([]string, int, error) {
	lines, n := bufio.NewScanner(text), 0
	lines.Buffer(nil, MaxRecord)
	return func() ([]string, int, error) {
		for lines.Scan() {
			n++
			if line := strings.TrimSuffix(lines.Text(), "\r"); line != "" {
				return strings.Split(line, separator), n, nil
			}
		}
		switch err := lines.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			return nil, 0, tooLong(n + 1)
		case err != nil:
			return nil, 0, fmt.Errorf("read the file: %w", err)
		}
		return nil, 0, io.EOF
	}
}
