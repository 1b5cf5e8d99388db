package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsrds "github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// goldTags are what the policies of these tests match.
func goldTags() dr.Tags { return dr.Tags{"backup": "gold"} }

// toFarEvery is a policy for databases whose snapshots go to the far site.
func toFarEvery(every, keep, copies string) string {
	return fmt.Sprintf(toFar+`
  gold:
    match: {kinds: [rds], tags: {backup: gold}}
    every: %s
    keep: {%s}
    copies: [{to: far, keep: {%s}}]
`, every, keep, copies)
}

// keptFor gives what the plan keeps for a reason.
func keptFor(p plan.Plan, code plan.Code) []plan.Verdict {
	var out []plan.Verdict
	for _, v := range p.Kept {
		if v.Reason.Code == code {
			out = append(out, v)
		}
	}
	return out
}

// Copies that take longer than the source keeps what they are made from: that stays
// until they are there, and then goes.
func TestSourceStaysWhileCopied(t *testing.T) {
	slow := sandbox.Options{Durations: sandbox.Durations{RegionCopy: sandbox.Duration{Base: 200 * time.Minute}}}
	bubble(t, slow, func(w *world) {
		w.keyed()
		w.secret("rds", home(), "orders", "", goldTags())
		f := parseAll(w, toFarEvery("1h", "last: 1", "last: 30"))
		held := 0
		for range 12 {
			r := w.clean(w.carrier(f).RunOnce(w.Context()))
			held = max(held, len(keptFor(r.Plan, plan.Needed)))
			c := w.look(f)
			for _, y := range c.copies {
				made := func(x dr.Snapshot) bool { return x.Ref.Origin() == y.Claim.Origin }
				if y.State == dr.Pending && !slices.ContainsFunc(c.originals, made) {
					w.Errorf("%s is being made, and what from is gone", y.Ref)
				}
			}
			w.sleep(time.Hour)
		}
		if held != 3 {
			w.Errorf("up to %d were held for their copies, want 3", held)
		}
		w.must(w.SetDBInstanceStatus(prod, region, "orders", "stopped"))
		w.pass(f, 30)
		w.wantShape(f, "1 originals, 0 on the way, 12 copies")
		w.wantNoShares(f)
	})
}

// The source account is out of reach for a week: copies go on expiring by their own
// retention, down to their floor, and afterwards all goes on.
func TestSourceOutOfReach(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.keyed()
		w.secret("rds", home(), "orders", "alias/aws/rds", goldTags())
		f := parseAll(w, toFarEvery("1d", "last: 5", "within: 3d, floor: 2"))
		for range 6 {
			w.rest(f)
			w.sleep(20 * time.Hour)
		}
		w.rest(f)
		before := w.look(f)
		end := w.blackout(prod, region)
		for day := range 7 {
			r := w.carrier(f).RunOnce(w.Context())
			if len(r.Plan.Gaps) != 1 || r.Plan.Count(plan.Copy)+r.Plan.Count(plan.Withdraw) > 0 {
				w.Errorf("gaps %v, actions %v", r.Plan.Gaps, r.Plan.Actions)
			}
			end()
			c := w.look(f)
			if len(c.copies) < 2 || len(c.originals) != len(before.originals) {
				w.Errorf("after %d days there are %s", day, c)
			}
			end = w.blackout(prod, region)
			w.sleep(24 * time.Hour)
		}
		end()
		if c := w.look(f); len(c.copies) != 2 {
			w.Errorf("after a week there are %s, want the floor of 2 copies", c)
		}
		w.rest(f)
		w.sleep(24 * time.Hour)
		w.rest(f)
		// The floor of before the gap has given way to what is new.
		if c := w.look(f); len(c.copies) != 2 || time.Since(c.copies[0].Claim.Slot) > 24*time.Hour {
			w.Errorf("afterwards there are %s, the newest of %s", c, c.copies[0].Claim.Slot)
		}
		w.wantNoShares(f)
	})
}

// The destination is out of reach for a week: what is not copied stays beyond its
// retention, and the plan says so. Afterwards it is copied and goes.
func TestDestinationOutOfReach(t *testing.T) {
	for _, tc := range []struct {
		name, keep string
		// tooMany says that more is let go at once than half.
		tooMany bool
	}{{"some held", "last: 8", false}, {"most held", "last: 2", true}} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(w *world) {
				w.keyed()
				w.secret("rds", home(), "orders", "", goldTags())
				f := parseAll(w, toFarEvery("1d", tc.keep, "last: 60"))
				days := 0
				for ; days < 9; days++ {
					w.rest(f)
					w.sleep(24 * time.Hour)
				}
				n := len(w.look(f).originals)
				end := w.blackout(second, farRegion)
				for range 7 {
					r := w.carrier(f).RunOnce(w.Context())
					if n += r.Plan.Count(plan.Create); r.Plan.Count(plan.Share) > 0 {
						w.Errorf("actions %v", r.Plan.Actions)
					}
					days++
					w.sleep(24 * time.Hour)
				}
				r := w.carrier(f).RunOnce(w.Context())
				held := keptFor(r.Plan, plan.Needed)
				if len(held) == 0 || !strings.Contains(held[0].Reason.String(), "not yet copied to far") {
					w.Errorf("held %v", held)
				}
				days++
				end()
				w.sleep(10 * time.Minute)
				w.afterGap(f, tc.tooMany)
				w.wantShape(f, fmt.Sprintf("%s originals, 0 on the way, %d copies", strings.TrimPrefix(tc.keep, "last: "), days))
				w.wantNoShares(f)
			})
		})
	}
}

// afterGap lets holdfast come to rest; where what was held is more than half of all,
// a person has to say that it may go.
func (w *world) afterGap(f policy.File, tooMany bool) {
	w.Helper()
	p := w.rest(f)
	if !tooMany {
		if len(p.Refused) > 0 {
			w.Errorf("refused %v", p.Refused)
		}
		return
	}
	w.wantRefused(p, plan.TooMany, "--max-delete")
	last := w.carrier(f)
	last.Limits.MaxDelete = plan.MaxDelete{Percent: 100, IsSet: true}
	w.clean(last.RunOnce(w.Context()))
	w.sleep(time.Minute)
}

// What a person undoes on the way is done again.
func TestUndoneByHand(t *testing.T) {
	type undo func(w *world, c carried)
	for _, tc := range []struct {
		name string
		// after is what there is when the person comes.
		after string
		undo  undo
	}{
		{"the intermediate is deleted", "1 originals, 1 on the way, 0 copies", func(w *world, c carried) { w.discard(c.staged[0]) }},
		{"the share is withdrawn during the copy", "1 originals, 1 on the way, 1 copies (1 pending)", func(w *world, c carried) {
			w.unshare(c.staged[0], second)
		}},
		{"the intermediate is deleted during the copy", "1 originals, 1 on the way, 1 copies (1 pending)", func(w *world, c carried) {
			w.discard(c.staged[0])
		}},
		{"the copy is deleted when it is there", "1 originals, 1 on the way, 1 copies", func(w *world, c carried) { w.discard(c.copies[0]) }},
		{"the copy is deleted when all is over", "1 originals, 0 on the way, 1 copies", func(w *world, c carried) { w.discard(c.copies[0]) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(w *world) {
				w.keyed()
				w.secret("rds", home(), "orders", "alias/aws/rds", goldTags())
				f := parseAll(w, toFarEvery("1d", "last: 3", "daily: 7"))
				for i := 0; w.look(f).String() != tc.after; i++ {
					if i > 100 {
						w.Fatalf("there never were %s", tc.after)
					}
					if w.sleep(time.Minute); i%10 == 0 {
						w.carrier(f).RunOnce(w.Context())
					}
				}
				tc.undo(w, w.look(f))
				w.rest(f)
				w.wantShape(f, "1 originals, 0 on the way, 1 copies")
				w.wantNoShares(f)
			})
		})
	}
}

