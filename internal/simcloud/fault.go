package simcloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// Faults says how often each fault happens: probabilities from 0 to 1 a call,
// drawn one after the other, at most one a call. Which calls are hit depends
// on the seed, on what is asked for, and on how often it was asked before:
// not on the order in which calls arrive.
type Faults struct {
	Throttle    float64 // HTTP 400 Throttling.User
	Throttle429 float64 // HTTP 429 Throttling
	HTTP500     float64 // HTTP 500 InternalError
	HTML503     float64 // HTTP 503 with an HTML page
	Slow        float64 // the right answer, after Delay
	Reset       float64 // connection reset instead of an answer
	Malformed   float64 // HTTP 200, the answer cut in half
	Empty       float64 // HTTP 200, no body
	NumericCode float64 // HTTP 500 whose Code is a JSON number
	Code200     float64 // HTTP 200 with an error code inside
	RepeatToken float64 // NextToken repeats the token that was sent; on calls that send one and are not on the last page
	Denied      float64 // an empty listing as for lack of permission; on first pages of DescribeInstances and DescribeDisks
	Skew        float64 // HTTP 400 InvalidTimeStamp.Expired, as if the server's clock were off

	Delay time.Duration // of slow answers; 0: one second
}

// fault is one kind of fault.
type fault int

const (
	faultNone fault = iota
	faultThrottle
	faultThrottle429
	faultHTTP500
	faultHTML503
	faultSlow
	faultReset
	faultMalformed
	faultEmpty
	faultNumericCode
	faultCode200
	faultRepeatToken
	faultDenied
	faultSkew
)

// named are the faults by the names of a specification, in order of fault.
func (f *Faults) named() []struct {
	name string
	p    *float64
} {
	return []struct {
		name string
		p    *float64
	}{
		{"throttle", &f.Throttle}, {"throttle429", &f.Throttle429}, {"http500", &f.HTTP500}, {"html503", &f.HTML503},
		{"slow", &f.Slow}, {"reset", &f.Reset}, {"malformed", &f.Malformed}, {"empty", &f.Empty}, {"numeric_code", &f.NumericCode},
		{"code200", &f.Code200}, {"repeat_token", &f.RepeatToken}, {"denied", &f.Denied}, {"skew", &f.Skew},
	}
}

// AllFaults switches every fault on at the same share.
func AllFaults(share float64) Faults {
	var f Faults
	for _, x := range f.named() {
		*x.p = share
	}
	return f
}

// FaultNames lists the names that ParseFaults knows.
func FaultNames() []string {
	var f Faults
	var out []string
	for _, x := range f.named() {
		out = append(out, x.name)
	}
	return out
}

// ParseFaults reads a specification: empty for none, a plain share such as
// 0.03 for every fault, or a list such as "throttle=0.03,slow=0.1,delay=5s".
func ParseFaults(spec string) (Faults, error) {
	spec = strings.TrimSpace(spec)
	if spec == "" {
		return Faults{}, nil
	}
	if !strings.Contains(spec, "=") {
		p, err := share(spec)
		if err != nil {
			return Faults{}, fmt.Errorf("faults %q: %w, or a list such as throttle=0.03,slow=0.1", spec, err)
		}
		return AllFaults(p), nil
	}
	var f Faults
	for item := range strings.SplitSeq(spec, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
		if name == "delay" {
			d, err := model.ParseDuration(value)
			if err != nil {
				return Faults{}, fmt.Errorf("faults: delay %q: want a duration such as 500ms or 5s", value)
			}
			f.Delay = time.Duration(d)
			continue
		}
		p, err := share(value)
		if err != nil {
			return Faults{}, fmt.Errorf("faults: %s %q: %w", name, value, err)
		}
		known := false
		for _, x := range f.named() {
			if x.name == name {
				*x.p, known = p, true
			}
		}
		if !known {
			return Faults{}, fmt.Errorf("faults: unknown fault %q: want one of %s, delay", name, strings.Join(FaultNames(), ", "))
		}
	}
	return f, nil
}

func share(text string) (float64, error) {
	p, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(p) || p < 0 || p > 1 {
		return 0, fmt.Errorf("want a share from 0 to 1")
	}
	return p, nil
}

// dice decides which calls are hit.
type dice struct {
	faults   Faults
	any      bool
	seed     uint64
	attempts *recent[uint64]
}

func newDice(f Faults, seed uint64) dice {
	d := dice{faults: f, seed: seed, attempts: newRecent[uint64](1 << 17)}
	for _, x := range f.named() {
		d.any = d.any || *x.p > 0
	}
	return d
}

func (d *dice) throw(p parameters) fault {
	if !d.any {
		return faultNone
	}
	content := p.content("AccessKeyId")
	n := d.attempts.add(content)
	state := mix(mix(d.seed^content) + n)
	for i, x := range d.faults.named() {
		state = mix(state)
		if float64(state>>11)/(1<<53) < *x.p {
			return fault(i + 1)
		}
	}
	return faultNone
}

// mix is the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}

// before does what a fault does instead of the action: nil where the action is
// still to be done.
func (s *Server) before(w http.ResponseWriter, r *http.Request, c *call, f fault) *apiError {
	switch f {
	case faultThrottle:
		return throttled()
	case faultThrottle429:
		return refuse(http.StatusTooManyRequests, "Throttling", "Request was denied due to request throttling.")
	case faultHTTP500:
		return refuse(http.StatusInternalServerError, "InternalError", "The request processing has failed due to some unknown error.")
	case faultSkew:
		return expired()
	case faultHTML503:
		write(w, http.StatusServiceUnavailable, "text/html", c.requestID, []byte("<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>\r\n"))
	case faultNumericCode:
		write(w, http.StatusInternalServerError, "application/json; charset=utf-8", c.requestID,
			must(json.Marshal(envelope{c.requestID, r.Host, 500, "The request processing has failed due to some unknown error.", ""})))
	case faultCode200:
		write(w, http.StatusOK, "application/json; charset=utf-8", c.requestID, must(json.Marshal(struct {
			RequestId, Code, Message string
			Success                  bool
		}{c.requestID, "Throttling.User", "Request was denied due to user flow control.", false})))
	case faultEmpty:
		write(w, http.StatusOK, "application/json; charset=utf-8", c.requestID, nil)
	case faultReset:
		reset(w)
	case faultSlow:
		delay := s.dice.faults.Delay
		if delay == 0 {
			delay = time.Second
		}
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return errAnswered // nobody is listening any more
		}
		return nil
	default:
		return nil
	}
	return errAnswered
}

// after spoils a good answer.
func after(body []byte, f fault) []byte {
	if f == faultMalformed {
		return bytes.Clone(body[:len(body)/2])
	}
	return body
}

// reset cuts the connection so that the other side sees a reset, not an end.
func reset(w http.ResponseWriter) {
	h, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := h.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // unsent data is dropped and RST sent
	}
	_ = conn.Close()
}
