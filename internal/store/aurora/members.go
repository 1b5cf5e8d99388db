package aurora

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// member is one instance of a cluster: its identifier, and what CreateDBInstance has
// to be told to make it again.
type member struct {
	id       string
	settings map[string]string
}

// membersOf gives a cluster's members, the writer first. Of one that was not among
// the instances, since it came after they were listed, only what the cluster tells
// is known.
func membersOf(c *types.DBCluster, instances map[string]*types.DBInstance) []member {
	list := slices.Clone(c.DBClusterMembers)
	slices.SortFunc(list, func(a, b types.DBClusterMember) int {
		if w := aws.ToBool(a.IsClusterWriter); w != aws.ToBool(b.IsClusterWriter) {
			if w {
				return -1
			}
			return 1
		}
		return strings.Compare(aws.ToString(a.DBInstanceIdentifier), aws.ToString(b.DBInstanceIdentifier))
	})
	out := make([]member, 0, len(list))
	for _, m := range list {
		id, s := aws.ToString(m.DBInstanceIdentifier), map[string]string{}
		if in := instances[id]; in != nil {
			s = memberSettings(in)
		}
		if m.PromotionTier != nil { // 0 is the first to be promoted.
			s["tier"] = strconv.Itoa(int(*m.PromotionTier))
		}
		maps.DeleteFunc(s, func(_, v string) bool { return v == "" })
		out = append(out, member{id, s})
	}
	return out
}

func memberSettings(in *types.DBInstance) map[string]string {
	groups := make([]string, 0, len(in.DBParameterGroups))
	for _, g := range in.DBParameterGroups {
		groups = append(groups, aws.ToString(g.DBParameterGroupName))
	}
	return map[string]string{
		"class":         aws.ToString(in.DBInstanceClass),
		"zone":          aws.ToString(in.AvailabilityZone),
		"parameters":    rdsapi.List(groups),
		"public":        rdsapi.Flag(in.PubliclyAccessible),
		"ca":            aws.ToString(in.CACertificateIdentifier),
		"maintenance":   aws.ToString(in.PreferredMaintenanceWindow),
		"minor-upgrade": rdsapi.Flag(in.AutoMinorVersionUpgrade),
		"monitor":       rdsapi.Number(in.MonitoringInterval),
		"monitor-role":  aws.ToString(in.MonitoringRoleArn),
		"insights":      rdsapi.Flag(in.PerformanceInsightsEnabled),
		"insights-days": rdsapi.Number(in.PerformanceInsightsRetentionPeriod),
		"insights-key":  aws.ToString(in.PerformanceInsightsKMSKeyId),
		"insights-mode": string(in.DatabaseInsightsMode),
		"tags":          tagText(rdsapi.PlainTags(in.TagList).Lasting()),
	}
}

// tagText writes a member's own tags; AWS's are not ours to set, and a restore's marks not
// to keep.
func tagText(tags map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		if !strings.HasPrefix(k, "aws:") {
			out = append(out, k+"="+tags[k])
		}
	}
	return strings.Join(out, "\n")
}

const (
	// memberList is the key of the members' identifiers, the writer first.
	memberList = "members"
	// memberKey starts the keys of what members are: "member.class" holds for all
	// but those that say otherwise, such as the third in "member.2.class".
	memberKey = "member."
	// none stands for a setting that all but this member have.
	none = "-"
)

// encodeMembers writes what most members have in common once: sixteen of them, each
// with all its settings, would not fit the tags of a snapshot.
func encodeMembers(list []member) map[string]string {
	if len(list) == 0 {
		return nil
	}
	out, ids, keys := map[string]string{}, make([]string, len(list)), map[string]bool{}
	for i, m := range list {
		ids[i] = m.id
		for k := range m.settings {
			keys[k] = true
		}
	}
	out[memberList] = strings.Join(ids, ",")
	for k := range keys {
		common := commonest(list, k)
		out[memberKey+k] = common
		for i, m := range list {
			switch v := m.settings[k]; v {
			case common:
			case "":
				out[memberKey+strconv.Itoa(i)+"."+k] = none
			default:
				out[memberKey+strconv.Itoa(i)+"."+k] = v
			}
		}
	}
	return out
}

// commonest gives the value that most members have; of several the first in order.
func commonest(list []member, key string) string {
	count, best := map[string]int{}, ""
	for _, m := range list {
		count[m.settings[key]]++
	}
	for _, v := range slices.Sorted(maps.Keys(count)) {
		if count[v] > count[best] {
			best = v
		}
	}
	return best
}

// decodeMembers reads what encodeMembers wrote, for a restore.
func decodeMembers(settings map[string]string) []member {
	if settings[memberList] == "" {
		return nil
	}
	ids := strings.Split(settings[memberList], ",")
	out := make([]member, len(ids))
	common := map[string]string{}
	for k, v := range settings {
		if rest, ok := strings.CutPrefix(k, memberKey); ok && !strings.Contains(rest, ".") {
			common[rest] = v
		}
	}
	for i, id := range ids {
		own := maps.Clone(common)
		for k, v := range settings {
			if rest, ok := strings.CutPrefix(k, memberKey+strconv.Itoa(i)+"."); ok {
				own[rest] = v
			}
		}
		maps.DeleteFunc(own, func(_, v string) bool { return v == none || v == "" })
		out[i] = member{id, own}
	}
	return out
}
