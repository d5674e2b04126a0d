package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed weekly.html
var weeklyHTML string

var weeklyTemplate = template.Must(template.New("weekly").Parse(weeklyHTML))

// htmlPage is what the template shows. The page asks for nothing from
// elsewhere and runs no script.
type htmlPage struct {
	Lang          string
	Title, Week   string
	Banner        string
	Stamp         []string
	Headline      string
	Contents      string
	Nav           []htmlLink
	Tiles         []htmlTile
	Overview      string
	LightsTitle   string
	LightBar      lightDrawing
	Lights        []htmlLight
	Bars          *barDrawing
	Compared      *htmlTable
	Sections      []htmlSection
	TodoTitle     string
	Todo          []htmlTodo
	NoneTodo      string
	DetailsTitle  string
	DetailsNote   string
	Details       []htmlDetail
	CutDetails    string
	NoHistory     string
	AppendixTitle string
	AppendixNote  string
	Appendix      htmlTable
	BasisTitle    string
	Basis         htmlTable

	Running, Foot string
}

type htmlLink struct{ ID, Text string }

type htmlTile struct{ Label, Value, Note, Tone string }

type htmlLight struct {
	Colour                      Colour
	Shape, Label, Text, Meaning string
}

type htmlSection struct {
	ID, Title string
	Notes     []string
	Tables    []htmlTable
	Weeks     []htmlWeek
	Hours     [24]int // of the day, for the heads of weeks
	Legend    string
	Hour      string
}

type htmlWeek struct {
	Title, Label, Basis string
	Days                []weekDay
}

type htmlTodo struct{ ID, Text string }

type htmlTable struct {
	ID, Title, Empty, More string
	Head                   []htmlCell
	Rows                   [][]htmlCell
	Total                  []htmlCell
}

type htmlCell struct {
	Text, Sub, Tone, Href string
	Number, Prose, Short  bool
}

type htmlDetail struct {
	ID, Title, Subtitle string
	Number              int
	Action, Tone        string
	Facts               []htmlFact
	Text                string
	Charts              []drawing
}

type htmlFact struct{ Label, Value string }

func writeHTML(w io.Writer, d document) error {
	p := d.prose
	n := 0
	number := func(title string) string {
		n++
		return ordinal(n, p.lang) + title
	}
	v := htmlPage{
		Lang: "zh-CN", Title: d.title, Week: d.subtitle, Banner: d.banner, Stamp: d.stamp,
		Headline: p.sentences(d.headline), Contents: p.say(msgContents),
		Overview: number(p.say(msgOverview)), LightsTitle: p.say(msgLightsTitle),
		NoneTodo: p.say(msgNoneTodo), NoHistory: p.say(msgNoHistory),
		Running: d.title + " " + p.week(d.weekly.Week),
	}
	if p.lang == EN {
		v.Lang = "en"
	}
	if d.banner != "" {
		v.Foot = p.say(msgExampleFoot)
	}
	v.Nav = append(v.Nav, htmlLink{"overview", v.Overview})
	for _, t := range d.tiles {
		v.Tiles = append(v.Tiles, htmlTile{t.label, t.value, t.note, string(t.tone)})
	}
	if len(d.tiles) > 0 {
		v.LightBar = drawLights(p, d.lights)
		for _, l := range d.lights {
			v.Lights = append(v.Lights, htmlLight{l.Colour, l.shape, l.label, l.text, l.meaning})
		}
	}
	if len(d.bars) > 1 {
		bars := drawBars(p.say(msgBarsTitle)+d.exampleMark(), d.bars)
		v.Bars = &bars
	}
	if len(d.compared.rows) > 0 {
		t := htmlTableOf(p, d.compared)
		t.Title = p.say(msgComparedTitle)
		v.Compared = &t
	}
	for _, s := range d.sections {
		x := htmlSection{ID: s.id, Title: number(s.title)}
		for _, note := range s.notes {
			x.Notes = append(x.Notes, p.sentences([]string{note}))
		}
		for _, t := range s.tables {
			x.Tables = append(x.Tables, htmlTableOf(p, t))
		}
		for _, w := range s.weeks {
			x.Weeks, x.Legend, x.Hour = append(x.Weeks, htmlWeek{w.title, w.label, w.basis, w.days}), w.legend, p.say(msgHourOfDay)
		}
		for h := range x.Hours {
			x.Hours[h] = h
		}
		v.Sections = append(v.Sections, x)
		v.Nav = append(v.Nav, htmlLink{x.ID, x.Title})
	}
	v.TodoTitle = number(p.say(msgTodoTitle))
	v.Nav = append(v.Nav, htmlLink{"todo", v.TodoTitle})
	for _, t := range d.todo {
		v.Todo = append(v.Todo, htmlTodo{t.section, t.text})
	}
	if len(d.details) > 0 {
		v.DetailsTitle = number(p.say(msgDetails))
		v.DetailsNote = p.sentences([]string{p.say(msgDetailsNote)})
		v.Nav = append(v.Nav, htmlLink{"details", v.DetailsTitle})
	}
	for i, x := range d.details {
		h := htmlDetail{
			ID: x.anchor, Number: i + 1, Title: x.title, Subtitle: x.subtitle,
			Action: x.action.text, Tone: string(x.action.tone), Text: p.sentences(x.sentences),
		}
		for _, f := range x.facts {
			h.Facts = append(h.Facts, htmlFact{f.label, f.value})
		}
		for _, c := range x.charts {
			h.Charts = append(h.Charts, draw(p, c, x.title))
		}
		v.Details = append(v.Details, h)
	}
	if d.cut > 0 {
		v.CutDetails = p.say(msgCutDetails, d.cut)
	}
	v.BasisTitle, v.Basis = number(p.say(msgBasisTitle)), htmlTableOf(p, d.basis)
	v.Nav = append(v.Nav, htmlLink{"basis", v.BasisTitle})
	v.AppendixTitle, v.AppendixNote, v.Appendix = number(p.say(msgAppendix)), p.sentences([]string{p.say(msgAppendixNote)}), htmlTableOf(p, d.appendix)
	v.Nav = append(v.Nav, htmlLink{"appendix", v.AppendixTitle})
	if err := weeklyTemplate.Execute(w, v); err != nil {
		return fmt.Errorf("write HTML: %w", err)
	}
	return nil
}

// exampleMark follows amounts that stand on example prices.
func (d document) exampleMark() string {
	if d.banner == "" {
		return ""
	}
	return d.prose.say(msgExampleMark)
}

func htmlTableOf(p prose, t table) htmlTable {
	out := htmlTable{ID: t.id, Title: t.title, Empty: t.empty}
	rows := t.rows
	if t.pageRows > 0 && len(rows) > t.pageRows {
		out.More = p.say(msgMoreRows, len(rows)-t.pageRows)
		rows = rows[:t.pageRows]
	}
	line := func(row []cell) []htmlCell {
		var cells []htmlCell
		for i, c := range t.columns {
			if c.in&inHTML != 0 {
				cells = append(cells, htmlCell{Text: row[i].text, Sub: row[i].sub, Tone: string(row[i].tone), Href: row[i].href, Number: c.kind != words, Prose: c.wrap, Short: c.width == 0})
			}
		}
		return cells
	}
	for _, c := range t.columns {
		if c.in&inHTML != 0 {
			out.Head = append(out.Head, htmlCell{Text: c.title, Number: c.kind != words, Prose: c.wrap, Short: c.width == 0})
		}
	}
	for _, r := range rows {
		out.Rows = append(out.Rows, line(r))
	}
	if t.total != nil {
		out.Total = line(t.total)
	}
	return out
}
