// Package args describes the args of a kind of job by a JSON Schema and an example, and checks given args against a schema.
package args

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"
)

// Describe returns a JSON Schema of the type's JSON form and an example of it, which is made up. Either is nil if the type has
// none: a cyclic type has no schema, nor has one whose JSON differs from what its fields say.
func Describe(t reflect.Type) (schema, example json.RawMessage) {
	example, err := makeUp(t)
	if err != nil {
		return nil, nil
	}
	custom := map[reflect.Type]*jsonschema.Schema{}
	findCustom(t, custom, map[reflect.Type]bool{})
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: custom})
	if err != nil {
		return nil, example
	}
	if schema, err = json.Marshal(s); err != nil {
		return nil, example
	}
	if faults, err := Check(schema, example); err != nil || len(faults) > 0 {
		return nil, example // as with the option "string" in a field's tag: no schema is better than a wrong one
	}
	return schema, example
}

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	byteSlice     = reflect.TypeFor[[]byte]()
)

// findCustom adds schemas of types whose JSON form does not follow from their kind. Those that package jsonschema knows, such as
// time.Time, become text as well.
func findCustom(t reflect.Type, custom map[reflect.Type]*jsonschema.Schema, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	if s := customSchema(t); s != nil {
		custom[t] = s
		return
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		findCustom(t.Elem(), custom, seen)
	case reflect.Struct:
		for field := range t.Fields() {
			findCustom(field.Type, custom, seen)
		}
	}
}

// customSchema returns nil for a type whose JSON form follows from its kind.
func customSchema(t reflect.Type) *jsonschema.Schema {
	implements := func(i reflect.Type) bool {
		return t.Kind() != reflect.Interface && t.Kind() != reflect.Pointer && (t.Implements(i) || reflect.PointerTo(t).Implements(i))
	}
	switch {
	case t == timeType:
		return &jsonschema.Schema{Type: "string", Format: "date-time"}
	case implements(marshaler):
		return &jsonschema.Schema{} // anything
	case implements(textMarshaler), t == byteSlice:
		return &jsonschema.Schema{Type: "string"}
	}
	return nil
}

// makeUp returns the JSON of a made-up value. It fails if the type's own methods do.
func makeUp(t reflect.Type) (example json.RawMessage, err error) {
	defer func() {
		if r := recover(); r != nil { // a MarshalJSON that expects more of its value; a process must start nevertheless
			err = fmt.Errorf("%v", r)
		}
	}()
	v := reflect.New(t).Elem()
	fill(v, 0)
	return json.Marshal(v.Interface())
}
