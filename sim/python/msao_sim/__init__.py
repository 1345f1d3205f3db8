"""Results of msao-sim as data frames, with swept values as numbers.

>>> results = read_results("results/paper")        # doctest: +SKIP
>>> results.summary, results.requests              # doctest: +SKIP
>>> results.units["e2e_ms_mean"]                   # doctest: +SKIP
'ms'

The module needs polars, or pandas with pyarrow; nothing else. `sim` itself is a program, which the same package installs.
"""

from __future__ import annotations

import json
from functools import cached_property
from importlib import import_module, metadata, util
from pathlib import Path

from .amounts import NO_UNIT, column_of, is_number_of, number_in, unit_of

__all__ = ["Results", "read_results"]

try:
    __version__ = metadata.version("msao-sim")
except metadata.PackageNotFoundError:
    # The folder is used as it stands, without being installed.
    __version__ = "unknown"


def read_results(folder, library=None):
    """Returns the results of a folder; its tables are read when they are asked for.

    `library` is "polars" or "pandas"; by default the first of them that is installed.
    """
    return Results(folder, library)


class Results:
    """A results folder: each Parquet file is an attribute, such as `summary`, `runs` and `requests`."""

    def __init__(self, folder, library=None):
        self.folder = Path(folder)
        if not (self.folder / "manifest.json").is_file():
            raise FileNotFoundError(f"{self.folder}: no manifest.json; expected a results folder of msao-sim")
        self.library = library or _installed()
        if self.library not in ("polars", "pandas"):
            raise ValueError(f"library {self.library!r}: expected 'polars' or 'pandas'")
        self._frames = {}

    def __repr__(self):
        return f"Results({str(self.folder)!r}, {self.library!r}): {', '.join(self.tables)}"

    @cached_property
    def manifest(self):
        """What was run, by which program, under which assumptions."""
        return json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))

    @property
    def tables(self):
        """Names of the tables in the folder."""
        return sorted(file.stem for file in self.folder.glob("*.parquet"))

    @property
    def units(self):
        """Unit of each column of the tables that were read; columns without a unit are left out."""
        columns = (column for frame in self._frames.values() for column in frame.columns)
        return {column: unit for column in columns if (unit := unit_of(column))}

    def __getattr__(self, name):
        if name.startswith("_") or not (self.folder / f"{name}.parquet").is_file():
            raise AttributeError(f"{self.folder}: no table {name!r}; it has {', '.join(self.tables)}")
        return self.table(name)

    def table(self, name):
        """A table with swept values as numbers; rows of requests have those of their point beside them."""
        if name not in self._frames:
            frame = self._numbers(self._read(name))
            if "point" in frame.columns and name != "runs":
                frame = self._with_point(frame)
            self._frames[name] = frame
        return self._frames[name]

    def _read(self, name):
        return import_module(self.library).read_parquet(self.folder / f"{name}.parquet")

    def _numbers(self, frame):
        """The frame with each swept key as a number, whose unit is the end of the column's name."""
        columns = list(frame.columns)
        for key in [column for column in columns if "." in column]:
            if any(is_number_of(key, other) for other in columns):
                continue
            own = next((column for column in columns if is_number_of(column, key)), None)
            if own:
                frame = self._without_text(frame, key, own)
                continue
            # Tables of runs, and of folders that older versions wrote, have the text alone.
            texts = list(frame[key])
            numbers = [number_in(text) for text in texts]
            if all(number is None for number in numbers):
                continue
            if any(number is None for number in numbers) or len({number.kind for number in numbers}) > 1:
                # Names and numbers in one column stay as they are.
                continue
            frame = self._replaced(frame, key, column_of(key, numbers[0]), [number.value for number in numbers])
        return frame

    def _without_text(self, frame, key, own):
        """The frame without the text of a key whose numbers are in the column `own`, unless a value is no number."""
        is_whole = not (frame[own].isna().any() if self.library == "pandas" else frame[own].null_count())
        if not is_whole:
            return frame
        name = key if own == f"{key}_{NO_UNIT}" else own
        if self.library == "pandas":
            return frame.drop(columns=key).rename(columns={own: name})
        return frame.drop(key).rename({own: name})

    def _replaced(self, frame, key, column, values):
        if self.library == "pandas":
            frame = frame.copy()
            frame[key] = values
            return frame.rename(columns={key: column})
        polars = import_module("polars")
        return frame.with_columns(polars.Series(key, values)).rename({key: column})

    def _with_point(self, frame):
        """The frame with the swept values of each row's point, as `runs` has them."""
        swept = [column for column in self.runs.columns if "." in column and column not in frame.columns]
        if not swept:
            return frame
        points = self.runs[["point", *swept]]
        if self.library == "pandas":
            return frame.merge(points.drop_duplicates("point"), on="point", how="left", validate="many_to_one")
        points = points.unique("point")
        points = points.with_columns(points["point"].cast(frame["point"].dtype))
        return frame.join(points, on="point", how="left", validate="m:1", maintain_order="left")


def _installed():
    for library in ("polars", "pandas"):
        if util.find_spec(library):
            return library
    raise ImportError("neither polars nor pandas is installed: pip install polars")
