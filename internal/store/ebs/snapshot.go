package ebs

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// errCopied: somebody copied a snapshot of ours with its tags. The copies that
// holdfast makes name their origin.
var errCopied = errors.New("it is a copy that bears the tags of a snapshot of holdfast's")

// snapshot gives a set as one recovery point.
func (s *set) snapshot(site dr.Site) dr.Snapshot {
	first := s.members[0]
	x := dr.Snapshot{
		Ref: dr.Ref{Kind: Kind, Site: site, ID: s.id}, Taken: first.started(), Key: s.key(), Claim: first.claim,
	}
	x.ARN = "arn:" + site.Partition() + ":ec2:" + site.Region + "::snapshot/" + first.id()
	held := false
	for _, m := range s.members {
		_, keep := m.tags[dr.TagKeep]
		held = held || keep
		x.Members = append(x.Members, m.id())
		x.Bytes += int64(aws.ToInt32(m.VolumeSize)) * gibibyte
		x.Percent += percent(m.Snapshot)
		if x.Flaw == "" {
			x.Flaw = s.flaw(m)
		}
	}
	slices.Sort(x.Members)
	x.Percent /= s.mark.members
	x.State, x.Status = s.condition()
	x.Claim.Keep = held
	if x.Flaw != "" || !x.Claim.Ours() {
		x.Claim = dr.Claim{}
	}
	if x.Flaw == "" && !x.Claim.Ours() {
		x.Tags, x.Description = first.tags, aws.ToString(first.Description)
	}
	x.Of = s.of(site, x.Claim)
	s.copied(&x)
	return x
}

// copied fills in what there is to say of a copy, and of its being shared.
func (s *set) copied(x *dr.Snapshot) {
	first := s.members[0]
	if first.copied() {
		x.Made, x.CopyOf = first.started(), first.copyOf(x.Ref.Site)
	}
	if !x.Claim.Ours() {
		return
	}
	if !x.Claim.Taken.IsZero() {
		x.Taken = x.Claim.Taken
	}
	for _, m := range s.members {
		x.Shared = append(x.Shared, dr.ParseShared(m.tags)...)
	}
	slices.Sort(x.Shared)
	x.Shared = slices.Compact(x.Shared)
}

// copyOf says what a copy was made from, as far as anything tells: the claim, or the
// description that EC2 writes where none is given, "[Copied snap-… from us-east-1]".
func (m member) copyOf(site dr.Site) string {
	if m.claim.Origin != "" {
		return m.claim.Origin
	}
	text, _ := strings.CutPrefix(aws.ToString(m.Description), "[Copied ")
	id, from, ok := strings.Cut(strings.TrimSuffix(text, "]"), " from ")
	if !ok || !strings.HasPrefix(id, "snap-") {
		return "copy"
	}
	return "arn:" + site.Partition() + ":ec2:" + from + "::snapshot/" + id
}

// key gives the key that a recovery point is under. Where only some members are
// encrypted it is theirs: a copy of all must be under a key too.
func (s *set) key() string {
	for _, m := range s.members {
		if key := aws.ToString(m.KmsKeyId); key != "" {
			return key
		}
	}
	return ""
}

// flaw says what is wrong with the claim of a member. One that is damaged takes
// the whole set out of our hands.
func (s *set) flaw(m member) string {
	var text string
	switch {
	case errors.Is(m.err, dr.ErrNoClaim):
		return ""
	case m.err != nil:
		text = m.err.Error()
	case !m.claim.Is(s.members[0].claim):
		text = "it does not carry the claim of the others of its set"
	default:
		return ""
	}
	if s.mark.members > 1 {
		text = m.id() + ": " + text
	}
	return text
}

// condition says what a set is worth: good only with all members complete.
func (s *set) condition() (dr.Condition, string) {
	count := map[types.SnapshotState]int{}
	for _, m := range s.members {
		count[m.State]++
	}
	total := s.mark.members
	status := string(types.SnapshotStateCompleted)
	state := dr.Good
	switch {
	case count[types.SnapshotStatePending] > 0:
		state, status = dr.Pending, string(types.SnapshotStatePending)
	case count[types.SnapshotStateError] > 0:
		state, status = dr.Failed, s.errorStatus()
	case count[types.SnapshotStateCompleted] < len(s.members):
		state, status = dr.Unclear, string(s.members[slices.IndexFunc(s.members, func(m member) bool {
			return m.State != types.SnapshotStateCompleted
		})].State)
	case len(s.members) < total:
		state, status = dr.Failed, fmt.Sprintf("incomplete: %d of %d volumes", len(s.members), total)
	}
	return state, status
}

// errorStatus says why a member failed, where EC2 tells (Amazon EC2 API Reference,
// Snapshot, statusMessage: of copies that failed, such as for want of a key).
func (s *set) errorStatus() string {
	for _, m := range s.members {
		if why := aws.ToString(m.StateMessage); m.State == types.SnapshotStateError && why != "" {
			return string(types.SnapshotStateError) + ": " + why
		}
	}
	return string(types.SnapshotStateError)
}

// of gives the resource of which a recovery point is. Copies name a volume that
// does not exist, so the claim is asked first.
func (s *set) of(site dr.Site, c dr.Claim) dr.Ref {
	if part := strings.Split(c.Source, "/"); c.Ours() && len(part) == 4 {
		at := dr.Site{Account: part[1], Region: part[2]}
		if at.Account == site.Account && at.Region == site.Region {
			at = site
		}
		return dr.Ref{Kind: dr.Kind(part[0]), Site: at, ID: part[3]}
	}
	of := dr.Ref{Kind: Kind, Site: site}
	if id := aws.ToString(s.members[0].VolumeId); id != bogus {
		of.ID = id
	}
	return of
}

// percent reads how much is done, such as "43%".
func percent(x *types.Snapshot) int {
	n, err := strconv.Atoi(strings.TrimSuffix(aws.ToString(x.Progress), "%"))
	if err != nil {
		return 0
	}
	return n
}
