package store

// Limited is a Driver whose service limits how many snapshots an account may have,
// or copy at a time.
type Limited interface {
	Limits() []Limit
}

// Limit is one such quota, as AWS's Service Quotas names it.
type Limit struct {
	// Service and Code name it: "rds", "L-272F1212".
	Service, Code string
	// Copies: it limits the copies on their way; otherwise the snapshots.
	Copies bool
	// Default is what AWS gives an account that has asked for no more.
	Default int
}
