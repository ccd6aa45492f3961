# Written by `make docs` from the folders in policies/rules.
package elfgate.main

found["command_missing"] := data.elfgate.rules.command_missing.findings

found["command_not_executable"] := data.elfgate.rules.command_not_executable.findings

found["cpu_level"] := data.elfgate.rules.cpu_level.findings

found["exec_format"] := data.elfgate.rules.exec_format.findings

found["kernel_too_old"] := data.elfgate.rules.kernel_too_old.findings

found["library_mismatch"] := data.elfgate.rules.library_mismatch.findings

found["library_missing"] := data.elfgate.rules.library_missing.findings

found["linkage_unknown"] := data.elfgate.rules.linkage_unknown.findings

found["loader_mismatch"] := data.elfgate.rules.loader_mismatch.findings

found["loader_missing"] := data.elfgate.rules.loader_missing.findings

found["page_size"] := data.elfgate.rules.page_size.findings

found["platform_label_wrong"] := data.elfgate.rules.platform_label_wrong.findings

found["platform_missing"] := data.elfgate.rules.platform_missing.findings

found["script_interpreter_missing"] := data.elfgate.rules.script_interpreter_missing.findings

found["symbol_missing"] := data.elfgate.rules.symbol_missing.findings

found["symbol_version_missing"] := data.elfgate.rules.symbol_version_missing.findings
