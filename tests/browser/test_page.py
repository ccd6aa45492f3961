"""The page in a real browser: read, filtered, and worked with by keyboard alone."""

from support.browser import Opened
from support.grids import HOSTILE, grid


def test_it_keeps_to_wcag_with_a_reason_open(opened: Opened) -> None:
    opened.show(grid(50))
    opened.page.locator("#found button.state").first.click()
    assert opened.violations() == []


def test_hostile_names_are_shown_and_do_nothing(opened: Opened) -> None:
    opened.show(grid(3))
    assert HOSTILE in opened.rows()
    assert (opened.said, len(opened.asked)) == ([], 1)


def test_a_reason_opens_and_closes_by_keyboard(opened: Opened) -> None:
    opened.show(grid(3))
    opened.page.locator("#found button.state").first.focus()
    opened.page.keyboard.press("Enter")
    told = opened.page.locator("#found .why").inner_text()
    assert "/usr/bin/app is for x86-64" in told
    assert "What to do: use registry.example/team0/app:2" in told
    opened.page.keyboard.press("Escape")
    assert opened.page.locator("#found .why").count() == 0


def test_all_controls_are_reached_by_tab(opened: Opened) -> None:
    opened.show(grid(3))
    reached = set()
    for _ in range(30):
        opened.page.keyboard.press("Tab")
        reached.add(opened.page.evaluate("document.activeElement.outerHTML"))
    controls = opened.page.locator("main button:visible, main select, main input").all()
    assert {each.evaluate("(element) => element.outerHTML") for each in controls} <= reached


def test_search_and_filters_narrow_what_is_shown(opened: Opened) -> None:
    opened.show(grid(300))
    opened.page.get_by_label("Search").fill("service-12 team-12")
    assert opened.rows() == ["service-12", "service-112"][: len(opened.rows())]
    assert opened.page.locator("#count").inner_text().startswith("1 of 301")
    opened.page.get_by_role("button", name="Clear").click()
    opened.page.get_by_label("namespace").select_option("team-7")
    assert opened.rows() == [f"service-{number}" for number in range(7, 300, 50)]
    opened.page.get_by_label("state").select_option("cannot start")
    assert opened.rows() == ["service-57", "service-207"]


def test_the_workloads_of_a_reason_are_shown_at_a_click(opened: Opened) -> None:
    opened.show(grid(3))
    first = opened.page.locator("#reasons li").filter(has_text="team0/app").first
    first.get_by_role("button").click()
    assert opened.rows() == ["service-0", HOSTILE]


def test_shares_are_told_in_numbers(opened: Opened) -> None:
    opened.show(grid(9))
    row = opened.page.locator("#shares tbody tr").nth(1)
    assert row.locator("td").all_inner_texts()[1:] == ["7 (70 %)", "0 (0 %)", "0 (0 %)", "3 (30 %)"]


def test_more_rows_come_by_scrolling_and_all_of_them_to_print(opened: Opened) -> None:
    opened.show(grid(1000))
    assert len(opened.rows()) < 600
    while (before := len(opened.rows())) <= 600:
        opened.page.mouse.wheel(0, 100_000)
        opened.page.locator("#found tbody tr").nth(before).wait_for()
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(opened.rows()) == 1001
