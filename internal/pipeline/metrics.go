package pipeline

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"yunjian/audit"
	"yunjian/internal/history"
	"yunjian/internal/store"
)

// Metrics is what the daemon says of itself on /metrics.
type Metrics struct {
	collectSuccess, apiMonth, apiBudget *prometheus.GaugeVec
	samples, apiCalls                   *prometheus.CounterVec
	reload                              prometheus.Gauge
	findings, recommendations, saving   *prometheus.GaugeVec
	jobResult, outbox, untold           *prometheus.GaugeVec
	// Without labels and yet vectors: absent until known, never a zero.
	auditSuccess, historySamples, series *prometheus.GaugeVec
}

// NewMetrics registers the daemon's metrics, and Go's own. The size of h's file is
// read whenever it is asked for, since commands beside the daemon change it, too.
func NewMetrics(reg *prometheus.Registry, h *history.Store) *Metrics {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	single := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		collectSuccess:  gauge("yunjian_collect_last_success_timestamp_seconds", "When a cloud was last read to the end.", "cloud"),
		samples:         counter("yunjian_collect_samples_total", "Samples read from a cloud.", "cloud"),
		apiCalls:        counter("yunjian_api_calls_total", "Calls made to a cloud, retries included.", "cloud", "action"),
		apiMonth:        gauge("yunjian_api_calls_month", "Calls made to a cloud this month that count against its quota.", "cloud"),
		apiBudget:       gauge("yunjian_api_budget_month", "Calls allowed a month by the configuration.", "cloud"),
		auditSuccess:    gauge("yunjian_audit_last_success_timestamp_seconds", "As-of time of the last audit."),
		findings:        gauge("yunjian_findings", "Resources by verdict in the last audit.", "verdict"),
		recommendations: gauge("yunjian_recommendations", "Recommendations by action in the last audit.", "action"),
		saving:          gauge("yunjian_annual_saving", "Estimated annual saving by action in the last audit, in the price book's currency; for watching only, the report has the exact amount.", "action", "currency"),
		jobResult:       gauge("yunjian_job_last_result", "1 if the last run of a job succeeded, else 0.", "job"),
		outbox:          gauge("yunjian_outbox_messages", "Messages of the outbox that wait, and that were given up, by state.", "state"),
		untold:          gauge("yunjian_cases_untold", "Cases of which there is something to be told to somebody without an address."),
		reload:          single("yunjian_config_reload_success", "1 if the configuration in force is the one last asked for, else 0."),
		historySamples:  gauge("yunjian_history_samples", "Samples in the history."),
		series:          gauge("yunjian_history_series", "Series in the history."),
	}
	m.reload.Set(1)
	historyBytes := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "yunjian_history_bytes", Help: "Size of the history file."}, func() float64 {
		bytes, _, err := h.Room()
		if err != nil {
			return math.NaN()
		}
		return float64(bytes)
	})
	reg.MustRegister(m.collectSuccess, m.samples, m.apiCalls, m.apiMonth, m.apiBudget, m.auditSuccess, m.findings,
		m.recommendations, m.saving, m.jobResult, m.outbox, m.untold, m.reload, historyBytes, m.historySamples, m.series,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Refresh sets what the store remembers from before this process began.
func (m *Metrics) Refresh(ctx context.Context, d *Data) error {
	jobs, err := d.State.Jobs()
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if !IsMark(j) {
			m.Job(j)
		}
	}
	if a, ok, err := d.LatestAudit(); err != nil {
		return err
	} else if ok {
		m.Audited(a)
	}
	s, err := d.History.Stats(ctx)
	if err != nil {
		return err
	}
	m.History(s)
	return nil
}

// Collected counts one collection pass.
func (m *Metrics) Collected(c Collected, budget, month int, ok bool, now time.Time) {
	m.samples.WithLabelValues(c.Cloud).Add(float64(c.Result.Samples))
	m.Called(c.Cloud, c.Result.Calls)
	if budget > 0 {
		m.apiBudget.WithLabelValues(c.Cloud).Set(float64(budget))
		m.apiMonth.WithLabelValues(c.Cloud).Set(float64(month))
	}
	if ok {
		m.collectSuccess.WithLabelValues(c.Cloud).Set(float64(now.Unix()))
	}
}

// Called counts calls made to a cloud.
func (m *Metrics) Called(cloudName string, calls map[string]int) {
	for action, n := range calls {
		m.apiCalls.WithLabelValues(cloudName, action).Add(float64(n))
	}
}

// Audited shows the figures of an audit.
func (m *Metrics) Audited(a audit.Audit) {
	m.auditSuccess.WithLabelValues().Set(float64(a.AsOf.Unix()))
	for verdict, n := range a.Totals.Verdicts {
		m.findings.WithLabelValues(string(verdict)).Set(float64(n))
	}
	m.saving.Reset() // a new price book may count in another currency
	for action, t := range map[string]audit.ActionTotal{"release": a.Totals.Release, "downsize": a.Totals.Downsize} {
		m.recommendations.WithLabelValues(action).Set(float64(t.Resources))
		m.saving.WithLabelValues(action, a.Totals.Currency).Set(approximate(t))
	}
}

// Job shows how a job's last run ended.
func (m *Metrics) Job(r store.JobResult) {
	v := 0.0
	if r.OK {
		v = 1
	}
	m.jobResult.WithLabelValues(r.Name).Set(v)
}

// Outbox shows how many messages wait, and how many were given up.
func (m *Metrics) Outbox(waiting, dead int) {
	m.outbox.WithLabelValues(string(store.Waiting)).Set(float64(waiting))
	m.outbox.WithLabelValues(string(store.Dead)).Set(float64(dead))
}

// Told shows of how many cases nobody could be told.
func (m *Metrics) Told(t Told) { m.untold.WithLabelValues().Set(float64(t.Untold())) }

// Reloaded shows whether the last reload was taken over.
func (m *Metrics) Reloaded(ok bool) {
	m.reload.Set(0)
	if ok {
		m.reload.Set(1)
	}
}

// History shows how much the history holds.
func (m *Metrics) History(s history.Stats) {
	m.historySamples.WithLabelValues().Set(float64(s.Samples))
	m.series.WithLabelValues().Set(float64(s.Series))
}

// approximate is a total as a gauge shows it; the exact amount stays in the
// report.
func approximate(t audit.ActionTotal) float64 {
	v, err := strconv.ParseFloat(t.AnnualSaving, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}