// A share that is taken back by hand between its call and the copy's holds up that
// run and no longer, be it one that waits.
func TestShareWithdrawnBeforeTheCopy(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.keyed()
		w.secret("rds", home(), "orders", "", goldTags())
		f := parseAll(w, toFarEvery("1d", "last: 3", "daily: 7"))
		p := w.carrier(f)
		meddled := false
		p.Watch = func(ev engine.Event) {
			if ev.Kind == engine.Ended && ev.Outcome.Action.Verb == plan.Share && !meddled {
				meddled = true
				w.unshare(w.look(f).originals[0], second)
			}
		}
		r := p.RunAndWait(w.Context(), poll)
		if !meddled || len(r.Failed()) > 0 {
			w.Errorf("meddled %t, failed %v", meddled, r.Failed())
		}
		w.sleep(time.Minute)
		w.wantShape(f, "1 originals, 0 on the way, 1 copies")
		w.wantNoShares(f)
	})
}

// A share that is refused ends the wait, and is told once.
func TestShareRefused(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.keyed()
		w.secret("rds", home(), "orders", "", goldTags())
		f := parseAll(w, toFarEvery("1d", "last: 3", "daily: 7"))
		w.SetDenied(prod, "rds:ModifyDBSnapshotAttribute")
		begun := time.Now()
		r := w.carrier(f).RunAndWait(w.Context(), poll)
		if failed := r.Failed(); len(failed) != 1 || store.FaultOf(failed[0].Err) != store.Denied || time.Since(begun) > time.Hour {
			w.Errorf("after %s, failed %v", time.Since(begun), failed)
		}
		w.SetDenied(prod)
		w.rest(f)
		w.wantShape(f, "1 originals, 0 on the way, 1 copies")
	})
}

// Where AWS puts a copy off without end, a run that waits leaves it to the next one,
// and has one outcome for it however often it tried.
func TestPutOffWithoutEnd(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.keyed()
		w.secret("rds", home(), "orders", "", goldTags())
		f := parseAll(w, toFarEvery("1d", "last: 3", "daily: 7"))
		end := w.Inject(sandbox.Fault{Match: sandbox.Match{Action: "CopyDBSnapshot"}, Kind: sandbox.Fail, Code: "SnapshotQuotaExceeded"})
		begun := time.Now()
		r := w.carrier(f).RunAndWait(w.Context(), poll)
		if d := time.Since(begun); d < 10*poll || d > 40*poll {
			w.Errorf("it waited for %s", d)
		}
		if len(r.Failed()) > 0 || len(r.Outcomes) != 3 || len(r.Plan.Actions) != 3 || !strings.Contains(r.Outcomes[2].Left, "deferred") {
			w.Errorf("%d actions, outcomes %+v", len(r.Plan.Actions), r.Outcomes)
		}
		end()
		w.rest(f)
		w.wantShape(f, "1 originals, 0 on the way, 1 copies")
		w.wantNoShares(f)
	})
}

// A snapshot at the destination, or on the way, that has the name and is not ours is
// neither deleted nor claimed: the copy fails with a remedy until somebody acts.
func TestNameTakenByAnother(t *testing.T) {
	for _, kind := range []dr.Kind{"rds", "aurora"} {
		for name, tags := range map[string]func(claim dr.Claim) dr.Tags{
			"no tags":          func(dr.Claim) dr.Tags { return nil },
			"somebody's tags":  func(dr.Claim) dr.Tags { return dr.Tags{"team": "shop"} },
			"another owner":    func(c dr.Claim) dr.Tags { c.Owner = "other"; return c.Tags() },
			"another slot":     func(c dr.Claim) dr.Tags { c.Slot = c.Slot.Add(-time.Hour); return c.Tags() },
			"unreadable marks": func(c dr.Claim) dr.Tags { return dr.Tags{dr.TagOwner: c.Owner} },
		} {
			for _, stage := range []string{"", plan.RekeyStage} {
				if stage != "" && name == "another slot" {
					continue // It says that it is ours and on the way of a copy, and is taken at its word.
				}
				t.Run(fmt.Sprintf("%s %s %q", kind, name, stage), func(t *testing.T) {
					bubble(t, sandbox.Options{}, func(w *world) { w.nameTaken(kind, stage, tags) })
				})
			}
		}
	}
}

func (w *world) nameTaken(kind dr.Kind, stage string, tags func(dr.Claim) dr.Tags) {
	w.Helper()
	w.keyed()
	w.secret(kind, home(), "orders", "alias/aws/rds", goldTags())
	f := parseAll(w, strings.Replace(toFarEvery("1d", "last: 3", "daily: 7"), "rds", string(kind), 1))
	var next plan.Action
	for range 10 {
		p, _ := w.carrier(f).Plan(w.Context())
		if i := slices.IndexFunc(p.Actions, func(a plan.Action) bool { return a.Verb == plan.Copy && a.Claim.Stage == stage }); i >= 0 {
			next = p.Actions[i]
			break
		}
		w.pass(f, 1)
	}
	put := w.alien(kind, next.To, next.Name, tags(next.Claim))
	before := w.theirs(f, put)
	r := w.pass(f, 3)
	if said := trouble(r); len(said) != 1 || !strings.Contains(said[0], "rename or delete it yourself") {
		w.Errorf("it says %q", said)
	}
	if after := w.theirs(f, put); after.Claim != before.Claim || after.State != dr.Good || !after.Taken.Equal(before.Taken) {
		w.Errorf("it was %+v and is %+v", before, after)
	}
	if c := w.look(f); len(c.originals) == 0 {
		w.Errorf("there are %s", c)
	}
	w.must(w.throwAway(before))
	w.rest(f)
	c := w.look(f)
	if mine := len(c.copies) + len(c.staged); mine != 1 {
		w.Errorf("in the end there are %s", c)
	}
}

// theirs finds a snapshot by its name, whosever it is.
func (w *world) theirs(f policy.File, name string) dr.Snapshot {
	w.Helper()
	all := w.view(f).Snapshots
	i := slices.IndexFunc(all, func(s dr.Snapshot) bool { return s.Ref.ID == name })
	if i < 0 {
		w.Fatalf("%s is gone", name)
	}
	return all[i]
}

func (w *world) throwAway(s dr.Snapshot) error {
	client := awsrds.NewFromConfig(w.hands(s.Ref.Site))
	if s.Ref.Kind == "aurora" {
		_, err := client.DeleteDBClusterSnapshot(context.Background(), &awsrds.DeleteDBClusterSnapshotInput{DBClusterSnapshotIdentifier: &s.Ref.ID})
		return err
	}
	_, err := client.DeleteDBSnapshot(context.Background(), &awsrds.DeleteDBSnapshotInput{DBSnapshotIdentifier: &s.Ref.ID})
	return err
}

// Two accounts have databases of one name, and both send to one site.
func TestEqualNamesAtOneDestination(t *testing.T) {
	text := fmt.Sprintf(`namespace: test
sites:
  prod: {account: %q, region: us-east-1, key: alias/way}
  second: {account: %q, region: us-east-1, role: holdfast, key: alias/way}
  far: {account: %q, region: us-west-2, role: holdfast, key: alias/far}
policies:
  gold:
    match: {kinds: [rds], sites: [prod, second], tags: {backup: gold}}
    every: 1d
    keep: {last: 3}
    copies: [{to: far, keep: {daily: 7}}]
`, prod, second, third)
	bubble(t, sandbox.Options{}, func(w *world) {
		var sources []string
		for _, id := range []string{prod, second} {
			site := dr.Site{Name: map[string]string{prod: "prod", second: "second"}[id], Account: id, Region: region}
			_, err := w.PutKey(id, region, sandbox.SeedKey{Name: wayKey, Accounts: []string{third}})
			w.must(err)
			sources = append(sources, w.secret("rds", site, "orders", "alias/aws/rds", goldTags()).Source())
		}
		_, err := w.PutKey(third, farRegion, sandbox.SeedKey{Name: farKey})
		w.must(err)
		f := parseAll(w, text)
		w.rest(f)
		c := w.wantShape(f, "2 originals, 0 on the way, 2 copies")
		w.wantNoShares(f)
		for _, y := range c.copies {
			i := slices.IndexFunc(c.originals, func(x dr.Snapshot) bool { return x.Ref.Origin() == y.Claim.Origin })
			if i < 0 || c.originals[i].Claim.Source != y.Claim.Source || !slices.Contains(sources, y.Claim.Source) {
				w.Errorf("%s is of %s, from %s", y.Ref, y.Claim.Source, y.Claim.Origin)
			}
		}
		if len(c.copies) == 2 && c.copies[0].Claim.Source == c.copies[1].Claim.Source {
			w.Error("both copies are of one source")
		}
	})
}

