package send

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"yunjian/calendar"
)

var update = flag.Bool("update", false, "rewrite golden files")

func items(lang string) (Recipient, []Item) {
	to := Recipient{Channel: "mail", Address: "zhang.san@example.gov.cn", Name: "张三", Lang: lang}
	return to, []Item{
		{ID: "case-4/information", To: to, Title: "通知〔2026〕4号：已撤销"},
		{ID: "case-1/T-3", To: to, Title: "通知〔2026〕1号：12 项资源待答复", Due: "2026-11-26", URL: "https://yunjian.example/n/1"},
		{ID: "case-2/T0", To: to, Title: "通知〔2026〕2号：3 项资源待答复", Detail: "某市财政局 · 预算管理系统", Due: "2026-11-23", URL: "https://yunjian.example/n/2"},
		{ID: "case-3/T+1", To: to, Title: "通知〔2026〕3号：1 项资源待答复", Due: "2026-11-20", URL: "https://yunjian.example/n/3"},
	}
}

var monday = time.Date(2026, 11, 23, 8, 0, 0, 0, time.FixedZone("CST", 8*3600))

func TestDigest(t *testing.T) {
	for _, lang := range []string{"zh", "en"} {
		to, all := items(lang)
		m, _, err := Digest(to, all, monday)
		if err != nil {
			t.Fatal(err)
		}
		got := m.Subject + "\n\n" + m.Text
		file := filepath.Join("testdata", "digest_"+lang+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", lang, diff)
		}
		if m.To != to.Address || m.Channel != "mail" || m.Lang != lang || len(m.Links) != 3 || m.Links[0].URL != "https://yunjian.example/n/3" {
			t.Errorf("%+v", m)
		}
	}
}

