"""Amounts as scenarios write them, and units as columns end in them."""

from __future__ import annotations

import re
from typing import NamedTuple

# Units of an amount: what the column's name ends in, and the factor to it.
_UNITS = {
    "ns": ("ms", 1e-6),
    "us": ("ms", 1e-3),
    "ms": ("ms", 1.0),
    "s": ("ms", 1e3),
    "min": ("ms", 60e3),
    "h": ("ms", 3600e3),
    "bps": ("mbps", 1e-6),
    "kbps": ("mbps", 1e-3),
    "Mbps": ("mbps", 1.0),
    "Gbps": ("mbps", 1e3),
    "Tbps": ("mbps", 1e6),
    "B": ("mb", 1e-6),
    "kB": ("mb", 1e-3),
    "MB": ("mb", 1.0),
    "GB": ("mb", 1e3),
    "TB": ("mb", 1e6),
    "KiB": ("mb", 1024e-6),
    "MiB": ("mb", 1024**2 * 1e-6),
    "GiB": ("mb", 1024**3 * 1e-6),
    "TiB": ("mb", 1024**4 * 1e-6),
    "kB/s": ("gb_per_s", 1e-6),
    "MB/s": ("gb_per_s", 1e-3),
    "GB/s": ("gb_per_s", 1.0),
    "TB/s": ("gb_per_s", 1e3),
    "GFLOP": ("tflop", 1e-3),
    "TFLOP": ("tflop", 1.0),
    "PFLOP": ("tflop", 1e3),
    "GFLOP/s": ("tflop_per_s", 1e-3),
    "TFLOP/s": ("tflop_per_s", 1.0),
    "PFLOP/s": ("tflop_per_s", 1e3),
    "/s": ("per_s", 1.0),
    "/min": ("per_s", 1 / 60),
    "/h": ("per_s", 1 / 3600),
    "%": ("pct", 1.0),
    "mW": ("w", 1e-3),
    "W": ("w", 1.0),
    "kW": ("w", 1e3),
    "J": ("j", 1.0),
    "Wh": ("j", 3600.0),
}

# The end of a column of numbers without a unit.
NO_UNIT = "number"

# Ends of columns, the longer ones first, with their units.
_ENDS = {
    "tokens_per_s": "tokens/s",
    "tflop_per_s": "TFLOP/s",
    "gb_per_s": "GB/s",
    "requests_per_s": "requests/s",
    "per_s": "1/s",
    "tokens": "tokens",
    "bytes": "bytes",
    "mbps": "Mbps",
    "nats": "nats",
    "tflop": "TFLOP",
    "pct": "%",
    "ms": "ms",
    "ns": "ns",
    "mb": "MB",
    "gb": "GB",
    "w": "W",
    "j": "J",
    "s": "s",
}

# Words behind a unit that say how values became one.
_STATISTICS = re.compile(r"_(mean|peak|max|eq14|renewal|p\d+)$")

_AMOUNT = re.compile(r"^([+-]?[0-9][0-9_]*(?:\.[0-9_]+)?(?:[eE][+-]?[0-9]+)?)(?: (\S+))?$")


class Number(NamedTuple):
    """A number, and the end of the column that holds such ones; the end is empty without a unit."""

    value: float
    kind: str


def number_in(text):
    """The number in "80 ms" or "0.5", in the unit of its column; None for anything else."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return Number(float(text), "")
    match = _AMOUNT.match(text) if isinstance(text, str) else None
    if match is None or (match[2] and match[2] not in _UNITS):
        return None
    kind, factor = _UNITS[match[2]] if match[2] else ("", 1.0)
    value = float(match[1].replace("_", ""))
    # Nanoseconds of a round number of milliseconds are that number again.
    return Number(round(value * factor, 12), kind)


def is_number_of(column, key):
    """True of the column of numbers that stands beside the text of a swept key."""
    end = column.removeprefix(f"{key}_")
    return end != column and (end == NO_UNIT or end in {unit for unit, _ in _UNITS.values()})


def column_of(key, number):
    """Name of the column of a swept key whose values are such numbers: `link.rtt` in ms is `link.rtt_ms`."""
    return f"{key}_{number.kind}" if number.kind else key


def unit_of(column):
    """Unit of a column, which is the end of its name; empty without one."""
    stem = _STATISTICS.sub("", column.removesuffix("_ci95"))
    head, _, of = stem.rpartition("_per_")
    if head and of != "s":
        stem = head
    # `tokens` is a column by itself.
    is_end = lambda end: stem.endswith(f"_{end}") or stem == end in ("tokens", "requests_per_s")
    return next((unit for end, unit in _ENDS.items() if is_end(end)), "")
