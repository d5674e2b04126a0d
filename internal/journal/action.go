package journal

import "regexp"

// Actions. What was done and what failed are actions of their own, so that
// either can be looked for by name.
const (
	InventoryStored   = "inventory.stored"
	InventoryImported = "inventory.imported"
	CollectionDone    = "collection.done"
	CollectionFailed  = "collection.failed"
	ImportDone        = "import.done"
	ImportFailed      = "import.failed"

	BillsImported  = "bills.imported"
	BillsFetched   = "bills.fetched"
	BillsFailed    = "bills.failed" // were not fetched
	OwnersImported = "owners.imported"
	OwnerAssigned  = "owner.assigned"

	CasesSynced     = "cases.synced"
	CasesStepped    = "cases.stepped"
	CasesRefused    = "cases.refused"
	CasesTold       = "cases.told" // people of what happened to them, or is due
	NoticeIssued    = "notice.issued"
	NoticeRefused   = "notice.refused"
	NoticeAnswered  = "notice.answered"
	AnswerRefused   = "notice.answer_refused"
	DocumentKept    = "document.kept"
	NoticeCorrected = "notice.corrected"
	NoticePrinted   = "notice.printed"
	DocumentRead    = "document.read"

	MessageRetried = "message.retried"
	MessageDropped = "message.dropped"
	MessageRefused = "message.refused" // to be retried or dropped

	AuditDone     = "audit.done"
	AuditFailed   = "audit.failed"
	AuditsPruned  = "audits.pruned"
	PolicyChanged = "policy.changed" // between two audits
	PricesChanged = "prices.changed"
	ConfigChanged = "config.changed"

	ReportExported      = "report.exported" // into a file
	ReportFailed        = "report.failed"
	JournalExported     = "journal.exported"
	JournalExportFailed = "journal.export_failed"

	BackedUp      = "data.backed_up"
	BackupFailed  = "data.backup_failed"
	Restored      = "data.restored"
	Compacted     = "data.compacted"
	CompactFailed = "data.compact_failed"

	ServeStarted   = "serve.started"
	ServeStopped   = "serve.stopped"
	ConfigReloaded = "config.reloaded"
	ConfigRefused  = "config.refused"
)

// Keys of details that Yunjian itself reads again.
const (
	DetailSHA256  = "sha256"           // of the object, as it was stored or exported
	DetailPrices  = "prices_sha256"    // of the price book's text
	DetailConfig  = "config_sha256"    // of the configuration's text
	DetailFrom    = "from"             // what it was before
	DetailTo      = "to"               // what it is now
	DetailVersion = "program_version"  // of the program
	DetailSkipped = "since_last_entry" // how many like runs were not journalled one by one
)

// actionName is the form of an action.
var actionName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}(\.[a-z][a-z0-9_]{0,31}){1,3}$`)
