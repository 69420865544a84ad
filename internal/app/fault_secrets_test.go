package app

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/backlist/backlist/internal/testdb"
)

// refusingSMTP starts a mail server that refuses every letter and repeats the address in its refusal, as real ones do.
func refusingSMTP(t *testing.T, code string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				say := func(format string, args ...any) { fmt.Fprintf(conn, format+"\r\n", args...) }
				say("220 refuser")
				lines := bufio.NewScanner(conn)
				for lines.Scan() {
					verb, rest, _ := strings.Cut(lines.Text(), " ")
					switch strings.ToUpper(verb) {
					case "RCPT":
						say("%s %s: go away", code, rest)
					case "QUIT":
						say("221 bye")
						return
					default:
						say("250 ok")
					}
				}
			}()
		}
	}()
	return "smtp://" + listener.Addr().String() + "?tls=none"
}

// TestSecretsStayIn: neither the jobs' rows nor the logs contain readers' input or anything that opens their accounts, even
// where mail is refused and forms are invalid.
func TestSecretsStayIn(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewURL(t)
	pool := catalogued(t, databaseURL)
	const wrong, fresh, mistyped = "not the right password", "a brand new password", "mistyped@example.org"
	web := start(t, databaseURL, nil, "web")
	later := start(t, databaseURL, []string{"SMTP_URL=" + refusingSMTP(t, "451 4.2.1")}, "worker")
	odo := newCaller(web.URL)
	odo.signUp(t, "Odo", "odo@example.org")
	eventually(t, pool, "the letter is to be retried", "select state = 'retryable' from jobs.job where kind = 'deliver_mail'")
	later.tell(syscall.SIGTERM)
	later.exits()

	never := start(t, databaseURL, []string{"SMTP_URL=" + refusingSMTP(t, "550 5.7.1")}, "worker")
	odo.must(t, http.StatusSeeOther, "/books/1/rating", fields("stars", "5"))
	visitor := newCaller(web.URL)
	visitor.must(t, http.StatusUnprocessableEntity, "/signin", fields("email", "odo@example.org", "password", wrong))
	visitor.must(t, http.StatusUnprocessableEntity, "/signin", fields("email", mistyped, "password", wrong))
	visitor.must(t, http.StatusUnprocessableEntity, "/signup", fields("name", "Odo", "email", "ODO@example.org", "password", fresh))
	visitor.must(t, http.StatusSeeOther, "/forgot", fields("email", "odo@example.org"))
	eventually(t, pool, "the reset is refused", "select state = 'failed' from message where kind = 'reset'")
	link := regexp.MustCompile(`/reset/(\S+)`).FindStringSubmatch(finished(t, launch(t, databaseURL, nil, "reader", "reset", "odo@example.org")))
	visitor.must(t, http.StatusOK, link[0], nil)
	visitor.must(t, http.StatusSeeOther, link[0], fields("password", fresh))
	visitor.must(t, http.StatusNotFound, link[0], nil)
	if a, err := visitor.ask(t.Context(), "/reset/"+strings.Repeat("x", 40)+"?email="+url.QueryEscape(mistyped), nil); err != nil || a.StatusCode != http.StatusNotFound {
		t.Errorf("an invented reset link: %v, %v", a.Response, err)
	}

	rows, err := pool.Query(t.Context(), `select kind, concat_ws(' ', args, metadata, errors, tags) from river.river_job`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	texts := map[string]string{"web's log": web.output(), "a worker's log": later.output(), "the other worker's log": never.output()}
	for rows.Next() {
		var kind, text string
		if err := rows.Scan(&kind, &text); err != nil {
			t.Fatal(err)
		}
		texts["the rows of jobs "+kind] += text + "\n"
	}
	if err := rows.Err(); err != nil || len(texts) < 5 {
		t.Fatalf("%d texts, %v", len(texts), err)
	}
	for what, secret := range map[string]string{
		"password": callersPassword, "mistyped password": wrong, "new password": fresh, "reset token": link[1],
		"session token": odo.cookies["__Host-backlist"], "new session's token": visitor.cookies["__Host-backlist"],
		"address": "odo@example.org", "mistyped address": mistyped, "database URL": databaseURL, "secret key": "a secret only for tests",
	} {
		for where, text := range texts {
			if at := strings.Index(strings.ToLower(text), strings.ToLower(secret)); at >= 0 || secret == "" {
				t.Errorf("the %s is in %s: …%.300s", what, where, text[max(0, at-200):])
			}
		}
	}
}
