#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Figures as SVG, one file for each: of `bench --growth` and of `sim --scale`.

  plots.py FOLDER < FIGURES

FIGURES is JSON: [{"name", "title", "unit", "axis", "series": {label: [[x, y], ...]}}, ...]; x is
drawn in powers of ten. A program of its own, run by Debian's Python, since matplotlib
(python3-matplotlib) is needed for this alone: neither build, tests nor the rest of the bench need
it.
"""
import json
import os
import re
import subprocess
import sys

PYTHON = "/usr/bin/python3"
COLOURS = ["#1f5a96", "#c4622d", "#3f7d46", "#7a4a8c", "#8a7a1f"]


def missing():
    """What is missing, said before the minutes of measuring; None if nothing is."""
    done = subprocess.run([PYTHON, "-c", "import matplotlib"], capture_output=True, check=False)
    if done.returncode == 0:
        return None
    return "--plots needs matplotlib: apt-get install --no-install-recommends python3-matplotlib"


def draw(folder, found, titles):
    """What `bench --growth` found: {records: {figure: value}}, {figure: [title, unit]}."""
    figures = []
    for name, (title, unit) in titles.items():
        points = [[int(records), values[name]]
                  for records, values in found.items() if name in values]
        figures.append({"name": f"growth_{name}", "title": title, "unit": unit,
                        "axis": "records stored", "series": {"": points}})
    draw_figures(folder, figures)


def draw_figures(folder, figures):
    """Runs this file."""
    subprocess.run([PYTHON, os.path.realpath(__file__), folder], text=True, check=True,
                   input=json.dumps(figures))


def main(folder):
    import matplotlib
    matplotlib.use("svg")
    # Text stays text: small files that can be searched; no date: the same values, the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "hansa",
                                "font.family": "sans-serif", "font.size": 10})
    os.makedirs(folder, exist_ok=True)
    for wanted in json.load(sys.stdin):
        series = {label: sorted(points) for label, points in wanted["series"].items() if points}
        if series:
            plot(os.path.join(folder, wanted["name"] + ".svg"), series, wanted)


def plot(path, series, wanted):
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(5.6, 2.8))
    for (label, points), colour in zip(series.items(), COLOURS):
        axes.plot(*zip(*points), marker="o", color=colour, linewidth=1.5, label=label)
    axes.set_xscale("log")
    highest = max(value for points in series.values() for _, value in points)
    axes.set_ylim(0, 1.3 * highest if highest > 0 else 1)
    axes.set_xlabel(wanted["axis"])
    axes.set_ylabel(wanted["unit"])
    axes.set_title(wanted["title"], loc="left", fontsize=10)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if len(series) > 1:
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    else:
        annotate(axes, next(iter(series.values())))
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"[ \t]+\n", "\n", file.read())
    text = re.sub(r" <metadata>.*?</metadata>\n", "", text, flags=re.DOTALL)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("<svg ", "<!-- SPDX-License-Identifier: Apache-2.0 -->\n<svg ", 1))


def annotate(axes, points):
    for x, value in points:
        axes.annotate(short(value), (x, value), textcoords="offset points",
                      xytext=(0, 7), ha="center", fontsize=8)


def short(value):
    if value >= 10_000:
        return f"{value / 1000:,.0f} k"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
