//go:build !cgo

package main

import (
	"context"
	"fmt"
)

const duckModule = "github.com/duckdb/duckdb-go/v2"

// duck needs cgo; without it, it only says so.
type duck struct{ engine }

func startDuck(context.Context, string) (*duck, error) {
	return nil, fmt.Errorf("DuckDB is left out, as this was built without cgo: %w", errAbsent)
}
