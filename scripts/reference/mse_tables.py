"""Small Parquet tables of the shape of MSE-Bench, for imgeval_suites::rounds::mse.

    python scripts/reference/mse_tables.py crates/imgeval-suites/tests/fixtures/mse

Needs pyarrow 26.0.1. Sessions and bytes are made up; "images" are a few bytes, because the reader does not decode them. `sessions.parquet` is
compressed by Snappy, `results.parquet` by Zstandard with columns in another order and one null; `other_shape.parquet` has integers
where texts belong.
"""

import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
TEXTS = pa.list_(pa.string())


def image(text):
    return {"bytes": text.encode(), "path": f"{text}.png"}


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    sessions = pa.table(
        {
            "image": pa.array([image("a"), {"bytes": None, "path": "b.png"}], IMAGE),
            "index": pa.array([40, 7], pa.int64()),
            "summary": pa.array(["aim", None], pa.string()),
            "context": pa.array([["Add a bell", "Paint it"], ["Remove the cup", "Add a kite"]], TEXTS),
            "operation": pa.array([["add", "color"], None], TEXTS),
            "description_target": pa.array([["a bell", "a red bell"], []], TEXTS),
        }
    )
    pq.write_table(sessions, folder / "sessions.parquet", compression="snappy")
    results = pa.table(
        {
            "turn_1_image": pa.array([image("a1"), None], IMAGE),
            "turn_0_image": pa.array([image("a0"), image("b0")], IMAGE),
        }
    )
    pq.write_table(results, folder / "results.parquet", compression="zstd")
    other = pa.table({"index": pa.array([1]), "context": pa.array([[1]], pa.list_(pa.int64()))})
    pq.write_table(other, folder / "other_shape.parquet", compression="none")


if __name__ == "__main__":
    main()
