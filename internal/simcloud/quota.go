package simcloud

import (
	"net/http"
	"sync"
	"time"
)

// Quotas limit the calls of one account. The zero value is the public cloud's:
// 50 calls a second of DescribeMetricList and of DescribeMetricLast, and one
// million calls a month of the two together.
type Quotas struct {
	PerSecond map[string]int // by action; nil: as above; an action not named is not limited
	Monthly   int            // of metric calls; 0: one million; negative: no limit
}

// Unlimited is no quota at all.
func Unlimited() Quotas { return Quotas{PerSecond: map[string]int{}, Monthly: -1} }

// metered are the actions that share the monthly quota.
var metered = map[string]bool{"DescribeMetricList": true, "DescribeMetricLast": true}

// meter counts calls against quotas.
type meter struct {
	quotas Quotas
	mu     sync.Mutex
	second int64
	used   map[string]int // in this second, by account and action
	month  string
	total  map[string]int // in this month, by account
}

func newMeter(q Quotas) meter {
	if q.PerSecond == nil {
		q.PerSecond = map[string]int{"DescribeMetricList": 50, "DescribeMetricLast": 50}
	}
	if q.Monthly == 0 {
		q.Monthly = 1_000_000
	}
	return meter{quotas: q, used: map[string]int{}, total: map[string]int{}}
}

// spend counts one call at now, or refuses it.
func (m *meter) spend(account, action string, now time.Time) *apiError {
	limit, limited := m.quotas.PerSecond[action]
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := now.Unix(); t != m.second {
		m.second = t
		clear(m.used)
	}
	if limited {
		key := account + "\x00" + action
		if m.used[key] >= limit {
			return throttled()
		}
		m.used[key]++
	}
	if !metered[action] || m.quotas.Monthly < 0 {
		return nil
	}
	if month := now.UTC().Format("2006-01"); month != m.month {
		m.month = month
		clear(m.total)
	}
	if m.total[account] >= m.quotas.Monthly {
		return refuse(http.StatusBadRequest, "Throttling.User", "Request was denied due to user flow control: user api quota limit.")
	}
	m.total[account]++
	return nil
}

func throttled() *apiError {
	return refuse(http.StatusBadRequest, "Throttling.User", "Request was denied due to user flow control.")
}
