package policy

import (
	"encoding/json"

	"github.com/invopop/jsonschema"
)

// The shapes of the policy file, for the schema only: reading it goes by the
// tables of fields, because every message there names a line and a column. A test
// holds the two together.

type fileShape struct {
	Namespace string                   `json:"namespace" jsonschema:"pattern=^[a-z0-9][a-z0-9-]{0\\,39}$" jsonschema_description:"Marks what belongs to this installation. Installations with different namespaces never touch each other's snapshots."`
	Sites     map[string]siteShape     `json:"sites" jsonschema:"minProperties=1" jsonschema_description:"Where resources and snapshots live, by name."`
	Redis     map[string]endpointShape `json:"redis,omitempty" jsonschema:"minProperties=1" jsonschema_description:"Servers of Redis and Valkey, and clusters of them, by name."`
	Policies  map[string]policyShape   `json:"policies,omitempty" jsonschema:"minProperties=1" jsonschema_description:"What to protect, how often, how long and where, by name."`
	Kinds     []string                 `json:"kinds,omitempty" jsonschema:"minItems=1" jsonschema_description:"Kinds of stores to look at. Left out: those that the policies name, or all."`
	Dialects  []string                 `json:"dialects,omitempty" jsonschema:"minItems=1,enum=ebs-snapshots-lambda,enum=rds-snapshot-tool" jsonschema_description:"Tags of other tools that are read as policies of the resources that bear them."`
	Notify    []notifyShape            `json:"notify,omitempty" jsonschema_description:"Who is told, and of what."`
}

type siteShape struct {
	Account    string                         `json:"account,omitempty" jsonschema:"pattern=^[0-9]{12}$" jsonschema_description:"The AWS account, 12 digits in quotes. Left out: the account of holdfast's own credentials."`
	Region     string                         `json:"region,omitempty" jsonschema_description:"The AWS Region, such as us-east-1."`
	Role       string                         `json:"role,omitempty" jsonschema_description:"The name or ARN of the role to assume. Left out: holdfast's own credentials."`
	ExternalID string                         `json:"external_id,omitempty" jsonschema_description:"Handed over when assuming the role."`
	Profile    string                         `json:"profile,omitempty" jsonschema_description:"A profile of the AWS configuration to start from."`
	Key        string                         `json:"key,omitempty" jsonschema_description:"The KMS key for copies that arrive here."`
	Bucket     string                         `json:"bucket,omitempty" jsonschema_description:"The S3 bucket there for snapshots that leave and arrive as files, such as those of ElastiCache."`
	Restore    map[string]map[string]tagShape `json:"restore,omitempty" jsonschema:"minProperties=1" jsonschema_description:"For restores at this site: what stands here for what the captured configuration names, by setting. * stands for every setting, or for whatever it was."`
	Vault      string                         `json:"vault,omitempty" jsonschema_description:"A bucket (s3://bucket/folder) or an absolute path, for stores whose snapshots are files; instead of account and region."`
	Proxy      string                         `json:"proxy,omitempty" jsonschema_description:"How checks reach the databases of the site: a SOCKS5 proxy, as in socks5://127.0.0.1:1080."`
	Endpoint   string                         `json:"endpoint,omitempty" jsonschema_description:"For a vault: the URL of what speaks S3 there. Left out: AWS."`
	Compress   string                         `json:"compress,omitempty" jsonschema:"enum=zstd" jsonschema_description:"For a vault: whether files are compressed. Left out: they are as the server gave them."`
	EncryptTo  []string                       `json:"encrypt_to,omitempty" jsonschema:"minItems=1" jsonschema_description:"For a vault: the public keys of age for which files are encrypted."`
	Identity   passwordShape                  `json:"identity,omitzero" jsonschema_description:"For a vault: where the private keys of age are found, to read what is encrypted."`
}

type endpointShape struct {
	Address          string              `json:"address,omitempty" jsonschema_description:"HOST:PORT of a server; 6379 if left out."`
	Addresses        []string            `json:"addresses,omitempty" jsonschema:"minItems=1" jsonschema_description:"Or several: servers of one replication group, nodes of a cluster, or Sentinels."`
	Cluster          bool                `json:"cluster,omitempty" jsonschema_description:"Insists that it is a cluster; one is recognised without."`
	Sentinel         string              `json:"sentinel,omitempty" jsonschema_description:"The name of the primary, where the addresses are those of Sentinels."`
	SentinelUser     string              `json:"sentinel_user,omitempty" jsonschema_description:"Who asks the Sentinels."`
	SentinelPassword passwordShape       `json:"sentinel_password,omitzero" jsonschema_description:"Where the password for the Sentinels is found."`
	User             string              `json:"user,omitempty" jsonschema_description:"Who asks the servers; the default user if left out."`
	Password         passwordShape       `json:"password,omitzero" jsonschema_description:"Where the password is found."`
	TLS              endpointTLSShape    `json:"tls,omitzero" jsonschema_description:"How connections are protected; off if left out."`
	Replica          string              `json:"replica,omitempty" jsonschema:"enum=prefer,enum=never,default=prefer" jsonschema_description:"Whether a replica is asked rather than the primary, where there is one."`
	PSync            string              `json:"psync,omitempty" jsonschema_description:"What the command PSYNC was renamed to."`
	Tags             map[string]tagShape `json:"tags,omitempty" jsonschema:"minProperties=1" jsonschema_description:"Tags by which policies match it."`
	Vault            string              `json:"vault" jsonschema_description:"The site where its snapshots are kept."`
	Fuzzy            bool                `json:"fuzzy,omitempty" jsonschema_description:"Whether it may be read key by key where replication is refused; that is no point in time."`
	Forks            int                 `json:"forks,omitempty" jsonschema:"minimum=0,maximum=100000" jsonschema_description:"How many servers of it may save at the same time; all, but one for each host, if left out."`
}

