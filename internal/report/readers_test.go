package report

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/recommender"
)

// TestTrouble holds what a reader is told of a problem while reading, in the
// language of the document, with what the source said beside it.
func TestTrouble(t *testing.T) {
	const bilingual = "call X: Forbidden.RAM: not authorized → 请给子账号授权 | grant the RAM user"
	cases := []struct {
		name   string
		class  cloud.Availability
		code   string
		said   string
		zh, en string
	}{
		{"no agent, told by class", cloud.NoAgent, "", "no agent there",
			"主机内未运行云监控插件，内存等指标缺失；请安装或启动插件（原文：no agent there）", "no agent there"},
		{"a code of our own comes before the class", cloud.Failed, "transport", "no answer in time",
			"网络不通或应答超时；请核查到云平台接口的网络（原文：no answer in time）", "no answer in time"},
		{"advice in both languages is told in one", cloud.NoPermission, "Forbidden.RAM", bilingual,
			"请给子账号授权（原文：call X: Forbidden.RAM: not authorized）", "call X: Forbidden.RAM: not authorized → grant the RAM user"},
		{"what is Chinese already needs no translation", cloud.NoPermission, "", "账号无权读取", "账号无权读取", "账号无权读取"},
		{"nothing said leaves the advice alone", cloud.NoAgent, "", "", "主机内未运行云监控插件，内存等指标缺失；请安装或启动插件", ""},
		{"an unknown class keeps the words of the source", "new", "", "odd", "odd", "odd"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for lang, want := range map[Lang]string{ZH: c.zh, EN: c.en} {
				if got := (builder{p: prose{lang: lang}}).trouble(c.class, c.code, c.said); got != want {
					t.Errorf("%s: got %q, want %q", lang, got, want)
				}
			}
		})
	}
}

