package auth

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxClients is how many clients a limiter remembers; whoever comes beyond shares
// one allowance with all others beyond.
const maxClients = 10_000

// limiter allows each client so many requests at once, and one more after each
// period.
type limiter struct {
	every time.Duration
	burst int

	mu      sync.Mutex
	clients map[string]*rate.Limiter
	others  *rate.Limiter
}

func newLimiter(every time.Duration, burst int) *limiter {
	l := &limiter{every: every, burst: burst, clients: map[string]*rate.Limiter{}}
	l.others = l.fresh()
	return l
}

func (l *limiter) fresh() *rate.Limiter { return rate.NewLimiter(rate.Every(l.every), l.burst) }

func (l *limiter) allow(client string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.clients[client]
	if one == nil && len(l.clients) >= maxClients {
		l.forget()
	}
	switch {
	case one != nil:
	case len(l.clients) >= maxClients:
		one = l.others
	default:
		one = l.fresh()
		l.clients[client] = one
	}
	return one.Allow()
}

// forget drops the clients that have their whole allowance again.
func (l *limiter) forget() {
	for client, one := range l.clients {
		if one.Tokens() >= float64(l.burst) {
			delete(l.clients, client)
		}
	}
}
