package pipeline

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"yunjian/cloud"
)

// WriteSamples writes the samples of a resource that count in its derivation, as
// CSV: timestamp, date in loc, and a column for each of cloud.Metrics. An empty
// cell is a missing sample. A bundle may hold the file as it is.
func (d *Data) WriteSamples(w io.Writer, resource string, r Read, loc *time.Location) error {
	metrics := cloud.Metrics()
	head := []string{"timestamp", "date"}
	rows := map[int64][]string{}
	for i, m := range metrics {
		head = append(head, string(m))
		points, err := d.History.Points(resource, m, r.Window)
		if err != nil {
			return fmt.Errorf("read samples of %s: %w", resource, err)
		}
		for _, p := range points {
			at := time.Unix(p.T, 0).In(loc)
			if !r.Counted(at) {
				continue
			}
			if rows[p.T] == nil {
				rows[p.T] = make([]string, 2+len(metrics))
				rows[p.T][0], rows[p.T][1] = at.Format(time.RFC3339), at.Format(time.DateOnly)
			}
			rows[p.T][2+i] = strconv.FormatFloat(p.V, 'f', -1, 64)
		}
	}
	out := csv.NewWriter(w)
	if err := out.Write(head); err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	for _, t := range slices.Sorted(maps.Keys(rows)) {
		if err := out.Write(rows[t]); err != nil {
			return fmt.Errorf("write samples: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	return nil
}
