# Written by `make docs` from the folders in policies/rules.
package elfgate.main

own := {}

malformed := {}

shipped := object.union(others, taken)

taken := predicted if count(by_code) > 0

default taken := {}

by_code := data.elfgate.lib.found.by_code

others := {
	"latest_tag": data.elfgate.rules.latest_tag.findings,
	"linkage_unknown": data.elfgate.rules.linkage_unknown.findings,
	"support_matrix": data.elfgate.rules.support_matrix.findings,
	"unpinned_tag": data.elfgate.rules.unpinned_tag.findings,
}

predicted["addon_mismatch"] := data.elfgate.rules.addon_mismatch.findings if by_code.addon_mismatch

predicted["arguments_too_long"] := data.elfgate.rules.arguments_too_long.findings if by_code.arguments_too_long

predicted["command_missing"] := data.elfgate.rules.command_missing.findings if by_code.command_missing

predicted["command_not_executable"] := data.elfgate.rules.command_not_executable.findings if by_code.command_not_executable

predicted["cpu_level"] := data.elfgate.rules.cpu_level.findings if by_code.cpu_level

predicted["exec_format"] := data.elfgate.rules.exec_format.findings if by_code.exec_format

predicted["image_volume"] := data.elfgate.rules.image_volume.findings if by_code.image_volume

predicted["kernel_too_old"] := data.elfgate.rules.kernel_too_old.findings if by_code.kernel_too_old

predicted["library_mismatch"] := data.elfgate.rules.library_mismatch.findings if by_code.library_mismatch

predicted["library_missing"] := data.elfgate.rules.library_missing.findings if by_code.library_missing

predicted["loader_mismatch"] := data.elfgate.rules.loader_mismatch.findings if by_code.loader_mismatch

predicted["loader_missing"] := data.elfgate.rules.loader_missing.findings if by_code.loader_missing

predicted["page_size"] := data.elfgate.rules.page_size.findings if by_code.page_size

predicted["platform_label_wrong"] := data.elfgate.rules.platform_label_wrong.findings if by_code.platform_label_wrong

predicted["platform_missing"] := data.elfgate.rules.platform_missing.findings if by_code.platform_missing

predicted["probe_cannot_start"] := data.elfgate.rules.probe_cannot_start.findings if by_code.probe_cannot_start

predicted["run_as_root"] := data.elfgate.rules.run_as_root.findings if by_code.run_as_root

predicted["script_interpreter_missing"] := data.elfgate.rules.script_interpreter_missing.findings if by_code.script_interpreter_missing

predicted["symbol_missing"] := data.elfgate.rules.symbol_missing.findings if by_code.symbol_missing

predicted["symbol_version_missing"] := data.elfgate.rules.symbol_version_missing.findings if by_code.symbol_version_missing

predicted["user_missing"] := data.elfgate.rules.user_missing.findings if by_code.user_missing
