package plan_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// now is a Friday, in the slot of 14:00.
func at(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return t
}

var (
	now  = at("2026-11-20 14:03")
	prod = dr.Site{Name: "prod", Account: "111111111111", Region: "us-east-1"}
	west = dr.Site{Name: "west", Account: "111111111111", Region: "us-west-2"}
)

const header = `namespace: test
sites:
  prod: {account: "111111111111", region: us-east-1}
  west: {account: "111111111111", region: us-west-2}
policies:
`

// failer is what a test, a benchmark and a property have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func parse(t failer, policies string) policy.File {
	t.Helper()
	f, _, err := policy.Parse("test.yaml", []byte(header+policies), policy.Options{Kinds: []dr.Kind{"rds"}})
	if err != nil {
		t.Fatalf("policy file of the test: %v", err)
	}
	return f
}

const gold = `
  gold:
    match: {tags: {backup: gold}}
    every: 1h
    keep: {within: 6h, daily: 3, floor: 2}
    objective: {rpo: 2h}
`

func db(site dr.Site, id string, state dr.Readiness, status string) dr.Resource {
	return dr.Resource{
		Ref: dr.Ref{Kind: "rds", Site: site, ID: id}, Name: id, State: state, Status: status,
		Tags:   dr.Tags{"backup": "gold", "aws:cloudformation:stack": "x", "team": "shop", "holdfast:policy": "gold"},
		Config: dr.NewConfig(map[string]string{"class": "db.r6g.large"}), NameLimit: 255,
	}
}

func ready(id string) dr.Resource { return db(prod, id, dr.Ready, "available") }

// snap makes a snapshot of ours, taken some seconds into its slot.
func snap(site dr.Site, of, policyName, slot string, state dr.Condition) dr.Snapshot {
	c := dr.Claim{Owner: "test", Policy: policyName, Slot: at(slot), Source: dr.Ref{Kind: "rds", Site: site, ID: of}.Source()}
	return dr.Snapshot{
		Ref: dr.Ref{Kind: "rds", Site: site, ID: dr.SnapshotName(c, of, 0, 255)}, Of: dr.Ref{Kind: "rds", Site: site, ID: of},
		Taken: c.Slot.Add(40 * time.Second), State: state, Status: string(state), Claim: c,
	}
}

// show prints a plan as the golden files hold it: every line with its reason.
func show(p plan.Plan) string {
	var b strings.Builder
	short := func(name string) string {
		if i := strings.LastIndex(name, "z-"); i > 0 {
			return name[:i+1]
		}
		return name
	}
	for _, a := range p.Actions {
		fmt.Fprintf(&b, "%-8s %s at %s: %s\n", a.Verb, short(a.Name), a.To.Name, a.Reason)
	}
	for _, list := range []struct {
		title string
		all   []plan.Verdict
	}{{"kept", p.Kept}, {"foretold", p.Foretold}, {"waiting", p.Waiting}, {"refused", p.Refused}, {"breach", p.Breaches}} {
		for _, v := range list.all {
			fmt.Fprintf(&b, "%-8s %s at %s: %s\n", list.title, short(v.Name), v.Ref.Site.Name, v.Reason)
			if v.Remedy != "" {
				fmt.Fprintf(&b, "         → %s\n", v.Remedy)
			}
		}
	}
	for _, g := range p.Gaps {
		fmt.Fprintf(&b, "gap      %s at %s: %s\n", g.Scope.Kind, g.Scope.Site.Name, g.Error)
	}
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}
