package surface

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Suggestion completes a search at the cursor.
type Suggestion struct {
	Text string // the line with the suggestion in it
	At   int    // where the cursor is then, in bytes
	Word string // what is completed, as in kind:deliver_mail
	Help string
}

// mostSuggested is the most suggestions for a line.
const mostSuggested = 12

// Suggest returns completions of the word before the cursor, which is counted in bytes: keys, and values from small tables.
// Those that start with what is typed come first.
func Suggest(ctx context.Context, db DB, line string, cursor int) ([]Suggestion, error) {
	if cursor < 0 || cursor > len(line) || checkLine(line) != nil {
		return nil, nil
	}
	start := wordStart(line[:cursor])
	key, typed, isValue := strings.Cut(line[start:cursor], ":")
	if !isValue {
		return inLine(line, start, cursor, suggestKeys(key)), nil
	}
	if i := strings.LastIndexByte(typed, ','); i >= 0 && !strings.HasPrefix(typed[i+1:], " ") {
		start, typed = start+len(key)+1+i+1, typed[i+1:]
	} else {
		start += len(key) + 1
	}
	values, err := suggestValues(ctx, db, key, strings.Trim(typed, `"`))
	return inLine(line, start, cursor, values), err
}

// wordStart returns where the last word of text begins: after a space outside of quotes.
func wordStart(text string) (start int) {
	inQuotes := false
	for i := range len(text) {
		switch {
		case text[i] == '"' && (i == 0 || text[i-1] != '\\'):
			inQuotes = !inQuotes
		case isSpace(rune(text[i])) && !inQuotes:
			start = i + 1
		}
	}
	return start
}

// inLine puts each word into the line, in place of what is typed.
func inLine(line string, start, cursor int, list []Suggestion) []Suggestion {
	for i, s := range list {
		list[i].Text = line[:start] + s.Word + line[cursor:]
		list[i].At = start + len(s.Word)
	}
	return list
}

func suggestKeys(typed string) (list []Suggestion) {
	for _, prefix := range []bool{true, false} {
		for _, k := range Keys() {
			if starts := strings.HasPrefix(k.Name, strings.ToLower(typed)); starts == prefix && (starts || strings.Contains(k.Name, strings.ToLower(typed))) {
				word := k.Name + ":"
				if k.Name == "args" {
					word = "args."
				}
				list = append(list, Suggestion{Word: word, Help: k.Help + ", as in " + k.Example})
			}
		}
	}
	return list[:min(mostSuggested, len(list))]
}

// sources are SELECTs of a value and a help text, each from a small table, by key. $1 is what is typed, in lower case.
func sources() map[string]string {
	return map[string]string{
		"kind":    "select name as value, '' as help from jobs.name where what = 'kind'",
		"queue":   "select name as value, '' as help from jobs.name where what = 'queue'",
		"worker":  "select w.process as value, 'release ' || coalesce(w.release, '?') as help from jobs.worker w where w.alive union select w.worker, w.process || ', ' || w.status from jobs.worker w",
		"release": "select release as value, '' as help from jobs.release",
		"error":   "select e.fingerprint as value, e.message as help from jobs.error e",
	}
}

func suggestValues(ctx context.Context, db DB, key, typed string) (list []Suggestion, err error) {
	typed = strings.ToLower(typed)
	i := slices.IndexFunc(Keys(), func(k Key) bool { return k.Name == key })
	if i >= 0 && Keys()[i].Values != nil {
		for _, prefix := range []bool{true, false} {
			for _, v := range Keys()[i].Values {
				if starts := strings.HasPrefix(v, typed); starts == prefix && (starts || strings.Contains(v, typed)) {
					list = append(list, Suggestion{Word: v})
				}
			}
		}
		return list[:min(mostSuggested, len(list))], nil
	}
	source := sources()[key]
	if source == "" {
		return nil, nil
	}
	rows, err := db.Query(ctx, fmt.Sprintf(`select value, help from (%s) s
		where strpos(lower(value), $1) > 0 or strpos(lower(help), $1) > 0
		order by starts_with(lower(value), $1) desc, value limit %d`, source, mostSuggested), typed)
	if err != nil {
		return nil, refused(err, true)
	}
	var value, help string
	_, err = pgx.ForEachRow(rows, []any{&value, &help}, func() error {
		list = append(list, Suggestion{Word: quoted(value), Help: oneLine(help)})
		return nil
	})
	for i := range list {
		if list[i].Help == Nothing {
			list[i].Help = ""
		}
	}
	return list, refused(err, true)
}
