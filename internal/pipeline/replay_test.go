package pipeline

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/backtest"
	"yunjian/cloud"
	"yunjian/collector/bundle"
	"yunjian/internal/estate"
	"yunjian/policies"
)

// replayed replays what d holds with a rule that halves everything.
func replayed(t *testing.T, d *Data, at ...time.Time) []backtest.Result {
	t.Helper()
	pack, _ := policies.ByID(policies.DefaultID)
	halve := backtest.Rule{ID: "halve", Size: func(m *backtest.Machine) (backtest.Size, bool) {
		return backtest.Size{VCPU: m.Resource.VCPU / 2, MemoryGiB: m.Resource.MemoryGiB / 2}, true
	}}
	results, err := d.Backtest(context.Background(), []string{"a"}, BacktestOptions{
		DecideAt: at, Rules: []backtest.Rule{halve}, Pack: pack, Location: time.UTC, Progress: func(int, int) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// A machine that was resized is one machine before and another after: at each
// instant it has the size it had then, and what came at another size does not count.
func TestReplayKnowsSizesOfThen(t *testing.T) {
	d, m := open(t), running()
	m.on[0].From = monday.AddDate(0, 0, -40)
	resized := monday.AddDate(0, 0, -10)
	look(t, d, m, monday.AddDate(0, 0, -30))
	m.resource.VCPU, m.resource.MemoryGiB, m.resource.ResizedAt = 4, 16, resized
	look(t, d, m, resized.Add(time.Hour))
	m.on[0].To = monday
	look(t, d, m, monday)
	for _, c := range []struct {
		name    string
		at      time.Time
		counted int
		freed   int
	}{
		{"before the resize, its old size for more than half of the time", monday.AddDate(0, 0, -30), 1, 4},
		{"for just half of the time", monday.AddDate(0, 0, -20), 1, 4},
		{"for less than half", monday.AddDate(0, 0, -19), 0, 0},
		{"after it, the new size", monday.AddDate(0, 0, -7), 1, 2},
	} {
		r := replayed(t, d, c.at)[0]
		freed := 0
		for _, x := range r.Rules {
			freed += x.ReleasedVCPU
		}
		if r.Instances != c.counted || freed != c.freed {
			t.Errorf("%s: %d scored, %d vCPU freed; want %d, %d", c.name, r.Instances, freed, c.counted, c.freed)
		}
	}
}

// A machine of which only the present size is known is no machine before that.
func TestReplayLeavesOutUnknownSizes(t *testing.T) {
	d, m := open(t), running()
	m.on[0].From = monday.AddDate(0, 0, -40)
	m.resource.ResizedAt = monday.AddDate(0, 0, -8)
	look(t, d, m, monday)
	for days, want := range map[int]int{20: 0, 7: 1} {
		if r := replayed(t, d, monday.AddDate(0, 0, -days))[0]; r.Instances != want {
			t.Errorf("%d days before the end: %d instances, want %d", days, r.Instances, want)
		}
	}
}

// What was released since took part when it was there; what ran before it was
// switched off does not count while it is off.
func TestReplayOfWhatIsGoneOrOff(t *testing.T) {
	d, m := open(t), running()
	m.on[0].From, m.on[0].To = monday.AddDate(0, 0, -40), monday.AddDate(0, 0, -4)
	look(t, d, m, monday.AddDate(0, 0, -4))
	m.gone = true
	other := running()
	other.resource.ID = "i-2"
	look(t, d, other, monday) // i-1 is not listed any more
	if r := replayed(t, d, monday.AddDate(0, 0, -14))[0]; r.Instances != 2 {
		t.Errorf("%d instances ten days before the release, want 2", r.Instances)
	}
	if r := replayed(t, d, monday.AddDate(0, 0, -7))[0]; r.Instances != 1 {
		t.Errorf("%d instances three days before the release, want the other one", r.Instances)
	}
	other.resource.Status = cloud.PoweredOff
	look(t, d, other, monday.Add(time.Hour))
	lives, err := d.lives([]string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(lives, func(l life) bool { return l.now.ID == "i-2" })
	if i < 0 || len(lives[i].off) != 1 || !lives[i].off[0].From.Equal(monday.Add(time.Hour)) {
		t.Errorf("i-2 is switched off: %+v", lives)
	}
}

// Folding moves samples about and changes no answer.
func TestReplayOfFoldedHistory(t *testing.T) {
	d, m := open(t), running()
	look(t, d, m, monday)
	at := monday.AddDate(0, 0, -20)
	before := replayed(t, d, at)
	if err := d.History.Fold(context.Background(), monday); err != nil {
		t.Fatal(err)
	}
	if after := replayed(t, d, at); before[0].Instances != 1 || after[0].Instances != 1 || before[0].Rules[0].SavingFraction != after[0].Rules[0].SavingFraction {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestReplaySaysWhatIsMissing(t *testing.T) {
	d := open(t)
	pack, _ := policies.ByID(policies.DefaultID)
	o := BacktestOptions{Pack: pack, Location: time.UTC}
	fails := func(want string) {
		t.Helper()
		if _, err := d.Backtest(context.Background(), []string{"a"}, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	fails("nothing is stored yet")
	m := running()
	m.on = nil
	look(t, d, m, monday)
	fails("no samples of instances yet")
	m.on = []cloud.Window{{From: monday.AddDate(0, 0, -16), To: monday}}
	look(t, d, m, monday.Add(time.Minute))
	fails("the samples reach from 2026-")
	o.DecideAt = []time.Time{monday}
	fails("want an instant with at least 3 days before it")
}

// Replayed over the files and over the history that was read from them, rules decide
// and are scored alike, folded or not.
func TestReplayOfFilesAndOfTheirHistory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "est")
	if err := estate.New(estate.Options{Instances: 20, Days: 20, Seed: 7, End: monday}).WriteBundle(dir, nil); err != nil {
		t.Fatal(err)
	}
	forget(t, filepath.Join(dir, "inventory.csv"), "resized_at") // files are taken to have one size throughout
	b, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	pack, _ := policies.ByID(policies.DefaultID)
	o := BacktestOptions{Rules: backtest.Peers(), Budgets: []float64{0.01, 0.05}, Pack: pack, Location: time.UTC}
	want, err := Backtest(t.Context(), b, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(want) != backtest.DefaultInstants || want[0].Instances < 15 || len(want[0].Decisions) == 0 {
		t.Fatalf("a replay of too little: %d results, %+v", len(want), want[0])
	}
	d := open(t)
	if _, err := d.Collect(t.Context(), "a", b.Source("a"), CollectOptions{Metrics: cloud.Metrics(), Now: b.End(), Again: true}); err != nil {
		t.Fatal(err)
	}
	for _, folded := range []bool{false, true} {
		if folded {
			if err := d.History.Fold(t.Context(), b.End()); err != nil {
				t.Fatal(err)
			}
		}
		got, err := d.Backtest(t.Context(), []string{"a"}, o)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("folded %v (-files +history):\n%.2000s", folded, diff)
		}
	}
}

// forget blanks a column of a CSV file.
func forget(t *testing.T, path, column string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(rows[0], column)
	for _, row := range rows[1:] {
		row[at] = ""
	}
	var out bytes.Buffer
	if err := csv.NewWriter(&out).WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
