package surface

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/backlist/backlist/internal/work"
)

// longestSearch is the most bytes of a search.
const longestSearch = 2048

// SearchError says what is wrong with a search, and what to write instead.
type SearchError struct {
	Code     string // unknown_key, bad_value, unbalanced_quote, control_character, not_text, too_long or hidden_key
	At, End  int    // the part of the line that is wrong, in bytes
	Sentence string // as in: There is no key "kin".
	Instead  string // what to write; may be empty
}

func (e *SearchError) Error() string {
	if e.Instead == "" {
		return e.Sentence
	}
	return e.Sentence + " Write " + e.Instead
}

// ParseSearch reads a search: words of the form key:value, as in
//
//	state:discarded,retryable kind:deliver_mail args.reader_id:42 error:"connection refused" since:2h
//
// Keys returns the keys. The values of one key are alternatives, and a job must match every key. A number alone is an id, and
// any other word alone is part of the kind or of the latest error. An error is a *SearchError.
func ParseSearch(line string) (Filter, error) {
	var f Filter
	if err := checkLine(line); err != nil {
		return f, err
	}
	s := scanner{line: line}
	for {
		word, err := s.next()
		if err != nil {
			return Filter{}, err
		}
		if word == nil {
			return f, nil
		}
		for _, v := range word.values {
			if err := f.add(word.key, v); err != nil {
				err.At, err.End = v.at, v.end
				if err.Code == unknownKey {
					err.At, err.End = word.at, word.at+len(word.key)
				}
				return Filter{}, err
			}
		}
	}
}

// The codes of SearchError.
const (
	unknownKey  = "unknown_key"
	badValue    = "bad_value"
	unbalanced  = "unbalanced_quote"
	control     = "control_character"
	notText     = "not_text"
	tooLong     = "too_long"
	hiddenKey   = "hidden_key"
	quoteInside = `the whole value in quotes, as in error:"connection refused"; \" is a quote inside.`
)

func checkLine(line string) error {
	if len(line) > longestSearch {
		return &SearchError{tooLong, longestSearch, len(line), "The search is longer than 2 kB.", "fewer words."}
	}
	for i, r := range line {
		switch {
		case r == utf8.RuneError && !utf8.ValidString(line[i:i+1]) && !strings.HasPrefix(line[i:], string(utf8.RuneError)):
			return &SearchError{notText, i, i + 1, "The search is not valid UTF-8 text.", ""}
		case unicode.IsControl(r) && !isSpace(r):
			return &SearchError{control, i, i + utf8.RuneLen(r), "The search contains a control character.", "it again without that character."}
		}
	}
	return nil
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }

// A word of a search. The key is empty if the word is a value alone.
type word struct {
	at     int
	key    string
	values []operand
}

// add adds a value to the filter's field for the key.
func (f *Filter) add(name string, v operand) *SearchError {
	if v.text == "" {
		return &SearchError{Code: badValue, Sentence: "The value of " + strconv.Quote(name) + " is empty.", Instead: "a value after the colon, or remove the word."}
	}
	if path, ok := strings.CutPrefix(name, "args."); ok {
		return f.addArg(path, v)
	}
	switch name {
	case "":
		return f.addBare(v)
	case "args":
		return f.addArgs(v)
	case "id":
		return addID(&f.Jobs, name, v.text)
	case "parent":
		return addID(&f.Parents, name, v.text)
	case "since":
		return f.Since.set(name, v.text)
	case "until":
		return f.Until.set(name, v.text)
	}
	for _, k := range Keys() {
		if k.Name != name {
			continue
		}
		if k.Values != nil && !slices.Contains(k.Values, v.text) {
			return notAmong(v.text, k)
		}
		addOnce(k.field(f), v.text)
		return nil
	}
	return noSuchKey(name)
}

func addOnce[T comparable](list *[]T, v T) {
	if !slices.Contains(*list, v) {
		*list = append(*list, v)
	}
}

// addBare adds a value without a key: an id, or text.
func (f *Filter) addBare(v operand) *SearchError {
	if id, err := strconv.ParseInt(v.text, 10, 64); err == nil && id > 0 && !v.quoted {
		addOnce(&f.Jobs, id)
	} else {
		addOnce(&f.Text, v.text)
	}
	return nil
}

