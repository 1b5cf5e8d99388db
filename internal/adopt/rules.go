package adopt

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// lambdaDescription is what the functions write: "name (instance) - volume
// (device) - Region".
var lambdaDescription = regexp.MustCompile(`^.* \((i-[0-9a-f]+)\) - (vol-[0-9a-f]+) \([^()]+\) - ([a-z]{2}(?:-[a-z]+)+-\d)$`)

// ofLambda: Type=Automated and DeleteOn (or KeepForever, whatever its value), and
// the description. A copy names the snapshot it was made of.
func ofLambda(s dr.Snapshot) (*proof, error) {
	deleteOn, dated := s.Tags["DeleteOn"]
	_, hold := s.Tags["KeepForever"]
	if s.Tags["Type"] != "Automated" && !dated {
		return nil, nil
	}
	if s.Tags["Type"] != "Automated" {
		return nil, fmt.Errorf("tag Type is %q, not Automated", s.Tags["Type"])
	}
	if !dated && !hold {
		return nil, fmt.Errorf("there is no tag DeleteOn")
	}
	m := lambdaDescription.FindStringSubmatch(s.Description)
	if m == nil {
		return nil, fmt.Errorf("its description %q is not one that it writes", s.Description)
	}
	p := &proof{source: m[2], origin: s.Tags["Source_SnapshotId"], hold: hold}
	if m[3] != s.Ref.Site.Region && p.origin == "" {
		return nil, fmt.Errorf("it was taken in %s, but no tag Source_SnapshotId says of what it is a copy", m[3])
	}
	if dated {
		var err error
		if p.until, err = time.Parse(time.DateOnly, deleteOn); err != nil && !hold {
			return nil, fmt.Errorf("tag DeleteOn is not a date: %q", deleteOn)
		}
	}
	return p, nil
}

const snapshotToolMark = "Snapshot Tool for RDS"

// ofSnapshotTool: CreatedBy or CopiedBy, and the name: the database's and the
// minute.
func ofSnapshotTool(s dr.Snapshot) (*proof, error) {
	created, copied := s.Tags["CreatedBy"] == snapshotToolMark, s.Tags["CopiedBy"] == snapshotToolMark
	if !created && !copied {
		return nil, nil
	}
	if err := named(s.Ref.ID, s.Of.ID, "2006-01-02-15-04"); err != nil {
		return nil, err
	}
	p := &proof{}
	if copied {
		p.origin = s.Ref.ID // The copy has the name of what was copied.
	}
	return p, nil
}

const managerMark = "AWS Redshift Utils Snapshot Manager"

// ofManager: createdBy, scheduleNamespace and creationTimestamp, and one of the
// two forms of name that it has had.
func ofManager(s dr.Snapshot) (*proof, error) {
	if s.Tags["createdBy"] != managerMark {
		return nil, nil
	}
	namespace := s.Tags["scheduleNamespace"]
	if namespace == "" {
		return nil, fmt.Errorf("there is no tag scheduleNamespace")
	}
	const stamp = "2006-01-02-150405"
	if _, err := time.Parse(stamp, s.Tags["creationTimestamp"]); err != nil {
		return nil, fmt.Errorf("tag creationTimestamp is not a time: %q", s.Tags["creationTimestamp"])
	}
	older := named(s.Ref.ID, "rs-snapman-"+s.Of.ID, "2006-01-02t150405")
	if newer := named(s.Ref.ID, strings.ToLower(namespace)+"-"+s.Of.ID, stamp); older != nil && newer != nil {
		return nil, newer
	}
	return &proof{}, nil
}

// named insists on a name that is a prefix, a hyphen and a time.
func named(name, prefix, layout string) error {
	rest, ok := strings.CutPrefix(name, prefix+"-")
	if !ok {
		return fmt.Errorf("its name does not begin with %s-", prefix)
	}
	if _, err := time.Parse(layout, rest); err != nil {
		return fmt.Errorf("its name does not end with the time of its taking: %q", rest)
	}
	return nil
}
