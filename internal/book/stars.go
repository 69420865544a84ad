package book

import (
	"strconv"
	"strings"

	"github.com/backlist/backlist/internal/form"
)

// Stars is a rating in half stars, as stored: 1 to 10, so that 7 is 3½. 0 means not rated.
type Stars int

// None means not rated, as an empty form field does.
const None Stars = 0

// ParseStars parses the form field stars: "0.5" to "5" in steps of a half, with a point or a comma. Empty is None. For other
// values the error is a form.Invalid with a sentence for the reader.
func ParseStars(s string) (Stars, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return None, nil
	}
	whole, part, _ := strings.Cut(strings.Replace(s, ",", ".", 1), ".")
	if !digits(whole+part) || whole == "" || len(s) > 12 {
		return None, form.Invalid{"stars": "Stars are a number from 0.5 to 5, such as 3.5."}
	}
	n, err := strconv.Atoi(whole)
	if err != nil {
		return None, form.Invalid{"stars": "Stars are a number from 0.5 to 5, such as 3.5."}
	}
	part = strings.TrimRight(part, "0")
	switch {
	case n > 5 || n == 5 && part != "":
		return None, form.Invalid{"stars": "Five stars are the most that a book can have."}
	case n == 0 && part == "":
		return None, form.Invalid{"stars": "Half a star is the least. To take a rating back, remove it instead."}
	case part == "":
		return Stars(2 * n), nil
	case part == "5":
		return Stars(2*n + 1), nil
	default:
		return None, form.Invalid{"stars": "Stars come in halves: 2.5 or 3, but nothing in between."}
	}
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}
