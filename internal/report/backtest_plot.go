package report

import (
	"math"
	"slices"
)

// The plots of a replay, in SVG user units.
const (
	replayWidth  = 960.0
	replayHeight = 560.0
	replaySquare = 440.0
	replayLeft   = 58.0
	replayRight  = 20.0
	replayTop    = 16.0
	replayBottom = 48.0
	labelHeight  = 14.0
	labelChar    = 6.7 // of a label's narrow character
	markRoom     = 7.0 // from the middle of a mark to its edge
)

// replayPlot is a plot as geometry, for the page template.
type replayPlot struct {
	Label, XAxis, YAxis    string
	Width, Height          float64
	Left, Right, Top, Base float64
	XTicks, YTicks         []tick
	Curves                 []string // through Yunjian's marks
	Lines                  []replayLine
	Marks                  []replayMark
	Legend                 []replayLegend
}

type replayLine struct {
	Path, Text string
	X, Y       float64 // of the text
	Dashed     bool    // and its text before it
}

type replayLegend struct {
	Shape, Text string
}

// replayMark is a point with all that is told of it.
type replayMark struct {
	Key, Shape, Letter string
	X, Y               float64
	Spread             string // path of the cross of least and greatest
	Label, Leader      string // at LabelX, LabelY; Leader leads there from afar
	LabelX, LabelY     float64
	Said               string // all of it in a sentence, for who cannot see
	Name, Parameters   string
	Saved, Harmed      string
	Stated, VCPU       string
	Memory             string
}

func newReplayPlot(width, height float64) replayPlot {
	return replayPlot{Width: width, Height: height, Left: replayLeft, Right: width - replayRight, Top: replayTop, Base: height - replayBottom}
}

// shareTicks are where an axis of shares is marked.
var shareTicks = []float64{0, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1}

// topOf is the least tick that no share passes.
func topOf(most float64) float64 {
	for _, t := range shareTicks[3:] {
		if most <= t {
			return t
		}
	}
	return 1
}

// root places a share on an axis by its square root, so that the little harm that
// matters is not squeezed together.
func root(share, top float64) float64 { return math.Sqrt(min(1, max(0, share)/top)) }

func (p *replayPlot) x(at float64) float64 { return p.Left + (p.Right-p.Left)*at }
func (p *replayPlot) y(at float64) float64 { return p.Base - (p.Base-p.Top)*at }

// rootTicks are the marks of an axis by root, at least gap apart on a length.
func rootTicks(top, length, gap float64, place func(float64) float64) []tick {
	var out []tick
	last := math.Inf(-1)
	for _, t := range shareTicks {
		if t > top || root(t, top)*length-last < gap {
			continue
		}
		last = root(t, top) * length
		out = append(out, tick{place(root(t, top)), trim(100*t, 2) + "%"})
	}
	return out
}

// box is the room that something takes.
type box struct{ left, top, right, bottom float64 }

func (b box) meets(o box) bool {
	return b.left < o.right && o.left < b.right && b.top < o.bottom && o.top < b.bottom
}

// label finds room for the label of every mark that has one, near it, and leads a line
// to those that stand off. One without room has none: its letter is in the mark, its
// name in the table.
func (p *replayPlot) label() {
	var taken []box
	for _, m := range p.Marks {
		taken = append(taken, box{m.X - markRoom, m.Y - markRoom, m.X + markRoom, m.Y + markRoom})
	}
	for i := range p.Marks {
		m := &p.Marks[i]
		if m.Label == "" {
			continue
		}
		width := labelChar * float64(cond.StringWidth(m.Label))
		found := false
		for _, far := range []float64{0, 12, 26, 44, 66, 92} {
			for k := range 12 {
				// Right first, then around, upwards before downwards.
				angle := float64((k+1)/2) * math.Pi / 6
				if k%2 == 1 {
					angle = -angle
				}
				reach := markRoom + 3 + far
				cx, cy := m.X+reach*math.Cos(angle), m.Y+reach*math.Sin(angle)
				b := box{cx, cy - labelHeight/2, cx + width, cy + labelHeight/2}
				if math.Cos(angle) < -0.01 {
					b.left, b.right = cx-width, cx
				} else if math.Cos(angle) < 0.01 {
					b.left, b.right = cx-width/2, cx+width/2
				}
				if b.left < p.Left+2 || b.right > p.Right || b.top < p.Top || b.bottom > p.Base-2 ||
					slices.ContainsFunc(taken, b.meets) {
					continue
				}
				taken = append(taken, b)
				m.LabelX, m.LabelY, found = b.left, b.bottom-3.5, true
				if far > 0 {
					m.Leader = leader(m.X, m.Y, min(max(m.X, b.left), b.right), min(max(m.Y, b.top), b.bottom))
				}
				break
			}
			if found {
				break
			}
		}
		if !found {
			m.Label = ""
		}
	}
}

// leader is the path from the edge of a mark to its label.
func leader(x, y, toX, toY float64) string {
	long := math.Hypot(toX-x, toY-y)
	if long <= markRoom {
		return ""
	}
	return segment(x+(toX-x)*markRoom/long, y+(toY-y)*markRoom/long, toX, toY)
}

