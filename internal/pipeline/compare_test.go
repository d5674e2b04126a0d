package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
)

// A comparison is that of two audits, though it reads the history once for both
// of their windows, and it stores nothing. The machine was resized within the
// longer window and before the shorter one, and was off for two days of both.
func TestCompareIsTwoAuditsAndStoresNone(t *testing.T) {
	d, m := open(t), running()
	m.on = []cloud.Window{{From: monday.AddDate(0, 0, -60), To: monday.AddDate(0, 0, -4)}, {From: monday.AddDate(0, 0, -2), To: monday.AddDate(0, 0, 1)}}
	m.resource.VCPU = 16
	look(t, d, m, monday.AddDate(0, 0, -20))
	m.resource.VCPU = 8
	look(t, d, m, monday.AddDate(0, 0, -18))
	m.resource.Status = cloud.PoweredOff
	look(t, d, m, monday.AddDate(0, 0, -4))
	m.resource.Status = cloud.Running
	look(t, d, m, monday.AddDate(0, 0, -2))
	look(t, d, m, monday)

	long, _ := policies.ByID(policies.DefaultID)
	short, _ := policies.ByID("aws-ta-14d")
	if long.Window == short.Window {
		t.Fatal("the packs are of one window")
	}
	o := AuditOptions{Clouds: []string{"a"}, Pack: long, Book: price.Example(), Now: monday, Location: time.UTC}
	progress := 0
	o.Progress = func(done, total int) { progress = max(progress, done*100/total) }
	got, err := d.Compare(context.Background(), o, short, nil)
	if err != nil {
		t.Fatal(err)
	}
	if progress != 100 {
		t.Errorf("progress ended at %d %%", progress)
	}
	if times, err := d.State.AuditTimes(); err != nil || len(times) > 0 {
		t.Fatalf("audits stored: %v, %v", times, err)
	}
	a, err := d.Audit(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.Pack = short
	b, err := d.Audit(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(a.Findings[0].Flags, analyzer.Resized) || slices.Contains(b.Findings[0].Flags, analyzer.Resized) {
		t.Fatalf("resized within both windows or neither: %v, %v", a.Findings[0].Flags, b.Findings[0].Flags)
	}
	want := audit.Compare(a, b, []cloud.Resource{m.resource}, nil)
	if len(want.Switched) != 1 {
		t.Fatalf("%d switched, want the machine: %s, %s", len(want.Switched), a.Findings[0].Verdict, b.Findings[0].Verdict)
	}
	texts := [2]string{}
	for i, c := range []audit.Comparison{want, got} {
		text, err := json.MarshalIndent(c, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	if diff := cmp.Diff(texts[0], texts[1]); diff != "" {
		t.Errorf("(-two audits +at once):\n%s", diff)
	}
}

func TestCompareOfNothingSaysWhatToDo(t *testing.T) {
	if _, err := open(t).Compare(context.Background(), AuditOptions{Clouds: []string{"a"}, Now: monday, Location: time.UTC}, policies.Pack{}, nil); !errors.Is(err, ErrNothing) {
		t.Errorf("%v, want %v", err, ErrNothing)
	}
}
