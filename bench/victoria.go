package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"yunjian/cloud"
)

// victoria is VictoriaMetrics, single node, with deduplication off and without
// its cache of answers.
type victoria struct {
	*server
	folder string
}

const victoriaProgram = "victoria-metrics"

func startVictoria(ctx context.Context, folder string) (*victoria, error) {
	s, err := serve(ctx, "/health", victoriaProgram, "-storageDataPath="+folder, "-httpListenAddr=%s",
		"-retentionPeriod=100y", "-search.disableCache", "-search.maxUniqueTimeseries=10000000", "-search.maxSamplesPerQuery=10000000000",
		"-search.maxQueryDuration=10m", "-maxInsertRequestSize=256MB", "-loggerLevel=WARN")
	if err != nil {
		return nil, err
	}
	return &victoria{s, folder}, nil
}

func (v *victoria) name() string { return "VictoriaMetrics" }

func (v *victoria) load(ctx context.Context, d dataset) error {
	if err := post(ctx, v.address+"/api/v1/import", nil, importLines(d.series)); err != nil {
		return err
	}
	return v.settle(ctx)
}

// importLines is a dataset as VictoriaMetrics' JSON lines, in pieces of a few
// megabytes.
func importLines(series []cloud.Series) [][]byte {
	var pieces [][]byte
	b := make([]byte, 0, 5<<20)
	for _, s := range series {
		b = fmt.Appendf(b, `{"metric":{"__name__":%q,"resource":%q},"values":[`, s.Metric, s.Resource)
		for i, p := range s.Points {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendFloat(b, p.V, 'f', -1, 64)
		}
		b = append(b, `],"timestamps":[`...)
		for i, p := range s.Points {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, p.T*1000, 10)
		}
		b = append(b, "]}\n"...)
		if len(b) > 4<<20 {
			pieces = append(pieces, b)
			b = make([]byte, 0, 5<<20)
		}
	}
	return append(pieces, b)
}

// settle writes to disk what is in memory and merges the parts of each month
// into one.
func (v *victoria) settle(ctx context.Context) error {
	if err := v.flush(ctx); err != nil {
		return err
	}
	if _, err := get(ctx, v.address+"/internal/force_merge", nil); err != nil {
		return err
	}
	return v.quiet(ctx)
}

// flush writes to disk what is in memory and waits for merges that are due.
func (v *victoria) flush(ctx context.Context) error {
	if _, err := get(ctx, v.address+"/internal/force_flush", nil); err != nil {
		return err
	}
	return v.quiet(ctx)
}

// quiet waits until nothing is merged.
func (v *victoria) quiet(ctx context.Context) error {
	for {
		metrics, err := get(ctx, v.address+"/metrics", nil)
		if err != nil {
			return err
		}
		busy := false
		for line := range strings.Lines(string(metrics)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			if strings.HasPrefix(name, "vm_active_force_merges") || strings.HasPrefix(name, "vm_active_merges") {
				busy = busy || value != "0"
			}
		}
		if !busy {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// bytes is what samples and index take: the folders data and indexdb, without
// caches.
func (v *victoria) bytes() (int64, error) {
	return size(filepath.Join(v.folder, "data"), filepath.Join(v.folder, "indexdb"))
}

// ask sends one query a metric, all at the same time.
func (v *victoria) ask(ctx context.Context, d dataset) (func() (answers, error), error) {
	var queries []string
	for _, m := range d.metrics {
		queries = append(queries, fmt.Sprintf(`quantiles_over_time("phi", 0.95, 0.99, 1, %s[%ds])`, m, int64(d.window.Duration()/time.Second)))
	}
	bodies, err := queryAll(ctx, v.address, queries, d.window)
	if err != nil {
		return nil, err
	}
	return func() (answers, error) {
		out := answers{}
		for i, m := range d.metrics {
			err := eachSample(bodies[i], func(labels map[string]string, v float64) error {
				place := slices.Index([]string{"0.95", "0.99", "1"}, labels["phi"])
				if place < 0 {
					return fmt.Errorf("phi %q", labels["phi"])
				}
				out.set(key{labels["resource"], m}, place, v)
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
		return out, nil
	}, nil
}
