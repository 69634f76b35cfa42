"""Reads a data set that `imgeval export RUN --dataset DIR` wrote with datasets, pandas and DuckDB.

Usage: python scripts/reference/dataset.py DIR
Needs: datasets 5.x or 4.x, pandas, pyarrow, duckdb, pillow (any recent versions).

Checks that the three readers see the same rows, that images decode and have the SHA-256 that their rows name, that rows of the
tables belong together, and that the Parquet files are valid for pyarrow. Prints one line for each check and fails at the first
that does not hold.
"""

import hashlib
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
from datasets import Image, load_dataset

TABLES = ["samples", "scores", "evidence"]
KEY = ["case_id", "sample", "round"]


def check(holds: bool, what: str) -> None:
    print(("ok: " if holds else "FAILED: ") + what)
    if not holds:
        sys.exit(1)


def main(folder: Path) -> None:
    frames = {name: pd.read_parquet(folder / name) for name in TABLES}
    for name, frame in frames.items():
        files = sorted((folder / name).glob("*.parquet"))
        rows = sum(pq.ParquetFile(file).metadata.num_rows for file in files)
        groups = [pq.ParquetFile(file).metadata.row_group(i).num_rows for file in files for i in range(pq.ParquetFile(file).num_row_groups)]
        counted = duckdb.sql(f"SELECT count(*) FROM '{folder}/{name}/*.parquet'").fetchall()[0][0]
        loaded = load_dataset(str(folder), name, split="test")
        sizes = {"pyarrow": rows, "pandas": len(frame), "duckdb": counted, "datasets": loaded.num_rows}
        check(len(set(sizes.values())) == 1, f"{name}: {rows} rows for each reader {sizes}")
        if name == "samples" and "image" in frame:
            check(max(groups, default=0) <= 64, f"samples: at most 64 rows in a row group, {len(groups)} groups in {len(files)} files")
            check(isinstance(loaded.features["image"], Image), "datasets: `image` is an Image")
            with_image = [row for row in loaded if row["outcome"] == "ok"]
            check(all(row["image"].size == (row["width"], row["height"]) for row in with_image), f"datasets: {len(with_image)} images decode in the size that is named")
            without = [row for row in loaded if row["outcome"] != "ok"]
            check(all(row["image"] is None for row in without), f"datasets: {len(without)} rows without a usable image are there, with null")
            done = frame[frame["outcome"] == "ok"]
            hashes = [hashlib.sha256(image["bytes"]).hexdigest() for image in done["image"]]
            check(hashes == list(done["image_sha256"]), "pandas: bytes have the SHA-256 that is named")
            check([image["path"] for image in done["image"]] == list(done["file_name"]), "pandas: images have their file names")
    samples = frames["samples"]
    rows = samples[~samples["is_redundant"].astype(bool)]
    check(not rows.duplicated(KEY).any(), "samples: one row for each sample that counts")
    known = set(map(tuple, rows[KEY].itertuples(index=False)))
    for name in ["scores", "evidence"]:
        keys = set(map(tuple, frames[name][KEY].itertuples(index=False)))
        check(keys <= known, f"{name}: {len(keys)} samples, all of them in samples")
    scores = frames["scores"].dropna(subset=["score"])
    check(scores["score"].between(0, 1).all(), f"scores: {len(scores)} between 0 and 1")
    joined = duckdb.sql(
        f"SELECT part, evaluator, avg(score) FROM '{folder}/samples/*.parquet' JOIN '{folder}/scores/*.parquet' "
        "USING (case_id, sample, round) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    merged = rows.merge(frames["scores"], on=KEY).groupby(["part", "evaluator"])["score"].mean()
    same = [abs(mean - merged[(part, evaluator)]) < 1e-12 for part, evaluator, mean in joined if mean is not None]
    check(all(same), f"DuckDB and pandas agree on {len(same)} means by part and evaluator")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
