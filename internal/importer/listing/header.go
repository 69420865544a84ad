package listing

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Format is a kind of file.
type Format struct {
	Name  string
	title string   // the column with the title
	needs []string // columns without which a file has no books
	wants []string // columns whose absence the reader is told of
	marks []string // columns by which it is recognised
	read  func(c *cells) (Row, error)
}

// formats are the formats that are recognised by columns of their own, the most particular first.
var formats = []Format{backlist, storyGraph, libraryThing, goodreads}

// readHeader reads the names of the columns and recognises the format.
func (f *File) readHeader(r io.Reader) error {
	text := bufio.NewReaderSize(r, MaxRecord)
	first, err := text.Peek(MaxRecord)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return fmt.Errorf("read the file: %w", err)
	}
	line, _, ended := strings.Cut(string(first), "\n")
	if !ended && len(first) >= MaxRecord {
		return tooLong(1)
	}
	if strings.ContainsRune(line, 0) {
		return refuse("The file is not a text file. Export your books as CSV and upload that file.")
	}
	comma := separator(line)
	names := strings.Split(strings.TrimSuffix(line, "\r"), string(comma))
	quoted := comma != '\t' || !slices.Contains(normalised(names), "primary author")
	f.records = records(text, comma, quoted)
	header, _, err := f.records()
	if errors.Is(err, io.EOF) {
		return refuse("The file is empty.")
	}
	if err != nil {
		return err
	}
	for i, name := range header {
		header[i] = strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", ""), "\ufffd")
	}
	f.columns = normalised(header)
	return f.recognise(header)
}

// recognise finds the format of the file's columns.
func (f *File) recognise(header []string) error {
	has := func(name string) bool { return slices.Contains(f.columns, name) }
	f.Format = plain(f.columns)
	for _, format := range formats {
		if all(format.marks, has) {
			f.Format = format
			break
		}
	}
	var missing []string
	for _, name := range f.Format.needs {
		if !has(name) {
			missing = append(missing, quote(name))
		}
	}
	if len(missing) > 0 {
		return refuse("The first line of the file must name its columns, and %s missing. It names: %s.",
			list(missing)+plural(len(missing), " is", " are"), shorten(strings.Join(tidied(header), ", "), 200))
	}
	for i, name := range f.columns {
		if name == "" || !slices.Contains(f.columns[:i], name) {
			continue
		}
		if name == f.Format.title || slices.Contains(f.Format.needs, name) || slices.Contains(f.Format.wants, name) {
			return refuse("The column %s appears twice. Remove one and upload the file again.", quote(name))
		}
		f.columns[i] = "" // the first counts
	}
	missing = nil
	for _, name := range f.Format.wants {
		if !has(name) {
			missing = append(missing, quote(name))
		}
	}
	if len(missing) > 0 {
		f.Notes = append(f.Notes, fmt.Sprintf("The file has no %s %s, so %s not imported.", plural(len(missing), "column", "columns"), list(missing),
			plural(len(missing), "that part is", "those parts are")))
	}
	return nil
}

// separator returns the character that separates the columns: spreadsheets in many languages write semicolons.
func separator(line string) rune {
	best, most := ',', strings.Count(line, ",")
	for _, c := range ";\t" {
		if n := strings.Count(line, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// normalised returns the names in lower case without outer quotation marks and spaces.
func normalised(header []string) []string {
	names := make([]string, len(header))
	for i, name := range header {
		names[i] = strings.ToLower(tidy(strings.Trim(tidy(name), `"`)))
	}
	return names
}

func tidied(header []string) []string {
	var names []string
	for _, name := range header {
		if name = tidy(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func all(names []string, has func(string) bool) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !has(name) })
}
