package config

import (
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"yunjian/cloud"
)

// Key is one key of the configuration, for the reference.
type Key struct {
	Name    string // such as clouds[].regions
	Type    string // mapping, text, duration, …
	Default string // empty: none
	ZH, EN  string // what it means
}

// Reference lists every key of the configuration in the order in which a file
// gives them. It is made from the tables that read the file.
func Reference() []Key { return reference("", topKeys) }

func reference[T any](prefix string, keys []key[T]) []Key {
	var out []Key
	for _, k := range keys {
		out = append(out, Key{Name: prefix + k.name, Type: k.typ, Default: k.fallback, ZH: k.zh, EN: k.en})
		if k.children != nil {
			out = append(out, k.children(prefix+k.name+".")...)
		}
	}
	return out
}

const (
	day  = 24 * time.Hour
	year = 365 * day
)

var topKeys = []key[Config]{
	field("data_dir", "path", "./data", "数据目录", "folder of everything that is remembered",
		func(c *Config) *string { return &c.DataDir }, folder),
	field("listen", "address", "127.0.0.1:8900", "控制台监听地址", "where the console listens, HOST:PORT",
		func(c *Config) *string { return &c.Listen }, listen),
	field("tls_cert_file", "path", "", "证书链（PEM）；与 tls_key_file 同写即以 HTTPS 提供，SIGHUP 时重读", "chain of certificates (PEM); with tls_key_file the console is served over HTTPS; read again on SIGHUP",
		func(c *Config) *string { return &c.TLSCertFile }, file),
	field("tls_key_file", "path", "", "证书的私钥（PEM）", "private key of the certificate (PEM)",
		func(c *Config) *string { return &c.TLSKeyFile }, secretFile),
	{name: "timezone", typ: "time zone", fallback: "Asia/Shanghai", zh: "调度、日界与报表所用时区", en: "of schedules, days and reports",
		read: func(d *decoder, n *yaml.Node, at string, c *Config) {
			if name, ok := zone(d, n, at); ok {
				c.Timezone, c.Location = name, mustLocation(name)
			}
		}},
	field("lang", "zh or en", "zh", "报表与控制台语言", "language of reports and console",
		func(c *Config) *string { return &c.Lang }, word("zh", "en")),
	{name: "clouds", typ: "list of mappings", zh: "要读取的云", en: "the clouds to read", read: readClouds,
		children: func(prefix string) []Key { return reference(prefix[:len(prefix)-1]+"[].", cloudKeys) }},
	{name: "channels", typ: "list of mappings", zh: "通知渠道", en: "the channels by which people are told", read: readChannels,
		children: func(prefix string) []Key { return reference(prefix[:len(prefix)-1]+"[].", channelKeys) }},
	{name: "recipients", typ: "list of mappings", zh: "通知谁：角色与渠道", en: "who is told, by role, and by which channel", read: readRecipients,
		children: func(prefix string) []Key { return reference(prefix[:len(prefix)-1]+"[].", recipientKeys) }},
	field("public_url", "URL", "", "控制台对外地址，写入通知；缺省不写链接", "where people reach the console, for links in messages; without it there are none",
		func(c *Config) *string { return &c.PublicURL }, address),
	{name: "metrics", typ: "list of metrics", fallback: "all", zh: "要采集的指标；steal_percent 只在来源恰好有时", en: "what is collected; steal_percent where a source happens to have it",
		read: func(d *decoder, n *yaml.Node, at string, c *Config) {
			if found, ok := once("metrics", word(cloud.Metrics()...))(d, n, at); ok {
				c.Metrics = slices.DeleteFunc(cloud.Metrics(), func(m cloud.Metric) bool { return !slices.Contains(found, m) })
			}
		}},
	field("backfill", "duration", "91d", "首次采集回溯多久", "how far back the first collection reads",
		func(c *Config) *time.Duration { return &c.Backfill }, duration(time.Hour, 10*year)),
	object("policies", "判定策略", "what counts as waste",
		func(c *Config) *Policies { return &c.Policies }, policyKeys),
	object("calendar", "工作日、节假日与季节", "working days, holidays and seasons",
		func(c *Config) *Calendar { return &c.Calendar }, calendarKeys),
	field("price_book", "path", "", "价目文件；缺省用内置示例价目，所有输出均注明", "file of prices; without it the built-in example book, and every output says so",
		func(c *Config) *string { return &c.PriceBook }, file),
	object("schedules", "定时任务", "when the daemon works",
		func(c *Config) *Schedules { return &c.Schedules }, scheduleKeys),
	object("retention", "保留期限", "how long is kept",
		func(c *Config) *Retention { return &c.Retention }, retentionKeys),
	object("journal", "审计日志（防篡改）", "the tamper-evident record of what is done",
		func(c *Config) *Journal { return &c.Journal }, journalKeys),
	{name: "auth", typ: "mapping", zh: "账号、口令与登录", en: "accounts, passwords and signing in", read: readAuth,
		children: func(prefix string) []Key { return reference(prefix, authKeys) }},
	object("log", "日志", "how the daemon logs",
		func(c *Config) *Log { return &c.Log }, logKeys),
}

