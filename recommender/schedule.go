package recommender

import (
	"slices"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
)

// ScheduleRule is the rule that recommendations and refusals of a stop name: the
// section schedule of the pack.
const ScheduleRule = "schedule"

// Codes of the reasons for a stop, and of those against one beside the codes above.
const (
	CodeRest          = "rest_hours"         // hours off a week; Limit: the fewest that are proposed
	CodeRestSeen      = "rest_weeks"         // weeks seen; Limit: the fewest
	CodeRestAwake     = "rest_awake"         // hours awake within the proposed ones; Limit: of how many that were seen
	CodeRestCPU       = "rest_cpu"           // mean CPU in the proposed hours; Limit: below which an hour's mean must lie
	CodeRestNetwork   = "rest_network"       // mean network likewise
	CodeRestDisk      = "rest_disk"          // mean disk throughput likewise
	CodeWork          = "work_hours"         // hours of the week at work; Limit: the fewest
	CodeWorkCPU       = "work_cpu"           // mean CPU in them
	CodeStandby       = "standby"            // spoken of as standby; Detail: the word
	CodeDatabase      = "database"           // spoken of as a database; Detail: the word
	CodeAgeUnknown    = "age_unknown"        // the source gives no creation time
	CodeNoNetwork     = "network_unmeasured" // what looks like sleep may serve others at little CPU
	CodeLocalDiskStop = "local_disk_stop"    // disks of the host itself may not outlive a stop; Detail: the type
	CodePrepaidStop   = "prepaid_stop"       // a subscription is paid for, running or not
	CodeBilledStop    = "billed_stop"        // the price book says that stopped machines are billed all the same
)

// ScheduleCodes lists the codes above.
func ScheduleCodes() []string {
	return []string{
		CodeRest, CodeRestSeen, CodeRestAwake, CodeRestCPU, CodeRestNetwork, CodeRestDisk, CodeWork, CodeWorkCPU,
		CodeStandby, CodeDatabase, CodeAgeUnknown, CodeNoNetwork, CodeLocalDiskStop, CodePrepaidStop, CodeBilledStop,
	}
}

// priorNights stands in for a fleet that has tried no more weeks than it has itself: of
// 16 weeks tried on the public trace of 407 machines that priorMargins names, with the
// limits of the default pack, the machine was awake in twelve (TestNightsOnTheTrace of
// the analyzer). It is little, and says that nothing may be promised before the fleet
// has shown it.
var priorNights = tallied{12, 16}

// PriorNights is what stands in for a fleet that has tried no more weeks: of compared
// machine-weeks exceeded were awake.
func PriorNights() (exceeded, compared int) { return priorNights.exceeded, priorNights.compared }

// schedules proposes hours of rest, and says of the machines that rest long enough
// why none are proposed. It is an advice of its own beside recs: a machine that is
// to be smaller may also rest, and then saves what the smaller one costs; one that
// is to be released needs no schedule.
func (r *run) schedules(fleet []Candidate, recs []Recommendation, before map[string]Recommendation) (stops []Recommendation, refusals []Refusal) {
	if !r.pack.Schedule.Enabled {
		return nil, nil
	}
	advised := map[string]Recommendation{}
	for _, x := range recs {
		advised[x.ResourceID] = x
	}
	risk := r.ofNights(fleet)
	for _, c := range fleet {
		res := c.Input.Resource
		other := advised[res.ID]
		if c.Nights.Schedule == nil || c.Finding.Verdict == analyzer.Idle || other.Action == Release {
			continue
		}
		why := r.awakeFor(c)
		if len(why) == 0 {
			stop, nothing := r.stop(c, other, risk, before)
			if nothing == "" {
				stops = append(stops, stop)
				continue
			}
			why = []analyzer.Reason{{Code: nothing}}
		}
		refusals = append(refusals, Refusal{ResourceID: res.ID, Kind: res.Kind, Rule: ScheduleRule, Reasons: why})
	}
	return stops, refusals
}

// awakeFor is why a machine that rests is not to be stopped; nil where it may be.
func (r *run) awakeFor(c Candidate) []analyzer.Reason {
	res := c.Input.Resource
	family := r.types[res.InstanceType].Family
	why := func(code, detail string) []analyzer.Reason { return []analyzer.Reason{{Code: code, Detail: detail}} }
	if slices.Contains(c.Finding.Flags, analyzer.CloudUnavailable) && len(c.Finding.Reasons) > 0 {
		return c.Finding.Reasons[:1]
	}
	if slices.Contains(c.Finding.Flags, analyzer.Exempt) {
		i := slices.IndexFunc(c.Finding.Reasons, func(x analyzer.Reason) bool { return x.Code == analyzer.CodeExempt })
		if i >= 0 {
			return c.Finding.Reasons[i : i+1]
		}
		return why(CodeExempt, "")
	}
	if slices.Contains(c.Finding.Flags, analyzer.SuspectedPadding) {
		return why(CodePadding, "")
	}
	thin := slices.IndexFunc(c.Finding.Reasons, func(x analyzer.Reason) bool {
		return x.Metric == cloud.CPUPercent && (x.Code == analyzer.CodeHistoryBelow || x.Code == analyzer.CodeCoverageBelow)
	})
	if thin >= 0 {
		return c.Finding.Reasons[thin : thin+1]
	}
	if w, ok := policies.Spoken(r.pack.Schedule.Standby, res); ok {
		return why(CodeStandby, w)
	}
	if w, ok := policies.Spoken(r.pack.Schedule.Databases, res); ok {
		return why(CodeDatabase, w)
	}
	switch age := r.now.Sub(res.CreatedAt); {
	case res.HAGroup != "":
		return why(CodeHAGroup, res.HAGroup)
	case res.GPU > 0 || r.types[res.InstanceType].GPU > 0:
		return why(CodeGPU, res.InstanceType)
	case family != "" && slices.Contains(r.pack.Sizing.Refuse, family):
		return why(CodeRefusedFamily, family)
	case res.LocalStorageGiB > 0 || r.types[res.InstanceType].LocalStorageGiB > 0:
		return why(CodeLocalDiskStop, res.InstanceType)
	case res.CreatedAt.IsZero() && res.FirstSeen.IsZero():
		return why(CodeAgeUnknown, "")
	case !res.CreatedAt.IsZero() && age < r.pack.MinAge:
		found, least := age.Hours()/24, r.pack.MinAge.Hours()/24
		return []analyzer.Reason{{Code: analyzer.CodeAgeBelow, Value: &found, Limit: &least, Unit: cloud.Days}}
	case c.Nights.NetworkUnknown:
		return why(CodeNoNetwork, "")
	}
	return nil
}

