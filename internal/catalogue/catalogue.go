// Package catalogue holds Backlist's own list of well-known books, most of them first published by 1929.
//
// We wrote the list ourselves, as plain facts, one block of text per book under data/books. It is embedded in the
// binary. The package does not use the database: a caller loads the list and stores it under its stable keys (slugs).
package catalogue

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed data
var data embed.FS

// Author is the author of a book, or the name to which an old work is ascribed.
type Author struct {
	Slug     string // stable key: "jane-austen"
	Name     string // as on a title page: "Jane Austen"
	SortName string // as in an index: "Austen, Jane"
	Born     int    // year, negative before our era; 0: not known for certain
	Died     int    // like Born
}

// Book is one work, not an edition of it.
type Book struct {
	Slug          string // stable key: "pride-and-prejudice"
	Title         string
	OriginalTitle string   // in its own script; empty if it is the same or not known for certain
	Authors       []string // slugs, the main author first, never empty
	// Year is the year that is commonly given for the first publication: of the first volume if volumes appeared over
	// years, of writing or first performance for old works and plays. Negative before our era; 0: unknown.
	Year       int
	Circa      bool     // Year is approximate
	Posthumous bool     // first published after the main author's death
	Subjects   []string // slugs, two to five
	Series     string   // "Sherlock Holmes", or empty
	Volume     string   // number in the series as readers usually count, or empty
	About      string   // one sentence of ours
}

// Subject is a term of the small vocabulary by which books are compared.
type Subject struct {
	Slug string // "love"
	Name string // "Love and marriage"
}

// Catalogue is the whole list: books sorted by year and key (unknown years first), authors and subjects by key.
type Catalogue struct {
	Authors  []Author
	Books    []Book
	Subjects []Subject
}

// Load reads the embedded catalogue. It fails only if the text in this package is wrong; the error names the line.
func Load() (*Catalogue, error) {
	text, err := fs.Sub(data, "data")
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return read(text)
}

// read parses authors.txt, subjects.txt and books/*.txt (in the order of their names) and checks that every key is
// unique and that every reference has a target.
func read(text fs.FS) (*Catalogue, error) {
	var c Catalogue
	if err := readFile(text, "subjects.txt", &c.Subjects, parseSubjects); err != nil {
		return nil, err
	}
	if err := readFile(text, "authors.txt", &c.Authors, parseAuthors); err != nil {
		return nil, err
	}
	names, err := fs.Glob(text, "books/*.txt")
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	for _, name := range names {
		if err := readFile(text, name, &c.Books, parseBooks); err != nil {
			return nil, err
		}
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return &c, nil
}

func readFile[T any](text fs.FS, name string, into *[]T, parse func(string) ([]T, error)) error {
	raw, err := fs.ReadFile(text, name)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	parsed, err := parse(string(raw))
	if err != nil {
		return fmt.Errorf("catalogue: %s:%w", name, err)
	}
	*into = append(*into, parsed...)
	return nil
}

func (c *Catalogue) check() error {
	authors := make(map[string]bool, len(c.Authors))
	for _, a := range c.Authors {
		if authors[a.Slug] {
			return fmt.Errorf("author %s appears twice", a.Slug)
		}
		authors[a.Slug] = true
	}
	subjects := make(map[string]bool, len(c.Subjects))
	for _, s := range c.Subjects {
		if subjects[s.Slug] {
			return fmt.Errorf("subject %s appears twice", s.Slug)
		}
		subjects[s.Slug] = true
	}
	books := make(map[string]bool, len(c.Books))
	for _, b := range c.Books {
		if books[b.Slug] {
			return fmt.Errorf("book %s appears twice", b.Slug)
		}
		books[b.Slug] = true
		for _, a := range b.Authors {
			if !authors[a] {
				return fmt.Errorf("book %s: unknown author %s", b.Slug, a)
			}
		}
		for _, s := range b.Subjects {
			if !subjects[s] {
				return fmt.Errorf("book %s: unknown subject %s", b.Slug, s)
			}
		}
	}
	return nil
}
