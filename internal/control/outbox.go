package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"yunjian/internal/send"
	"yunjian/internal/store"
)

// Outbox is what waits to be told, and what has become of it.
type Outbox struct {
	Messages []store.Outgoing `json:"messages"`
	Items    []send.Item      `json:"items"` // that no digest has taken up yet
	// Unreached are those who were to be told something and have no address.
	Unreached []store.Unreached `json:"unreached"`
}

// ReadOutbox reads all of the outbox.
func ReadOutbox(state *store.Store) (Outbox, error) {
	messages, err := state.Outbox()
	if err != nil {
		return Outbox{}, err
	}
	items, err := state.Items()
	if err != nil {
		return Outbox{}, err
	}
	unreached, err := state.Unreached()
	return Outbox{Messages: messages, Items: items, Unreached: unreached}, err
}

// quick is a request that is done in one transaction, beside the job under way.
func (s *Server) quick(do func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		if s.stopped {
			s.mu.Unlock()
			http.Error(w, errStopping.Error(), http.StatusConflict)
			return
		}
		s.work.Add(1)
		s.mu.Unlock()
		defer s.work.Done()
		if err := do(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
	}
}

func (s *Server) outbox(w http.ResponseWriter, _ *http.Request) error {
	all, err := ReadOutbox(s.data.State)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(steady{w}).Encode(all)
}

func (s *Server) retry(_ http.ResponseWriter, r *http.Request) error {
	id := r.URL.Query().Get("id")
	err := s.data.RetryMessage(r.Context(), id, s.o.Now())
	s.o.Log.Info().Err(err).Str("id", id).Msg("retry message")
	return err
}

func (s *Server) drop(_ http.ResponseWriter, r *http.Request) error {
	id := r.URL.Query().Get("id")
	err := s.data.DropMessage(r.Context(), id, s.o.Now())
	s.o.Log.Info().Err(err).Str("id", id).Msg("drop message")
	return err
}

// Outbox reads the daemon's outbox.
func (c *Client) Outbox(ctx context.Context) (Outbox, error) {
	resp, err := c.do(ctx, http.MethodGet, "/outbox")
	if err != nil {
		return Outbox{}, err
	}
	defer resp.Body.Close()
	var all Outbox
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		return Outbox{}, fmt.Errorf("read the daemon's outbox: %w", errors.Join(err, context.Cause(ctx)))
	}
	return all, nil
}

// Retry lets a message of the daemon's outbox be tried at once.
func (c *Client) Retry(ctx context.Context, id string) error { return c.edit(ctx, "/outbox/retry", id) }

// Drop ends a message of the daemon's outbox without sending it.
func (c *Client) Drop(ctx context.Context, id string) error { return c.edit(ctx, "/outbox/drop", id) }

func (c *Client) edit(ctx context.Context, path, id string) error {
	resp, err := c.do(ctx, http.MethodPost, path+"?"+url.Values{"id": {id}}.Encode())
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
