package console

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
)

// CopyRow is a job to copy.
type CopyRow struct {
	ID           int64
	Kind         string
	Bytes        int64
	Args         string // redacted; empty if they are too long for a form
	ArgsSchema   string
	MarksSecrets bool
}

// Typed is what was typed into the form of a copy.
type Typed struct {
	Sent         bool
	Args, Reason string
	Problems     []string
}

// shown returns the arguments as the form shows them: without hidden values, on
// several lines.
func (c CopyRow) shown() string {
	value, err := decodeJSON(c.Args)
	if err != nil {
		return c.Args
	}
	value, _ = withoutHidden(value)
	return plain(encodeJSON(value, "  "))
}

// hidden reports whether the arguments have hidden values that the form omits.
func (c CopyRow) hidden() bool {
	value, err := decodeJSON(c.Args)
	_, some := withoutHidden(value)
	return err == nil && some
}

// Changes returns the difference between the arguments that the form showed and
// those that were typed, as jobs.copy takes it, or sentences that say what is
// wrong.
func (c CopyRow) Changes(typed string) (changes string, problems []string) {
	after, err := decodeJSON(typed)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line := 1 + strings.Count(typed[:min(int(syntax.Offset), len(typed))], "\n")
		return "", []string{"This is not valid JSON: line " + strconv.Itoa(line) + " has a mistake."}
	}
	if err != nil {
		return "", []string{"This is not valid JSON: it ends too early, or has something after its end."}
	}
	object, ok := after.(map[string]any)
	if !ok {
		return "", []string{`Arguments are a JSON object, as in {"order_id": 42}.`}
	}
	before, err := decodeJSON(c.Args)
	if err != nil {
		return "", []string{"The job’s own arguments cannot be read."}
	}
	before, _ = withoutHidden(before)
	was, _ := before.(map[string]any)
	return encodeJSON(difference(was, object), ""), nil
}

// difference returns what merging into before turns it into after, as in
// RFC 7396: null removes a key.
func difference(before, after map[string]any) map[string]any {
	changes := map[string]any{}
	for key := range before {
		if _, ok := after[key]; !ok {
			changes[key] = nil
		}
	}
	for key, value := range after {
		was, known := before[key]
		if known && reflect.DeepEqual(was, value) {
			continue
		}
		inner, ok1 := was.(map[string]any)
		object, ok2 := value.(map[string]any)
		if ok1 && ok2 {
			value = difference(inner, object)
		}
		changes[key] = value
	}
	return changes
}

// withoutHidden returns a value without the keys of objects whose values are
// hidden, and whether there were any. In arrays hidden values stay: a merge
// replaces an array as a whole.
func withoutHidden(value any) (rest any, some bool) {
	object, ok := value.(map[string]any)
	if !ok {
		return value, false
	}
	kept := map[string]any{}
	for key, v := range object {
		if v == "[redacted]" {
			some = true
			continue
		}
		inner, removed := withoutHidden(v)
		kept[key], some = inner, some || removed
	}
	return kept, some
}

// HiddenPaths returns where JSON has hidden values, as in address.lines[2].
func HiddenPaths(text string) map[string]bool {
	paths := map[string]bool{}
	if value, err := decodeJSON(text); err == nil {
		addHidden(paths, "", value)
	}
	return paths
}

func addHidden(paths map[string]bool, path string, value any) {
	switch value := value.(type) {
	case string:
		if value == "[redacted]" {
			paths[path] = true
		}
	case map[string]any:
		for key, v := range value {
			addHidden(paths, strings.TrimPrefix(path+"."+key, "."), v)
		}
	case []any:
		for i, v := range value {
			addHidden(paths, path+"["+strconv.Itoa(i)+"]", v)
		}
	}
}

// decodeJSON reads a value; numbers keep all their digits.
func decodeJSON(text string) (value any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something after the end")
	}
	return value, nil
}

func encodeJSON(value any, indent string) string {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(value); err != nil {
		return ""
	}
	return strings.TrimSpace(out.String())
}
