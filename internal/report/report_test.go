package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
)

func render(t *testing.T, r Weekly, f Format, l Lang) string {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, r, f, l); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var verb = regexp.MustCompile(`%(\[\d\])?[a-z]`)

// TestCatalogueComplete holds the two catalogues to each other.
func TestCatalogueComplete(t *testing.T) {
	for m := msg(0); m < msgEnd; m++ {
		zh, en := chinese[m], english[m]
		if zh == "" || en == "" {
			t.Errorf("message %d: zh %q, en %q: want both", m, zh, en)
		}
		if len(verb.FindAllString(zh, -1)) != len(verb.FindAllString(en, -1)) {
			t.Errorf("message %d takes other arguments in zh %q than in en %q", m, zh, en)
		}
		a, b := placeholder.FindAllString(zh, -1), placeholder.FindAllString(en, -1)
		slices.Sort(a)
		slices.Sort(b)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("message %d: placeholders differ (-zh +en):\n%s", m, diff)
		}
	}
	if len(chinese) != int(msgEnd) || len(english) != int(msgEnd) {
		t.Errorf("%d messages in zh, %d in en, want %d", len(chinese), len(english), msgEnd)
	}
}

// TestCodesHaveWords holds the tables of words to the codes that the judging
// packages give.
func TestCodesHaveWords(t *testing.T) {
	for _, c := range analyzer.FixedCodes() {
		if _, ok := reasonNames[c]; !ok {
			t.Errorf("reason %s has no words", c)
		}
	}
	for _, f := range analyzer.Flags() {
		if _, ok := flagNames[f]; !ok {
			t.Errorf("flag %s has no words", f)
		}
	}
	for _, v := range analyzer.Verdicts() {
		if _, ok := verdictNames[v]; !ok {
			t.Errorf("verdict %s has no words", v)
		}
	}
	for _, m := range policies.Metrics() {
		if _, ok := metricNames[m]; !ok {
			t.Errorf("metric %s has no words", m)
		}
	}
	for _, s := range policies.Statistics() {
		if _, ok := statisticNames[s.ID]; !ok {
			t.Errorf("statistic %s has no words", s.ID)
		}
	}
	for _, k := range cloud.Kinds() {
		if _, ok := kindNames[k]; !ok {
			t.Errorf("kind %s has no words", k)
		}
		for _, fact := range policies.Facts(k) {
			if _, ok := statisticNames[fact]; !ok {
				t.Errorf("fact %s has no words", fact)
			}
		}
	}
	for _, c := range classes() {
		if _, ok := classAdvice[c]; !ok {
			t.Errorf("class %s has no advice", c)
		}
	}
}

