package db_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/testdb"
)

func TestRedaction(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	for key, secret := range map[string]bool{
		"password": true, "userPassword": true, "api_key": true, "apiKey": true, "access-key": true, "Authorization": true, "token": true,
		"client_secret": true, "session_id": true, "pin": true, "auth": true, "set-cookie": true, "card_number": true, `pass"word`: false,
		"author_id": false, "shipping": false, "key": false, "session": false, "pinned": false, "passenger": false, "monkey": false,
	} {
		value, _ := json.Marshal(map[string]any{key: "v", "list": []any{map[string]any{key: map[string]int{"deep": 1}}}})
		var got string
		if err := tx.QueryRow(t.Context(), "select jobs.redact($1::jsonb)::text", string(value)).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(got, "[redacted]"); n != map[bool]int{true: 2, false: 0}[secret] {
			t.Errorf("%s: %s", value, got)
		}
	}
	if got := ask(t, tx, `select jobs.redact('{"Home": 1, "at": {"home": [2]}}', '{home}')::text`); got != `{"at": {"home": "[redacted]"}, "Home": "[redacted]"}` {
		t.Error(got)
	}
}
