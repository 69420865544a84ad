package reader

import (
	"os"
	"testing"

	"github.com/backlist/backlist/internal/testdb"
)

// TestAddressBeyondASCII: some browsers submit a domain as typed, others in ASCII. Both are the same account, for
// signing in, for a reset and for an operator's commands.
func TestAddressBeyondASCII(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tx := b.tx
	me, err := Create(t.Context(), tx, b.jobs, SignUp{Name: "Odo", Email: "Odo@Bücher.example"}, noHash)
	if err != nil {
		t.Fatal(err)
	}
	for _, spelling := range []string{"odo@bücher.example", "odo@xn--bcher-kva.example", " ODO@BÜCHER.EXAMPLE "} {
		found, err := ByEmail(t.Context(), tx, spelling)
		if err != nil || found.ID != me.ID {
			t.Errorf("%q finds %d, %v", spelling, found.ID, err)
		}
		if _, err := AddOperator(t.Context(), tx, spelling, RoleViewer, "a test"); err != nil {
			t.Errorf("%q: %v", spelling, err)
		}
		if _, err := MintReset(t.Context(), tx, spelling, "https://backlist.example"); err != nil {
			t.Errorf("%q: %v", spelling, err)
		}
	}
	for _, impossible := range []string{"odo@-bücher-.example", "odo@aא.example"} {
		if err := CheckEmail(impossible); err == nil {
			t.Errorf("%q is accepted, but no mail can reach it", impossible)
		}
	}
}

// TestAddressKeyMigration: the migration folds older keys like Key, unless another account has that key.
func TestAddressKeyMigration(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	for _, email := range []string{
		"odo@reader.example", "odo@bücher.example", "jörg@reader.example", "odo@例子.测试", "odo@ünder.köln.example",
		"odo@правда.example", "odo@ひとつ屋根の下2.example", "odo@παράδειγμα.example", "odo@ääää-öööö-long-enough-for-a-bias.example",
	} {
		if _, err := tx.Exec(t.Context(), "insert into reader (email, email_key, name, password_hash) values ($1, $1, 'Odo', '-')", email); err != nil {
			t.Fatal(err)
		}
	}
	const twice = "insert into reader (email, email_key, name, password_hash) values ('twice', $1, 'Odo', '-')"
	for _, key := range []string{"odo@müll.example", "odo@xn--mll-hoa.example"} {
		if _, err := tx.Exec(t.Context(), twice, key); err != nil {
			t.Fatal(err)
		}
	}
	migration, err := os.ReadFile("../../db/migrations/016_address_key.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), string(migration)); err != nil {
		t.Fatal(err)
	}
	rows, err := tx.Query(t.Context(), "select email, email_key from reader where email <> 'twice'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var email, key string
		if err := rows.Scan(&email, &key); err != nil {
			t.Fatal(err)
		}
		if want := EmailKey(email); key != want {
			t.Errorf("%s has the key %s, want %s", email, key, want)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := tx.QueryRow(t.Context(), "select count(*) from reader where email_key in ('odo@müll.example', 'odo@xn--mll-hoa.example')").Scan(&left); err != nil || left != 2 {
		t.Errorf("%d of two accounts with the same new key kept their keys, %v", left, err)
	}
}
