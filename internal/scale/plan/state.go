package plan

import "time"

// State is what Decide remembers from one call to the next. It is stored, so that another process can go on.
type State struct {
	At       time.Time        `json:"at"`
	Kinds    map[string]Known `json:"kinds,omitempty"`
	Arrivals Arrivals         `json:"arrivals"`
	Slots    int              `json:"slots,omitempty"` // of a worker, when one ran
	Peaks    []Peak           `json:"peaks,omitempty"` // the largest wants of the last hold time, descending
	Adopted  bool             `json:"adopted"`         // Quantity is known
	Quantity int              `json:"quantity"`        // that was found last
	Asked    int              `json:"asked"`           // that the platform was asked for last; its answer may be unknown
	AskedAt  time.Time        `json:"asked_at"`
	GrownAt  time.Time        `json:"grown_at"`  // when workers were last added for a backlog
	ShrunkAt time.Time        `json:"shrunk_at"` // when workers were last removed
	BusyAt   time.Time        `json:"busy_at"`   // when there was work last
	Manual   time.Time        `json:"manual"`    // until when a change by hand is respected
	Paused   bool             `json:"paused"`    // scaled to zero by hand
	Short    time.Time        `json:"short"`     // since when fewer workers send heartbeats than the formation has
	Mixed    time.Time        `json:"mixed"`     // since when workers of several releases run
}

// Known is what is remembered of a kind.
type Known struct {
	Rate float64 `json:"rate"`          // of arrivals, in jobs a second
	Run  float64 `json:"run,omitempty"` // mean run time when there were enough attempts to tell, in seconds
	CV2  float64 `json:"cv2,omitempty"`
}

// Arrivals are what is remembered of how unevenly work arrives. Work is counted in slot-seconds, over spans of the allowed wait.
type Arrivals struct {
	Begun    time.Time `json:"begun"`    // the present span
	Work     float64   `json:"work"`     // that arrived in it
	Rate     float64   `json:"rate"`     // of work at its beginning
	Mean     float64   `json:"mean"`     // of the work of a span
	Variance float64   `json:"variance"` // about what the rate at its beginning let expect
}

// Peak is a want that no later one reached.
type Peak struct {
	At   time.Time `json:"at"`
	Want int       `json:"want"`
}

// remember adds a want and returns the largest of the last window.
func (s *State) remember(at time.Time, want int, window time.Duration) int {
	peaks := make([]Peak, 0, len(s.Peaks)+1)
	for _, p := range s.Peaks {
		if p.Want > want && at.Sub(p.At) < window {
			peaks = append(peaks, p)
		}
	}
	s.Peaks = append(peaks, Peak{At: at, Want: want})
	return s.Peaks[0].Want
}

// since returns when a condition began: *mark if it held before.
func since(mark *time.Time, holds bool, at time.Time) time.Duration {
	switch {
	case !holds:
		*mark = time.Time{}
		return 0
	case mark.IsZero():
		*mark = at
	}
	return at.Sub(*mark)
}
