package surface

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Searches are stored: in jobs.bulk, in jobs.audit and as saved views. A search for a hidden value would show it there, and finds
// nothing, because conditions are tested on the redacted arguments. So it is refused.

// secretNames is the pattern of jobs.looks_secret; a test compares them.
const secretNames = `pass(word|wd|phrase|code)|secret|token|(api|access|private|signing|encryption|auth)[_-]?key|authorization` +
	`|credential|cookie|signature|bearer|session[_-]?(id|key)|card[_-]?(number|no\b)|(^|")(pass|auth|otp|pin|cvv|cvc|ssn|iban)($|")`

var looksSecret = regexp.MustCompile("(?i)" + secretNames)

// refuseHidden returns an error if one of the keys looks secret.
func refuseHidden(keys []string) *SearchError {
	for _, key := range keys {
		if looksSecret.MatchString(key) {
			return &SearchError{Code: hiddenKey, Sentence: strconv.Quote(key) + " looks secret: its values are hidden, and a search cannot find them."}
		}
	}
	return nil
}

// keysIn returns the keys of a JSON object, at any depth.
func keysIn(object string) []string {
	found := map[string]bool{}
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			for key, inner := range v {
				found[key] = true
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	var value any
	if err := json.Unmarshal([]byte(object), &value); err != nil {
		return nil // it was checked before
	}
	walk(value)
	return slices.Sorted(maps.Keys(found))
}

// Storable returns a Refusal if the filter names an argument that one of its kinds marks as secret. Keys that look secret are no part
// of a filter: see ParseSearch.
func (f Filter) Storable(ctx context.Context, db DB) error {
	var keys []string
	for _, a := range f.Args {
		if a.Path != "" {
			keys = append(keys, strings.Split(strings.ToLower(a.Path), ".")...)
			continue
		}
		for _, object := range a.Values {
			for _, key := range keysIn(object) { // which reads escapes too
				keys = append(keys, strings.ToLower(key))
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	rows, err := db.Query(ctx, `select k.kind, s.key from jobs.kind_args k cross join unnest(k.secrets) as s (key)
		where s.key = any ($1) and (cardinality($2::text[]) = 0 or k.kind = any ($2)) order by 1, 2 limit 1`, keys, append([]string{}, f.Kinds...))
	if err != nil {
		return refused(err, true)
	}
	var kind, key string
	_, err = pgx.ForEachRow(rows, []any{&kind, &key}, func() error {
		return &Refusal{BadValue: true, Sentence: fmt.Sprintf(
			"The kind %s hides the values of %q, so a search with it is not stored. Leave it out, or name kinds that do not hide it, as in kind:x.", kind, key)}
	})
	return refused(err, true)
}
