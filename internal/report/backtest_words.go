package report

import (
	"slices"
	"strings"

	"yunjian/backtest"
)

// replayWords are the words of a replay's page; texts with % take arguments.
type replayWords struct {
	Lang, Title, Lead, LeadNone, Skip, Contents    string
	Covered, CoveredOthers, Uncovered, Beyond, And string
	Beaten                                         string
	Together, Instant, InstantNote, TogetherNote   string
	Empty, ViewsTitle, ViewsLegend                 string
	PlotTitle, PlotHint, PlotLabel, XAxis, YAxis   string
	OwnName, PeerName, SpreadName, Hindsight       string
	SizesTitle, SizesNote, ReleasesTitle           string
	ReleasesNote                                   string
	Rule, Parameters, Saved, Harmed, Stated        string
	Acted, Abstains, VCPU, Memory                  string
	Named, Precision, Recall                       string
	Panel, Budget, None                            string
	CalibrationTitle, CalibrationNote              string
	CalibrationLabel, CalX, CalY, Equal, Half      string
	MeanStated, MeanHarmed, Times                  string
	MethodTitle                                    string
	Method                                         []string
	RulesTitle, RulesNote, Name, Source, Kind      string
	KindSize, KindRelease, KindOwn, Sort, Pick     string
}

var replayChinese = replayWords{
	Lang: "zh-CN", Title: "规则回放", Skip: "跳到图表", Contents: "目录",
	Lead:          "各规则只看某一时刻之前的样本作出决定，再用之后的样本检验：共 %d 个时刻，每次计分 %s 台云主机。",
	LeadNone:      "没有可计分的云主机：换一个前后都有数据的时刻。",
	Covered:       "对每条同类规则，云鉴都有一档预算，省得不少而伤得不多（各时刻平均）。",
	Beaten:        "更严的尺度：受损不多而多省 4 个百分点以上，或省得不少而受损至多一半，云鉴胜过 %d / %d（每条降配规则每个时刻各算一次）。",
	CoveredOthers: "对其余每条同类规则，云鉴都有一档预算，省得不少而伤得不多（各时刻平均）。",
	Uncovered:     "以下规则在云鉴的曲线之上，没有一档预算省得不少而又伤得不多（各时刻平均）：%s。",
	Beyond:        "以下规则省得比云鉴最大的一档预算还多，代价是受损也更多：%s。", And: "、",
	Together: "合看", Instant: "决定于 %s", InstantNote: "决定于 %s，之后 %s 天检验；计分 %d 台云主机（检验期内至少一半时段有样本）。",
	TogetherNote: "%d 个时刻的平均；十字线与括号为最小至最大。一个时刻只是碰一次运气。",
	Empty:        "此时刻没有可计分的云主机。", ViewsTitle: "节省与受损", ViewsLegend: "看哪个时刻",
	PlotTitle: "节省（纵）对受损（横，按平方根）：越靠左上越好",
	PlotHint:  "指向或用 Tab、方向键移到一点看详情；点击或按回车突出一条规则，再按一次取消。",
	PlotLabel: "散点图，横轴受损，纵轴节省；所有数值见下表", XAxis: "受损的云主机", YAxis: "节省的费用",
	OwnName: "云鉴，按风险预算连成曲线", PeerName: "其他产品公开的规则", SpreadName: "各时刻的最小至最大",
	Hindsight:  "事后看来，一台也不伤最多可节省 %s",
	SizesTitle: "降配", SizesNote: "点击表头排序。自估是规则事先说的受损比例，“—”表示它不说。释放的核与内存是降配腾出的。",
	ReleasesTitle: "释放",
	ReleasesNote:  "准确率：指出的云主机中，其后 99.5% 的时间 CPU 不超过 20% 的占比；召回率：其后合乎策略闲置定义的云主机中，被指出的占比。“—”表示没有可算的。",
	Rule:          "规则", Parameters: "参数", Saved: "节省", Harmed: "受损", Stated: "自估", Acted: "改动", Abstains: "不表态", VCPU: "释放 vCPU", Memory: "释放内存 GiB",
	Named: "指出", Precision: "准确率", Recall: "召回率", Panel: "指向图中一点看详情", Budget: "预算 %s", None: "—",
	CalibrationTitle: "说到做到吗：自估与后来的受损",
	CalibrationNote:  "云鉴事先说会有多少受损，后来是多少：点在实线上为恰好，线下为比说的少；虚线是说的一倍半。每点是一个时刻的一档预算。",
	CalibrationLabel: "校准图，横轴自估，纵轴后来的受损；数值见下表", CalX: "事先自估的受损", CalY: "后来的受损", Equal: "恰如所说", Half: "一倍半",
	MeanStated: "平均自估", MeanHarmed: "平均受损", Times: "受损 ÷ 预算",
	MethodTitle: "怎样计分",
	Method: []string{
		"规则只看决定时刻之前的样本。每台云主机它可以保留规格，或选更小的：vCPU 为 1 至 64 的 2 的幂，内存为 0.5 至 512 GiB 的 2 的幂，或任一维保留现值。",
		"需求为样本的 CPU 利用率乘 vCPU、内存利用率乘内存，以现有规格为上限。",
		"节省按每 vCPU 每年 600 元、每 GiB 300 元计，占全部计分云主机费用的比例：只用于规则之间的比较，不是合同价。",
		"受损：在缩小了的维度上，有超过 0.5% 的样本需要多于新规格。占全部计分云主机的比例；没有改动的不会受损。",
		"检验期内至少一半的五分钟时段有 CPU 样本的云主机才计分。回放数据目录时，决定之后变更了规格的只用变更前的样本，关机的时段不计。",
		"同样的数据与时刻，结果逐字节相同。",
	},
	RulesTitle: "规则与出处", RulesNote: "同类规则按公开的定义实现；没有公开的部分在源码中各规则处说明。", Name: "名称", Source: "出处", Kind: "种类",
	KindSize: "降配", KindRelease: "释放", KindOwn: "降配，按预算", Sort: "按此列排序", Pick: "突出此规则",
}

