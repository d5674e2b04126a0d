package policies

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"yunjian/cloud"
)

// Schedule says when a machine sleeps, and how long it must for hours of rest to
// be proposed. Its numbers have a source of their own.
type Schedule struct {
	Enabled    bool
	Source     Source
	Confidence Confidence

	// An hour is slept through where all of these hold.
	CPUMean float64 // percent: the hour's mean is below this
	CPUMax  float64 // percent: every sample of the hour is below this
	Network float64 // bit/s, received and sent together: the hour's mean is at most this
	Disk    float64 // Byte/s, read and written together: the hour's mean is at most this

	// Asleep is the share of the weeks seen, 0 to 1, in which an hour of the week
	// must be slept through.
	Asleep    float64
	Weeks     int // how many weeks are looked back at most
	MinWeeks  int // in how many an hour of the week must have been seen
	MinHours  int // a week, below which nothing is proposed
	MinSpan   int // hours: shorter rests are left alone
	Margin    int // hours kept running before and after work
	WorkHours int // a week in which the machine must work: one that never does is idle, not asleep

	// Standby and Databases are words that keep a machine out: see Spoken.
	Standby   []string
	Databases []string
}

func (r *reader) schedule(n *yaml.Node) Schedule {
	if n == nil {
		return Schedule{}
	}
	o, ok := r.object(n, "schedule")
	if !ok {
		return Schedule{}
	}
	s := Schedule{Enabled: true}
	s.Confidence = r.confidence(o.need("confidence"), o.at("confidence"))
	s.Source = r.source(o.need("source"), o.at("source"))
	s.CPUMean, _ = r.number(o.need("cpu_mean_below"), o.at("cpu_mean_below"), 0, 100)
	s.CPUMax, _ = r.number(o.need("cpu_max_below"), o.at("cpu_max_below"), 0, 100)
	s.Network = 8 * r.volume(o.need("max_network_per_second"), o.at("max_network_per_second"))
	s.Disk = r.volume(o.need("max_disk_per_second"), o.at("max_disk_per_second"))
	s.Asleep = r.percent(o.need("asleep_percent"), o.at("asleep_percent"))
	s.Weeks = r.integer(o.need("weeks"), o.at("weeks"), 2, 53)
	s.MinWeeks = r.integer(o.need("min_weeks"), o.at("min_weeks"), 2, 53)
	s.MinHours = r.integer(o.need("min_hours"), o.at("min_hours"), 1, 167)
	s.MinSpan = r.integer(o.need("min_span_hours"), o.at("min_span_hours"), 1, 167)
	s.Margin = r.integer(o.need("margin_hours"), o.at("margin_hours"), 0, 12)
	s.WorkHours = r.integer(o.need("work_hours"), o.at("work_hours"), 1, 167)
	s.Standby = r.texts(o.take("standby_words"), o.at("standby_words"))
	s.Databases = r.texts(o.take("database_words"), o.at("database_words"))
	if s.CPUMax < s.CPUMean {
		r.wrong(o.values["cpu_max_below"], o.at("cpu_max_below"), "%g is below cpu_mean_below: a mean is never above its maximum", s.CPUMax)
	}
	if s.MinWeeks > s.Weeks {
		r.wrong(o.values["min_weeks"], o.at("min_weeks"), "%d of %d weeks: no machine could ever be seen so often", s.MinWeeks, s.Weeks)
	}
	if s.MinHours+s.WorkHours > 168 {
		r.wrong(o.values["min_hours"], o.at("min_hours"), "min_hours and work_hours together exceed the 168 hours of a week")
	}
	o.done()
	return s
}

// Spoken returns the first of the words that a machine's name, application, tags
// or columns speak of. A word of Latin letters or digits stands by itself, so that
// dr is not found in address; one of other characters may be part of a longer one.
func Spoken(words []string, r cloud.Resource) (string, bool) {
	texts := []string{r.Name, r.Application}
	for _, m := range []map[string]string{r.Tags, r.Attributes} {
		for k, v := range m {
			texts = append(texts, k, v)
		}
	}
	for _, w := range words {
		if slices.ContainsFunc(texts, func(t string) bool { return speaks(strings.ToLower(t), strings.ToLower(w)) }) {
			return w, true
		}
	}
	return "", false
}

// speaks reports whether a text holds a word, both in lower case. Digits may
// follow, as in db01.
func speaks(text, word string) bool {
	for from := 0; word != ""; from++ {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		from += i
		before, after := text[:from], text[from+len(word):]
		goesOn := latin(lastOf(before)) && latin(rune(word[0])) || latin(firstOf(after)) && !unicode.IsDigit(firstOf(after)) && latin(lastOf(word))
		if !goesOn {
			return true
		}
	}
	return false
}

func firstOf(s string) rune { c, _ := utf8.DecodeRuneInString(s); return c }

func lastOf(s string) rune { c, _ := utf8.DecodeLastRuneInString(s); return c }

func (p Pack) describeSchedule(line func(string, ...any)) {
	s := p.Schedule
	if !s.Enabled {
		return
	}
	n := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	line("")
	line("定时停机 schedule  可信度 confidence %s（%s）", s.Confidence, words[string(s.Confidence)].ZH)
	line("  出处 source %s", s.Source)
	line("  一小时算休眠 an hour is slept through: CPU 均值 mean < %s %%，最大 max < %s %%，网络 network ≤ %s B/s，磁盘 disk ≤ %s B/s", n(s.CPUMean), n(s.CPUMax), n(s.Network/8), n(s.Disk))
	line("  回看 weeks ≤ %d，每小时至少见过 seen ≥ %d 周，其中休眠 asleep ≥ %s", s.Weeks, s.MinWeeks, share(s.Asleep))
	line("  每周停机 off ≥ %d h，每次 span ≥ %d h，工作前后各留 margin %d h，每周工作 work ≥ %d h", s.MinHours, s.MinSpan, s.Margin, s.WorkHours)
	line("  不停 never: %s", strings.Join(append(slices.Clone(s.Standby), s.Databases...), ", "))
}
