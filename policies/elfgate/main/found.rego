# Written by `make docs` from the folders in policies/rules.
package elfgate.main

own := {}

malformed := set()

shipped := {
	"command_missing": data.elfgate.rules.command_missing.findings,
	"command_not_executable": data.elfgate.rules.command_not_executable.findings,
	"cpu_level": data.elfgate.rules.cpu_level.findings,
	"exec_format": data.elfgate.rules.exec_format.findings,
	"kernel_too_old": data.elfgate.rules.kernel_too_old.findings,
	"latest_tag": data.elfgate.rules.latest_tag.findings,
	"library_mismatch": data.elfgate.rules.library_mismatch.findings,
	"library_missing": data.elfgate.rules.library_missing.findings,
	"linkage_unknown": data.elfgate.rules.linkage_unknown.findings,
	"loader_mismatch": data.elfgate.rules.loader_mismatch.findings,
	"loader_missing": data.elfgate.rules.loader_missing.findings,
	"page_size": data.elfgate.rules.page_size.findings,
	"platform_label_wrong": data.elfgate.rules.platform_label_wrong.findings,
	"platform_missing": data.elfgate.rules.platform_missing.findings,
	"script_interpreter_missing": data.elfgate.rules.script_interpreter_missing.findings,
	"support_matrix": data.elfgate.rules.support_matrix.findings,
	"symbol_missing": data.elfgate.rules.symbol_missing.findings,
	"symbol_version_missing": data.elfgate.rules.symbol_version_missing.findings,
	"unpinned_tag": data.elfgate.rules.unpinned_tag.findings,
}
