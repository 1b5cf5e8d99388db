package sandbox

import "strings"

func ssmService(s *ssmState) *service {
	return &service{
		name: "ssm", json: true, resource: ssmResource,
		known: "DescribeParameters GetParameterHistory GetParametersByPath LabelParameterVersion UnlabelParameterVersion " +
			"AddTagsToResource ListTagsForResource RemoveTagsFromResource SendCommand StartAutomationExecution",
		operations: map[string]operation{
			"PutParameter":     writes(s.putParameter),
			"GetParameter":     reads(s.getParameter),
			"GetParameters":    reads(s.getParameters),
			"DeleteParameter":  writes(s.deleteParameter),
			"DeleteParameters": writes(s.deleteParameters),
		},
	}
}

// ssmResource names what a call is about, as messages about permissions do.
func ssmResource(r *request) string {
	v := r.params.values
	name := or(v.Get("Name"), or(v.Get("Names.member.1"), "*"))
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return "arn:aws:ssm:" + r.region + ":" + r.who.account + ":parameter/" + strings.TrimPrefix(name, "/")
}
