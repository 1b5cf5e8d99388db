package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// checkAttempts is how often check tries each call: a person waits for it, and
// the next check is only a key away.
const checkAttempts = 3

func newCheck(g *globals) *cobra.Command {
	var offline, restores bool
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check the policy file, the way to each site, and the permissions there",
		Long: `check reads the policy file and says all that is wrong with it, with line and
column. Then it reaches each site and tries every permission that holdfast needs
there, without changing anything: the calls that write name things that do not
exist. Last it reads what is there and says which troubles are on their way: keys
that are disabled or will be deleted, quotas that policies will hit, copies that
cannot be made.

Exit codes: 0 all is well; 2 the file is wrong; 3 some sites cannot be reached,
some permissions are missing, or some copies cannot be made; 1 no site can be
reached.`,
		Example: `  holdfast check
  holdfast check --offline prod.yaml
  holdfast check --restores`,
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
				a := newApp(f, session.Options{EndpointURL: g.endpoint, Version: version, Attempts: checkAttempts}, wallClock{})
				res.Sites = checkSites(cmd.Context(), a, f, restores)
				res.Foretold = foretold(cmd.Context(), a)
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
	cmd.Flags().BoolVar(&restores, "restores", false, "also try the permissions that only restores need")
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
	// Foretold are troubles on their way, and copies that cannot be made.
	Foretold []plan.Verdict `json:"foretold,omitempty"`
}

type siteCheck struct {
	Site        string       `json:"site"`
	Account     string       `json:"account,omitempty"`
	Region      string       `json:"region,omitempty"`
	Vault       string       `json:"vault,omitempty"`
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
	Remedy     string `json:"remedy,omitempty"`
}

func (r checkResult) code() int {
	failed, missing := 0, slices.ContainsFunc(r.Foretold, aboutCopies)
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

// foretold reads the sites and says which troubles are on their way: keys that are
// of no use, quotas that policies will hit, copies that cannot be made.
func foretold(ctx context.Context, a *app) []plan.Verdict {
	p := plan.Build(time.Now().UTC(), a.file, a.engine.Observe(ctx), a.engine.Limits)
	return append(p.Foretold, refusedCopies(p)...)
}

// refusedCopies gives the verdicts that say why copies are not made, and why what a
// restore replaced is not deleted.
func refusedCopies(p plan.Plan) []plan.Verdict {
	return slices.DeleteFunc(slices.Clone(p.Refused), func(v plan.Verdict) bool {
		return !aboutCopies(v) && v.Reason.Code != plan.QuotaFull && v.Reason.Code != plan.NotRetired
	})
}

func checkSites(ctx context.Context, a *app, f policy.File, restores bool) []siteCheck {
	var out []siteCheck
	for _, site := range f.Sites {
		if site.Vault != "" {
			out = append(out, siteCheck{Site: site.Name, Vault: site.Vault, Permissions: storeChecks(ctx, a, site.Site, copying(f), restores)})
			continue
		}
		out = append(out, checkSite(ctx, a, site, copying(f), restores))
	}
	return out
}

// copying reports whether a policy of the file copies. Without one the permissions
// that only copies need are not missed.
func copying(f policy.File) bool {
	return slices.ContainsFunc(f.Policies, func(p policy.Policy) bool { return len(p.Copies) > 0 })
}

func checkSite(ctx context.Context, a *app, site policy.Site, copies, restores bool) siteCheck {
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
	if copies {
		res.Permissions = keyChecks(ctx, a, site, confirmed)
	}
	res.Permissions = append(res.Permissions, storeChecks(ctx, a, confirmed, copies, restores)...)
	res.Permissions = append(res.Permissions, dataChecks(ctx, a, confirmed)...)
	return res
}

// storeChecks tries what the stores need at a site.
func storeChecks(ctx context.Context, a *app, at dr.Site, copies, restores bool) []grantCheck {
	var out []grantCheck
	for _, s := range a.engine.WantedAt(at) {
		for _, grant := range s.Grants(ctx, at) {
			if grant.Copies && !copies || grant.Restores && !restores {
				continue
			}
			g := grantCheck{Permission: grant.Permission, Needed: grant.Needed, Granted: grant.Err == nil}
			if grant.Err != nil {
				g.Error = grant.Err.Error()
				if at.Vault != "" { // There is no role in which to look it up.
					g.Remedy = store.Remedy(grant.Err)
				}
			}
			out = append(out, g)
		}
	}
	return out
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
	printVerdicts(w, "Foretold", res.Foretold)
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
	if s.Vault != "" {
		fmt.Fprintf(w, "\nSite %s: vault %s\n", s.Site, s.Vault)
	} else {
		fmt.Fprintf(w, "\nSite %s: account %s, %s, as %s\n", s.Site, s.Account, s.Region, s.Identity)
	}
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
			if p.Remedy != "" {
				fmt.Fprintf(w, "      %s\n", p.Remedy)
			}
		}
	}
}
