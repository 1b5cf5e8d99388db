package rds

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// instanceNameLimit is how long the name of a DB instance may be (CreateDBInstance,
// DBInstanceIdentifier: "1 to 63 letters, numbers, or hyphens").
const instanceNameLimit = 63

// The operations of a restore's steps.
const (
	opMark    = "mark"
	opRestore = "restore"
	opSettle  = "settle"
	opRoles   = "roles"
	opReboot  = "reboot"
	opRename  = "rename"
	opKeep    = "keep"
	opDelete  = "delete"
	opFinish  = "finish"
)

// lost are the settings that no call can give to a restored instance.
var lost = [...]string{"replicas", "replica-of", "secondary-zone", "reservation"}

// Restore builds the steps of a restore. Nothing is changed.
func (d *Driver) Restore(ctx context.Context, r store.Restore) (store.Restoration, error) {
	if err := d.nameFree(ctx, r); err != nil {
		return store.Restoration{}, err
	}
	b := builder{r: r, beside: r.Name, away: r.Away(instanceNameLimit)}
	if r.InPlace && !r.RenameFirst {
		b.beside = r.Beside(instanceNameLimit)
	}
	b.steps()
	needs := "one more DB instance in the account's quota, and its price, for good"
	if r.InPlace {
		needs = "one more DB instance in the account's quota until the old one is gone"
	}
	return store.Restoration{
		Saga:   saga.Saga{ID: r.ID, Title: b.title(), Steps: b.out},
		Losses: store.Lost(r.Settings, lost[:]...), Needs: needs,
	}, nil
}

// nameFree refuses names that others have.
func (d *Driver) nameFree(ctx context.Context, r store.Restore) error {
	w, err := d.worker(ctx, r.From.Ref.Site)
	if err != nil {
		return err
	}
	names := []string{r.Name}
	if r.InPlace {
		names = []string{r.Beside(instanceNameLimit), r.Away(instanceNameLimit)}
	}
	for _, name := range names {
		in, err := w.instance(ctx, name)
		switch {
		case err != nil:
			return err
		case in != nil && in.tags[dr.TagRestore] != r.ID && (r.Old == "" || aws.ToString(in.DbiResourceId) != r.Old):
			return &store.Error{
				Doing: "restore as " + name, Fault: store.Conflict, Err: fmt.Errorf("there is a DB instance %s already", name),
				Remedy: "restore under another name (--as), or in its place (--in-place)",
			}
		}
	}
	return nil
}

// builder puts the steps of one restore together.
type builder struct {
	r            store.Restore
	beside, away string
	out          []saga.Step
}

func (b *builder) title() string {
	if b.r.InPlace {
		return fmt.Sprintf("restore %s in place from %s", b.r.Name, b.r.From.Ref.ID)
	}
	return fmt.Sprintf("restore %s as %s", b.r.From.Ref.ID, b.r.Name)
}

func (b *builder) add(name, title, op string, expect, deadline time.Duration, args map[string]string) {
	maps.Copy(args, map[string]string{
		"id": b.r.ID, "old": b.r.Old, "final": b.r.Name, "owner": b.r.Owner, "snapshot": b.r.From.Ref.ID,
		"request": b.r.MarkTags(dr.RoleNew)[dr.TagRequest],
	})
	switch op {
	case opRestore:
		args["tags"] = string(dr.NewConfig(b.r.Tags))
		fallthrough
	case opSettle, opRoles, opFinish:
		args["settings"] = string(dr.NewConfig(b.r.Settings))
	}
	b.out = append(b.out, saga.Step{Name: name, Title: title, Op: op, Expect: expect, Deadline: deadline, Args: args})
}

// steps puts them in order: the new one is whole and checked before the old one
// loses its name, unless somebody wants it otherwise.
func (b *builder) steps() {
	r := b.r
	if r.InPlace {
		b.add("mark", "mark "+r.Name, opMark, 5*time.Second, 10*time.Minute, map[string]string{"name": r.Name})
	}
	if r.InPlace && r.RenameFirst {
		b.rename("away", r.Name, b.away, dr.RoleOld)
	}
	b.make()
	if r.InPlace && !r.RenameFirst {
		b.rename("away", r.Name, b.away, dr.RoleOld)
		b.rename("in", b.beside, r.Name, dr.RoleNew)
	}
	b.end()
}

// make restores the new one and gives it what the call cannot.
func (b *builder) make() {
	gib, _ := strconv.Atoi(b.r.Settings["gib"])
	lasts := 10*time.Minute + time.Duration(gib)*2*time.Second
	b.add("restore", "restore "+b.r.From.Ref.ID+" as "+b.beside, opRestore, lasts, 24*time.Hour, map[string]string{"name": b.beside})
	b.add("settle", "give it the settings that a restore does not take", opSettle, 5*time.Minute, 12*time.Hour, map[string]string{"name": b.beside})
	if b.r.Settings["roles"] != "" {
		b.add("roles", "give it its IAM roles", opRoles, 2*time.Minute, time.Hour, map[string]string{"name": b.beside})
	}
	b.add("reboot", "reboot it if its parameter group asks for that", opReboot, 2*time.Minute, time.Hour, map[string]string{"name": b.beside})
}

// dnsFollows is how long the DNS name of a renamed instance takes (Amazon RDS User
// Guide, "Renaming a DB instance": "about 10 minutes").
const dnsFollows = 10 * time.Minute

func (b *builder) rename(step, from, to, role string) {
	lasts := time.Minute
	if role == dr.RoleNew {
		lasts += dnsFollows
	}
	b.add(step, "rename "+from+" to "+to, opRename, lasts, 2*time.Hour, map[string]string{"from": from, "to": to, "role": role})
}

// end lets go of the old one, which is the pivot, and takes the marks off.
func (b *builder) end() {
	r := b.r
	if r.InPlace {
		if r.KeepOld > 0 {
			until := r.Begun.Add(r.KeepOld).UTC().Format(time.RFC3339)
			b.add("let-go", "keep the old one as "+b.away+" until "+until, opKeep, 5*time.Second, 10*time.Minute, map[string]string{"name": b.away, "until": until})
		} else {
			final := b.finalName()
			b.add("let-go", "delete the old one with final snapshot "+final, opDelete, 10*time.Minute, 12*time.Hour, map[string]string{"name": b.away, "snapshot-left": final})
		}
		b.out[len(b.out)-1].Pivot = true
	}
	b.add("finish", "take the marks off "+r.Name, opFinish, 5*time.Second, 10*time.Minute, map[string]string{"name": r.Name})
}

// finalName names the snapshot that the old one leaves behind.
func (b *builder) finalName() string {
	return dr.SnapshotName(dr.Claim{Owner: b.r.Owner, Policy: "final", Slot: b.r.Begun, Source: b.r.From.Claim.Source, Set: b.r.ID}, b.r.Name, 0, nameLimit)
}
