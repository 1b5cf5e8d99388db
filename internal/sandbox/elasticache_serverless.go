package sandbox

import (
	"strings"
	"time"
)

type (
	serverlessCacheXML struct {
		ServerlessCacheName, Description, CreateTime, Status, Engine string
		MajorEngineVersion, FullEngineVersion                        string
		CacheUsageLimits                                             *cacheLimitsXML `xml:",omitempty"`
		KmsKeyId                                                     string          `xml:",omitempty"`
		SecurityGroupIds                                             struct{ SecurityGroupId []string }
		Endpoint                                                     *cacheEndpointXML `xml:",omitempty"`
		ARN                                                          string
		UserGroupId                                                  string `xml:",omitempty"`
		SubnetIds                                                    struct{ SubnetId []string }
		SnapshotRetentionLimit                                       int
		DailySnapshotTime                                            string
		NetworkType                                                  string
	}
	cacheLimitsXML struct {
		DataStorage   *cacheRangeXML `xml:",omitempty"`
		ECPUPerSecond *cacheRangeXML `xml:",omitempty"`
	}
	cacheRangeXML struct {
		Maximum int    `xml:",omitempty"`
		Minimum int    `xml:",omitempty"`
		Unit    string `xml:",omitempty"`
	}
	serverlessCacheResult  struct{ ServerlessCache serverlessCacheXML }
	serverlessCachesResult struct {
		NextToken        string `xml:",omitempty"`
		ServerlessCaches struct {
			Member []serverlessCacheXML `xml:"member"`
		}
	}
)

// createServerless makes a serverless cache.
//
// Amazon ElastiCache API Reference, CreateServerlessCache.
func (s *cacheState) createServerless(r *request) (any, error) {
	p := r.params
	c := cacheConfig{
		name: p.need("ServerlessCacheName"), engine: p.need("Engine"), description: p.str("Description"), version: p.str("MajorEngineVersion"),
		snapshotWindow: p.str("DailySnapshotTime"), retention: *firstNumber(p.number("SnapshotRetentionLimit")),
		security: p.list("SecurityGroupIds", "SecurityGroupId"), subnetIDs: p.list("SubnetIds", "SubnetId"),
	}
	if group := p.str("UserGroupId"); group != "" {
		c.userGroups = []string{group}
	}
	key := p.str("KmsKeyId")
	number := func(name string) int { return *firstNumber(p.number("CacheUsageLimits." + name)) }
	c.minGB, c.maxGB = number("DataStorage.Minimum"), number("DataStorage.Maximum")
	c.minECPU, c.maxECPU = number("ECPUPerSecond.Minimum"), number("ECPUPerSecond.Maximum")
	p.ignore("CacheUsageLimits.DataStorage.Unit", "NetworkType")
	source := cacheSource{arns: p.list("SnapshotArnsToRestore", "SnapshotArn")}
	return s.add(r, formServerless, c, key, source, func(made *cache) any { return serverlessCacheResult{showServerlessCache(made, r.now)} })
}

func (s *cacheState) describeServerless(r *request) (any, error) {
	name := strings.ToLower(r.params.str("ServerlessCacheName"))
	pg, err := readCachePage(r.params, "MaxResults", "NextToken", 1, 50)
	if err := firstError(r.params.check(), err); err != nil {
		return nil, err
	}
	var found []serverlessCacheXML
	for _, c := range s.region(r.place()).caches {
		if c.form == formServerless && c.exists(r.view) && (name == "" || c.config.name == name) {
			found = append(found, showServerlessCache(c, r.view))
		}
	}
	if name != "" && len(found) == 0 {
		return nil, cacheNotFound(formServerless, name)
	}
	var out serverlessCachesResult
	out.ServerlessCaches.Member, out.NextToken = cut(found, func(x serverlessCacheXML) string { return x.ServerlessCacheName }, pg)
	return out, nil
}

func (s *cacheState) deleteServerless(r *request) (any, error) {
	name, final := r.params.need("ServerlessCacheName"), r.params.str("FinalSnapshotName")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	c, ok := s.region(r.place()).cache(formServerless, name, r.now)
	if !ok {
		return nil, cacheNotFound(formServerless, name)
	}
	if err := c.mustBe(r.now, "delete", statusAvailable, "create-failed"); err != nil {
		return nil, err
	}
	if err := s.remove(r, c, final, formServerless); err != nil {
		return nil, err
	}
	return serverlessCacheResult{showServerlessCache(c, r.now)}, nil
}

func showServerlessCache(c *cache, when time.Time) serverlessCacheXML {
	f := c.configAt(when)
	x := serverlessCacheXML{
		ServerlessCacheName: f.name, Description: f.description, CreateTime: stamp(c.created), Status: c.status.get(when),
		Engine: f.engine, MajorEngineVersion: strings.Split(f.version, ".")[0], FullEngineVersion: f.version, KmsKeyId: f.key,
		ARN: c.arn().String(), SnapshotRetentionLimit: f.retention, DailySnapshotTime: strings.Split(f.snapshotWindow, "-")[0], NetworkType: "ipv4",
	}
	x.SecurityGroupIds.SecurityGroupId, x.SubnetIds.SubnetId = f.security, f.subnetIDs
	if len(f.userGroups) > 0 {
		x.UserGroupId = f.userGroups[0]
	}
	if f.maxGB+f.minGB+f.maxECPU+f.minECPU > 0 {
		x.CacheUsageLimits = &cacheLimitsXML{&cacheRangeXML{f.maxGB, f.minGB, "GB"}, &cacheRangeXML{f.maxECPU, f.minECPU, ""}}
	}
	if x.Status != statusCreating {
		x.Endpoint = &cacheEndpointXML{f.name + "-" + hashed(6, c.account, c.region) + ".serverless.cache.amazonaws.com", 6379}
	}
	return x
}
