package jobctl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// value is a column of a row in Go's own types. JSON and numerics stay as they were written: they may hold numbers that are
// larger, or more exact, than a float64. What Go has no type for is the text that Postgres writes for it.
func value(types *pgtype.Map, field pgconn.FieldDescription, raw []byte) any {
	switch {
	case raw == nil:
		return nil
	case field.DataTypeOID == pgtype.JSONBOID || field.DataTypeOID == pgtype.JSONOID:
		return json.RawMessage(bytes.Clone(raw))
	case field.DataTypeOID == pgtype.JSONBArrayOID:
		var list []json.RawMessage
		if types.Scan(field.DataTypeOID, field.Format, raw, &list) == nil {
			return list
		}
	}
	if known, ok := types.TypeForOID(field.DataTypeOID); ok {
		if v, err := known.Codec.DecodeValue(types, field.DataTypeOID, field.Format, raw); err == nil {
			return plain(v)
		}
	}
	return string(raw)
}

// span is an interval of more days than a Duration can hold.
type span struct{ days int64 }

func (s span) String() string { return fmt.Sprintf("%d d", s.days) }

func plain(v any) any {
	switch v := v.(type) {
	case pgtype.Interval:
		const day, most = 24 * time.Hour, math.MaxInt64/int64(24*time.Hour) - 1
		days := int64(v.Months)*30 + int64(v.Days) + v.Microseconds/day.Microseconds()
		if days > most || days < -most {
			return span{days}
		}
		return time.Duration(days)*day + time.Duration(v.Microseconds%day.Microseconds())*time.Microsecond
	case pgtype.Numeric:
		text, err := v.MarshalJSON()
		if err != nil || v.NaN || v.InfinityModifier != pgtype.Finite {
			return strings.Trim(string(text), `"`)
		}
		return json.Number(text)
	case pgtype.InfinityModifier:
		return v.String()
	}
	return v
}

// forPrograms is a value as JSON has it. What JSON has no number or time for is a string.
func forPrograms(v any) any {
	switch v := v.(type) {
	case time.Duration:
		return v.Seconds()
	case span:
		return v.days * 86400
	case time.Time: // which encodes itself only in the years 0 to 9999
		return v.UTC().Format(time.RFC3339Nano)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
	}
	return v
}

// inert is JSON in which everything that could steer a terminal or turn the order of its text is escaped.
func inert(text []byte) []byte {
	if !bytes.ContainsFunc(text, steers) {
		return text
	}
	var out bytes.Buffer
	for _, r := range string(text) {
		if steers(r) && r <= 0xffff {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes()
}

func steers(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }
