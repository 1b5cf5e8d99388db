package sandbox

import (
	"encoding/base64"
	"encoding/json"
)

// knownQuota is one of the quotas in Service Quotas.
type knownQuota struct {
	service, code, name string
	// quota is the one that the sandbox keeps to; "" where it keeps to none, and
	// fixed is what Service Quotas gives then.
	quota      Quota
	fixed      int
	adjustable bool
}

// knownQuotas lists those that tell of snapshots and of what they are taken of,
// with codes and defaults as the Service Quotas of each service give them.
// ElastiCache's manual snapshots of a node, Redshift Serverless's snapshots and the
// copies of snapshots that may be in flight are left out: either Service Quotas has
// them not, or their codes are not known here. L-75A7B5A4 was found in one
// place only.
func knownQuotas() []knownQuota {
	return []knownQuota{
		{"ebs", "L-309BACF6", "Snapshots per Region", QuotaEBSSnapshots, 0, true},
		{"ebs", "L-E20676C1", "Archived snapshots per volume", "", 25, true},
		{"ebs", "L-3A0E616D", "In-progress snapshot archives per account", "", 25, true},
		{"ebs", "L-07399329", "In-progress snapshot restores from archive per account", "", 5, true},
		{"ebs", "L-631ECBD3", "Fast snapshot restore", "", 5, true},
		{"ebs", "L-D18FCD1D", "Storage for General Purpose SSD (gp2) volumes, in TiB", "", 50, true},
		{"ebs", "L-7A658B76", "Storage for General Purpose SSD (gp3) volumes, in TiB", "", 50, true},
		{"ec2", "L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", "", 5, true},
		{"ec2", "L-B665C33B", "AMIs", "", 50_000, true},
		{"elasticache", "L-DFE45DF3", "Nodes per Region", "", 300, true},
		{"elasticache", "L-AF354865", "Nodes per cluster per instance type (Redis OSS cluster mode enabled)", "", 90, true},
		{"elasticache", "L-BBCDAECC", "Serverless Caches per Region", "", 40, true},
		{"elasticache", "L-75A7B5A4", "Serverless snapshots per day per cache", QuotaServerlessCacheSnapshots, 0, true},
		{"elasticache", "L-3F15A733", "Parameter groups per Region", "", 300, true},
		{"elasticache", "L-3E7F7726", "Subnet groups per Region", "", 300, true},
		{"elasticache", "L-AD484FC5", "User Groups per Region", "", 200, true},
		{"rds", "L-7B6409FD", "DB instances", QuotaInstances, 0, true},
		{"rds", "L-952B80B8", "DB clusters", QuotaDBClusters, 0, true},
		{"rds", "L-272F1212", "Manual DB instance snapshots", QuotaManualSnapshots, 0, true},
		{"rds", "L-9B510759", "Manual DB cluster snapshots", QuotaManualDBClusterSnapshots, 0, true},
		{"rds", "L-7ADDB58A", "Total storage for all DB instances", "", 100_000, true},
		{"rds", "L-48C6BF61", "DB subnet groups", "", 50, true},
		{"rds", "L-DE55804A", "Parameter groups", "", 50, true},
		{"rds", "L-9FA33840", "Option groups", "", 20, true},
		{"rds", "L-5BC124EF", "Read replicas per primary", "", 15, true},
		{"redshift", "L-2E428669", "Snapshots", QuotaClusterSnapshots, 0, true},
		{"redshift", "L-F9D462EE", "Nodes", "", 200, true},
		{"redshift", "L-BB966966", "Nodes in a cluster", "", 128, true},
		{"redshift", "L-A3830BB3", "Parameter groups", "", 20, false},
		{"redshift", "L-BE12F428", "Subnet groups", "", 50, true},
		{"redshift", "L-2B30DCFE", "Event subscriptions", "", 20, true},
	}
}

func quotaServices() map[string]string {
	return map[string]string{
		"ebs": "Amazon Elastic Block Store (Amazon EBS)", "ec2": "Amazon Elastic Compute Cloud (Amazon EC2)",
		"elasticache": "Amazon ElastiCache", "rds": "Amazon Relational Database Service (Amazon RDS)", "redshift": "Amazon Redshift",
	}
}

type quotasCalls struct{ aws *AWS }

type (
	quotaJSON struct {
		ServiceCode, ServiceName, QuotaArn, QuotaCode, QuotaName string
		Value                                                    float64
		Unit                                                     string
		Adjustable, GlobalQuota                                  bool
		QuotaAppliedAtLevel                                      string
	}
	quotaResult  struct{ Quota quotaJSON }
	quotasResult struct {
		Quotas    []quotaJSON
		NextToken string `json:",omitempty"`
	}
	quotaServiceJSON    struct{ ServiceCode, ServiceName string }
	quotaServicesResult struct {
		Services  []quotaServiceJSON
		NextToken string `json:",omitempty"`
	}
)