var policyKeys = []key[Policies]{
	field("pack", "text", "cn-gov-baseline", "生效的策略包", "the policy pack in force",
		func(p *Policies) *string { return &p.Pack }, text),
	field("files", "list of paths", "", "自有策略包与豁免文件", "your own packs and exemptions",
		func(p *Policies) *[]string { return &p.Files }, list("files", file)),
	field("workflow", "text", "cn-gov-baseline", "处置流程：谁做什么、各步期限；见 notice workflow", "how cases move: who does what, and by when; see notice workflow",
		func(p *Policies) *string { return &p.Workflow }, text),
	field("workflow_file", "path", "", "自有处置流程，取代内置的", "a workflow of your own, in place of a shipped one",
		func(p *Policies) *string { return &p.WorkflowFile }, file),
}

var calendarKeys = []key[Calendar]{
	field("files", "list of paths", "", "自有文件：某一年的放假安排（替换或补充内置年份），或季节表（整表替换）", "your own files: the holidays of a year, beside or in place of the shipped ones, or a table of seasons, in place of the shipped one",
		func(c *Calendar) *[]string { return &c.Files }, list("files", file)),
}

var scheduleKeys = []key[Schedules]{
	field("collect", "schedule", "@every 5m", "采集", "collection",
		func(s *Schedules) *string { return &s.Collect }, schedule),
	field("audit", "schedule", "0 2 * * *", "审计", "audit",
		func(s *Schedules) *string { return &s.Audit }, schedule),
	field("report", "schedule", "0 8 * * 1", "周报", "weekly report",
		func(s *Schedules) *string { return &s.Report }, schedule),
	field("remind", "schedule", "*/15 * * * *", "到期提醒、督办与新通知：谁该知道什么；非工作日只发新通知", "who is to be told what: reminders, escalation, new notices; on days off new notices alone",
		func(s *Schedules) *string { return &s.Remind }, schedule),
	field("send", "schedule", "@every 1m", "发送通知", "sending what people are to be told",
		func(s *Schedules) *string { return &s.Send }, schedule),
}

var retentionKeys = []key[Retention]{
	field("raw", "duration", "400d", "利用率样本至少保留多久；按 28 天一段逐批清理，最多再留 56 天，每日摘要长期保留", "how long utilization samples are kept at least: they go by spans of 28 days, part by part, so they live up to 56 days longer; daily digests stay",
		func(r *Retention) *time.Duration { return &r.Raw }, duration(day, 30*year)),
}

var journalKeys = []key[Journal]{
	field("hash", "sha256 or sm3", "sha256", "新条目的杂凑算法；已有条目保持各自的算法", "hash of entries to come; those that are there keep theirs",
		func(j *Journal) *string { return &j.Hash }, word("sha256", "sm3")),
}

var logKeys = []key[Log]{
	field("level", "debug, info, warn or error", "info", "最低级别", "the least level logged",
		func(l *Log) *string { return &l.Level }, word("debug", "info", "warn", "error")),
	field("format", "json or text", "json", "格式", "form of a line",
		func(l *Log) *string { return &l.Format }, word("json", "text")),
}

var (
	cloudName  = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}_-]{0,63}$`)
	regionName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`)
)

// bundleKeys are the keys of a cloud of type bundle beside name and type; all
// others belong to type aliyun.
var bundleKeys = []string{"path"}

