package calendar

import (
	"strings"
	"testing"
)

const soundYear = `year: 2027
source: {title: 通知, date: 2026-11-05, url: "https://www.gov.cn/x.htm"}
holidays:
  - {name: {zh: 元旦, en: New Year}, from: 2026-12-31, to: 2027-01-02, makeup: [2027-01-03]}
  - {name: {zh: 国庆节, en: National Day}, from: 2027-10-01, to: 2027-10-07}
`

const soundSeasons = `tag: season
seasons:
  - id: drill
    name: {zh: 演练, en: drill}
    confidence: practice
    spans: [{from: 03-01, to: 03-02}, {every: month, from: 31, to: 2}, {every: holiday, before: 0, after: 1}]
    departments: [应急局]
`

func TestParse(t *testing.T) {
	f, err := Parse("2027.yaml", []byte(soundYear))
	if err != nil {
		t.Fatal(err)
	}
	c := Builtin().With(f)
	// Days of late December stand in the notice of the year that follows.
	if c.Working(on(t, "2026-12-31")) || !c.Working(on(t, "2027-01-03")) || !c.Known(2027) || len(c.Years) != 4 {
		t.Errorf("2027 is not in force: %v", c.Years)
	}
	if f, err = Parse("seasons.yaml", []byte(soundSeasons)); err != nil {
		t.Fatal(err)
	}
	if c = c.With(f); len(c.Seasons.List) != 1 || c.Seasons.SHA256 == "" {
		t.Errorf("the table is not replaced: %v", c.Seasons)
	}
}

// TestMistakes names what is wrong and where, all at once.
func TestMistakes(t *testing.T) {
	for _, x := range []struct{ text, old, new, want string }{
		{soundYear, "year: 2027", "year: 27", "f.yaml:1:7: year: want a whole number from 2000 to 2100"},
		{soundYear, "title: 通知, ", "", `f.yaml:2:9: source: missing key "title"`},
		{soundYear, "date: 2026-11-05", "date: Nov 2026", "source.date: want a date"},
		{soundYear, "https://www", "gopher://www", "f.yaml:2:44: source.url: want an address"},
		{soundYear, "makeup:", "makup:", `f.yaml:4:70: holidays[0]: unknown key "makup": want one of name, from, to, makeup`},
		{soundYear, "[2027-01-03]", "[2027-01-04]", "holidays[0].makeup[0]: 2027-01-04 is a Monday"},
		{soundYear, "[2027-01-03]", "[2027-01-02]", "2027-01-02 is a day off"},
		{soundYear, "[2027-01-03]", "[2027-01-03, 2027-01-03]", "makeup[1]: 2027-01-03 is a make-up day already"},
		{soundYear, "[2027-01-03]", "2027-01-03", `makeup: want a list, found "2027-01-03"`},
		{soundYear, "2026-12-31", "2026-11-30", "holidays[0].from: 2026-11-30 is not of year 2027"},
		{soundYear, "to: 2027-01-02", "to: 2026-12-30", "to: 2026-12-30 lies before from, 2026-12-31"},
		{soundYear, "to: 2027-10-07", "to: 2027-12-07", "68 days off: want at most 31"},
		{soundYear, "from: 2027-10-01", "from: 2027-02-30", `want a date such as 2026-10-01, found "2027-02-30"`},
		{soundYear, "from: 2027-10-01, to: 2027-10-07", "from: 2027-01-02, to: 2027-01-04", "2027-01-02 is off for 元旦 already"},
		{soundYear, "from: 2027-10-01, to: 2027-10-07", "from: 2027-01-03, to: 2027-01-04", "2027-01-03 is off, and a make-up day"},
		{soundYear, "zh: 元旦, ", "", `holidays[0].name: missing key "zh"`},
		{soundYear, "holidays:", "seasons: []\nholidays:", `unknown key "seasons"`},
		{soundYear, "year: 2027\n", "year: 2027\nyear: 2027\n", "key given twice"},
		{soundYear, "year: 2027", "jahr: 2027", "want the key year or seasons"},
		{soundYear, "holidays:", "--- \nholidays:", "more than one YAML document"},
		{soundYear, "holidays:", "holidays: [", "not YAML"},
		{soundSeasons, "tag: season", "tags: season", `missing key "tag"`},
		{soundSeasons, "id: drill", "id: Drill", `"Drill" is no id`},
		{soundSeasons, "id: drill", "id: none", `"none" is no id`},
		{soundSeasons, "practice", "sure", `seasons[0].confidence: unknown value "sure": want one of cited, practice, proposed, unverified`},
		{soundSeasons, "from: 03-01", "from: 3-1", `want a day of the year such as 06-30, found "3-1"`},
		{soundSeasons, "from: 03-01", "from: 02-30", "want a day of the year"},
		{soundSeasons, "from: 31", "from: 32", "want a whole number from 1 to 31"},
		{soundSeasons, "before: 0, ", "", `seasons[0].spans[2]: missing key "before"`},
		{soundSeasons, "every: month", "every: week", "unknown value \"week\": want one of year, month, holiday"},
		{soundSeasons, "[应急局]", "[应急局, 应急局]", "listed twice"},
		{soundSeasons, "[应急局]", "[*x]", "not YAML"},
		{soundSeasons, "    departments", "  - {id: drill, name: {zh: 一, en: a}, confidence: cited, spans: [{from: 01-01, to: 01-02}]}\n  # ", `"drill" stands at line 3 already`},
	} {
		text := strings.Replace(x.text, x.old, x.new, 1)
		if text == x.text {
			t.Fatalf("%q is not in the text", x.old)
		}
		_, err := Parse("f.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s → %s: got %v, want %s", x.old, x.new, err, x.want)
		}
	}
	for text, want := range map[string]string{"": "file is empty", "[]": "want a mapping, found a list", strings.Repeat("#\n", MaxBytes): "more than"} {
		if _, err := Parse("f.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	_, err := Parse("f.yaml", []byte(strings.NewReplacer("元旦", `""`, "10-01", "10-32", "date: 2026-11-05, ", "").Replace(soundYear)))
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 3 {
		t.Errorf("%d mistakes told, want 3:\n%v", lines, err)
	}
}

// FuzzParse: whatever the text, Parse answers, and what it accepts can be used.
func FuzzParse(f *testing.F) {
	f.Add(soundYear)
	f.Add(soundSeasons)
	f.Add(string(SeasonsYAML()))
	f.Add("year: 2026")
	f.Add("seasons: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("f.yaml", []byte(text))
		if err != nil {
			return
		}
		if (file.Year == nil) == (file.Seasons == nil) {
			t.Fatal("neither or both")
		}
		c := Calendar{}.With(file)
		for _, y := range c.Years {
			for _, h := range y.Holidays {
				if h.To.Before(h.From) || c.Working(h.From) {
					t.Fatalf("holiday %v", h)
				}
				for _, d := range h.Makeup {
					if !c.Working(d) {
						t.Fatalf("make-up day %v", d)
					}
				}
			}
		}
		today := date(2026, 3, 1)
		for _, s := range c.Seasons.List {
			for _, p := range c.Peaks(s, today.AddDate(-1, 0, 0), today) {
				if p.To.Before(p.From) {
					t.Fatalf("peak %v of %v", p, s)
				}
			}
			c.Watched(s, today.AddDate(0, -1, 0), today, 24)
		}
	})
}
