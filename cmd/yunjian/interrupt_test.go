package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// endsAtLook is a context that ends when it is looked at for the nth time, so
// that a command can be interrupted at any moment that it knows of.
type endsAtLook struct {
	context.Context
	end  context.CancelFunc
	left atomic.Int64
}

func interruptedAt(look int64) *endsAtLook {
	ctx, end := context.WithCancel(context.Background())
	e := &endsAtLook{Context: ctx, end: end}
	e.left.Store(look)
	return e
}

func (e *endsAtLook) look() {
	if e.left.Add(-1) < 0 {
		e.end()
	}
}

func (e *endsAtLook) Err() error {
	e.look()
	return e.Context.Err()
}

// Value is how context.Cause looks.
func (e *endsAtLook) Value(key any) any {
	e.look()
	return e.Context.Value(key)
}

// TestInterruptedAtAnyMoment ends each command at more and more of its looks
// until it is done before, and holds what it says against what is there.
func TestInterruptedAtAnyMoment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config, bundle, whole := filepath.Join(dir, "yunjian.yaml"), filepath.Join(dir, "bundle"), filepath.Join(dir, "whole.backup")
	mustRun(t, "generate", "--output", bundle, "--instances", "10", "--days", "4", "--end", "2026-11-23T00:00:00+08:00")
	if err := os.WriteFile(config, []byte("data_dir: ./data\nclouds:\n  - {name: files, type: bundle, path: ./bundle}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "import", "--config", config, "--bundle", bundle)
	mustRun(t, "backup", whole, "--config", config)

	empty := filepath.Join(dir, "empty.yaml") // its folder is missing
	if err := os.WriteFile(empty, []byte("data_dir: ./empty\nclouds:\n  - {name: files, type: bundle, path: ./bundle}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := func(t *testing.T, name string) {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", name, err)
		}
	}
	stored := false
	audited := func() bool {
		return run([]string{"report", "--config", config}, &bytes.Buffer{}, &bytes.Buffer{}) == exitDone
	}
	for _, c := range []struct {
		part int64 // the next look is later by so large a part of this one, and one
		args []string
		says map[string]func(t *testing.T) // and what is then to be seen
	}{
		{4, []string{"check", "--config", config}, map[string]func(t *testing.T){
			"damaged places found before: 0, put aside earlier: 0; nothing was changed": nil,
		}},
		{4, []string{"history", "stats", "--config", config}, map[string]func(t *testing.T){
			"not counted to the end; nothing was changed": nil,
		}},
		{4, []string{"backup", filepath.Join(dir, "a.backup"), "--config", config}, map[string]func(t *testing.T){
			"no backup was written and no file is left": func(t *testing.T) {
				missing(t, "a.backup")
				if left := begun(t, dir); len(left) > 0 {
					t.Errorf("%q is left", left)
				}
			},
		}},
		{100, []string{"restore", whole, "--config", empty}, map[string]func(t *testing.T){
			"the data folder is as empty as before": func(t *testing.T) { missing(t, "empty") },
		}},
		{100, []string{"audit", "--config", config, "--now", "2026-11-23T02:00:00+08:00"}, map[string]func(t *testing.T){
			"this audit was not stored": func(t *testing.T) {
				if audited() != stored {
					t.Error("an audit is stored")
				}
			},
			"this audit is stored, only not printed": func(t *testing.T) {
				if stored = audited(); !stored {
					t.Error("no audit is stored")
				}
			},
		}},
		{4, []string{"compact", "--config", config}, map[string]func(t *testing.T){
			"the data is whole, and what was folded stays so": func(t *testing.T) {
				missing(t, "data/history.db.compact")
				mustRun(t, "check", "--config", config)
			},
		}},
		{100, []string{"import", "--config", config, "--bundle", bundle}, map[string]func(t *testing.T){
			"nothing was imported":                                             nil,
			"the samples counted above are stored":                             func(t *testing.T) { mustRun(t, "check", "--config", config) },
			"every sample that was read is stored, only not folded to the end": func(t *testing.T) { mustRun(t, "check", "--config", config) },
		}},
	} {
		t.Run(c.args[0], func(t *testing.T) {
			said := map[string]int{}
			for look := int64(0); ; look += look/c.part + 1 {
				ctx := interruptedAt(look)
				command := newRoot()
				command.SetArgs(c.args)
				command.SetOut(&bytes.Buffer{})
				command.SetErr(&bytes.Buffer{})
				err := command.ExecuteContext(ctx)
				if err == nil {
					break
				}
				known := false
				for says, holds := range c.says {
					if !strings.HasPrefix(err.Error(), c.args[0]) || !strings.Contains(err.Error(), " 已中断：") || !strings.Contains(err.Error(), says) {
						continue
					}
					known = true
					said[says]++
					if holds != nil {
						holds(t)
					}
				}
				if !known {
					t.Fatalf("interrupted at look %d it says %v", look, err)
				}
			}
			if len(said) < len(c.says) {
				t.Errorf("said %v; want each of %d", said, len(c.says))
			}
		})
	}
}
