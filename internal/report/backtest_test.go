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
	stated, precision, recall, hindsight := 0.012, 0.975, 0.5, 0.44
	at := time.Date(2026, 11, day, 0, 0, 0, 0, time.FixedZone("", 8*3600))
	return backtest.Result{
		DecideAt: at, HorizonEnd: at.AddDate(0, 0, 10), Instances: 366, Hindsight: &hindsight,
		Rules: []backtest.RuleResult{
			{Rule: "yunjian", Parameters: map[string]float64{"budget": 0.0025}, Acted: 90, SavingFraction: saving, HarmedFraction: harm, Harmed: 3, PredictedHarmFraction: &stated,
				Release: &backtest.ReleaseResult{Named: 12, Precision: &precision, Recall: &recall}, Flips: &backtest.FlipResult{Advised: 88, Withdrawn: 2}},
			{Rule: "krr-simple", Acted: 267, SavingFraction: 0.395, HarmedFraction: 0.068, Harmed: 25, Abstained: 7, Flips: &backtest.FlipResult{Advised: 260, Withdrawn: 31}},
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

func TestVariations(t *testing.T) {
	var got bytes.Buffer
	varied := []backtest.Varied{
		{Saved: []float64{0.285, 0.407, 0.44}, Harmed: []float64{0.0073, 0.01, 0.0155}, Rivals: 66, Beaten: 54},
		{Variation: backtest.Variation{Told: true}, Saved: []float64{0.285, 0.407, 0.44}, Harmed: []float64{0.0073, 0.01, 0.0155}, Rivals: 66, Beaten: 60},
		{Variation: backtest.Variation{Of: "Ridge", Value: "2"}, Saved: []float64{0.283, 0.409, 0.438}, Harmed: []float64{0.0073, 0.01, 0.0137}},
		{Variation: backtest.Variation{Of: "bound"}, Saved: []float64{0.224, 0.353, 0.444}, Harmed: []float64{0.0128, 0.0182, 0.0255}},
	}
	if err := WriteVariations(&got, varied, 3); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"现状 as it stands", "54/66", "预知 told what came", "60/66", "Ridge = 2", "去掉 without bound", "22.4%", "1.82%"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("no %q in\n%s", want, got.String())
		}
	}
}
