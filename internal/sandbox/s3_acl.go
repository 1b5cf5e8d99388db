package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

// What can be granted.
const (
	grantRead     = "READ"
	grantWrite    = "WRITE"
	grantReadACP  = "READ_ACP"
	grantWriteACP = "WRITE_ACP"
	grantAll      = "FULL_CONTROL"
)

// The groups that can be granted something.
const (
	allUsers      = "http://acs.amazonaws.com/groups/global/AllUsers"
	authenticated = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
)

// grant lets someone do something: an account by its canonical id, or a group by
// its URI.
type grant struct{ to, permission string }

type accessList []grant

func (l accessList) allows(who caller, permission string, notPublic bool) bool {
	return slices.ContainsFunc(l, func(g grant) bool {
		meant := g.to == who.canonical || !notPublic && (g.to == allUsers || g.to == authenticated)
		return meant && (g.permission == permission || g.permission == grantAll)
	})
}

func (l accessList) public() bool {
	return slices.ContainsFunc(l, func(g grant) bool { return g.to == allUsers || g.to == authenticated })
}

// hasACLs reports whether a bucket has access control lists at all. By default it
// has none since April 2023.
//
// Amazon S3 User Guide, "Controlling ownership of objects and disabling ACLs".
func (b *bucket) hasACLs() bool { return b.ownership != ownerEnforced }

func grantHeaders() map[string]string {
	return map[string]string{
		"X-Amz-Grant-Read": grantRead, "X-Amz-Grant-Write": grantWrite, "X-Amz-Grant-Read-Acp": grantReadACP,
		"X-Amz-Grant-Write-Acp": grantWriteACP, "X-Amz-Grant-Full-Control": grantAll,
	}
}

// saysGrants reports whether a call says who may do what.
func saysGrants(h http.Header) bool {
	if h.Get("X-Amz-Acl") != "" {
		return true
	}
	for name := range grantHeaders() {
		if h.Get(name) != "" {
			return true
		}
	}
	return false
}

// cannedACL gives what a ready-made list stands for (User Guide, "Canned ACL").
func cannedACL(name, owner, bucketOwner string) (accessList, bool) {
	own := grant{owner, grantAll}
	switch name {
	case "", "private":
		return accessList{own}, true
	case "public-read":
		return accessList{own, {allUsers, grantRead}}, true
	case "public-read-write":
		return accessList{own, {allUsers, grantRead}, {allUsers, grantWrite}}, true
	case "authenticated-read":
		return accessList{own, {authenticated, grantRead}}, true
	case "bucket-owner-read":
		return accessList{own, {bucketOwner, grantRead}}, true
	case "bucket-owner-full-control":
		if owner == bucketOwner {
			return accessList{own}, true
		}
		return accessList{own, {bucketOwner, grantAll}}, true
	}
	return nil, false
}

// readACL reads who may do what with a bucket or object from headers or, of the
// calls that set nothing else, from the body.
func readACL(c *s3Call, b *bucket, owner string, fromBody bool) (accessList, error) {
	canned := c.header.Get("X-Amz-Acl")
	if !b.hasACLs() {
		// A list that gives the owner all is no more than what holds anyway.
		if canned == "bucket-owner-full-control" || !saysGrants(c.header) && len(c.body) == 0 || !saysGrants(c.header) && !fromBody {
			return nil, nil
		}
		return nil, refuse("AccessControlListNotSupported", "The bucket does not allow ACLs")
	}
	list, ok := cannedACL(canned, canonicalID(owner), canonicalID(b.account))
	if !ok {
		return nil, refuse("InvalidArgument", "Unknown canned ACL: %s", canned)
	}
	explicit, err := headerGrants(c.header)
	if err == nil && fromBody && !saysGrants(c.header) {
		explicit, err = bodyGrants(c)
	}
	switch {
	case err != nil:
		return nil, err
	case len(explicit) > 0 && canned != "":
		return nil, refuse("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed")
	case len(explicit) > 0:
		list = explicit
	}
	if list.public() && b.block.BlockPublicAcls {
		return nil, s3Denied()
	}
	return list, nil
}

