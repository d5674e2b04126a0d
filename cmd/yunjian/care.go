package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"yunjian/internal/config"
	"yunjian/internal/control"
	"yunjian/internal/history"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
)

// keeper cares for a data folder: itself where nobody holds the folder, else
// through the daemon that does.
type keeper struct {
	cfg    config.Config
	daemon *control.Client // nil: data is ours
	data   *pipeline.Data
}

// openKeeper reads the configuration named by --config and finds who is to do
// the work.
func openKeeper(cmd *cobra.Command, path string) (keeper, error) {
	cfg, err := loadConfig(cmd, path)
	if err != nil {
		return keeper{}, err
	}
	k := keeper{cfg: cfg}
	var asked error
	// Again after waiting for the folder in vain: a daemon may have come up.
	for range 2 {
		if k.daemon, asked = control.Dial(cmd.Context(), cfg.DataDir); asked == nil {
			return k, nil
		}
		if err := pipeline.Present(cfg.DataDir); err != nil {
			return k, err
		}
		if k.data, err = openFolder(cmd.Context(), cfg); err == nil {
			return k, nil
		}
		if !errors.Is(err, pipeline.ErrHeld) {
			break
		}
	}
	return k, notAsked(cfg.DataDir, asked, err)
}

// notAsked says why the folder could neither be opened nor its daemon be asked.
func notAsked(dir string, asked, err error) error {
	socket := filepath.Join(dir, control.SocketName)
	switch {
	case errors.Is(asked, fs.ErrPermission):
		return fmt.Errorf("%w; nor may this account ask a daemon through %s: run the command as the account that the daemon runs as, such as `runuser -u yunjian -- yunjian …`", err, socket)
	case !errors.Is(err, pipeline.ErrHeld):
		return err
	case errors.Is(asked, fs.ErrNotExist):
		return fmt.Errorf("%w (there is no %s: it is a command, or a daemon whose log says why it has none)", err, socket)
	default:
		return fmt.Errorf("%w (nobody answers at %s: %w)", err, socket, asked)
	}
}

func (k keeper) close() {
	if k.data != nil {
		k.data.Close()
	}
}

func (k keeper) backup(ctx context.Context, w io.Writer) error {
	if k.daemon != nil {
		return k.daemon.Backup(ctx, w)
	}
	return k.data.Backup(ctx, w, time.Now())
}

func (k keeper) check(ctx context.Context, report func(history.Damage)) error {
	if k.daemon != nil {
		return k.daemon.Check(ctx, report)
	}
	return k.data.Check(ctx, report)
}

func (k keeper) compact(ctx context.Context, step func(string)) (pipeline.Compacted, error) {
	if k.daemon != nil {
		return k.daemon.Compact(ctx, step)
	}
	return k.data.Compact(ctx, time.Now(), k.cfg.Retention.Raw, k.cfg.Location, step)
}

func (k keeper) verifyJournal(ctx context.Context, witnessed ...journal.Head) (journal.Verified, error) {
	if k.daemon != nil {
		return k.daemon.VerifyJournal(ctx, witnessed...)
	}
	return k.data.State.VerifyJournal(ctx, witnessed...)
}

func (k keeper) exportJournal(ctx context.Context, f journal.Filter, do func(journal.Entry) error) (journal.Head, error) {
	if k.daemon != nil {
		return k.daemon.ExportJournal(ctx, f, do)
	}
	return k.data.ExportJournal(ctx, f, do)
}

func (k keeper) stats(ctx context.Context) (history.Stats, error) {
	if k.daemon != nil {
		return k.daemon.Stats(ctx)
	}
	return k.data.History.Stats(ctx)
}
