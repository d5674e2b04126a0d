package report

import (
	"bytes"
	"strings"
	"testing"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/recommender"
)

// Each piece of advice tells its own risk: an upsize has none, whatever stands beside it,
// and only sizes and releases of instances count in the budget.
func TestRiskOfEachAdvice(t *testing.T) {
	wider := recommender.Recommendation{
		ResourceID: "i-derived01", Kind: cloud.Instance, Action: recommender.Upsize, Current: recommender.Spec{VCPU: 8, MemoryGiB: 32},
		Target: &recommender.Spec{VCPU: 16, MemoryGiB: 64}, Risk: recommender.Risk{Grade: "A"}, SavingKnown: true,
	}
	storage := recommender.Recommendation{
		ResourceID: "i-derived01", Kind: cloud.Instance, Action: recommender.Downsize, Current: recommender.Spec{VCPU: 8, MemoryGiB: 32, StorageGiB: 200},
		Target: &recommender.Spec{VCPU: 8, MemoryGiB: 32, StorageGiB: 100}, Risk: recommender.Risk{Grade: "C", HarmProbability: 0.0426, Prior: true, Parts: []recommender.Working{
			{Metric: cloud.DiskPercent, Size: 100, Probability: 0.0425, Tallied: &recommender.Tallied{HighestP98: 12, Margin: 4.17, AtLeast: 4, Exceeded: 8, Compared: 336}},
		}},
	}
	first := stopped(t, "i-derived01", "示例-推导", "", recommender.NoteBillingUnknown)
	untried := first
	untried.Risk = recommender.Risk{HarmProbability: 0.9098, Grade: "D", Prior: true}
	for name, c := range map[string]struct {
		advice, stop *recommender.Recommendation
		has, hasNot  []string
	}{
		"upsize and stop": {&wider, &first, []string{"风险 —：扩容", "所见760小时中醒来2小时", "依据最近8周", "100 个主机周中醒来 3 个", "=BETA.INV(0.95,4,97) 即 7.571%", "不在策略的风险预算内", "节约金额未知；价目表未说明停机是否计费"}, []string{"0.0%", "计入策略的风险预算", "等级A，", "价目表缺少该资源的价格"}},
		"a stop alone":    {nil, &untried, []string{"=BETA.INV(0.95,13,4)", "16 个主机周中醒来 12 个", "不在策略的风险预算内"}, []string{"计入策略的风险预算"}},
		"storage":         {&storage, nil, []string{"336 台中后来不够用 8 台", "=BETA.INV(0.95,9,328)", "不在策略的风险预算内"}, []string{"台云主机的历史得出", "计入策略的风险预算"}},
	} {
		e, pack, _ := derived(t, func(*analyzer.Input) {})
		e.Recommendation, e.Stop = c.advice, c.stop
		var out bytes.Buffer
		if err := WriteDerivation(&out, e, pack, shanghai, ZH); err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(strings.ReplaceAll(out.String(), "\n", ""), " ", "")
		for _, want := range c.has {
			if !strings.Contains(got, strings.ReplaceAll(want, " ", "")) {
				t.Errorf("%s: no %q in:\n%s", name, want, out.String())
			}
		}
		_, risk, _ := strings.Cut(got, "风险与确认")
		for _, no := range c.hasNot {
			if strings.Contains(risk, strings.ReplaceAll(no, " ", "")) || no == "价目表缺少该资源的价格" && strings.Contains(got, no) {
				t.Errorf("%s: %q in:\n%s", name, no, out.String())
			}
		}
	}
}
