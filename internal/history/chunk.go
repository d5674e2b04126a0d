package history

import (
	"encoding/binary"
	"hash/crc32"

	"yunjian/cloud"
)

// The first byte of a stored piece says what it is and in which version of
// its format. Old versions stay readable for ever.
const (
	chunkV1  = 0xC1
	sheetV1  = 0xC2
	blockV1  = 0xB1 // a section
	blockV2  = 0xB2
	digestV1 = 0xD1
	digestV2 = 0xD2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal appends the CRC-32C of key and body, so that a piece under a wrong key
// is noticed too.
func seal(key, body []byte) []byte {
	return binary.LittleEndian.AppendUint32(body, checksum(key, body))
}

// unseal returns the body of a sealed piece of the given kind without its
// first byte.
func unseal(key, data []byte, kind byte) ([]byte, error) {
	if len(data) < 6 {
		return nil, damaged("%d bytes only", len(data))
	}
	body := data[:len(data)-4]
	if want, got := binary.LittleEndian.Uint32(data[len(body):]), checksum(key, body); want != got {
		return nil, damaged("checksum %08x, stored %08x", got, want)
	}
	if body[0] != kind {
		return nil, damaged("format 0x%02x, want 0x%02x", body[0], kind)
	}
	return body[1:], nil
}

func checksum(key, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, body)
}

// chunk is the decoded points of one series in one period, valid until the
// decoder's next use.
type chunk struct {
	n      int
	runs   []run
	step   int64
	column column
}

func (c chunk) first() int64 { return c.runs[0].t }

func (c chunk) last() int64 {
	r := c.runs[len(c.runs)-1]
	return r.t + int64(r.n-1)*c.step
}

// value is the i-th value.
func (c chunk) value(i int) float64 {
	if c.column.floats != nil {
		return c.column.floats[i]
	}
	return float64(c.column.hundredths[i]) / 100
}

// points appends every point to dst.
func (c chunk) points(dst []cloud.Point) []cloud.Point {
	i := 0
	for _, r := range c.runs {
		for k := range r.n {
			dst = append(dst, cloud.Point{T: r.t + int64(k)*c.step, V: c.value(i)})
			i++
		}
	}
	return dst
}
