package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// keys warns of keys that recovery points and copies depend on and that are of no
// use, or soon will be.
func (b *builder) keys() {
	under := b.underKeys()
	refs := slices.SortedFunc(maps.Keys(b.ix.inv.Keys), func(x, y dr.KeyRef) int {
		return cmp.Or(x.Site.Compare(y.Site), strings.Compare(x.Name, y.Name))
	})
	told := map[dr.KeyRef]bool{}
	for _, ref := range refs {
		key := b.ix.inv.Keys[ref]
		same := dr.KeyRef{Site: ref.Site, Name: cmp.Or(key.ARN, ref.Name)}
		if key.Trouble == "" && key.Unknown != "" && b.siteKey(ref) {
			b.plan.Foretold = append(b.plan.Foretold, Verdict{
				Ref: dr.Ref{Site: ref.Site, ID: ref.Name}, Name: "key " + ref.Name,
				Reason: Reason{Code: BadKey, Text: "the key of site " + ref.Site.Name + " cannot be looked at: " + key.Unknown},
				Remedy: "allow the role kms:DescribeKey on it; a role that may not even look at a key can hardly copy under it",
			})
		}
		if key.Trouble == "" || told[same] {
			continue
		}
		told[same] = true
		b.plan.Foretold = append(b.plan.Foretold, Verdict{
			Ref: dr.Ref{Site: ref.Site, ID: ref.Name}, Name: "key " + ref.Name,
			Reason: Reason{Code: BadKey, Text: keyTrouble(ref, key, under[same])},
			Remedy: keyRemedy(ref, key),
		})
	}
}

// siteKey reports whether the policy file names a key for its site.
func (b *builder) siteKey(ref dr.KeyRef) bool {
	s, ok := b.file.Site(ref.Site.Name)
	return ok && s.Key == ref.Name
}

// underKeys counts our good recovery points by their keys.
func (b *builder) underKeys() map[dr.KeyRef]int {
	n := map[dr.KeyRef]int{}
	if len(b.ix.inv.Keys) == 0 {
		return n
	}
	for i := range b.ix.inv.Snapshots {
		s := &b.ix.inv.Snapshots[i]
		if s.Key != "" && s.State == dr.Good && s.Claim.Owner == b.file.Namespace && s.Claim.Owner != "" {
			key := b.ix.inv.Keys[dr.KeyRef{Site: s.Ref.Site, Name: s.Key}]
			n[dr.KeyRef{Site: s.Ref.Site, Name: cmp.Or(key.ARN, s.Key)}]++
		}
	}
	return n
}

func keyTrouble(ref dr.KeyRef, key dr.Key, n int) string {
	switch {
	case n == 0:
		return fmt.Sprintf("the key of site %s %s: no copy can arrive there", ref.Site.Name, key.Trouble)
	case key.Deletion.IsZero():
		return fmt.Sprintf("the key of %d good recovery points %s: they can be neither restored nor copied", n, key.Trouble)
	default:
		return fmt.Sprintf("the key of %d good recovery points %s: after that nothing brings them back", n, key.Trouble)
	}
}

func keyRemedy(ref dr.KeyRef, key dr.Key) string {
	id := cmp.Or(key.ARN, ref.Name)
	switch {
	case !key.Deletion.IsZero():
		return "aws kms cancel-key-deletion --key-id " + id + ", then aws kms enable-key --key-id " + id
	case key.ARN == "":
		return "create it, or name another key for site " + ref.Site.Name
	default:
		return "aws kms enable-key --key-id " + id
	}
}
