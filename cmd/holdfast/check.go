package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// checkAttempts is how often check tries each call: a person waits for it, and
// the next check is only a key away.
const checkAttempts = 3

func newCheck(g *globals) *cobra.Command {
	var offline bool
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check the policy file, the way to each site, and the permissions there",
		Long: `check reads the policy file and says all that is wrong with it, with line and
column. Then it reaches each site and tries every permission that holdfast needs
there, without changing anything: the calls that write name things that do not
exist.

Exit codes: 0 all is well; 2 the file is wrong; 3 some sites cannot be reached or
some permissions are missing; 1 no site can be reached.`,
		Example: `  holdfast check
  holdfast check --offline prod.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				g.config = args[0]
			}
			f, warnings, err := g.load()
			if err != nil {
				return g.badFile(err)
			}
			res := checkResult{File: g.config, Valid: true, Warnings: append(texts(warnings), notYet(f)...)}
			if !offline {
				res.Sites = g.checkSites(cmd.Context(), f)
			}
			if g.json {
				if err := writeJSON(g.out, res); err != nil {
					return err
				}
			} else {
				printCheck(g.out, f, res, offline)
			}
			return silently(res.code())
		},
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "only look at the file")
	return cmd
}

// badFile lists what is wrong with a policy file. As JSON it is the result of
// the command, not an error of it.
func (g *globals) badFile(err error) error {
	var problems *policy.Errors
	if !g.json || !errors.As(err, &problems) {
		return err
	}
	out := badFile{File: g.config, Problems: []problemJSON{}}
	for _, p := range problems.Problems {
		out.Problems = append(out.Problems, problemJSON(p))
	}
	if err := writeJSON(g.out, out); err != nil {
		return err
	}
	return silently(exitUsage)
}

type badFile struct {
	File     string        `json:"file"`
	Valid    bool          `json:"valid"`
	Problems []problemJSON `json:"problems"`
}

// problemJSON is the JSON form of a policy.Problem.
type problemJSON struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func texts(warnings []policy.Warning) []string {
	out := make([]string, 0, len(warnings))
	for _, w := range warnings {
		out = append(out, w.String())
	}
	return out
}

type checkResult struct {
	File     string      `json:"file"`
	Valid    bool        `json:"valid"`
	Warnings []string    `json:"warnings"`
	Sites    []siteCheck `json:"sites,omitempty"`
}

type siteCheck struct {
	Site        string       `json:"site"`
	Account     string       `json:"account,omitempty"`
	Region      string       `json:"region,omitempty"`
	Identity    string       `json:"identity,omitempty"`
	Error       string       `json:"error,omitempty"`
	Remedy      string       `json:"remedy,omitempty"`
	Permissions []grantCheck `json:"permissions,omitempty"`
}

type grantCheck struct {
	Permission string `json:"permission"`
	Needed     string `json:"needed"`
	Granted    bool   `json:"granted"`
	Error      string `json:"error,omitempty"`
}

func (r checkResult) code() int {
	failed, missing := 0, false
	for _, s := range r.Sites {
		if s.Error != "" {
			failed++
		}
		for _, p := range s.Permissions {
			missing = missing || !p.Granted
		}
	}
	switch {
	case failed > 0 && failed == len(r.Sites):
		return exitFailed
	case failed > 0 || missing:
		return exitPart
	default:
		return exitFine
	}
}

func (g *globals) checkSites(ctx context.Context, f policy.File) []siteCheck {
	a := newApp(f, session.Options{EndpointURL: g.endpoint, Version: version, Attempts: checkAttempts}, wallClock{})
	var out []siteCheck
	for _, site := range f.Sites {
		if site.Vault == "" {
			out = append(out, checkSite(ctx, a, site))
		}
	}
	return out
}

func checkSite(ctx context.Context, a *app, site policy.Site) siteCheck {
	res := siteCheck{Site: site.Name, Account: site.Account, Region: site.Region}
	confirmed, err := a.sessions.Confirm(ctx, site.Site)
	if err != nil {
		res.Error, res.Remedy = err.Error(), store.Remedy(err)
		return res
	}
	res.Account = confirmed.Account
	if id, err := a.sessions.Identity(ctx, confirmed); err == nil {
		res.Identity = id.ARN
	}
	for _, s := range a.engine.Wanted() {
		for _, grant := range s.Grants(ctx, confirmed) {
			g := grantCheck{Permission: grant.Permission, Needed: grant.Needed, Granted: grant.Err == nil}
			if grant.Err != nil {
				g.Error = grant.Err.Error()
			}
			res.Permissions = append(res.Permissions, g)
		}
	}
	return res
}

func printCheck(w io.Writer, f policy.File, res checkResult, offline bool) {
	fmt.Fprintf(w, "%s: valid; namespace %s, %s, %s\n", res.File, f.Namespace,
		number(len(f.Sites), "site", "sites"), number(len(f.Policies), "policy", "policies"))
	for _, warning := range res.Warnings {
		fmt.Fprintf(w, "  warning: %s\n", warning)
	}
	for _, s := range res.Sites {
		printSite(w, s)
	}
	if offline {
		fmt.Fprintln(w, "Sites were not tried (--offline).")
	}
}

func printSite(w io.Writer, s siteCheck) {
	if s.Error != "" {
		fmt.Fprintf(w, "\nSite %s: NOT REACHED\n  %s\n", s.Site, s.Error)
		if s.Remedy != "" {
			fmt.Fprintf(w, "    → %s\n", s.Remedy)
		}
		return
	}
	fmt.Fprintf(w, "\nSite %s: account %s, %s, as %s\n", s.Site, s.Account, s.Region, s.Identity)
	var rows [][]string
	for _, p := range s.Permissions {
		state := "granted"
		if !p.Granted {
			state = "MISSING"
		}
		rows = append(rows, []string{p.Permission, state, p.Needed})
	}
	table(w, rows)
	for _, p := range s.Permissions {
		if !p.Granted {
			fmt.Fprintf(w, "    → %s\n", p.Error)
		}
	}
}
