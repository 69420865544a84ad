package recommend

import (
	"math"
	"strconv"
	"strings"
)

// span is the part of a series that a book covers, from its volume text: "3" is 3 to 3, "1-3" is an omnibus of three,
// "2.5" is a story between two volumes.
type span struct{ from, to float64 }

// parseVolume reads a volume's text; ok is false if it has no number ("", "companion").
func parseVolume(text string) (s span, ok bool) {
	text = strings.NewReplacer("–", "-", "#", "", " ", "").Replace(text)
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	from, ok1 := parseNumber(first)
	to, ok2 := parseNumber(last)
	return span{from, to}, ok1 && ok2 && from <= to
}

// parseNumber accepts only plain decimals: ParseFloat alone would accept "Inf", "0x1p4" and "1e300".
func parseNumber(text string) (float64, bool) {
	if text == "" || len(text) > 8 || strings.Trim(text, "0123456789.") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}

// progress is how far a reader has read in a series, and the volume that follows.
type progress struct {
	begun bool
	top   float64 // the highest volume begun
	next  float64 // the next whole volume, +Inf if the catalogue has none
}

// volume is a book of a series, for computing progress.
type volume struct {
	series, text string
	begun        bool
}

// progressOf returns the reader's progress in each series. The next volume is the lowest whole one above those that the
// reader has begun, and for a reader new to the series the lowest from 1 on (a series does not start with a prequel
// numbered 0.5).
func progressOf(volumes []volume) map[string]progress {
	bySeries := map[string]progress{}
	for _, v := range volumes {
		p, known := bySeries[v.series]
		if !known {
			p.next = math.Inf(1)
		}
		if s, ok := parseVolume(v.text); ok && v.begun {
			p.top, p.begun = max(p.top, s.to), true
		}
		bySeries[v.series] = p
	}
	for _, v := range volumes {
		p := bySeries[v.series]
		s, ok := parseVolume(v.text)
		if ok && s.from == math.Trunc(s.from) && s.from >= 1 && (!p.begun || s.from > p.top) {
			p.next = min(p.next, s.from)
			bySeries[v.series] = p
		}
	}
	return bySeries
}

// allows reports whether a volume may be recommended: the next one (or an omnibus that starts with it), or a story
// between the last one begun and the next. A volume without a number is treated like a book without a series.
func (p progress) allows(text string) bool {
	s, ok := parseVolume(text)
	if !ok || s.from == p.next {
		return true
	}
	return p.begun && s.from > p.top && s.from < p.next
}
