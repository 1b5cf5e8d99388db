package redshift

import "github.com/holdfast-dr/holdfast/internal/store"

// Bound says which settings of clusters and namespaces name what another account or
// Region does not have. Subnets and parameters are names of groups with clusters; with
// namespaces they are identifiers, and plain values.
func (*Driver) Bound() map[string]store.Binding {
	return map[string]store.Binding{
		"subnets":      {To: store.ByName},
		"vpc":          {To: store.ToPlace},
		"security":     {To: store.ByID},
		"classic":      {To: store.ByName},
		"parameters":   {To: store.ByName},
		"zone":         {To: store.ToZone},
		"elastic-ip":   {To: store.ToPlace},
		"key":          {To: store.ToCopyKey},
		"secret-key":   {To: store.ToKey},
		"roles":        {To: store.ByARN},
		"default-role": {To: store.ByARN},
		"schedule":     {To: store.ByName},
		"certificate":  {To: store.ByARN, With: []string{"domain"}},
		"log-bucket":   {To: store.ByID, With: []string{"logging", "log-prefix", "log-exports"}},
		"copy-region":  {To: store.ToPlace, With: []string{"copy-days", "copy-manual-days", "copy-grant"}},
	}
}
