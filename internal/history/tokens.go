package history

import "math/bits"

// A number is split into a token, which is coded by its frequency, and raw
// bits, which are noise and kept as they are. In the graded way, numbers below
// 32 are tokens of their own and greater ones share a token with those that
// agree in the five leading bits: fine where numbers are frequent, coarse where
// they are rare, for any range. In the direct way, which suits columns of few
// distinct values, every number is a token.
const (
	gradedBits  = 5
	gradedStep  = 1 << (gradedBits - 1) // tokens for each doubling
	gradedMax   = 1<<gradedBits + (32-gradedBits)*gradedStep
	maxTokens   = 1 << 14
	directLimit = maxTokens // numbers below can be direct tokens
)

// gradedToken is the token of u and how many raw bits, the lowest of u, follow it.
func gradedToken(u uint32) (token uint16, raw uint) {
	if u < 1<<gradedBits {
		return uint16(u), 0
	}
	e := uint(bits.Len32(u)) // at least 6
	raw = e - gradedBits
	return uint16(1<<gradedBits + (raw-1)*gradedStep + uint(u>>raw)&(gradedStep-1)), raw
}

// tokenRange is the least number of a token and how many raw bits follow it.
func tokenRange(token uint32, direct bool) (least uint32, raw uint) {
	if direct || token < 1<<gradedBits {
		return token, 0
	}
	t := token - 1<<gradedBits
	raw = uint(t/gradedStep) + 1
	return (gradedStep + t%gradedStep) << raw, raw
}

// split says how a column's numbers become tokens.
type split struct {
	direct bool
	low    uint // raw bits below the token's own; below maxLow
}

const maxLow = 16

// byte is the split as it is stored.
func (s split) byte() byte {
	if s.direct {
		return byte(s.low) | 0x80
	}
	return byte(s.low)
}

func splitOf(b byte) (split, bool) {
	return split{direct: b&0x80 != 0, low: uint(b & 15)}, b&0x70 == 0
}

// token is the token of u and how many raw bits follow it.
func (s split) token(u uint32) (token uint16, raw uint) {
	if s.direct {
		return uint16(u >> s.low), s.low
	}
	token, raw = gradedToken(u >> s.low)
	return token, raw + s.low
}
