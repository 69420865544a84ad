package listing

import (
	"regexp"
	"strings"
)

// series is the end of a title such as "(The Hunger Games, #1)", "(Discworld #0.5)" or "(Discworld, #1; Rincewind, #1)", of which the
// first counts.
var series = regexp.MustCompile(`^(.*\S)\s*\(([^()#;]*?),?\s*#([\d.\-–]{1,12})[^()]*\)$`)

// splitSeries separates a title from the series and the volume at its end.
func splitSeries(title string) (string, string, string) {
	m := series.FindStringSubmatch(title)
	if m == nil {
		return title, "", ""
	}
	name, volume := tidy(strings.TrimRight(m[2], ", ")), strings.Trim(strings.ReplaceAll(m[3], "–", "-"), ".-")
	if name == "" {
		return title, "", ""
	}
	return m[1], name, volume
}

// authors returns the names of a first author and a list of others, without repetition.
func authors(first string, others ...string) []string {
	var names []string
	seen := map[string]bool{}
	for _, name := range append([]string{first}, others...) {
		name = shorten(turned(tidy(name)), 200)
		if key := strings.ToLower(name); name != "" && !seen[key] && len(names) < maxAuthors {
			seen[key] = true
			names = append(names, name)
		}
	}
	return names
}

// maxAuthors is the number of authors of a book that are kept. Some exports list every contributor to a collection.
const maxAuthors = 8

// turned turns "Last, First" around. A name with more commas is left as it is.
func turned(name string) string {
	last, first, ok := strings.Cut(name, ",")
	if !ok || strings.Contains(first, ",") {
		return name
	}
	return tidy(first + " " + last)
}
