"""How scores are taken, read from ``config/protocol/<name>.yaml`` and known by its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from dlvae.config.section import Count, Natural, Section
from dlvae.config.yaml_files import read_yaml
from dlvae.stage.errors import UserError
from eval.metrics.ms_ssim.variant import VariantRule


class SamplesRule(Section):
    """Images per class: ``few`` up to ``few_classes`` classes, else ``many``."""

    few_classes: Count
    few: Count
    many: Count


class InceptionRule(Section):
    """``splits``: parts of a sample set that are scored apart and averaged."""

    splits: Count


class JudgesRule(Section):
    """``agreement``: below this share of images on which the members of an ensemble see one class,
    the mean over their pairs, a score is not to be believed; 0 for never."""

    agreement: Annotated[float, Field(ge=0, le=1)]


class IntervalsRule(Section):
    """Intervals within one seed.

    Attributes:
        groups: groups of images that the jackknife leaves out in turn.
        draws: resamples of classes.
    """

    groups: Annotated[int, Field(ge=3, le=1000)]
    draws: Annotated[int, Field(ge=100, le=1_000_000)]


class Protocol(Section):
    """The rules that every family of scores is taken by.

    What else a score depends on stands in its row by content hash: what was scored, the judges and
    the data; see :class:`eval.rows.ScoreRow`. Sizes of a single family are constants of its code,
    which the row's fingerprint tells.

    Attributes:
        id: name of the protocol.
        checkpoint: which weights are sampled.
        bn_eval: statistics of batch norms at sampling.
        samples: images per class.
        inception: Inception Score.
        intervals: how sure a score of one seed is.
        recheck_pairs: pairs of a set that tests compare with independent code; no score depends
            on it, but on the same code.
        ms_ssim: diversity variants by name.
        judges: when the judges disagree; no such key: never.
    """

    whole: ClassVar[str] = "a protocol is a complete file"

    id: str
    checkpoint: Literal["final"]
    bn_eval: Literal["recalibrated", "batch", "running"]
    samples: SamplesRule
    inception: InceptionRule
    intervals: IntervalsRule
    recheck_pairs: Natural
    ms_ssim: dict[str, VariantRule]
    judges: JudgesRule = JudgesRule(agreement=0)

    @property
    def hash(self) -> str:
        """12 hex digits of SHA-256 over all keys.

        Comments, the order of keys and the spelling of numbers do not matter, nor whether a default
        is written: protocols from before there was such a key keep their hashes.
        """
        text = json.dumps(
            self.model_dump(exclude_defaults=True), sort_keys=True, ensure_ascii=False
        )
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def label(self) -> str:
        """``id:hash``, as in score rows."""
        return f"{self.id}:{self.hash}"

    def samples_per_class(self, classes: int) -> int:
        """Return the number of images per class of a data set with so many classes."""
        few = classes <= self.samples.few_classes
        return self.samples.few if few else self.samples.many


def load_protocol(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Protocol:
    """Read a protocol file and lay ``overrides`` (nested, by key) over it.

    Raises:
        UserError: the file is missing or malformed, a key is unknown or absent, or a value has the
            wrong type or range.
    """
    content = read_yaml(path, "a readable protocol file")
    try:
        return Protocol.read(_merged(content, overrides or {}))
    except UserError as error:
        raise UserError(f"protocol {path}: {error}") from error


def _merged(base: Any, over: Any) -> Any:
    """Return ``base`` with ``over`` laid over it; sizes in pixels are keys as text."""
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return base if over == {} else over
    texts = {str(key): value for key, value in base.items()}
    return {key: _merged(texts.get(key, {}), over.get(key, {})) for key in {**texts, **over}}