// ownersOnly is a key policy that lets in nobody but the key's own account.
const ownersOnly = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::%[1]s:root"}, "Action": "kms:*", "Resource": "*"}]}`

// A key of no use stops copies, with a remedy and nothing lost; when it is mended they
// go on.
func TestKeysOfNoUse(t *testing.T) {
	const nobody = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::%[1]s:role/somebody"}, "Action": "kms:*", "Resource": "*"}]}`
	for _, tc := range []struct {
		name           string
		harm, mend     func(w *world) error
		code           plan.Code // of the refusal; empty where the call fails
		foretold       bool
		says, remedies string
	}{
		{
			"destination's disabled",
			func(w *world) error { return w.SetKeyEnabled(second, farRegion, farKey, false) },
			func(w *world) error { return w.SetKeyEnabled(second, farRegion, farKey, true) },
			plan.BadKey, true, "is disabled", "enable",
		},
		{
			"destination's to be deleted",
			func(w *world) error { return w.ScheduleKeyDeletion(second, farRegion, farKey, 7*24*time.Hour) },
			func(w *world) error { return w.SetKeyEnabled(second, farRegion, farKey, true) },
			plan.BadKey, true, "scheduled for deletion", "cancel",
		},
		{
			"destination's not permitted",
			func(w *world) error { return w.SetKeyPolicy(second, farRegion, farKey, fmt.Sprintf(nobody, second)) },
			func(w *world) error {
				return w.SetKeyPolicy(second, farRegion, farKey, fmt.Sprintf(ownersOnly, second))
			},
			"", true, "KMSKeyNotAccessibleFault", "allow the role there",
		},
		{
			"source's without the destination's account",
			func(w *world) error { return w.SetKeyPolicy(prod, region, wayKey, fmt.Sprintf(ownersOnly, prod)) },
			func(w *world) error {
				_, err := w.PutKey(prod, region, sandbox.SeedKey{Name: wayKey, Accounts: []string{second}})
				return err
			},
			"", false, "KMSKeyNotAccessibleFault", "allow account " + second,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(w *world) {
				w.keyed()
				w.secret("rds", home(), "orders", "alias/aws/rds", goldTags())
				f := parseAll(w, toFarEvery("1d", "last: 3", "daily: 7"))
				w.must(tc.harm(w))
				r := w.pass(f, 5)
				if tc.code != "" {
					w.wantRefused(r.Plan, tc.code, tc.says, tc.remedies)
				} else if said := trouble(r); len(said) != 1 {
					w.Errorf("it says %q", said)
				} else {
					w.wantWords(said[0], tc.says, tc.remedies)
				}
				if warned := slices.ContainsFunc(r.Plan.Foretold, func(v plan.Verdict) bool { return v.Reason.Code == plan.BadKey }); warned != tc.foretold {
					w.Errorf("foretold %v", r.Plan.Foretold)
				}
				if c := w.look(f); len(c.originals) != 1 {
					w.Errorf("there are %s", c)
				}
				w.must(tc.mend(w))
				w.sleep(25 * time.Hour) // Were it a copy that failed, it is tried again by then.
				w.rest(f)
				w.wantShape(f, "2 originals, 0 on the way, 2 copies")
				w.wantNoShares(f)
			})
		})
	}
}

