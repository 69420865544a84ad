package bookui

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestStars(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		StarsText(0): "no stars", StarsText(1): "½ star", StarsText(2): "1 star", StarsText(3): "1½ stars", StarsText(10): "5 stars",
		StarsValue(1): "0.5", StarsValue(7): "3.5", StarsValue(10): "5",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestRatingHasEveryHalfStar: a reader without JavaScript can give every rating and remove it.
func TestRatingHasEveryHalfStar(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := (Rating{BookID: 7, Title: "Emma", Halves: 9}).Control().Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	form := b.String()
	for h := 1; h <= 10; h++ {
		if !strings.Contains(form, fmt.Sprintf(`name="stars" value="%s"`, StarsValue(h))) {
			t.Errorf("no choice for %s", StarsText(h))
		}
	}
	if !strings.Contains(form, `value="4.5" checked`) || !strings.Contains(form, `name="stars" value=""`) {
		t.Error("the rating is not shown, or cannot be removed")
	}
}
