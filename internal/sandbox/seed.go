package sandbox

import "time"

// Seed is what exists when a sandbox begins. As YAML it reads:
//
//	accounts:
//	  "111111111111":
//	    roles: [holdfast]              # none named: every role exists
//	    deny: [rds:DeleteDBInstance]   # actions that no one here may do
//	    regions:
//	      us-east-1:
//	        keys:                      # none named: those that the seed uses exist
//	          - alias/holdfast
//	          - {name: alias/shared, accounts: ["222222222222"]}
//	          - {name: alias/old, state: disabled}
//	        quotas: {manual-snapshots: 100}
//	        databases:
//	          orders:
//	            engine: postgres
//	            version: "16.4"
//	            class: db.r6g.large
//	            size: 200              # GiB
//	            status: available
//	            key: alias/aws/rds     # left out: not encrypted
//	            age: 400d
//	            tags: {backup: gold}
//	        snapshots:
//	          - {of: orders, name: orders-before-migration, age: 3d2h, tags: {team: shop}}
//	          - {of: orders, type: automated, age: 1d}
//	          - {of: orders, name: orders-bad, age: 1d, status: failed}
//	        instances:
//	          web:
//	            type: m7g.large
//	            tags: {backup: gold}
//	            volumes:
//	              - {device: /dev/xvda, boot: true, size: 8}
//	              - {device: /dev/sdf, size: 100, type: gp3, key: alias/holdfast}
//	        volumes:
//	          archive: {size: 500, type: st1}
//	        ebs-snapshots:
//	          - {of: web/dev/sdf, age: 2d, tags: {team: shop}, images: [ami-0abc]}
//	faults:
//	  - {kind: fail, action: CreateDBSnapshot, code: Throttling, times: 2}
//
// Everything but the names may be left out. Ages and durations are written as 90m,
// 6h, 7d, 4w or together, as 3d2h.
type Seed struct {
	Accounts map[string]SeedAccount `yaml:"accounts"`
	Faults   []SeedFault            `yaml:"faults"`
}

// SeedAccount is one account of a Seed.
type SeedAccount struct {
	Roles   []string              `yaml:"roles"`
	Deny    []string              `yaml:"deny"`
	Regions map[string]SeedRegion `yaml:"regions"`
	// Zones are the hosted zones of Route 53, by their names.
	Zones map[string]SeedZone `yaml:"zones"`
}

// SeedRegion is one Region of an account.
type SeedRegion struct {
	Keys             []SeedKey                  `yaml:"keys"`
	Quotas           map[Quota]int              `yaml:"quotas"`
	SubnetGroups     map[string][]string        `yaml:"subnet-groups"`
	ParameterGroups  map[string]string          `yaml:"parameter-groups"`
	OptionGroups     map[string]SeedOptionGroup `yaml:"option-groups"`
	Databases        map[string]SeedDatabase    `yaml:"databases"`
	Clusters         map[string]SeedCluster     `yaml:"redshift-clusters"`
	ClusterSnapshots []SeedClusterSnapshot      `yaml:"redshift-snapshots"`
	ClusterGroups    SeedClusterGroups          `yaml:"redshift-groups"`
	Namespaces       map[string]SeedNamespace   `yaml:"redshift-namespaces"`
	// CopyGrants are Redshift's snapshot copy grants: the key of each by its name.
	CopyGrants map[string]string `yaml:"redshift-copy-grants"`
	Snapshots  []SeedSnapshot    `yaml:"snapshots"`
	// DBClusterParameterGroups says the family by name, as ParameterGroups does.
	DBClusterParameterGroups map[string]string        `yaml:"cluster-parameter-groups"`
	DBClusters               map[string]SeedDBCluster `yaml:"db-clusters"`
	DBClusterSnapshots       []SeedDBClusterSnapshot  `yaml:"db-cluster-snapshots"`
	Instances                map[string]SeedInstance  `yaml:"instances"`
	Volumes                  map[string]SeedVolume    `yaml:"volumes"`
	EBSSnapshots             []SeedEBSSnapshot        `yaml:"ebs-snapshots"`
	Caches                   map[string]SeedCache     `yaml:"caches"`
	CacheSnapshots           []SeedCacheSnapshot      `yaml:"cache-snapshots"`
	Secrets                  map[string]SeedSecret    `yaml:"secrets"`
	Parameters               map[string]SeedParameter `yaml:"parameters"`
}

