package listing

import "strings"

// goodreads has 24 columns, or 31 in files before 2022; other tools append some.
var goodreads = Format{
	Name: "Goodreads", title: "title",
	marks: []string{"title", "author", "my rating"},
	needs: []string{"title", "author", "my rating"},
	wants: []string{"isbn", "isbn13", "exclusive shelf", "date read", "date added"},
	read: func(c *cells) (Row, error) {
		row, err := c.book()
		if err != nil {
			return row, err
		}
		row.Authors = authors(c.get("author", "author l-f"), strings.Split(c.values["additional authors"], ",")...)
		row.ISBN = c.isbn("isbn13", "isbn")
		row.Goodreads = c.goodreads("book id")
		row.Year = c.year("original publication year", "year published")
		c.leftOut("my review", "private notes")
		return row, c.opinion(&row, c.values["my rating"], c.get("exclusive shelf"), c.date("date read"), c.date("date added"))
	},
}

// goodreads returns Goodreads's number of an edition, or "" if the cell has something else.
func (c *cells) goodreads(column string) string {
	id := c.get(column)
	if len(id) > 12 || strings.Trim(id, "0123456789") != "" {
		return ""
	}
	return id
}
