package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"yunjian/policies"
)

// badInput is one mistake that people or machines make, and the command that
// meets it.
type badInput struct {
	group string
	what  string            // in words, for the table
	files map[string]string // beside a sound yunjian.yaml and bundle
	args  []string
	code  int // exit code
}

const soundConfig = `data_dir: ./data
clouds:
  - {name: files, type: bundle, path: ./bundle}
`

const soundInventory = "resource_id,kind,vcpu,memory_gib,status\ni-1,instance,4,16,running\n"
const soundSamples = "timestamp,cpu_percent,memory_percent\n1795276800,1.5,20\n1795277100,1.25,20.5\n"

var (
	checkConfig  = []string{"config", "check", "yunjian.yaml"}
	importBundle = []string{"import", "--config", "yunjian.yaml", "--bundle", "bundle"}
	checkPolicy  = []string{"policy", "check", "pack.yaml"}
)

func config1(text string) map[string]string { return map[string]string{"yunjian.yaml": text} }

func inventory1(text string) map[string]string {
	return map[string]string{"bundle/inventory.csv": text}
}

func samples1(text string) map[string]string {
	return map[string]string{"bundle/samples/i-1.csv": text}
}

func prices1(text string) map[string]string {
	return map[string]string{"prices.yaml": text, "yunjian.yaml": soundConfig + "price_book: prices.yaml\n"}
}

func calendar1(text string) map[string]string {
	return map[string]string{"days.yaml": text, "yunjian.yaml": soundConfig + "calendar: {files: [days.yaml]}\n"}
}

func aliyun1(more string) map[string]string {
	return config1("clouds:\n  - {name: a, type: aliyun, regions: [cn-hangzhou], " + more + "}\n")
}

