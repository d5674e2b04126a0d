package calendar

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// File is one file of a calendar: the holidays of a year, or a table of
// seasons; exactly one of the two.
type File struct {
	Year    *Year
	Seasons *Seasons
}

// Parse reads a file. name is for messages. The error, if any, is an *Error
// with every mistake, each with file, line and column.
func Parse(name string, text []byte) (File, error) {
	r := &reader{file: name}
	m, ok := r.document(text)
	var f File
	switch {
	case !ok:
	case m.values["year"] != nil:
		f.Year = r.year(m)
	case m.values["seasons"] != nil:
		f.Seasons = r.seasons(m)
		sum := sha256.Sum256(text)
		f.Seasons.SHA256 = hex.EncodeToString(sum[:])
	default:
		r.wrong(m.node, "", "neither the holidays of a year nor a table of seasons: want the key year or seasons")
	}
	if err := r.err(); err != nil {
		return File{}, err
	}
	return f, nil
}

// Years that a file may be of, and the longest holiday: above any published.
const (
	firstYear  = 2000
	lastYear   = 2100
	maxHoliday = 31
	maxSeasons = 1000
)

func (r *reader) year(m mapping) *Year {
	y := &Year{Year: r.integer(m.take("year"), "year", firstYear, lastYear)}
	y.Source = r.source(m.need("source"))
	holidays := m.need("holidays")
	for i, n := range r.list(holidays, "holidays") {
		if h, ok := r.holiday(n, fmt.Sprintf("holidays[%d]", i), y); ok {
			y.Holidays = append(y.Holidays, h)
		}
	}
	if holidays != nil && holidays.Kind == yaml.SequenceNode && len(holidays.Content) == 0 {
		r.wrong(holidays, "holidays", "want at least one holiday")
	}
	m.done()
	slices.SortFunc(y.Holidays, func(a, b Holiday) int { return a.From.Compare(b.From) })
	return y
}

// holiday reads one holiday and checks it against those before it.
func (r *reader) holiday(n *yaml.Node, path string, y *Year) (Holiday, bool) {
	m, ok := r.mapping(n, path)
	if !ok {
		return Holiday{}, false
	}
	before := len(r.problems)
	h := Holiday{Name: r.bilingual(m.need("name"), m.at("name"))}
	from, to, makeup := m.need("from"), m.need("to"), m.take("makeup")
	h.From, h.To = r.date(from, m.at("from"), y.Year), r.date(to, m.at("to"), y.Year)
	m.done()
	switch {
	case h.From.IsZero() || h.To.IsZero():
		return h, false
	case h.To.Before(h.From):
		r.wrong(to, m.at("to"), "%s lies before from, %s", h.To.Format(time.DateOnly), h.From.Format(time.DateOnly))
		return h, false
	case Between(h.From, h.To)+1 > maxHoliday:
		r.wrong(to, m.at("to"), "%d days off: want at most %d", Between(h.From, h.To)+1, maxHoliday)
		return h, false
	}
	c := Calendar{Years: []Year{*y}}
	for d := h.From; !d.After(h.To); d = d.AddDate(0, 0, 1) {
		if other, ok := c.Holiday(d); ok {
			r.wrong(n, path, "%s is off for %s already", d.Format(time.DateOnly), other.Name.ZH)
			break
		}
		if c.Makeup(d) {
			r.wrong(n, path, "%s is off, and a make-up day of a holiday before", d.Format(time.DateOnly))
			break
		}
	}
	for i, item := range r.list(makeup, m.at("makeup")) {
		at := fmt.Sprintf("%s[%d]", m.at("makeup"), i)
		d := r.date(item, at, y.Year)
		_, off := c.Holiday(d)
		switch {
		case d.IsZero():
		case !weekend(d):
			r.wrong(item, at, "%s is a %s: a make-up day is a Saturday or Sunday", item.Value, d.Weekday())
		case off || !d.Before(h.From) && !d.After(h.To):
			r.wrong(item, at, "%s is a day off", item.Value)
		case c.Makeup(d) || slices.ContainsFunc(h.Makeup, d.Equal):
			r.wrong(item, at, "%s is a make-up day already", item.Value)
		default:
			h.Makeup = append(h.Makeup, d)
		}
	}
	return h, len(r.problems) == before
}

// date reads a day that a year's notice may speak of: of that year, or of the
// December before. year 0 is one that could not be read.
func (r *reader) date(n *yaml.Node, path string, year int) time.Time {
	if n == nil {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		r.wrong(n, path, "want a date such as 2026-10-01, found %s", found(n))
		return time.Time{}
	}
	if year != 0 && (t.Before(date(year-1, time.December, 1)) || t.After(date(year, time.December, 31))) {
		r.wrong(n, path, "%s is not of year %d, nor of the December before", n.Value, year)
		return time.Time{}
	}
	return t
}