// headerGrants reads headers such as x-amz-grant-read: id="…", uri="…".
func headerGrants(h http.Header) (accessList, error) {
	var out accessList
	for name, permission := range grantHeaders() {
		if h.Get(name) == "" {
			continue
		}
		for one := range strings.SplitSeq(h.Get(name), ",") {
			kind, to, _ := strings.Cut(strings.TrimSpace(one), "=")
			to = strings.Trim(to, `"`)
			if err := checkGrantee(kind, to); err != nil {
				return nil, err
			}
			out = append(out, grant{to, permission})
		}
	}
	slices.SortFunc(out, func(a, b grant) int { return strings.Compare(a.to+a.permission, b.to+b.permission) })
	return out, nil
}

func checkGrantee(kind, to string) error {
	switch {
	case kind == "emailAddress":
		return notSimulated("grants to e-mail addresses")
	case kind == "id" && len(to) == 64:
		return nil
	case kind == "id":
		return refuse("InvalidArgument", "Invalid id")
	case kind == "uri" && strings.HasPrefix(to, "http://acs.amazonaws.com/groups/"):
		return nil
	}
	return refuse("InvalidArgument", "Invalid group uri")
}

type (
	aclXML struct {
		Owner             ownerXML
		AccessControlList struct{ Grant []grantXML }
	}
	ownerXML struct {
		ID          string
		DisplayName string `xml:",omitempty"`
	}
	grantXML struct {
		Grantee    granteeXML
		Permission string
	}
	granteeXML struct {
		Space string `xml:"xmlns:xsi,attr"`
		Type  string `xml:"xsi:type,attr"`
		ID    string `xml:",omitempty"`
		URI   string `xml:",omitempty"`
	}
	aclBody struct {
		Grant []struct {
			Grantee    struct{ ID, URI, EmailAddress string }
			Permission string
		} `xml:"AccessControlList>Grant"`
	}
)

func bodyGrants(c *s3Call) (accessList, error) {
	var body aclBody
	if err := readS3XML(c, &body); err != nil {
		return nil, err
	}
	var out accessList
	for _, g := range body.Grant {
		kind, to := "id", g.Grantee.ID
		switch {
		case g.Grantee.EmailAddress != "":
			kind = "emailAddress"
		case to == "":
			kind, to = "uri", g.Grantee.URI
		}
		if err := checkGrantee(kind, to); err != nil {
			return nil, err
		}
		if !slices.Contains([]string{grantRead, grantWrite, grantReadACP, grantWriteACP, grantAll}, g.Permission) {
			return nil, refuse("MalformedACLError", "The ACL that you provided was not well formed or did not validate against our published schema.")
		}
		out = append(out, grant{to, g.Permission})
	}
	return out, nil
}

// showACL gives a list. Where there are none, the owner may do all.
func showACL(l accessList, owner string) *s3Answer {
	id := canonicalID(owner)
	if len(l) == 0 {
		l = accessList{{id, grantAll}}
	}
	x := aclXML{Owner: ownerXML{ID: id}}
	for _, g := range l {
		to := granteeXML{Space: "http://www.w3.org/2001/XMLSchema-instance", Type: "CanonicalUser", ID: g.to}
		if strings.HasPrefix(g.to, "http") {
			to.Type, to.ID, to.URI = "Group", "", g.to
		}
		x.AccessControlList.Grant = append(x.AccessControlList.Grant, grantXML{to, g.permission})
	}
	return s3XML("AccessControlPolicy", x)
}

func (s *s3State) getBucketACL(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	return showACL(b.acl, b.account), nil
}

func (s *s3State) putBucketACL(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	list, err := readACL(r.s3, b, b.account, true)
	if err != nil {
		return nil, err
	}
	b.acl = list
	return nil, nil
}

func (s *s3State) getObjectACL(r *request) (any, error) {
	b, o, err := s.openObject(r)
	if err != nil {
		return nil, err
	}
	if !b.hasACLs() {
		return showACL(nil, b.account), nil
	}
	return showACL(o.acl, o.owner), nil
}

func (s *s3State) putObjectACL(r *request) (any, error) {
	b, o, err := s.openObject(r)
	if err != nil {
		return nil, err
	}
	list, err := readACL(r.s3, b, o.owner, true)
	if err != nil {
		return nil, err
	}
	o.acl = list
	return nil, nil
}

// openObject finds the object of a call that may be made.
func (s *s3State) openObject(r *request) (*bucket, *object, error) {
	if err := notSimulatedHeaders(r.s3); err != nil {
		return nil, nil, err
	}
	b, err := s.open(r)
	if err != nil {
		return nil, nil, err
	}
	o, err := s.find(r, b, r.s3.key)
	return b, o, err
}
