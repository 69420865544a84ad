package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/backlist/backlist/internal/work/bound"
	"github.com/backlist/backlist/internal/work/insert"
)

// kindName matches the kinds that River, its tables and jobs.enqueue accept.
var kindName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_\-\[\]<>/.·:+]{1,126}$`)

// checkJob returns an error if no job can be enqueued with this kind, args and options; it does not find args that Postgres
// refuses. The error is a fault.
func checkJob(kind, args string, i insert.Options) error {
	if !kindName.MatchString(kind) {
		return &fault{"kind", fmt.Errorf("the kind %s must be 2 to 127 letters, digits and _ - [ ] < > / . · : +, beginning with a letter, digit or _", bound.Quote(kind))}
	}
	if err := checkArgs(args); err != nil {
		return &fault{"args", err}
	}
	if err := i.Check(); err != nil {
		return &fault{"opts", err}
	}
	return nil
}

// checkArgs accepts one JSON object without repeated keys: of those the table keeps the last, but the unique key is made from
// the first.
func checkArgs(text string) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber() // which may be too large for a float64
	first, err := dec.Token()
	if err != nil || first != json.Delim('{') {
		return errors.New(`the arguments must be a JSON object, as in {"order_id": 42}`)
	}
	return checkObject(dec)
}

// checkObject reads the rest of an object.
func checkObject(dec *json.Decoder) error {
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		if seen[key] {
			return fmt.Errorf("the arguments have the key %s twice", bound.Quote(key))
		}
		seen[key] = true
		if err := checkValue(dec); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

func checkValue(dec *json.Decoder) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return checkObject(dec)
	case json.Delim('['):
		for dec.More() {
			if err := checkValue(dec); err != nil {
				return err
			}
		}
		_, err = dec.Token()
	}
	return err
}