func (r *reader) source(n *yaml.Node) Source {
	m, ok := r.mapping(n, "source")
	if !ok {
		return Source{}
	}
	day, address := m.need("date"), m.need("url")
	s := Source{
		Title:  r.text(m.need("title"), m.at("title")),
		Issuer: r.text(m.take("issuer"), m.at("issuer")),
		DocNo:  r.text(m.take("doc_no"), m.at("doc_no")),
		Date:   r.text(day, m.at("date")),
		URL:    r.text(address, m.at("url")),
	}
	m.done()
	if _, err := time.Parse(time.DateOnly, s.Date); s.Date != "" && err != nil {
		r.wrong(day, m.at("date"), "want a date such as 2025-11-04, found %.40q", s.Date)
	}
	if s.URL != "" && !webAddress.MatchString(s.URL) {
		r.wrong(address, m.at("url"), "want an address such as https://www.gov.cn/…, found %.60q", s.URL)
	}
	return s
}

var (
	webAddress = regexp.MustCompile(`^https?://[^\s/]+(/\S*)?$`)
	seasonID   = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	monthDay   = regexp.MustCompile(`^\d\d-\d\d$`)
)

func (r *reader) seasons(m mapping) *Seasons {
	s := &Seasons{Tag: r.text(m.need("tag"), "tag")}
	list := m.take("seasons")
	items := r.list(list, "seasons")
	if len(items) > maxSeasons {
		r.wrong(list, "seasons", "%d seasons: want at most %d", len(items), maxSeasons)
		items = nil
	}
	lines := map[string]int{}
	for i, n := range items {
		one, ok := r.season(n, fmt.Sprintf("seasons[%d]", i))
		if !ok {
			continue
		}
		if line := lines[one.ID]; line > 0 {
			r.wrong(n, fmt.Sprintf("seasons[%d].id", i), "%q stands at line %d already", one.ID, line)
		}
		lines[one.ID] = n.Line
		s.List = append(s.List, one)
	}
	m.done()
	return s
}

func (r *reader) season(n *yaml.Node, path string) (Season, bool) {
	m, ok := r.mapping(n, path)
	if !ok {
		return Season{}, false
	}
	before := len(r.problems)
	id, spans := m.need("id"), m.need("spans")
	s := Season{
		ID:           r.text(id, m.at("id")),
		Name:         r.bilingual(m.need("name"), m.at("name")),
		Confidence:   Confidence(r.oneOf(m.need("confidence"), m.at("confidence"), string(Cited), string(Practice), string(Proposed), string(Unverified))),
		Departments:  r.texts(m.take("departments"), m.at("departments")),
		Applications: r.texts(m.take("applications"), m.at("applications")),
	}
	if s.ID != "" && (!seasonID.MatchString(s.ID) || s.ID == NoSeason) {
		r.wrong(id, m.at("id"), "%.40q is no id: want lower-case letters, digits and single hyphens, and not %s, which stands for no season", s.ID, NoSeason)
	}
	for i, item := range r.list(spans, m.at("spans")) {
		s.Spans = append(s.Spans, r.span(item, fmt.Sprintf("%s[%d]", m.at("spans"), i)))
	}
	if spans != nil && spans.Kind == yaml.SequenceNode && len(s.Spans) == 0 {
		r.wrong(spans, m.at("spans"), "want at least one span")
	}
	m.done()
	return s, len(r.problems) == before
}

func (r *reader) span(n *yaml.Node, path string) SeasonSpan {
	m, ok := r.mapping(n, path)
	if !ok {
		return SeasonSpan{}
	}
	s := SeasonSpan{Every: EveryYear}
	if every := m.take("every"); every != nil {
		s.Every = cmp.Or(r.oneOf(every, m.at("every"), EveryYear, EveryMonth, EveryHoliday), EveryYear)
	}
	switch s.Every {
	case EveryHoliday:
		s.Before = r.integer(m.need("before"), m.at("before"), 0, maxHoliday)
		s.After = r.integer(m.need("after"), m.at("after"), 0, maxHoliday)
	case EveryMonth:
		s.From.Day = r.integer(m.need("from"), m.at("from"), 1, 31)
		s.To.Day = r.integer(m.need("to"), m.at("to"), 1, 31)
	default:
		s.From = r.monthDay(m.need("from"), m.at("from"))
		s.To = r.monthDay(m.need("to"), m.at("to"))
	}
	m.done()
	return s
}

// monthDay reads a day of the year, 02-29 included.
func (r *reader) monthDay(n *yaml.Node, path string) MonthDay {
	if n == nil {
		return MonthDay{}
	}
	d, ok := parseMonthDay(n.Value)
	if n.Kind != yaml.ScalarNode || !ok {
		r.wrong(n, path, "want a day of the year such as 06-30, found %s", found(n))
		return MonthDay{}
	}
	return d
}

func parseMonthDay(s string) (MonthDay, bool) {
	t, err := time.Parse(time.DateOnly, "2024-"+s) // a leap year
	return MonthDay{t.Month(), t.Day()}, err == nil && monthDay.MatchString(s)
}
