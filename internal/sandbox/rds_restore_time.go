package sandbox

import "time"

// restoreDBInstanceToPointInTime makes a new database of what another was like at a
// moment that its automated backups cover.
//
// Amazon RDS API Reference, RestoreDBInstanceToPointInTime. Amazon RDS User Guide,
// "Restoring a DB instance to a specified time": the latest time is typically within
// the last five minutes.
func (s *rdsState) restoreDBInstanceToPointInTime(r *request) (any, error) {
	p := r.params
	name := p.need("TargetDBInstanceIdentifier")
	from, err := s.timeSource(r)
	if err := firstError(p.err, err); err != nil {
		return nil, err
	}
	of := from.config.get(r.now)
	when, err := readMoment(p, "RestoreTime")
	switch {
	case err != nil:
		return nil, err
	case of.cluster != "":
		return nil, invalidValue("The specified instance is a member of a cluster. Use RestoreDBClusterToPointInTime instead.")
	case of.retention == 0:
		return nil, refuse("PointInTimeRestoreNotEnabled", "Point in time restore is not enabled for %s: its backups are off.", of.name)
	}
	if when, err = restorable(when, from.created, of.retention, r.now); err != nil {
		return nil, err
	}
	if err := s.mayUseKey(of.key, r); err != nil {
		return nil, err
	}
	c := restoredConfig(of, name)
	c.key = of.key
	return s.restoreInstance(r, restoredInstance{
		config: c, of: of, source: from.resource, where: from.place, data: DBData{Resource: from.resource, At: when},
	})
}

// timeSource finds the database whose past is to be restored.
func (s *rdsState) timeSource(r *request) (*dbInstance, error) {
	name, resource := r.params.str("SourceDBInstanceIdentifier"), r.params.str("SourceDbiResourceId")
	if (name == "") == (resource == "") {
		return nil, invalidCombination("Specify either SourceDBInstanceIdentifier or SourceDbiResourceId.")
	}
	g := s.region(r.place())
	if d, ok := g.instance(name, r.now); ok {
		return d, nil
	}
	for _, d := range g.instances {
		if d.resource == resource && d.exists(r.now) {
			return d, nil
		}
	}
	return nil, instanceNotFound(or(name, resource))
}

// readMoment reads the moment to restore, the zero time for the latest.
func readMoment(p *params, param string) (time.Time, error) {
	text, latest := p.str(param), p.isSet("UseLatestRestorableTime")
	if (text != "") == latest {
		return time.Time{}, invalidCombination("Specify either %s or UseLatestRestorableTime.", param)
	}
	if latest {
		return time.Time{}, nil
	}
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return when, refuse("MalformedInput", "Invalid value '%s' for the parameter %s: a timestamp is needed.", text, param)
	}
	return when, nil
}

// restorable says whether backups cover a moment. (The code of the refusal is inferred.)
func restorable(when, created time.Time, days int, now time.Time) (time.Time, error) {
	latest, earliest := now.Truncate(5*time.Minute), now.AddDate(0, 0, -days)
	if created.After(earliest) {
		earliest = created
	}
	if when.IsZero() {
		when = latest
	}
	if when.After(latest) || when.Before(earliest) {
		return when, invalidValue("The specified restore time %s is not between %s and %s.", stamp(when), stamp(earliest), stamp(latest))
	}
	return when, nil
}

// mayUseKey says why the caller cannot make storage under a key.
func (s *rdsState) mayUseKey(key string, r *request) error {
	if key == "" {
		return nil
	}
	if _, err := s.aws.keys.use(keyUse{r.who, "rds"}, r.region, key, r.now, "DescribeKey", "CreateGrant", "Decrypt"); err != nil {
		return keyNotAccessible("source", key)
	}
	return nil
}
