package main

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// siteWord is one site of --sites: "us-east-1", "prod=us-east-1",
// "dr=222222222222/us-west-2", "dr=222222222222/us-west-2/role".
var siteWord = regexp.MustCompile(`^(?:([a-z0-9][a-z0-9-]{0,39})=)?(?:(\d{12})/)?([a-z]{2}(?:-[a-z]+)+-\d)(?:/([A-Za-z0-9_+=,.@-]+))?$`)

func dialectNames() string {
	var names []string
	for _, d := range policy.Dialects() {
		names = append(names, string(d))
	}
	return strings.Join(names, ", ")
}

// fileOfFlags makes what a policy file would say from --sites and its company:
// the policies are then all in the tags of the resources.
func (g *globals) fileOfFlags() (policy.File, error) {
	f := policy.File{Namespace: g.namespace}
	for _, word := range g.sites {
		m := siteWord.FindStringSubmatch(word)
		if m == nil {
			return f, usagef("--sites %q: want a Region such as us-east-1, or NAME=ACCOUNT/REGION, or NAME=ACCOUNT/REGION/ROLE", word)
		}
		site := policy.Site{Site: dr.Site{Name: cmp.Or(m[1], m[3]), Account: m[2], Region: m[3]}, Role: m[4]}
		if site.Role != "" && site.Account == "" {
			return f, usagef("--sites %q: a role by name needs an account", word)
		}
		if _, twice := f.Site(site.Name); twice {
			return f, usagef("--sites: site %s is there twice", site.Name)
		}
		f.Sites = append(f.Sites, site)
	}
	for _, word := range g.dialects {
		d := policy.Dialect(strings.TrimSpace(word))
		if !slices.Contains(policy.Dialects(), d) {
			return f, usagef("--dialect %q: want one of %s", word, dialectNames())
		}
		f.Dialects = append(f.Dialects, d)
	}
	return f, nil
}

// checkFlags refuses flags that contradict each other: a policy file says itself
// what --sites and its company would.
func (g *globals) checkFlags() error {
	if len(g.sites) > 0 && g.given("config") {
		return usagef("--config and --sites contradict each other: a policy file names its own sites")
	}
	for _, flag := range []string{"namespace", "dialect"} {
		if len(g.sites) == 0 && g.given(flag) {
			return usagef("--%s goes with --sites; a policy file says its own", flag)
		}
	}
	return nil
}