var replayEnglish = replayWords{
	Lang: "en", Title: "Replay of rules", Skip: "Skip to the plot", Contents: "Contents",
	Lead:          "Each rule decides on the samples before an instant and is scored by those after it. Instants: %d; instances scored at each: %s.",
	LeadNone:      "No instance could be scored: choose an instant with data before and after it.",
	Covered:       "For every peer's rule there is a budget at which Yunjian saves no less and harms no more, on the mean of the instants.",
	Beaten:        "By a stricter measure, at no more harm at least 4 points more saved or no less saved at half the harm, Yunjian beats %d / %d (every rule for sizes at every instant).",
	CoveredOthers: "For every other peer's rule there is a budget at which Yunjian saves no less and harms no more, on the mean of the instants.",
	Uncovered:     "These rules lie above Yunjian's curve: no budget of its saves no less and harms no more, on the mean of the instants: %s.",
	Beyond:        "These save more than the largest of Yunjian's budgets, and harm more than it: %s.", And: ", ",
	Together: "Together", Instant: "Decided at %s", InstantNote: "Decided at %s, scored over the %s days after it; %d instances scored (samples in at least half of that time).",
	TogetherNote: "Mean of %d instants; crosses and brackets reach from the least to the greatest. One instant is one draw.",
	Empty:        "No instance could be scored at this instant.", ViewsTitle: "Savings against harm", ViewsLegend: "Which instant",
	PlotTitle: "Saved (up) against harmed (right, by its root): better towards the upper left",
	PlotHint:  "Point at a mark, or reach it with Tab and the arrow keys, to read it; click or press Enter to highlight its rule, again to let go.",
	PlotLabel: "Scatter plot, harmed to the right, saved upwards; all values are in the table below", XAxis: "instances harmed", YAxis: "cost saved",
	OwnName: "Yunjian, its risk budgets joined to a curve", PeerName: "published rules of other products", SpreadName: "least to greatest of the instants",
	Hindsight:  "with hindsight, harming none: %s at most",
	SizesTitle: "Smaller sizes", SizesNote: "Click a heading to sort. Stated is the share of harm that a rule announced; “—” where it says nothing. Cores and memory are what the smaller sizes give back.",
	ReleasesTitle: "Releases",
	ReleasesNote:  "Precision: of the instances named, the share whose CPU stayed at or below 20 % for 99.5 % of the time after; recall: of the instances idle by the policy afterwards, the share that was named. “—” where there is none to count.",
	Rule:          "Rule", Parameters: "Parameters", Saved: "Saved", Harmed: "Harmed", Stated: "Stated", Acted: "Changed", Abstains: "Abstains", VCPU: "vCPU released", Memory: "GiB released",
	Named: "Named", Precision: "Precision", Recall: "Recall", Panel: "Point at a mark to read it", Budget: "budget %s", None: "—",
	CalibrationTitle: "Does it keep its word: harm stated and harm that came",
	CalibrationNote:  "What Yunjian said beforehand would come to harm, and what came: on the line it came as stated, below it less; the dashed line is one and a half times. Each mark is one budget at one instant.",
	CalibrationLabel: "Calibration plot, stated to the right, harm that came upwards; values are in the table below", CalX: "harm stated beforehand", CalY: "harm that came", Equal: "as stated", Half: "1.5 times",
	MeanStated: "Stated, mean", MeanHarmed: "Harmed, mean", Times: "Harmed ÷ budget",
	MethodTitle: "How it is scored",
	Method: []string{
		"A rule sees the samples before the decision alone. For each instance it keeps the size or chooses a smaller one: vCPU a power of two from 1 to 64, memory one from 0.5 to 512 GiB, or the present value of either.",
		"Demand is a sample's CPU utilization times vCPU and its memory utilization times memory, capped at the present size.",
		"Saved counts 600 yuan a vCPU and 300 a GiB a year, as a share of what all scored instances cost: to compare rules, not your contract's prices.",
		"Harmed is an instance that needed more than its new size in more than 0.5 % of the samples, in a dimension that was made smaller; as a share of all scored. What is not changed cannot be harmed.",
		"An instance is scored where at least half of the five-minute slots after the decision have CPU samples. In a replay of the data folder one that was resized later is scored on its samples until then, and the time it was off is left out.",
		"The same data and instants give the same bytes.",
	},
	RulesTitle: "Rules and their sources", RulesNote: "Peers' rules are made from their published definitions; what is not published is said where each is made, in the source code.", Name: "Name", Source: "Source", Kind: "Kind",
	KindSize: "sizes", KindRelease: "releases", KindOwn: "sizes, by budget", Sort: "Sort by this column", Pick: "Highlight this rule",
}

