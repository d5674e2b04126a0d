package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"yunjian/internal/auth"
)

func newToken() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "token",
		GroupID: groupCare,
		Short:   "程序用的令牌 — tokens for programs",
		Example: `  yunjian token list --config yunjian.yaml`,
		Args:    subcommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTokenAdd(), newTokenList(), newTokenRevoke())
	return cmd
}

func newTokenAdd() *cobra.Command {
	var path string
	var n auth.NewToken
	var scopes []string
	var expires time.Duration
	cmd := &cobra.Command{
		Use:   "add --config FILE --account NAME --name TEXT --scope PERMISSION… --expires DURATION [--department NAME]…",
		Short: "签发令牌 — make a token",
		Long: `为账号签发令牌，权限不超出账号本身，也随账号的角色收回而收回；最长一年。
令牌只显示这一次，库中只存其散列。权限写作 notices:read，写错时列出全部。

Makes a token for an account. It never does more than the account may at the time of
use, and lives a year at most. The token is shown this once; only its hash is kept.
Permissions are such as notices:read; a wrong one is answered with all that exist.`,
		Example: `  yunjian token add --config yunjian.yaml --account li --name 夜间导出 --scope reports:read,reports:export --expires 90d`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, s := range scopes {
				p, err := auth.ParsePermission(s)
				if err != nil {
					return usage(fmt.Errorf("--scope: %w", err))
				}
				n.Scopes = append(n.Scopes, p)
			}
			switch {
			case n.Owner == "" || n.Name == "" || len(n.Scopes) == 0 || expires == 0:
				return usage(errors.New("--account, --name, --scope and --expires are required"))
			case expires > auth.MaxTokenAge:
				return usage(fmt.Errorf("--expires %s: want at most 365d", durationValue{&expires}))
			}
			return withAuth(cmd, path, func(s *auth.Service, by auth.Principal) error {
				n.Expires = time.Now().Add(expires)
				text, t, err := s.AddToken(by, n)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "%s，%s 失效；只显示这一次 | ends then; shown this once:\n", t.Prefix(), t.Expires.Format(time.DateOnly))
				fmt.Fprintln(cmd.OutOrStdout(), text)
				return nil
			})
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&n.Owner, "account", "", "所属账号，必需 | account that it acts for, required")
	cmd.Flags().StringVar(&n.Name, "name", "", "用途，必需 | what it is for, required")
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "权限，可多次，必需 | permission, any number, required")
	cmd.Flags().Var(durationValue{&expires}, "expires", "多久后失效，最长 365d，必需 | ends after so long, at most 365d, required")
	departmentsFlag(cmd, &n.Departments)
	return cmd
}

func newTokenList() *cobra.Command {
	var path, account, format string
	cmd := &cobra.Command{
		Use:     "list --config FILE [--account NAME] [--format text|json]",
		Short:   "列出令牌 — list the tokens",
		Example: `  yunjian token list --config yunjian.yaml --account li`,
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
			all, err := s.Tokens(by, account)
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(cmd.OutOrStdout(), append([]auth.APIToken{}, all...))
			}
			if len(all) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "没有令牌 | no tokens")
				return nil
			}
			day := func(t time.Time) string {
				if t.IsZero() {
					return "-"
				}
				return t.In(cfg.Location).Format(time.DateOnly)
			}
			table := [][]string{{"令牌 token", "账号 account", "用途 name", "权限 scopes", "部门 departments", "状态 state", "失效 ends", "上次使用 last used"}}
			for _, t := range all {
				state := "active"
				switch {
				case t.Revoked:
					state = "revoked"
				case !time.Now().Before(t.Expires):
					state = "expired"
				}
				var scopes []string
				for _, p := range t.Scopes {
					scopes = append(scopes, p.String())
				}
				table = append(table, []string{t.Prefix(), t.Owner, t.Name, strings.Join(scopes, " "), dash(strings.Join(t.Departments, " ")), state, day(t.Expires), day(t.LastUsed)})
			}
			printTable(cmd.OutOrStdout(), table)
			return nil
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&account, "account", "", "只列该账号的 | of this account only")
	cmd.Flags().StringVar(&format, "format", "text", "输出格式 | form of the output: text, json")
	choices(cmd, "format", "text", "json")
	return cmd
}

func newTokenRevoke() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "revoke TOKEN --config FILE",
		Short:   "吊销令牌，以其前缀指明 — revoke a token, by its prefix",
		Example: `  yunjian token revoke yjt_0123456789ab --config yunjian.yaml`,
		Args:    oneArg("the prefix of a token"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAuth(cmd, path, func(s *auth.Service, by auth.Principal) error {
				if err := s.RevokeToken(by, args[0]); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "已吊销 revoked: %s\n", args[0])
				return nil
			})
		},
	}
	configFlag(cmd, &path)
	return cmd
}
