package sandbox

import "strings"

// service is what the core needs to know of one AWS service.
type service struct {
	// name is the signing name and, unless iam says otherwise, the prefix of IAM
	// actions.
	name, iam string
	// version and namespace are those of the Query protocol.
	version, namespace string
	operations         map[string]operation
	// known lists the actions that AWS has, simulated or not, between blanks.
	known string
	// ec2 says that it speaks EC2's form of the Query protocol.
	ec2 bool
	// json says that it speaks the AWS JSON protocol, version 1.1.
	json bool
	// s3 says that it speaks S3's REST protocol.
	s3 bool
	// restXML says that it speaks the REST-XML protocol.
	restXML bool
	// resource names what a call is about, for messages about permissions.
	resource func(*request) string
	// needs gives the IAM actions that a call needs, where they are not just its own
	// name.
	needs func(*request) []string
}

// permissions gives the IAM actions, without the service, that a call needs.
func (s *service) permissions(r *request) []string {
	if s.needs == nil {
		return []string{r.action}
	}
	return s.needs(r)
}

// operation is one action of a service. It gives what stands inside the
// "…Result" element of the answer; nil where an action has none.
type operation struct {
	// read says that the operation changes nothing, so that it may be stale.
	read bool
	run  func(*request) (any, error)
}

func reads(run func(*request) (any, error)) operation  { return operation{read: true, run: run} }
func writes(run func(*request) (any, error)) operation { return operation{run: run} }

// find gives the operation of an action.
func (s *service) find(action, version string) (operation, error) {
	op, ok := s.operations[action]
	switch {
	case action == "":
		return op, refuse("MissingAction", "Missing Action")
	case version != "" && version != s.version, !ok && !s.knows(action):
		return op, refuse("InvalidAction", "Could not find operation %s for version %s", action, version)
	case !ok:
		return op, notSimulated("%s:%s", s.name, action)
	}
	return op, nil
}

func (s *service) knows(action string) bool {
	return strings.Contains(" "+s.known+" ", " "+action+" ")
}
