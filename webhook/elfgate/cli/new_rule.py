"""``elfgate rules new NAME``: a rule of one's own to begin with, and its test."""

import re
from pathlib import Path

from elfgate.errors import InputError

_NAME = re.compile(r"[a-z][a-z0-9_]*")

_RULE = """\
# METADATA
# title: In a few words, what the rule finds
# description: What that means, in a sentence.
# custom:
#   remedy: what to do about it
#   looks_at: [namespaces, image_names]
#   parameters: {{registries: [registry.example/]}}
package elfgate.rules.{name}

# What the settings say (policies.parameters.{name}), or else what stands above.
given := data.elfgate.config.parameters.{name}

findings contains finding if {{
	input.request.namespace == "prod"
	some container in input.containers
	not allowed(container)
	finding := {{
		"container": container.name,
		"message": concat("", [container.repository, " is of no registry that is allowed here"]),
		"remedy": "push it to a registry of ours",
	}}
}}

allowed(container) if {{
	some registry in given.registries
	startswith(container.repository, registry)
}}
"""

_TEST = """\
package elfgate.rules.{name}_test

import data.elfgate.lib.sample

in_namespace(name) := json.patch(
	sample.document(["amd64"], [sample.starts("web", "amd64")]),
	[{{"op": "replace", "path": "/request/namespace", "value": name}}],
)

test_an_image_of_another_registry_is_denied_in_prod if {{
	verdict := data.elfgate.main.verdict with input as in_namespace("prod")
	[denial.code | some denial in verdict.denials] == ["{name}"]
}}

test_it_is_let_in_elsewhere if {{
	verdict := data.elfgate.main.verdict with input as in_namespace("shop")
	verdict.allowed
}}
"""


def write(name: str, folder: Path) -> list[Path]:
    """Write a rule and its test into a folder.

    Returns:
        The files.

    Raises:
        InputError: if the name is none for a rule, or a file is there already or cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name for a rule: lower-case letters, digits and _")
    texts = {f"{name}.rego": _RULE, f"{name}_test.rego": _TEST}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, template in texts.items():
            with (folder / file).open("x", encoding="utf-8") as stream:
                stream.write(template.format(name=name))
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from None
    return [folder / file for file in texts]
