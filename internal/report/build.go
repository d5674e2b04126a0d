package report

import (
	"strings"

	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/internal/journal"
	"yunjian/price"
	"yunjian/recommender"
)

// document is a report in one language, ready to be laid out.
type document struct {
	weekly Weekly      // its audit without stops: they stand in facts
	audit  audit.Audit // the whole
	facts  facts
	prose  prose

	title    string
	subtitle string   // the week
	banner   string   // that prices are examples; empty otherwise
	stamp    []string // as-of, policy, price book: on every page and sheet
	headline []string // the report in a few sentences
	tiles    []tile
	lights   []lightView
	bars     []bar // saving by department
	sections []section
	details  []detail
	cut      int // recommendations without a detail of their own

	verdicts []verdictCount
	compared table
	// changed and attention bring together what a page tells in several
	// sections; they are for sheets.
	changed, attention table
	basis              table
	appendix           table
	fleet              table // every resource; sheets only
	undecided          table // as in the section on data quality, or empty
	todo               []todoView
}

// tile is one headline figure.
type tile struct {
	label, value, note string
	tone               tone
}

// lightView is one traffic light with its words; shape repeats what the colour
// says.
type lightView struct {
	Light
	label, shape, text string
	meaning            string
}

// bar is one bar of a chart.
type bar struct {
	label string
	value float64 // for its length only; what is read is text
	text  string
}

// todoView is one thing to do, in words.
type todoView struct {
	todo
	text string
}

// verdictCount is how many resources were judged so.
type verdictCount struct {
	label string
	n     int
}

// section is one chapter; its tables follow its notes.
type section struct {
	id, title string
	notes     []string
	tables    []table
	weeks     []weekView // drawn below the tables
}

// builder makes the document.
type builder struct {
	r Weekly
	f facts
	p prose
}

// build turns r into a document of one language.
func build(r Weekly, lang Lang) (document, error) {
	whole := r.Audit
	r, stops, unstopped := withoutStops(r)
	f, err := gather(r)
	if err == nil {
		err = f.addStops(stops, unstopped)
	}
	if err != nil {
		return document{}, err
	}
	b := builder{r: r, f: f, p: prose{lang: lang, loc: r.Location, pack: r.Pack}}
	p := b.p
	window := r.Week.Window(r.Location)
	d := document{
		weekly:    r,
		audit:     whole,
		facts:     f,
		prose:     p,
		title:     p.say(msgTitle),
		subtitle:  p.say(msgWeekSpan, p.week(r.Week), p.date(window.From), p.date(window.To.AddDate(0, 0, -1))),
		stamp:     b.stamp(),
		headline:  b.headline(),
		tiles:     b.tiles(),
		lights:    b.lightViews(),
		bars:      b.bars(),
		verdicts:  b.verdicts(),
		compared:  b.compared(),
		changed:   b.changed(),
		attention: b.attention(),
		basis:     b.basis(),
		appendix:  b.appendix(),
		fleet:     b.fleet(),
		undecided: b.undecidedTable(),
		todo:      b.todo(),
	}
	if r.Audit.PriceBook.Example {
		d.banner = p.say(msgExampleBanner)
	}
	d.details, d.cut = b.details()
	d.sections = b.sections()
	return d, nil
}

// stamp names what every figure stands on.
func (b builder) stamp() []string {
	p, a := b.p, b.r.Audit
	asOf := p.say(msgAsOf, p.minute(a.AsOf), b.r.Location.String(), p.minute(b.r.GeneratedAt))
	if d := a.Window.Duration(); d > 0 {
		asOf += " · " + p.say(msgWindow, p.date(a.Window.From), p.date(a.Window.To), p.duration(d))
	}
	basis := b.policyLine() + " · " + b.priceBookLine()
	if head := b.journalHead(); head != "" {
		basis += " · " + p.say(msgJournal, head)
	}
	return []string{asOf, basis}
}

// journalHead is the head of the journal that the audit was stored with, in
// short; empty where it has none.
func (b builder) journalHead() string {
	h := b.r.Audit.Journal
	if h.Seq == 0 {
		return ""
	}
	return journal.Head{Seq: h.Seq, Hash: h.Hash}.Short()
}

func (b builder) policyLine() string {
	p, ref := b.p, b.r.Audit.Policy
	line := p.say(msgPolicy, clean(ref.ID), clean(ref.Version))
	sum := ref.SHA256
	if len(sum) > 12 {
		sum = sum[:12]
	}
	if sum != "" {
		line += p.say(msgChecksum, sum)
	}
	if ref.Confidence != "" {
		line += p.say(msgConfidence, name(p, confidenceNames, ref.Confidence))
	}
	return line
}

func (b builder) priceBookLine() string {
	ref := b.r.Audit.PriceBook
	line := b.p.say(msgPriceBook, clean(ref.ID)+"@"+clean(ref.Version))
	if ref.Example {
		line += b.p.say(msgExampleMark)
	}
	return line
}

// exampleMark follows headline amounts that stand on example prices.
func (b builder) exampleMark() string {
	if b.r.Audit.PriceBook.Example {
		return b.p.say(msgExampleMark)
	}
	return ""
}

