package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os/user"
	"strconv"
	"syscall"

	"yunjian/internal/journal"
)

// identified names who is at the other end of a connection, as the kernel says:
// whoever asks cannot call himself otherwise.
func identified(ctx context.Context, c net.Conn) context.Context {
	who, uid := journal.CLI("unknown"), -1
	if socket, ok := c.(*net.UnixConn); ok {
		if raw, err := socket.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { // who asks stays unknown then
				if peer, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
					uid = int(peer.Uid)
					who = journal.CLI(UserName(uid))
				}
			})
		}
	}
	return context.WithValue(journal.As(ctx, who), peerKey{}, uid)
}

type peerKey struct{}

// peerOf is the user id of whoever asks; -1 where the kernel did not say.
func peerOf(ctx context.Context) int {
	if uid, ok := ctx.Value(peerKey{}).(int); ok {
		return uid
	}
	return -1
}

// UserName is what the operating system calls a user id, or the id itself where
// it has no name.
func UserName(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil && u.Username != "" {
		return u.Username
	}
	return id
}

func (s *Server) verifyJournal(r *http.Request, say func(event)) error {
	var witnessed []journal.Head
	for _, text := range r.URL.Query()["head"] {
		h, err := journal.ParseHead(text)
		if err != nil {
			return err
		}
		witnessed = append(witnessed, h)
	}
	v, err := s.data.State.VerifyJournal(r.Context(), witnessed...)
	if err != nil {
		return err
	}
	say(event{Verified: &v})
	return nil
}

func (s *Server) showJournal(r *http.Request, say func(event)) error {
	var f journal.Filter
	if err := json.Unmarshal([]byte(r.URL.Query().Get("filter")), &f); err != nil {
		return fmt.Errorf("read the filter: %w", err)
	}
	head, err := s.data.ExportJournal(r.Context(), f, func(e journal.Entry) error {
		say(event{Entry: &e})
		return context.Cause(r.Context())
	})
	if err != nil {
		return err
	}
	say(event{Head: &head})
	return nil
}

// VerifyJournal walks the chain of the daemon's journal and compares it with
// heads that were witnessed.
func (c *Client) VerifyJournal(ctx context.Context, witnessed ...journal.Head) (v journal.Verified, err error) {
	q := url.Values{}
	for _, h := range witnessed {
		q.Add("head", h.String())
	}
	said := false
	err = c.lines(ctx, http.MethodPost, "/journal/verify?"+q.Encode(), func(e event) {
		if e.Verified != nil {
			v, said = *e.Verified, true
		}
	})
	if err == nil && !said {
		err = errors.New("the daemon did not say what it found")
	}
	return v, err
}

// ExportJournal hands the entries of the daemon's journal that f lets pass to do
// and returns the head that they were read at.
func (c *Client) ExportJournal(ctx context.Context, f journal.Filter, do func(journal.Entry) error) (head journal.Head, err error) {
	text, err := json.Marshal(f)
	if err != nil {
		return head, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err = c.lines(ctx, http.MethodPost, "/journal/show?"+url.Values{"filter": {string(text)}}.Encode(), func(e event) {
		if e.Entry != nil {
			if err := do(*e.Entry); err != nil {
				cancel(err)
			}
		}
		if e.Head != nil {
			head = *e.Head
		}
	})
	return head, err
}
