"""The bench's table and JSON say what was measured: ratio first, and whether the goal is met."""

from bench.meter import cpu_ns, memory_mib
from bench.report import Bar, against, limited, table

FIELDS = ["bar", "value", "unit", "peer", "peer_value", "ratio", "goal", "met"]


def test_a_bar_holds_the_promised_fields() -> None:
    bar = against("recorder CPU", 0.8, "%", "ffmpeg", 1.0, at_most=0.85)
    assert list(bar.as_json()) == FIELDS
    assert (bar.ratio, bar.met, bar.goal) == (0.8, True, "ratio <= 0.85")


def test_a_goal_that_is_missed_says_so() -> None:
    assert against("purge", 3, "s", "unlink", 1, at_most=2).met is False
    assert limited("listing", 6, "ms", limit=5).met is False
    assert limited("listing", 4, "ms", limit=5, peer="folder", peer_value=8).ratio == 0.5


def test_a_bar_without_a_goal_is_neither_met_nor_missed() -> None:
    assert against("memory", 80, "MiB", "hass", 160).met is None


def test_the_table_puts_the_ratio_first() -> None:
    rows: list[Bar] = [against("cpu", 0.5, "%", "peer", 2.0)]
    head, rule, row = table(rows).splitlines()
    assert head.startswith("| ratio |")
    assert set(rule) == {"|", "-"}
    assert row.startswith("| 0.25 ")


def test_a_process_is_measured_from_outside() -> None:
    import os

    before = cpu_ns(os.getpid())
    sum(number * number for number in range(200_000))
    assert cpu_ns(os.getpid()) > before
    pss, rss = memory_mib(os.getpid())
    assert 0 < pss <= rss
