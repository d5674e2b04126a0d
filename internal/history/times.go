package history

import (
	"encoding/binary"
	"errors"
)

// run is instants at one spacing: t, t+step, …, n of them.
type run struct {
	t int64
	n int
}

// appendTimes appends ascending instants: the first, the commonest spacing,
// and only where the spacing differs, after how many instants and by how much.
func appendTimes(dst []byte, times []int64) []byte {
	step := commonStep(times)
	dst = binary.AppendUvarint(dst, uint64(times[0]))
	dst = binary.AppendUvarint(dst, uint64(step))
	breaks := 0
	for i := 1; i < len(times); i++ {
		if times[i]-times[i-1] != step {
			breaks++
		}
	}
	dst = binary.AppendUvarint(dst, uint64(breaks))
	since := 0
	for i := 1; i < len(times); i++ {
		since++
		if extra := times[i] - times[i-1] - step; extra != 0 {
			dst = binary.AppendUvarint(dst, uint64(since))
			dst = binary.AppendVarint(dst, extra)
			since = 0
		}
	}
	return dst
}

// commonStep is the majority spacing if there is one, else one that occurs;
// 1 for a single instant.
func commonStep(times []int64) int64 {
	step, votes := int64(1), 0
	for i := 1; i < len(times); i++ {
		switch d := times[i] - times[i-1]; {
		case votes == 0:
			step, votes = d, 1
		case d == step:
			votes++
		default:
			votes--
		}
	}
	return step
}

// times decodes n instants into runs and returns what follows them.
func (d *decoder) times(src []byte, n int) (runs []run, step int64, rest []byte, err error) {
	first, src, err1 := uvarint(src)
	spacing, src, err2 := uvarint(src)
	breaks, src, err3 := uvarint(src)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, 0, nil, err
	}
	if first > maxTime || spacing == 0 || spacing > maxTime || breaks >= uint64(n) {
		return nil, 0, nil, damaged("instants from %d every %d s with %d breaks", first, spacing, breaks)
	}
	step = int64(spacing)
	d.runs = append(d.runs[:0], run{t: int64(first)})
	left, end := n, int64(first)
	for range breaks {
		var since uint64
		if since, src, err = uvarint(src); err != nil {
			return nil, 0, nil, err
		}
		extra, k := binary.Varint(src)
		// The break lies between two instants: at least one before, one after.
		if k <= 0 || since == 0 || since >= uint64(left) || extra > maxTime || step+extra <= 0 {
			return nil, 0, nil, damaged("instants break after %d by %d s", since, extra)
		}
		src = src[k:]
		r := &d.runs[len(d.runs)-1]
		r.n = int(since)
		left -= r.n
		end = r.t + int64(r.n)*step + extra
		if end > maxTime {
			return nil, 0, nil, damaged("instant %d", end)
		}
		d.runs = append(d.runs, run{t: end})
	}
	d.runs[len(d.runs)-1].n = left
	if end+int64(left-1)*step > maxTime {
		return nil, 0, nil, damaged("instant %d", end+int64(left-1)*step)
	}
	return d.runs, step, src, nil
}

func uvarint(src []byte) (uint64, []byte, error) {
	v, k := binary.Uvarint(src)
	if k <= 0 {
		return 0, nil, damaged("number cut short")
	}
	return v, src[k:], nil
}
