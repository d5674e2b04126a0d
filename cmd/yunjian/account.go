package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"yunjian/internal/auth"
	"yunjian/internal/config"
	"yunjian/internal/control"
)

func newAccount() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "account",
		GroupID: groupCare,
		Short:   "账号与角色 — accounts and roles",
		Long: `建立与管理账号：谁能登录，能做什么。守护进程运行时也能用。角色表与登录办法见 docs/how-to/accounts-and-roles.md。

Makes and keeps accounts: who may sign in, and what they may do. Works beside the
running daemon. Roles and ways to sign in: docs/how-to/accounts-and-roles.md.`,
		Example: `  yunjian account setup --config yunjian.yaml
  yunjian account add zhang --config yunjian.yaml --role dept --department 财政局`,
		Args: subcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAccountSetup(), newAccountAdd(), newAccountList(), newAccountRoles(), newAccountPasswd(), newAccountDisable(), newAccountUnlock(), newAccountTOTP())
	return cmd
}

// openAuth opens the accounts of the configured data folder, for whom the
// operating system says is at work.
func openAuth(cmd *cobra.Command, path string) (s *auth.Service, by auth.Principal, cfg config.Config, closing func(), err error) {
	cfg, data, err := openData(cmd, path)
	if err != nil {
		return nil, by, cfg, nil, err
	}
	record := auth.Recorder(data.RecordAuth)
	if a := asideOf(cmd.Context()); a != nil {
		record = a.record
	}
	return auth.New(data.State, cfg.Auth, record), auth.Operator(operatorOf(cmd.Context())), cfg, func() { _ = data.Close() }, nil
}

// withAuth runs do over the accounts of the configured data folder.
func withAuth(cmd *cobra.Command, path string, do func(s *auth.Service, by auth.Principal) error) error {
	s, by, _, closing, err := openAuth(cmd, path)
	if err != nil {
		return err
	}
	defer closing()
	return do(s, by)
}

// prompter asks for what must not be on the command line: unseen on a terminal,
// else a line of standard input each.
type prompter struct {
	cmd   *cobra.Command
	lines *bufio.Reader
}

func newPrompter(cmd *cobra.Command) *prompter {
	return &prompter{cmd, bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 64<<10))}
}

func (p *prompter) secret(label string) (string, error) {
	in := p.cmd.InOrStdin()
	if !isTerminal(in) {
		return p.line(label)
	}
	if client, ok := in.(*control.Console); ok {
		return client.Secret(label)
	}
	return readSecret(p.cmd.Context(), in, p.cmd.ErrOrStderr(), label)
}

// password asks for a new password, on a terminal twice.
func (p *prompter) password(account string) (string, error) {
	first, err := p.secret("新口令 new password of " + account)
	if err != nil {
		return "", err
	}
	if isTerminal(p.cmd.InOrStdin()) {
		again, err := p.secret("再输一次 again")
		if err != nil {
			return "", err
		}
		if again != first {
			return "", errors.New("the two differ: nothing was changed")
		}
	}
	return first, nil
}

func (p *prompter) line(label string) (string, error) {
	text, err := p.lines.ReadString('\n')
	if text == "" && err != nil {
		return "", fmt.Errorf("read %s from standard input: %w", label, err)
	}
	return strings.TrimRight(text, "\r\n"), nil
}

// rolesFlag and departmentsFlag add what is given once for each role and
// department.
func rolesFlag(cmd *cobra.Command, roles *[]string) {
	cmd.Flags().StringSliceVar(roles, "role", nil, "角色，可多次 | role, any number: sysadmin, secadmin, auditor, cloudadmin, supervisor, finance, dept, viewer")
	var all []string
	for _, r := range auth.Roles() {
		all = append(all, string(r))
	}
	choices(cmd, "role", all...)
}

