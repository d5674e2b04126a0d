package estate

import "fmt"

// bureau is a made-up department and what its applications are about.
type bureau struct {
	name   string
	topics []string
}

// bureaus are the kinds of departments that a city has. 示例 (example) stands
// in every name that comes out.
var bureaus = []bureau{
	{"财政局", []string{"预算编制", "国库支付", "绩效评价", "资产管理", "政府采购", "非税收入"}},
	{"教育局", []string{"入学报名", "学籍管理", "考试服务", "教师管理", "教育资源"}},
	{"卫生健康委", []string{"居民健康档案", "预约挂号", "疫苗接种", "医疗质控", "急救调度"}},
	{"人力资源和社会保障局", []string{"就业服务", "社保经办", "人才引进", "养老资格认证", "劳动监察"}},
	{"公安局", []string{"户政服务", "交通违法处理", "出入境预约", "警务协同"}},
	{"民政局", []string{"低保救助", "婚姻登记", "养老服务", "社会组织管理"}},
	{"自然资源和规划局", []string{"不动产登记", "一张图", "规划审批", "测绘成果"}},
	{"住房和城乡建设局", []string{"工程审批", "房屋交易", "工地监管", "物业管理"}},
	{"交通运输局", []string{"公交监测", "运政管理", "公路养护", "出租车服务"}},
	{"水利局", []string{"防汛指挥", "水资源监测", "河长制管理", "水库监测"}},
	{"农业农村局", []string{"农产品追溯", "惠农补贴", "土地确权", "农机管理"}},
	{"文化和旅游局", []string{"文旅服务", "场馆预约", "非遗资源", "假日监测"}},
	{"应急管理局", []string{"应急指挥", "安全生产监管", "物资调度"}},
	{"市场监督管理局", []string{"企业开办", "企业年报", "食品追溯", "投诉举报"}},
	{"税务局", []string{"个税汇算", "发票查验", "纳税服务", "风险分析"}},
	{"医疗保障局", []string{"医保结算", "城乡居民参保", "药品采购", "基金监管"}},
	{"生态环境局", []string{"空气质量监测", "污染源监控", "排污许可", "环境执法"}},
	{"统计局", []string{"统计年报", "经济普查", "数据直报"}},
	{"审计局", []string{"审计作业", "数据分析"}},
	{"城市管理局", []string{"城管执法", "市容巡查", "垃圾分类"}},
	{"数据资源管理局", []string{"一网通办", "数据共享", "政务服务", "电子证照", "统一身份认证", "视频会议"}},
	{"住房公积金管理中心", []string{"公积金缴存", "公积金贷款", "年度调整"}},
	{"行政审批服务局", []string{"审批协同", "窗口叫号", "中介超市"}},
	{"档案馆", []string{"电子档案", "数字资源"}},
	{"机关事务管理局", []string{"公文流转", "会议管理", "公车管理", "食堂管理"}},
}

// places are the seats of departments; the first is the city itself.
var places = []string{"示例市", "示例市东区", "示例市西区", "示例市南区", "示例市北区", "示例市中区", "示例市高新区", "示例市甲县", "示例市乙县"}

// application is one made-up system of one department.
type application struct {
	department, name, group string
	class                   Class // the class its machines share, or empty
	season                  season
}

// applicationNames returns the department and the system name of the i-th
// application where the first n kinds of departments take part; every
// combination once, then numbered phases.
func applicationNames(i, n int) (department, name string) {
	b := bureaus[i%n]
	i /= n
	topics := len(b.topics)
	topic := b.topics[i%topics]
	i /= topics
	place := places[i%len(places)]
	i /= len(places)
	name = "示例" + topic + "系统"
	if i > 0 {
		name = fmt.Sprintf("%s(%d期)", name, i+1)
	}
	return place + b.name, name
}

// role is what a machine does within its application.
type role struct{ text, code string }

var roles = []role{{"应用", "app"}, {"数据库", "db"}, {"前置", "web"}, {"缓存", "cache"}, {"文件", "file"}, {"接口", "api"}, {"报表", "report"}, {"测试", "test"}}

// season is the part of a year in which a seasonal application works, as
// MM-DD of its first and last day; a season may run over New Year.
type season struct{ from, to string }

// seasons are peaks that Chinese government systems have; the dates are
// examples.
var seasons = []season{
	{"03-01", "06-30"}, // 个税汇算
	{"01-01", "06-30"}, // 企业年报
	{"09-01", "02-28"}, // 居民参保
	{"06-23", "07-10"}, // 志愿填报
	{"05-01", "08-31"}, // 入学报名
	{"04-15", "10-15"}, // 防汛
	{"07-01", "07-31"}, // 公积金年度调整
	{"01-15", "04-30"}, // 部门决算
}

// contains reports whether the day, as MM-DD, lies in the season.
func (s season) contains(day string) bool {
	if s.from <= s.to {
		return s.from <= day && day <= s.to
	}
	return day >= s.from || day <= s.to
}

func (s season) String() string { return s.from + "/" + s.to }
