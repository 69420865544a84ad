package bookui

import (
	"io"
	"testing"
)

func BenchmarkCover(b *testing.B) {
	titles := []string{"Emma", "One Hundred Years of Solitude", "Slaughterhouse-Five", "The Strange Case of Dr Jekyll and Mr Hyde"}
	for n := 0; b.Loop(); n++ {
		c := Cover{Title: titles[n%len(titles)], Author: "Gabriel García Márquez", Year: "1967", Variant: n}
		if err := c.Draw().Render(b.Context(), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