// badInputs lists every mistake tried. Their messages stand in
// docs/reference/bad-input.md, written by this test.
func badInputs() []badInput {
	return []badInput{
		{"命令行 | Command line", "未知命令 unknown command", nil, []string{"aduit"}, 2},
		{"命令行 | Command line", "缺 --config | no --config", nil, []string{"audit"}, 2},
		{"命令行 | Command line", "未知参数 unknown flag", nil, []string{"audit", "--confg", "x"}, 2},
		{"命令行 | Command line", "时刻写错 bad time", nil, []string{"audit", "--config", "yunjian.yaml", "--now", "2026-13-01"}, 2},
		{"命令行 | Command line", "时长写错 bad duration", nil, []string{"collect", "--config", "yunjian.yaml", "--since", "30days"}, 2},
		{"命令行 | Command line", "没有这一周 no such week", nil, []string{"report", "--config", "yunjian.yaml", "--week", "2025-W53"}, 2},
		{"命令行 | Command line", "未知格式 unknown format", nil, []string{"report", "--config", "yunjian.yaml", "--format", "pdf"}, 2},
		{"命令行 | Command line", "还没有审计 nothing audited yet", nil, []string{"report", "--config", "yunjian.yaml"}, 1},
		{"命令行 | Command line", "还没有数据 nothing collected yet", nil, []string{"audit", "--config", "yunjian.yaml"}, 1},
		{"命令行 | Command line", "没有配置云 no cloud to collect from", config1("data_dir: ./data\n"), []string{"collect", "--config", "yunjian.yaml"}, 2},
		{"命令行 | Command line", "未知子命令 unknown subcommand", nil, []string{"policy", "lst"}, 2},
		{"命令行 | Command line", "未知命令带参数 unknown command with a flag", nil, []string{"compat", "--config", "yunjian.yaml"}, 2},
		{"命令行 | Command line", "缺子命令 no subcommand", nil, []string{"history", "--config", "yunjian.yaml"}, 2},
		{"命令行 | Command line", "对比只给一个策略包 one pack to compare", nil, []string{"policy", "diff", "cn-gov-baseline", "--config", "yunjian.yaml"}, 2},
		{"命令行 | Command line", "对比的策略包不存在 no such pack to compare", nil, []string{"policy", "diff", "cn-gov-baseline", "ours.yaml", "--config", "yunjian.yaml"}, 2},
		{"命令行 | Command line", "还没有数据可推导 nothing to explain yet", nil, []string{"explain", "i-1", "--config", "yunjian.yaml"}, 1},
		{"命令行 | Command line", "故障名写错 unknown fault", nil, []string{"simulate", "--faults", "thortle=0.1"}, 2},
		{"命令行 | Command line", "示例台数过多 estate too large", nil, []string{"simulate", "--instances", "1000000"}, 2},
		{"命令行 | Command line", "比例写成百分数 share as a percentage", nil, []string{"backtest", "--bundle", "bundle", "--budget", "2%"}, 2},
		{"命令行 | Command line", "没有这条规则 no such rule", nil, []string{"backtest", "--bundle", "bundle", "--rules", "krr-simpel"}, 2},
		{"命令行 | Command line", "all 与规则并列 all beside a rule", nil, []string{"backtest", "--bundle", "bundle", "--rules", "all,krr-simple"}, 2},
		{"命令行 | Command line", "回放时刻写了两次 an instant twice", nil, []string{"backtest", "--bundle", "bundle", "--decide-at", "2026-11-13T00:00:00+08:00,2026-11-12T16:00:00Z"}, 2},
		{"命令行 | Command line", "回放时刻在数据之外 an instant outside the data", nil, []string{"backtest", "--bundle", "bundle", "--decide-at", "2026-11-13T00:00:00+08:00"}, 2},
		{"命令行 | Command line", "没有这个文件夹 no such folder", nil, []string{"backtest", "--bundle", "nowhere"}, 2},
		{"命令行 | Command line", "没有云可读账单 no cloud with bills", nil, []string{"bill", "fetch", "--config", "yunjian.yaml"}, 2},
		{"命令行 | Command line", "账期写错 bad month", nil, []string{"bill", "fetch", "--config", "yunjian.yaml", "--month", "2024-13"}, 2},
		{"命令行 | Command line", "账期还没有过完 month not over", nil, []string{"bill", "fetch", "--config", "yunjian.yaml", "--month", "2099-01"}, 2},
		{"命令行 | Command line", "账期太久远 month too long ago", nil, []string{"bill", "fetch", "--config", "yunjian.yaml", "--month", "2020-01"}, 2},
		{"命令行 | Command line", "演练释放没有的资源 rehearse a release of nothing", nil, []string{"simulate", "--bundle", "bundle", "--release", "i-9=2026-11-19T00:00:00+08:00"}, 2},
		{"命令行 | Command line", "策略包写错 misspelt pack", nil, []string{"policy", "show", "cn-gov-baselin"}, 2},

		{"配置 | Configuration", "文件不存在 no such file", nil, []string{"config", "check", "nowhere.yaml"}, 2},
		{"配置 | Configuration", "空文件 empty file", config1(""), checkConfig, 0},
		{"配置 | Configuration", "不是 YAML | not YAML", config1("clouds: [\n"), checkConfig, 2},
		{"配置 | Configuration", "键写错 misspelt key", config1("data_dri: ./data\n"), checkConfig, 2},
		{"配置 | Configuration", "一次多个错误 several mistakes at once", config1("listen: 8900\ntimezone: Beijing\nlang: fr\nschedules: {collect: often}\n"), checkConfig, 2},
		{"配置 | Configuration", "密钥写进配置 inline secret", aliyun1("access_key_id: LTAI123, access_key_secret: abc"), checkConfig, 2},
		{"配置 | Configuration", "环境变量没有值 unset variable", aliyun1("access_key_id_env: NO_SUCH_AK, access_key_secret_env: NO_SUCH_SK"), checkConfig, 2},
		{"配置 | Configuration", "密钥文件不存在 missing key file", aliyun1("access_key_id_file: ./ak, access_key_secret_file: ./sk"), checkConfig, 2},
		{"配置 | Configuration", "接入点不是地址 endpoint is no URL", aliyun1("endpoint: ecs.example.com, access_key_id_env: A, access_key_secret_env: B"), checkConfig, 2},
		{"配置 | Configuration", "专有云没有账单接口 no bills on Apsara Stack", aliyun1("access_key_id_env: A, access_key_secret_env: B, bills: true, apsara: {domain: intra.example.com}"), checkConfig, 2},
		{"配置 | Configuration", "文件来源没有账单接口 no bills of a folder", config1("clouds:\n  - {name: files, type: bundle, path: ./bundle, bills: true}\n"), checkConfig, 2},
		{"配置 | Configuration", "缺区域 no region", config1("clouds:\n  - {name: a, type: aliyun, access_key_id_env: A, access_key_secret_env: B}\n"), checkConfig, 2},
		{"配置 | Configuration", "重名的云 two clouds of one name", config1(soundConfig + "  - {name: files, type: bundle, path: ./other}\n"), checkConfig, 2},
		{"配置 | Configuration", "未知类型 unknown type", config1("clouds:\n  - {name: a, type: openstack}\n"), checkConfig, 2},
		{"配置 | Configuration", "保留期为负 negative retention", config1("retention: {raw: -1d}\n"), checkConfig, 2},
		{"配置 | Configuration", "策略包不存在 no such pack", config1("policies: {pack: cn-gov-basline}\n"), checkConfig, 2},

		{"渠道 | Channels", "几处写错 several mistakes at once", config1("channels:\n  - {name: a, type: fax}\n  - {name: b, type: email, host: smtp.example.gov.cn, tls: none, from: nobody}\n  - {name: c, type: webhook, url_env: A, secret_env: B}\n"), checkConfig, 2},
		{"渠道 | Channels", "口令写进配置 inline password", config1("channels:\n  - {name: a, type: email, host: smtp.example.gov.cn, from: a@example.gov.cn, username: u, password: abc}\n"), checkConfig, 2},
		{"渠道 | Channels", "密钥取不到 missing secrets", config1("channels:\n  - {name: a, type: dingtalk, token_env: NO_SUCH_TOKEN, secret_file: ./sec}\n"), checkConfig, 2},
		{"渠道 | Channels", "地址不在允许之列 address not allowed", map[string]string{"yunjian.yaml": "channels:\n  - {name: a, type: webhook, url_file: ./url, secret_file: ./sec, allow_hosts: [hooks.example.gov.cn]}\n", "url": "https://169.254.169.254/x", "sec": "whsec_x"}, checkConfig, 2},
		{"渠道 | Channels", "没有这个渠道 no such channel", config1(soundConfig + "channels: [{name: log, type: log}]\n"), []string{"send", "test", "--config", "yunjian.yaml", "--channel", "mail"}, 2},

		{"策略 | Policy", "缺出处 no source", map[string]string{"pack.yaml": "id: ours\nversion: \"1\"\n"}, checkPolicy, 2},
		{"策略 | Policy", "百分数越界 percent out of range", map[string]string{"pack.yaml": edited(`below: 5\b`, "below: 500")}, checkPolicy, 2},
		{"策略 | Policy", "未知统计量 unknown statistic", map[string]string{"pack.yaml": edited(`statistic: p95`, "statistic: p96")}, checkPolicy, 2},
		{"策略 | Policy", "未知键 unknown key", map[string]string{"pack.yaml": edited(`min_coverage_percent:`, "min_covrage_percent:")}, checkPolicy, 2},
		{"策略 | Policy", "永久豁免 exemption for ever", map[string]string{
			"exempt.yaml":  "exemptions:\n  - {resource: i-1, reason: standby, owner: 张三, evidence: 灾备方案, from: 2026-11-01, expires: forever}\n",
			"yunjian.yaml": soundConfig + "policies: {pack: cn-gov-baseline, files: [exempt.yaml]}\n",
		}, checkConfig, 2},

		{"日历 | Calendar", "文件不存在 missing file", config1(soundConfig + "calendar: {files: [2027.yaml]}\n"), checkConfig, 2},
		{"日历 | Calendar", "键写错 misspelt key", config1(soundConfig + "calendar: {file: [2027.yaml]}\n"), checkConfig, 2},
		{"日历 | Calendar", "既非年份也非季节 neither year nor seasons", calendar1("holidays: []\n"), checkConfig, 2},
		{"日历 | Calendar", "一次多个错误 several mistakes at once", calendar1("year: 2027\nsource: {title: 通知, date: 2026-11-05, url: www.gov.cn}\nholidays:\n  - {name: {zh: 元旦, en: New Year}, from: 2027-01-01, to: 2026-12-31}\n  - {name: {zh: 春节, en: Spring Festival}, from: 2027-02-30, to: 2027-03-02}\n  - {name: {zh: 国庆节, en: National Day}, from: 2027-10-01, to: 2027-10-07, makeup: [2027-10-08]}\n"), checkConfig, 2},
		{"日历 | Calendar", "季节日期写错 bad day of a season", calendar1("tag: season\nseasons:\n  - {id: drill, name: {zh: 演练, en: drill}, confidence: sure, spans: [{from: 6-30, to: 07-01}]}\n"), checkConfig, 2},
		{"日历 | Calendar", "日期写错 bad date", nil, []string{"calendar", "due", "2026-02-30", "5"}, 2},
		{"日历 | Calendar", "年份写错 bad year", nil, []string{"calendar", "--year", "20x6"}, 2},
		{"日历 | Calendar", "期限为负 negative term", nil, []string{"calendar", "due", "2026-09-30", "-5"}, 2},

		{"价目 | Price book", "文件过大 too large", prices1(strings.Repeat("# prices\n", 1<<20)), checkConfig, 2},
		{"价目 | Price book", "单价不是数 price is no number", prices1("id: p\nversion: \"1\"\nname: {zh: 合同价, en: Contract}\ncurrency: CNY\nconfidence: cited\ntax_included: true\nsource: {title: 合同}\nitems:\n  - {id: core, what: vcpu, per: month, price: sixty}\n"), checkConfig, 2},
		{"价目 | Price book", "单价为负 negative price", prices1("id: p\nversion: \"1\"\nname: {zh: 合同价, en: Contract}\ncurrency: CNY\nconfidence: cited\ntax_included: true\nsource: {title: 合同}\nitems:\n  - {id: core, what: vcpu, per: month, price: \"-1\"}\n"), checkConfig, 2},
		{"价目 | Price book", "零价而未写免费 zero without free", prices1("id: p\nversion: \"1\"\nname: {zh: 合同价, en: Contract}\ncurrency: CNY\nconfidence: cited\ntax_included: true\nsource: {title: 合同}\nitems:\n  - {id: core, what: vcpu, per: month, price: \"0\"}\n"), checkConfig, 2},
		{"价目 | Price book", "文件不存在 missing file", config1(soundConfig + "price_book: nowhere.yaml\n"), checkConfig, 2},

		{"文件 | Bundle", "没有 inventory.csv | no inventory", map[string]string{"empty/x": "x"}, []string{"import", "--config", "yunjian.yaml", "--bundle", "empty"}, 1},
		{"文件 | Bundle", "缺资源 ID 列 no resource_id column", inventory1("id,kind\ni-1,instance\n"), importBundle, 1},
		{"文件 | Bundle", "资源 ID 含路径 id with a path", inventory1("resource_id,kind\n../../etc/passwd,instance\n"), importBundle, 1},
		{"文件 | Bundle", "同一资源两行 one id twice", inventory1(soundInventory + "i-1,instance,4,16,running\n"), importBundle, 1},
		{"文件 | Bundle", "未知类型与非数字 unknown kind, no number", inventory1("resource_id,kind,vcpu\ni-1,vm,4\ni-2,instance,four\n"), importBundle, 1},
		{"文件 | Bundle", "百分数超过 100 | percent above 100", samples1("timestamp,cpu_percent\n1795276800,120\n"), importBundle, 1},
		{"文件 | Bundle", "数值不是数 value is no number", samples1("timestamp,cpu_percent\n1795276800,high\n"), importBundle, 1},
		{"文件 | Bundle", "时间戳写错 bad timestamp", samples1("timestamp,cpu_percent\nyesterday,5\n"), importBundle, 1},
		{"文件 | Bundle", "时间戳是毫秒 milliseconds", samples1("timestamp,cpu_percent\n1795276800000,5\n"), importBundle, 1},
		{"文件 | Bundle", "样本在遥远的未来 sample of the far future", samples1("timestamp,cpu_percent\n7000000000,5\n"), importBundle, 1},
		{"文件 | Bundle", "列数不符 ragged line", samples1("timestamp,cpu_percent\n1795276800,5,6,7\n"), importBundle, 1},
		{"文件 | Bundle", "网络速率为负 negative rate", samples1("timestamp,network_in_bps\n1795276800,-5\n"), importBundle, 1},
		{"文件 | Bundle", "压缩文件损坏 broken gzip", map[string]string{"bundle/samples/i-1.csv": "", "bundle/samples/i-1.csv.gz": "not gzip"}, importBundle, 1},

		{"数据目录 | Data folder", "目录不可写 folder is a file", map[string]string{"data": "x"}, []string{"audit", "--config", "yunjian.yaml"}, 1},
		{"数据目录 | Data folder", "状态文件损坏 damaged state", map[string]string{"data/state.db": strings.Repeat("x", 20000)}, []string{"audit", "--config", "yunjian.yaml"}, 1},
		{"数据目录 | Data folder", "历史文件损坏 damaged history", map[string]string{"data/history.db": strings.Repeat("x", 20000)}, []string{"audit", "--config", "yunjian.yaml"}, 1},
		{"数据目录 | Data folder", "备份被截断 truncated backup", map[string]string{"week.backup": "(\xb5/\xfd"}, []string{"restore", "week.backup", "--config", "yunjian.yaml"}, 1},
		{"数据目录 | Data folder", "恢复到非空目录 restore over data", map[string]string{"data/keep.txt": "x", "week.backup": "x"}, []string{"restore", "week.backup", "--config", "yunjian.yaml"}, 1},
	}
}

