package control

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Files are those that a command is told to read and write: of the machine's disk
// as the process that was called sees it, or, where the daemon runs the command,
// as the client does.
type Files interface {
	// ReadFile reads a file; what is larger than most bytes is cut one byte beyond.
	ReadFile(path string, most int64) ([]byte, error)
	// WriteFile writes a file that is whole or not there, in place of one that is.
	WriteFile(path string, text []byte) error
	// IsFile reports whether there is a regular file.
	IsFile(path string) bool
}

// Disk is the files as this process sees them.
type Disk struct{}

// ReadFile reads a file; what is larger than most bytes is cut one byte beyond.
func (Disk) ReadFile(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}

// WriteFile writes a file through a temporary one beside it, so that a reader
// never sees half of it.
func (Disk) WriteFile(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".yunjian-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(text); err != nil {
		tmp.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := tmp.Chmod(0o640); err != nil {
		tmp.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := tmp.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(tmp.Name(), path)
}

// IsFile reports whether there is a regular file.
func (Disk) IsFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
