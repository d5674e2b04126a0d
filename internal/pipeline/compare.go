package pipeline

import (
	"context"

	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/policies"
)

// Compare says what would change of an audit as of o.Now if other took the place
// of o.Pack; settings are in what the two differ. Both judge on one read of the
// history, and nothing is stored.
func (d *Data) Compare(ctx context.Context, o AuditOptions, other policies.Pack, settings []policies.Setting) (audit.Comparison, error) {
	inventories, err := d.audited(o.Clouds)
	if err != nil {
		return audit.Comparison{}, err
	}
	if err := d.seenBy(ctx, inventories, o); err != nil {
		return audit.Comparison{}, err
	}
	audits, _, err := d.judge(ctx, inventories, o, o.Pack, other)
	if err != nil {
		return audit.Comparison{}, err
	}
	var resources []cloud.Resource
	for _, inv := range inventories {
		resources = append(resources, inv.Resources...)
	}
	return audit.Compare(audits[0], audits[1], resources, settings), nil
}
