"""A distribution as an installer leaves it: packages, and the metadata that names its models."""

from pathlib import Path


def install(folder: Path, models: dict[str, str], files: dict[str, str], name="theirs") -> Path:
    """Write a distribution into `folder`, which then only needs to be on the path.

    Args:
        models: entry points `dlvae.models`: name of a model, and `module:MODEL`.
        files: text by path.
        name: of the distribution.
    """
    lines = "".join(f"{model} = {target}\n" for model, target in models.items())
    info = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "RECORD": "".join(f"{path},,\n" for path in files),
        "entry_points.txt": f"[dlvae.models]\n{lines}",
    }
    files = files | {f"{name}-1.0.dist-info/{file}": text for file, text in info.items()}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder
