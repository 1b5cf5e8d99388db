package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/policy"
)

func newInit(g *globals) *cobra.Command {
	var toStdout bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a commented policy file to start from",
		Long: `init writes a policy file with one site and one policy, and the rest of the
language in comments. It never writes over a file that is there.`,
		Example: `  holdfast init
  holdfast init --config prod.yaml
  holdfast init --stdout`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if toStdout {
				_, err := g.out.Write(policy.Example())
				return err
			}
			if err := writeNew(g.config, policy.Example()); err != nil {
				return err
			}
			fmt.Fprintf(g.out, "Wrote %s. Put in your account, Region and databases, then run:\n  holdfast check\n  holdfast plan\n", g.config)
			return nil
		},
	}
	cmd.Flags().BoolVar(&toStdout, "stdout", false, "write to standard output")
	return cmd
}

// writeNew writes a file that is not there yet.
func writeNew(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // A policy file is no secret, and the user names it.
	if errors.Is(err, fs.ErrExist) {
		return usagef("%s is there already and is left as it is; name another file with --config", name)
	}
	if err != nil {
		return fmt.Errorf("write the policy file: %w", err)
	}
	if _, err := f.Write(data); err != nil {
		_ = f.Close() // The first error counts.
		return fmt.Errorf("write the policy file: %w", err)
	}
	return f.Close()
}

func newVersion(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: `  holdfast version`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if g.json {
				return writeJSON(g.out, map[string]string{"version": version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
			}
			_, err := fmt.Fprintf(g.out, "holdfast %s (%s %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
