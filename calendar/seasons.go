package calendar

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// Confidence says how far the dates of a season may be trusted.
type Confidence string

// Grades of confidence.
const (
	Cited      Confidence = "cited"      // published; say where in a comment
	Practice   Confidence = "practice"   // seen in one's own peaks
	Proposed   Confidence = "proposed"   // Yunjian's default
	Unverified Confidence = "unverified" // general knowledge, to be checked
)

// Seasons is a table of seasonal peaks.
type Seasons struct {
	SHA256 string   // of the file as read; identifies the exact text
	Tag    string   // key of the tag, or column of a bundle, that names the seasons of a resource
	List   []Season // as in the file
}

// Season is when a business peaks, and whose business it is.
type Season struct {
	ID         string
	Name       Text
	Confidence Confidence
	Spans      []SeasonSpan
	// Departments and Applications belong to the season where their resources
	// carry no tag.
	Departments  []string
	Applications []string
}

// SeasonSpan is one peak that comes back every year, every month, or with every
// statutory holiday.
type SeasonSpan struct {
	Every    string // year, month or holiday
	From, To MonthDay
	Before   int // days before a holiday
	After    int // days after it
}

// MonthDay is a day of the year; in a span of every month Month is 0. One that a
// month does not have is its last.
type MonthDay struct {
	Month time.Month
	Day   int
}

// How often a span comes back.
const (
	EveryYear    = "year"
	EveryMonth   = "month"
	EveryHoliday = "holiday"
)

// NoSeason is the tag of a resource that belongs to no season, whatever its
// department or application.
const NoSeason = "none"

// ownSpan is a season that a tag declares for itself: 04-15/10-15.
var ownSpan = regexp.MustCompile(`^(\d\d-\d\d)/(\d\d-\d\d)$`)

// Of returns the seasons of a resource by its tag, which decides alone where it
// is not empty, else by its department and application. The tag names ids of the
// table, or first and last day of a season of its own (04-15/10-15); unknown is
// what is neither.
func (s Seasons) Of(tag, department, application string) (seasons []Season, unknown []string) {
	split := func(r rune) bool { return strings.ContainsRune(" ,;，、；|", r) }
	ids := strings.FieldsFunc(tag, split)
	if len(ids) == 0 {
		for _, one := range s.List {
			if department != "" && slices.Contains(one.Departments, department) || application != "" && slices.Contains(one.Applications, application) {
				seasons = append(seasons, one)
			}
		}
		return seasons, nil
	}
	for _, id := range ids {
		i := slices.IndexFunc(s.List, func(one Season) bool { return one.ID == id })
		switch {
		case i >= 0:
			seasons = append(seasons, s.List[i])
		case id == NoSeason:
		default:
			own, ok := ownSeason(id)
			if !ok {
				unknown = append(unknown, id)
				continue
			}
			seasons = append(seasons, own)
		}
	}
	return seasons, unknown
}

func ownSeason(tag string) (Season, bool) {
	m := ownSpan.FindStringSubmatch(tag)
	if m == nil {
		return Season{}, false
	}
	from, fromOK := parseMonthDay(m[1])
	to, toOK := parseMonthDay(m[2])
	return Season{
		ID: tag, Name: Text{tag, tag}, Confidence: Practice, Spans: []SeasonSpan{{Every: EveryYear, From: from, To: to}},
	}, fromOK && toOK
}

// Peak is one coming of a season.
type Peak struct {
	From, To time.Time // first and last day
}

// days is how long the peak lasts.
func (p Peak) days() int { return Between(p.From, p.To) + 1 }

// Between counts the days from the day of from to that of to; below 0 where to
// comes first.
func Between(from, to time.Time) int { return int(Day(to).Sub(Day(from)) / (24 * time.Hour)) }

// Peaks lists every coming of a season that touches the days from that of from
// to that of to, by its first day. Those of holidays are known only where the
// year's holidays are.
func (c Calendar) Peaks(s Season, from, to time.Time) []Peak {
	first, last := Day(from), Day(to)
	var out []Peak
	add := func(p Peak) {
		if !p.To.Before(first) && !p.From.After(last) {
			out = append(out, p)
		}
	}
	for _, span := range s.Spans {
		switch span.Every {
		case EveryHoliday:
			for _, y := range c.Years {
				for _, h := range y.Holidays {
					add(Peak{h.From.AddDate(0, 0, -span.Before), h.To.AddDate(0, 0, span.After)})
				}
			}
		case EveryMonth:
			for m := date(first.Year(), first.Month()-1, 1); !m.After(last); m = m.AddDate(0, 1, 0) {
				end := m
				if span.To.Day < span.From.Day {
					end = m.AddDate(0, 1, 0)
				}
				add(Peak{within(m, span.From.Day), within(end, span.To.Day)})
			}
		default:
			for y := first.Year() - 1; y <= last.Year(); y++ {
				end := y
				if span.To.Month < span.From.Month || span.To.Month == span.From.Month && span.To.Day < span.From.Day {
					end++
				}
				add(Peak{within(date(y, span.From.Month, 1), span.From.Day), within(date(end, span.To.Month, 1), span.To.Day)})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Peak) int { return a.From.Compare(b.From) })
	return out
}

// within is a day of the month of first, the last where the month has fewer.
func within(first time.Time, day int) time.Time {
	return date(first.Year(), first.Month(), min(day, MonthEnd(first).Day()))
}

// Watch is how much of a season lies in a history.
type Watch struct {
	Peak   Peak      // the first coming of which enough is or will be watched
	Seen   int       // days of it watched before today
	Needed int       // days of it that are enough
	From   time.Time // the first day of it that is or will be watched
	// Settled is the first day on which enough has been watched.
	Settled time.Time
}

// Watched reports how much of a season lies in a history whose first whole day
// is that of from: all of one coming, or most days of one that lasts longer, are
// enough. It looks two years ahead of today; false where the season does not
// come by then, or is not known to.
func (c Calendar) Watched(s Season, from, today time.Time, most int) (Watch, bool) {
	first, now := Day(from), Day(today)
	var best Watch
	found := false
	for _, p := range c.Peaks(s, first, date(now.Year()+2, now.Month(), now.Day())) {
		w := Watch{Peak: p, Needed: min(p.days(), most), From: p.From}
		if w.From.Before(first) {
			w.From = first
		}
		if Between(w.From, p.To)+1 < w.Needed { // too much of it had passed when the history began
			continue
		}
		w.Settled = w.From.AddDate(0, 0, w.Needed)
		w.Seen = min(max(Between(w.From, now), 0), w.Needed)
		if !found || w.Settled.Before(best.Settled) {
			best, found = w, true
		}
	}
	return best, found
}
