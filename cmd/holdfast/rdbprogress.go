package main

import (
	"fmt"
	"io"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/holdfast-dr/holdfast/internal/rdb"
)

// reading shows how far the reading of a file has come.
type reading interface {
	watch(p rdb.Progress)
	end()
}

// newReading shows a bar on a terminal and lines elsewhere; nothing where JSON is asked for.
func (g *globals) newReading(src rdbSource) reading {
	switch {
	case g.json:
		return quietReading{}
	case g.terminal():
		return newReadingBar(g.out, src)
	}
	return &readingLines{out: g.out, src: src, told: time.Now(), every: linesEvery}
}

type quietReading struct{}

func (quietReading) watch(rdb.Progress) {}
func (quietReading) end()               {}

// linesEvery is how long nothing is said in a log.
const linesEvery = 10 * time.Second

// readingLines writes a line once in a while.
type readingLines struct {
	out   io.Writer
	src   rdbSource
	told  time.Time
	every time.Duration
}

func (l *readingLines) watch(p rdb.Progress) {
	if time.Since(l.told) < l.every {
		return
	}
	l.told = time.Now()
	of := ""
	if l.src.size > 0 {
		of = " of " + sizeOf(l.src.size)
	}
	fmt.Fprintf(l.out, "read    %s: %s%s, %s keys\n", l.src.name, sizeOf(p.Bytes), of, thousands(p.Keys))
}

func (*readingLines) end() {}

// readingBar shows a bar that goes when the result comes.
type readingBar struct {
	pool *mpb.Progress
	bar  *mpb.Bar
}

func newReadingBar(out io.Writer, src rdbSource) *readingBar {
	pool := mpb.New(mpb.WithOutput(out), mpb.WithWidth(40), mpb.WithRefreshRate(100*time.Millisecond))
	title := mpb.PrependDecorators(decor.Name(src.name + " "))
	if src.size == 0 {
		return &readingBar{pool, pool.New(0, mpb.SpinnerStyle(), mpb.BarRemoveOnComplete(), title,
			mpb.AppendDecorators(decor.CurrentKiloByte("% .1f"), decor.AverageSpeed(decor.SizeB1000(0), "  % .0f")))}
	}
	return &readingBar{pool, pool.AddBar(src.size, mpb.BarRemoveOnComplete(), title,
		mpb.AppendDecorators(decor.Percentage(), decor.AverageSpeed(decor.SizeB1000(0), "  % .0f"), decor.AverageETA(decor.ET_STYLE_GO, decor.WC{W: 8})))}
}

func (b *readingBar) watch(p rdb.Progress) { b.bar.SetCurrent(p.Bytes) }

func (b *readingBar) end() {
	b.bar.Abort(true)
	b.pool.Wait()
}
