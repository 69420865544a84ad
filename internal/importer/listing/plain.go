package listing

import (
	"slices"
	"strings"
)

// The names that columns have in files of no known site.
var (
	titleNames    = []string{"title", "book title", "book", "name"}
	authorNames   = []string{"author", "authors", "author(s)", "by", "writer", "author_text"}
	ratingNames   = []string{"rating", "my rating", "stars", "star rating", "score"}
	shelfNamed    = []string{"shelf", "exclusive shelf", "bookshelf", "status", "read status", "state"}
	isbnNames     = []string{"isbn13", "isbn_13", "isbn-13", "isbn", "isbn10", "isbn_10", "isbn-10"}
	finishedNames = []string{"finished", "date finished", "finish_date", "date read", "read at", "finished at", "last date read"}
	addedNames    = []string{"added", "date added", "date_added", "created", "added at"}
	yearNames     = []string{"original publication year", "first published", "year", "year published", "publication year"}
)

// plain returns the format of a file of no known site, by the names of its columns.
func plain(columns []string) Format {
	pick := func(names []string) string {
		for _, name := range names {
			if slices.Contains(columns, name) {
				return name
			}
		}
		return names[0]
	}
	title, author := pick(titleNames), pick(authorNames)
	needs := []string{title, author}
	rated, shelved := slices.Contains(columns, pick(ratingNames)), slices.Contains(columns, pick(shelfNamed))
	if !rated && !shelved {
		needs = append(needs, ratingNames[0])
	}
	return Format{Name: "CSV", title: title, needs: needs, read: func(c *cells) (Row, error) {
		row, err := c.book()
		if err != nil {
			return row, err
		}
		row.Authors = authors("", separated(c.values[author])...)
		row.ISBN = c.isbn(isbnNames...)
		row.Year = c.year(yearNames...)
		if name := c.get("series"); name != "" {
			row.Series, row.Volume = shorten(name, 200), shorten(c.get("volume", "series index", "number"), 20)
		}
		finished, added := c.date(finishedNames...), c.date(addedNames...)
		shelf := c.get(shelfNamed...)
		if shelf == "" && !finished.IsZero() {
			shelf = read
		}
		return row, c.opinion(&row, c.get(ratingNames...), shelf, finished, added)
	}}
}

// separated splits a cell with one or more authors: at semicolons, or else at commas, unless the comma turns a single name around.
func separated(s string) []string {
	if strings.Contains(s, ";") {
		return strings.Split(s, ";")
	}
	if last, first, ok := strings.Cut(s, ","); ok && !strings.Contains(first, ",") && (!strings.Contains(tidy(last), " ") || !strings.Contains(tidy(first), " ")) {
		return []string{s}
	}
	return strings.Split(s, ",")
}
