package aurora

import "github.com/holdfast-dr/holdfast/internal/store"

// Bound says which settings of a cluster and of its members name what another account
// or Region does not have.
func (*Driver) Bound() map[string]store.Binding {
	monitor, member := []string{"monitor"}, []string{memberKey + "monitor"}
	return map[string]store.Binding{
		"subnets":                  {To: store.ByName},
		"security":                 {To: store.ByID},
		"parameters":               {To: store.ByName},
		"options":                  {To: store.ByName},
		"zones":                    {To: store.ToZone},
		"key":                      {To: store.ToCopyKey},
		"insights-key":             {To: store.ToKey},
		"activity-key":             {To: store.ToKey},
		"secret-key":               {To: store.ToKey},
		"monitor-role":             {To: store.ByARN, With: monitor},
		"roles":                    {To: store.ByARN},
		"directory":                {To: store.ByID, With: []string{"directory-role"}},
		"directory-role":           {To: store.ByName},
		"global":                   {To: store.ToPlace},
		"replica-of":               {To: store.ToPlace},
		"replicas":                 {To: store.ToPlace},
		memberKey + "zone":         {To: store.ToZone},
		memberKey + "parameters":   {To: store.ByName},
		memberKey + "insights-key": {To: store.ToKey},
		memberKey + "monitor-role": {To: store.ByARN, With: member},
	}
}
