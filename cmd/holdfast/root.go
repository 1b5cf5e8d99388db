package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// streams are what a command reads from and writes to.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// terminal reports whether standard output is one.
func (s streams) terminal() bool {
	f, ok := s.out.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	return term.IsTerminal(int(f.Fd()))
}

// globals are the flags that every command knows.
type globals struct {
	streams
	config   string
	endpoint string
	logLevel string
	json     bool
	// sites, namespace and dialects stand in for a policy file.
	sites     []string
	namespace string
	dialects  []string
	// given tells whether a flag stood on the command line.
	given func(flag string) bool
}

// run is the whole program: it gives the exit code.
func run(ctx context.Context, args []string, s streams) int {
	g := &globals{streams: s}
	root := newRoot(g) //nolint:contextcheck // Commands get their context from cobra.
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	cmd, err := root.ExecuteContextC(ctx)
	if isUsage(err) {
		// A flag that is wrong hides those after it.
		g.json = g.json || slices.Contains(args, "--json")
		err = &exitError{code: exitUsage, err: err, remedy: usageRemedy(cmd, args)}
	}
	return exitCode(err, g.json, s.err)
}

// isUsage reports whether an error is cobra's own complaint about the command
// line; it has no type for that.
func isUsage(err error) bool {
	var coded *exitError
	if err == nil || errors.As(err, &coded) {
		return false
	}
	for _, prefix := range []string{"unknown command", "unknown flag", "unknown shorthand", "flag needs", "invalid argument", "accepts ", "requires ", "required flag", "bad flag", "if any flags"} {
		if strings.HasPrefix(err.Error(), prefix) {
			return true
		}
	}
	return false
}

// usageRemedy says how the command is used, or which one may have been meant.
func usageRemedy(cmd *cobra.Command, args []string) string {
	if !cmd.HasParent() && len(args) > 0 {
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			return "did you mean `holdfast " + near[0] + "`?"
		}
		return "`holdfast --help` lists the commands"
	}
	return "usage: " + cmd.UseLine() + "; see `" + cmd.CommandPath() + " --help`"
}

func newRoot(g *globals) *cobra.Command {
	root := &cobra.Command{
		Use:   "holdfast",
		Short: "Keep data stores recoverable",
		Long: `holdfast takes snapshots of your data stores by policy, expires them, and shows
what could be lost if a store were lost now. All it knows is written in the tags
of the snapshots themselves: there is no database to run, and any run can be
repeated at any time.`,
		Example: `  holdfast demo                 watch it work on a simulated AWS, no account needed
  holdfast init                 write a policy file to start from
  holdfast check                is the file right, can each site be reached
  holdfast plan                 what would be done, and why
  holdfast run --wait           do it, and wait until the snapshots are available
  holdfast status               what is protected, how old is the newest snapshot`,
		SilenceErrors: true,
		// The suggestions of cobra are paragraphs; usageRemedy makes a line of them.
		DisableSuggestions:         true,
		SuggestionsMinimumDistance: 2,
		SilenceUsage:               true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if err := g.checkEndpoint(); err != nil {
				return err
			}
			return g.setLogger()
		},
	}
	flags := root.PersistentFlags()
	g.given = flags.Changed
	flags.StringVarP(&g.config, "config", "c", envOr("HOLDFAST_CONFIG", "holdfast.yaml"), "policy file")
	flags.StringVar(&g.endpoint, "endpoint-url", "", "send every call to this URL instead of AWS (as AWS_ENDPOINT_URL does)")
	flags.StringVar(&g.logLevel, "log-level", "warn", "how much to log on standard error: debug, info, warn or error")
	flags.BoolVar(&g.json, "json", false, "write JSON instead of text")
	flags.StringSliceVar(&g.sites, "sites", nil, "work without a policy file at these sites, by the tags of resources alone: REGION, or NAME=ACCOUNT/REGION/ROLE")
	flags.StringVar(&g.namespace, "namespace", "default", "with --sites: the namespace of this installation")
	flags.StringSliceVar(&g.dialects, "dialect", nil, "with --sites: read the tags of another tool as policies: "+dialectNames())
	root.AddCommand(
		newInit(g), newCheck(g), newPlan(g), newRun(g), newStatus(g),
		newSnapshots(g), newSnapshot(g), newKeep(g), newRelease(g), newAdopt(g), newRestore(g),
		newVerify(g), newInspect(g), newDemo(g), newSandbox(g), newVersion(g),
	)
	return root
}

func envOr(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}

// checkEndpoint refuses what is no URL at once; the SDK would try it for long.
func (g *globals) checkEndpoint() error {
	if g.endpoint == "" {
		return nil
	}
	u, err := url.Parse(g.endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return usagef("--endpoint-url %q: want a URL such as http://127.0.0.1:4566", g.endpoint)
	}
	return nil
}

func (g *globals) setLogger() error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(g.logLevel)); err != nil {
		return usagef("--log-level %q: want debug, info, warn or error", g.logLevel)
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(g.err, &slog.HandlerOptions{Level: level})))
	return nil
}