func segment(x, y, toX, toY float64) string {
	var p pen
	p.move(x, y)
	p.line(toX, toY)
	return p.String()
}

// across is a dashed line at a height, its text at the right end above it.
func (p *replayPlot) across(height float64, text string) replayLine {
	return replayLine{Path: segment(p.x(0), p.y(height), p.x(1), p.y(height)), Text: text, X: p.x(1) - 8, Y: p.y(height) - 6, Dashed: true}
}

// savings draws what rules saved against what they harmed: at one instant, or the
// means of all where which is negative. top are the ends of the axes.
func savings(rules []*replayed, which int, harm, saving float64, l Lang) replayPlot {
	w := replayWordsOf(l)
	p := newReplayPlot(replayWidth, replayHeight)
	p.Label, p.XAxis, p.YAxis = w.PlotLabel, w.XAxis, w.YAxis
	p.XTicks = rootTicks(harm, p.Right-p.Left, 40, p.x)
	for v := 0.0; v <= saving+1e-9; v += 0.1 {
		p.YTicks = append(p.YTicks, tick{p.y(v / saving), trim(100*v, 0) + "%"})
	}
	p.Legend = []replayLegend{{"own", w.OwnName}, {"peer", w.PeerName}}
	if which < 0 {
		p.Legend = append(p.Legend, replayLegend{"spread", w.SpreadName})
	}
	var own []replayMark
	for _, d := range rules {
		s, h := d.values(which, saved), d.values(which, harmed)
		if !ofSizes(d.rule) || len(s) == 0 {
			continue
		}
		m := replayMark{Key: keyOf(d.rule), Shape: "peer", Letter: d.mark, Label: d.rule.Rule, X: p.x(root(mean(h), harm)), Y: p.y(mean(s) / saving)}
		if d.own() {
			m.Shape, m.Label = "own", trim(100*d.rule.Parameters["budget"], 3)+"%"
		}
		if len(s) > 1 {
			m.Spread = segment(p.x(root(slices.Min(h), harm)), m.Y, p.x(root(slices.Max(h), harm)), m.Y) +
				segment(m.X, p.y(slices.Min(s)/saving), m.X, p.y(slices.Max(s)/saving))
		}
		m.tell(d, which, l)
		if d.own() {
			own = append(own, m)
		}
		p.Marks = append(p.Marks, m)
	}
	p.curve(own)
	p.label()
	return p
}

// curve joins marks from right to left, as they are given: by what they save.
func (p *replayPlot) curve(marks []replayMark) {
	if len(marks) < 2 {
		return
	}
	var line pen
	line.move(marks[0].X, marks[0].Y)
	for _, m := range marks[1:] {
		line.line(m.X, m.Y)
	}
	p.Curves = append(p.Curves, line.String())
}

// instantShapes tell instants apart without colour.
var instantShapes = []string{"circle", "square", "diamond", "triangle", "cross"}

// calibration draws the harm that came against the harm that was stated, for every
// budget and instant; false where nothing was stated.
func calibration(rules []*replayed, titles []string, l Lang) (replayPlot, bool) {
	w := replayWordsOf(l)
	most := 0.0
	for _, d := range rules {
		if d.own() {
			for _, v := range append(d.values(-1, stated), d.values(-1, harmed)...) {
				most = max(most, v)
			}
		}
	}
	top := topOf(most)
	p := newReplayPlot(replaySquare+replayLeft+replayRight, replaySquare+replayTop+replayBottom)
	p.Label, p.XAxis, p.YAxis = w.CalibrationLabel, w.CalX, w.CalY
	p.XTicks, p.YTicks = rootTicks(top, replaySquare, 40, p.x), rootTicks(top, replaySquare, 16, p.y)
	const half = 1.5
	p.Lines = []replayLine{
		{Path: segment(p.x(0), p.y(0), p.x(1), p.y(1)), Text: w.Equal, X: p.x(0.8) + 10, Y: p.y(0.8) + 14},
		{Path: segment(p.x(0), p.y(0), p.x(root(1/half, 1)), p.y(1)), Text: w.Half, X: p.x(root(1/half, 1)*0.93) - 8, Y: p.y(0.93), Dashed: true},
	}
	for k, title := range titles {
		shape := instantShapes[k%len(instantShapes)]
		var line []replayMark
		for _, d := range rules {
			s, h := d.values(k, stated), d.values(k, harmed)
			if !d.own() || len(s) == 0 {
				continue
			}
			m := replayMark{Key: keyOf(d.rule), Shape: shape, X: p.x(root(s[0], top)), Y: p.y(root(h[0], top))}
			m.tell(d, k, l)
			m.Name += " · " + title
			m.Said = title + " · " + m.Said
			line = append(line, m)
		}
		if len(line) == 0 {
			continue
		}
		p.Marks = append(p.Marks, line...)
		p.curve(line)
		p.Legend = append(p.Legend, replayLegend{shape, title})
	}
	return p, len(p.Marks) > 0
}
