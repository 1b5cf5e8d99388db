package elasticache

import "github.com/holdfast-dr/holdfast/internal/store"

// Bound says which settings name what another account or Region does not have. Of a
// serverless cache the subnets are identifiers; else they are the name of a group.
func (*Driver) Bound() map[string]store.Binding {
	return map[string]store.Binding{
		"subnets":     {To: store.ByName},
		"security":    {To: store.ByID},
		"parameters":  {To: store.ByName},
		"user-groups": {To: store.ByName},
		"zones":       {To: store.ToZone},
		"key":         {To: store.ToKey},
		"topic":       {To: store.ByARN},
		"logs":        {To: store.ByName},
		"outpost":     {To: store.ByARN},
		"global":      {To: store.ToPlace},
	}
}
