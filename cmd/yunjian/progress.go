package main

import (
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar shows how far long work has come: on a terminal only, and on standard
// error, so that a pipe and a log stay clean. It may be told by several
// goroutines.
type bar struct {
	w     io.Writer // nil: no terminal
	label string
	// rateAfter is how long a bar has to have gone on before it tells counts, rates
	// and what time is left: rates of the first moments are nonsense, such as 12 GB/s.
	rateAfter time.Duration

	mu    sync.Mutex
	b     *progressbar.ProgressBar
	turns bool      // b knows no total
	began time.Time // when b did; zero once it tells rates
	doing string    // the step under way
}

func newBar(stderr io.Writer, label string) *bar {
	if !isTerminal(stderr) {
		return &bar{}
	}
	return &bar{w: stderr, label: label, rateAfter: time.Second}
}

// set says that done pieces of total are done; total may change as work goes on.
func (p *bar) set(done, total int) { p.show(int64(done), int64(total)) }

// bytes is set for bytes.
func (p *bar) bytes(done, total int64) {
	p.show(done, total, progressbar.OptionShowBytes(true))
}

// show sets the bar; the unit is that of counts and rates, which come later.
func (p *bar) show(done, total int64, unit ...progressbar.Option) {
	if p.w == nil || total <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.b == nil || p.turns {
		p.renew(total,
			progressbar.OptionSetElapsedTime(true),
			progressbar.OptionSetPredictTime(false),
			progressbar.OptionUseIECUnits(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetWidth(30),
		)
		p.began = time.Now()
	} else {
		p.b.ChangeMax64(total)
	}
	if !p.began.IsZero() && time.Since(p.began) >= p.rateAfter {
		for _, o := range append(unit, progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true)) {
			o(p.b)
		}
		p.began = time.Time{}
	}
	_ = p.b.Set64(min(done, total))
}

// step says what is done next; until show knows how much of it there is, the
// bar turns.
func (p *bar) step(doing string) {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doing = doing
	p.renew(-1, progressbar.OptionSetElapsedTime(true))
	_ = p.b.Add(1) // turns from now on
}

// renew puts a new bar in the place of the old one.
func (p *bar) renew(total int64, options ...progressbar.Option) {
	p.end()
	name := p.label
	if p.doing != "" {
		name += " " + p.doing
	}
	p.b = progressbar.NewOptions64(total, append(options,
		progressbar.OptionSetWriter(p.w),
		progressbar.OptionSetDescription(name),
		progressbar.OptionClearOnFinish(),
	)...)
	p.turns = total < 0
}

// clear makes room for a line of results; the bar comes back by itself.
func (p *bar) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.b != nil {
		_ = p.b.Clear()
	}
}

func (p *bar) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end()
}

func (p *bar) end() {
	if p.b != nil {
		_ = p.b.Finish()
	}
}
