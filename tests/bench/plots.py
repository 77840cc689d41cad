#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The figures of `bench --growth` as SVG, one file for each, over the records stored.

  plots.py FOLDER < FIGURES

FIGURES is JSON: {"titles": {figure: [title, unit]}, "found": {records: {figure: value}}}. A
program of its own, run by Debian's Python, since matplotlib (python3-matplotlib) is needed for this
alone: neither build, tests nor the rest of the bench need it.
"""
import json
import os
import re
import subprocess
import sys

PYTHON = "/usr/bin/python3"
COLOUR = "#1f5a96"


def missing():
    """What is missing, said before the minutes of measuring; None if nothing is."""
    done = subprocess.run([PYTHON, "-c", "import matplotlib"], capture_output=True, check=False)
    if done.returncode == 0:
        return None
    return "--plots needs matplotlib: apt-get install --no-install-recommends python3-matplotlib"


def draw(folder, found, titles):
    """Runs this file."""
    subprocess.run([PYTHON, os.path.realpath(__file__), folder], text=True, check=True,
                   input=json.dumps({"titles": titles, "found": found}))


def main(folder):
    import matplotlib
    matplotlib.use("svg")
    # Text stays text: small files that can be searched; no date: the same values, the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "hansa",
                                "font.family": "sans-serif", "font.size": 10})
    figures = json.load(sys.stdin)
    os.makedirs(folder, exist_ok=True)
    for name, (title, unit) in figures["titles"].items():
        points = sorted((int(records), values[name])
                        for records, values in figures["found"].items() if name in values)
        if points:
            plot(os.path.join(folder, f"growth_{name}.svg"), points, title, unit)


def plot(path, points, title, unit):
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(5.6, 2.8))
    axes.plot(*zip(*points), marker="o", color=COLOUR, linewidth=1.5)
    axes.set_xscale("log")
    axes.set_ylim(0, 1.3 * max(value for _, value in points))
    axes.set_xlabel("records stored")
    axes.set_ylabel(unit)
    axes.set_title(title, loc="left", fontsize=10)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for records, value in points:
        axes.annotate(short(value), (records, value), textcoords="offset points",
                      xytext=(0, 7), ha="center", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"[ \t]+\n", "\n", file.read())
    text = re.sub(r" <metadata>.*?</metadata>\n", "", text, flags=re.DOTALL)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("<svg ", "<!-- SPDX-License-Identifier: Apache-2.0 -->\n<svg ", 1))


def short(value):
    if value >= 10_000:
        return f"{value / 1000:,.0f} k"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
