package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"yunjian/cloud"
)

// prometheus is Prometheus with remote write switched on.
type prometheus struct {
	*server
	folder string
}

const prometheusProgram = "prometheus"

func startPrometheus(ctx context.Context, folder string) (*prometheus, error) {
	config := filepath.Join(folder, "prometheus.yml")
	// Samples come in order; the window only forgives two requests that
	// overtake each other.
	if err := os.WriteFile(config, []byte("storage: {tsdb: {out_of_order_time_window: 1d}}\n"), 0o600); err != nil {
		return nil, err
	}
	s, err := serve(ctx, "/-/ready", prometheusProgram, "--config.file="+config, "--web.listen-address=%s",
		"--storage.tsdb.path="+filepath.Join(folder, "data"), "--storage.tsdb.retention.time=100y", "--web.enable-remote-write-receiver",
		"--query.max-samples=1000000000", "--query.timeout=10m", "--log.level=warn")
	if err != nil {
		return nil, err
	}
	return &prometheus{s, folder}, nil
}

func (p *prometheus) name() string { return "Prometheus" }

// load sends half an hour of all series after the other, as scraping would
// bring them, and waits until all but the last hours lie in blocks.
func (p *prometheus) load(ctx context.Context, d dataset) error {
	next := make([]int, len(d.series))
	for at := d.window.From.Unix(); at < d.window.To.Unix(); at += 1800 {
		var batch []cloud.Series
		for i, x := range d.series {
			n := next[i]
			for n < len(x.Points) && x.Points[n].T < at+1800 {
				n++
			}
			if n > next[i] {
				batch = append(batch, cloud.Series{Resource: x.Resource, Metric: x.Metric, Points: x.Points[next[i]:n]})
				next[i] = n
			}
		}
		var bodies [][]byte
		for piece := range slices.Chunk(batch, 1000) {
			bodies = append(bodies, writeRequest(piece))
		}
		if err := post(ctx, p.address+"/api/v1/write", remoteWriteHeader, bodies); err != nil {
			return err
		}
	}
	return p.settle(ctx)
}

// settle waits until the head holds no more than it keeps, and no compaction
// has ended for some seconds.
func (p *prometheus) settle(ctx context.Context) error {
	before, since := "", time.Now()
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); {
		text, err := get(ctx, p.address+"/metrics", nil)
		if err != nil {
			return err
		}
		values := map[string]float64{}
		state := ""
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch name {
			case "prometheus_tsdb_head_min_time", "prometheus_tsdb_head_max_time":
				if values[name], err = strconv.ParseFloat(value, 64); err != nil {
					return err
				}
			case "prometheus_tsdb_compactions_total", "prometheus_tsdb_compactions_triggered_total", "prometheus_tsdb_blocks_loaded":
				state += name + value
			}
		}
		small := values["prometheus_tsdb_head_max_time"]-values["prometheus_tsdb_head_min_time"] <= 3*3600*1000
		if !small || state != before {
			before, since = state, time.Now()
		}
		if time.Since(since) > 10*time.Second {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return fmt.Errorf("prometheus still compacts after five minutes")
}

// bytes is the data folder: blocks, and the log and chunks of the last hours.
func (p *prometheus) bytes() (int64, error) { return size(filepath.Join(p.folder, "data")) }

// blocks is the part of bytes that lies in blocks.
func (p *prometheus) blocks() (int64, error) {
	folders, err := filepath.Glob(filepath.Join(p.folder, "data", "01*")) // ULIDs of this century
	if err != nil {
		return 0, err
	}
	return size(folders...)
}

// ask sends three queries a metric, all at the same time.
func (p *prometheus) ask(ctx context.Context, d dataset) (func() (answers, error), error) {
	var queries []string
	for _, m := range d.metrics {
		over := fmt.Sprintf("%s[%ds]", m, int64(d.window.Duration()/time.Second))
		queries = append(queries, "quantile_over_time(0.95, "+over+")", "quantile_over_time(0.99, "+over+")", "max_over_time("+over+")")
	}
	bodies, err := queryAll(ctx, p.address, queries, d.window)
	if err != nil {
		return nil, err
	}
	return func() (answers, error) {
		out := answers{}
		for i, body := range bodies {
			err := eachSample(body, func(labels map[string]string, v float64) error {
				out.set(key{labels["resource"], d.metrics[i/3]}, i%3, v)
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
		return out, nil
	}, nil
}
