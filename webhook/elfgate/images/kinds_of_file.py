"""Words for what is taken for an image and is none."""

from collections.abc import Iterable

_MAGIC = (
    (b"\x7fELF", "an ELF file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"hsqs", "a squashfs file system"),
    (b"!<arch>\n", "an ar archive, such as a Debian package"),
    (b"\xed\xab\xee\xdb", "an RPM package"),
    (b"070701", "a cpio archive"),
    (b"QFI\xfb", "a virtual machine's disk"),
    (b"#!", "a script"),
    (b"{", "a JSON document"),
)
_ROOT = {"bin", "etc", "lib", "sbin", "usr", "var"}
_MEMBERS_LOOKED_AT = 1000
_ARCHIVES = (  # by the names at the top, the most telling first
    ({"index.json"}, "an OCI image layout", "write oci-archive:FILE"),
    (
        {"manifest.json", "version"},
        "a folder of skopeo's dir: form",
        "copy it with skopeo to oci-archive:FILE",
    ),
    ({"manifest.json"}, "what docker save writes", "write docker-archive:FILE"),
    (
        {"repositories"},
        "what Docker before 1.10 saved",
        "load it, and save it with a newer Docker",
    ),
)


def kind_of(head: bytes) -> str:
    """A file's kind in a few words, by its first 64 bytes.

    Empty if they are of none that is known here.
    """
    if head[32:41] == b"SIF_MAGIC":
        return "a Singularity image"
    return next((words for magic, words in _MAGIC if head.startswith(magic)), "")


def contents_of(names: Iterable[str]) -> tuple[str, str]:
    """An archive's contents in a few words, and what to do with it.

    Both empty if its members do not tell.

    Args:
        names: Its members.
    """
    paths = [name for name, _ in zip(names, range(_MEMBERS_LOOKED_AT), strict=False)]
    tops = {path.partition("/")[0] for path in paths}
    for marks, words, hint in _ARCHIVES:
        if tops >= marks:
            return words, hint
    if any(path.count("/") == 1 and path.endswith("/Chart.yaml") for path in paths):
        return "a Helm chart", "render it, and pipe the manifests to elfgate check -"
    if len(tops & _ROOT) > 1:
        return "a root file system", "unpack it, and write dir:FOLDER"
    return "", ""
