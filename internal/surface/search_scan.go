package surface

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// A scanner splits a search into words.
type scanner struct {
	line string
	at   int
}

// operand is one value of a word.
type operand struct {
	at, end int
	text    string
	quoted  bool
}

// next returns the next word; nil at the end.
func (s *scanner) next() (*word, error) {
	for s.at < len(s.line) && isSpace(rune(s.line[s.at])) {
		s.at++
	}
	if s.at == len(s.line) {
		return nil, nil
	}
	w := &word{at: s.at}
	if s.line[s.at] != '"' {
		end := strings.IndexAny(s.line[s.at:], ": \t\r\n\"")
		if end >= 0 && s.line[s.at+end] == ':' {
			w.key = s.line[s.at : s.at+end]
			s.at += end + 1
			if w.key == "" {
				return nil, &SearchError{unknownKey, w.at, s.at, "There is a colon without a key.", "key:value, as in state:discarded."}
			}
		}
	}
	for {
		v, err := s.value(w.key)
		if err != nil {
			return nil, err
		}
		w.values = append(w.values, v)
		if w.key == "" || s.at == len(s.line) || s.line[s.at] != ',' {
			return w, nil
		}
		s.at++
	}
}

// value returns the value that begins here: in quotes, a JSON object, or all up to a space or, after a key, a comma.
func (s *scanner) value(key string) (v operand, err error) {
	v.at = s.at
	rest := s.line[s.at:]
	switch {
	case strings.HasPrefix(rest, `"`):
		v.quoted = true
		v.text, err = s.unquote()
	case strings.HasPrefix(rest, "{") && key == "args":
		decoder := json.NewDecoder(strings.NewReader(rest))
		var object json.RawMessage
		if decoder.Decode(&object) != nil {
			err := notObject()
			err.At, err.End = s.at, len(s.line)
			return v, err
		}
		v.text = string(object)
		s.at += int(decoder.InputOffset())
	default:
		stop := " \t\r\n\""
		if key != "" {
			stop += ","
		}
		end := strings.IndexAny(rest, stop)
		if end < 0 {
			end = len(rest)
		}
		v.text = rest[:end]
		s.at += end
	}
	v.end = s.at
	if err == nil && s.at < len(s.line) && !isSpace(rune(s.line[s.at])) && (s.line[s.at] != ',' || key == "") {
		return v, &SearchError{unbalanced, s.at, s.at + 1, "A quote or brace stands in the middle of a word.", quoteInside}
	}
	return v, err
}

// unquote returns the text in the quotes that begin here.
func (s *scanner) unquote() (string, error) {
	var text strings.Builder
	for i := s.at + 1; i < len(s.line); i++ {
		switch c := s.line[i]; {
		case c == '"':
			s.at = i + 1
			return text.String(), nil
		case c == '\\' && i+1 < len(s.line) && (s.line[i+1] == '"' || s.line[i+1] == '\\'):
			i++
			text.WriteByte(s.line[i])
		default:
			text.WriteByte(c)
		}
	}
	return "", &SearchError{unbalanced, s.at, len(s.line), "A quote is not closed.", quoteInside}
}

// isScalar reports whether text is a JSON number, true, false or null.
func isScalar(text string) bool {
	return json.Valid([]byte(text)) && !strings.ContainsAny(text[:1], "\"{[ \t\r\n") && strings.TrimSpace(text) == text
}

// compactObject returns a JSON object without white space; ok is false if the text is not an object with a key.
func compactObject(text string) (object string, ok bool) {
	var keys map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &keys) != nil || len(keys) == 0 {
		return "", false
	}
	var out bytes.Buffer
	err := json.Compact(&out, []byte(text))
	return out.String(), err == nil
}

// storable returns an error if a number of a JSON value is larger than jsonb can hold.
func storable(value string) error {
	decoder := json.NewDecoder(strings.NewReader(value))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil // the end: the value is known to be JSON
		}
		number, ok := token.(json.Number)
		if !ok {
			continue
		}
		_, exponent, _ := strings.Cut(strings.ToLower(number.String()), "e")
		if n, err := strconv.Atoi(exponent); exponent != "" && (err != nil || max(n, -n) > mostExponent) {
			return fmt.Errorf("the number %s is too long", number)
		}
	}
}

// mostExponent keeps numbers within those of jsonb, which have at most 131072 digits before the point and 16383 after it.
const mostExponent = 10_000
