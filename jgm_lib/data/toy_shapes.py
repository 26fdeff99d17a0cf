"""The shapes of ToyScenes: coverage and luma of sky, sun, hills, lake, trees and houses.

Coordinates run from 0 to 1 (y downwards), a shape is a signed distance (negative inside) and its
coverage falls from 1 to 0 over one pixel, so that a scene looks the same at every size.
Parameters are arrays (n,1,1), fields (n,S,S): all scenes of a batch are drawn at once.
"""

from collections.abc import Iterator

import numpy as np

TAU = np.float32(2 * np.pi)


class Dice:
    """Hands out uniform numbers column by column: each scene owns one row of ``chance``."""

    def __init__(self, chance: np.ndarray):
        self.columns = iter(chance.T[:, :, None, None])

    def __call__(self, low, high) -> np.ndarray:
        return np.float32(low) + np.float32(high - low) * next(self.columns)  # (n,1,1)

    def yes(self, probability: float) -> np.ndarray:
        return (next(self.columns) < probability).astype(np.float32)

    def side(self) -> np.ndarray:
        return np.where(next(self.columns) < 0.5, -1, 1).astype(np.float32)


class Canvas:
    """Pixel centres, texture and the antialiased step."""

    def __init__(self, size: int, dice: Dice):
        centre = (np.arange(size, dtype=np.float32) + 0.5) / size
        self.size, self.x, self.y = size, centre[None, None, :], centre[None, :, None]
        self.grain = self._waves(dice, 5, (6, 13), 0.5)  # speckle, in [-1,1]
        self.ripple = self._waves(dice, 2, (12, 15), 0.02)  # flat bands on water
        self.drift = self._waves(dice, 2, (2, 4), 0.1)  # slow clouds

    def _waves(self, dice: Dice, count: int, cycles, turn: float) -> np.ndarray:
        """A sum of waves below the Nyquist limit of 32 pixels; ``turn``: spread of directions."""
        out = 0
        for _ in range(count):
            f, angle, p = dice(*cycles), TAU / 2 * dice(-turn, turn), dice(0, 1)
            out = out + np.sin(TAU * (f * (np.sin(angle) * self.x + np.cos(angle) * self.y) + p))
        return out / count

    def cover(self, distance: np.ndarray) -> np.ndarray:
        return np.clip(0.5 - distance * np.float32(self.size), 0, 1)

    def disc(self, cx, cy, rx, ry=None) -> np.ndarray:
        ry = rx if ry is None else ry
        return (np.hypot((self.x - cx) / rx, (self.y - cy) / ry) - 1) * np.minimum(rx, ry)

    def box(self, cx, top, bottom, half) -> np.ndarray:
        flat = np.maximum(top - self.y, self.y - bottom)
        return np.maximum(np.abs(self.x - cx) - half, flat)

    def gable(self, cx, top, bottom, half, half_top=0.0) -> np.ndarray:
        """A trapezium that narrows from ``half`` below to ``half_top`` above."""
        k = (half - half_top) / (bottom - top)
        slope = (np.abs(self.x - cx) - half + (bottom - self.y) * k) / np.sqrt(1 + k * k)
        return np.maximum(np.maximum(top - self.y, self.y - bottom), slope)

    def below(self, height, slope) -> np.ndarray:
        return (height - self.y) / np.sqrt(1 + slope * slope)


def _ridge(c: Canvas, dice: Dice, base, rise) -> tuple[np.ndarray, np.ndarray]:
    """A curve y(x) of two waves that stays between base - rise and base, and its slope."""
    height, slope = base - rise / 2, 0
    for low, high, share in ((0.7, 1.5, 0.35), (1.8, 3.2, 0.15)):
        w, p = TAU * dice(low, high), TAU * dice(0, 1)
        height = height + rise * share * np.sin(w * c.x + p)
        slope = slope + rise * share * w * np.cos(w * c.x + p)
    return height, slope


def _round_tree(c: Canvas, dice: Dice, cx, foot, scale, light, there) -> Iterator:
    r = scale * dice(0.085, 0.115)
    cy = foot - scale * dice(0.06, 0.09) - r
    crown = c.disc(cx, cy, r)
    for k in (-1, 1):
        crown = np.minimum(crown, c.disc(cx + k * r * dice(0.5, 0.8), cy + r * 0.45, r * 0.7))
    shade = 1 + 0.22 * (light * (c.x - cx) - (c.y - cy)) / r + 0.15 * c.grain
    yield "tree", there * c.cover(crown), dice(0.25, 0.37) * shade
    yield "trunk", there * c.cover(c.box(cx, cy, foot, r * 0.17)), dice(0.16, 0.26)


def _conifer(c: Canvas, dice: Dice, cx, foot, scale, light, there) -> Iterator:
    tall, half = scale * dice(0.26, 0.36), scale * dice(0.065, 0.09)
    top, skirt = foot - tall, foot - scale * 0.035
    shape = c.gable(cx, top, top + tall * 0.5, half * 0.75)
    shape = np.minimum(shape, c.gable(cx, top + tall * 0.2, skirt, half, half * 0.2))
    shade = 1 + 0.2 * light * (c.x - cx) / half + 0.2 * c.grain
    yield "conifer", there * c.cover(shape), dice(0.18, 0.28) * shade
    yield "trunk", there * c.cover(c.box(cx, skirt, foot, half * 0.18)), dice(0.16, 0.26)


