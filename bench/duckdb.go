//go:build cgo

package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"yunjian/cloud"
)

// duck is DuckDB over one Parquet file, in this process.
type duck struct {
	db     *sql.DB
	folder string
}

const duckModule = "github.com/duckdb/duckdb-go/v2"

func startDuck(ctx context.Context, folder string) (*duck, error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, err
	}
	return &duck{db, folder}, db.PingContext(ctx)
}

func (d *duck) name() string { return "DuckDB, Parquet" }

func (d *duck) path() string { return filepath.Join(d.folder, "samples.parquet") }

// load fills a table in memory and copies it, sorted, to Parquet.
func (d *duck) load(ctx context.Context, data dataset) error {
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "CREATE TABLE samples (metric VARCHAR, resource VARCHAR, time TIMESTAMP, value INTEGER)"); err != nil {
		return err
	}
	err = conn.Raw(func(raw any) error {
		a, err := duckdb.NewAppenderFromConn(raw.(driver.Conn), "", "samples")
		if err != nil {
			return err
		}
		for _, s := range data.series {
			metric := string(s.Metric)
			for _, p := range s.Points {
				if err := a.AppendRow(metric, s.Resource, time.Unix(p.T, 0).UTC(), int32(math.Round(p.V*100))); err != nil {
					return err
				}
			}
		}
		return a.Close()
	})
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, `COPY (SELECT metric, resource, time, (value / 100.0)::DECIMAL(5,2) AS value FROM samples ORDER BY metric, resource, time)
		TO '`+d.path()+`' (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2)`)
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "DROP TABLE samples")
	return err
}

func (d *duck) bytes() (int64, error) { return size(d.path()) }

// ask is one query. Percentiles of the decimals themselves would be rounded to
// two places; of hundredths as small integers they are exact, and nothing that
// was tried was faster: decimals take as long, floats one and a half times,
// doubles twice, counting by value six times.
func (d *duck) ask(ctx context.Context, data dataset) (func() (answers, error), error) {
	var names []string
	for _, m := range data.metrics {
		names = append(names, "'"+string(m)+"'")
	}
	rows, err := d.db.QueryContext(ctx, fmt.Sprintf(`SELECT resource, metric, quantile_cont((value * 100)::SMALLINT, [0.95, 0.99]), max(value)::DOUBLE
		FROM '%s' WHERE metric IN (%s) AND time >= make_timestamp(%d) AND time < make_timestamp(%d) GROUP BY resource, metric`,
		d.path(), strings.Join(names, ", "), data.window.From.UnixMicro(), data.window.To.UnixMicro()))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := answers{}
	for rows.Next() {
		var k key
		var metric string
		var quantiles []any
		var x answer
		if err := rows.Scan(&k.resource, &metric, &quantiles, &x[2]); err != nil {
			return nil, err
		}
		k.metric = cloud.Metric(metric)
		for i, q := range quantiles {
			x[i] = q.(float64) / 100
		}
		out[k] = x
	}
	return func() (answers, error) { return out, nil }, rows.Err()
}

func (d *duck) close() { _ = d.db.Close() } // the Parquet file is written, the rest is memory
