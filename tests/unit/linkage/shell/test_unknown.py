"""The property: where less is known of a script that starts, it is never refused."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elfgate.linkage.shell.interpreter import follow
from elfgate.linkage.shell.syntax.dialect import BASH, BUSYBOX, DASH
from elfgate.linkage.values import Unknown
from elfgate.linkage.work import Work
from support.script_world import FakeWorld, first_state

STARTS = [
    'set -e; mkdir -p /d/y; [ -f /d/x ] && exec "$GOOD"; exec /none',
    'if [ "$MODE" = run ]; then exec /good; fi; exec /none',
    'case "$MODE" in r*) exec /good;; esac; exec /none',
    'PATH="/x:$PATH"; for f in /d/*; do . "$f"; done; exec "$FROM"',
    'X=$(cat /d/name); exec "$X"',
    'command -v cat >/dev/null || exec /none; exec "${GOOD:-/none}"',
    'set -u; n=$N; while [ "$n" -gt 0 ]; do n=$((n-1)); done; exec /good',
    'cat /d/name | while read -r l; do echo "$l"; done | { read -r x; exec "$x"; }',
    "cd /d && [ -s name ] && exec /good; exec /none",
    'set -- $LIST; shift; exec "$1"',
    "touch /d/t || exec /none; exec ${GOOD#x}",
    "X=/none; eval X=$GOOD; exec $X",
]
NAMES = ("GOOD", "MODE", "N", "LIST", "PATH")
PATHS = ("/d", "/d/x", "/d/name", "/d/t", "/d/y", "/bin/cat", "/bin/mkdir", "/bin/touch", "/good")
KNOWN = FakeWorld(
    variables={"GOOD": "/good", "MODE": "run", "N": "3", "LIST": "a /good b", "PATH": "/bin"},
    files={"/d/x": "FROM=/good\n", "/d/name": "/good\n", "/good": "x"},
    programs=frozenset({"cat", "mkdir", "touch"}),
)


def is_refused(script: str, world: FakeWorld) -> bool:
    """Tell whether all that a script comes to is known for sure, and fails."""
    followed = follow(script, first_state(), world)
    endings = [ending for ending in followed.endings if ending.launch is not None]
    if followed.lost or not endings or len(endings) < len(followed.endings):
        return False
    certain = [one for one in endings if one.launch and not (one.doubt or one.launch.doubt)]
    return len(certain) == len(endings) and all(
        one.launch is not None and one.launch.argv == ("/none",) for one in certain
    )


@pytest.mark.parametrize("script", STARTS[:7])
def test_the_scripts_start_where_all_is_known(script: str) -> None:
    assert not is_refused(script, KNOWN)


@given(
    st.sampled_from(STARTS),
    st.sets(st.sampled_from(NAMES)),
    st.sets(st.sampled_from(PATHS)),
    st.sampled_from([DASH, BUSYBOX, BASH]),
    st.sampled_from([0, 1000, None]),
)
def test_what_is_less_known_is_never_refused(
    script: str, names: set[str], paths: set[str], dialect: object, uid: int | None
) -> None:
    unknown = dict.fromkeys(names, Unknown("a test says so"))
    shell = next(one for one in (DASH, BUSYBOX, BASH) if one is dialect)
    world = replace(
        KNOWN,
        dialect=shell,
        variables={**KNOWN.variables, **unknown},
        unknown=frozenset(paths),
        uid=uid,
        work=Work(),
    )
    assert not is_refused(script, world)
