package book

import (
	"strconv"
	"strings"

	"github.com/backlist/backlist/internal/form"
)

// Stars is a rating in half stars, as it is stored: 1 to 10, 7 is 3½. 0 is no rating.
type Stars int

// None is no rating: what an empty form field means.
const None Stars = 0

// ParseStars reads the form field stars: "0.5" to "5" in steps of a half, with a point or a comma; empty is None.
// Anything else is a form.Invalid that says in a sentence what is wrong.
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
