package surface

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Nothing is the text of a value that is null or empty. It is not the empty string, so that columns stay columns for awk.
const Nothing = "-"

// Text returns a value of a Table for people, on one line and without control characters.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return Nothing
	case bool:
		return map[bool]string{false: "no", true: "yes"}[v]
	case time.Duration:
		return Duration(v)
	case time.Time:
		return Time(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case float32:
		return strconv.FormatFloat(float64(v), 'f', -1, 32)
	case json.RawMessage:
		return oneLine(string(v))
	case json.Number:
		return trimZeros(v.String())
	case []json.RawMessage:
		parts := make([]any, 0, len(v))
		for _, e := range v {
			parts = append(parts, e)
		}
		return Text(parts)
	case []any:
		if len(v) == 0 {
			return Nothing
		}
		words := make([]string, 0, len(v))
		for _, e := range v {
			words = append(words, Text(e))
		}
		return strings.Join(words, ", ")
	case map[string]any:
		text, err := json.Marshal(v)
		if err != nil {
			return err.Error()
		}
		return oneLine(string(text))
	}
	return oneLine(fmt.Sprint(v))
}

// Duration returns d in one or two units: 3.2 ms, 1.3 s, 2 min 5 s, 20 min, 3 h 5 min, 2 d 4 h.
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Duration(-d)
	case d == 0:
		return "0 s"
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(d.Seconds()*1000, 'f', 1, 64) + " ms"
	case d.Round(time.Millisecond) < time.Second:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	case d.Round(100*time.Millisecond) < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d.Round(time.Second) < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 0, 64) + " s"
	case d.Round(time.Second) < 10*time.Minute:
		return pair(d.Round(time.Second), time.Minute, "min", time.Second, "s")
	case d.Round(time.Minute) < time.Hour:
		return strconv.FormatFloat(d.Minutes(), 'f', 0, 64) + " min"
	case d.Round(time.Minute) < 24*time.Hour:
		return pair(d.Round(time.Minute), time.Hour, "h", time.Minute, "min")
	}
	return pair(d.Round(time.Hour), 24*time.Hour, "d", time.Hour, "h")
}

// trimZeros removes trailing zeros of a decimal fraction.
func trimZeros(number string) string {
	if strings.ContainsRune(number, '.') {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return number
}

func pair(d, big time.Duration, bigs string, small time.Duration, smalls string) string {
	words := fmt.Sprintf("%d %s", d/big, bigs)
	if rest := d % big / small; rest > 0 {
		words += fmt.Sprintf(" %d %s", rest, smalls)
	}
	return words
}

// Time returns t in the local zone, which it names. TZ sets another.
func Time(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 MST") }

func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, text)), " ")
	if text == "" {
		return Nothing
	}
	return text
}
