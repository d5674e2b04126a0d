package main

import (
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

const chunkencModule = "github.com/prometheus/prometheus"

// xorChunk is how many samples Prometheus puts into a chunk.
const xorChunk = 120

// xorChunks is the dataset as Prometheus' chunks, without blocks around them.
func xorChunks(d dataset) (chunks []chunkenc.Chunk, bytes int64, err error) {
	for _, s := range d.series {
		var a chunkenc.Appender
		for i, p := range s.Points {
			if i%xorChunk == 0 {
				c := chunkenc.NewXORChunk()
				chunks = append(chunks, c)
				if a, err = c.Appender(); err != nil {
					return nil, 0, err
				}
			}
			a.Append(0, p.T*1000, p.V)
		}
	}
	for _, c := range chunks {
		bytes += int64(len(c.Bytes()))
	}
	return chunks, bytes, nil
}

// readXOR decodes all chunks and returns the greatest value, so that nothing is
// left out.
func readXOR(chunks []chunkenc.Chunk) (top float64, err error) {
	var it chunkenc.Iterator
	for _, c := range chunks {
		it = c.Iterator(it)
		for it.Next() != chunkenc.ValNone {
			_, v := it.At()
			top = max(top, v)
		}
		if err := it.Err(); err != nil {
			return 0, err
		}
	}
	return top, nil
}