func replayWordsOf(l Lang) *replayWords {
	if l == EN {
		return &replayEnglish
	}
	return &replayChinese
}

// parameterWord says what a parameter of a rule is: %s is its value times scale.
type parameterWord struct {
	zh, en string
	scale  float64
}

var parameterWords = map[string]parameterWord{
	"budget":                     {"预算 %s%%", "budget %s%%", 100},
	"days":                       {"最近 %s 天", "last %s days", 1},
	"quiet_days":                 {"其中至少 %s 天", "on at least %s days", 1},
	"recent_days":                {"又看最近 %s 天", "again over %s days", 1},
	"percentile":                 {"P%s", "P%s", 1},
	"cpu_percentile":             {"CPU 取 P%s", "CPU P%s", 1},
	"memory_percentile":          {"内存取 P%s", "memory P%s", 1},
	"cpu_load_percentile":        {"CPU 按负载取 P%s", "CPU P%s of the load", 1},
	"headroom_percent":           {"余量 %s%%", "headroom %s%%", 1},
	"cpu_headroom_percent":       {"CPU 余量 %s%%", "CPU headroom %s%%", 1},
	"memory_headroom_percent":    {"内存余量 %s%%", "memory headroom %s%%", 1},
	"cpu_percent":                {"CPU %s%%", "CPU %s%%", 1},
	"memory_percent":             {"内存 %s%%", "memory %s%%", 1},
	"mean_cpu_percent":           {"CPU 均值 %s%%", "mean CPU %s%%", 1},
	"max_cpu_percent":            {"CPU 峰值 %s%%", "greatest CPU %s%%", 1},
	"p95_cpu_percent":            {"CPU P95 %s%%", "CPU P95 %s%%", 1},
	"recent_cpu_percent":         {"近期 CPU %s%%", "recent CPU %s%%", 1},
	"user_facing_cpu_percent":    {"面向用户的 CPU %s%%", "user-facing CPU %s%%", 1},
	"user_facing_memory_percent": {"面向用户的内存 %s%%", "user-facing memory %s%%", 1},
	"least_percent":              {"最低 %s%%", "least %s%%", 1},
	"most_percent":               {"最高 %s%%", "most %s%%", 1},
	"share_percent":              {"%s%% 的时间", "%s%% of the time", 1},
	"target_utilization":         {"目标利用率 %s%%", "target utilization %s%%", 100},
	"cores":                      {"%s 核", "%s cores", 1},
	"network_bytes":              {"网络共 %s MB", "network %s MB in all", 1e-6},
	"network_bytes_per_day":      {"网络每天 %s MB", "network %s MB a day", 1e-6},
	"network_bytes_per_second":   {"网络每秒 %s 字节", "network %s bytes a second", 1},
	"received_bytes_per_second":  {"每秒收 %s 字节", "%s bytes a second received", 1},
	"sent_bytes_per_second":      {"每秒发 %s 字节", "%s bytes a second sent", 1},
	"half_life_hours":            {"半衰期 %s 小时", "half-life %s hours", 1},
	"cpu_half_life_hours":        {"CPU 半衰期 %s 小时", "CPU half-life %s hours", 1},
	"memory_half_life_hours":     {"内存半衰期 %s 小时", "memory half-life %s hours", 1},
}

// parametersOf says the parameters of a rule, in the order of their names; one that
// has no words is shown as it is.
func parametersOf(r backtest.RuleResult, l Lang) string {
	var names, said []string
	for name := range r.Parameters {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		w, ok := parameterWords[name]
		if !ok {
			said = append(said, name+" "+trim(r.Parameters[name], 4))
			continue
		}
		text := w.zh
		if l == EN {
			text = w.en
		}
		said = append(said, strings.ReplaceAll(strings.Replace(text, "%s", trim(w.scale*r.Parameters[name], 4), 1), "%%", "%"))
	}
	if l == EN {
		return strings.Join(said, ", ")
	}
	return strings.Join(said, "，")
}
