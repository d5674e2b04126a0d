package report

// Messages on stops at night, a group of their own beside the catalogue.
const (
	msgSchedules msg = msgEnd + 1 + iota
	msgSchedulesNote
	msgSchedulesSum
	msgSchedulesSaving
	msgSchedulesUnpriced
	msgNoneScheduled
	msgScheduleColumn
	msgHoursOffColumn
	msgNotScheduled
	msgHeadlineStops
	msgTodoStops
	msgActionStop
	msgWeekPicture
	msgWeekLegend
	msgStripLegend
	msgWorkingDays
	msgWeekendDays
	msgSpanSameDay
	msgSpanNextDay
	msgSpanOther
	msgDayRange
	msgMon
	msgTue
	msgWed
	msgThu
	msgFri
	msgSat
	msgSun
	msgHourOfDay
	msgStopRisk
	msgStopRiskPrior
	msgStopRiskSeen
	msgStopUnpriced
	msgReasonRest
	msgReasonRestSeen
	msgReasonRestAwake
	msgReasonRestCPU
	msgReasonRestNetwork
	msgReasonRestDisk
	msgReasonWork
	msgReasonWorkCPU
	msgRefusedStandby
	msgRefusedDatabase
	msgRefusedAgeUnknown
	msgRefusedNoNetwork
	msgRefusedLocalStop
	msgRefusedPrepaidStop
	msgRefusedBilledStop
	msgNoteBillingStops
	msgNoteBillingUnknown
	msgNoteChargeUnknown
	msgRuleSchedule
	msgWeeks
)

