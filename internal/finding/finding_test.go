package finding

import (
	"testing"

	"github.com/backlist/backlist/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// TestKeep: what is found is stored, at most every 5 s.
func TestKeep(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	keep := func(want string) {
		t.Helper()
		if err := Keep(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
		var got string
		err := pool.QueryRow(t.Context(), `select concat_ws(' ', (select count(*) from jsonb_path_query(list, '$[*] ? (@.code == "no_worker")')),
			'found', case when at > now() - interval '2 min' then 'now' else 'before' end) from work.finding`).Scan(&got)
		if err != nil || got != want {
			t.Errorf("%s, want %s; %v", got, want, err)
		}
	}
	keep("1 found now")
	if _, err := pool.Exec(t.Context(), "update work.finding set list = '[]', took = '1 h'"); err != nil {
		t.Fatal(err)
	}
	keep("0 found now")
	if _, err := pool.Exec(t.Context(), "update work.finding set at = now() - interval '21 h'"); err != nil {
		t.Fatal(err)
	}
	keep("1 found now")
}
