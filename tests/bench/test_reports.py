"""The tables and the drawing of the bench, from figures that are made up."""

import json
from argparse import Namespace
from xml.etree import ElementTree

from tests.bench import at_once, bars, cold, goals, processes
from tests.bench.__main__ import Run
from tests.bench.tables import HOWS, Figures, find_cells, report


def make_figures():
    figures = Figures()
    for name, values in vars(figures).items():
        if name != "ceiling":
            for number, how in enumerate(HOWS, 1):
                values[how] += [0.001 * number, 0.002 * number, 0.003 * number]
    return figures


def test_table_has_medians_and_ratios():
    lines = report(make_figures())
    first = next(line for line in lines if line.startswith("| first token, ms"))
    ways, ratios = ["2.0", "4.0", "6.0", "8.0", "10.0", "12.0"], ["2.00", "1.50", "0.80", "4.00", "0.67 |"]
    assert first.split(" | ")[1:] == [*ways, *ratios]
    assert "Burst recorded / page, by round: 1.50, 1.50, 1.50." in lines
    assert "Per token p99 recorded / page, by round: 1.50, 1.50, 1.50." in lines


def test_ways_that_were_not_measured_have_no_column():
    figures = make_figures()
    for values in (figures.first, figures.latency, figures.burst, figures.python, figures.processes):
        values["fill"] = []
    assert report(figures)[0].count("fill") == 0


def test_ways_can_be_measured_without_the_others():
    figures = make_figures()
    for values in (figures.first, figures.latency, figures.burst, figures.python, figures.processes):
        values |= {how: [] for how in HOWS if how not in ("page", "recorded")}
    head, _, first, *_ = report(figures)
    assert head == "| | page | recorded | recorded / page |" and first.endswith("| 4.0 | 6.0 | 1.50 |")
    lines = goals.table({"nodriver": vars(figures)}, app=False)
    assert len(lines) == 2 + 3 + 2 and all(line.startswith("| recorded") for line in lines[2:5])


def test_what_was_measured_is_written_after_each_part(tmp_path):
    tables, figures = tmp_path / "bench.md", tmp_path / "bench.json"
    tables.write_text("before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n")
    run = Run(Namespace(rounds=7, app=None, write=tables, json=figures, plot=None))
    for title in ("One", "Two"):
        with run.part(title):
            run.lines.append(f"of {title}")
        written = tables.read_text()
        assert f"of {title}" in written
    assert "old" not in written and written.startswith("before\n") and written.endswith("after\n")
    assert "taken on" in json.loads(figures.read_text())


def test_goals_are_compared_and_a_missed_one_is_bold():
    figures = {
        "playwright": vars(make_figures()),
        "at once, playwright": {
            "protocol": "HTTP/2",
            "raw": {"page 64": [[1.0, 0.01, 1.0, 0.5]] * 3},
            "agent": {"page 64": [[2.0, 0.02, 1.0, 0.5]] * 3},
        },
        "cold": {"bare": [[9.0, 9.0, 0.5, 0.5]], "first": {"playwright": [1.2]}},
        "decode": {"1": 90_000.0, "20": 400_000.0},
    }
    lines = goals.table(figures, app=False)
    assert "| page, first token, beside raw | at most 5 ms more | 2.0 |" in lines
    assert "| page, burst, beside raw | at most 1.10 times | **2.00** |" in lines
    over_http2 = "64 at once by page, throughput, beside raw over HTTP/2"
    assert f"| {over_http2} | at least 0.90 times | **0.50** |" in lines
    assert "| 64 at once by page over HTTP/2, p99 | at most 100 ms | 20 |" in lines
    assert "| decode and emit, one by one, updates/s | at least 200,000 | **90,000** |" in lines
    cold_start = "cold `ask` to its first output, beside browser and page"
    assert f"| {cold_start} | at most 1.30 times | 1.20 |" in lines
    assert not any("p50, beside fill" in line for line in lines)
    assert any("p50, beside fill" in line for line in goals.table(figures, app=True))
    figures["at once, playwright"] |= {"protocol": "HTTP/1.1"}
    assert not any("64 at once" in line for line in goals.table(figures, app=True))


def test_drawing_has_a_bar_for_each_figure():
    cells = find_cells(make_figures())
    drawn = ElementTree.fromstring(bars.draw("medians of <this>", cells))
    rectangles = drawn.findall("{http://www.w3.org/2000/svg}rect")
    assert len(rectangles) == 1 + len(cells) * len(HOWS)


def test_answers_at_once_are_compared_by_their_tokens_a_second():
    figures = at_once.Figures()
    for via, counts in at_once.COUNTS.items():
        for count in counts:
            figures.raw[f"{via} {count}"] = [at_once.Batch(1.0, 0.01, 1.0, 0.5)] * 3
            figures.agent[f"{via} {count}"] = [at_once.Batch(2.0, 0.02, 0.9, 1.5)] * 3
            figures.megabytes[f"{via} {count}"] = 100.0 + 2 * count
    lines = at_once.report(figures)
    assert "| 64 by page | 1.00 | 2.00 | 3,200 | 1,600 | 0.50 | 10 | 20 | 0.90 | 0.50 | 1.50 |" in lines
    assert any("by ui takes 2.0 MB" in line for line in lines)


def test_cold_start_is_compared_with_browser_and_page():
    bare, end = [cold.Bare(0.1, 0.4, 0.5, 0.5)] * 3, [2.5] * 3
    asked = cold.Figures(
        bare, {"playwright": [2.0] * 3, "nodriver": [1.0] * 3}, {"playwright": end, "nodriver": end}
    )
    lines = cold.report(asked)
    assert "with playwright took 2.00 times (2.00 to 2.00) the bare start of browser and page" in lines[-3]
    assert "with nodriver took 1.00 times (1.00 to 1.00) the bare start of browser and page" in lines[-1]


def test_process_that_ends_meanwhile_takes_nothing_off_the_others():
    before = processes.Spent(1.0, {7: 5.0, 8: 2.0})
    took = processes.Spent(1.5, {8: 2.25, 9: 0.25}).since(before)
    assert (took.python, took.every) == (0.5, 1.0)