// endpointTLSShape is a word, or a mapping with the files.
type endpointTLSShape struct{}

// JSONSchema gives the schema of the type.
func (endpointTLSShape) JSONSchema() *jsonschema.Schema {
	files := reflectShape(&endpointTLSFiles{})
	files.Version = ""
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{files, {Enum: []any{string(TLSVerify), string(TLSRequire), string(TLSOff)}}}}
}

type endpointTLSFiles struct {
	Mode       string `json:"mode,omitempty" jsonschema:"enum=verify,enum=require,enum=off,default=verify" jsonschema_description:"How connections are protected."`
	CA         string `json:"ca,omitempty" jsonschema_description:"A file of certificates to verify with; those of the system if left out."`
	Cert       string `json:"cert,omitempty" jsonschema_description:"A file with our own certificate."`
	Key        string `json:"key,omitempty" jsonschema_description:"A file with its key."`
	ServerName string `json:"server_name,omitempty" jsonschema_description:"The name in the server's certificate; the host's if left out."`
}

type policyShape struct {
	Match     matchShape     `json:"match" jsonschema_description:"Which resources are meant; everything stated must hold."`
	Every     string         `json:"every,omitempty" jsonschema_description:"A snapshot every so often: a duration of at least 5m, or AWS's rate(…)."`
	Cron      string         `json:"cron,omitempty" jsonschema_description:"Or at these times: five fields as in crontab, a name such as @daily, or AWS's cron(…)."`
	Timezone  string         `json:"timezone,omitempty" jsonschema_description:"Where the schedule's clock hangs and where days begin, such as Europe/Berlin; UTC if left out."`
	Keep      keepShape      `json:"keep" jsonschema_description:"How long to keep the snapshots where they are taken."`
	Volumes   volumesShape   `json:"volumes,omitzero" jsonschema_description:"Which volumes of an instance to leave out."`
	Copies    []copyShape    `json:"copies,omitempty" jsonschema_description:"Where to copy them."`
	Checks    []checkShape   `json:"checks,omitempty" jsonschema:"minItems=1" jsonschema_description:"What a restored store has to show before it takes the place of another."`
	Objective objectiveShape `json:"objective,omitzero" jsonschema_description:"What must hold."`
}

type checkShape struct {
	SQL      string        `json:"sql,omitempty" jsonschema_description:"A query that gives one row of one column."`
	TCP      portShape     `json:"tcp,omitzero" jsonschema_description:"Whether anybody answers: true for the port of the store, or a port."`
	Redis    keysShape     `json:"redis,omitzero" jsonschema_description:"How many keys there are."`
	Expect   tagShape      `json:"expect,omitzero" jsonschema_description:"What the query is to give."`
	AtLeast  tagShape      `json:"at_least,omitzero" jsonschema_description:"Or: a number of at least this."`
	AtMost   tagShape      `json:"at_most,omitzero" jsonschema_description:"Or: a number of at most this."`
	Database string        `json:"database,omitempty" jsonschema_description:"The database to ask; the one that was captured, or the engine's own, if left out."`
	User     string        `json:"user,omitempty" jsonschema_description:"Who asks; the captured master user if left out."`
	Password passwordShape `json:"password,omitzero" jsonschema_description:"Where the password is found."`
	TLS      string        `json:"tls,omitempty" jsonschema:"enum=verify,enum=require,enum=off" jsonschema_description:"How the connection is protected; require if left out."`
	CA       string        `json:"ca,omitempty" jsonschema_description:"A file of certificates to verify with; those of the system if left out."`
	Within   string        `json:"within,omitempty" jsonschema_description:"How long the store may take to pass, such as 30m; 15m if left out."`
}

type keysShape struct {
	KeysAtLeast int `json:"keys_at_least" jsonschema:"minimum=0" jsonschema_description:"So many keys at least."`
	Database    int `json:"database,omitempty" jsonschema:"minimum=0,maximum=100000" jsonschema_description:"The number of the database; 0 if left out."`
}

type passwordShape struct {
	Env       string `json:"env,omitempty" jsonschema_description:"An environment variable of holdfast."`
	File      string `json:"file,omitempty" jsonschema_description:"A file."`
	Secret    string `json:"secret,omitempty" jsonschema_description:"A secret of Secrets Manager at the site, by name or ARN."`
	Parameter string `json:"parameter,omitempty" jsonschema_description:"A parameter of Parameter Store at the site."`
	Key       string `json:"key,omitempty" jsonschema_description:"The key in a secret that is a JSON object; password if left out."`
}