func addID(list *[]int64, key, text string) *SearchError {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return &SearchError{Code: badValue, Sentence: strconv.Quote(text) + " is not a job id.", Instead: "a number, as in " + key + ":4711."}
	}
	addOnce(list, id)
	return nil
}

// An Arg is a condition on the arguments of jobs: one of the values at the path. The path is names with dots between them; if
// it is empty, the values are objects that the arguments contain.
type Arg struct {
	Path   string
	Values []string // JSON
}

func (f *Filter) addArg(path string, v operand) *SearchError {
	if slices.Contains(strings.Split(path, "."), "") {
		return &SearchError{Code: badValue, Sentence: "The path of an argument is names with dots between them.", Instead: "args.reader_id:42 or args.order.id:42."}
	}
	if err := refuseHidden(strings.Split(path, ".")); err != nil {
		return err
	}
	value := v.text
	if v.quoted || !isScalar(value) {
		text, _ := json.Marshal(value)
		value = string(text)
	}
	if err := storable(value); err != nil {
		return &SearchError{Code: badValue, Sentence: "args." + path + ": " + err.Error() + "."}
	}
	f.addArgValue(path, value)
	return nil
}

// AddArgs adds the condition that the arguments contain a JSON object.
func (f *Filter) AddArgs(object string) error {
	if err := f.addArgs(operand{text: object}); err != nil {
		return err
	}
	return nil
}

func (f *Filter) addArgs(v operand) *SearchError {
	object, ok := compactObject(v.text)
	if !ok {
		return notObject()
	}
	if err := refuseHidden(keysIn(object)); err != nil {
		return err
	}
	err := work.CheckArgs([]byte(object))
	if err == nil {
		err = storable(object)
	}
	if err != nil {
		return &SearchError{Code: badValue, Sentence: "args: " + err.Error() + "."}
	}
	f.addArgValue("", object)
	return nil
}

func notObject() *SearchError {
	return &SearchError{Code: badValue, Sentence: "args is a JSON object.", Instead: `args:{"order_id": 42} or args.order_id:42.`}
}

func (f *Filter) addArgValue(path, value string) {
	i := slices.IndexFunc(f.Args, func(a Arg) bool { return a.Path == path })
	if i < 0 {
		i = len(f.Args)
		f.Args = append(f.Args, Arg{Path: path})
	}
	addOnce(&f.Args[i].Values, value)
}

// String returns the filter as a search in its canonical form, from which ParseSearch makes the same filter.
func (f Filter) String() string {
	var words []string
	add := func(key string, values []string) {
		for i, v := range values {
			values[i] = quoted(v)
		}
		if len(values) > 0 {
			words = append(words, key+":"+strings.Join(values, ","))
		}
	}
	for _, k := range Keys() {
		switch k.Name {
		case "id":
			add(k.Name, numbers(f.Jobs))
		case "parent":
			add(k.Name, numbers(f.Parents))
		case "since":
			add(k.Name, f.Since.words())
		case "until":
			add(k.Name, f.Until.words())
		case "args":
			words = append(words, argWords(f.Args)...)
		default:
			add(k.Name, slices.Clone(*k.field(&f)))
		}
	}
	for _, text := range f.Text {
		if _, err := strconv.ParseInt(text, 10, 64); err == nil || strings.Contains(text, ":") {
			words = append(words, quote(text))
		} else {
			words = append(words, quoted(text))
		}
	}
	return strings.Join(words, " ")
}

func numbers(ids []int64) (list []string) {
	for _, id := range ids {
		list = append(list, strconv.FormatInt(id, 10))
	}
	return list
}

func argWords(args []Arg) (words []string) {
	for _, a := range args {
		var values []string
		for _, v := range a.Values {
			var text string
			if a.Path != "" && json.Unmarshal([]byte(v), &text) == nil && v != "null" {
				if v = quoted(text); isScalar(text) {
					v = quote(text)
				}
			}
			values = append(values, v)
		}
		if a.Path == "" {
			words = append(words, "args:"+strings.Join(values, ","))
		} else {
			words = append(words, "args."+a.Path+":"+strings.Join(values, ","))
		}
	}
	return words
}

// quoted returns a value as it is written in a search, in quotes if it needs them.
func quoted(v string) string {
	if v == "" || strings.ContainsAny(v, "\" \t\r\n,") {
		return quote(v)
	}
	return v
}

func quote(v string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"` }