// TestBadInput gives every mistake to the program and keeps the messages in
// docs/reference/bad-input.md.
func TestBadInput(t *testing.T) {
	var doc strings.Builder
	doc.WriteString("# 出错信息对照 | What every bad input is told\n\n" + generated)
	doc.WriteString("退出码 0 表示可以接受。云端 API 的异常应答、磁盘写满与时钟跳变见文末。\n")
	doc.WriteString("Exit code 0 means that it is allowed. Odd answers of a cloud, a full disk and clock jumps stand at the end.\n")
	group := ""
	for _, c := range badInputs() {
		var message string
		t.Run(c.what, func(t *testing.T) { message = tryBadInput(t, c) })
		if c.group != group {
			group = c.group
			fmt.Fprintf(&doc, "\n## %s\n\n| 输入 input | 退出码 exit | 信息 message |\n| --- | --- | --- |\n", group)
		}
		fmt.Fprintf(&doc, "| %s | %d | %s |\n", cell(c.what), c.code, strings.ReplaceAll(cell(message), "\n", "<br>"))
	}
	doc.WriteString(badCloudTable(t))
	doc.WriteString(badMachineTable(t))
	golden(t, filepath.Join(root(t), "docs", "reference", "bad-input.md"), doc.String())
}

func tryBadInput(t *testing.T, c badInput) string {
	dir := t.TempDir()
	t.Chdir(dir)
	files := map[string]string{"yunjian.yaml": soundConfig, "bundle/inventory.csv": soundInventory, "bundle/samples/i-1.csv": soundSamples}
	for name, text := range c.files {
		if text == "" && name != "yunjian.yaml" {
			delete(files, name)
			continue
		}
		files[name] = text
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	if got := run(c.args, &stdout, &stderr); got != c.code {
		t.Errorf("exit code %d, want %d\nstdout: %s\nstderr: %s", got, c.code, &stdout, &stderr)
	}
	message := strings.TrimSpace(stderr.String())
	if message == "" {
		message = strings.TrimSpace(stdout.String())
	}
	if message == "" {
		t.Error("no message")
	}
	return strings.ReplaceAll(message, dir, "…")
}

// edited is the baseline pack with the first match of pattern replaced.
func edited(pattern, by string) string {
	text, ok := policies.YAML("cn-gov-baseline")
	if !ok {
		panic("the baseline pack is gone")
	}
	at := regexp.MustCompile(pattern).FindIndex(text)
	if at == nil {
		panic("the baseline pack has no " + pattern)
	}
	return string(text[:at[0]]) + by + string(text[at[1]:])
}