var cloudKeys = []key[Cloud]{
	field("name", "text", "", "名称，唯一（必填）", "its name, unique (required)",
		func(c *Cloud) *string { return &c.Name }, pattern(cloudName, "letters, digits, - and _, at most 64")),
	{name: "type", typ: "aliyun or bundle", zh: "来源类型（必填）", en: "where it is read from (required)",
		read: func(d *decoder, n *yaml.Node, at string, c *Cloud) {
			if n.Kind == yaml.ScalarNode && n.Value == "prometheus" {
				d.bad(n.Line, at, `found "prometheus", which this build does not read; it reads aliyun and bundle`)
				return
			}
			if v, ok := word(TypeAliyun, TypeBundle)(d, n, at); ok {
				c.Type = v
			}
		}},
	field("path", "path", "", "bundle：文件夹（必填）", "bundle: the folder (required)",
		func(c *Cloud) *string { return &c.Path }, folder),
	field("account", "text", "", "aliyun：台账中的账号名", "aliyun: what the inventory calls the account",
		func(c *Cloud) *string { return &c.Account }, text),
	field("regions", "list of text", "", "aliyun：地域（必填）", "aliyun: the regions to read (required)",
		func(c *Cloud) *[]string { return &c.Regions }, once("regions", pattern(regionName, "a region such as cn-hangzhou"))),
	field("endpoint", "URL", "", "aliyun：所有产品共用的地址（专有云、代理、模拟器）", "aliyun: one server for every product (Apsara Stack, a proxy, the simulator); its scheme decides http or https",
		func(c *Cloud) *string { return &c.Endpoint }, address),
	field("endpoints", "mapping of ecs, cms, vpc, ascm, bss to URL", "", "aliyun：按产品指定地址，优先于 endpoint", "aliyun: a server a product; wins over endpoint",
		func(c *Cloud) *map[string]string { return &c.Endpoints }, table([]string{"ecs", "cms", "vpc", "ascm", "bss"}, address)),
	field("access_key_id_env", "environment variable", "", "aliyun：存放 AccessKey ID 的环境变量（与 _file 二选一，必填）", "aliyun: holds the access key id (this or _file is required)",
		func(c *Cloud) *string { return &c.AccessKeyIDEnv }, variable),
	field("access_key_id_file", "path", "", "aliyun：存放 AccessKey ID 的文件", "aliyun: file that holds the access key id",
		func(c *Cloud) *string { return &c.AccessKeyIDFile }, secretFile),
	field("access_key_secret_env", "environment variable", "", "aliyun：存放 AccessKey Secret 的环境变量（与 _file 二选一，必填）", "aliyun: holds the access key secret (this or _file is required)",
		func(c *Cloud) *string { return &c.AccessKeySecretEnv }, variable),
	field("access_key_secret_file", "path", "", "aliyun：存放 AccessKey Secret 的文件", "aliyun: file that holds the access key secret",
		func(c *Cloud) *string { return &c.AccessKeySecretFile }, secretFile),
	field("security_token_env", "environment variable", "", "aliyun：存放临时凭证 STS token 的环境变量", "aliyun: holds the token of temporary credentials",
		func(c *Cloud) *string { return &c.SecurityTokenEnv }, variable),
	field("security_token_file", "path", "", "aliyun：存放 STS token 的文件", "aliyun: file that holds the token of temporary credentials",
		func(c *Cloud) *string { return &c.SecurityTokenFile }, secretFile),
	field("ca_file", "path", "", "aliyun：私有 CA 证书（PEM）", "aliyun: certificates of a private CA (PEM), beside the system's",
		func(c *Cloud) *string { return &c.CAFile }, file),
	field("insecure_skip_verify", "true or false", "false", "aliyun：不校验服务端证书（不建议）", "aliyun: accept any certificate (unwise)",
		func(c *Cloud) *bool { return &c.InsecureSkipVerify }, yesNo),
	field("proxy", "URL", "", "aliyun：HTTP 代理；不读取环境变量中的代理", "aliyun: HTTP proxy; the environment's is not used",
		func(c *Cloud) *string { return &c.Proxy }, address),
	field("timeout", "duration", "30s", "aliyun：单次调用超时", "aliyun: of one call",
		func(c *Cloud) *time.Duration { return &c.Timeout }, duration(time.Second, 10*time.Minute)),
	field("workers", "whole number", "4", "aliyun：并发调用数", "aliyun: calls at the same time",
		func(c *Cloud) *int { return &c.Workers }, whole(1, 64)),
	object("budget", "aliyun：API 用量预算", "aliyun: how much of the API may be used",
		func(c *Cloud) *Budget { return &c.Budget }, budgetKeys),
	object("ownership", "aliyun：部门与应用的来源", "aliyun: where department and application are read",
		func(c *Cloud) *Ownership { return &c.Ownership }, ownershipKeys),
	field("bills", "true or false", "false", "aliyun：每月从接口读取账单，与台账核对；须有 RAM 动作 bss:DescribeInstanceBill，接入点 endpoints.bss（公共云缺省 https://business.aliyuncs.com，专有云没有）", "aliyun: read each month's bill from the API and hold the ledger against it; takes the RAM action bss:DescribeInstanceBill, and endpoints.bss, by default https://business.aliyuncs.com on the public cloud and nothing on Apsara Stack",
		func(c *Cloud) *bool { return &c.Bills }, yesNo),
	{name: "apsara", typ: "mapping", zh: "aliyun：专有云；缺省为公共云", en: "aliyun: an Apsara Stack installation; without it the public cloud",
		read: func(d *decoder, n *yaml.Node, at string, c *Cloud) {
			c.Apsara = &Apsara{}
			lines := readMap(d, n, at, apsaraKeys, c.Apsara)
			if c.Apsara.Enumerate && (c.Apsara.OrganizationID != "" || c.Apsara.ResourceGroupID != "") {
				d.bad(lines["enumerate"], at+".enumerate", "true beside organization_id or resource_group_id; want one or the other")
			}
			if c.Apsara.ResourceGroupID != "" && lines["organization_id"] == 0 {
				d.bad(lines["resource_group_id"], at+".resource_group_id", "without organization_id; a resource set belongs to an organization, name both")
			}
		},
		children: func(prefix string) []Key { return reference(prefix, apsaraKeys) }},
}

