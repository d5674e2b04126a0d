package api

import (
	"net/http"
	"time"

	"yunjian/cloud"
	"yunjian/internal/pipeline"
)

// JobView is how the last run of a job went.
type JobView struct {
	Name     string    `json:"name" doc:"collect, audit, report, tend"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	OK       bool      `json:"ok"`
	Summary  string    `json:"summary,omitempty"`
	Error    string    `json:"error,omitempty"`
}

// CloudHealth is how completely a cloud was read.
type CloudHealth struct {
	Cloud     string        `json:"cloud"`
	TakenAt   time.Time     `json:"taken_at" doc:"最近一次清单 | of the latest inventory"`
	Resources int           `json:"resources"`
	Complete  bool          `json:"complete" doc:"每个范围都读到底 | every listing was read to its end"`
	Unread    []cloud.Scope `json:"unread" nullable:"false" doc:"没有读到底的范围，及原因 | those that were not, and why"`
}

// Health is the state of collection.
type Health struct {
	Version string        `json:"version"`
	AsOf    time.Time     `json:"audit_as_of,omitzero" doc:"最近一次审计 | of the latest audit"`
	Clouds  []CloudHealth `json:"clouds" nullable:"false"`
}

func (a *api) system() {
	reads := permissions("system:read", "samples:read")
	add(a, spec{
		id: "list-jobs", method: http.MethodGet, path: "/jobs", zh: "任务最近一次结果", en: "how the last run of each job went", tag: "system", any: reads, scope: global,
	}, func(_ call, in *Paging) (Page[JobView], error) {
		all, err := a.data.State.Jobs()
		var out []JobView
		for _, j := range all {
			if !pipeline.IsMark(j) {
				out = append(out, JobView{j.Name, j.Started, j.Finished, j.OK, j.Summary, j.Error})
			}
		}
		return page(out, *in), err
	})
	add(a, spec{
		id: "get-health", method: http.MethodGet, path: "/health", zh: "采集是否完整", en: "whether collection is complete", tag: "system", any: reads, scope: global,
	}, func(_ call, _ *none) (Health, error) {
		out := Health{Version: a.o.Version, Clouds: []CloudHealth{}}
		inventories, err := a.data.State.Inventories()
		if err != nil {
			return out, err
		}
		for _, inv := range inventories {
			h := CloudHealth{Cloud: inv.Cloud, TakenAt: inv.TakenAt, Resources: len(inv.Resources), Complete: true, Unread: []cloud.Scope{}}
			for _, s := range inv.Scopes {
				if !s.Complete {
					h.Complete, h.Unread = false, append(h.Unread, s)
				}
			}
			out.Clouds = append(out.Clouds, h)
		}
		got, ok, err := a.data.LatestAudit()
		if ok {
			out.AsOf = got.AsOf
		}
		return out, err
	})
}
