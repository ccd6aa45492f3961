"""A grid of many workloads, one of which has a name that attacks the page."""

from elfgate.reports.grid import Cell, Grid, Line, Reason, Sort

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
COLUMNS = ("linux/amd64", "linux/arm64", "linux/ppc64le")
STARTS, KEPT_OFF, UNKNOWN, FAILS = SORTS = (
    Sort("starts", "good"),
    Sort("kept off", "off"),
    Sort("unknown", "doubt"),
    Sort("cannot start", "bad"),
)


def grid(count: int) -> Grid:
    """``count`` workloads and the hostile one: every third fails on arm64, every fourth is unknown elsewhere."""
    facets = ("namespace", "kind", "owner")
    found = Grid("Workloads and platforms", "workloads", COLUMNS, facets, SORTS)
    for number in range(count):
        found.lines.append(_line(found, number))
    cells = (Cell(FAILS, (0,)), Cell(STARTS), None)
    found.lines.append(Line(HOSTILE, ("default", "Pod", ""), cells, HOSTILE))
    return found


def _line(found: Grid, number: int) -> Line:
    image = f"registry.example/team{number % 2000}/app:1.{number % 2000}"
    reason = Reason(
        code="exec_format",
        title="The program is for another machine",
        message=f"{image}\n/usr/bin/app is for x86-64, which arm64 cannot run",
        remedy=f"use registry.example/team{number % 2000}/app:2, which starts there",
        link="https://docs.example/codes.md#exec_format",
    )
    place = found.place(reason)
    arm = Cell(FAILS, (place,)) if number % 3 == 0 else Cell(STARTS)
    power = Cell(UNKNOWN, (place,)) if number % 4 == 0 else Cell(KEPT_OFF)
    facets = (f"team-{number % 50}", "Deployment", f"owner-{number % 20}")
    return Line(f"service-{number}", facets, (Cell(STARTS), arm, power), image)
