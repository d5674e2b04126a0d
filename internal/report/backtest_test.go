package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yunjian/backtest"
)

func replayedAt(day int, harm, saving float64) backtest.Result {
	stated, precision := 0.012, 0.975
	at := time.Date(2026, 11, day, 0, 0, 0, 0, time.FixedZone("", 8*3600))
	return backtest.Result{
		DecideAt: at, HorizonEnd: at.AddDate(0, 0, 10), Instances: 366,
		Rules: []backtest.RuleResult{
			{Rule: "yunjian", Parameters: map[string]float64{"budget": 0.0025}, Acted: 90, SavingFraction: saving, HarmedFraction: harm, Harmed: 3, PredictedHarmFraction: &stated},
			{Rule: "krr-simple", Acted: 267, SavingFraction: 0.395, HarmedFraction: 0.068, Harmed: 25, Abstained: 7},
			{Rule: "kubernetes-vpa", Acted: 299, SavingFraction: 0.477, HarmedFraction: 0.4, Harmed: 146, Abstained: 7},
			{Rule: "keeps-everything"},
			{Rule: "azure-advisor-shutdown", Abstained: 7, Release: &backtest.ReleaseResult{Named: 40, Precision: &precision}},
		},
	}
}

func TestBacktest(t *testing.T) {
	var got bytes.Buffer
	if err := WriteBacktest(&got, []backtest.Result{replayedAt(9, 0.004, 0.28), replayedAt(13, 0.008, 0.32)}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "backtest.txt")
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
}

func TestBacktestOfNothingSaysWhatToDo(t *testing.T) {
	var got bytes.Buffer
	if err := WriteBacktest(&got, []backtest.Result{{}, {}}); err != nil || strings.Count(got.String(), "choose an instant with data before and after it") != 2 {
		t.Errorf("%v\n%s", err, got.String())
	}
}
