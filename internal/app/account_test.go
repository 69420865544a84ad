package app

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/testdb"
)

// TestOperatorCommands: each command says what it did, or in one sentence why not and what to do.
func TestOperatorCommands(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewURL(t)
	pool := openPool(t, databaseURL)
	const accounts = `insert into reader (email, email_key, name, password_hash)
		select e, lower(e), 'Odo', '-' from unnest(array['Odo@example.org', 'ada@example.org']) e`
	if _, err := pool.Exec(t.Context(), accounts); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, out, err string }{
		{"list", "No account may use the console. Sign up on the site, then: backlist operator add EMAIL --role operator\n", ""},
		{"list --json", "[]\n", ""},
		{"add eve@example.org", "", "no account has the address eve@example.org: sign up on the site first"},
		{"remove eve@example.org", "", "no account has the address eve@example.org: sign up on the site first"},
		{"remove ada@example.org", "", "ada@example.org has no role; to see who has: backlist operator list"},
		{"add ODO@Example.org", "ODO@Example.org is a viewer now, who may look at the console. With --role operator the account may also act.\n", ""},
		{"add odo@example.org --role operator", "odo@example.org is an operator now.\n", ""},
		{"add odo@example.org", "odo@example.org is an operator now.\n", ""},
		{"add odo@example.org --role viewer", "", "odo@example.org is the last operator; add another first: backlist operator add EMAIL --role operator"},
		{"remove odo@example.org", "", "odo@example.org is the last operator; add another first: backlist operator add EMAIL --role operator"},
		{"add --role operator ada@example.org", "ada@example.org is an operator now.\n", ""},
		{"remove odo@example.org", "odo@example.org has no role in the console any more. Its open pages close within 5 seconds.\n", ""},
	} {
		stdout, stderr, err := inProcess(t, map[string]string{"DATABASE_URL": databaseURL}, append([]string{"operator"}, strings.Fields(c.args)...)...)
		if stdout != c.out || stderr != "" || c.err == "" && err != nil || c.err != "" && (err == nil || err.Error() != c.err) {
			t.Errorf("operator %s: %q, %q, %v", c.args, stdout, stderr, err)
		}
	}
	stdout, _, err := inProcess(t, map[string]string{"DATABASE_URL": databaseURL}, "operator", "list")
	if !regexp.MustCompile(`^email +name +role +added at +added by\nada@example.org +Odo +operator +\d.* \S+@\S+ \(backlist operator\)\n$`).MatchString(stdout) {
		t.Errorf("operator list: %q, %v", stdout, err)
	}
	stdout, _, err = inProcess(t, map[string]string{"DATABASE_URL": databaseURL}, "operator", "list", "--json")
	var list []struct {
		Email, Role string
		AddedAt     time.Time `json:"added_at"`
	}
	if err := errors.Join(err, json.Unmarshal([]byte(stdout), &list)); err != nil || len(list) != 1 || list[0].Email != "ada@example.org" ||
		list[0].Role != "operator" || list[0].AddedAt.IsZero() {
		t.Errorf("operator list --json: %s, %v", stdout, err)
	}
}

// TestAccountCommands: a reset link of an existing account sets a password once.
func TestAccountCommands(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewURL(t)
	web := start(t, databaseURL, nil, "web")
	command := func(args ...string) (string, error) { return outcome(t, launch(t, databaseURL, nil, args...)) }
	out, err := command("reader", "reset", "odo@example.org")
	if err == nil || strings.Contains(out, "level=ERROR") || strings.Count(out, "\n") > 0 {
		t.Errorf("reader reset of an unknown account: %v\n%s", err, out)
	}
	odo := newCaller(web.URL)
	odo.signUp(t, "Odo", "odo@example.org")
	if out, err = command("reader", "reset", "odo@example.org"); err != nil {
		t.Fatal(err, out)
	}
	link, err := url.Parse(regexp.MustCompile(`https?://\S+`).FindString(out))
	if err != nil || "http://"+link.Host != web.URL {
		t.Fatalf("the link is %v, the site %s", link, web.URL)
	}
	visitor := newCaller(web.URL)
	visitor.must(t, http.StatusOK, link.Path, nil)
	visitor.must(t, http.StatusSeeOther, link.Path, fields("password", "another good password"))
	newCaller(web.URL).must(t, http.StatusNotFound, link.Path, nil)
	newCaller(web.URL).must(t, http.StatusNotFound, link.Path, fields("password", "a third good password"))
	newCaller(web.URL).must(t, http.StatusSeeOther, "/signin", fields("email", "odo@example.org", "password", "another good password"))
	if a := odo.must(t, http.StatusSeeOther, "/settings", nil); !strings.HasPrefix(a.Header.Get("Location"), "/signin") {
		t.Error("the session from before the reset is still valid")
	}
}
