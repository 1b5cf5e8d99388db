package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func newSandbox(g *globals) *cobra.Command {
	var listen, seed string
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve a simulated AWS on this machine",
		Long: `sandbox serves a simulated AWS that speaks the real wire protocols of STS,
RDS (with Aurora), EC2, Redshift, Redshift Serverless and ElastiCache, for trying
things out with holdfast, the aws command line or your own tests. It holds
everything in memory and forgets it at the end.

The access key "test" is account 111111111111; an access key of 12 digits is the
account of that number; any secret will do. POST /_sandbox/advance?by=24h lets
time pass, /_sandbox/calls lists the calls, POST /_sandbox/faults breaks things.`,
		Example: `  holdfast sandbox --seed small &
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1
  aws --endpoint-url http://127.0.0.1:4566 rds describe-db-instances
  holdfast plan --endpoint-url http://127.0.0.1:4566`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.serveSandbox(cmd.Context(), listen, seed)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:4566", "address to serve on; port 0 takes any free one")
	cmd.Flags().StringVar(&seed, "seed", "", "what to start with: small, large or a seed `FILE` (default: nothing)")
	return cmd
}

func (g *globals) serveSandbox(ctx context.Context, listen, seed string) error {
	cloud := sandbox.New(sandbox.Options{})
	if err := plant(cloud, seed); err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("serve the sandbox on %s: %w", listen, err)
	}
	srv := &http.Server{Handler: cloud, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }() // Ends when srv is closed below.
	fmt.Fprintf(g.out, "Simulated AWS on http://%s\n", l.Addr())
	select {
	case err = <-failed:
	case <-ctx.Done():
		err = srv.Close()
		<-failed //nolint:errcheck // It says that it was closed.
	}
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the sandbox on %s: %w", listen, err)
	}
	return nil
}

// plant fills a sandbox from a seed: a built-in one or a file.
func plant(cloud *sandbox.AWS, name string) error {
	if name == "" {
		return nil
	}
	if name == "small" || name == "large" {
		seed, err := sandbox.Builtin(name)
		if err != nil {
			return fmt.Errorf("built-in seed %s: %w", name, err)
		}
		return cloud.Seed(seed)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("--seed wants small, large or a file: %w", err)
	}
	seed, err := sandbox.ParseSeed(name, data)
	if err != nil {
		return err
	}
	return cloud.Seed(seed)
}
