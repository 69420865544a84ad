package listing

import (
	"slices"
	"strings"
)

var libraryThing = Format{
	Name: "LibraryThing", title: "title",
	marks: []string{"title", "primary author", "collections"},
	needs: []string{"title", "primary author"},
	wants: []string{"isbn", "rating", "date read"},
	read: func(c *cells) (Row, error) {
		row, err := c.book()
		if err != nil {
			return row, err
		}
		row.Authors = authors(c.get("primary author"), strings.Split(c.values["secondary author"], "|")...)
		if row.ISBN, _ = parseISBN(unwrap(c.values["isbn"])); row.ISBN == "" {
			for isbn := range strings.SplitSeq(c.values["isbns"], ",") {
				if row.ISBN, _ = parseISBN(unwrap(isbn)); row.ISBN != "" {
					break
				}
			}
		}
		finished, added := c.date("date read"), c.date("entry date", "acquired")
		collections := strings.Split(strings.ToLower(c.values["collections"]), ",")
		for i, name := range collections {
			collections[i] = tidy(name)
		}
		shelf := ""
		switch in := func(name string) bool { return slices.Contains(collections, name) }; {
		case in("currently reading"):
			shelf = reading
		case !finished.IsZero() || in("read but unowned"):
			shelf = read
		case in("to read") || in("wishlist"):
			shelf = toRead
		case strings.Trim(c.get("rating"), "0.") != "":
			shelf = read
		}
		c.leftOut("review", "private comment")
		return row, c.opinion(&row, c.values["rating"], shelf, finished, added)
	},
}
