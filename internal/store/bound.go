package store

// Binder is a Restorer whose captured settings name things that another account or
// Region does not have.
type Binder interface {
	// Bound gives, by the names of settings, what they name. A setting that each of
	// several parts has stands there once, without the part's number: "member.zone".
	// Those that are not there mean the same everywhere.
	Bound() map[string]Binding
}

// Binding says what a captured setting names.
type Binding struct {
	To Tie
	// With are settings that mean nothing without it, and are left out with it.
	With []string
}

// Tie says to what the value of a setting is tied, and so what becomes of it elsewhere.
type Tie string

// The ties. A value may be a list of such, and each a pair of a feature and such.
const (
	// ByID: an identifier that AWS gave to a thing of one account and Region, such as a
	// security group.
	ByID Tie = "id"
	// ByName: a name that its owner chose. A thing of that name may stand elsewhere too.
	ByName Tie = "name"
	// ByARN: an ARN, which says itself of what account and Region it is. What is none is
	// a name.
	ByARN Tie = "arn"
	// ToKey: a KMS key. Elsewhere the site's own stands in for it.
	ToKey Tie = "key"
	// ToCopyKey: the KMS key of the data itself. What is restored is under the key that
	// the snapshot is under.
	ToCopyKey Tie = "copy-key"
	// ToZone: an Availability Zone. AWS chooses another.
	ToZone Tie = "zone"
	// ToPlace: what a thing is given where it is, such as an address.
	ToPlace Tie = "place"
)

// Bound gives what the captured settings of the kind name; nil where they name nothing
// that is tied to an account or a Region.
func (s *Store) Bound() map[string]Binding {
	if b, ok := s.drv.(Binder); ok {
		return b.Bound()
	}
	return nil
}