// headline is the report in a few sentences.
func (b builder) headline() []string {
	p, t := b.p, b.r.Audit.Totals
	n := len(b.r.Audit.Findings)
	if n == 0 {
		return []string{p.say(msgNothingAudited)}
	}
	advice := len(b.f.changes.fresh) + len(b.f.changes.again)
	var out []string
	if advice == 0 {
		out = append(out, p.say(msgHeadlineNone, group(itoa(n))))
	} else {
		var parts []string
		if t.Release.Resources > 0 {
			parts = append(parts, p.say(msgHeadlineRelease, group(itoa(t.Release.Resources)), p.sized(msgFreeing, t.Release.VCPU, t.Release.MemoryGiB, t.Release.StorageGiB)))
		}
		if t.Downsize.Resources > 0 {
			parts = append(parts, p.say(msgHeadlineDownsize, group(itoa(t.Downsize.Resources)), p.sized(msgFreeing, t.Downsize.VCPU, t.Downsize.MemoryGiB, t.Downsize.StorageGiB)))
		}
		out = append(out, p.say(msgHeadline, group(itoa(n)), p.clauses(parts)))
		parts = nil
		if s := p.size(t.Release.VCPU+t.Downsize.VCPU, t.Release.MemoryGiB+t.Downsize.MemoryGiB, t.Release.StorageGiB+t.Downsize.StorageGiB); s != "" {
			parts = append(parts, p.say(msgHeadlineFreed, s))
		}
		if b.f.unpriced < advice {
			parts = append(parts, p.say(msgHeadlineSaving, p.wan(b.f.saving))+b.exampleMark())
			if b.f.laterCount > 0 {
				parts = append(parts, p.say(msgHeadlineLater, p.wan(b.f.later), b.f.laterCount))
			}
		}
		if b.f.unpriced > 0 {
			parts = append(parts, p.say(msgHeadlineUnpriced, b.f.unpriced))
		}
		if len(parts) > 0 {
			out = append(out, p.clauses(parts))
		}
		switch b.f.ready {
		case 0:
			out = append(out, p.say(msgHeadlineNoneReady, advice))
		case advice:
			out = append(out, p.say(msgHeadlineAllReady, advice))
		default:
			out = append(out, p.say(msgHeadlineReady, b.f.ready, advice-b.f.ready))
		}
	}
	if len(b.f.stops) > 0 {
		out = append(out, p.say(msgHeadlineStops, len(b.f.stops)))
	}
	if grey := b.f.lights[len(b.f.lights)-1]; grey.Resources > 0 {
		out = append(out, p.say(msgHeadlineGrey, group(itoa(grey.Resources)), percent(100*grey.Share)))
	}
	if years := b.r.Audit.Calendar.MissingYears; len(years) > 0 {
		out = append(out, b.holidaysMissing(years))
	}
	c := b.f.changes
	if c.first {
		return append(out, p.say(msgFirstIssue))
	}
	s := p.say(msgHeadlineChanges, p.minute(b.r.Previous.AsOf), len(c.fresh), len(c.again), len(c.gone))
	if diff, ok := b.savingChange(); ok {
		s = p.clauses([]string{s, p.say(msgHeadlineDelta, signed(diff, p.yuan(diff)))})
		if n := b.repricedCount(); n > 0 {
			s += p.say(msgParenthesis, p.say(msgRepricedCount, n))
		}
	}
	out = append(out, s)
	if c.otherPolicy {
		out = append(out, p.say(msgOtherPolicy, clean(b.r.Previous.Policy.ID), clean(b.r.Previous.Policy.Version)))
	}
	if c.otherPrices {
		out = append(out, p.say(msgOtherPrices, clean(b.r.Previous.PriceBook.ID)+"@"+clean(b.r.Previous.PriceBook.Version)))
	}
	return out
}

// savingChange is the difference to the previous audit's estimated saving. It
// is not told where either price book changed or currencies differ: the
// difference would speak of prices, not of resources.
func (b builder) savingChange() (price.Amount, bool) {
	if b.r.Previous == nil || b.f.changes.otherPrices {
		return price.Amount{}, false
	}
	var before price.Amount
	for _, x := range b.r.Previous.Recommendations {
		if !saves(x.Action) || !x.SavingKnown {
			continue
		}
		a, err := saving(x)
		if err != nil {
			return price.Amount{}, false
		}
		if before, err = before.Add(a); err != nil {
			return price.Amount{}, false
		}
	}
	diff, err := b.f.saving.Sub(before)
	return diff, err == nil
}

// repriced says what a continued recommendation was thought to save before,
// where that is not what it is thought to save now; empty otherwise.
func (b builder) repriced(x recommender.Recommendation) string {
	if b.r.Previous == nil {
		return ""
	}
	for _, was := range b.r.Previous.Recommendations {
		if was.ResourceID != x.ResourceID || was.Action != x.Action {
			continue
		}
		if !was.SavingKnown || !x.SavingKnown || shown(was).Cmp(shown(x)) == 0 {
			return ""
		}
		return b.p.say(msgRepriced, b.p.yuan(shown(was)), b.sizes(was))
	}
	return ""
}