// scheduleTexts are in Chinese and in English.
var scheduleTexts = map[msg][2]string{
	msgSchedules: {"定时停机建议", "Stops at night and on weekends"},
	msgSchedulesNote: {
		"以下主机按近几周逐小时的CPU、网络与磁盘判断，每周有固定时段休眠（多在夜间与周末）、其余时间规律工作。只是建议：须由使用单位确认无夜间任务、定时备份与接口调用，并安排好自动启停。停机期间云盘照常计费；节省停机模式下开机可能因库存不足失败，未绑定弹性公网IP的公网地址会变。不计入释放与降配合计",
		"Judged by the CPU, network and disk of each hour of the last weeks, these machines rest at set hours of the week, mostly nights and weekends, and work regularly otherwise. It is advice: their owners must confirm that no nightly job, backup or interface needs them, and arrange to stop and start them. Disks are billed all the same; in economical mode a start may fail for want of stock, and a public address that is no elastic IP changes. Not part of the totals of releases and downsizing",
	},
	msgSchedulesSum:      {"%d 台，合计每周停机 %d 小时", "%d machine(s), %d hours off a week in all"},
	msgSchedulesSaving:   {"停机不计费部分预估年化节约%s", "what is not billed while stopped: estimated annual saving %s"},
	msgSchedulesUnpriced: {"%d 台的节约未知", "the saving of %d is unknown"},
	msgNoneScheduled:     {"没有建议定时停机的主机", "No machine is to be stopped by schedule"},
	msgScheduleColumn:    {"建议停机时段", "When to stop"},
	msgHoursOffColumn:    {"每周停机小时", "Hours off a week"},
	msgNotScheduled:      {"有休眠时段但不建议停机", "Machines that rest and are not to be stopped"},
	msgHeadlineStops:     {"另有 %d 台主机在固定时段休眠，建议定时停机（不计入以上合计）", "%d more machine(s) rest at set hours and may be stopped by schedule (not part of the above)"},
	msgTodoStops:         {"与使用单位商定定时停机时段：%d 台", "Agree on hours to stop with the owners of %d machine(s)"},
	msgActionStop:        {"定时停机", "stop by schedule"},
	msgWeekPicture:       {"%s 一周168小时CPU均值（%%），停机时段：%s", "%s: mean CPU (%%) in the 168 hours of a week; to be stopped: %s"},
	msgWeekLegend:        {"一周逐小时CPU均值（%），颜色越深越忙；括号内的小时建议停机，“–”为未见数据", "Mean CPU (%) by hour of the week, the darker the busier; hours in parentheses are to be stopped, “–” was not seen"},
	msgStripLegend:       {"一日24小时CPU均值（0至23点），“·”为建议停机", "Mean CPU over the 24 hours of a day; “·” is to be stopped"},
	msgWorkingDays:       {"周一至周五", "Mon-Fri"},
	msgWeekendDays:       {"周六至周日", "Sat-Sun"},
	msgSpanSameDay:       {"%s %s停、%s启", "%s stop %s, start %s"},
	msgSpanNextDay:       {"%s %s停、次日%s启", "%s stop %s, start %s next day"},
	msgSpanOther:         {"%s %s停、%s %s启", "%s stop %s, start %s %s"},
	msgDayRange:          {"%s至%s", "%s-%s"},
	msgMon:               {"周一", "Mon"},
	msgTue:               {"周二", "Tue"},
	msgWed:               {"周三", "Wed"},
	msgThu:               {"周四", "Thu"},
	msgFri:               {"周五", "Fri"},
	msgSat:               {"周六", "Sat"},
	msgSun:               {"周日", "Sun"},
	msgHourOfDay:         {"时", "hour"},
	msgStopRisk:          {"风险等级%s：未来一周内在停机时段醒来的概率上限%s", "Risk grade %s: probability of being awake in these hours in a coming week at most %s"},
	msgStopRiskPrior:     {"本云可回看的周数尚少，按内置先验估计", "the fleet has tried too few weeks: a built-in prior was used"},
	msgStopRiskSeen:      {"本云按前半段得出时段、在后半段检验的%d个主机周中，有%d个醒来过", "of %d machine-weeks of this fleet, held against the hours that the weeks before gave, %d were awake"},
	msgStopUnpriced:      {"节约金额未知", "saving unknown"},
	msgReasonRest:        {"每周可停机{value}（不少于{limit}）", "may be stopped for {value} a week (at least {limit})"},
	msgReasonRestSeen:    {"依据最近{value}", "judged by the last {value}"},
	msgReasonRestAwake:   {"停机时段内所见{limit}中醒来{value}", "awake for {value} of {limit} seen within these hours"},
	msgReasonRestCPU:     {"停机时段CPU均值{value}（一小时休眠须低于{limit}）", "mean CPU {value} in these hours (an hour of rest is below {limit})"},
	msgReasonRestNetwork: {"网络收发合计{value}（不高于{limit}）", "network {value} (at most {limit})"},
	msgReasonRestDisk:    {"磁盘读写合计{value}（不高于{limit}）", "disk {value} (at most {limit})"},
	msgReasonWork:        {"每周规律工作{value}（不少于{limit}）", "works regularly for {value} a week (at least {limit})"},
	msgReasonWorkCPU:     {"工作时段CPU均值{value}", "mean CPU {value} at work"},
	msgRefusedStandby:    {"名称或标签含“{detail}”，属备用、应急或季节性资源", "its name or tags say “{detail}”: standby, emergency or seasonal"},
	msgRefusedDatabase:   {"名称或标签含“{detail}”，是数据库", "its name or tags say “{detail}”: a database"},
	msgRefusedAgeUnknown: {"开通时间未知", "nobody knows how old it is"},
	msgRefusedNoNetwork:  {"没有网络数据：看似休眠，可能仍在提供服务", "network is not measured: what looks like rest may serve others"},

	msgRefusedLocalStop:   {"带本地盘的规格[（{detail}）]，停机后数据可能不保，也不支持节省停机", "a type with local disks[ ({detail})]: its data may not outlive a stop, and economical mode leaves it out"},
	msgNoteBillingStops:   {"停机期间CPU与内存不计费，云盘照常计费", "CPU and memory are not billed while stopped, disks are"},
	msgRefusedPrepaidStop: {"包年包月，停机照常付费，不产生节约", "prepaid: a stop saves nothing"},
	msgRefusedBilledStop:  {"价目表写明停机照常计费，不产生节约", "by the price book it is billed all the same while stopped: a stop saves nothing"},
	msgNoteBillingUnknown: {"价目表未说明停机是否计费（stopped_billing），不作节约承诺", "the price book does not say whether a stopped machine is billed (stopped_billing): no saving is claimed"},
	msgNoteChargeUnknown:  {"计费方式未知，不作节约承诺", "nobody knows how it is paid for: no saving is claimed"},
	msgRuleSchedule:       {"定时停机", "schedule"},
	msgWeeks:              {"%s周", "%s week(s)"},
}

// wording is the text of a message.
func wording(l Lang, m msg) string {
	if t, ok := scheduleTexts[m]; ok {
		if l == EN {
			return t[1]
		}
		return t[0]
	}
	return catalogue(l)[m]
}
