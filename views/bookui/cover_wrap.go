package bookui

import (
	"strings"
	"unicode"
)

// block is text in lines of one size, in units of the cover (200 wide).
type block struct {
	lines []string
	size  float64
}

// leading is the distance of two baselines, relative to the size.
const leading = 1.14

func (b block) height() float64 { return float64(len(b.lines)) * b.size * leading }

// fit wraps text into lines of even length, at the largest size from smallest to
// biggest that fits width and height. If even smallest does not fit, it breaks
// words and ends the last line with an ellipsis, so that the text never exceeds
// its room.
func fit(text string, width, height, biggest, smallest float64) block {
	words := pieces(text)
	if len(words) == 0 {
		return block{size: smallest}
	}
	widths := measureAll(words)
	for size := biggest; size > smallest; size-- {
		b := block{wrap(words, widths, width/size), size}
		if b.lines != nil && b.height() <= height {
			return b
		}
	}
	words = breakWords(words, width/smallest)
	b := block{wrap(words, measureAll(words), width/smallest), smallest}
	if room := max(1, int(height/(smallest*leading))); len(b.lines) > room {
		b.lines = b.lines[:room]
		b.lines[room-1] = strings.TrimRight(b.lines[room-1], " ,.;:") + "…"
	}
	return b
}

// longest is the number of characters of a title that are used. No cover has
// room for more, and the search for line breaks must not grow with imported
// titles.
const longest = 120

// pieces splits text into words, and words after their hyphens.
func pieces(text string) []string {
	var out []string
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest-1]) + "…"
	}
	for _, word := range strings.Fields(text) {
		for _, piece := range strings.SplitAfter(word, "-") {
			if piece != "" {
				out = append(out, piece)
			}
		}
	}
	return out
}

// join joins pieces to a line, without a space after a hyphen.
func join(words []string) string {
	return strings.ReplaceAll(strings.Join(words, " "), "- ", "-")
}

// space returns the width of the space after a piece on its line.
func space(piece string) float64 {
	if strings.HasSuffix(piece, "-") {
		return 0
	}
	return advance(' ')
}

// wrap breaks words into as few lines as width (relative to the size) allows,
// and makes these as even as possible. It returns nil if a single word is too
// wide.
func wrap(words []string, widths []float64, width float64) []string {
	type best struct {
		lines int
		rag   float64
		next  int
	}
	from := make([]best, len(words)+1)
	for i := len(words) - 1; i >= 0; i-- {
		from[i] = best{lines: -1}
		w := 0.0
		for j := i + 1; j <= len(words); j++ {
			if w += widths[j-1]; w > width {
				break
			}
			spare := width - w
			if w += space(words[j-1]); from[j].lines < 0 {
				continue
			}
			try := best{from[j].lines + 1, from[j].rag + spare*spare, j}
			if from[i].lines < 0 || try.lines < from[i].lines || try.lines == from[i].lines && try.rag < from[i].rag {
				from[i] = try
			}
		}
	}
	if from[0].lines < 0 {
		return nil
	}
	var lines []string
	for i := 0; i < len(words); i = from[i].next {
		lines = append(lines, join(words[i:from[i].next]))
	}
	return lines
}

// breakWords cuts words that are too wide for a line.
func breakWords(words []string, width float64) []string {
	var out []string
	for _, word := range words {
		piece, w := "", 0.0
		for _, r := range word {
			if w += advance(r); w > width-0.6 && piece != "" {
				out, piece, w = append(out, piece), "", advance(r)
			}
			piece += string(r)
		}
		out = append(out, piece)
	}
	return out
}

func measureAll(words []string) []float64 {
	out := make([]float64, len(words))
	for i, word := range words {
		out[i] = measure(word)
	}
	return out
}

// measure estimates the width of text, relative to the size. The reader's serif
// font is unknown, so the figures are those of Palatino and Georgia, rounded up.
func measure(text string) float64 {
	w := 0.0
	for _, r := range text {
		w += advance(r)
	}
	return w
}

func advance(r rune) float64 {
	switch {
	case unicode.Is(unicode.Mn, r):
		return 0
	case strings.ContainsRune("iljtfI.,:;'’!|()[]- ", r):
		return 0.35
	case strings.ContainsRune("mwMW—@%", r):
		return 0.97
	case unicode.IsUpper(r):
		return 0.76
	case r < 0x2e80:
		return 0.56
	default: // scripts with square characters
		return 1.02
	}
}
