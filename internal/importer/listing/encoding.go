package listing

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// magic are the beginnings of files that people upload by mistake, with what they are.
var magic = []struct{ prefix, what string }{
	{"%PDF-", "a PDF"},
	{"PK\x03\x04", "a ZIP archive or a spreadsheet"},
	{"PK\x05\x06", "a ZIP archive"},
	{"\x89PNG", "an image"},
	{"\xff\xd8\xff", "an image"},
	{"GIF8", "an image"},
	{"RIFF", "an image or a sound"},
	{"\x1f\x8b", "a compressed file"},
	{"\xd0\xcf\x11\xe0", "an old spreadsheet"},
	{"SQLite format 3\x00", "a database"},
	{"<!DOCTYPE", "a web page"},
	{"<html", "a web page"},
	{"{", "a JSON file"},
}

// decoded returns the text of a file as UTF-8, and a sentence if it was in another encoding.
func decoded(r io.ReadSeeker) (io.Reader, string, error) {
	var head [512]byte
	n, err := io.ReadFull(r, head[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, "", fmt.Errorf("read the file: %w", err)
	}
	begin := head[:n]
	if len(bytes.TrimSpace(begin)) == 0 && n < len(head) {
		return nil, "", refuse("The file is empty.")
	}
	for _, m := range magic {
		if bytes.HasPrefix(begin, []byte(m.prefix)) {
			return nil, "", refuse("The file is %s, not a list of books. Export your books as CSV and upload that file.", m.what)
		}
	}
	if endian, wide := utf16(begin); wide {
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return nil, "", fmt.Errorf("rewind the file: %w", err)
		}
		return transform.NewReader(r, unicode.UTF16(endian, unicode.UseBOM).NewDecoder()), "The file was in UTF-16 and has been converted.", nil
	}
	if bytes.IndexByte(begin, 0) >= 0 {
		return nil, "", refuse("The file is not a text file. Export your books as CSV and upload that file.")
	}
	latin, err := isLatin(r)
	if err != nil {
		return nil, "", err
	}
	if latin {
		return charmap.Windows1252.NewDecoder().Reader(r), "The file was not in UTF-8. It was read as Latin-1; check a title with an accent.", nil
	}
	text := bufio.NewReader(r)
	if bom, err := text.Peek(3); err == nil && string(bom) == "\ufeff" {
		_, _ = text.Discard(3) // they were just peeked
	}
	return text, "", nil
}

// utf16 reports whether a file that begins like this is in UTF-16, with or without a byte order mark.
func utf16(begin []byte) (unicode.Endianness, bool) {
	switch {
	case bytes.HasPrefix(begin, []byte{0xff, 0xfe}):
		return unicode.LittleEndian, true
	case bytes.HasPrefix(begin, []byte{0xfe, 0xff}):
		return unicode.BigEndian, true
	}
	var zeros [2]int
	for i, b := range begin {
		if b == 0 {
			zeros[i%2]++
		}
	}
	// The names of columns are in ASCII, so every second byte is zero.
	most := len(begin) / 2 * 3 / 4
	switch {
	case most > 4 && zeros[1] >= most && zeros[0] == 0:
		return unicode.LittleEndian, true
	case most > 4 && zeros[0] >= most && zeros[1] == 0:
		return unicode.BigEndian, true
	}
	return unicode.LittleEndian, false
}

// isLatin reports whether most of the characters beyond ASCII are invalid in UTF-8, and rewinds the file. A file in UTF-8 with a
// damaged character remains one.
func isLatin(r io.ReadSeeker) (bool, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return false, fmt.Errorf("rewind the file: %w", err)
	}
	text := bufio.NewReaderSize(r, 64<<10)
	valid, invalid := 0, 0
	for {
		c, size, err := text.ReadRune()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, fmt.Errorf("read the file: %w", err)
		}
		switch {
		case c == utf8.RuneError && size == 1:
			invalid++
		case c >= utf8.RuneSelf && c != '\ufeff':
			valid++
		}
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return false, fmt.Errorf("rewind the file: %w", err)
	}
	return invalid > valid, nil
}
