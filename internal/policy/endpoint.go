package policy

import "github.com/holdfast-dr/holdfast/internal/dr"

// Endpoint is a store that no service lists: where its servers are, how to be let in,
// and in which vault its snapshots are kept.
type Endpoint struct {
	Name string
	// Addresses are HOST:PORT: servers of one replication group, nodes of a cluster, or
	// Sentinels.
	Addresses []string
	// Cluster insists that it is one.
	Cluster bool
	// Sentinel is the name of the primary as the Sentinels at Addresses know it.
	Sentinel string
	// User and Password are for the servers, the others for the Sentinels.
	User             string
	Password         Password
	SentinelUser     string
	SentinelPassword Password
	TLS              EndpointTLS
	// Primary says that a replica is never asked, even where there is one.
	Primary bool
	// PSync is what the command PSYNC was renamed to; empty: it was not.
	PSync string
	// Tags stand in for those that a service would keep of it: policies match them.
	Tags dr.Tags
	// Vault names the site where its snapshots are kept.
	Vault string
	// Fuzzy lets it be read key by key where replication is refused.
	Fuzzy bool
	// Forks is how many servers may save at the same time; 0: all, one for each host.
	Forks int
	Pos   Pos
}

// EndpointTLS says how the connections to an endpoint are protected.
type EndpointTLS struct {
	// Mode is empty where the file says nothing of TLS, which means off.
	Mode TLS
	// CA, Cert and Key are files; empty: the authorities of the system, and no
	// certificate of our own.
	CA, Cert, Key string
	// ServerName is what certificates have to be for; empty: the host's name.
	ServerName string
}

// Depot says how a vault is reached and how files are written to it.
type Depot struct {
	// Endpoint is the URL of what speaks S3 there; empty: AWS. Region is AWS's, or what
	// that calls one.
	Endpoint, Region string
	// Compress has files compressed; "zstd" is all there is.
	Compress string
	// EncryptTo are public keys of age; Identity is where the private ones are found.
	EncryptTo []string
	Identity  Password
}

// IsZero reports whether the file says nothing of it.
func (d Depot) IsZero() bool {
	return d.Endpoint == "" && d.Region == "" && d.Compress == "" && len(d.EncryptTo) == 0 && d.Identity == Password{}
}

// Of gives the endpoints whose snapshots are kept at a site.
func (f File) Of(site dr.Site) []Endpoint {
	var out []Endpoint
	for _, e := range f.Endpoints {
		if e.Vault == site.Name {
			out = append(out, e)
		}
	}
	return out
}
