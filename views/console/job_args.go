package console

import (
	"encoding/json"
	"strconv"
	"strings"
)

// JobArgsRow is a job's arguments, redacted and cut if they are long.
type JobArgsRow struct {
	ID          int64
	Kind        string
	Queue       string
	HomeQueue   *string
	Priority    int32
	MaxAttempts int32
	Tags        []string
	Bytes       int64
	Args        string
}

// cut reports whether the arguments are not there in full.
func (a JobArgsRow) cut() bool { return int64(len(a.Args)) < a.Bytes }

func (a JobArgsRow) redacted() bool { return strings.Contains(a.Args, redacted) }

// redacted is what stands for a secret value, as JSON.
const redacted = `"[redacted]"`

// node is a value in a tree of arguments.
type node struct {
	key      string // empty in an array and at the top
	path     string // as in address.street; empty if a search cannot name it
	text     string // of a value without parts, as JSON
	word     string // of an object or array: what it is
	children []node
	left     int // parts that are not shown
}

const (
	nodesMost = 300 // in a tree
	depthMost = 12
)

// tree makes a tree of arguments, or none if they are not an object.
func (a JobArgsRow) tree() ([]node, bool) {
	var fields map[string]json.RawMessage
	if a.cut() || json.Unmarshal([]byte(a.Args), &fields) != nil {
		return nil, false
	}
	budget := nodesMost
	n := newNode("", "", json.RawMessage(a.Args), 0, &budget)
	return n.children, true
}

func newNode(key, path string, value json.RawMessage, depth int, budget *int) node {
	n := node{key: key, path: path}
	*budget--
	text := strings.TrimSpace(string(value))
	if depth < depthMost && strings.HasPrefix(text, "{") {
		n.word = "object"
		for _, f := range fieldsOf(value) {
			if *budget <= 0 {
				n.left++
				continue
			}
			n.children = append(n.children, newNode(f.key, under(path, f.key, depth), f.value, depth+1, budget))
		}
		return n
	}
	if depth < depthMost && strings.HasPrefix(text, "[") {
		n.word = "list"
		var list []json.RawMessage
		if json.Unmarshal(value, &list) == nil {
			for _, v := range list {
				if *budget <= 0 {
					n.left++
					continue
				}
				n.children = append(n.children, newNode("", "", v, depth+1, budget))
			}
			return n
		}
	}
	n.text = text
	return n
}

// under returns the path of a key, or nothing if a search line cannot write it.
func under(path, key string, depth int) string {
	for _, c := range key {
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return ""
		}
	}
	switch {
	case key == "" || depth > 0 && path == "":
		return ""
	case depth == 0:
		return key
	}
	return path + "." + key
}

type field struct {
	key   string
	value json.RawMessage
}

// fieldsOf returns an object's fields in their order.
func fieldsOf(object json.RawMessage) (list []field) {
	d := json.NewDecoder(strings.NewReader(string(object)))
	if _, err := d.Token(); err != nil {
		return nil
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return list
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return list
		}
		name, _ := key.(string)
		list = append(list, field{name, value})
	}
	return list
}

// search returns the search line that finds jobs with the same value, or nothing
// if there is none.
func (n node) search() string {
	if n.path == "" || n.text == redacted || n.text == "null" || len(n.text) > 100 || n.word != "" {
		return ""
	}
	var text string
	if json.Unmarshal([]byte(n.text), &text) == nil {
		return Term("args."+n.path, text)
	}
	return Term("args."+n.path, n.text)
}

// enqueueSQL returns the statement that enqueues the same job again.
func (a JobArgsRow) enqueueSQL() string {
	queue := a.Queue
	if (queue == "alone" || queue == "singly") && a.HomeQueue != nil {
		queue = *a.HomeQueue
	}
	sql := "select * from jobs.enqueue(" + SQLText(a.Kind) + ", " + SQLText(a.Args) + ", queue => " + SQLText(queue) +
		", priority => " + strconv.Itoa(int(a.Priority)) + ", max_attempts => " + strconv.Itoa(int(a.MaxAttempts))
	if len(a.Tags) > 0 {
		quoted := make([]string, len(a.Tags))
		for i, tag := range a.Tags {
			quoted[i] = SQLText(tag)
		}
		sql += ", tags => array[" + strings.Join(quoted, ", ") + "]"
	}
	return sql + ");"
}