func departmentsFlag(cmd *cobra.Command, departments *[]string) {
	cmd.Flags().StringSliceVar(departments, "department", nil, "限于该部门，可多次 | bound to this department, any number")
}

func toRoles(names []string) (out []auth.Role, err error) {
	for _, n := range names {
		if !slices.Contains(auth.Roles(), auth.Role(n)) {
			return nil, usage(fmt.Errorf("--role %q: want one of %v", n, auth.Roles()))
		}
		out = append(out, auth.Role(n))
	}
	return out, nil
}

func newAccountSetup() *cobra.Command {
	var path string
	officers := []string{"sysadmin", "secadmin", "auditor"}
	cmd := &cobra.Command{
		Use:   "setup --config FILE [--sysadmin NAME] [--secadmin NAME] [--auditor NAME]",
		Short: "建立三员账号，仅首次 — make the accounts of the three officers, once",
		Long: `建立系统管理员、安全管理员、审计员三个账号，逐一询问口令；没有默认口令。已有账号时拒绝。
口令在终端上输入时不显示；从标准输入读时每行一个，次序同上。

Makes the accounts of system administrator, security administrator and auditor and
asks for the password of each: there is no default password. Refuses where accounts
exist. On a terminal passwords are not shown; from standard input they are read one
a line, in this order.`,
		Example: `  yunjian account setup --config yunjian.yaml
  yunjian account setup --config yunjian.yaml --sysadmin li --secadmin wang --auditor zhao`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withAuth(cmd, path, func(s *auth.Service, by auth.Principal) error {
				if known, err := s.Accounts(by); err != nil || len(known) > 0 { // before passwords are asked for
					return errors.Join(err, auth.ErrSetUp)
				}
				ask := newPrompter(cmd)
				var first []auth.NewAccount
				for i, name := range officers {
					role := auth.Roles()[i]
					if at := slices.IndexFunc(first, func(n auth.NewAccount) bool { return n.Name == name }); at >= 0 {
						first[at].Roles = append(first[at].Roles, role)
						continue
					}
					if err := auth.CheckName(name); err != nil {
						return usage(fmt.Errorf("--%s: %w", role, err))
					}
					password, err := ask.password(name)
					if err != nil {
						return err
					}
					first = append(first, auth.NewAccount{Name: name, Roles: []auth.Role{role}, Password: password})
				}
				if err := s.SetUp(by, first); err != nil {
					return err
				}
				for _, n := range first {
					fmt.Fprintf(cmd.OutOrStdout(), "已建立 made: %s %v\n", n.Name, n.Roles)
				}
				return nil
			})
		},
	}
	configFlag(cmd, &path)
	for i, what := range []string{"系统管理员的账号名 | account of the system administrator", "安全管理员的账号名 | account of the security administrator", "审计员的账号名 | account of the auditor"} {
		cmd.Flags().StringVar(&officers[i], officers[i], officers[i], what)
	}
	return cmd
}