func TestReasons(t *testing.T) {
	zh, en := prose{lang: ZH, loc: shanghai, pack: testPack()}, prose{lang: EN, loc: shanghai, pack: testPack()}
	for _, c := range []struct {
		name   string
		r      analyzer.Reason
		zh, en string
	}{
		{"comparison that holds", compared(cloud.CPUPercent, "p95", "<", 1.2, 5), "CPU P95为1.2%（低于5%）", "CPU P95 is 1.2% (below 5%)"},
		{"comparison that does not hold", compared(cloud.MemoryPercent, "mean", "<", 58, 30), "内存均值为58.0%（不低于30%）", "memory mean is 58.0% (at least 30%)"},
		{"value just below the limit never looks equal to it", compared(cloud.CPUPercent, "p95", "<", 4.9996, 5), "CPU P95为4.9996%（低于5%）", "CPU P95 is 4.9996% (below 5%)"},
		{"value equal to the limit is not below", compared(cloud.CPUPercent, "p95", "<", 5, 5), "CPU P95为5.0%（不低于5%）", "CPU P95 is 5.0% (at least 5%)"},
		{"little is not none", compared(cloud.MemoryPercent, "p95", "<", 0.03, 30), "内存P95为<0.1%（低于30%）", "memory P95 is <0.1% (below 30%)"},
		{"measured zero is zero", compared(cloud.MemoryPercent, "p95", "<", 0, 30), "内存P95为0.0%（低于30%）", "memory P95 is 0.0% (below 30%)"},
		{"fact", analyzer.Reason{Code: "storage_gib_at_least", Statistic: policies.FactStorageGiB, Value: f64(1000), Limit: f64(200), Unit: cloud.GiB}, "存储容量为1,000GB（不低于200GB）", "storage size is 1,000 GB (at least 200 GB)"},
		{"rule's id becomes its name", analyzer.Reason{Code: analyzer.CodeMemoryNoAgent, Metric: cloud.MemoryPercent, Detail: "low"}, "监控插件未运行，内存未知，规则“低效”无法判定", "the agent is not running, memory unknown; rule “underused” undecided"},
		{"detail that is no rule leaves no half sentence", analyzer.Reason{Code: analyzer.CodeNoPermission, Metric: cloud.CPUPercent, Detail: "Forbidden"}, "无权读取CPU", "no permission to read CPU"},
		{"missing value is left out, not zero", analyzer.Reason{Code: analyzer.CodePoweredOffDays, Statistic: policies.DaysOff, Limit: f64(30), Unit: cloud.Days}, "已关机（规则要求至少30天）", "powered off (the rule asks for at least 30 days)"},
		{"running machine is not said to be off", analyzer.Reason{Code: analyzer.CodePoweredOffDays, Statistic: policies.DaysOff, Limit: f64(30), Unit: cloud.Days, Detail: "running"}, "并未关机", "not powered off"},
		{"withheld CPU", analyzer.Reason{Code: recommender.CodeCPUWithheld, Metric: cloud.StealPercent, Statistic: "p95", Value: f64(5.01), Limit: f64(5), Unit: cloud.Percent},
			"CPU被抢占率P95为5.01%，超过5%：宿主机未给足CPU，所见用量低于需求，不据此缩减CPU或释放",
			"CPU steal P95 was 5.01%, above 5%: the hypervisor withheld CPU, so it used less than it wanted, and from that no CPU is made smaller and nothing released"},
		{"capped CPU", analyzer.Reason{Code: recommender.CodeCPUCapped, Metric: cloud.CPUPercent, Statistic: "sample", Value: f64(0.25), Limit: f64(0.1), Unit: cloud.Ratio, Detail: "20.3"},
			"突发性能实例，CPU采样堆积在最高值（20.3%）附近，占25.0%（至少10%即视为封顶），像是积分已用尽，需求可能更高：请查看CPU积分余额，查明之前不缩减CPU",
			"a burstable machine whose CPU samples pile up at their maximum of 20.3%, 25.0% of them (at least 10% counts as a cap), as if its credits were spent and more wanted; look at its credit balance, and until then its CPU is not made smaller"},
		{"withheld CPU of several machines", inGeneral([]analyzer.Reason{{Code: recommender.CodeCPUWithheld, Metric: cloud.StealPercent, Statistic: "p95", Value: f64(5.01), Limit: f64(5), Unit: cloud.Percent}})[0],
			"CPU被抢占率P95超过5%：宿主机未给足CPU，所见用量低于需求，不据此缩减CPU或释放",
			"CPU steal P95 was above 5%: the hypervisor withheld CPU, so it used less than it wanted, and from that no CPU is made smaller and nothing released"},
		{"unknown code keeps its numbers", analyzer.Reason{Code: "code_of_tomorrow", Metric: cloud.CPUPercent, Statistic: "p97", Value: f64(3), Limit: f64(4), Unit: cloud.Percent, Detail: "x"}, "code_of_tomorrow（CPU p97、值 3.0%、限值 4%、x）", "code_of_tomorrow (CPU p97, value 3.0%, limit 4%, x)"},
		{"unknown code without anything", analyzer.Reason{Code: "bare"}, "bare", "bare"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := zh.reason(c.r); got != c.zh {
				t.Errorf("zh = %q, want %q", got, c.zh)
			}
			if got := en.reason(c.r); got != c.en {
				t.Errorf("en = %q, want %q", got, c.en)
			}
		})
	}
}

