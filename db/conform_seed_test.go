package db_test

import (
	"fmt"
	"slices"
	"strings"
)

var allStates = []string{"available", "cancelled", "completed", "discarded", "pending", "retryable", "running", "scheduled"}

// bit is a state's position in unique_states.
var bit = map[string]int{"scheduled": 0, "running": 1, "retryable": 2, "pending": 3, "discarded": 4, "completed": 5, "cancelled": 6, "available": 7}

func without(state string) string {
	bits := []byte("11111111")
	bits[bit[state]] = '0'
	return string(bits)
}

// everyJob seeds jobs in every state and with everything else that the verbs depend on.
func everyJob(b *bench) string {
	var rows []string
	id := 0
	add := func(state string, attempt, max int, scheduled, metadata, key, keyStates string) {
		id++
		final := "null"
		if slices.Contains([]string{"cancelled", "completed", "discarded"}, state) {
			final = "'2021-03-04 05:06:07+00'"
		}
		unique := "null, null"
		if key != "" {
			unique = fmt.Sprintf("'%s', B'%s'", key, keyStates)
		}
		rows = append(rows, fmt.Sprintf(`(%d, 'kind', 'q%d', '%s', %d, %d, 3, '{"a": 1}', '{tag}', array['{"error": "x"}']::jsonb[], '{w1,w2}',
			'2021-02-03 04:05:06+00', '2021-01-02 03:04:05+00', '%s', %s, '%s', %s)`, id, id%3, state, attempt, max, scheduled, final, metadata, unique))
	}
	past, future := "2021-01-02 03:04:05+00", "2099-01-02 03:04:05+00"
	for _, s := range allStates {
		for _, scheduled := range []string{past, future} {
			add(s, 1, 5, scheduled, `{"mine": [1]}`, "", "")
			add(s, 5, 5, scheduled, `{"cancel_attempted_at": "2021-01-02T03:04:05.678Z", "river:x": 2}`, "", "")
		}
		add(s, 6, 5, past, `{}`, "", "")
		add(s, 0, 1, future, `{}`, "own"+s, "11110101")
		add(s, 5, 5, future, `{}`, "duplicate"+s, without(s))
	}
	for _, s := range []string{"discarded", "cancelled"} {
		add(s, 2, 3, past, `{}`, "pair"+s, "11110101")
		add(s, 2, 3, past, `{}`, "pair"+s, "11110101")
	}
	// Keys whose unique states include one of the finished states.
	for _, s := range []string{"cancelled", "completed", "discarded"} {
		bits := []byte("11010001")
		bits[bit[s]] = '1'
		add("retryable", 2, 3, past, `{}`, "held"+s, string(bits))
	}
	for _, s := range allStates {
		add("available", 0, 3, past, `{}`, "duplicate"+s, "11110101")
	}
	for _, s := range []string{"cancelled", "completed", "discarded"} {
		add("available", 0, 3, past, `{}`, "held"+s, "11110101")
	}
	return fmt.Sprintf(`insert into %s (id, kind, queue, state, attempt, max_attempts, priority, args, tags, errors, attempted_by, attempted_at,
		created_at, scheduled_at, finalized_at, metadata, unique_key, unique_states) values %s;`, b.table("river_job"), strings.Join(rows, ", "))
}

// missing is an id after those that everyJob seeds.
const missing = 75
