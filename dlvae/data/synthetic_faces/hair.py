"""Hair: a cap over the skull with a hairline, and locks that fall beside and behind the face."""

from __future__ import annotations

import numpy as np

from dlvae.data.synthetic_faces.colours import Colour, hair_colour, mix, skin_colour, times
from dlvae.data.synthetic_faces.geometry import Ellipsoid, Grid, between, ramp, to_head, wave
from dlvae.data.synthetic_faces.head import Anatomy, Face
from dlvae.data.synthetic_faces.surface import Surface

_BACK = np.float32(-0.70)  # depth of hair behind the head and the neck
_SHORTEST_LOCKS = 0.35  # below this hair length nothing hangs beside the face


def hair_surfaces(f: Face, a: Anatomy, grid: Grid) -> list[Surface]:
    """The cap, and locks where the hair is long enough; each with its far side behind the head."""
    surfaces = [_cap(f, a, grid)]
    if f["hair_length"] > _SHORTEST_LOCKS:
        surfaces.append(_locks(f, a, grid))
    return surfaces


def _cap(f, a, grid):
    length, curl = f["hair_length"], f["hair_curl"]
    volume = between(0.02, 0.16, f["hair_volume"]) * min(0.25 + 2.0 * length, 1.0)
    shell = Ellipsoid.place(
        a.turn,
        (0.0, a.top - 0.48, -0.12),
        (a.face_width + 0.02 + 0.8 * volume, 0.5 + volume, 0.60 + 0.7 * volume),
    )
    rows = shell.rows(grid, margin=1.15)
    x, y = grid.x[rows], grid.y[rows]
    near, middle, q = shell.surface(x, y)
    # Curls roughen the outline.
    rough = (0.035 * curl * min(length * 3.0, 1.0)) * (wave(x * 4.0) + wave(y * 4.0 + 0.3))
    index = (q + rough > 0.02).nonzero()[0]
    x, y, near, middle = (array.take(index) for array in (x, y, near, middle))
    u, v, w = to_head(a.turn, x, y, near)
    edge, lowest = _hairline(f, a, u, w)
    _, back_v, _ = to_head(a.turn, x, y, 2.0 * middle - near)
    front = v > edge
    hairy = (front | (back_v > lowest)).nonzero()[0]
    density = min(0.35 + 7.0 * length, 1.0)
    colour = mix(times(skin_colour(f), 0.9), hair_colour(f), density)
    strand = _strands(f, u, v, w)
    index += rows.start
    return _two_sided(index, near, front, colour, strand).part(hairy)


def _hairline(f, a, u, w):
    """Lowest height (M,) of hair over each point of the cap, and the lowest of all."""
    length = f["hair_length"]
    grown = min(3.0 * length, 1.0)
    hairline = a.top - between(0.25, 0.12, f["hairline"])
    # The fringe hangs lower on the side it is combed to.
    fall = ramp(u * f["hair_part"], -0.05, 0.6)
    edge = hairline - (0.27 * f["hair_fringe"] * grown) * fall
    ragged = between(0.008, 0.024, f["hair_curl"]) * grown
    edge += ragged * (wave(u * 2.3 + 0.2) + 0.5 * wave(u * 7.1 + 0.1))
    # Beside the face the edge drops to the ears, or below them.
    steep = between(1.1, 2.4, min(2.0 * length, 1.0))
    edge -= steep * (0.30 - w).clip(0.0, 1.0)
    lowest = between(0.12, -0.28, min(2.5 * length, 1.0))
    return np.maximum(edge, np.full_like(edge, lowest)), lowest


def _locks(f, a, grid):
    reach = (f["hair_length"] - _SHORTEST_LOCKS) / (1.0 - _SHORTEST_LOCKS)
    top, bottom = a.top - 0.05, between(-0.30, -1.35, reach)
    curtain = Ellipsoid.place(
        a.turn,
        (0.0, 0.5 * (top + bottom), -0.22),
        (
            a.face_width + between(0.05, 0.20, f["hair_volume"]),
            0.55 * (top - bottom),
            0.36,
        ),
    )
    rows = curtain.rows(grid, margin=1.1)
    x, y = grid.x[rows], grid.y[rows]
    near, _, q = curtain.surface(x, y)
    rough = (0.014 * f["hair_curl"]) * (wave(x + y * 3.5) + wave(y * 5.1 - x))
    index = (q + rough > 0.01).nonzero()[0]
    near = near.take(index)
    u, v, w = to_head(a.turn, x.take(index), y.take(index), near)
    front = np.abs(u) > a.face_width * 0.80
    index += rows.start
    return _two_sided(index, near, front, hair_colour(f), _strands(f, u, v, w))


def _two_sided(index, near, front, colour: Colour, strand) -> Surface:
    """Hair at depth `near` where `front` (bool), elsewhere its dim far side behind the head."""
    hair = Surface.blank(index, front * (near - _BACK) + _BACK)
    hair.fill(colour, strand * (np.float32(0.45) * front + 0.55))
    hair.gloss[:] = np.float32(0.20) * front + 0.05
    return hair


def _strands(f, u, v, w) -> np.ndarray:
    """Brightness (M,) of the hair: straight strands, or the cells of curls."""
    curl = f["hair_curl"]
    straight = wave(u * 6.0 + 0.35 * wave(v * 2.0 + w) + 0.5 * f["hair_part"])
    curls = wave(u * 5.0 + 0.5 * wave(v * 3.5)) * wave(v * 5.0 + 2.0 * w)
    return 0.86 + 0.12 * (1.0 - curl) * straight + (0.24 * curl) * curls
