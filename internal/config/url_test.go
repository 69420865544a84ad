package config_test

import (
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/config"
)

// TestURLs: the error for a wrong value tells the operator what to do. No error repeats a password, even where the
// parser takes it for another part of the URL.
func TestURLs(t *testing.T) {
	t.Parallel()
	const (
		encode = "percent-encode the password"
		trim   = "begins or ends with a space, a line end or a quotation mark: remove it"
		port   = "the port must be a number from 1 to 65535"
		host   = "names no host"
	)
	for value, want := range map[string]string{
		"smtp://me:hunter2/geheim@mail.example":         encode,
		"smtp://me:hunter2#geheim@mail.example:587":     encode,
		"smtp://me:hunter2?geheim@mail.example:587":     encode,
		"smtp://me:hunter2%geheim@mail.example":         encode,
		"smtp://me:hunter2[geheim@mail.example":         encode,
		"smtp://me:hunter2]geheim@mail.example":         encode,
		"smtp://me:hunter2 geheim@mail.example":         encode,
		"smtp://me:25/geheim@mail.example":              encode, // read as port 25 of a host named me
		"smtp://me:25?geheim@mail.example":              encode,
		"smtp://me:25#geheim@mail.example":              encode,
		"smtp://me:hunter2@geheim/x@mail.example":       encode,
		"smtp://me:geheim@mail.example#x":               "not a valid URL",
		"postgres://odo:hunter2/geheim@db.example/d":    encode,
		"postgres://odo:5432/geheim@db.example:5432/d":  encode,
		"postgresql://odo:100%geheim@db.example/d":      encode,
		"postgres://odo:hunter2#geheim@db.example/d":    encode,
		"postgres://odo:5432?geheim@db.example/d?a=b":   encode,
		"http://books.example/?q=1":                     "must be the site's address alone",
		"https://odo:geheim@books.example":              "must be the site's address alone",
		" smtp://me:geheim@mail.example":                trim,
		"smtp://me:geheim@mail.example\n":               trim,
		"\"postgres://odo:geheim@db.example/d\"":        trim,
		"'https://books.example'":                       trim,
		"https://books.example\u00a0":                   trim,
		"\ufeffhttps://books.example":                   trim,
		"postgres://odo:geheim@db.\nexample/d":          "line end or another control character",
		"smtp://me:geheim@mail.example:587587":          port,
		"smtp://me:geheim@mail.example:0":               port,
		"smtp://me:geheim@mail.example:x":               port,
		"postgres://odo:geheim@db.example:54321x/d":     port,
		"postgres://odo:geheim@db.example:99999/d":      port,
		"smtp://me:geheim@":                             host,
		"smtp://me:geheim@:587":                         host,
		"postgres://odo:geheim@/d":                      host,
		"https:///path":                                 host,
		"postgres://odo:geheim@::1/d":                   "put an IPv6 address in brackets",
		"smtp://me:geheim@fe80::1:587":                  "put an IPv6 address in brackets",
		"smtp://me:geheim@mail example":                 "the host name is not valid",
		"https://-bücher-.example":                      "the host name is not valid",
		"host=db.example password=geheim dbname=d":      "not the form host=… password=…",
		"password = 'geheim'":                           "not the form host=… password=…",
		"mysql://odo:geheim@db.example/d":               "must be a URL that begins with postgres:// or postgresql://",
		"postgres:odo:geheim@db.example":                "must be a URL that begins with postgres:// or postgresql://",
		"me:geheim@mail.example:587":                    "must be a URL that begins with",
		"smtp://me:%67eheim@mail.example":               "",
		"smtps://me:p%40ss%2Fw@[::1]:465":               "",
		"smtp://me:p@ss:w@mail.example?tls=starttls":    "",
		"SMTP://mail.example":                           "",
		"postgresql://odo:geheim@db.example/d":          "",
		"POSTGRES://odo:geheim@db.example/d":            "",
		"postgres://odo:geheim@[::1]:5432/d?sslmode=no": "",
		"postgres:///d?host=/var/run/postgresql":        "",
		"postgres://h1:5432,h2:5433/d":                  "",
		"http://localhost:5000/":                        "",
		"https://books.example/shelf":                   "",
	} {
		for _, name := range variables(value) {
			_, err := config.FromEnv(env(map[string]string{name: value}))
			switch {
			case want == "" && err != nil:
				t.Errorf("%s=%q: %v", name, value, err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), name)):
				t.Errorf("%s=%q: %v, want %q", name, value, err, want)
			}
			if err != nil && (strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("%s: a password is repeated in: %v", name, err)
			}
		}
	}
}

// variables returns the variables that may have been given this value.
func variables(value string) []string {
	switch {
	case strings.Contains(value, "http"):
		return []string{"BASE_URL"}
	case strings.Contains(strings.ToLower(value), "smtp") || strings.HasPrefix(value, "me:"):
		return []string{"SMTP_URL"}
	}
	return []string{"DATABASE_URL"}
}

// TestURLsAreMadeReadable: pgx rejects an upper-case scheme and ends a password at the first @, and DNS knows only
// ASCII.
func TestURLsAreMadeReadable(t *testing.T) {
	t.Parallel()
	c, err := config.FromEnv(env(map[string]string{
		"DATABASE_URL": "Postgres://odo:p@ss@localhost/d", "BASE_URL": "HTTPS://Bücher.example:8443/Regal ä/", "SMTP_URL": "smtp://mail.bücher.example:25",
	}))
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		c.DatabaseURL: "postgres://odo:p%40ss@localhost/d",
		c.BaseURL:     "https://xn--bcher-kva.example:8443/Regal%20%C3%A4",
		c.SMTPURL:     "smtp://mail.xn--bcher-kva.example:25",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
