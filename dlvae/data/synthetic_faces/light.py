"""Light: normals from depth, lamp and sky, highlights, and averaging of samples to pixels."""

from __future__ import annotations

import numpy as np

from dlvae.data.synthetic_faces.head import Columns, between


def lamp(f: Columns) -> np.ndarray:
    """Unit vectors (n, 3) towards the lamp, in view axes."""
    a = np.radians(f["light_azimuth"][:, 0].astype(np.float64))
    e = np.radians(f["light_elevation"][:, 0].astype(np.float64))
    return np.stack([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)], axis=1)


def shade(f, picture, depth, gloss, shadow, samples: int) -> np.ndarray:
    """Lit colour (3, n, P): ambient sky, lamp (Lambert, Blinn highlight), cast shadow (n, P)."""
    nx, ny, nz = _normals(depth, samples)
    light = lamp(f)
    lx, ly, lz = light.astype(np.float32).T[..., None]
    half = light + np.array([0.0, 0.0, 1.0])
    half /= np.sqrt((half * half).sum(axis=1, keepdims=True))
    hx, hy, hz = half.astype(np.float32).T[..., None]
    clear = 1.0 - shadow
    diffuse = np.maximum(nx * lx + ny * ly + nz * lz, 0.0) * clear
    sky = 0.80 + 0.20 * ny
    strength = f["light_strength"]
    amount = between(0.62, 0.30, strength) * sky + between(0.45, 1.0, strength) * diffuse
    shine = np.maximum(nx * hx + ny * hy + nz * hz, 0.0)
    for _ in range(4):
        shine = shine * shine
    shine = shine * gloss * clear * between(0.5, 1.0, strength)
    return picture * amount + shine


def _normals(depth, samples):
    """Unit normals (n, P) from differences; at an outline the gentler side counts."""
    n = len(depth)
    grid = depth.reshape(n, samples, samples)
    step = np.float32(samples / 2.0)
    across = (grid[:, :, 1:] - grid[:, :, :-1]) * step
    down = (grid[:, :-1, :] - grid[:, 1:, :]) * step
    gx = np.empty_like(grid)
    gy = np.empty_like(grid)
    gx[:, :, 0], gx[:, :, -1] = across[:, :, 0], across[:, :, -1]
    gx[:, :, 1:-1] = _gentler(across[:, :, :-1], across[:, :, 1:])
    gy[:, 0], gy[:, -1] = down[:, 0], down[:, -1]
    gy[:, 1:-1] = _gentler(down[:, :-1], down[:, 1:])
    gx, gy = gx.reshape(n, -1), gy.reshape(n, -1)
    nz = 1.0 / np.sqrt(gx * gx + gy * gy + 1.0)
    return -gx * nz, -gy * nz, nz


def _gentler(a, b):
    return np.where(np.abs(a) < np.abs(b), a, b)


def to_pixels(picture: np.ndarray, size: int, samples: int) -> np.ndarray:
    """Average (3, n, samples^2) to uint8 (n, size, size, 3)."""
    k = samples // size
    grid = picture.reshape(3, -1, size, k, size, k)
    total = grid[:, :, :, 0, :, 0]
    for i in range(k):
        for j in range(k):
            if i or j:
                total = total + grid[:, :, :, i, :, j]
    # A mild shoulder keeps highlights from clipping hard.
    mean = np.clip(total * (1.0 / (k * k)), 0.0, 1.2)
    mean = mean * (1.0 - 0.1389 * mean)  # 1.2 -> 1.0
    return np.rint(np.clip(mean * 255.0, 0.0, 255.0)).astype(np.uint8).transpose(1, 2, 3, 0)
