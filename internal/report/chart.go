package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The drawing of a history, in SVG user units.
const (
	chartWidth  = 560.0
	chartHeight = 132.0
	plotLeft    = 36.0
	plotRight   = 48.0
	plotTop     = 8.0
	plotBottom  = 20.0
)

// drawing is a chart as geometry, for the page template.
type drawing struct {
	Title, Label           string // Label says in words what is drawn
	Width, Height          float64
	Left, Right, Top, Base float64 // edges of the plot
	Weekends               []span
	Ticks                  []tick // time
	Levels                 []tick // percent
	Mean, Band             string // paths
	Lines                  []drawnLine
	MeanName, MaxName      string
}

type span struct{ X, Width float64 }

type tick struct {
	At   float64
	Text string
}

type drawnLine struct {
	Y, TextY    float64
	Text, Label string
	Capacity    bool
}

// scaleTop is the top of the percent axis: the least round number above
// everything drawn, so that an idle machine's life can be seen at all.
func scaleTop(c chartView) float64 {
	most := 0.0
	for _, p := range c.Points {
		most = max(most, p.Max)
	}
	for _, l := range c.lines {
		most = max(most, l.at)
	}
	for _, top := range []float64{5, 10, 15, 25, 40, 60, 80, 100} {
		if most <= top*0.98 || top == 100 && most <= 100 {
			return top
		}
	}
	return most * 1.05
}

// draw turns a chart into geometry.
func draw(p prose, c chartView, of string) drawing {
	top := scaleTop(c)
	d := drawing{
		Title: c.title, Width: chartWidth, Height: chartHeight,
		Left: plotLeft, Right: chartWidth - plotRight, Top: plotTop, Base: chartHeight - plotBottom,
		MeanName: p.say(msgMean), MaxName: p.say(msgMaximum),
	}
	from, to := c.Window.From, c.Window.To
	seconds := to.Sub(from).Seconds()
	if seconds <= 0 {
		return d
	}
	x := func(t time.Time) float64 {
		return min(d.Right, max(d.Left, d.Left+(d.Right-d.Left)*t.Sub(from).Seconds()/seconds))
	}
	y := func(v float64) float64 { return d.Base - (d.Base-d.Top)*min(1, max(0, v/top)) }

	for _, v := range []float64{0, top / 2, top} {
		d.Levels = append(d.Levels, tick{y(v), trim(v, 1) + "%"})
	}
	d.calendar(p, from, to, x)
	d.Mean, d.Band = d.paths(c.Chart, x, y)

	var said []string
	for _, l := range c.lines {
		at := y(l.at)
		d.Lines = append(d.Lines, drawnLine{Y: at, TextY: d.free(at), Text: trim(l.at, 1) + "%", Label: l.label, Capacity: l.capacity})
		said = append(said, l.label)
	}
	least, most := extent(c.Chart)
	said = append([]string{p.say(msgMaximum) + " " + percent(most), p.say(msgMean) + " ≥ " + percent(least)}, said...)
	d.Label = p.say(msgChartLabel, of+" "+c.title, p.join(said))
	return d
}

func extent(c Chart) (leastMean, most float64) {
	for i, q := range c.Points {
		if i == 0 || q.Mean < leastMean {
			leastMean = q.Mean
		}
		most = max(most, q.Max)
	}
	return leastMean, most
}

// calendar shades weekends and marks Mondays, or months where there are many
// weeks.
func (d *drawing) calendar(p prose, from, to time.Time, x func(time.Time) float64) {
	const day = 24 * time.Hour
	many := to.Sub(from) > 10*7*day
	start := from.In(p.loc)
	at := time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, p.loc)
	for ; at.Before(to); at = at.AddDate(0, 0, 1) {
		if w := at.Weekday(); !many && (w == time.Saturday || w == time.Sunday) {
			left, right := x(at), x(at.AddDate(0, 0, 1))
			if right > left {
				d.Weekends = append(d.Weekends, span{left, right - left})
			}
		}
		marked := at.Weekday() == time.Monday
		if many {
			marked = at.Day() == 1
		}
		if marked && !at.Before(from) && x(at) < d.Right-14 {
			d.Ticks = append(d.Ticks, tick{x(at), at.Format("01-02")})
		}
	}
}

