package main

import (
	"net/http"
	"sync"
	"time"

	"yunjian/internal/api"
	"yunjian/internal/auth"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/policies"
)

// rules are those of cases by the configuration in force: files are read once for each.
func (d *daemon) rules() func() (pipeline.CaseOptions, error) {
	var mu sync.Mutex
	var read pipeline.CaseOptions // of the configuration below
	var of string
	return func() (pipeline.CaseOptions, error) {
		mu.Lock()
		defer mu.Unlock()
		cfg := d.config()
		if of == "" || of != cfg.SHA256 {
			o, err := caseOptions(cfg, d.now())
			if err != nil {
				return o, err
			}
			read, of = o, cfg.SHA256
		}
		o := read
		o.Now = d.now().In(cfg.Location)
		return o, nil
	}
}

// api is the JSON API over the daemon's data, by the configuration in force.
func (d *daemon) api(gate *auth.Gate, loc *time.Location, rules func() (pipeline.CaseOptions, error)) http.Handler {
	return api.New(d.data, gate, api.Options{
		Location: loc, Version: version, Log: d.log, Cases: rules,
		Lang: func() report.Lang { return report.Lang(d.config().Lang) },
		Pack: func() (policies.Pack, error) { return loadPack(d.config()) },
		Audit: func() (pipeline.AuditOptions, error) {
			cfg := d.config()
			o := pipeline.AuditOptions{Clouds: cfg.CloudNames(), Now: d.now().In(cfg.Location), Location: cfg.Location, Config: cfg.SHA256}
			var err error
			if o.Pack, err = loadPack(cfg); err == nil {
				o.Book, err = loadBook(cfg)
			}
			return o, err
		},
	})
}
