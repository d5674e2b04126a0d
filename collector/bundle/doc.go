// Package bundle is a Source over files (CSV, XLSX) for clouds that only
// export: it reads and writes bundle folders.
//
// # The folder
//
//	inventory.csv              one row a resource; or inventory.xlsx
//	instance_types.csv         optional: the sizes on offer; or .xlsx, or a sheet of that name in inventory.xlsx
//	samples/RESOURCE_ID.csv    optional, one a resource; or .csv.gz, or .xlsx
//
// CSV files are UTF-8, with or without byte-order mark; GB18030 (and so GBK) is
// recognised and decoded. LF or CRLF, cells quoted or not. A workbook's sheet
// is the one named like the file, else the first; its cells are read as stored,
// so times must be text or Unix seconds: a date cell has no time zone.
//
// # Rules
//
//   - An empty cell is missing, never zero. A missing kind is instance; every
//     other missing field stays unknown, except that an instance takes its size
//     from instance_types and its storage from the disks attached to it where
//     its own row leaves them out.
//   - Columns of the inventory that are not known become Attributes under their
//     name, columns named tag:KEY become Tags. Prices depend on three of them:
//     internet_charge_type (PayByTraffic in any case of letters) and
//     bandwidth_package_id of an address, storage_category of an instance.
//   - Of the inventory every mistake is reported at once (see sheet.Mistakes) and
//     nothing is read until all are gone.
//   - A sample file is read wholly or not at all: one bad row refuses the file,
//     its resource is then Failed with file, line and column named, and the
//     others go on. Half a file would look like a machine that fell idle.
//   - Of several rows with one timestamp the last row that has a value counts,
//     as in the history store. Rows may stand in any order.
//   - The columns of samples are timestamp and the metrics of package cloud. One
//     of an optional metric (steal_percent) is missed nowhere.
//   - Percentages outside 0 to 100, negative rates and numbers that are not
//     finite are refused. Timestamps are Unix seconds or RFC 3339, whole
//     seconds, of the years 2000 to 2099.
//
// # Caveats
//
// A listing is complete for the (account, region, kind) combinations that have
// at least one row; a bundle says nothing of others, so the last resource of a
// combination is never taken for released. The cloud's name is not in the
// bundle: the configuration gives it.
package bundle
