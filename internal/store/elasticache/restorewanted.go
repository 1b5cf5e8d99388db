package elasticache

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"
)

// wanted are the settings that a restored cache is to have, in the words in which they
// were captured.
type wanted map[string]string

func (w wanted) yes(key string) bool { return w[key] == "yes" }

func (w wanted) flag(key string) *bool { return aws.Bool(w.yes(key)) }

// set gives a flag that is only said where it is set: not every engine takes it.
func (w wanted) set(key string) *bool {
	if !w.yes(key) {
		return nil
	}
	return aws.Bool(true)
}

// text gives a text, nil where there is none.
func (w wanted) text(key string) *string {
	if w[key] == "" {
		return nil
	}
	return aws.String(w[key])
}

// number gives a whole number, nil where there is none.
func (w wanted) number(key string) *int32 {
	n, err := strconv.ParseInt(w[key], 10, 32)
	if err != nil {
		return nil
	}
	return aws.Int32(int32(n))
}

func (w wanted) count(key string) int { return int(aws.ToInt32(w.number(key))) }

// list gives the parts of a list.
func (w wanted) list(key string) []string {
	if w[key] == "" {
		return nil
	}
	return strings.Split(w[key], ",")
}

// release names the version as ElastiCache takes it: from version 6 of Redis OSS on,
// and of Valkey, without the patch, which is ElastiCache's affair (Amazon ElastiCache
// User Guide, "Supported engines and versions").
func release(w wanted) string {
	part := strings.Split(w["version"], ".")
	major, err := strconv.Atoi(part[0])
	if err != nil || len(part) < 3 || w["engine"] == "redis" && major < 6 {
		return w["version"]
	}
	return part[0] + "." + part[1]
}

// shardSetting is one shard as it was captured.
type shardSetting struct {
	id, slots string
	replicas  int
}

// shardsOf gives the shards of a group.
func shardsOf(w wanted) []shardSetting {
	slots, replicas := w.list("slots"), w.list("replicas")
	out := make([]shardSetting, max(1, w.count("shards"), len(slots)))
	for i := range out {
		if i < len(slots) {
			id, ranges, _ := strings.Cut(slots[i], ":")
			out[i].id, out[i].slots = id, strings.ReplaceAll(ranges, "_", ",")
		}
		if len(replicas) > 0 { // One number stands for all shards.
			out[i].replicas, _ = strconv.Atoi(replicas[min(i, len(replicas)-1)])
		}
	}
	return out
}

// nodesOf says how many nodes a cache has.
func nodesOf(w wanted) int {
	if w["form"] != formGroup {
		return max(1, w.count("nodes"))
	}
	n := 0
	for _, s := range shardsOf(w) {
		n += 1 + s.replicas
	}
	return n
}

// zonesFor spreads a shard's nodes over the zones that the cache had, so that all of
// them are used. Which node was where is not captured.
func zonesFor(w wanted, shard, nodes int) []string {
	zones := w.list("zones")
	if len(zones) == 0 {
		return nil
	}
	out := make([]string, nodes)
	for i := range out {
		out[i] = zones[(shard+i)%len(zones)]
	}
	return out
}

// logRequests gives what is to be logged where. Each is a type, a format, a kind of
// destination and a name.
func logRequests(w wanted) []types.LogDeliveryConfigurationRequest {
	var out []types.LogDeliveryConfigurationRequest
	for _, text := range w.list("logs") {
		part := strings.SplitN(text, " ", 4)
		if len(part) != 4 {
			continue
		}
		to := &types.DestinationDetails{}
		if types.DestinationType(part[2]) == types.DestinationTypeKinesisFirehose {
			to.KinesisFirehoseDetails = &types.KinesisFirehoseDestinationDetails{DeliveryStream: aws.String(part[3])}
		} else {
			to.CloudWatchLogsDetails = &types.CloudWatchLogsDestinationDetails{LogGroup: aws.String(part[3])}
		}
		out = append(out, types.LogDeliveryConfigurationRequest{
			LogType: types.LogType(part[0]), LogFormat: types.LogFormat(part[1]), DestinationType: types.DestinationType(part[2]),
			DestinationDetails: to, Enabled: aws.Bool(true),
		})
	}
	return out
}

// limitsOf gives the limits of a serverless cache; nil where it has none.
func limitsOf(w wanted) *types.CacheUsageLimits {
	out := &types.CacheUsageLimits{}
	if w["min-gb"]+w["max-gb"] != "" {
		out.DataStorage = &types.DataStorage{Unit: types.DataStorageUnitGb, Minimum: w.number("min-gb"), Maximum: w.number("max-gb")}
	}
	if w["min-ecpu"]+w["max-ecpu"] != "" {
		out.ECPUPerSecond = &types.ECPUPerSecond{Minimum: w.number("min-ecpu"), Maximum: w.number("max-ecpu")}
	}
	if out.DataStorage == nil && out.ECPUPerSecond == nil {
		return nil
	}
	return out
}

// described gives the description that a cache is to have in the end; a group has to
// have one.
func described(w wanted, name string) string {
	if w["form"] == formServerless {
		return w["description"]
	}
	return cmp.Or(w["description"], name)
}
