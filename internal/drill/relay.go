package drill

import (
	"net/url"

	"github.com/backlist/backlist/internal/relay"
)

// relay starts a proxy to the server of databaseURL. It runs until the scenario is over.
func (s *stage) relay(databaseURL string) (*relay.Relay, error) {
	return s.relayAt("127.0.0.1:0", hostOf(databaseURL))
}

func (s *stage) relayAt(addr, target string) (*relay.Relay, error) {
	r, err := relay.New(addr, target)
	if err != nil {
		return nil, err
	}
	s.later(r.Close)
	return r, nil
}

func hostOf(databaseURL string) string {
	u, _ := url.Parse(databaseURL) // parsed by pgx before
	return u.Host
}
