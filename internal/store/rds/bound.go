package rds

import "github.com/holdfast-dr/holdfast/internal/store"

// Bound says which settings name what another account or Region does not have.
func (*Driver) Bound() map[string]store.Binding {
	return map[string]store.Binding{
		"subnets":          {To: store.ByName},
		"security":         {To: store.ByID},
		"parameters":       {To: store.ByName},
		"options":          {To: store.ByName},
		"zone":             {To: store.ToZone},
		"secondary-zone":   {To: store.ToZone},
		"key":              {To: store.ToCopyKey},
		"insights-key":     {To: store.ToKey},
		"secret-key":       {To: store.ToKey},
		"monitor-role":     {To: store.ByARN, With: []string{"monitor"}},
		"roles":            {To: store.ByARN},
		"directory":        {To: store.ByID, With: []string{"directory-role", "directory-name", "directory-unit", "directory-secret", "directory-dns"}},
		"directory-role":   {To: store.ByName},
		"directory-secret": {To: store.ByARN},
		"tde":              {To: store.ByARN},
		"custom-profile":   {To: store.ByName},
		"reservation":      {To: store.ToPlace},
		"replica-of":       {To: store.ToPlace},
		"replicas":         {To: store.ToPlace},
	}
}
