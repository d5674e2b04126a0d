package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/collector/bundle"
	"yunjian/internal/estate"
	"yunjian/internal/journal"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
)

// estateData is a generated estate, imported.
func estateData(t *testing.T, instances int) (*Data, time.Time) {
	t.Helper()
	dir := t.TempDir()
	end := monday.Truncate(5 * time.Minute)
	e := estate.New(estate.Options{Instances: instances, Days: 30, Seed: 11, End: end})
	if err := e.WriteBundle(dir, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := open(t)
	if _, err := d.Collect(context.Background(), "a", b.Source("a"), CollectOptions{Metrics: cloud.Metrics(), Now: end, Again: true}); err != nil {
		t.Fatal(err)
	}
	return d, end
}

func TestExplainAnEstate(t *testing.T) {
	d, end := estateData(t, 16)
	t.Run("an explanation says what the audit says", func(t *testing.T) { explainedAsAudited(t, d, end) })
	t.Run("every derivation ends in the audit's finding", func(t *testing.T) { derivedAsAudited(t, d, end) })
}

// derivedAsAudited holds the derivation of every resource, by packs of several
// forms, to the finding of the audit.
func derivedAsAudited(t *testing.T, d *Data, end time.Time) {
	for _, id := range []string{policies.DefaultID, "gcp-idle-15d"} {
		pack, ok := policies.ByID(id)
		if !ok {
			t.Fatal(id)
		}
		o := AuditOptions{Clouds: []string{"a"}, Pack: pack, Book: price.Example(), Now: end, Location: time.UTC}
		a, err := d.Audit(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]analyzer.Finding{}
		for _, f := range a.Findings {
			want[f.ResourceID] = f
		}
		inventories, _, err := d.Inventories(o.Clouds)
		if err != nil {
			t.Fatal(err)
		}
		catalog := cloud.NewCatalog(inventories[0].Types)
		for i, r := range inventories[0].Resources {
			if testing.Short() && i%5 > 0 {
				continue
			}
			e := Explanation{Resource: r}
			if err := d.derive(context.Background(), o, inventories[0], catalog, &e); err != nil {
				t.Fatal(err)
			}
			var fleet []analyzer.Reason // what machines alike add
			for _, x := range want[r.ID].Reasons {
				if x.Code == analyzer.CodePaddingAlike {
					fleet = append(fleet, x)
				}
			}
			if len(fleet) > 0 {
				e.Derivation.Finding = e.Derivation.Finding.Suspect(fleet)
			}
			if diff := cmp.Diff(want[r.ID], e.Derivation.Finding); diff != "" {
				t.Errorf("%s by %s (-audit +derivation):\n%s", r.ID, id, diff)
			}
		}
	}
}

// explainedAsAudited holds what an explanation brings together to an audit of the
// same instant, of which none is stored yet.
func explainedAsAudited(t *testing.T, d *Data, end time.Time) {
	pack, _ := policies.ByID(policies.DefaultID)
	o := AuditOptions{Clouds: []string{"a"}, Pack: pack, Book: price.Example(), Now: end, Location: time.UTC}
	inventories, _, err := d.Inventories(o.Clouds)
	if err != nil {
		t.Fatal(err)
	}
	first := inventories[0].Resources[0]
	before, err := d.Explain(context.Background(), o, first)
	if err != nil {
		t.Fatal(err)
	}
	if before.Stored != nil {
		t.Errorf("nothing was audited, yet stored: %+v", before.Stored)
	}
	if times, err := d.State.AuditTimes(); err != nil || len(times) > 0 {
		t.Fatalf("explaining stored audits: %v, %v", times, err)
	}
	a, err := d.Audit(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Recommendations) == 0 || len(a.Refusals) == 0 {
		t.Fatalf("%d recommendations, %d refusals", len(a.Recommendations), len(a.Refusals))
	}
	resource := func(id string) cloud.Resource {
		r, err := d.Find(o.Clouds, id)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	rec := a.Recommendations[slices.IndexFunc(a.Recommendations, func(r recommender.Recommendation) bool { return r.Action != recommender.Stop })]
	e, err := d.Explain(context.Background(), o, resource(rec.ResourceID))
	if err != nil {
		t.Fatal(err)
	}
	if e.Recommendation == nil || e.Recommendation.ID != rec.ID || e.Recommendation.ConsecutiveRuns != rec.ConsecutiveRuns || !e.Recommendation.AnnualSaving.Equal(rec.AnnualSaving) {
		t.Errorf("recommendation %+v, want %+v", e.Recommendation, rec)
	}
	if e.Stored == nil || e.Stored.Verdict != e.Derivation.Finding.Verdict || !e.Stored.AsOf.Equal(end) {
		t.Errorf("stored %+v, want that of %s", e.Stored, end)
	}
	x := a.Refusals[0]
	e, err = d.Explain(context.Background(), o, resource(x.ResourceID))
	if err != nil {
		t.Fatal(err)
	}
	if e.Recommendation != nil || cmp.Diff(x.Reasons, e.Refused) != "" {
		t.Errorf("refused %+v, recommended %+v; want %+v", e.Refused, e.Recommendation, x.Reasons)
	}
}

// What is excluded and what is missing is told with its span, and samples of an
// excluded span do not count.
func TestExplainTellsExclusionsAndGaps(t *testing.T) {
	d, m := open(t), running()
	resized, off, on, gap := monday.AddDate(0, 0, -20), monday.AddDate(0, 0, -10), monday.AddDate(0, 0, -8), monday.AddDate(0, 0, -3)
	m.on = []cloud.Window{{From: monday.AddDate(0, 0, -60), To: off}, {From: on, To: gap}, {From: gap.Add(6 * time.Hour), To: monday}}
	look(t, d, m, resized.AddDate(0, 0, -1))
	m.resource.VCPU = 4
	look(t, d, m, resized)
	m.resource.Status = cloud.PoweredOff
	look(t, d, m, off)
	m.resource.Status = cloud.Running
	look(t, d, m, on)
	look(t, d, m, monday)
	pack, _ := policies.ByID(policies.DefaultID)
	r, err := d.Find([]string{"a"}, "i-1")
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.Explain(context.Background(), AuditOptions{Clouds: []string{"a"}, Pack: pack, Book: price.Example(), Now: monday, Location: time.UTC}, r)
	if err != nil {
		t.Fatal(err)
	}
	want := []Exclusion{
		{cloud.Window{From: monday.AddDate(0, 0, -30), To: resized}, ExcludedResized},
		{cloud.Window{From: off, To: on}, ExcludedOff},
	}
	if diff := cmp.Diff(want, e.Read.Excluded); diff != "" {
		t.Errorf("excluded (-want +got):\n%s", diff)
	}
	i := slices.IndexFunc(e.Read.Gaps, func(g Gap) bool { return g.Metric == cloud.CPUPercent })
	if i < 0 || e.Read.Gaps[i].From.After(gap) || e.Read.Gaps[i].To.Before(gap.Add(6*time.Hour)) {
		t.Errorf("gaps %+v, want one of CPU from %s", e.Read.Gaps, gap)
	}
	counted := 0
	points, err := d.History.Points("i-1", cloud.CPUPercent, e.Read.Window)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		if e.Read.Counted(time.Unix(p.T, 0)) {
			counted++
		}
	}
	if got := e.Derivation.Measured[0].Samples; counted != got || len(points) == counted {
		t.Errorf("%d of %d samples count, the derivation has %d", counted, len(points), got)
	}
}

func TestFind(t *testing.T) {
	d := open(t)
	put := func(cloudName string, resources ...cloud.Resource) {
		inv := cloud.Inventory{Cloud: cloudName, TakenAt: monday, Resources: resources, Scopes: []cloud.Scope{{Kind: cloud.Instance, Complete: true}}}
		if _, _, err := d.State.PutInventory(inv, nil, d.entry(t.Context(), journal.InventoryStored, CloudObject(cloudName))); err != nil {
			t.Fatal(err)
		}
	}
	put("a", cloud.Resource{ID: "i-web01", Kind: cloud.Instance, Name: "前置", Department: "甲局"}, cloud.Resource{ID: "i-web02", Kind: cloud.Instance, Name: "前置"}, cloud.Resource{ID: "i-both", Kind: cloud.Instance})
	put("b", cloud.Resource{ID: "i-both", Kind: cloud.Instance}, cloud.Resource{ID: "i-db", Kind: cloud.Instance, Name: "数据库"})
	for name, want := range map[string]string{
		"i-web01": "a/i-web01", "数据库": "b/i-db", "b/i-both": "b/i-both", "a/i-both": "a/i-both",
		"前置":                              `more than one resource is "前置": write one of | a/i-web01, 前置, 甲局 | a/i-web02, 前置`,
		"i-both":                          `more than one resource is "i-both": write one of | a/i-both | b/i-both`,
		"i-wbe01":                         `there is no resource "i-wbe01": is it one of these? | i-web01, 前置 | i-web02, 前置`,
		"WEB02":                           `there is no resource "WEB02": is it one of these? | i-web02, 前置`,
		"quite something else altogether": `there is no resource "quite something else altogether": ids and names are in the appendix of the report`,
	} {
		r, err := d.Find([]string{"a", "b"}, name)
		got := r.Cloud + "/" + r.ID
		if err != nil {
			var none *NoResourceError
			if !errors.As(err, &none) {
				t.Fatal(err)
			}
			_, got, _ = strings.Cut(strings.ReplaceAll(err.Error(), "\n  ", " | "), " | ")
			got = strings.TrimPrefix(got, "| ")
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if _, err := d.Find([]string{"c"}, "i-db"); !errors.Is(err, ErrNothing) {
		t.Errorf("of a cloud that nothing was read of: %v", err)
	}
}
