package args

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

type place struct {
	Street string `json:"street"`
	Number int    `json:"number,omitempty"`
}

type full struct {
	ID     int64             `json:"id"`
	Name   string            `json:"name"`
	Share  float64           `json:"share,omitempty"`
	When   time.Time         `json:"when"`
	Until  *time.Time        `json:"until,omitempty"`
	Wait   time.Duration     `json:"wait,omitempty"`
	Blob   []byte            `json:"blob,omitempty"`
	Raw    json.RawMessage   `json:"raw,omitempty"`
	Places []place           `json:"places,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
	Hidden string            `json:"-"`
}

type cyclic struct {
	Next *cyclic `json:"next,omitempty"`
}

type own struct{ Value int }

func (own) MarshalJSON() ([]byte, error) { return []byte(`"own"`), nil }

type fragile struct{ ok func() string }

func (f fragile) MarshalJSON() ([]byte, error) { return []byte(f.ok()), nil }

// TestDescribe: the schema accepts what encoding/json writes, and a type that has no right schema gets none.
func TestDescribe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of              any
		schema, example bool
	}{
		{full{}, true, true},
		{struct{}{}, true, true},
		{struct {
			A own `json:"a"`
		}{}, true, true},
		{struct {
			ID int64 `json:"id,string"`
		}{}, false, true}, // its JSON is text
		{cyclic{}, false, true},
		{fragile{}, false, false},
		{struct {
			F func() `json:"f"`
		}{}, false, false},
	} {
		schema, example := Describe(reflect.TypeOf(c.of))
		if (schema != nil) != c.schema || (example != nil) != c.example {
			t.Errorf("%T: schema %s, example %s", c.of, schema, example)
		}
		if schema == nil {
			continue
		}
		zero, err := json.Marshal(c.of)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range [][]byte{zero, example} {
			if faults, err := Check(schema, text); err != nil || len(faults) > 0 {
				t.Errorf("%T: %s: %v %v, schema %s", c.of, text, faults, err, schema)
			}
		}
	}
	if _, example := Describe(reflect.TypeFor[full]()); strings.Contains(string(example), "Hidden") || !strings.Contains(string(example), `"street":"text"`) {
		t.Errorf("example %s", example)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	schema, _ := Describe(reflect.TypeFor[full]())
	const rest = `"name": "a", "when": "2026-01-02T15:04:05Z"`
	for given, want := range map[string]string{
		`{"id": 7, ` + rest + `}`:            "",
		`{"id": "7", ` + rest + `}`:          `wrong_type id "id" must be a whole number, not text.`,
		`{"id": "[redacted]", ` + rest + `}`: "",
		`{"id": 7.0, ` + rest + `}`:          `wrong_type id "id" must be a whole number, not a number.`,
		`{` + rest + `}`:                     `missing id "id" is missing.`,
		`[]`:                                 `wrong_type  The args must be an object, not a list.`,
		`{"id": 7`:                           `not_json  The args are not valid JSON.`,
		`{"id": 7, ` + rest + `} more`:       `not_json  The args are not valid JSON.`,
		`{"id": 7, "share": 1, "until": null, ` + rest + `}`:                             "",
		`{"id": 7, "places": [{"street": "a"}, {"street": 1, "town": 2}], ` + rest + `}`: `wrong_type places[1].street "places[1].street" must be text, not a whole number.` + "\n" + `unknown places[1].town "places[1].town" is not an argument of this kind. Known: number, street.`,
		`{"id": 7, "labels": {"a": 1}, ` + rest + `}`:                                    `wrong_type labels.a "labels.a" must be text, not a whole number.`,
		`{"id": 1e999, ` + rest + `}`:                                                    `wrong_type id "id" must be a whole number, not a number.`,
		`{"id": 7, "share": 1e999, ` + rest + `}`:                                        `not_json  A number in the args is too large.`,
	} {
		faults, err := Check(schema, []byte(given))
		var got []string
		for _, f := range faults {
			got = append(got, string(f.Code)+" "+f.Path+" "+f.Text)
		}
		if err != nil || strings.Join(got, "\n") != want {
			t.Errorf("%s:\ngot  %s (%v)\nwant %s", given, strings.Join(got, "\n"), err, want)
		}
	}
	if faults, err := Check(nil, []byte("{}")); err != nil || faults != nil {
		t.Errorf("without a schema: %v, %v", faults, err)
	}
	if _, err := Check([]byte(`{"type": 3}`), []byte("{}")); err == nil {
		t.Error("an invalid schema is accepted")
	}
	faults, err := Check([]byte(`{"type": "object", "properties": {"n": {"type": "integer", "maximum": 5}}}`), []byte(`{"n": 6, "other": 1}`))
	if err != nil || len(faults) != 1 || faults[0].Code != Unfit {
		t.Errorf("a rule without a sentence of its own: %v, %v", faults, err)
	}
	if faults, _ = Check(schema, []byte(`{"`+strings.Repeat("k", 1<<20)+`": 1}`)); len(faults) == 0 || len(faults[len(faults)-1].Text) > 500 {
		t.Error("a long key is repeated in full")
	}
}