def _house(c: Canvas, dice: Dice, cx, foot, scale, light, there) -> Iterator:
    half, tall, rise = (scale * dice(*r) for r in ((0.12, 0.16), (0.11, 0.14), (0.1, 0.14)))
    eave = foot - tall
    ridge = half * dice(0.2, 0.8)
    chimney = c.box(cx + light * ridge * 0.7, eave - rise * 1.25, eave - rise * 0.5, half * 0.1)
    tiles = 1 + 0.1 * np.sin(TAU * (c.y - eave) / rise * 4) + 0.05 * c.grain
    roof_luma = dice(0.3, 0.44)
    roof = c.gable(cx, eave - rise, eave, half * 1.18, ridge)
    yield "roof", there * c.cover(roof), roof_luma * tiles
    yield "roof", there * c.cover(chimney), roof_luma * 0.8
    door = c.box(cx + half * dice(-0.2, 0.2), eave + tall * 0.45, foot, half * 0.15)
    panes = c.box(cx - half * 0.6, eave + tall * 0.25, eave + tall * 0.6, half * 0.16)
    panes = np.minimum(
        panes, c.box(cx + half * 0.6, eave + tall * 0.25, eave + tall * 0.6, half * 0.16)
    )
    plaster = dice(0.7, 0.8) * (1 + 0.08 * light * (c.x - cx) / half)
    dark = 1 - 0.6 * c.cover(np.minimum(door, panes))
    yield "wall", there * c.cover(c.box(cx, eave, foot, half)), plaster * dark


def _land(c: Canvas, dice: Dice, horizon) -> Iterator:
    height, slope = _ridge(c, dice, horizon + 0.015, 0.03)
    luma = dice(0.38, 0.48) * (1 + 0.2 * c.grain + 0.25 * (c.y - horizon))
    yield "grass", c.cover(c.below(height, slope)), luma
    for rise, low, high in ((dice(0.08, 0.15), 0.32, 0.4), (dice(0.2, 0.34), 0.44, 0.54)):
        height, slope = _ridge(c, dice, horizon, rise)
        luma = dice(low, high) * (1 + 0.1 * c.grain + 0.5 * (c.y - height))  # haze in the valley
        yield "hills", c.cover(c.below(height, slope)), luma


def _heaven(c: Canvas, dice: Dice, light) -> Iterator:
    r, cx, cy = dice(0.055, 0.085), 0.5 + light * dice(0.12, 0.36), dice(0.11, 0.24)
    yield "sun", c.cover(c.disc(cx, cy, r)), dice(0.79, 0.82)
    glow = np.exp(-np.maximum(c.disc(cx, cy, r), 0) * 9)
    luma = dice(0.57, 0.63) + 0.11 * c.y + 0.05 * np.maximum(c.drift, 0) + 0.03 * glow
    yield "sky", np.ones_like(luma), luma


def draw_layers(chance: np.ndarray, size: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield (object name, coverage (n,S,S), luma (n,S,S) or (n,1,1)) from front to back.

    ``chance``: (n,150) uniform numbers, one row a scene.
    """
    dice = Dice(chance)
    c = Canvas(size, dice)
    horizon, light, bank = dice(0.54, 0.62), dice.side(), dice.side()  # bank: side of the lake
    # a big tree in front, away from the lake
    cx, foot = 0.5 - bank * dice(0.24, 0.42), dice(0.88, 0.97)
    first = dice.yes(0.5)
    yield from _round_tree(c, dice, cx, foot, 1.35, light, first * dice.yes(0.7))
    yield from _conifer(c, dice, cx, foot, 1.45, light, (1 - first) * dice.yes(0.7))
    # the house near the middle and its neighbour behind
    cx, foot = 0.5 + bank * dice(-0.12, 0.16), horizon + dice(0.14, 0.18)
    yield from _house(c, dice, cx, foot, 1.0, light, np.float32(1))
    yield from _house(
        c, dice, cx - bank * dice(0.26, 0.38), foot - 0.05, 0.72, light, dice.yes(0.4)
    )
    lake = c.disc(
        0.5 + bank * dice(0.12, 0.26), dice(0.87, 0.91), dice(0.26, 0.36), dice(0.06, 0.085)
    )
    luma = dice(0.48, 0.58) * (1 + 0.09 * c.ripple)
    yield "lake", dice.yes(0.65) * c.cover(lake), luma
    for k in (1, 0, -1):  # a row of trees at the edge of the meadow
        cx, foot = 0.5 + 0.33 * k + dice(-0.1, 0.1), horizon + dice(0.03, 0.07)
        sort = dice.yes(0.5)
        there = dice.yes(0.75)
        yield from _round_tree(c, dice, cx, foot, 0.8, light, sort * there)
        yield from _conifer(c, dice, cx, foot, 0.75, light, (1 - sort) * there)
    yield from _land(c, dice, horizon)
    yield from _heaven(c, dice, light)
