"""How a release was made, as an in-toto statement with SLSA provenance v1.

Source: in-toto attestation v1.
"""

from collections.abc import Mapping
from typing import Any

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
_BUILD_TYPE = "urn:elfgate:make-release:v1"


def statement(subjects: Mapping[str, str], *, commit: str, version: str) -> dict[str, Any]:
    """The statement about some subjects.

    Args:
        subjects: Their digests (``sha256:…``) by name.
        commit: The commit that they were made of.
        version: The version.
    """
    return {
        "_type": STATEMENT,
        "subject": [
            {"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}}
            for name, digest in sorted(subjects.items())
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD_TYPE,
                "externalParameters": {"version": version},
                "resolvedDependencies": [
                    {"uri": "git+elfgate", "digest": {"gitCommit": commit}},
                ],
            },
            "runDetails": {"builder": {"id": "urn:elfgate:make-release:local"}},
        },
    }
