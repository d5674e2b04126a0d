package main

import (
	"encoding/binary"
	"math"
	"net/http"

	"github.com/klauspost/compress/s2"

	"yunjian/cloud"
)

// remoteWriteHeader is that of Prometheus' remote write, version 0.1.0.
var remoteWriteHeader = http.Header{
	"Content-Type":                      {"application/x-protobuf"},
	"Content-Encoding":                  {"snappy"},
	"X-Prometheus-Remote-Write-Version": {"0.1.0"},
}

// writeRequest encodes series as a prometheus.WriteRequest, compressed. The
// five fields that it needs do not warrant a generated package.
func writeRequest(series []cloud.Series) []byte {
	var request, one, part []byte
	for _, s := range series {
		one = one[:0]
		for _, l := range [2][2]string{{"__name__", string(s.Metric)}, {"resource", s.Resource}} {
			part = bytesField(part[:0], 1, l[0])
			part = bytesField(part, 2, l[1])
			one = bytesField(one, 1, string(part)) // TimeSeries.labels
		}
		for _, p := range s.Points {
			part = append(part[:0], 1<<3|1) // Sample.value, double
			part = binary.LittleEndian.AppendUint64(part, math.Float64bits(p.V))
			part = append(part, 2<<3) // Sample.timestamp, milliseconds
			part = binary.AppendUvarint(part, uint64(p.T*1000))
			one = bytesField(one, 2, string(part)) // TimeSeries.samples
		}
		request = bytesField(request, 1, string(one)) // WriteRequest.timeseries
	}
	return s2.EncodeSnappy(nil, request)
}

func bytesField(b []byte, field int, value string) []byte {
	b = append(b, byte(field<<3|2))
	b = binary.AppendUvarint(b, uint64(len(value)))
	return append(b, value...)
}
