"""Patterns, names and series, as the docs have them."""

from collections.abc import Iterable

from .facts import BLANK, STRENGTH, Facts


def matches(pattern: str, text: str) -> bool:
    """A pattern is a beginning and an end around at most one star."""
    begin, star, end = pattern.partition("*")
    if not star:
        return pattern == text
    return text.startswith(begin) and text.endswith(end) and len(text) >= len(begin) + len(end)


def names(pattern: str, repository: str, after: str = "") -> bool:
    """Docker Hub's repositories may be written with or without its name."""
    first, slash, _ = repository.partition("/")
    has_host = slash and ("." in first or ":" in first or first == "localhost")
    forms = [repository]
    if not has_host and pattern.startswith("docker.io/"):
        forms += [f"docker.io/{repository}"]
        forms += [] if slash else [f"docker.io/library/{repository}"]
    if not slash and pattern.startswith("library/"):
        forms += [f"library/{repository}"]
    return any(matches(pattern, form + after) for form in forms)


def of_image(pattern: str, container: Facts) -> bool:
    """REPOSITORY, REPOSITORY:TAG, or REPOSITORY@DIGEST, which a tag does not match."""
    digest = container["digest"]
    after = f"@{digest}" if digest else f":{container['tag']}"
    return any(names(pattern, container["repository"], each) for each in ("", after))


def opened(text: str, word: str) -> str:
    return text.replace(word, BLANK) if word else text


def weaker(one: str, other: str) -> str:
    return min(one, other, key=STRENGTH.index)


def architecture(platform: str) -> str:
    return "".join(platform.split("/")[1:2])


def display(platform: str) -> str:
    return platform.removeprefix("linux/")


def listed(platforms: Iterable[str]) -> str:
    return series([display(each) for each in sorted(platforms)])


def series(items: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]])) if items else ""


def quoted(row: Facts) -> str:
    name = " ".join(word for word in (row["repository"], row["variant"]) if word != "*")
    return f'"{name}: {", ".join(row["architectures"])}" ({row["source"]})'


def lasting(exemption: Facts) -> tuple[object, ...]:
    return (exemption["ends"], *ordered(exemption))


def ordered(entry: Facts) -> tuple[object, ...]:
    """The order of objects in Rego: by keys, then by values."""
    return (sorted(entry), [str(entry[key]) for key in sorted(entry)])