// show gives a quota as it is applied to an account, or its default.
func (q quotasCalls) show(k knownQuota, p place, applied bool) quotaJSON {
	n, account := k.fixed, ""
	if k.quota != "" {
		n, _ = defaultQuota(k.quota)
	}
	if applied {
		account = p.account
		if k.quota != "" {
			n = q.aws.quota(p, k.quota)
		}
	}
	return quotaJSON{
		k.service, quotaServices()[k.service], "arn:aws:servicequotas:" + p.region + ":" + account + ":" + k.service + "/" + k.code, k.code, k.name,
		float64(n), "None", k.adjustable, false, "ACCOUNT",
	}
}

// applied reports whether there is an applied value: "For some quotas, only the
// default values are available" (Service Quotas API Reference, GetServiceQuota).
// For which, it does not say; here it is those that cannot be adjusted, unless
// they were.
func (q quotasCalls) applied(k knownQuota, p place) bool {
	_, set := q.aws.account(p.account).quotas[quotaKey{p.region, k.quota}]
	return k.adjustable || set
}

func (q quotasCalls) get(r *request) (any, error) {
	k, err := q.find(r)
	if err != nil {
		return nil, err
	}
	if !q.applied(k, r.place()) {
		return nil, noSuchQuota()
	}
	return quotaResult{q.show(k, r.place(), true)}, nil
}

func (q quotasCalls) getDefault(r *request) (any, error) {
	k, err := q.find(r)
	if err != nil {
		return nil, err
	}
	return quotaResult{q.show(k, r.place(), false)}, nil
}

func noSuchQuota() error {
	return refuse("NoSuchResourceException", "The request failed because the specified quota does not exist.")
}

func (q quotasCalls) find(r *request) (knownQuota, error) {
	service, code := r.params.need("ServiceCode"), r.params.need("QuotaCode")
	if r.params.str("ContextId") != "" {
		return knownQuota{}, refuse("NoSuchResourceException", "The request failed because applied value for the specified context Id do not exist.")
	}
	if err := firstError(r.params.check(), checkQuotaService(service)); err != nil {
		return knownQuota{}, err
	}
	for _, k := range knownQuotas() {
		if k.service == service && k.code == code {
			return k, nil
		}
	}
	return knownQuota{}, noSuchQuota()
}

// checkQuotaService: the codes of services are case-sensitive.
func checkQuotaService(code string) error {
	if _, ok := quotaServices()[code]; !ok {
		return refuse("NoSuchResourceException", "The request failed because the specified service does not exist.")
	}
	return nil
}

func (q quotasCalls) list(r *request) (any, error) {
	level, code := r.params.str("QuotaAppliedAtLevel"), r.params.str("QuotaCode")
	if level == "RESOURCE" {
		return nil, notSimulated("quotas of single resources")
	}
	return q.listThose(r, true, code)
}

func (q quotasCalls) listDefaults(r *request) (any, error) { return q.listThose(r, false, "") }

func (q quotasCalls) listThose(r *request, applied bool, code string) (any, error) {
	service := r.params.need("ServiceCode")
	pg, err := readQuotaPage(r.params)
	if err := firstError(r.params.check(), err, checkQuotaService(service)); err != nil {
		return nil, err
	}
	out := quotasResult{Quotas: []quotaJSON{}}
	for _, k := range knownQuotas() {
		if k.service == service && (code == "" || k.code == code) && (!applied || q.applied(k, r.place())) {
			out.Quotas = append(out.Quotas, q.show(k, r.place(), applied))
		}
	}
	out.Quotas, out.NextToken = cut(out.Quotas, func(x quotaJSON) string { return x.QuotaCode }, pg)
	return out, nil
}

func (q quotasCalls) listServices(r *request) (any, error) {
	pg, err := readQuotaPage(r.params)
	if err := firstError(r.params.check(), err); err != nil {
		return nil, err
	}
	var out quotaServicesResult
	for code, name := range quotaServices() {
		out.Services = append(out.Services, quotaServiceJSON{code, name})
	}
	out.Services, out.NextToken = cut(out.Services, func(x quotaServiceJSON) string { return x.ServiceCode }, pg)
	return out, nil
}

// readQuotaPage reads which part of a listing a call asks for: 1 to 100 at once.
func readQuotaPage(p *params) (page, error) {
	got := page{size: 100}
	if n := p.number("MaxResults"); n != nil {
		got.size = *n
	}
	if got.size < 1 || got.size > 100 {
		return got, refuse("IllegalArgumentException", "MaxResults must be between 1 and 100.")
	}
	token := p.str("NextToken")
	if token == "" {
		return got, nil
	}
	raw, err := base64.URLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(raw, &got.after) != nil {
		return got, refuse("InvalidPaginationTokenException", "Invalid token was used.")
	}
	return got, nil
}
