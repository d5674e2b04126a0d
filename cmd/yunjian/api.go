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

// rules returns by which rules cases move now, as they were read at the last reload.
func (d *daemon) rules() func() (pipeline.CaseOptions, error) {
	var mu sync.Mutex
	var read pipeline.CaseOptions // as of the reload below: files are not read for each request
	of := -1
	return func() (pipeline.CaseOptions, error) {
		mu.Lock()
		defer mu.Unlock()
		d.mu.Lock()
		cfg, reloads := d.cfg, d.reloads
		d.mu.Unlock()
		if of != reloads { // a calendar may have changed where the configuration has not
			o, err := caseOptions(cfg, d.now())
			if err != nil {
				return o, err
			}
			read, of = o, reloads
		}
		o := read
		o.Now = d.now().In(cfg.Location)
		return o, nil
	}
}