// EC2 looks at keys only when a copy has begun. The failure is found, explained and
// tried again when there is time to have mended it.
func TestKeyFailsLater(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.keyed()
		w.secret("ebs", home(), "orders", "alias/aws/ebs", goldTags())
		f := parseAll(w, strings.Replace(toFarEvery("1d", "last: 3", "daily: 7"), "rds", "ebs", 1))
		w.must(w.SetKeyPolicy(prod, region, wayKey, fmt.Sprintf(ownersOnly, prod)))
		r := w.pass(f, 5)
		w.wantRefused(r.Plan, plan.CopyFailed, "Given key ID is not accessible", "may use the keys")
		if c := w.look(f); len(c.originals) != 1 {
			w.Errorf("there are %s", c)
		}
		_, err := w.PutKey(prod, region, sandbox.SeedKey{Name: wayKey, Accounts: []string{second}})
		w.must(err)
		w.sleep(2 * time.Hour)
		w.rest(f)
		w.wantShape(f, "1 originals, 0 on the way, 1 copies")
		w.wantNoShares(f)
	})
}

// The policy file loses what made the copies, at any moment of their way: shares are
// taken back, what is on the way goes, and copies expire by what was written with
// them, down to their floor.
func TestPolicyLosesItsCopies(t *testing.T) {
	withCopies := toFarEvery("1d", "within: 30d", "within: 3d, floor: 2")
	withoutCopies := strings.Replace(withCopies, "    copies: [{to: far, keep: {within: 3d, floor: 2}}]\n", "", 1)
	withoutPolicy := toFar + `
  other:
    match: {kinds: [rds], name: "^nothing"}
    every: 1d
    keep: {last: 1}
`
	for name, after := range map[string]string{"copies": withoutCopies, "policy": withoutPolicy} {
		for minutes := range 5 {
			t.Run(fmt.Sprintf("%s after %d runs", name, minutes+1), func(t *testing.T) {
				bubble(t, sandbox.Options{}, func(w *world) {
					w.keyed()
					w.secret("rds", home(), "orders", "alias/aws/rds", goldTags())
					f := parseAll(w, withCopies)
					for range 4 {
						w.rest(f)
						w.sleep(24 * time.Hour)
					}
					for range minutes + 1 {
						w.carrier(f).RunOnce(w.Context())
						w.sleep(3 * time.Minute)
					}
					g := parseAll(w, after)
					if p := w.rest(g); len(p.Refused) > 0 {
						w.Errorf("refused %v", p.Refused)
					}
					w.wantNoShares(g)
					for range 8 {
						w.sleep(24 * time.Hour)
						if p := w.rest(g); len(p.Refused) > 0 {
							w.Errorf("refused %v", p.Refused)
						}
					}
					if c := w.look(g); len(c.staged) != 0 || len(c.copies) != 2 || len(c.originals) < 5 {
						w.Errorf("in the end there are %s", c)
					}
				})
			})
		}
	}
}

// Two processes at once make one copy of it, or, where a service knows no names, one
// that stays.
func TestTwoCarriers(t *testing.T) {
	for _, kind := range []dr.Kind{"rds", "aurora", "ebs"} {
		for _, key := range []string{"", "alias/aws/" + serviceKey(kind)} {
			t.Run(fmt.Sprintf("%s under %q", kind, key), func(t *testing.T) {
				bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
					w.keyed()
					for _, name := range []string{"orders", "billing"} {
						w.secret(kind, home(), name, key, goldTags())
					}
					f := parseAll(w, strings.Replace(toFarEvery("1d", "last: 3", "daily: 7"), "rds", string(kind), 1))
					for i := range 8 {
						w.twoAtOnce(f, time.Duration(i)*15*time.Millisecond)
						w.sleep(10 * time.Minute)
					}
					w.rest(f)
					w.wantShape(f, "2 originals, 0 on the way, 2 copies")
					w.wantNoShares(f)
				})
			})
		}
	}
}

