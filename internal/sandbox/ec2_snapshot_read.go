package sandbox

import (
	"slices"
	"strconv"
	"time"
)

type (
	ec2SnapshotsXML struct {
		Snapshots items[ec2SnapshotXML] `xml:"snapshotSet"`
		NextToken string                `xml:"nextToken,omitempty"`
	}
	ec2SnapshotXML struct {
		ID          string        `xml:"snapshotId"`
		Volume      string        `xml:"volumeId"`
		Status      string        `xml:"status"`
		Message     string        `xml:"statusMessage,omitempty"`
		Started     string        `xml:"startTime"`
		Completed   string        `xml:"completionTime,omitempty"`
		Progress    string        `xml:"progress"`
		Owner       string        `xml:"ownerId"`
		Size        int           `xml:"volumeSize"`
		Description string        `xml:"description"`
		Encrypted   bool          `xml:"encrypted"`
		Key         string        `xml:"kmsKeyId,omitempty"`
		Tier        string        `xml:"storageTier"`
		Tags        items[ec2Tag] `xml:"tagSet"`
	}
	// snapshotInfoXML is what CreateSnapshots answers: its state is called "state"
	// where elsewhere it is "status".
	snapshotInfosXML struct {
		Snapshots items[snapshotInfoXML] `xml:"snapshotSet"`
	}
	snapshotInfoXML struct {
		ID          string        `xml:"snapshotId"`
		Volume      string        `xml:"volumeId"`
		State       string        `xml:"state"`
		Started     string        `xml:"startTime"`
		Progress    string        `xml:"progress"`
		Owner       string        `xml:"ownerId"`
		Size        int           `xml:"volumeSize"`
		Description string        `xml:"description"`
		Encrypted   bool          `xml:"encrypted"`
		Tags        items[ec2Tag] `xml:"tagSet"`
	}
)

// describeSnapshots lists snapshots: those that the caller may use, and where an
// owner is named, those of that owner.
func (s *ec2State) describeSnapshots(r *request) (any, error) {
	p := r.params
	ids, owners, users := p.texts("SnapshotId"), p.texts("Owner"), p.texts("RestorableBy")
	for i, o := range owners {
		if o == "self" {
			owners[i] = r.who.account
		}
	}
	filters, err := readEC2Filters(p, "status", "volume-id", "snapshot-id", "description", "owner-id", "start-time",
		"encrypted", "volume-size", "progress", "storage-tier")
	pg, pageErr := s.readEC2Page(p, ids)
	if err := firstError(p.check(), err, pageErr); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if _, err := s.visibleSnapshot(r.place(), id, r.view); err != nil {
			return nil, err
		}
	}
	found := s.seenBy(r, func(x *ec2Snapshot) bool {
		return (len(owners) == 0 || slices.Contains(owners, x.account)) && (len(ids) == 0 || slices.Contains(ids, x.id)) &&
			(len(users) == 0 || slices.ContainsFunc(users, func(user string) bool { return x.restorableBy(user, r) })) &&
			filters.allow(x.tagsFor(r.who.account, r.view), x.field(r.view))
	})
	var out ec2SnapshotsXML
	found, out.NextToken = cutEC2(found, func(x *ec2Snapshot) string { return x.id }, pg)
	for _, x := range found {
		shown := showEC2Snapshot(x, r.view)
		shown.Tags = showEC2Tags(x.tagsFor(r.who.account, r.view))
		out.Snapshots.Item = append(out.Snapshots.Item, shown)
	}
	return out, nil
}

// restorableBy reports whether a snapshot is one that a user asked for may make
// volumes from.
//
// Amazon EC2 API Reference, DescribeSnapshots: "You can specify the Amazon Web
// Services account IDs (if you own the snapshots), self for snapshots for which you
// own or have explicit permissions, or all for public snapshots."
func (x *ec2Snapshot) restorableBy(user string, r *request) bool {
	with := x.shared.get(r.view)
	switch user {
	case "self", r.who.account:
		return x.account == r.who.account || slices.Contains(with, r.who.account)
	case everyone:
		return slices.Contains(with, everyone)
	}
	return x.account == r.who.account && slices.Contains(with, user)
}

// seenBy gives the snapshots of the Region that the caller may use and that are
// asked for.
func (s *ec2State) seenBy(r *request, asked func(*ec2Snapshot) bool) []*ec2Snapshot {
	var out []*ec2Snapshot
	for _, g := range s.regions {
		if g.region != r.region {
			continue
		}
		for _, x := range g.snapshots {
			if x.state.exists(r.view) && x.usableBy(r.who.account, r.view) && asked(x) {
				out = append(out, x)
			}
		}
	}
	return out
}

// visibleSnapshot finds a snapshot that an account may use.
func (s *ec2State) visibleSnapshot(p place, id string, when time.Time) (*ec2Snapshot, error) {
	for _, g := range s.regions {
		if g.region != p.region {
			continue
		}
		if x, err := g.snapshot(id, when); err == nil && x.usableBy(p.account, when) {
			return x, nil
		}
	}
	return s.region(p).snapshot(id, when)
}

// tagsFor gives the tags that an account sees: only the owner's are shown to it.
func (x *ec2Snapshot) tagsFor(account string, when time.Time) tagSet {
	if x.account != account {
		return nil
	}
	return x.tags.get(when)
}

// field gives the values that filters ask for.
func (x *ec2Snapshot) field(when time.Time) func(string) []string {
	return func(name string) []string {
		return []string{map[string]string{
			"status": x.state.get(when), "volume-id": x.volume, "snapshot-id": x.id, "description": x.description,
			"owner-id": x.account, "start-time": stamp(x.started), "encrypted": strconv.FormatBool(x.key != ""),
			"volume-size": strconv.Itoa(x.size), "progress": strconv.Itoa(x.percent(when)) + "%", "storage-tier": "standard",
		}[name]}
	}
}

func showEC2Snapshot(x *ec2Snapshot, when time.Time) ec2SnapshotXML {
	out := ec2SnapshotXML{
		ID: x.id, Volume: x.volume, Status: x.state.get(when), Started: stamp(x.started), Progress: strconv.Itoa(x.percent(when)) + "%",
		Owner: x.account, Size: x.size, Description: x.description, Encrypted: x.key != "", Key: x.key, Tier: "standard",
		Tags: showEC2Tags(x.tags.get(when)),
	}
	switch out.Status {
	case stateError:
		out.Message = x.message
	case stateCompleted:
		out.Completed = stamp(x.ready)
	}
	return out
}

func showSnapshotInfo(x *ec2Snapshot, when time.Time) snapshotInfoXML {
	return snapshotInfoXML{
		ID: x.id, Volume: x.volume, State: x.state.get(when), Started: stamp(x.started), Progress: "", Owner: x.account,
		Size: x.size, Description: x.description, Encrypted: x.key != "", Tags: showEC2Tags(x.tags.get(when)),
	}
}