func (b builder) repricedCount() int {
	n := 0
	for _, x := range b.f.changes.again {
		if b.repriced(x) != "" {
			n++
		}
	}
	return n
}

// signed puts a plus before what grew.
func signed(a price.Amount, text string) string {
	if a.Sign() > 0 {
		return "+" + text
	}
	return text
}

// sized is a size in parentheses, with the words of m around it, or nothing.
func (p prose) sized(m msg, vcpu int, memory, storage float64) string {
	s := p.size(vcpu, memory, storage)
	if s == "" {
		return ""
	}
	return p.say(msgParenthesis, p.say(m, s))
}

// freeing is what a tile says of the size that is given back.
func (p prose) freeing(vcpu int, memory, storage float64) string {
	s := p.size(vcpu, memory, storage)
	if s == "" {
		return ""
	}
	return p.say(msgFreeing, s)
}

func (b builder) tiles() []tile {
	p, t := b.p, b.r.Audit.Totals
	if len(b.r.Audit.Findings) == 0 {
		return nil
	}
	tiles := []tile{
		{label: p.say(msgTileResources), value: group(itoa(len(b.r.Audit.Findings))), note: b.kinds()},
		{label: p.say(msgTileRelease), value: group(itoa(t.Release.Resources)), note: p.freeing(t.Release.VCPU, t.Release.MemoryGiB, t.Release.StorageGiB)},
		{label: p.say(msgTileDownsize), value: group(itoa(t.Downsize.Resources)), note: p.freeing(t.Downsize.VCPU, t.Downsize.MemoryGiB, t.Downsize.StorageGiB)},
		b.savingTile(),
	}
	for _, w := range b.f.weighted {
		x := tile{label: p.say(msgTileWeighted, name(p, metricNames, w.Metric)), value: p.say(msgUnknown), note: p.say(msgMeasuredOf, w.Resources, w.Of), tone: mute}
		if w.Percent != nil {
			x.value, x.tone = percent(*w.Percent), plain
		}
		tiles = append(tiles, x)
	}
	return tiles
}

func (b builder) savingTile() tile {
	p := b.p
	x := tile{label: p.say(msgTileSaving), value: p.wan(b.f.saving)}
	advice := len(b.f.changes.fresh) + len(b.f.changes.again)
	switch {
	case b.f.unpriced > 0 && b.f.unpriced == advice:
		x.value, x.tone = p.say(msgUnknown), mute
		x.note = p.say(msgUnpriced, b.f.unpriced)
	default:
		var notes []string
		if b.f.laterCount > 0 {
			notes = append(notes, p.say(msgTileLater, p.wan(b.f.later)))
		}
		if b.f.unpriced > 0 {
			notes = append(notes, p.say(msgUnpriced, b.f.unpriced))
		}
		x.note = strings.Join(notes, " · ")
	}
	if b.r.Audit.PriceBook.Example {
		x.note = strings.TrimPrefix(x.note+" · "+p.say(msgExamplePrices), " · ")
	}
	return x
}

func (b builder) kinds() string {
	n := map[cloud.Kind]int{}
	for _, x := range b.r.Audit.Findings {
		n[x.Kind]++
	}
	var parts []string
	for _, k := range cloud.Kinds() {
		if n[k] > 0 {
			parts = append(parts, name(b.p, kindNames, k)+" "+group(itoa(n[k])))
		}
	}
	return strings.Join(parts, " · ")
}

func (b builder) lightViews() []lightView {
	var out []lightView
	for _, l := range b.f.lights {
		out = append(out, lightView{
			Light:   l,
			label:   name(b.p, lightNames, l.Colour),
			shape:   shapes[l.Colour],
			text:    group(itoa(l.Resources)) + " (" + percent(100*l.Share) + ")",
			meaning: name(b.p, lightMeanings, l.Colour),
		})
	}
	return out
}

// shapes tell the lights apart without colour.
var shapes = map[Colour]string{Green: "●", Yellow: "▲", Red: "■", Grey: "○"}

// bars are the departments with the greatest saving; the others are summed up
// in the table.
func (b builder) bars() []bar {
	const most = 12
	var out []bar
	for _, d := range b.f.departments {
		if d.Saving.Sign() <= 0 || len(out) == most {
			break
		}
		v, _ := d.Saving.Decimal().Float64()
		out = append(out, bar{label: b.departmentName(d.Name), value: v, text: b.p.wan(d.Saving)})
	}
	return out
}

func (b builder) departmentName(s string) string {
	if s == "" {
		return b.p.say(msgNoDepartment)
	}
	return clean(s)
}

func (b builder) todo() []todoView {
	var out []todoView
	for _, t := range b.f.todo {
		m := todoNames[t.code]
		words := b.p.say(m)
		if strings.Contains(words, "%") {
			words = b.p.say(m, t.count)
		}
		out = append(out, todoView{t, words})
	}
	return out
}
