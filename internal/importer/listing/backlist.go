package listing

import "strings"

// Columns are the columns of this site's own export, in their order.
var Columns = []string{
	"Backlist Title", "Authors", "Series", "Volume", "First Published", "ISBN", "Goodreads", "Stars", "Rated At", "Shelf", "Shelved At",
}

// backlist is this site's own export, from which an import loses nothing.
var backlist = Format{
	Name: "Backlist", title: "backlist title",
	marks: []string{"backlist title"},
	needs: normalised(Columns),
	read: func(c *cells) (Row, error) {
		row := Row{
			Title: neutral(c.title), Series: shorten(neutral(c.get("series")), 200), Volume: shorten(neutral(c.get("volume")), 20), ISBN: c.isbn("isbn"),
			Goodreads: c.goodreads("goodreads"), Year: c.year("first published"),
		}
		if err := c.checkTitle(row.Title); err != nil {
			return row, err
		}
		for name := range strings.SplitSeq(c.values["authors"], ";") {
			if name = shorten(neutral(tidy(name)), 200); name != "" && len(row.Authors) < maxAuthors {
				row.Authors = append(row.Authors, name)
			}
		}
		if err := c.opinion(&row, c.values["stars"], c.get("shelf"), c.date("rated at"), c.date("shelved at")); err != nil {
			return row, err
		}
		row.ShelvedAt = c.date("shelved at")
		return row, nil
	},
}

// Neutral returns s so that a spreadsheet shows it as text instead of computing it: an apostrophe precedes a cell that begins
// like a formula, and one that begins with an apostrophe.
func Neutral(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r'", rune(s[0])) {
		return "'" + s
	}
	return s
}

// neutral undoes Neutral.
func neutral(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && Neutral(rest) != rest {
		return rest
	}
	return s
}
