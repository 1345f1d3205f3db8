"""Plots a metric of a results folder: a line for each policy over a swept number, or a bar for each policy.

    python3 docs/examples/plot.py results/load load.svg
    python3 docs/examples/plot.py results/load load.svg accuracy_pct
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as pyplot

# The module of the repository, unless the wheel is installed.
sys.path.append(str(Path(__file__).parents[2] / "python"))
import msao_sim


def swept_number(summary):
    """The first key of the sweep whose values are numbers, and more than one."""
    for column in summary.columns:
        if ("." in column or column == "bandwidth_mbps") and summary[column].dtype.is_numeric():
            if summary[column].n_unique() > 1:
                return column
    return None


def label(column, unit):
    return f"{column}, {unit}" if unit else column


def main(folder, picture, metric="e2e_ms_mean"):
    results = msao_sim.read_results(folder, "polars")
    summary, units = results.summary, results.units
    if metric not in summary.columns:
        sys.exit(f"{folder}: no column {metric}; summary.csv has the columns")
    figure, axes = pyplot.subplots(layout="constrained")
    key = swept_number(summary)
    for (policy,), rows in summary.group_by(["policy"], maintain_order=True):
        if key is None:
            axes.bar(policy, rows[metric].mean())
        else:
            # Other keys of the sweep are averaged over.
            rows = rows.select(key, metric).group_by(key).mean().sort(key)
            axes.plot(rows[key], rows[metric], marker="o", label=policy)
    if key is not None:
        axes.set_xlabel(label(key, units.get(key)))
        axes.legend()
    axes.set_ylabel(label(metric, units.get(metric)))
    axes.set_ylim(bottom=0)
    figure.savefig(picture)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
