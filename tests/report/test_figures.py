from __future__ import annotations

import re
from xml.etree import ElementTree

from dermai.evaluation.metrics import evaluate, rate
from dermai.evaluation.predictions import prediction_table
from dermai.report.figures import Difference, Row, calibration_plot, difference_plot, interval_plot, line_plot
from tests.evaluation.synthetic import CLASSES, draw_cases, draw_probabilities


def test_an_interval_plot_places_estimates_bounds_and_floor_in_per_cent() -> None:
    found = rate(8, 10, 0.95)
    plot = interval_plot([Row("MM", {"candidate": found, "champion": rate(0, 0, 0.95)}, 0.7)], "Sensitivity")
    tree = ElementTree.fromstring(plot)
    line = tree.find(".//g[@class='candidate']/line")
    assert line is not None
    assert (line.get("x1"), line.get("x2")) == (f"{100 * found.low:.2f}%", f"{100 * found.high:.2f}%")
    mark = tree.find(".//g[@class='candidate']/svg")
    assert mark is not None
    assert mark.get("x") == "80.00%"
    floor = tree.find(".//line[@class='floor']")
    assert floor is not None
    assert floor.get("x1") == "70.00%"
    assert "no cases" in plot


def test_a_difference_plot_is_symmetric_and_holds_every_interval() -> None:
    rows = [Difference("MM vs champion", -0.04, -0.22, 0.1, 0.1), Difference("BCC vs champion", 0, 0, 0, 0.1)]
    tree = ElementTree.fromstring(f"<div>{difference_plot(rows, 'Differences')}</div>")
    places = [float(line.get(side, "").rstrip("%")) for line in tree.iter("line") for side in ("x1", "x2")]
    assert min(places) >= 0
    assert max(places) <= 100
    assert re.findall(r">([+-]?\d+)</span>", str(difference_plot(rows, "Differences"))) == [
        "-30",
        "-15",
        "0",
        "+15",
        "+30",
    ]


def test_lines_stop_where_a_value_is_missing_and_stay_inside() -> None:
    plot = line_plot([("first", "loss", [1.2, None, 0.7, 0.5]), ("second", "score", [None] * 4)], "Loss", "epoch")
    tree = ElementTree.fromstring(plot)
    lines = tree.findall(".//polyline")
    assert [len((line.get("points") or "").split()) for line in lines] == [1, 2]
    assert line_plot([("first", "loss", [None])], "Loss", "epoch") == ""
    ElementTree.fromstring(line_plot([("first", "loss", [0.0])], "Loss", "epoch"))


def test_a_calibration_plot_has_one_mark_a_bin() -> None:
    cases = draw_cases(80, seed=1)
    found = evaluate(prediction_table(cases, draw_probabilities(cases, 2), CLASSES), CLASSES)
    tree = ElementTree.fromstring(calibration_plot([("candidate", found.calibration)], "Calibration"))
    assert len(tree.findall(".//g[@class='candidate']")) == len(found.calibration)


def test_names_in_figures_are_escaped() -> None:
    assert "<b>" not in interval_plot([Row("<b>", {"candidate": rate(1, 2, 0.95)})], '"><b>')
