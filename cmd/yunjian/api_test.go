package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yunjian/internal/config"
)

// A reload reads the calendar of the API again, where the configuration names the same
// file: else it and the daemon's jobs would count by two.
func TestReloadReadsTheCalendarOfTheAPI(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "yunjian.yaml")
	year := func(last int) {
		text := fmt.Sprintf("year: 2031\nsource: {title: 通知, date: 2030-11-05, url: \"https://www.gov.cn/x.htm\"}\nholidays:\n  - {name: {zh: 元旦, en: New Year}, from: 2031-01-01, to: 2031-01-%02d}\n", last)
		if err := os.WriteFile(filepath.Join(dir, "2031.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	year(1)
	if err := os.WriteFile(path, []byte("data_dir: ./data\ncalendar: {files: [2031.yaml]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{cfg: cfg, now: time.Now}
	rules := d.rules()
	works := func() bool {
		o, err := rules()
		if err != nil {
			t.Fatal(err)
		}
		return o.Calendar.Working(time.Date(2031, 1, 2, 12, 0, 0, 0, cfg.Location))
	}
	if !works() {
		t.Error("2031-01-02 is a holiday")
	}
	if year(2); !works() {
		t.Error("read again without a reload")
	}
	d.inForce(cfg)
	if works() {
		t.Error("not read again at a reload")
	}
}
