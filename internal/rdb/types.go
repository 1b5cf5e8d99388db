package rdb

// Kind is what a value is to those who use it, however it is stored.
type Kind uint8

// The kinds of values.
const (
	String Kind = iota
	List
	Set
	SortedSet
	Hash
	Stream
	Module
	Array
	kinds
)

func (k Kind) String() string {
	return [...]string{"string", "list", "set", "sorted set", "hash", "stream", "module", "array", "?"}[min(k, kinds)]
}

// MarshalText gives the name of a kind.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Type is how a value is stored: what the byte before a key says.
type Type struct {
	Code byte   `json:"code"`
	Name string `json:"name"`
	Kind Kind   `json:"kind"`

	layout layout
	// version counts the forms that a layout went through.
	version int
}

// layout is which code reads a type.
type layout uint8

const (
	unknown layout = iota
	asText
	asStrings   // a number, then strings: one for each item, or two for hashes
	asScored    // a number, then a string and a score for each
	asListpack  // one string that is a listpack
	asZiplist   // one string that is a ziplist
	asZipmap    // one string that is a zipmap
	asIntset    // one string that is an intset
	asQuicklist // a number, then strings that are ziplists (1), or listpacks or items (2)
	asExpiring  // fields with expiry: Redis before (1) and since (2) 7.4.0, Valkey (3)
	asExpiringListpack
	asStream
	asModule
	asArray
	asTemplate // values of a hash whose field names stand elsewhere
)

// Names are those of redis-check-rdb, as far as it has any.
var redisTypes = [...]Type{
	{0, "string", String, asText, 0},
	{1, "list-linked", List, asStrings, 0},
	{2, "set-hashtable", Set, asStrings, 0},
	{3, "zset-v1", SortedSet, asScored, 1},
	{4, "hash-hashtable", Hash, asStrings, 0},
	{5, "zset-v2", SortedSet, asScored, 2},
	{6, "module-pre-release", Module, unknown, 0},
	{7, "module-value", Module, asModule, 2},
	{8, "", 0, unknown, 0},
	{9, "hash-zipmap", Hash, asZipmap, 0},
	{10, "list-ziplist", List, asZiplist, 0},
	{11, "set-intset", Set, asIntset, 0},
	{12, "zset-ziplist", SortedSet, asZiplist, 0},
	{13, "hash-ziplist", Hash, asZiplist, 0},
	{14, "quicklist", List, asQuicklist, 1},
	{15, "stream", Stream, asStream, 1},
	{16, "hash-listpack", Hash, asListpack, 0},
	{17, "zset-listpack", SortedSet, asListpack, 0},
	{18, "quicklist-v2", List, asQuicklist, 2},
	{19, "stream-v2", Stream, asStream, 2},
	{20, "set-listpack", Set, asListpack, 0},
	{21, "stream-v3", Stream, asStream, 3},
	{22, "hash-hashtable-md-pre-release", Hash, asExpiring, 1},
	{23, "hash-listpack-md-pre-release", Hash, asExpiringListpack, 1},
	{24, "hash-hashtable-md", Hash, asExpiring, 2},
	{25, "hash-listpack-md", Hash, asExpiringListpack, 2},
	{26, "stream-v4", Stream, asStream, 4},
	{27, "stream-v5", Stream, asStream, 5},
	{28, "array", Array, asArray, 0},
	{29, "hash-template-listpack", Hash, asTemplate, templateListpack},
	{30, "hash-template-listpack-ref", Hash, asTemplate, templateListpackRef},
	{31, "hash-template-array", Hash, asTemplate, templateStrings},
	{32, "hash-template-array-ref", Hash, asTemplate, templateStringsRef},
}

// valkeyHash2 is the one type of Valkey that Redis does not have.
var valkeyHash2 = []Type{{22, "hash-v2", Hash, asExpiring, 3}}

// lastShared is the last type that was there before the two lines went apart.
const lastShared = 21

// typeOf gives what a code stands for in a line's files.
func (l Line) typeOf(code byte) Type {
	switch {
	case l == Valkey && code == valkeyHash2[0].Code:
		return valkeyHash2[0]
	case l == Valkey && code > lastShared, int(code) >= len(redisTypes):
		return Type{Code: code}
	}
	return redisTypes[code]
}

// whyUnknown says more of a type that cannot be read.
func (l Line) whyUnknown(code byte) string {
	switch {
	case code == 6:
		return "a module value as Redis 4.0's release candidates wrote it, which only that module can read"
	case l == Redis && code == 33:
		return "a rate limit (GCRA), whose form no release has settled"
	}
	return ""
}
