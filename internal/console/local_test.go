package console_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/console"
	"github.com/backlist/backlist/internal/testdb"
)

// TestLocal: the printed address opens the console once, other hosts are refused, and an act names the person.
func TestLocal(t *testing.T) {
	t.Parallel()
	pool, local := testdb.New(t), console.NewLocal("ann (backlist console)")
	s := console.New(console.Config{Pool: pool, Identity: local, NotFound: http.NotFoundHandler(), RequestTime: time.Minute})
	server := httptest.NewUnstartedServer(nil)
	host := server.Listener.Addr().String()
	server.Config.Handler = local.Handler(s, host)
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(s.Close)
	get := func(client *http.Client, address, host string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	client := func() *http.Client {
		jar, _ := cookiejar.New(nil) // never fails without options
		return &http.Client{Jar: jar}
	}
	mine, theirs := client(), client()
	address := local.Address(host)
	for _, tc := range []struct {
		name    string
		client  *http.Client
		address string
		host    string
		want    int
	}{
		{"another host's name", mine, address, "evil.example", http.StatusMisdirectedRequest},
		{"a wrong token", theirs, "http://" + host + "/?token=" + strings.Repeat("A", 26), host, http.StatusForbidden},
		{"a page without a token", theirs, "http://" + host + "/console/workers", host, http.StatusForbidden},
		{"the address", mine, address, host, http.StatusOK},
		{"a page", mine, "http://" + host + "/console/workers", host, http.StatusOK},
		{"the address again, in another browser", theirs, address, host, http.StatusForbidden},
		{"the address again, in the same browser", mine, "http://" + host + "/", host, http.StatusOK},
	} {
		if got := get(tc.client, tc.address, tc.host); got != tc.want && tc.want != http.StatusOK || tc.want == http.StatusOK && got == http.StatusForbidden {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}