var budgetKeys = []key[Budget]{
	field("queries_per_second", "number", "20", "每秒调用上限", "calls a second at most",
		func(b *Budget) *float64 { return &b.QueriesPerSecond }, number(0, 10_000, true)),
	field("calls_per_month", "whole number", "1000000", "账号每月监控调用额度", "the account's monthly quota of metric calls",
		func(b *Budget) *int { return &b.CallsPerMonth }, whole(1, 1_000_000_000)),
	field("reserve", "number", "0.1", "为账号其他用户保留的额度比例", "share of the quota left to the account's other users",
		func(b *Budget) *float64 { return &b.Reserve }, number(0, 0.99, false)),
}

var ownershipKeys = []key[Ownership]{
	field("department_tag", "text", "department", "部门所在标签", "the tag that names the department",
		func(o *Ownership) *string { return &o.DepartmentTag }, text),
	field("application_tag", "text", "application", "应用所在标签", "the tag that names the application",
		func(o *Ownership) *string { return &o.ApplicationTag }, text),
	field("department_from_resource_group", "true or false", "false", "无标签时以资源组（资源集）名为部门", "without a tag, the resource group's name is the department",
		func(o *Ownership) *bool { return &o.DepartmentFromResourceGroup }, yesNo),
	field("mapping_file", "path", "", "资源到部门、应用的映射表（CSV），优先于标签", "CSV that maps resources to department and application; wins over tags",
		func(o *Ownership) *string { return &o.MappingFile }, file),
}

var apsaraKeys = []key[Apsara]{
	field("domain", "text", "", "安装域名，用于推导各产品地址", "installation domain, from which endpoints are derived",
		func(a *Apsara) *string { return &a.Domain }, text),
	field("organization_id", "text", "", "组织 ID", "organization to read",
		func(a *Apsara) *string { return &a.OrganizationID }, text),
	field("resource_group_id", "text", "", "资源集 ID", "resource set to read",
		func(a *Apsara) *string { return &a.ResourceGroupID }, text),
	field("enumerate", "true or false", "false", "遍历所有组织与资源集", "list every organization and resource set and read each",
		func(a *Apsara) *bool { return &a.Enumerate }, yesNo),
	field("headers", "mapping of text", "", "附加请求头", "headers sent with every call",
		func(a *Apsara) *map[string]string { return &a.Headers }, table(nil, text)),
	field("query", "mapping of text", "", "附加请求参数（参与签名）", "parameters added to every call, and signed",
		func(a *Apsara) *map[string]string { return &a.Query }, table(nil, text)),
}