// stop writes out the advice to stop a machine at the hours of its schedule, with the
// code of why it is known to save nothing, else empty.
func (r *run) stop(c Candidate, other Recommendation, risk Risk, before map[string]Recommendation) (rec Recommendation, nothing string) {
	res := c.Input.Resource
	rec = Recommendation{
		ID: identity(res.ID, Stop, r.pack.ID), ResourceID: res.ID, Kind: res.Kind, Name: res.Name,
		Department: res.Department, Application: res.Application, Action: Stop, Rule: ScheduleRule,
		Current: specOf(res), Currency: r.book.Currency, PriceBook: r.book.Ref(), AnnualSaving: price.Zero(r.book.Currency),
		Flags: slices.Clone(c.Finding.Flags), Reasons: r.whyStop(*c.Nights.Schedule), Schedule: c.Nights.Schedule, Risk: risk,
	}
	r.confirm(&rec, before)
	if other.Action == Downsize && other.Target != nil {
		res = resized(res, *other.Target)
	}
	nothing = r.savingOfStop(&rec, res)
	return rec, nothing
}

// savingOfStop sets what is not billed while the machine is stopped, or says why
// nothing is saved. Nothing is claimed where the book, or the source, does not tell how
// it is billed.
func (r *run) savingOfStop(rec *Recommendation, res cloud.Resource) (nothing string) {
	switch res.ChargeType {
	case cloud.Prepaid:
		return CodePrepaidStop
	case cloud.Postpaid:
	default:
		rec.SavingNote = NoteChargeUnknown
		return ""
	}
	quote := r.book.Quote(res, r.now)
	saved, known := quote.WhileStopped(rec.Schedule.HoursOff)
	switch {
	case !known:
		rec.SavingNote = NoteBillingUnknown
		return ""
	case saved.Sign() == 0:
		return CodeBilledStop
	}
	rec.AnnualSaving, rec.SavingKnown, rec.SavingNote = saved.Round(), true, NoteBillingStops
	rec.Pricing = &Pricing{Current: quote.Lines}
	return ""
}

func (r *run) whyStop(s analyzer.Schedule) []analyzer.Reason {
	l := r.pack.Schedule
	of := func(code string, value, limit int, u cloud.Unit) analyzer.Reason {
		v, x := float64(value), float64(limit)
		return analyzer.Reason{Code: code, Value: &v, Limit: &x, Unit: u}
	}
	out := []analyzer.Reason{
		of(CodeRest, s.HoursOff, l.MinHours, cloud.Hours), of(CodeRestSeen, s.Weeks, l.MinWeeks, cloud.Weeks),
		of(CodeRestAwake, s.AwakeHours, s.SeenHours, cloud.Hours), of(CodeWork, s.WorkHours, l.WorkHours, cloud.Hours),
	}
	for _, m := range []struct {
		code   string
		metric cloud.Metric
		value  *float64
		limit  *float64
		unit   cloud.Unit
	}{
		{CodeRestCPU, cloud.CPUPercent, s.OffCPU, &l.CPUMean, cloud.Percent}, {CodeWorkCPU, cloud.CPUPercent, s.WorkCPU, nil, cloud.Percent},
		{CodeRestNetwork, policies.NetworkBPS, s.OffNetwork, &l.Network, cloud.BitsPerSecond}, {CodeRestDisk, policies.DiskBPS, s.OffDisk, &l.Disk, cloud.BytesPerSec},
	} {
		if m.value != nil {
			out = append(out, analyzer.Reason{Code: m.code, Metric: m.metric, Statistic: "mean", Value: m.value, Limit: m.limit, Unit: m.unit})
		}
	}
	return out
}

// ofNights is the risk of a stop: the chance that a machine is awake, in a coming
// week, in an hour in which it is to be stopped. Of the machines whose first half of
// the weeks gave a schedule, the weeks of the second half are counted, and those in
// which the machine was awake in an hour of it.
func (r *run) ofNights(fleet []Candidate) Risk {
	var t tallied
	for _, c := range fleet {
		t.compared += c.Nights.TriedWeeks
		t.exceeded += c.Nights.WokeWeeks
	}
	if t.compared <= priorNights.compared {
		return graded(r.pack, Risk{HarmProbability: priorNights.bound(Standard().Confidence), Prior: true})
	}
	return graded(r.pack, Risk{HarmProbability: t.bound(Standard().Confidence), Exceeded: t.exceeded, Compared: t.compared})
}
