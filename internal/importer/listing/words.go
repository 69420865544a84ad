package listing

import (
	"strconv"
	"strings"
)

// quote returns the name of a column as sentences show it.
func quote(name string) string { return "“" + shorten(name, 60) + "”" }

// list joins names for a sentence: "a, b and c".
func list(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

func count(n int, noun string) string { return strconv.Itoa(n) + " " + noun + plural(n, "", "s") }

func thousands(n int) string {
	s := strconv.Itoa(n)
	if len(s) > 3 {
		return s[:len(s)-3] + "," + s[len(s)-3:]
	}
	return s
}
