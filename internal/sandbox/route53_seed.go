package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// SeedZone is a hosted zone of Route 53.
type SeedZone struct {
	ID      string       `yaml:"id"`
	Private bool         `yaml:"private"`
	Records []SeedRecord `yaml:"records"`
}

// SeedRecord is a record of a zone: with Values, or an Alias of a name in another zone.
type SeedRecord struct {
	Name   string   `yaml:"name"`
	Type   string   `yaml:"type"`
	TTL    int      `yaml:"ttl"` // Seconds; 300 when left out.
	Values []string `yaml:"values"`
	// Set and Weight are those of a weighted record.
	Set       string `yaml:"set"`
	Weight    *int   `yaml:"weight"`
	Alias     string `yaml:"alias"`
	AliasZone string `yaml:"alias-zone"`
}

func (d SeedRecord) record() dnsRecord {
	x := dnsRecord{name: domain(d.Name), kind: or(d.Type, "CNAME"), set: d.Set, weight: d.Weight, values: slices.Clone(d.Values)}
	if d.Alias != "" {
		x.alias = &dnsAlias{zone: d.AliasZone, name: domain(d.Alias)}
		return x
	}
	ttl := d.TTL
	if ttl == 0 {
		ttl = 300
	}
	x.ttl = &ttl
	return x
}

// check says what is wrong with a zone.
func (z SeedZone) check(name string) error {
	if name == "" {
		return errors.New("the name of a zone is missing")
	}
	in := &hostedZone{name: domain(name)}
	var all []dnsRecord
	for _, d := range z.Records {
		var err error
		if all, err = (recordChange{"CREATE", d.record()}).apply(in, all); err != nil {
			return err
		}
	}
	return nil
}

func (s *route53State) seed(account string, zones map[string]SeedZone, now time.Time) error {
	for _, name := range slices.Sorted(maps.Keys(zones)) {
		if _, err := s.seedZone(account, name, zones[name], now); err != nil {
			return fmt.Errorf("zone %s: %w", name, err)
		}
	}
	return nil
}

func (s *route53State) seedZone(account, name string, in SeedZone, now time.Time) (string, error) {
	if _, err := s.zone(account, in.ID, now); err == nil {
		return "", errors.New("there is one of this id already")
	}
	born := now.Add(-remembered)
	z := s.addZone(account, in.ID, name, in.Private, born)
	all := z.records.get(now)
	for _, d := range in.Records {
		all = append(slices.Clone(all), d.record())
	}
	z.records.set(born, all)
	z.served.set(born, all)
	return z.id, nil
}

// PutZone makes a hosted zone exist, as a seed does, and gives its id.
func (a *AWS) PutZone(account, name string, in SeedZone) (string, error) {
	err := in.check(name)
	if err == nil && !isAccountID(account) {
		err = fmt.Errorf("%q is not an account id of 12 digits", account)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	id := ""
	if err == nil {
		id, err = a.route53.seedZone(account, name, in, a.now())
	}
	if err != nil {
		return "", fmt.Errorf("zone %s of %s: %w", name, account, err)
	}
	return id, nil
}

// PutRecord puts a record into a hosted zone, in the place of one that there is, as
// others who look after the zone may do at any time.
func (a *AWS) PutRecord(account, zone string, in SeedRecord) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	z, err := a.route53.zone(account, zone, now)
	if err != nil {
		return fmt.Errorf("record %s in zone %s of %s: %w", in.Name, zone, account, plain(err))
	}
	all, err := (recordChange{"UPSERT", in.record()}).apply(z, z.records.get(now))
	if err != nil {
		return fmt.Errorf("record %s in zone %s of %s: %w", in.Name, zone, account, err)
	}
	z.records.set(now, all)
	z.served.set(now, all)
	return nil
}
