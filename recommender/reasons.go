package recommender

// Codes of the reasons in refusals, beside those of the finding. Those of a CPU that is
// not made smaller also stand in advice that makes the memory smaller alone.
const (
	CodePadding          = "suspected_padding"     // for people to check first
	CodeExempt           = "exempt"                // excused: the finding says until when
	CodeGPU              = "gpu"                   // GPU use is not measured, and such types have no smaller sibling
	CodeLocalDisk        = "local_disk"            // disks of the host itself: such a machine cannot be resized
	CodeRefusedFamily    = "refused_family"        // the policy never touches this family; Detail: the family
	CodeSizeUnknown      = "size_unknown"          // the source gives no vCPU or memory
	CodeTypeUnknown      = "type_not_in_catalogue" // nothing is known of the instance type; Detail: the type
	CodeMemoryUnknown    = "memory_unknown"        // memory may not be reduced unseen, and no size reduces the CPU alone
	CodeCPUWithheld      = "cpu_withheld"          // the hypervisor withheld CPU: the machine wanted more than it shows
	CodeCPUCapped        = "cpu_capped"            // a burstable machine whose CPU piles up at its maximum, as without credits; Detail: the maximum, percent
	CodeNoSmallerSize    = "no_smaller_size"       // no allowed size keeps the policy's limits, step and floor
	CodeNoLargerSize     = "no_larger_size"        // no allowed size relieves the machine
	CodeTooRisky         = "too_risky"             // even the least risky size or the release is likelier to harm than any one machine may be
	CodeRiskBudget       = "risk_budget"           // the policy's risk budget saves more elsewhere
	CodeKin              = "kin"                   // as many machines as may be of its kin, which may wake up together, are touched already
	CodeNoSaving         = "no_saving"             // every size that fits costs as much or more
	CodeHAGroup          = "ha_group"              // peers of a high-availability group are treated alike or not at all; Detail: the group
	CodeWithinAllowance  = "within_allowance"      // the department's idle share is within what the policy allows
	CodeStorageMigration = "storage_migration"     // accompanies a smaller disk: the data must move
)

// Codes lists the codes above.
func Codes() []string {
	return []string{
		CodePadding, CodeExempt, CodeGPU, CodeLocalDisk, CodeRefusedFamily, CodeSizeUnknown, CodeTypeUnknown, CodeMemoryUnknown,
		CodeCPUWithheld, CodeCPUCapped, CodeNoSmallerSize, CodeNoLargerSize, CodeNoSaving, CodeTooRisky, CodeRiskBudget, CodeKin, CodeHAGroup, CodeWithinAllowance, CodeStorageMigration,
	}
}
