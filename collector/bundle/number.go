package bundle

import (
	"math"
	"strconv"
)

// pow10 are the powers of ten that float64 holds exactly.
var pow10 = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// parseNumber returns the float64 nearest to cell, as strconv.ParseFloat does,
// and whether cell is a finite decimal number.
//
// Short decimals take a fast path that is exact: with at most 15 digits the
// digits are an integer below 2^53, which float64 holds exactly, as it does
// powers of ten up to 10^22; one IEEE division of two exact operands is
// correctly rounded (W. D. Clinger, How to Read Floating Point Numbers
// Accurately, PLDI 1990).
func parseNumber(cell []byte) (float64, bool) {
	var mantissa int64
	digits, decimals, seenPoint := 0, 0, false
	for _, c := range cell {
		switch {
		case c >= '0' && c <= '9':
			mantissa = mantissa*10 + int64(c-'0')
			digits++
			if seenPoint {
				decimals++
			}
			if digits > 15 {
				return parseAny(cell)
			}
		case c == '.' && !seenPoint:
			seenPoint = true
		default:
			return parseAny(cell)
		}
	}
	if digits == 0 {
		return 0, false
	}
	if decimals == 0 {
		return float64(mantissa), true
	}
	return float64(mantissa) / pow10[decimals], true
}

// parseAny accepts what strconv does, less what no export writes on purpose:
// hexadecimal, digit separators, infinities and NaN.
func parseAny(cell []byte) (float64, bool) {
	for _, c := range cell {
		if (c < '0' || c > '9') && c != '.' && c != '+' && c != '-' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(string(cell), 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, false
	}
	if v == 0 {
		v = 0 // −0 is 0
	}
	return v, true
}

// parseTimestamp reads whole Unix seconds or RFC 3339 of the years 2000 to
// 2099.
func parseTimestamp(cell []byte) (int64, bool) {
	cell = trim(cell)
	if len(cell) == 9 || len(cell) == 10 {
		var t int64
		for _, c := range cell {
			if c < '0' || c > '9' {
				return 0, false
			}
			t = t*10 + int64(c-'0')
		}
		return t, t >= firstInstant && t < endInstant
	}
	t, ok := parseInstant(string(cell))
	if !ok || t.Nanosecond() != 0 {
		return 0, false
	}
	return t.Unix(), true
}

// trim cuts blanks around a cell.
func trim(cell []byte) []byte {
	for len(cell) > 0 && (cell[0] == ' ' || cell[0] == '\t') {
		cell = cell[1:]
	}
	for len(cell) > 0 && (cell[len(cell)-1] == ' ' || cell[len(cell)-1] == '\t') {
		cell = cell[:len(cell)-1]
	}
	return cell
}
