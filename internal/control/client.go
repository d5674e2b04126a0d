package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"yunjian/internal/history"
	"yunjian/internal/pipeline"
)

// Client asks the daemon that holds a data folder. Its jobs tell whom
// history.WithProgress names how far they are.
type Client struct{ http http.Client }

// answerTime is how long a daemon may take to say that it begins.
const answerTime = 30 * time.Second

// Dial returns a client of the daemon that holds the data folder, or an error
// where none listens there.
func Dial(ctx context.Context, dir string) (*Client, error) {
	dial := func(ctx context.Context) (conn net.Conn, err error) {
		err = named(dir, func(path string) error {
			conn, err = (&net.Dialer{}).DialContext(ctx, "unix", path)
			return err
		})
		return conn, err
	}
	probe, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := probe.Close(); err != nil {
		return nil, err
	}
	return &Client{http.Client{Transport: &http.Transport{
		DialContext:           func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		ResponseHeaderTimeout: answerTime,
		DisableKeepAlives:     true,
	}}}, nil
}

// do sends a request and returns the answer to one that was accepted.
func (c *Client) do(ctx context.Context, method, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://daemon"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, brokenOff(ctx, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil {
		return nil, brokenOff(ctx, err)
	}
	if resp.StatusCode == http.StatusConflict {
		return nil, errors.New(strings.TrimSpace(string(text)))
	}
	return nil, fmt.Errorf("the daemon answers %s to %s: it is of another version than this command (%s)", resp.Status, path, strings.TrimSpace(string(text)))
}

// brokenOff words the end of a connection; whoever ended it on purpose is told
// so.
func brokenOff(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return fmt.Errorf("the daemon broke off: %w: see its log", err)
}

// Backup writes a backup of the daemon's data to w. What was written before an
// error is no backup.
func (c *Client) Backup(ctx context.Context, w io.Writer) error {
	resp, err := c.do(ctx, http.MethodPost, "/backup")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	defer c.watch(ctx)()
	out := sink{w: w}
	if _, err := io.Copy(&out, resp.Body); out.err != nil {
		return out.err
	} else if err != nil {
		return brokenOff(ctx, err)
	}
	switch said := resp.Trailer.Get(trailer); said {
	case done:
		return nil
	case "":
		return brokenOff(ctx, io.ErrUnexpectedEOF)
	default:
		if plain, err := url.QueryUnescape(said); err == nil {
			said = plain
		}
		return errors.New(said)
	}
}

// sink tells errors of writing here from those of reading there.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(b []byte) (n int, err error) {
	n, s.err = s.w.Write(b)
	return n, s.err
}

// watchEvery is how often the daemon is asked how far it is.
const watchEvery = 200 * time.Millisecond

// watch tells whom history.WithProgress names how far the daemon's job is,
// until it is told to stop. An answer that does not come is not missed.
func (c *Client) watch(ctx context.Context) (stop func()) {
	progress := history.ProgressOf(ctx)
	if progress == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		for tick := time.NewTicker(watchEvery); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			if f, err := c.far(ctx); err == nil && f.Total > 0 {
				progress(f.Done, f.Total)
			}
		}
	})
	return func() {
		cancel()
		watching.Wait()
	}
}

func (c *Client) far(ctx context.Context) (f far, err error) {
	resp, err := c.do(ctx, http.MethodGet, "/progress")
	if err != nil {
		return f, err
	}
	defer resp.Body.Close()
	return f, json.NewDecoder(resp.Body).Decode(&f)
}

// Check reports what is damaged in the daemon's data.
func (c *Client) Check(ctx context.Context, report func(history.Damage)) error {
	return c.lines(ctx, http.MethodPost, "/check", func(e event) {
		if e.Damage != nil {
			report(*e.Damage)
		}
	})
}

// Compact gives free space of the daemon's history back to the disk.
func (c *Client) Compact(ctx context.Context, step func(string)) (got pipeline.Compacted, err error) {
	err = c.lines(ctx, http.MethodPost, "/compact", func(e event) {
		if e.Step != "" {
			step(e.Step)
		}
		if e.Compacted != nil {
			got = *e.Compacted
		}
	})
	return got, err
}

// Stats counts the daemon's history.
func (c *Client) Stats(ctx context.Context) (got history.Stats, err error) {
	err = c.lines(ctx, http.MethodGet, "/stats", func(e event) {
		if e.Stats != nil {
			got = *e.Stats
		}
	})
	return got, err
}

// lines passes on what a job says, to its last line.
func (c *Client) lines(ctx context.Context, method, path string, hear func(event)) error {
	resp, err := c.do(ctx, method, path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	defer c.watch(ctx)()
	for in := json.NewDecoder(resp.Body); ; {
		var e event
		if err := in.Decode(&e); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return brokenOff(ctx, err)
		}
		if e.Error != "" {
			return errors.New(e.Error)
		}
		hear(e)
		if e.Done {
			return nil
		}
	}
}
