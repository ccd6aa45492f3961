"""Whether policies look at what the judged object is called: if not, one verdict is right for any name.

Pods of the same images in the same namespace differ in nothing else that policies are told. That a bundle does not look
is read off its text, so that it is certain: whatever could be such a look counts as one.
"""

import re

from elfgate.policy.bundle import Bundle, shipped

_EXEMPTIONS = "lib/exemptions/exemptions.rego"
_INPUT = re.compile(r"\binput\b")
_NOT_THE_NAME = re.compile(r"\.(?!request\b)[a-z_]+\b|\.request\.(?!name\b)[a-z_]+\b")
_LEFT_OUT = 'object.get(input.request, "without", [])'  # the aggregator's (policy.bundle)


def matter(bundle: Bundle) -> bool:
    """Whether a verdict of a bundle may depend on ``request.name``."""
    return any(
        _looks(text)
        for path, text in bundle.modules.items()
        if not _exempts_any_name(bundle, path, text)
    )


def _looks(text: str) -> bool:
    text = text.replace(_LEFT_OUT, "")
    return any(not _NOT_THE_NAME.match(text, found.end()) for found in _INPUT.finditer(text))


def _exempts_any_name(bundle: Bundle, path: str, text: str) -> bool:
    """Whether it is elfgate's own module of exemptions, and each exemption is for workloads of any name."""
    if path != _EXEMPTIONS or text != (shipped() / path).read_text("utf-8"):
        return False
    exemptions = bundle.data["elfgate"]["config"].get("exemptions", ())
    return all(exemption["workload"] == "*" for exemption in exemptions)
