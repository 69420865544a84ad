package page

import "testing"

func TestStanding(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		list       Recommended
		line, more string
	}{
		"never":    {Recommended{RateMore: 3}, "Rate 3 books you know, and we can start to recommend.", ""},
		"one more": {Recommended{RateMore: 1, Ratings: 2}, "Rate 1 more book, and we can start to recommend.", ""},
		"popular":  {Recommended{RateMore: 2, Ratings: 1, Popular: true, Items: make([]Recommendation, 1)}, "Books that many readers love", "New readers get popular books. Rate 2 more books and the list becomes your own."},
		"few":      {Recommended{Ratings: 9, Popular: true, Made: "just now"}, "Books that many readers love", "New readers get popular books, until we know enough readers with a taste like yours."},
		"first":    {Recommended{Ratings: 3, Working: true}, "Finding books for you …", "It will appear here by itself; without JavaScript, reload in a moment."},
		"again":    {Recommended{Ratings: 3, Working: true, Items: make([]Recommendation, 1)}, "Finding books for you …", "The list below is the last one. The new one will replace it by itself."},
		"waiting":  {Recommended{Ratings: 3, Working: true, Popular: true, Items: make([]Recommendation, 1)}, "Finding books for you …", "Until then, here are popular books. Your own list will replace them by itself."},
		"late":     {Recommended{Ratings: 3, Working: true, Hint: "No worker."}, "Finding books for you …", "No worker."},
		"running":  {Recommended{Ratings: 3, Working: true, Hint: "No worker.", Doing: "Comparing.", Percent: 10}, "Finding books for you …", "Comparing."},
		"nothing":  {Recommended{}, "No recommendations yet", ""},
	} {
		if line, more := tc.list.standing(), tc.list.standingMore(); line != tc.line || more != tc.more {
			t.Errorf("%s: %q, %q", name, line, more)
		}
	}
	if !(Recommended{Ratings: 12, Made: "just now"}).own() {
		t.Error("a finished list is not the reader's own")
	}
}
