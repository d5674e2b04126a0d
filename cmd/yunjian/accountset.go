package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"yunjian/internal/auth"
)

func newAccountRoles() *cobra.Command {
	var path string
	var roles, departments []string
	cmd := &cobra.Command{
		Use:   "roles NAME --config FILE --role ROLE… [--department NAME]…",
		Short: "授予角色与部门，替换原有的 — give roles and departments in place of those held",
		Long: `授予角色与部门，替换原有的；立即生效。不带 --role 则收回全部角色。

Gives roles and departments in place of those held, at once. Without --role all roles
are taken away.`,
		Example: `  yunjian account roles zhang --config yunjian.yaml --role dept --department 财政局,民政局`,
		Args:    oneArg("an account name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			held, err := toRoles(roles)
			if err != nil {
				return err
			}
			return withAuth(cmd, path, func(s *auth.Service, by auth.Principal) error {
				if err := s.SetRoles(by, args[0], held, departments); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "已授予 given: %s %v %v\n", args[0], held, departments)
				return nil
			})
		},
	}
	configFlag(cmd, &path)
	rolesFlag(cmd, &roles)
	departmentsFlag(cmd, &departments)
	return cmd
}

func newAccountPasswd() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "passwd NAME --config FILE",
		Short: "重置口令 — reset a password",
		Long: `询问新口令并重置；本人下次登录时必须更换，已有会话随即结束，锁定解除。

Asks for a new password and sets it. Its holder must change it at the next sign-in;
sessions end, and a lock is lifted.`,
		Example: `  yunjian account passwd zhang --config yunjian.yaml
  yunjian account passwd zhang --config yunjian.yaml < password.txt`,
		Args: oneArg("an account name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAuth(cmd, path, func(s *auth.Service, by auth.Principal) error {
				password, err := newPrompter(cmd).password(args[0])
				if err == nil {
					err = s.ResetPassword(by, args[0], password)
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "已重置 reset: %s\n", args[0])
				return nil
			})
		},
	}
	configFlag(cmd, &path)
	return cmd
}

func newAccountDisable() *cobra.Command {
	var path string
	var undo bool
	cmd := &cobra.Command{
		Use:   "disable NAME --config FILE [--undo]",
		Short: "停用账号，或以 --undo 恢复 — disable an account, or enable it again",
		Long: `停用账号：会话随即结束，令牌不再有效；记录保留。--undo 恢复使用。

Disables an account: its sessions end and its tokens no longer count; what it did
stays on record. --undo allows its use again.`,
		Example: `  yunjian account disable zhang --config yunjian.yaml
  yunjian account disable zhang --config yunjian.yaml --undo`,
		Args: oneArg("an account name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAuth(cmd, path, func(s *auth.Service, by auth.Principal) error {
				do, said := s.Disable, "已停用 disabled"
				if undo {
					do, said = s.Enable, "已恢复 enabled"
				}
				if err := do(by, args[0]); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", said, args[0])
				return nil
			})
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&undo, "undo", false, "恢复使用 | enable it again")
	return cmd
}

func newAccountUnlock() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "unlock NAME --config FILE",
		Short:   "解除登录失败造成的锁定 — lift the lock that failed sign-ins led to",
		Example: `  yunjian account unlock zhang --config yunjian.yaml`,
		Args:    oneArg("an account name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAuth(cmd, path, func(s *auth.Service, by auth.Principal) error {
				if err := s.Unlock(by, args[0]); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "已解锁 unlocked: %s\n", args[0])
				return nil
			})
		},
	}
	configFlag(cmd, &path)
	return cmd
}

func newAccountTOTP() *cobra.Command {
	var path string
	var remove bool
	cmd := &cobra.Command{
		Use:   "totp NAME --config FILE [--remove]",
		Short: "启用动态口令，或以 --remove 取消 — set up one-time codes, or take them away",
		Long: `显示密钥与 otpauth 地址，供手机上的身份验证器录入（RFC 6238），再询问一个动态口令以确认，
然后显示十个恢复码，各可用一次；密钥与恢复码只显示这一次。--remove 用于设备丢失。

Shows the secret and the otpauth address for an authenticator app (RFC 6238), asks for
a code to confirm it, then shows ten recovery codes that count once each. Secret and
recovery codes are shown this once. --remove is for a lost device.`,
		Example: `  yunjian account totp zhang --config yunjian.yaml
  yunjian account totp zhang --config yunjian.yaml --remove`,
		Args: oneArg("an account name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAuth(cmd, path, func(s *auth.Service, by auth.Principal) error {
				out := cmd.OutOrStdout()
				if remove {
					if err := s.RemoveCodes(by, args[0]); err != nil {
						return err
					}
					fmt.Fprintf(out, "已取消 removed: %s\n", args[0])
					return nil
				}
				shown, err := s.BeginCodes(by, args[0])
				if err != nil {
					return err
				}
				fmt.Fprintf(out, "密钥 secret   %s\n地址 address  %s\n", shown.Secret, shown.URI)
				code, err := newPrompter(cmd).secret("动态口令 code")
				if err != nil {
					return errors.Join(err, errors.New("the codes are not in use: run the command again"))
				}
				recovery, err := s.ConfirmCodes(by, args[0], code)
				if err != nil {
					return err
				}
				fmt.Fprintln(out, "已启用；恢复码，各可用一次，请妥善保存 | in use; recovery codes count once each, keep them safe:")
				for _, r := range recovery {
					fmt.Fprintln(out, "  "+r)
				}
				return nil
			})
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&remove, "remove", false, "取消，用于设备丢失 | take them away, for a lost device")
	return cmd
}
