package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/plan"
)

// maxDeleteFlag reads --max-delete: a number, or a share such as 80%.
type maxDeleteFlag struct{ plan.MaxDelete }

func (f *maxDeleteFlag) register(cmd *cobra.Command) {
	cmd.Flags().Var(f, "max-delete", "delete at most so many `N|N%` good snapshots of a kind at a site, or none of them there (default 50%)")
}

func (f *maxDeleteFlag) limits() plan.Limits { return plan.Limits{MaxDelete: f.MaxDelete} }

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
