package listing

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// TestRefused: a file that is not a list of books, or too large a one, is refused with a sentence that says what it is.
func TestRefused(t *testing.T) {
	t.Parallel()
	const header = "title,author,rating\n"
	for name, c := range map[string]struct{ content, want string }{
		"empty":             {"", "is empty"},
		"blank":             {"\n \n", "is empty"},
		"PDF":               {"%PDF-1.7\n…", "is a PDF"},
		"ZIP":               {"PK\x03\x04abc", "a ZIP archive"},
		"image":             {"\x89PNG\r\n\x1a\n", "an image"},
		"photograph":        {"\xff\xd8\xff\xe0abc", "an image"},
		"web page":          {"<!DOCTYPE html><title>x</title>", "a web page"},
		"JSON":              {`{"books": []}`, "a JSON file"},
		"binary":            {"\x01\x02\x00\x03", "not a text file"},
		"NUL in the header": {strings.Repeat("é", 300) + "\x00,author\n", "not a text file"},
		"prose":             {"Dear Sir,\nI have read a book.\n", "must name its columns"},
		"one line":          {strings.Repeat("title,", 19<<20/6), "longer than 256 kB"},
		"a long row":        {header + strings.Repeat("a", 19<<20) + ",b,3\n", "line 2 is longer than 256 kB"},
		"a long open quote": {header + "a,b,3\n\"" + strings.Repeat("a,b,3\n", 100_000), "line 3 is longer than 256 kB"},
		"a long line of tabs": {
			"Title\tPrimary Author\tCollections\tISBN\tRating\tDate Read\n" + strings.Repeat("x", 1<<20), "longer than 256 kB",
		},
		"200,000 rows": {header + strings.Repeat("a,b,3\n", 200_000), "more than 50,000 rows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := readAll([]byte(c.content)); !refusedWith(err, c.want) {
				t.Errorf("got %v, want a refusal with %q", err, c.want)
			}
		})
	}
	if err := readAll([]byte(header + strings.Repeat("a,b,3\n", MaxRows))); err != nil {
		t.Errorf("as many rows as allowed: %v", err)
	}
}

func refusedWith(err error, part string) bool {
	sentence, ok := IsRefusal(err)
	return ok && strings.Contains(sentence, part)
}

// readAll reads the whole file. It returns nil if only rows are wrong.
func readAll(content []byte) error {
	f, err := Open(bytes.NewReader(content))
	if err != nil {
		return err
	}
	for {
		_, err := f.Next()
		if _, wrong := errors.AsType[*RowError](err); err == nil || wrong {
			continue
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
}