// TestMoneyBoundByContract says beside the headline saving how much of it no
// contract lets come yet.
func TestMoneyBoundByContract(t *testing.T) {
	r := rich(t)
	d, err := build(r, ZH)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(d.headline, ""), "其中 1.43万元（1 项）受合同期限制") {
		t.Error("the headline does not say what a contract holds back")
	}
	var got weeklyJSON
	if err := json.Unmarshal([]byte(render(t, r, JSON, ZH)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Saving.Later.String() != "14256.50" {
		t.Errorf("held back by contracts: got %s, want 14256.50", got.Saving.Later)
	}
	today := r.Audit.AsOf.In(r.Location).Format(time.DateOnly)
	if bound(r, recommender.Recommendation{SavingFrom: today}) {
		t.Error("a saving that begins on the day of the audit is not held back")
	}
	if !bound(r, recommender.Recommendation{SavingFrom: "9999-12-31"}) || !bound(r, recommender.Recommendation{SavingNote: recommender.NotePrepaid}) {
		t.Error("a running contract holds the saving back")
	}
}

// TestReleaseTellsStorage: the disks of a machine are part of its saving, so
// its release names them.
func TestReleaseTellsStorage(t *testing.T) {
	x := recommender.Recommendation{
		Kind: cloud.Instance, Action: recommender.Release,
		Current: recommender.Spec{VCPU: 2, MemoryGiB: 4, StorageGiB: 3060},
	}
	b := builder{p: prose{lang: ZH}}
	if got, want := b.sizes(x), "2核4GB + 3,060GB存储"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := b.proposal(x), "建议释放该云主机及所挂云盘（2核4GB + 3,060GB存储）"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	x.Current.StorageGiB = 0 // not known
	if got, want := b.proposal(x), "建议释放该云主机（2核4GB）"; got != want {
		t.Errorf("storage unknown: got %q, want %q", got, want)
	}
}

// TestShareOfDays: a reason on the days of a window carries the day that just
// decides, and says on how many days it has to hold.
func TestShareOfDays(t *testing.T) {
	c := policies.Condition{Metric: policies.NetworkBPS, Statistic: "day_volume", Op: "<=", Limit: 5e6, Unit: cloud.BytesPerDay, ShareOfDays: 0.9}
	p := prose{lang: ZH, pack: policies.Pack{Rules: []policies.Rule{{ID: "idle", When: []policies.Condition{c}}}}}
	value, limit := 2.5e6, 5e6
	r := analyzer.Reason{Code: "network_day_volume_at_most", Metric: policies.NetworkBPS, Statistic: "day_volume", Value: &value, Limit: &limit, Unit: cloud.BytesPerDay}
	if got, want := p.reason(r), "网络日流量为2.5 MB/天（不超过5 MB/天，按90%的天数计）"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	other := 6e6
	r.Limit = &other
	if got := p.reason(r); strings.Contains(got, "90%") {
		t.Errorf("a limit of no condition on days: got %q", got)
	}
}

// TestOrder: the tightest machine first, refusals by how often their reason
// occurs and then by department.
func TestOrder(t *testing.T) {
	f, err := gather(rich(t))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(f.tight, func(a, b analyzer.Finding) int {
		if excess(a) > excess(b) {
			return -1
		}
		return 1
	}) {
		t.Error("tight machines are not in the order of their excess")
	}
	low, high, limit := 81.0, 97.0, 80.0
	a := analyzer.Finding{Reasons: []analyzer.Reason{{Value: &low, Limit: &limit}}}
	b := analyzer.Finding{Reasons: []analyzer.Reason{{Value: &high, Limit: &limit}}}
	if excess(a) >= excess(b) || excess(analyzer.Finding{}) != 0 {
		t.Error("excess does not order by how far a limit is broken")
	}
}

// TestLongNamesStayShort: a name without end takes three lines of a text
// report, the last with an ellipsis; three lines are kept whole.
func TestLongNamesStayShort(t *testing.T) {
	three := []string{"aa", "bb", "cc"}
	if got := few(three, 2); !slices.Equal(got, three) {
		t.Errorf("three lines: got %q", got)
	}
	if got, want := few([]string{"aa", "bb", "cc", "dd"}, 2), []string{"aa", "bb", "c…"}; !slices.Equal(got, want) {
		t.Errorf("four lines: got %q, want %q", got, want)
	}
}

// TestStorageUnknownIsNotZero: releasing machines of which nobody told the
// storage frees an unknown amount of it, in every table that sums it up.
func TestStorageUnknownIsNotZero(t *testing.T) {
	r := rich(t)
	r.Audit.Recommendations = slices.Clone(r.Audit.Recommendations)
	for i := range r.Audit.Recommendations {
		x := &r.Audit.Recommendations[i]
		x.Current.StorageGiB = 0
		if x.Target != nil {
			target := *x.Target
			target.StorageGiB = 0
			x.Target = &target
		}
	}
	d, err := build(r, EN)
	if err != nil {
		t.Fatal(err)
	}
	column := func(x table) int {
		return slices.IndexFunc(x.columns, func(c column) bool { return c.title == english[msgFreedStorage] })
	}
	departments := d.sections[0].tables[0]
	for _, x := range []table{d.appendix, departments} {
		if got := x.total[column(x)]; got.raw != "" {
			t.Errorf("%s: the total of unknown sizes is %q", x.id, got.raw)
		}
	}
	if !unsized(recommender.Recommendation{Kind: cloud.Disk}) || unsized(recommender.Recommendation{Kind: cloud.EIP}) {
		t.Error("a disk has a size, an address has none")
	}
}

// TestAddressesAreBound: of an address people say bound, of a disk attached.
func TestAddressesAreBound(t *testing.T) {
	value, limit := 9.0, 7.0
	r := analyzer.Reason{Code: analyzer.CodeUnattachedDays, Statistic: policies.DaysUnattached, Detail: "since_detached", Value: &value, Limit: &limit, Unit: cloud.Days}
	for kind, want := range map[cloud.Kind]string{
		cloud.EIP:  "自解绑起已有9天未绑定（规则要求至少7天）",
		cloud.Disk: "自卸载起已有9天未挂载（规则要求至少7天）",
	} {
		if got := (prose{lang: ZH}).of(kind).reason(r); got != want {
			t.Errorf("%s: got %q, want %q", kind, got, want)
		}
	}
}

// TestCoverageNotLookedAt: a verdict that fell before coverage was computed
// (a machine too young) has an unknown coverage, not one of 0 %.
func TestCoverageNotLookedAt(t *testing.T) {
	f := analyzer.Finding{Evidence: []analyzer.Evidence{{Metric: cloud.CPUPercent, Samples: 100}}}
	if got := (prose{lang: ZH}).covered(f); got.raw != "" {
		t.Errorf("coverage: got %q, want unknown", got.raw)
	}
	if got := strings.Join((builder{p: prose{lang: ZH}}).grounds(f, nil), ""); strings.Contains(got, "覆盖率") {
		t.Errorf("got %q", got)
	}
	f.Coverage = f64(0.5)
	if got := (prose{lang: ZH}).covered(f); got.raw != "50" {
		t.Errorf("coverage: got %q, want 50", got.raw)
	}
}
