package surface

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

// value converts a column to a Go value. JSON and numeric values keep all digits, which a float64 could not hold. A type
// without a counterpart in Go becomes Postgres's text.
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

// span is an interval that is too long for a time.Duration, which ends at 292 years.
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

// jsonValue returns v as encoding/json can write it. NaN and infinities become strings.
func jsonValue(v any) any {
	switch v := v.(type) {
	case time.Duration:
		return v.Seconds()
	case span:
		return v.days * 86400
	case time.Time: // its own MarshalJSON refuses years beyond 9999
		return v.UTC().Format(time.RFC3339Nano)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
	}
	return v
}

// escapeControls escapes the characters of JSON text that could control a terminal or reverse the order of its text.
func escapeControls(text []byte) []byte {
	if !bytes.ContainsFunc(text, controls) {
		return text
	}
	var out bytes.Buffer
	for _, r := range string(text) {
		if controls(r) && r <= 0xffff {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes()
}

func controls(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }
