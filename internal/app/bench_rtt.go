package app

import (
	"errors"
	"net/url"
	"time"

	"github.com/backlist/backlist/internal/relay"
)

// delayed returns a URL that reaches the same database through a relay that adds rtt to each round trip. close ends the relay. Without rtt it
// returns the URL itself.
func delayed(databaseURL string, rtt time.Duration) (through string, close func(), err error) {
	if rtt == 0 {
		return databaseURL, func() {}, nil
	}
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "", nil, errors.New("DATABASE_URL is not a URL")
	}
	if u.Port() == "" {
		u.Host += ":5432"
	}
	r, err := relay.New("127.0.0.1:0", u.Host)
	if err != nil {
		return "", nil, err
	}
	r.Distant(rtt)
	return r.Through(databaseURL), r.Close, nil
}