// SeedOptionGroup says what an option group is for.
type SeedOptionGroup struct {
	Engine string `yaml:"engine"`
	Major  string `yaml:"major"`
}

// SeedDatabase is a database. What is left out has the defaults of
// CreateDBInstance, and: postgres, db.t4g.medium, 20 GiB, gp3, user "app".
type SeedDatabase struct {
	Engine             string            `yaml:"engine"`
	Version            string            `yaml:"version"`
	Class              string            `yaml:"class"`
	Size               int               `yaml:"size"`
	MaxSize            int               `yaml:"max-size"`
	StorageType        string            `yaml:"storage-type"`
	Iops               int               `yaml:"iops"`
	Throughput         int               `yaml:"throughput"`
	Status             string            `yaml:"status"`
	Key                string            `yaml:"key"`
	Age                Age               `yaml:"age"`
	Tags               map[string]string `yaml:"tags"`
	MultiAZ            bool              `yaml:"multi-az"`
	Public             bool              `yaml:"public"`
	User               string            `yaml:"user"`
	DBName             string            `yaml:"db-name"`
	SubnetGroup        string            `yaml:"subnet-group"`
	ParameterGroup     string            `yaml:"parameter-group"`
	OptionGroup        string            `yaml:"option-group"`
	SecurityGroups     []string          `yaml:"security-groups"`
	Logs               []string          `yaml:"logs"`
	Retention          *int              `yaml:"retention"`
	BackupWindow       string            `yaml:"backup-window"`
	MaintenanceWindow  string            `yaml:"maintenance-window"`
	CopyTags           bool              `yaml:"copy-tags"`
	Protected          bool              `yaml:"deletion-protection"`
	IAM                bool              `yaml:"iam-authentication"`
	MonitoringInterval int               `yaml:"monitoring-interval"`
	MonitoringRole     string            `yaml:"monitoring-role"`
	Insights           bool              `yaml:"performance-insights"`
	Cluster            string            `yaml:"cluster"`
	ReplicaOf          string            `yaml:"replica-of"`
}

// SeedSnapshot is a snapshot.
type SeedSnapshot struct {
	// Of names the database. Where there is none (any more) the snapshot is of one
	// that has been deleted, which was like Database.
	Of string `yaml:"of"`
	// Name is the identifier; automated ones are named after database and time
	// when it is left out.
	Name string `yaml:"name"`
	Age  Age    `yaml:"age"`
	// Type is manual, automated or awsbackup; default manual.
	Type string `yaml:"type"`
	// Status is default available. One that is "creating" becomes available after
	// the time a snapshot takes from now.
	Status   string            `yaml:"status"`
	Tags     map[string]string `yaml:"tags"`
	Key      string            `yaml:"key"`
	Shared   []string          `yaml:"shared"`
	Database *SeedDatabase     `yaml:"database"`
}

// SeedFault is a fault of a Seed, and what POST /_sandbox/faults takes as JSON.
type SeedFault struct {
	Kind    FaultKind `yaml:"kind" json:"kind"`
	Account string    `yaml:"account" json:"account"`
	Region  string    `yaml:"region" json:"region"`
	Service string    `yaml:"service" json:"service"`
	Action  string    `yaml:"action" json:"action"`
	Skip    int       `yaml:"skip" json:"skip"`
	Times   int       `yaml:"times" json:"times"`
	Code    string    `yaml:"code" json:"code"`
	Message string    `yaml:"message" json:"message"`
	Status  int       `yaml:"status" json:"status"`
	StaleBy Age       `yaml:"stale-by" json:"stale-by"`
}

func (f SeedFault) fault() Fault {
	return Fault{
		Match: Match{Account: f.Account, Region: f.Region, Service: f.Service, Action: f.Action},
		Kind:  f.Kind, Skip: f.Skip, Times: f.Times, Code: f.Code, Message: f.Message, Status: f.Status,
		StaleBy: time.Duration(f.StaleBy),
	}
}
