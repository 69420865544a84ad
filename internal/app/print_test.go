package app

import (
	"strings"
	"testing"
)

func TestShort(t *testing.T) {
	t.Parallel()
	if got := short(strings.Repeat("ä", 100)); len([]rune(got)) != longestCell || !strings.HasSuffix(got, "ä…") {
		t.Error(got)
	}
}
