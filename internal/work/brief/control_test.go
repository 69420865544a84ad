package brief

import "testing"

func TestControls(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{
		"commit", "COMMIT", "  Rollback;", "begin", "start transaction", "end", "abort", "savepoint a", "release a", "prepare transaction 'x'",
		"-- a comment\ncommit", "/* a /* nested */ comment */ commit", "; ;commit", "select 1; commit", "select ';' ; -- x\n rollback",
		"select $$;$$; commit", "select $a$ ; $$ ; $a$; commit", `select E'\';'; commit`, `select "a;b"; commit`, "select 1;;/**/commit", "(commit",
		"select 'it''s;'; commit", `select '\'; commit`,
	} {
		if !controls(sql) {
			t.Errorf("%q is let through", sql)
		}
	}
	for _, sql := range []string{
		"", ";", "select 1", "insert into t values ('; commit')", "update t set a = $1; select 1", "select $$; commit $$", "select $1; select $2",
		"-- commit", "select 1 -- ; commit", "/* ; commit */ select 1", "do $x$ begin perform 1; end $x$", `select E'\'; commit'`, "beginning", "with a as (select 1) select 1",
		"select a$b$; select c$b$", `select "; commit"`, "select 'a' /* ; commit", "select $$; commit",
	} {
		if controls(sql) {
			t.Errorf("%q is refused", sql)
		}
	}
}
