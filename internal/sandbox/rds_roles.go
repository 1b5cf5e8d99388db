package sandbox

import (
	"slices"
	"strings"
	"time"
)

// maxRoles is how many roles a database or a cluster can have: Amazon RDS User Guide,
// "Quotas and constraints for Amazon RDS", IAM roles per DB instance and DB cluster.
const maxRoles = 5

// roleCall is what the four calls about roles ask for.
type roleCall struct{ role, feature string }

func readRole(r *request) (roleCall, error) {
	p := r.params
	q := roleCall{role: p.need("RoleArn"), feature: p.str("FeatureName")}
	if r.action == "AddRoleToDBInstance" || r.action == "RemoveRoleFromDBInstance" {
		q.feature = p.need("FeatureName")
	}
	if _, _, ok := parseRoleARN(q.role); !ok && p.err == nil {
		return q, invalidValue("Invalid role ARN: %s", q.role)
	}
	return q, nil
}

// roleFault makes an error about roles: of an instance "DBInstanceRole" and what is
// wrong, of a cluster "DBClusterRole".
func roleFault(of, what, format string, args ...any) error {
	return refuse(of+"Role"+what, format, args...)
}

// with gives the roles with one more, which is active after a while.
func (q roleCall) with(roles []dbRole, of string, active time.Time) ([]dbRole, error) {
	switch {
	case slices.ContainsFunc(roles, q.is):
		return nil, roleFault(of, "AlreadyExists", "Role ARN %s is already associated with feature %s.", q.role, q.feature)
	case len(roles) >= maxRoles:
		return nil, roleFault(of, "QuotaExceeded", "Cannot associate more than %d roles.", maxRoles)
	}
	return append(slices.Clone(roles), dbRole{q.feature, q.role, active}), nil
}

// without gives the roles with one less.
func (q roleCall) without(roles []dbRole, of string) ([]dbRole, error) {
	left := slices.DeleteFunc(slices.Clone(roles), q.is)
	if len(left) == len(roles) {
		return nil, notFound(of+"RoleNotFound", "Role ARN %s cannot be found for feature %s.", q.role, q.feature)
	}
	return left, nil
}

func (q roleCall) is(r dbRole) bool {
	return r.arn == q.role && strings.EqualFold(r.feature, q.feature)
}

func (s *rdsState) addRoleToDBInstance(r *request) (any, error) {
	return s.changeInstanceRoles(r, func(q roleCall, roles []dbRole) ([]dbRole, error) {
		return q.with(roles, "DBInstance", r.now.Add(s.aws.options.Durations.Configure.Base))
	})
}

func (s *rdsState) removeRoleFromDBInstance(r *request) (any, error) {
	return s.changeInstanceRoles(r, func(q roleCall, roles []dbRole) ([]dbRole, error) {
		return q.without(roles, "DBInstance")
	})
}

// changeInstanceRoles changes the roles of a database.
//
// Amazon RDS API Reference, AddRoleToDBInstance: "the status of the DB instance must be
// available. This command doesn't apply to RDS Custom."
func (s *rdsState) changeInstanceRoles(r *request, change func(roleCall, []dbRole) ([]dbRole, error)) (any, error) {
	q, err := readRole(r)
	d, findErr := s.namedInstance(r)
	if err := firstError(findErr, err); err != nil {
		return nil, err
	}
	if !d.status.in(r.now, statusAvailable) {
		return nil, refuse("InvalidDBInstanceState", "Database instance is not in available state.")
	}
	roles, err := change(q, d.config.get(r.now).roles)
	if err != nil {
		return nil, err
	}
	amend(&d.config, r.now, func(c dbConfig) dbConfig {
		c.roles = roles
		return c
	})
	return nil, nil
}

func (s *rdsState) addRoleToDBCluster(r *request) (any, error) {
	return s.changeClusterRoles(r, func(q roleCall, roles []dbRole) ([]dbRole, error) {
		return q.with(roles, "DBCluster", r.now.Add(s.aws.options.Durations.Configure.Base))
	})
}

func (s *rdsState) removeRoleFromDBCluster(r *request) (any, error) {
	return s.changeClusterRoles(r, func(q roleCall, roles []dbRole) ([]dbRole, error) {
		return q.without(roles, "DBCluster")
	})
}

func (s *rdsState) changeClusterRoles(r *request, change func(roleCall, []dbRole) ([]dbRole, error)) (any, error) {
	q, err := readRole(r)
	cl, findErr := s.namedDBCluster(r, r.now)
	if err := firstError(findErr, err); err != nil {
		return nil, err
	}
	if !cl.status.in(r.now, statusAvailable) {
		return nil, dbClusterState("The DB cluster %s is not in available state.", cl.config.get(r.now).name)
	}
	roles, err := change(q, cl.config.get(r.now).roles)
	if err != nil {
		return nil, err
	}
	amend(&cl.config, r.now, func(c dbClusterConfig) dbClusterConfig {
		c.roles = roles
		return c
	})
	return nil, nil
}