// The ID is that of recipient and day: neither the items nor their order matter.
func TestDigestID(t *testing.T) {
	to, all := items("zh")
	first, _, err := Digest(to, all, monday)
	if err != nil {
		t.Fatal(err)
	}
	turned := []Item{all[3], all[0], all[2], all[1]}
	second, _, err := Digest(to, turned, monday.Add(5*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the order of items or the hour shows:\n%s", diff)
	}
	other := to
	other.Address = "li.si@example.gov.cn"
	for _, c := range []struct {
		name string
		to   Recipient
		day  time.Time
	}{{"the next day", to, monday.AddDate(0, 0, 1)}, {"another person", other, monday}} {
		if got, _, err := Digest(c.to, all, c.day); err != nil || got.ID == first.ID {
			t.Errorf("%s: id %s, %v", c.name, got.ID, err)
		}
	}
}

func TestDigestOfMany(t *testing.T) {
	to, _ := items("zh")
	var all []Item
	for i := range 120 {
		all = append(all, Item{ID: fmt.Sprintf("%03d", i), To: to, Title: "待答复", Due: "2026-11-20"})
	}
	m, listed, err := Digest(to, all, monday)
	if err != nil {
		t.Fatal(err)
	}
	if len(listed) != 50 || listed[49].ID != "049" {
		t.Errorf("%d are taken up, want those listed", len(listed))
	}
	if !strings.Contains(m.Subject, "120 件事项，其中逾期 120 件") || !strings.Contains(m.Text, "\n50. ") || strings.Contains(m.Text, "\n51. ") || !strings.Contains(m.Text, "另有 70 件") {
		t.Errorf("%s\n%s", m.Subject, m.Text)
	}
	for i := range all {
		all[i].Detail = strings.Repeat("*", 3000)
	}
	m, listed, err = Digest(to, all, monday)
	if err != nil || len(listed) != 3 || !strings.Contains(m.Text, "另有 117 件") {
		t.Errorf("%d long ones are listed, %v", len(listed), err)
	}
	if _, _, err := Digest(to, nil, monday); err == nil {
		t.Error("a digest of nothing")
	}
	to.Lang = "fr"
	if _, _, err := Digest(to, all, monday); err == nil {
		t.Error("a digest in French")
	}
}

func TestItemCheck(t *testing.T) {
	_, all := items("zh")
	for _, i := range all {
		if err := i.Check(); err != nil {
			t.Error(err)
		}
	}
	for name, edit := range map[string]func(*Item){
		"no id":                func(i *Item) { i.ID = "" },
		"an id of two lines":   func(i *Item) { i.ID = "a\x00b" },
		"no channel":           func(i *Item) { i.To.Channel = "" },
		"an address with NUL":  func(i *Item) { i.To.Address = "a\x00b" },
		"a language":           func(i *Item) { i.To.Lang = "" },
		"no title":             func(i *Item) { i.Title = " " },
		"a title of two lines": func(i *Item) { i.Title = "a\nb" },
		"a title without end":  func(i *Item) { i.Title = strings.Repeat("a", 5000) },
		"a day that is none":   func(i *Item) { i.Due = "2026-02-30" },
		"an address of two":    func(i *Item) { i.URL = "https://a b" },
	} {
		i := all[0]
		edit(&i)
		if i.Check() == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestQuiet(t *testing.T) {
	nights := Quiet{From: 20 * time.Hour, To: 8 * time.Hour, Days: true, Calendar: calendar.Builtin()}
	noon := Quiet{From: 12 * time.Hour, To: 13*time.Hour + 30*time.Minute}
	for _, c := range []struct {
		name     string
		q        Quiet
		at, next string
	}{
		{"in the morning", nights, "2026-11-23 08:00", "2026-11-23 08:00"},
		{"a minute before", nights, "2026-11-23 07:59", "2026-11-23 08:00"},
		{"the last minute", nights, "2026-11-23 19:59", "2026-11-23 19:59"},
		{"at eight in the evening", nights, "2026-11-23 20:00", "2026-11-24 08:00"},
		{"Friday night, to Monday", nights, "2026-11-20 21:00", "2026-11-23 08:00"},
		{"Saturday noon", nights, "2026-11-21 12:00", "2026-11-23 08:00"},
		{"before National Day", nights, "2026-09-30 20:30", "2026-10-08 08:00"},
		{"a Saturday worked in exchange", nights, "2026-10-10 09:00", "2026-10-10 09:00"},
		{"a Sunday worked in exchange", nights, "2026-09-20 03:00", "2026-09-20 08:00"},
		{"Spring Festival", nights, "2026-02-14 22:00", "2026-02-24 08:00"},
		{"noon", noon, "2026-11-22 12:00", "2026-11-22 13:30"},
		{"after noon", noon, "2026-11-22 13:30", "2026-11-22 13:30"},
		{"never", Quiet{}, "2026-10-01 03:00", "2026-10-01 03:00"},
		{"days alone", Quiet{Days: true, Calendar: calendar.Builtin()}, "2026-10-01 03:00", "2026-10-08 00:00"},
		{"up to midnight", Quiet{From: 18 * time.Hour, To: 0}, "2026-11-23 19:00", "2026-11-24 00:00"},
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", c.at, monday.Location())
		if err != nil {
			t.Fatal(err)
		}
		for c.q.At(at) {
			at = at.Add(time.Minute)
		}
		if got := at.Format("2006-01-02 15:04"); got != c.next {
			t.Errorf("%s: from %s on %s, want %s", c.name, c.at, got, c.next)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	var least, most time.Duration
	for n := 1; n < MaxAttempts; n++ {
		plain := min(time.Minute<<min(n-1, 12), 6*time.Hour)
		for range 100 {
			got := RetryAfter(n, 0)
			if got < plain*8/10 || got > plain*12/10+time.Millisecond {
				t.Fatalf("after %d failures %s, want about %s", n, got, plain)
			}
		}
		least, most = least+plain*8/10, most+plain*12/10
	}
	if least < 50*time.Hour || most > 96*time.Hour {
		t.Errorf("given up after %s to %s: want about three days, a weekend at least", least, most)
	}
	if got := RetryAfter(1, 10*time.Minute); got != 10*time.Minute {
		t.Errorf("asked for ten minutes: %s", got)
	}
	if got := RetryAfter(1000, 0); got > 8*time.Hour {
		t.Errorf("after many: %s", got)
	}
}

func TestLog(t *testing.T) {
	var out bytes.Buffer
	m := group()
	m.Text = "见 https://yunjian.example/n/1?key=hush#hush 与 https://yunjian.example/n/2\n"
	// A level that would silence it does not: the message would be lost.
	if err := NewLog(zerolog.New(&out).Level(zerolog.ErrorLevel)).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); strings.Contains(s, "hush") || !strings.Contains(s, `https://yunjian.example/n/1?<redacted> 与 https://yunjian.example/n/2`) || !strings.Contains(s, m.ID) {
		t.Error(s)
	}
}

func TestMessageCheck(t *testing.T) {
	for name, edit := range map[string]func(*Message){
		"no id":                func(m *Message) { m.ID = "" },
		"an id with a line":    func(m *Message) { m.ID = "a\r\nBcc: x" },
		"no channel":           func(m *Message) { m.Channel = "" },
		"a subject of 2 lines": func(m *Message) { m.Subject = "a\nBcc: x" },
		"no text":              func(m *Message) { m.Text = "" },
		"too long":             func(m *Message) { m.HTML = strings.Repeat("x", maxBody) },
		"not UTF-8":            func(m *Message) { m.Text = "\xff" },
	} {
		m := group()
		edit(&m)
		if m.Check() == nil {
			t.Errorf("%s passes", name)
		}
	}
}
