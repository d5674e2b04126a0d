package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows how far long work has come: on a terminal only, and on standard
// error, so that a pipe and a log stay clean.
type bar struct {
	w     io.Writer
	label string
	b     *progressbar.ProgressBar
}

func newBar(stderr io.Writer, label string) *bar {
	f, ok := stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &bar{}
	}
	return &bar{w: stderr, label: label}
}

// set says that done of total are done; total may change as work goes on.
func (p *bar) set(done, total int) {
	if p.w == nil || total <= 0 {
		return
	}
	if p.b == nil {
		p.b = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(p.w),
			progressbar.OptionSetDescription(p.label),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetWidth(30),
			progressbar.OptionClearOnFinish(),
		)
	}
	p.b.ChangeMax(total)
	_ = p.b.Set(min(done, total))
}

// step shows that work of unknown length goes on, and what is being done.
func (p *bar) step(doing string) {
	if p.w == nil {
		return
	}
	if p.b == nil {
		p.b = progressbar.NewOptions(-1,
			progressbar.OptionSetWriter(p.w),
			progressbar.OptionSetElapsedTime(true),
			progressbar.OptionClearOnFinish(),
		)
	}
	p.b.Describe(p.label + " " + doing)
	_ = p.b.Add(1) // turns from now on
}

// wrote shows how many bytes have been written, of nobody knows how many.
func (p *bar) wrote(total int64) {
	if p.w == nil {
		return
	}
	if p.b == nil {
		p.b = progressbar.NewOptions64(-1,
			progressbar.OptionSetWriter(p.w),
			progressbar.OptionSetDescription(p.label),
			progressbar.OptionShowBytes(true),
			progressbar.OptionUseIECUnits(true),
			progressbar.OptionSetElapsedTime(true),
			progressbar.OptionSetRenderBlankState(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
	_ = p.b.Set64(total)
}

// clear makes room for a line of results; the bar comes back by itself.
func (p *bar) clear() {
	if p.b != nil {
		_ = p.b.Clear()
	}
}

func (p *bar) finish() {
	if p.b != nil {
		_ = p.b.Finish()
	}
}
