package args

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// Code says what is wrong with a value.
type Code string

// The codes of a Fault.
const (
	NotJSON   Code = "not_json"
	WrongType Code = "wrong_type"
	Missing   Code = "missing"
	Unknown   Code = "unknown"
	Unfit     Code = "unfit" // another rule of the schema
)

// Fault is one thing that is wrong with given args.
type Fault struct {
	Code Code
	Path string // the value, as in address.lines[2]; empty: the args as a whole
	Text string // a sentence for people
}

// faultsMost bounds how many faults are told at once.
const faultsMost = 20

// Check compares given args with a kind's JSON Schema, as stored in jobs.kind.args_schema. It returns no faults if they fit, or if
// there is no schema. A value "[redacted]" fits everywhere: jobs.copy replaces it by the secret that it stands for. An error means that the schema itself is invalid.
func Check(schema, given []byte) ([]Fault, error) {
	value, ok := decode(given)
	if !ok {
		return []Fault{{NotJSON, "", "The args are not valid JSON."}}, nil
	}
	if len(schema) == 0 {
		return nil, nil
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(schema, &s); err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		return nil, fmt.Errorf("resolve the schema: %w", err)
	}
	var c checker
	c.check(&s, "", value)
	if len(c.faults) == 0 && !c.redacted {
		var plain any // the package takes no json.Number
		if err := json.Unmarshal(given, &plain); err != nil {
			return []Fault{{NotJSON, "", "A number in the args is too large."}}, nil
		}
		if err := resolved.Validate(plain); err != nil {
			c.add(Unfit, "", "The args do not fit the kind's schema: "+err.Error()+".")
		}
	}
	return c.faults[:min(len(c.faults), faultsMost)], nil
}

// decode keeps numbers as they are written: 1.0 is not a whole number for the kind's Go type.
func decode(given []byte) (value any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(given))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, false
	}
	_, err := d.Token()
	return value, err == io.EOF //nolint:errorlint // the decoder returns it as it is
}

// redacted is what schema jobs shows in place of a secret.
const redacted = "[redacted]"

// checker collects the faults that have a sentence of their own.
type checker struct {
	faults   []Fault
	redacted bool // a value is a redacted one
}

func (c *checker) add(code Code, path, text string) {
	c.faults = append(c.faults, Fault{code, path, text})
}

func (c *checker) check(s *jsonschema.Schema, path string, value any) {
	if value == redacted {
		c.redacted = true
		return
	}
	types := s.Types
	if s.Type != "" {
		types = []string{s.Type}
	}
	is := typeOf(value)
	if len(types) > 0 && !slices.Contains(types, is) && (is != "integer" || !slices.Contains(types, "number")) {
		c.add(WrongType, path, fmt.Sprintf("%s must be %s, not %s.", subject(path), list(types), words[is]))
		return
	}
	switch value := value.(type) {
	case map[string]any:
		c.checkObject(s, path, value)
	case []any:
		for i, item := range value {
			if s.Items != nil && len(c.faults) < faultsMost {
				c.check(s.Items, fmt.Sprintf("%s[%d]", path, i), item)
			}
		}
	}
}

func (c *checker) checkObject(s *jsonschema.Schema, path string, value map[string]any) {
	for _, key := range s.Required {
		if _, ok := value[key]; !ok {
			c.add(Missing, under(path, key), subject(under(path, key))+" is missing.")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(value)) {
		property, known := s.Properties[key]
		if !known {
			property = s.AdditionalProperties
		}
		switch {
		case !known && property != nil && property.Not != nil: // {"not": {}}: none are allowed
			c.add(Unknown, under(path, key), subject(under(path, key))+" is not an argument of this kind."+suggest(s))
		case property != nil:
			c.check(property, under(path, key), value[key])
		}
	}
}

// suggest lists the known keys.
func suggest(s *jsonschema.Schema) string {
	if len(s.Properties) == 0 || len(s.Properties) > 20 {
		return ""
	}
	return " Known: " + strings.Join(slices.Sorted(maps.Keys(s.Properties)), ", ") + "."
}

func under(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// subject names a value at the beginning of a sentence. A key is shortened: it may be as long as the args.
func subject(path string) string {
	if path == "" {
		return "The args"
	}
	if r := []rune(path); len(r) > 100 {
		path = string(r[:100]) + "…"
	}
	return fmt.Sprintf("%q", path)
}

// words are JSON's types in words.
var words = map[string]string{
	"null": "null", "boolean": "true or false", "integer": "a whole number", "number": "a number", "string": "text", "array": "a list",
	"object": "an object",
}

func list(types []string) string {
	var all []string
	for _, t := range types {
		if t != "null" || len(types) == 1 {
			all = append(all, words[t])
		}
	}
	if slices.Contains(types, "null") && len(types) > 1 {
		all = append(all, "null")
	}
	return strings.Join(all, " or ")
}

func typeOf(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case json.Number:
		if strings.ContainsAny(value.String(), ".eE") {
			return "number"
		}
		return "integer"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}