func TestPlurals(t *testing.T) {
	for _, c := range []struct {
		message string
		args    []any
		want    string
	}{
		{"%d resource(s) of %d listing(s)", []any{1, 2}, "1 resource of 2 listings"},
		{"%s day(s)", []any{"1"}, "1 day"},
		{"%s day(s)", []any{"1.5"}, "1.5 days"},
		{"%d day(s)", []any{0}, "0 days"},
		{"of %d machine(s), %d later", []any{1, 0}, "of 1 machine, 0 later"},
	} {
		if got := plurals(c.message, c.args); got != c.want {
			t.Errorf("%q %v = %q, want %q", c.message, c.args, got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	if _, err := ParseFormat("pdf"); err == nil || !strings.Contains(err.Error(), "text html xlsx csv json") {
		t.Errorf("format pdf: %v, want an error that lists the formats", err)
	}
	if _, err := ParseLang("fr"); err == nil || !strings.Contains(err.Error(), "zh en") {
		t.Errorf("language fr: %v, want an error that lists the languages", err)
	}
	if err := Write(io.Discard, empty(), "pdf", ZH); err == nil {
		t.Error("writing format pdf did not fail")
	}
	if err := Write(io.Discard, empty(), Text, "fr"); err == nil {
		t.Error("writing language fr did not fail")
	}
}

func TestCurrenciesAreNeverAdded(t *testing.T) {
	r := rich(t)
	r.Audit.Recommendations = slices.Clone(r.Audit.Recommendations)
	r.Audit.Recommendations[1].Currency = "USD"
	if err := Write(io.Discard, r, Text, ZH); err == nil || !strings.Contains(err.Error(), "currencies differ") {
		t.Errorf("two currencies: %v, want a refusal", err)
	}
}

// TestPageAsksForNothing holds the page to its Content-Security-Policy: no
// script, no request.
func TestPageAsksForNothing(t *testing.T) {
	page := render(t, rich(t), HTML, ZH)
	for _, bad := range []string{"<script", "<link", "<img", "<iframe", "@import", "url(", " onload=", "javascript:", "src="} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		id, ok := strings.CutPrefix(m[1], "#")
		if !ok {
			t.Errorf("link leaves the page: %s", m[1])
		} else if !strings.Contains(page, `id="`+id+`"`) {
			t.Errorf("link to #%s leads nowhere", id)
		}
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Error("the template engine refused a value")
	}
}

func TestNamesAreEscaped(t *testing.T) {
	r := rich(t)
	evil := "<b onclick=x>\u202eabc\x1b[31m\nd"
	r.Inventories[0].Resources[0].Name = evil
	page := render(t, r, HTML, EN)
	if strings.Contains(page, "<b onclick") {
		t.Error("markup in a name reached the page")
	}
	for _, f := range []Format{Text, HTML, CSV} {
		if out := render(t, r, f, EN); strings.ContainsAny(out, "\u202e\x1b") {
			t.Errorf("%s: a control character of a name got through", f)
		}
	}
}

// TestTextFits holds every line of a text report to its width.
func TestTextFits(t *testing.T) {
	for name, r := range map[string]Weekly{"rich": rich(t), "empty": empty()} {
		for _, l := range Langs() {
			for i, s := range strings.Split(render(t, r, Text, l), "\n") {
				if w := cond.StringWidth(s); w > textWidth {
					t.Errorf("%s %s line %d is %d columns wide: %s", name, l, i+1, w, s)
				}
			}
		}
	}
}

// TestUnknownIsNeverZero looks at a report in which nothing could be measured
// and nothing has a price.
func TestUnknownIsNeverZero(t *testing.T) {
	r := rich(t)
	r.Audit.Recommendations = slices.Clone(r.Audit.Recommendations)
	for i := range r.Audit.Recommendations {
		r.Audit.Recommendations[i].SavingKnown = false
	}
	r.Audit.Findings = slices.Clone(r.Audit.Findings)
	for i := range r.Audit.Findings {
		r.Audit.Findings[i].Evidence = nil
	}
	d, err := build(r, EN)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range d.tiles[3:] {
		if x.value != "unknown" {
			t.Errorf("tile %s shows %q, want unknown", x.label, x.value)
		}
	}
	if got := d.headline[0]; strings.Contains(got, "saving") {
		t.Errorf("headline %q tells a saving that nobody knows", got)
	}
	for _, row := range d.appendix.rows {
		for i, c := range d.appendix.columns {
			if c.kind == money && row[i].raw != "" || c.title == "CPU P95" && row[i].raw != "" {
				t.Errorf("column %s shows %q for an unknown", c.title, row[i].raw)
			}
		}
	}
}

func TestCSV(t *testing.T) {
	out := render(t, rich(t), CSV, ZH)
	body, ok := strings.CutPrefix(out, "\ufeff")
	if !ok {
		t.Fatal("no byte order mark")
	}
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+9 {
		t.Fatalf("%d rows, want a header and 9 recommendations", len(rows))
	}
	for _, row := range rows {
		for _, s := range row {
			if s != "" && strings.ContainsAny(s[:1], "=+-@\t\r") {
				t.Errorf("cell %q would be run as a formula", s)
			}
		}
	}
	saving := slices.Index(rows[0], "预估年化节约（元）")
	if got := []string{rows[1][saving], rows[8][saving]}; !slices.Equal(got, []string{"31824.00", ""}) {
		t.Errorf("savings %q, want a plain number, and nothing where unknown", got)
	}
}

func TestNeutral(t *testing.T) {
	for s, want := range map[string]string{
		"=1+1": "'=1+1", "+x": "'+x", "-x": "'-x", "@x": "'@x", "\t=1": "'\t=1", "\rx": "'\rx", " =1": "' =1", "＝1": "'＝1", "\"=1": "'\"=1",
		"a=1": "a=1", "": "", "—": "—", "12": "12",
	} {
		if got := neutral(s); got != want {
			t.Errorf("neutral(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	var doc struct {
		Week  struct{ ID, From, To string }
		Audit struct {
			Recommendations []json.RawMessage
		}
		Changes struct {
			New, Continued []string
			Gone           []struct {
				ResourceID string `json:"resource_id"`
				Why        string
			}
		}
		Explanations []json.RawMessage
	}
	if err := json.Unmarshal([]byte(render(t, rich(t), JSON, ZH)), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Week.ID != "2026-W47" || doc.Week.From != "2026-11-16" || doc.Week.To != "2026-11-22" {
		t.Errorf("week %+v", doc.Week)
	}
	why := map[string]string{}
	for _, g := range doc.Changes.Gone {
		why[g.ResourceID] = g.Why
	}
	want := map[string]string{"i-fine10": "judged_otherwise", "i-idle01": "replaced", "i-gone20": "unlisted", "eip-gone21": "unread"}
	if diff := cmp.Diff(want, why); diff != "" {
		t.Errorf("why recommendations went (-want +got):\n%s", diff)
	}
	if len(doc.Changes.New) != 5 || len(doc.Changes.Continued) != 3 {
		t.Errorf("%d new, %d continued; want 5 and 3: advice to grow is not counted", len(doc.Changes.New), len(doc.Changes.Continued))
	}
	if len(doc.Explanations) != 20 {
		t.Errorf("%d explanations, want one a resource", len(doc.Explanations))
	}
}

func TestFirstReport(t *testing.T) {
	r := rich(t)
	r.Previous = nil
	out := render(t, r, Text, ZH)
	if !strings.Contains(out, "首期报告，无上期可比") || strings.Contains(out, "不再建议（上期曾提出）") || strings.Contains(out, "环比") {
		t.Error("a first report must say that there is nothing to compare with, and compare nothing")
	}
}

func TestChangedPricesAreNotCompared(t *testing.T) {
	r := rich(t)
	before := *r.Previous
	before.PriceBook.Version = "0"
	r.Previous = &before
	d, err := build(r, EN)
	if err != nil {
		t.Fatal(err)
	}
	if s := strings.Join(d.headline, " "); !strings.Contains(s, "amounts are not compared") || strings.Contains(s, "saving +") {
		t.Errorf("headline %q compares amounts of two price books", s)
	}
}

func TestThin(t *testing.T) {
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	w := cloud.Window{From: from, To: from.Add(6 * time.Hour)}
	at := func(h float64) int64 { return from.Unix() + int64(h*3600) }
	got := Thin([]cloud.Point{{T: at(-1), V: 99}, {T: at(0), V: 1}, {T: at(1.9), V: 3}, {T: at(2), V: 5}, {T: at(6), V: 99}}, cloud.CPUPercent, w, 2*time.Hour)
	want := []ChartPoint{{T: at(0), Mean: 2, Max: 3}, {T: at(2), Mean: 5, Max: 5}}
	if diff := cmp.Diff(want, got.Points); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPath pins what a path says: steps of a tenth that do not drift, and a
// break where samples are missing.
func TestPath(t *testing.T) {
	same := func(v float64) float64 { return v }
	d := drawing{}
	at := func(t time.Time) float64 { return float64(t.Unix()) / 100 }
	mean, band := d.paths(Chart{Step: 100 * time.Second, Points: []ChartPoint{{T: 0, Mean: 10.54, Max: 30}, {T: 100, Mean: 20.96, Max: 20.96}, {T: 400, Mean: 5, Max: 5}}}, at, same)
	if want := "M.5 10.5l1 10.5M4.5 5l1.5 0"; mean != want {
		t.Errorf("mean = %q, want %q", mean, want)
	}
	if want := "M.5 30l1-9 0 0-1-10.5ZM4.5 5l1.5 0-1.5 0Z"; band != want {
		t.Errorf("band = %q, want %q", band, want)
	}
}

func TestCharted(t *testing.T) {
	r := rich(t)
	if got := Charted(r.Audit); got[0] != "i-idle01" || len(got) != 9 {
		t.Errorf("charted %v, want all nine, greatest saving first", got)
	}
	for range MaxCharted {
		r.Audit.Recommendations = append(r.Audit.Recommendations, recommender.Recommendation{ResourceID: "i-more", Kind: cloud.Instance, Action: recommender.Downsize, Currency: "CNY"})
	}
	if got := Charted(r.Audit); len(got) != MaxCharted {
		t.Errorf("%d charted, want %d", len(got), MaxCharted)
	}
	if out := render(t, r, HTML, EN); !strings.Contains(out, "9 more recommendations without a case of their own") {
		t.Error("the page does not say what it left out")
	}
}

// TestCapacityLine pins the proposed size in percent of the current one.
func TestCapacityLine(t *testing.T) {
	d, err := build(rich(t), ZH)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(d.details, func(x detail) bool { return strings.Contains(x.title, "i-big02") })
	got := d.details[i].charts[0].lines
	want := []line{{at: 20, label: "P95阈值 20%"}, {at: 50, label: "建议规格 4核16GB 的容量 50.0%", capacity: true}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(line{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWrap: no line is too wide, and nothing but blanks is lost.
func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.SampledFrom([]rune("ab 云鉴，。（）“”%1"))).Draw(t, "text")
		width := rapid.IntRange(8, 40).Draw(t, "width")
		lines := wrap(s, width)
		for _, l := range lines {
			if cond.StringWidth(l) > width {
				t.Fatalf("line %q is wider than %d", l, width)
			}
		}
		squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if got := squeeze(strings.Join(lines, "")); got != squeeze(s) {
			t.Fatalf("wrapped %q to %q", s, lines)
		}
	})
}

func TestGroup(t *testing.T) {
	for s, want := range map[string]string{"0": "0", "999": "999", "1000": "1,000", "-1234567.80": "-1,234,567.80", "12345.00": "12,345.00"} {
		if got := group(s); got != want {
			t.Errorf("group(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestPricing(t *testing.T) {
	line := func(what price.What, of, quantity, unit, discount string) price.Line {
		return price.Line{
			What: what, Of: of, Per: price.PerMonth, Quantity: decimal.RequireFromString(quantity),
			UnitPrice: decimal.RequireFromString(unit), Discount: decimal.RequireFromString(discount),
		}
	}
	x := recommender.Recommendation{Pricing: &recommender.Pricing{
		Current: []price.Line{line(price.VCPU, "", "8", "60", "1"), line(price.Storage, "cloud_essd", "200", "1.19", "0.9")},
		Target:  []price.Line{line(price.VCPU, "", "4", "60", "1")},
	}}
	for lang, want := range map[Lang]string{
		ZH: "现：核 8×60/月 + 存储GB cloud_essd 200×1.19/月×折扣0.9；拟：核 4×60/月",
		EN: "now: vCPU 8 × 60/month + storage GB cloud_essd 200 × 1.19/month × discount 0.9; proposed: vCPU 4 × 60/month",
	} {
		if got := (prose{lang: lang}).pricing(x); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
	if got := (prose{lang: ZH}).pricing(recommender.Recommendation{}); got != "" {
		t.Errorf("an unknown saving is priced as %q", got)
	}
}

// What a spreadsheet shows of a half, the text says, too.
func TestHalvesAreRoundedAsInSheets(t *testing.T) {
	for _, c := range []struct {
		v      float64
		places int
		want   string
	}{{45.25, 1, "45.3"}, {29.45, 1, "29.5"}, {-0.05, 1, "-0.1"}, {2.5, 0, "3"}, {0.449, 1, "0.4"}, {1e21, 0, "1000000000000000000000"}, {math.NaN(), 1, "NaN"}} {
		if got := fixed(c.v, c.places); got != c.want {
			t.Errorf("%v with %d places: %s, want %s", c.v, c.places, got, c.want)
		}
	}
}
