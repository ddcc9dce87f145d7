"""Small image files of random colours, as class folders and as parquet."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image


def png(seed: int, size: tuple[int, int] = (8, 8)) -> bytes:
    """A PNG of random colours; equal seeds give equal bytes."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


@pytest.fixture
def class_folders():
    """Write `counts[name]` images of each class under a folder."""

    def write(root: Path, counts: dict[str, int], size=(8, 8), seed=0) -> Path:
        for class_index, (name, count) in enumerate(counts.items()):
            (root / name).mkdir(parents=True)
            for index in range(count):
                data = png(seed + 1000 * class_index + index, size)
                (root / name / f"{index:03d}.png").write_bytes(data)
        return root

    return write


@pytest.fixture
def parquet_file():
    """Write one parquet file in the layout of the Hugging Face Image feature."""

    def write(path: Path, labels: list, size=(8, 8), seed=0, images: dict | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [{"bytes": png(seed + i, size), "path": f"{i}.png"} for i in range(len(labels))]
        for row, data in (images or {}).items():
            rows[row] = {"bytes": data, "path": None}
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        columns = {"image": pa.array(rows, kind), "label": pa.array(labels)}
        pq.write_table(pa.table(columns), path, compression="zstd")
        return path

    return write
