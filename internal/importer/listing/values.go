package listing

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// unwrap removes what spreadsheets need around an ISBN: ="0439023483" or [0439023483].
func unwrap(s string) string {
	s = tidy(s)
	if inner, ok := strings.CutPrefix(s, "="); ok {
		s = inner
	}
	return tidy(strings.Trim(s, `"'[] `))
}

// scientific reports whether s is a number such as 9.78043902348e+12.
func scientific(s string) bool {
	_, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
	return err == nil && strings.ContainsAny(s, "eE")
}

// parseISBN returns an ISBN of 10 or 13 digits with a valid check digit as one of 13 digits. Leading zeros that a spreadsheet has
// removed are restored.
func parseISBN(s string) (string, bool) {
	var digits strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9' || r == 'X' || r == 'x':
			digits.WriteRune(r)
		case r != '-' && r != ' ' && r != '\u2010' && r != '\u2011' && r != '\u2013':
			return "", false
		}
	}
	isbn := strings.ToUpper(digits.String())
	if len(isbn) == 13 && strings.HasPrefix(isbn, "000") {
		isbn = isbn[3:]
	}
	if n := len(isbn); n >= 7 && n < 10 {
		isbn = strings.Repeat("0", 10-n) + isbn
	}
	switch {
	case len(isbn) == 13 && isbn[12] == check13(isbn) && (strings.HasPrefix(isbn, "978") || strings.HasPrefix(isbn, "979")):
		return isbn, !strings.Contains(isbn, "X")
	case len(isbn) == 10 && !strings.Contains(isbn[:9], "X") && isbn != "0000000000" && isbn[9] == check10(isbn):
		isbn = "978" + isbn[:9]
		return isbn + string(check13(isbn)), true
	}
	return "", false
}

// ISBN10 returns the older form of an ISBN of 13 digits, or "" if it has none.
func ISBN10(isbn string) string {
	body, ok := strings.CutPrefix(isbn, "978")
	if !ok || len(body) != 10 {
		return ""
	}
	return body[:9] + string(check10(body))
}

func check10(s string) byte {
	sum := 0
	for i := range 9 {
		sum += (10 - i) * int(s[i]-'0')
	}
	if n := (11 - sum%11) % 11; n < 10 {
		return byte('0' + n)
	}
	return 'X'
}

func check13(s string) byte {
	sum := 0
	for i := range 12 {
		sum += (1 + i%2*2) * int(s[i]-'0')
	}
	return byte('0' + (10-sum%10)%10)
}

// parseStars returns a rating of 0 to 5, in half stars; none is 0. rounded says that it had finer steps.
func parseStars(s string) (stars int, rounded, ok bool) {
	s = strings.Replace(tidy(s), ",", ".", 1)
	if s == "" {
		return 0, false, true
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) || n < 0 || n > 5 {
		return 0, false, false
	}
	half := math.Round(2 * n)
	if n > 0 {
		half = max(half, 1)
	}
	return int(half), half != 2*n, true
}

// parseYear reads the year of a publication, which may be before our era.
func parseYear(s string) (int, bool) {
	s = strings.TrimSuffix(strings.Replace(s, "\u2212", "-", 1), ".0")
	y, err := strconv.Atoi(s)
	return y, err == nil && y != 0 && y >= -4000 && y <= 2100
}

// layouts are the ways in which exports write dates, of which a year alone is the least.
var layouts = []string{"2006/1/2", "2006-1-2", time.RFC3339Nano, "2006-01-02 15:04:05", "2006/1", "2006-1", "2006", "2 Jan 2006", "Jan 2, 2006", "January 2, 2006"}

// parseDate reads the day of a reader's life on which something happened. Days have no time zone in exports: noon in UTC is the same
// day nearly everywhere.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range layouts {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if y := t.Year(); y < 1850 || y > 2100 {
			return time.Time{}, false
		}
		if !strings.Contains(layout, "15:04") {
			t = t.Add(12 * time.Hour)
		}
		return t.UTC(), true
	}
	return time.Time{}, false
}
