"""How many descriptors the process may have open, and how many of them connections may take."""

import resource

MOST = 65_536  # more are of no use here, and some libraries go through all that there may be
WAITING = 16  # times as many connections as are served may wait to be
RESERVED = 256  # for registries, the API server, stores, layers on their way, probes and children


def raised() -> int:
    """Raise the soft limit to the hard one, within reason; the limit that is then in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft if soft != resource.RLIM_INFINITY else MOST


def for_connections(wanted: int) -> tuple[int, int]:
    """How many connections may be open at a time, and how many more may wait.

    They are shared out of those that are wanted.
    """
    free = max(2, raised() - RESERVED)
    connections = min(wanted, free // 2)
    return connections, min(WAITING * wanted, free - connections)