func newAccountAdd() *cobra.Command {
	var path, title string
	var roles, departments []string
	var external bool
	var expires time.Duration
	cmd := &cobra.Command{
		Use:   "add NAME --config FILE [--title TEXT] [--role ROLE]… [--department NAME]… [--expires DURATION] [--external]",
		Short: "新建账号 — make an account",
		Long: `新建账号，并询问首个口令，本人首次登录时必须更换。--external 的账号没有口令，
只能经网关或单点登录进入。角色 dept 必须指明部门；其他角色写了部门，即限于这些部门。

Makes an account and asks for its first password, which its holder must change at the
first sign-in. An account made with --external has no password: it signs in through a
gateway or a provider. Role dept takes departments; other roles are bound to those
that are named.`,
		Example: `  yunjian account add zhang --config yunjian.yaml --title 张三 --role dept --department 财政局
  yunjian account add temp --config yunjian.yaml --role viewer --expires 30d < password.txt
  yunjian account add li --config yunjian.yaml --role finance --external`,
		Args: oneArg("an account name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			held, err := toRoles(roles)
			if err != nil {
				return err
			}
			if err := auth.CheckName(args[0]); err != nil {
				return usage(err)
			}
			return withAuth(cmd, path, func(s *auth.Service, by auth.Principal) error {
				n := auth.NewAccount{Name: args[0], Title: title, Roles: held, Departments: departments}
				if expires > 0 {
					n.Expires = time.Now().Add(expires)
				}
				if !external {
					if n.Password, err = newPrompter(cmd).password(n.Name); err != nil {
						return err
					}
					if n.Password == "" {
						return errors.New("the password is empty: want one, or --external for an account without")
					}
				}
				if err := s.Add(by, n); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "已建立 made: %s %v\n", n.Name, held)
				return nil
			})
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&title, "title", "", "姓名或职务 | a name or an office, for people")
	rolesFlag(cmd, &roles)
	departmentsFlag(cmd, &departments)
	cmd.Flags().Var(durationValue{&expires}, "expires", "多久后失效，默认不失效 | ends after so long; default: never")
	cmd.Flags().BoolVar(&external, "external", false, "没有口令，经网关或单点登录进入 | without a password, for a gateway or a provider")
	return cmd
}

func newAccountList() *cobra.Command {
	var path, format string
	cmd := &cobra.Command{
		Use:     "list --config FILE [--format text|json]",
		Short:   "列出账号 — list the accounts",
		Example: `  yunjian account list --config yunjian.yaml`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usage(fmt.Errorf("--format %q: want text or json", format))
			}
			s, by, cfg, closing, err := openAuth(cmd, path)
			if err != nil {
				return err
			}
			defer closing()
			all, err := s.Accounts(by)
			if err != nil {
				return err
			}
			type line struct {
				Name        string      `json:"name"`
				Title       string      `json:"title,omitempty"`
				Roles       []auth.Role `json:"roles"`
				Departments []string    `json:"departments"`
				State       string      `json:"state"`
				TOTP        bool        `json:"totp"`
				External    bool        `json:"external"`
				LastSignIn  time.Time   `json:"last_sign_in,omitzero"`
			}
			lines := []line{}
			for _, a := range all {
				lines = append(lines, line{a.Name, a.Title, append([]auth.Role{}, a.Roles...), append([]string{}, a.Departments...), accountState(a, time.Now()), a.HasCodes(), a.Password == "", a.LastSignIn})
			}
			if format == "json" {
				return writeJSON(cmd.OutOrStdout(), lines)
			}
			if len(lines) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "尚无账号，请运行 account setup | no accounts yet: run account setup")
				return nil
			}
			table := [][]string{{"账号 account", "角色 roles", "部门 departments", "状态 state", "动态口令 codes", "上次登录 last sign-in"}}
			for _, l := range lines {
				last := "-"
				if !l.LastSignIn.IsZero() {
					last = l.LastSignIn.In(cfg.Location).Format("2006-01-02 15:04")
				}
				table = append(table, []string{l.Name, dash(fmt.Sprint(l.Roles)), dash(fmt.Sprint(l.Departments)), l.State, map[bool]string{true: "有 yes", false: "无 no"}[l.TOTP], last})
			}
			printTable(cmd.OutOrStdout(), table)
			return nil
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&format, "format", "text", "输出格式 | form of the output: text, json")
	choices(cmd, "format", "text", "json")
	return cmd
}

// accountState says in one word whether an account may be used.
func accountState(a auth.Account, now time.Time) string {
	switch {
	case a.Disabled:
		return "disabled"
	case !a.Expires.IsZero() && !now.Before(a.Expires):
		return "expired"
	case a.MustChange:
		return "new-password-due"
	}
	return "active"
}

// dash writes the words of a list, or that there are none.
func dash(list string) string {
	if s := strings.Trim(list, "[]"); s != "" {
		return s
	}
	return "-"
}
