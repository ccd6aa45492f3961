"""The lazy overlay against an eager one: layers of generated operations, applied one by one to a dict of paths."""

from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.tree import Tree
from support.tarball import Item, directory, layer, link, opaque, text, whiteout

# Of a directory that only its contents tell of: from one that may be hidden. ``make truth`` looks at it.
_INHERITED = -1
Operation = tuple[str, str]  # what, path

names = st.sampled_from("abc")
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
operations = st.tuples(
    st.sampled_from(["file", "directory", "symlink", "whiteout", "opaque"]), paths
)


def is_valid(layer_operations: list[Operation]) -> bool:
    """No path twice, and none through a file, symlink or whiteout of the same layer: most of these no node unpacks."""
    paths = [path for _, path in layer_operations]
    blocking = [path for what, path in layer_operations if what in ("file", "symlink", "whiteout")]
    return len(set(paths)) == len(paths) and not any(
        path.startswith(f"{other}/") for path in paths for other in blocking
    )


layers = st.lists(st.lists(operations, max_size=6).filter(is_valid), max_size=4)


def item(what: str, path: str, number: int) -> tuple[str, Item]:
    match what:
        case "file":
            return path, text("x" * number)
        case "symlink":
            return path, link(f"target-{number}")
        case "whiteout":
            return whiteout(path), text("")
        case "opaque":
            return opaque(path), text("")
        case _:
            return f"{path}/", directory(0o700 + number)


def remove(state: dict[str, tuple[str, int]], path: str, *, itself: bool = True) -> None:
    for other in [key for key in state if key.startswith(f"{path}/") or (itself and key == path)]:
        del state[other]


def apply(
    state: dict[str, tuple[str, int]], layer_operations: list[Operation], number: int
) -> None:
    """What unpacking one layer over the merged view does: first what it hides, then what it brings, with parents."""
    for what, path in layer_operations:
        if what in ("whiteout", "opaque"):
            remove(state, path, itself=what == "whiteout")
    for what, path in layer_operations:
        parents = path.split("/")
        for end in range(1, len(parents) + (what in ("opaque", "directory"))):
            parent = "/".join(parents[:end])
            if state.get(parent, ("", 0))[0] != "directory":
                remove(state, parent)
                state[parent] = ("directory", _INHERITED)
        if what == "directory":
            state[path] = ("directory", 0o700 + number)
        elif what not in ("opaque", "whiteout"):
            remove(state, path)
            state[path] = (what, number)


def listing(tree: Tree, path: str = "") -> dict[str, Entry]:
    result: dict[str, Entry] = {}
    for name, entry in tree.listdir(path or "/").items():
        below = f"{path}/{name}"
        result[below[1:]] = entry
        if entry.kind is Kind.DIRECTORY:
            result |= listing(tree, below)
    return result


def told(entry: Entry, expected: tuple[str, int]) -> tuple[str, int]:
    match entry.kind:
        case Kind.DIRECTORY:
            return "directory", _INHERITED if expected[1] == _INHERITED else entry.mode
        case Kind.SYMLINK:
            return "symlink", int(entry.link.removeprefix("target-"))
        case _:
            return entry.kind.name.lower(), entry.size


@settings(max_examples=400, deadline=None)
@given(layers)
def test_a_tree_shows_what_unpacking_layer_over_layer_would_leave(
    image: list[list[Operation]],
) -> None:
    state: dict[str, tuple[str, int]] = {}
    for number, layer_operations in enumerate(image, 1):
        apply(state, layer_operations, number)
    tree = Tree(
        [
            layer([item(what, path, number) for what, path in content])
            for number, content in enumerate(image, 1)
        ]
    )
    shown = listing(tree)
    assert shown.keys() == state.keys()
    assert {path: told(entry, state[path]) for path, entry in shown.items()} == state


@settings(max_examples=200, deadline=None)
@given(layers, st.lists(paths, max_size=8))
def test_the_order_of_looking_does_not_matter(
    image: list[list[Operation]], asked: list[str]
) -> None:
    built = [
        layer([item(what, path, number) for what, path in content])
        for number, content in enumerate(image, 1)
    ]
    one = Tree(built)
    for path in asked:
        assert one.lookup(f"/{path}") == Tree(built).lookup(f"/{path}")
