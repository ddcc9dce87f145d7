"""The keys of the target `prepare_faces`."""

from typing import Literal

from dlvae.config.section import Count, Fraction, Positive, Section, Side, number

Correlation = number(gt=0, le=1)


class PrepareFaces(Section):
    """The section `prepare_faces`: how photographs become aligned faces."""

    detector: Literal["haar", "yunet"] = "haar"
    """`haar`: Viola-Jones cascades for faces and eyes, as the paper, nothing to download; `yunet`:
    a small network with five landmarks, which aligns better and turns heads upright"""
    yunet_model: str | None = None
    """file of YuNet (ONNX); null: downloaded once into `data/models/`, its SHA-256 checked"""
    face: Literal["largest", "central"] = "largest"
    """which face of a photo is taken, where no `faces.csv` in the root says it"""
    second_face: Positive | None = None
    """a photo with a second face of at least this part of the area of the first is dropped (0.3
    was right for web photos whose folder is the only label); null: none is"""
    min_score: number(ge=0, le=1) = 0.8
    """least score of a face found by yunet"""
    size: Side = 64
    """side of an aligned face in pixels"""
    max_enlargement: Positive = 1.0
    """a face that would be enlarged by more than this is dropped as too small"""
    max_outside: number(ge=0, le=1) = 0.2
    """largest part of an aligned face that may lie outside the photo, where pixels are mirrored"""
    same_person: Correlation = 0.93
    """from this correlation on two photos of an identity are one; the larger face is kept"""
    two_people: Correlation = 0.96
    """from this correlation on photos of two identities are one; both are dropped"""
    test_fraction: Fraction = 0.1
    """held-out share of each identity, at least one face"""
    min_train_faces: Count = 10
    """an identity with fewer training faces is left out"""
