package sandbox

import "slices"

type (
	permissionsXML struct {
		ID          string               `xml:"snapshotId"`
		Permissions items[permissionXML] `xml:"createVolumePermission"`
	}
	permissionXML struct {
		User  string `xml:"userId,omitempty"`
		Group string `xml:"group,omitempty"`
	}
)

const volumePermission = "createVolumePermission"

func (s *ec2State) describeSnapshotAttribute(r *request) (any, error) {
	id, attribute := r.params.need("SnapshotId"), r.params.need("Attribute")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	if attribute != volumePermission {
		return nil, notSimulated("the attribute %s of snapshots", attribute)
	}
	x, err := s.region(r.place()).snapshot(id, r.view)
	if err != nil {
		return nil, err
	}
	out := permissionsXML{ID: id}
	for _, who := range x.shared.get(r.view) {
		if who == everyone {
			out.Permissions.Item = append(out.Permissions.Item, permissionXML{Group: who})
		} else {
			out.Permissions.Item = append(out.Permissions.Item, permissionXML{User: who})
		}
	}
	return out, nil
}

// modifySnapshotAttribute shares a snapshot with other accounts, or no longer.
//
// Amazon EBS User Guide, "Share an Amazon EBS snapshot": encrypted snapshots not
// with everyone (the code is inferred), and those under the key aws/ebs not at all
// (the code and words as github.com/hashicorp/packer/issues/7499 shows them).
func (s *ec2State) modifySnapshotAttribute(r *request) (any, error) {
	p := r.params
	id := p.need("SnapshotId")
	add, remove := readPermissions(p)
	if attribute := p.str("Attribute"); attribute != "" && attribute != volumePermission {
		return nil, notSimulated("the attribute %s of snapshots", attribute)
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	x, err := s.region(r.place()).snapshot(id, r.now)
	if err != nil {
		return nil, err
	}
	for _, who := range append(slices.Clone(add), remove...) {
		if who != everyone && !isAccountID(who) {
			return nil, refuse("InvalidUserID.Malformed", "Invalid user id: %q", who)
		}
	}
	switch {
	case len(add)+len(remove) == 0:
		return nil, refuse("MissingParameter", "No permissions to add or remove were given")
	case len(add) > 0 && x.key != "" && slices.Contains(add, everyone):
		return nil, refuse("OperationNotPermitted", "Encrypted snapshots cannot be made public")
	case len(add) > 0 && managed(x.key, "ebs"):
		return nil, refuse("OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared")
	}
	var with []string
	for _, who := range append(slices.Clone(x.shared.get(r.now)), add...) {
		if !slices.Contains(remove, who) && !slices.Contains(with, who) {
			with = append(with, who)
		}
	}
	slices.Sort(with)
	x.shared.set(r.now, with)
	return nil, nil //nolint:nilnil // There is nothing to say but that it is done.
}

// readPermissions reads both ways in which a call may say what to add and remove.
func readPermissions(p *params) (add, remove []string) {
	both := map[string][]string{}
	for _, verb := range [...]string{"Add", "Remove"} {
		for _, prefix := range p.flat("CreateVolumePermission." + verb) {
			both[verb] = append(both[verb], or(p.str(prefix+".UserId"), p.str(prefix+".Group")))
		}
	}
	direct := append(p.texts("UserId"), p.texts("UserGroup")...)
	switch operation := p.str("OperationType"); {
	case operation == "add":
		both["Add"] = append(both["Add"], direct...)
	case operation == "remove":
		both["Remove"] = append(both["Remove"], direct...)
	case operation != "" || len(direct) > 0:
		p.fail(invalidValue("Value (%s) for parameter operationType is invalid.", operation))
	}
	return both["Add"], both["Remove"]
}
