package dr

// The tags of a restore, on the old resource and on the new one.
const (
	// TagRestore holds the restore's ID while it is under way.
	TagRestore = TagPrefix + "restore"
	// TagRole says which of the two it is on: RoleOld or RoleNew.
	TagRole = TagPrefix + "restore-role"
	// TagRequest holds what was asked for.
	TagRequest = TagPrefix + "restore-request"
	// TagRestored stays on the new one and names the restore that made it.
	TagRestored = TagPrefix + "restored"
	// TagExpires, on an old one that is kept, says until when, RFC 3339; TagKeeper says
	// for which namespace.
	TagExpires = TagPrefix + "expires"
	TagKeeper  = TagPrefix + "keeper"
)

// The roles.
const (
	RoleOld = "old"
	RoleNew = "new"
)

// Aside reports whether a resource is only there because of a restore: one that is
// being made, or an old one that is kept for a while. No policy takes snapshots of it.
func (t Tags) Aside() (why string, aside bool) {
	_, under := t[TagRestore]
	until, kept := t[TagExpires]
	switch {
	case under && t[TagRole] == RoleNew:
		return "restore " + t[TagRestore] + " is making it", true
	case kept:
		return "kept after a restore until " + until, true
	}
	return "", false
}