// twoAtOnce runs two processes, one of them a little later.
func (w *world) twoAtOnce(f policy.File, later time.Duration) {
	w.Helper()
	var wg sync.WaitGroup
	for k := range 2 {
		p := w.carrier(f)
		wg.Go(func() {
			w.sleep(time.Duration(k) * later)
			if failed := p.RunOnce(w.Context()).Failed(); len(failed) > 0 {
				w.Errorf("failed %v", failed)
			}
		})
	}
	wg.Wait()
}

// One run that waits takes the snapshot, brings it to its copies and tidies up.
func TestOneRunToTheCopies(t *testing.T) {
	for _, key := range []string{"", "alias/aws/rds"} {
		for _, kind := range []dr.Kind{"rds", "aurora", "ebs"} {
			t.Run(fmt.Sprintf("%s under %q", kind, key), func(t *testing.T) {
				bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
					w.keyed()
					under := key
					if key != "" {
						under = "alias/aws/" + serviceKey(kind)
					}
					w.secret(kind, home(), "orders", under, goldTags())
					f := parseAll(w, strings.Replace(toFarEvery("1d", "last: 3", "daily: 7"), "rds", string(kind), 1))
					r := w.carrier(f).RunAndWait(w.Context(), 15*time.Second)
					if !r.Whole() || len(r.Plan.Waiting) > 0 {
						w.Errorf("trouble %q, waiting %v", trouble(r), r.Plan.Waiting)
					}
					w.sleep(10 * time.Second) // What was deleted shows for a while.
					w.wantShape(f, "1 originals, 0 on the way, 1 copies")
					w.wantNoShares(f)
					if p, _ := w.carrier(f).Plan(w.Context()); len(p.Actions)+len(p.Waiting) > 0 {
						w.Errorf("left to do: %v, %v", p.Actions, p.Waiting)
					}
				})
			})
		}
	}
}

// Other people's copies hold all slots: ours are put off, which is no error, and go
// in as those end.
func TestSlotsFullOfOthers(t *testing.T) {
	for _, tc := range []struct {
		name  string
		slots int // what AWS really has
		wait  bool
	}{{"seen by the plan", 20, false}, {"seen by AWS alone", 3, false}, {"run --wait", 20, true}, {"run --wait, seen by AWS alone", 3, true}} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(w *world) {
				w.keyed()
				w.secret("rds", home(), "orders", "", goldTags())
				w.must(w.SetQuota(second, farRegion, sandbox.QuotaCopies, tc.slots))
				f := parseAll(w, toFarEvery("1d", "last: 3", "daily: 7"))
				w.pass(f, 1)
				w.othersCopy(tc.slots)
				if tc.wait {
					w.clean(w.carrier(f).RunAndWait(w.Context(), poll))
				} else {
					r := w.clean(w.carrier(f).RunOnce(w.Context()))
					if v := r.Plan.Waiting; len(v) != 1 || v[0].Reason.Code != plan.CopySlots || !strings.Contains(v[0].Reason.String(), "deferred") {
						w.Errorf("waiting %v", v)
					}
				}
				w.rest(f)
				w.wantShape(f, "1 originals, 0 on the way, 1 copies")
				w.wantNoShares(f)
			})
		})
	}
}

// othersCopy lets people of the far account copy so many snapshots into its Region.
func (w *world) othersCopy(n int) {
	w.Helper()
	site := dr.Site{Name: "near", Account: second, Region: region}
	w.alien("rds", site, "theirs", nil)
	client := awsrds.NewFromConfig(w.hands(farSite()))
	for i := range n {
		_, err := client.CopyDBSnapshot(context.Background(), &awsrds.CopyDBSnapshotInput{
			SourceDBSnapshotIdentifier: aws.String("arn:aws:rds:" + region + ":" + second + ":snapshot:theirs"), SourceRegion: aws.String(region),
			TargetDBSnapshotIdentifier: aws.String(fmt.Sprintf("theirs-%d", i)),
		})
		w.must(err)
	}
}
