package send

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"
)

// DingTalkURL is the server of robots in the public DingTalk.
const DingTalkURL = "https://oapi.dingtalk.com"

// A robot takes 20 messages a minute and then none for ten: "自定义机器人的频率限制",
// open.dingtalk.com. At this pace no minute, wherever it is cut, holds more.
const (
	dingTalkEvery  = 3100 * time.Millisecond
	dingTalkPause  = 10 * time.Minute
	maxDingTalk    = 20_000 // bytes of a text
	dingTalkSuffix = "\n\n…"
)

// DingTalkOptions are the choices of NewDingTalk.
type DingTalkOptions struct {
	BaseURL string // empty: DingTalkURL; the host is allowed by being named here
	Token   string // access_token of the robot's address
	Secret  string // SEC…, of its signature
	Schemes []string
	CA      []byte // PEM, beside the system's
	Private bool
	Timeout time.Duration // of one message; 0: 10 s
	// Pace is that of the robot, from NewDingTalkPace, where several channels one after
	// another speak to it; nil: of its own.
	Pace *rate.Limiter
}

// NewDingTalkPace returns the pace that a robot bears.
func NewDingTalkPace() *rate.Limiter { return rate.NewLimiter(rate.Every(dingTalkEvery), 1) }

// DingTalk posts to one group by its robot. All messages of the channel have the
// same audience: a message's To is not looked at.
type DingTalk struct {
	base   *url.URL
	o      DingTalkOptions
	http   *poster
	millis func() int64 // of the clock
}

// NewDingTalk returns a channel to the group of a robot.
func NewDingTalk(o DingTalkOptions) (*DingTalk, error) {
	if o.BaseURL == "" {
		o.BaseURL = DingTalkURL
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Token == "" || o.Secret == "" {
		return nil, errors.New("want the robot's access_token and its signing secret (加签)")
	}
	if o.Pace == nil {
		o.Pace = NewDingTalkPace()
	}
	g := Guard{Schemes: o.Schemes, Private: o.Private}
	if u, err := url.Parse(o.BaseURL); err == nil {
		g.Hosts = []string{u.Hostname()}
	}
	base, err := g.url(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base_url: %w", err)
	}
	p, err := newPoster(g, o.CA, o.Timeout, o.Token, o.Secret)
	if err != nil {
		return nil, err
	}
	return &DingTalk{
		base: base, o: o, http: p,
		millis: func() int64 { return time.Now().UnixMilli() },
	}, nil
}

// sign returns the signature of an instant in milliseconds: the base64 of
// HMAC-SHA256 with the secret as key over the instant, a line feed and the secret.
func sign(secret string, millis int64) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d\n%s", millis, secret)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Send posts m as markdown, and waits where the robot was used less than about
// three seconds ago.
func (d *DingTalk) Send(ctx context.Context, m Message) error {
	if err := m.Check(); err != nil {
		return &PermanentError{err}
	}
	body, err := json.Marshal(map[string]any{
		"msgtype":  "markdown",
		"markdown": map[string]string{"title": m.Subject, "text": dingTalkText(m)},
	})
	if err != nil {
		return &PermanentError{err}
	}
	if err := d.o.Pace.Wait(ctx); err != nil {
		if ctx.Err() == nil { // its deadline comes first
			err = context.DeadlineExceeded
		}
		return err
	}
	now := d.millis()
	to := d.base.JoinPath("robot", "send")
	to.RawQuery = url.Values{"access_token": {d.o.Token}, "timestamp": {strconv.FormatInt(now, 10)}, "sign": {sign(d.o.Secret, now)}}.Encode()
	answer, err := d.http.post(ctx, to.String(), body, http.Header{"Content-Type": {"application/json; charset=utf-8"}})
	if err != nil {
		var busy *TemporaryError
		if errors.As(err, &busy) && strings.Contains(busy.Error(), "answers 429") {
			busy.After = max(busy.After, dingTalkPause)
		}
		return err
	}
	return d.http.hideNil(answered(answer))
}

// answered reads what DingTalk says in a body of status 200.
func answered(answer []byte) error {
	var said struct {
		Code    *int64 `json:"errcode"`
		Message string `json:"errmsg"`
	}
	if err := json.Unmarshal(answer, &said); err != nil || said.Code == nil {
		return temporary("the server's answer holds no errcode%s", excerpt(answer))
	}
	why := fmt.Errorf("DingTalk answers errcode %d%s", *said.Code, excerpt([]byte(said.Message)))
	switch *said.Code {
	case 0:
		return nil
	case 130101, 410100, 90030, 90018: // sent too fast
		return &TemporaryError{Err: why, After: dingTalkPause}
	case 400105, 430101, 430102, 430103, 430104, 460101: // a type, a link, words or a length that it does not take
		return &PermanentError{why}
	case 310000:
		return &TemporaryError{Err: fmt.Errorf("%w (signature, keyword or address list of the robot: look at its security settings and at this machine's clock)", why)}
	default:
		return &TemporaryError{Err: why}
	}
}

// dingTalkText is m in markdown, cut to what a robot takes.
func dingTalkText(m Message) string {
	var lines []string
	for line := range strings.SplitSeq(m.Text, "\n") {
		if !slices.ContainsFunc(m.Links, func(l Link) bool { return l.URL == strings.TrimSpace(line) }) { // it follows as a link
			lines = append(lines, escapeMarkdown(line))
		}
	}
	// Two blanks before a line feed keep lines apart.
	text := "### " + escapeMarkdown(m.Subject) + "\n\n" + strings.Join(lines, "  \n")
	for _, l := range m.Links {
		text += "\n\n[" + escapeMarkdown(l.Title) + "](" + strings.NewReplacer("(", "%28", ")", "%29", " ", "%20").Replace(l.URL) + ")"
	}
	if len(text) <= maxDingTalk {
		return text
	}
	cut := maxDingTalk - len(dingTalkSuffix)
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + dingTalkSuffix
}

// escapeMarkdown keeps text as it is written: names of resources hold _ and *.
func escapeMarkdown(s string) string {
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "#", `\#`, "<", "&lt;", ">", "&gt;").Replace(s)
}