// paths draws the mean as a line and the way from it up to the maximum as a
// band, both broken where samples are missing.
func (d *drawing) paths(c Chart, x func(time.Time) float64, y func(float64) float64) (mean, band string) {
	var m, b pen
	step := int64(c.Step / time.Second)
	for i := 0; i < len(c.Points); {
		end := i + 1
		for end < len(c.Points) && c.Points[end].T-c.Points[end-1].T <= step {
			end++
		}
		run := c.Points[i:end]
		at := func(q ChartPoint) float64 { return x(time.Unix(q.T+step/2, 0)) }
		m.move(at(run[0]), y(run[0].Mean))
		b.move(at(run[0]), y(run[0].Max))
		for _, q := range run[1:] {
			m.line(at(q), y(q.Mean))
			b.line(at(q), y(q.Max))
		}
		if len(run) == 1 {
			m.line(at(run[0])+1.5, y(run[0].Mean))
			b.line(at(run[0])+1.5, y(run[0].Max))
		}
		for k := len(run) - 1; k >= 0; k-- {
			b.line(at(run[k]), y(run[k].Mean))
		}
		b.WriteByte('Z')
		i = end
	}
	return m.String(), b.String()
}

// pen writes an SVG path in steps of a tenth, each relative to the last and
// rounded from where it should be, so that errors do not add up. It is half as
// long as one of absolute positions, and most of a page is paths.
type pen struct {
	strings.Builder
	x, y int
}

func (p *pen) move(x, y float64) {
	p.x, p.y = tenths(x), tenths(y)
	fmt.Fprintf(p, "M%s %sl", tenth(p.x), tenth(p.y))
}

func (p *pen) line(x, y float64) {
	nx, ny := tenths(x), tenths(y)
	dx, dy := tenth(nx-p.x), tenth(ny-p.y)
	if last := p.String(); last[len(last)-1] != 'l' && dx[0] != '-' {
		p.WriteByte(' ')
	}
	p.WriteString(dx)
	if dy[0] != '-' {
		p.WriteByte(' ')
	}
	p.WriteString(dy)
	p.x, p.y = nx, ny
}

func tenths(v float64) int { return int(math.Round(v * 10)) }

func tenth(n int) string {
	s := strconv.FormatFloat(float64(n)/10, 'f', -1, 64)
	if rest, ok := strings.CutPrefix(s, "0."); ok {
		return "." + rest
	}
	if rest, ok := strings.CutPrefix(s, "-0."); ok {
		return "-." + rest
	}
	return s
}

// free is where the text of a line at y goes so that it covers no other.
func (d *drawing) free(y float64) float64 {
	const height = 10
	at := y
	for range len(d.Lines) + 1 {
		hit := false
		for _, l := range d.Lines {
			if diff := at - l.TextY; diff > -height && diff < height {
				at, hit = l.TextY-height, true
			}
		}
		if !hit {
			break
		}
	}
	return at
}

// barDrawing is the bars by department as geometry.
type barDrawing struct {
	Title, Label  string
	Width, Height float64
	Left          float64
	Bars          []drawnBar
}

type drawnBar struct {
	Y, Width, TextX float64
	Name, Full      string
	Text            string
}

func drawBars(title string, list []bar) barDrawing {
	const row, left, room, width = 26.0, 230.0, 150.0, 960.0
	d := barDrawing{Title: title, Width: width, Height: row*float64(len(list)) + 4, Left: left}
	var said []string
	most := 0.0
	for _, b := range list {
		most = max(most, b.value)
	}
	for i, b := range list {
		w := 0.0
		if most > 0 {
			w = max(1, (width-left-room)*b.value/most)
		}
		d.Bars = append(d.Bars, drawnBar{
			Y: row*float64(i) + 4, Width: w, TextX: left + w + 6,
			Name: cond.Truncate(b.label, 26, "…"), Full: b.label, Text: b.text,
		})
		said = append(said, b.label+" "+b.text)
	}
	d.Label = title + ": " + strings.Join(said, "; ")
	return d
}

// lightDrawing is the traffic lights as one divided bar.
type lightDrawing struct {
	Label string
	Width float64
	Parts []lightPart
}

type lightPart struct {
	X, Width float64
	Colour   Colour
	Text     string // shape and share, where there is room
}

func drawLights(p prose, list []lightView) lightDrawing {
	d := lightDrawing{Width: 960}
	var said []string
	at := 0.0
	for _, l := range list {
		w := d.Width * l.Share
		part := lightPart{X: at, Width: w, Colour: l.Colour}
		if w > 125 {
			part.Text = l.shape + " " + l.label + " " + percent(100*l.Share)
		} else if w > 24 {
			part.Text = l.shape
		}
		if w > 0 {
			d.Parts = append(d.Parts, part)
		}
		at += w
		said = append(said, l.label+" "+l.text)
	}
	d.Label = p.say(msgLightsTitle) + ": " + p.join(said)
	return d
}

// PlotHeight is the height of the plot, for the template.
func (d drawing) PlotHeight() float64 { return d.Base - d.Top }
