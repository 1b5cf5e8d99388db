package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store/all"
)

// maxDeleteFlag reads --max-delete: a number, or a share such as 80%.
type maxDeleteFlag struct{ plan.MaxDelete }

func (f *maxDeleteFlag) register(cmd *cobra.Command) {
	cmd.Flags().Var(f, "max-delete", "delete at most so many `N|N%` good snapshots of a kind at a site, or none of them there (default 50%)")
}

// String gives the value as it would be written.
func (f *maxDeleteFlag) String() string {
	switch {
	case !f.IsSet:
		return ""
	case f.Percent > 0:
		return strconv.Itoa(f.Percent) + "%"
	default:
		return strconv.Itoa(f.Count)
	}
}

// Set reads the value.
func (f *maxDeleteFlag) Set(s string) error {
	digits, percent := strings.CutSuffix(s, "%")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || percent && (n == 0 || n > 100) {
		return fmt.Errorf("want a number such as 25, or a share from 1%% to 100%%")
	}
	f.MaxDelete = plan.MaxDelete{IsSet: true}
	if percent {
		f.Percent = n
	} else {
		f.Count = n
	}
	return nil
}

// Type names the value in help texts.
func (f *maxDeleteFlag) Type() string { return "N|N%" }

// limitFlags are the flags that bound what a plan may do.
type limitFlags struct {
	maxDelete maxDeleteFlag
	quota     map[string]int
}

func (f *limitFlags) register(cmd *cobra.Command) {
	f.maxDelete.register(cmd)
	cmd.Flags().StringToIntVar(&f.quota, "quota", nil, "how many manual snapshots of a kind the account may have in a Region, where AWS grants other than its default, as in redshift=50")
}

// planLimits gives what bounds every plan: what AWS grants by default, and how
// snapshots get to other sites.
func planLimits() plan.Limits {
	return plan.Limits{Defaults: all.Defaults(), Routes: all.Routes()}
}

// limits gives the limits of a plan: AWS's defaults, and what was said instead.
func (f *limitFlags) limits() (plan.Limits, error) {
	lim := planLimits()
	lim.MaxDelete, lim.Quota = f.maxDelete.MaxDelete, map[dr.Kind]int{}
	for kind, n := range f.quota {
		if !slices.Contains(all.Kinds(), dr.Kind(kind)) || n < 1 {
			return lim, usagef("--quota %s=%d: want one of the kinds %v and a number from 1 on", kind, n, all.Kinds())
		}
		lim.Quota[dr.Kind(kind)] = n
	}
	return lim, nil
}
