package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"golang.org/x/sync/errgroup"

	"yunjian/cloud"
)

// post sends bodies over two connections and wants 2xx for each.
func post(ctx context.Context, address string, header http.Header, bodies [][]byte) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, body := range bodies {
		g.Go(func() error {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
			if err != nil {
				return err
			}
			r.Header = header
			_, err = do(r)
			return err
		})
	}
	return g.Wait()
}

// do sends a request and reads the whole answer.
func do(r *http.Request) ([]byte, error) {
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: %s: %s", r.Method, r.URL.Path, answer.Status, body[:min(len(body), 500)])
	}
	return body, nil
}

func get(ctx context.Context, address string, query url.Values) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	return do(r)
}

// queryAll sends instant queries at the same time, as of the window's last
// sample: a range of the window's length then reaches just before its first.
func queryAll(ctx context.Context, address string, queries []string, w cloud.Window) ([][]byte, error) {
	bodies := make([][]byte, len(queries))
	g, ctx := errgroup.WithContext(ctx)
	for i, q := range queries {
		g.Go(func() (err error) {
			bodies[i], err = get(ctx, address+"/api/v1/query", url.Values{"query": {q}, "time": {strconv.FormatInt(w.To.Unix()-step, 10)}})
			return err
		})
	}
	return bodies, g.Wait()
}

// eachSample visits the samples of an answer to an instant query.
func eachSample(body []byte, visit func(labels map[string]string, v float64) error) error {
	var vector struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any // Unix seconds, the value as text
			}
		}
	}
	if err := json.Unmarshal(body, &vector); err != nil {
		return err
	}
	for _, r := range vector.Data.Result {
		text, ok := r.Value[1].(string)
		if !ok {
			return fmt.Errorf("sample %v of %v: want a value in quotes", r.Value, r.Metric)
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return err
		}
		if err := visit(r.Metric, v); err != nil {
			return err
		}
	}
	return nil
}

func (a answers) set(k key, place int, v float64) {
	x := a[k]
	x[place] = v
	a[k] = x
}