// portShape is true, or a port.
type portShape struct{}

// JSONSchema gives the schema of the type.
func (portShape) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Const: true}, {Type: "integer", Minimum: "1", Maximum: "65535"}}}
}

type matchShape struct {
	selectorShape
	Exclude selectorShape `json:"exclude,omitzero" jsonschema_description:"Takes out what it matches; all that it states must hold."`
}

type selectorShape struct {
	Kinds []string            `json:"kinds,omitempty" jsonschema:"minItems=1" jsonschema_description:"Kinds of stores, such as ebs or rds."`
	Sites []string            `json:"sites,omitempty" jsonschema:"minItems=1" jsonschema_description:"Sites where the resource may live."`
	Tags  map[string]tagShape `json:"tags,omitempty" jsonschema:"minProperties=1" jsonschema_description:"Tags that must be there with these values; * stands for any."`
	Name  string              `json:"name,omitempty" jsonschema:"minLength=1" jsonschema_description:"A regular expression (RE2) for the whole name; one that begins with ^ or ends with $ is taken as written."`
}

// tagShape is a scalar of any type: it is taken as it is written.
type tagShape struct{}

// JSONSchema gives the schema of the type.
func (tagShape) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}}}
}

// keepShape is a mapping of rules, or the word forever.
type keepShape struct{}

// JSONSchema gives the schema of the type.
func (keepShape) JSONSchema() *jsonschema.Schema {
	rules := reflectShape(&rulesShape{})
	rules.Version = ""
	one := uint64(1)
	rules.MinProperties = &one
	return &jsonschema.Schema{
		OneOf:       []*jsonschema.Schema{rules, {Const: "forever"}},
		Description: "What to keep: while any rule keeps a snapshot it stays. Or the word forever.",
	}
}

type rulesShape struct {
	Last    int    `json:"last,omitempty" jsonschema:"minimum=0,maximum=100000" jsonschema_description:"The newest so many."`
	Within  string `json:"within,omitempty" jsonschema_description:"All taken less than this ago, such as 24h."`
	Hourly  int    `json:"hourly,omitempty" jsonschema:"minimum=0,maximum=100000" jsonschema_description:"The newest of each of so many hours that have one."`
	Daily   int    `json:"daily,omitempty" jsonschema:"minimum=0,maximum=100000" jsonschema_description:"The newest of each of so many days that have one."`
	Weekly  int    `json:"weekly,omitempty" jsonschema:"minimum=0,maximum=100000" jsonschema_description:"The newest of each of so many ISO weeks that have one."`
	Monthly int    `json:"monthly,omitempty" jsonschema:"minimum=0,maximum=100000" jsonschema_description:"The newest of each of so many months that have one."`
	Yearly  int    `json:"yearly,omitempty" jsonschema:"minimum=0,maximum=100000" jsonschema_description:"The newest of each of so many years that have one."`
	Floor   int    `json:"floor,omitempty" jsonschema:"minimum=0,maximum=100000,default=1" jsonschema_description:"So many of the newest stay whatever happens."`
}

type copyShape struct {
	To    string    `json:"to" jsonschema_description:"The site to copy to."`
	Every string    `json:"every,omitempty" jsonschema_description:"Copy no more often than this; all that keep would keep if left out."`
	Cron  string    `json:"cron,omitempty" jsonschema_description:"Or the first after each of these times."`
	Keep  keepShape `json:"keep" jsonschema_description:"How long to keep the copies."`
}

type volumesShape struct {
	Boot    bool              `json:"boot,omitempty" jsonschema:"default=true" jsonschema_description:"Whether to take the volume that the instance starts from."`
	Exclude partSelectorShape `json:"exclude,omitzero" jsonschema_description:"Volumes to leave out."`
}

type partSelectorShape struct {
	Tags map[string]tagShape `json:"tags,omitempty" jsonschema:"minProperties=1" jsonschema_description:"Tags that must be there with these values; * stands for any."`
}

type objectiveShape struct {
	RPO string `json:"rpo,omitempty" jsonschema_description:"How much may be lost, such as 2h; more than the time between two snapshots."`
	RTO string `json:"rto,omitempty" jsonschema_description:"How long a restore may take, such as 3h."`
}

type notifyShape struct {
	URL string   `json:"url" jsonschema_description:"Where to: sns:…, slack://…, https://… and others."`
	On  []string `json:"on,omitempty" jsonschema:"minItems=1,enum=failure,enum=breach,enum=success" jsonschema_description:"Of what; failure and breach if left out."`
}

func reflectShape(v any) *jsonschema.Schema {
	r := jsonschema.Reflector{Anonymous: true, DoNotReference: true}
	return r.Reflect(v)
}

// Schema gives a JSON Schema of the policy file, for editors.
func Schema() ([]byte, error) {
	s := reflectShape(&fileShape{})
	s.Title = "holdfast policy file"
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(out, '\n'), nil
}
