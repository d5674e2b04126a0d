package config

import (
	"net/mail"

	"go.yaml.in/yaml/v3"

	"yunjian/notice"
)

// Recipient is somebody who is told what concerns a role.
type Recipient struct {
	Role    notice.Role
	Channel string // name of one
	Address string // e-mail address; empty of departments, whose addresses the directory has
	Name    string // how a digest greets
}

var recipientKeys = []key[Recipient]{
	field("role", "cloudadmin, supervisor, finance or dept", "", "角色：云管理员、主管部门、财务、使用单位（必填）", "whose concerns: cloud administrator, supervising authority, finance, department (required)",
		func(r *Recipient) *notice.Role { return &r.Role }, word(notice.Cloudadmin, notice.Supervisor, notice.Finance, notice.Dept)),
	field("channel", "text", "", "渠道名称（必填）", "name of the channel (required)",
		func(r *Recipient) *string { return &r.Channel }, text),
	field("address", "e-mail address", "", "邮箱，邮件渠道必填；使用单位的取自单位表，不写", "e-mail address, required of an e-mail channel; those of departments are in the directory of owners",
		func(r *Recipient) *string { return &r.Address }, mailbox),
	field("name", "text", "", "称呼", "how a digest greets",
		func(r *Recipient) *string { return &r.Name }, text),
}

// mailbox reads an e-mail address without a name.
func mailbox(d *decoder, n *yaml.Node, at string) (string, bool) {
	const want = "an e-mail address such as zhang.san@example.gov.cn"
	s, ok := d.scalar(n, at, want)
	if !ok {
		return "", false
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
		d.bad(n.Line, at, "found %s; want %s", describe(n), want)
		return "", false
	}
	return s, true
}

// readRecipients reads the list of those who are told. The channels that they name
// are looked at when the whole file is read.
func readRecipients(d *decoder, n *yaml.Node, at string, c *Config) {
	c.Recipients = nil
	first := map[Recipient]int{}
	d.each(n, at, "recipients", func(n *yaml.Node, at string) {
		var x Recipient
		lines := readMap(d, n, at, recipientKeys, &x)
		if n.Kind != yaml.MappingNode {
			return
		}
		for _, name := range []string{"role", "channel"} {
			if lines[name] == 0 {
				d.bad(n.Line, at, "%s is missing", name)
			}
		}
		if x.Role == notice.Dept && lines["address"] > 0 {
			d.bad(lines["address"], at+".address", "is not for role dept; the addresses of departments are those that `yunjian owner import` reads")
		}
		same := Recipient{Role: x.Role, Channel: x.Channel, Address: x.Address}
		if line := first[same]; line > 0 {
			d.bad(n.Line, at, "is told by line %d already; want each once", line)
		}
		first[same] = n.Line
		c.Recipients = append(c.Recipients, x)
		d.later = append(d.later, func() { checkRecipient(d, lines, n.Line, at, *c, x) })
	})
}

func checkRecipient(d *decoder, lines map[string]int, line int, at string, c Config, r Recipient) {
	if r.Channel == "" {
		return // said already
	}
	of, ok := c.Channel(r.Channel)
	switch {
	case !ok:
		d.bad(lines["channel"], at+".channel", "found %q, which no channel is named", r.Channel)
	case of.Type == ChannelEmail && r.Role != notice.Dept && lines["address"] == 0:
		d.bad(line, at, "address is missing; channel %s is of type email", r.Channel)
	case of.Type == ChannelDingTalk && r.Role == notice.Dept:
		d.bad(lines["channel"], at+".channel", "is a group, which would read what each department is told; want a channel of type email, webhook or log")
	case of.Type == ChannelDingTalk && lines["address"] > 0:
		d.bad(lines["address"], at+".address", "is not for a channel of type dingtalk, which has one audience")
	}
}

// Channel returns the channel of a name.
func (c Config) Channel(name string) (Channel, bool) {
	for _, x := range c.Channels {
		if x.Name == name {
			return x, true
		}
	}
	return Channel{}, false
}
