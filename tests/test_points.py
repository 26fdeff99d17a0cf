"""Colour points: what they mean, that the prior told of them is exact, and that objects follow them."""

import math

import numpy as np
import pytest
import torch
import yaml
from dense import Lab, photographic
from PIL import Image
from rats import Batch, grey_tensor, last, model_of
from seen_maker import seeing_colorizer
from skimage.color import rgb2lab
from skimage.measure import label as connected

from jgm_lib import Colorizer, JGMError
from jgm_lib.cli import main
from jgm_lib.constraint import Observation, fit_gamut
from jgm_lib.data.toy import OBJECTS, PALETTE, ToyScenes
from jgm_lib.domain import Haar, Intensity, Joint
from jgm_lib.noise import SeededNoise, version_seeds
from jgm_lib.operators import gray, gray_weights, to_basis
from jgm_lib.params import ColorizeCard, validate
from jgm_lib.photo.borders import Border
from jgm_lib.pointed import Informed, Pointed
from jgm_lib.points import cells, on_grid, point_of
from jgm_lib.samplers import SAMPLERS

MEAN, BT601 = gray_weights("mean"), gray_weights("bt601")
FAST = dict(n=2, steps=6, sigma_max=10.0)


# -- in words and on the grid ----------------------------------------------------------------------


def test_a_point_is_three_things_or_text():
    wanted = (120, 80, "#c08040")
    for given in ("120,80,#c08040", " 120, 80 ,#C08040", wanted, [np.int64(120), 80, "#c08040"]):
        assert point_of(given) == wanted


BAD = ["120,80", "a,80,#c08040", "1,2,red", "1,2,#c0804", "-1,2,#c08040", (1.5, 2, "#c08040"), 7]


@pytest.mark.parametrize("given", [*BAD, (1, 2, 3), "1,2,#c08040,4"])
def test_other_words_are_one_line(given):
    with pytest.raises(JGMError, match="need x,y,#rrggbb") as error:
        validate(ColorizeCard, {"points": [given]})
    assert "\n" not in str(error.value)


def test_a_card_keeps_its_points():
    card = ColorizeCard(points=["3,4,#C08040"])
    assert card.points == [(3, 4, "#c08040")]
    assert ColorizeCard(**card.model_dump()) == card
    assert ColorizeCard.model_validate_json(card.model_dump_json()) == card
    assert ColorizeCard(**yaml.safe_load(yaml.safe_dump(card.model_dump()))) == card


def test_cells_of_a_pixel():
    """A pixel covers the cells whose middles lie in it; a larger cell holds the pixel's middle."""
    assert [list(cells(k, 4, 4)) for k in range(4)] == [[0], [1], [2], [3]]
    assert [list(cells(k, 2, 6)) for k in range(2)] == [[0, 1, 2], [3, 4, 5]]
    assert [list(cells(k, 5, 2)) for k in range(5)] == [[0], [0], [1], [1], [1]]
    for n, m in ((7, 3), (3, 7), (10, 4), (4, 10)):
        found = [cells(k, n, m) for k in range(n)]
        for k, own in enumerate(found):
            inside = [c for c in range(m) if k <= (c + 0.5) * n / m < k + 1]
            assert list(own) == (inside or [int((k + 0.5) * m / n)])


def test_a_point_lies_where_the_border_leaves_it():
    border = Border(top=10, left=20, right=5, bottom=5)
    found = on_grid([(20, 10, "#ff0000"), (119, 59, "#0000ff")], border, (50, 100), (25, 50))
    assert found == {(0, 0): (1, 0, 0), (24, 49): (0, 0, 1)}


@pytest.mark.parametrize(
    "points, says",
    [
        ([(125, 20, "#ff0000")], "point 125,20: outside the photograph of 125 x 65 pixels"),
        ([(19, 20, "#ff0000")], "point 19,20: in the border of pixels"),
        ([(30, 30, "#ff0000"), (31, 31, "#00ff00")], "two colours in one pixel of the 50 x 25"),
    ],
)
def test_points_that_cannot_be_are_one_line(points, says):
    border = Border(top=10, left=20, right=5, bottom=5)
    with pytest.raises(JGMError, match=says):
        on_grid(points, border, (50, 100), (25, 50))
    same = [(30, 30, "#ff0000"), (31, 31, "#ff0000")]
    assert len(on_grid(same, border, (50, 100), (25, 50))) == 1


# -- one more row ----------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [MEAN, BT601])
@pytest.mark.parametrize("domain", [Joint(0.5), Intensity()])
def test_the_projection_is_onto_the_grey_and_the_points(domain, f):
    g = torch.Generator().manual_seed(0)
    y = gray(torch.rand(2, 3, 4, 5, generator=g).double(), f)
    seen = Pointed.of(Observation(y, f), {(1, 2): (0.8, 0.2, 0.3), (3, 0): (0.1, 0.1, 0.4)})
    seen = seen.within(domain)
    X = torch.randn(seen.like.shape, generator=g).double()
    P = seen.project(X)
    assert float(seen.error(P).abs().max()) < 1e-12 and float(seen.missing(P).abs().max()) < 1e-12
    assert float(seen.missing(X).abs().max()) > 0.1
    torch.testing.assert_close(seen.project(P), P, rtol=0, atol=1e-12)
    Z = X - seen.seen_part(X)
    assert abs(float(((X - P) * Z).sum())) < 1e-9 and float(Z.square().sum()) > 1
    torch.testing.assert_close(seen.seen_part(X - P), X - P, rtol=0, atol=1e-12)
    told = torch.where(seen.at, seen.colours, P[:, :3])
    torch.testing.assert_close(seen.project(X)[:, :3], told, rtol=0, atol=1e-12)


def test_what_will_be_strengthened_is_asked_for_in_parts():
    """Chroma times the strength is the asked one, so what goes with a point ends at its colour."""
    y, rgb = torch.full((1, 1, 2, 2), 0.5), torch.tensor([0.7, 0.5, 0.45])
    seen = Pointed.of(Observation(y, MEAN), {(1, 0): tuple(rgb.tolist())}, strength=2.0)
    chroma = 2 * (seen.colours - y)[0, :, 1, 0]
    torch.testing.assert_close(chroma, rgb - rgb.mean(), rtol=0, atol=1e-6)


def test_points_need_a_domain_that_holds_the_pixels():
    seen = Pointed.of(Observation(torch.full((1, 1, 4, 4), 0.5), MEAN), {(0, 0): (1.0, 0, 0)})
    with pytest.raises(JGMError, match="points: domain 'haar'"):
        seen.within(Haar())


# -- the prior that was told -----------------------------------------------------------------------

CELLS = {(0, 1): (0.75, 0.35, 0.5), (1, 0): (0.45, 0.6, 0.4)}  # two pixels, four numbers
NUMBERS = 4


def told_world(channels=9, rows=1):
    """A Gaussian prior of 2 x 2 pictures, a photograph with two points, and M of the points' chroma as
    rows (4,D) with the numbers h (4,)."""
    prior = photographic(Lab(2, 2, MEAN.numpy(), channels=channels))
    y = prior.lab.F @ prior.mean + 0.15 * np.linspace(1, -0.5, 4)
    seen = Pointed.of(Observation(grey_tensor(prior.lab, y, rows), MEAN), CELLS)
    first = [c * 4 + 2 * i + j for i, j in CELLS for c in range(3)]  # R, G, B of each point
    rows = np.concatenate([np.kron(np.eye(2)[k], to_basis_matrix()[1:]) for k in range(2)])
    M = np.zeros((4, prior.lab.D))
    M[:, first] = rows
    at = [seen.colours[0, :, i, j].numpy() for i, j in CELLS]
    return prior, y, seen, M, M[:, first] @ np.concatenate(at)


def to_basis_matrix():
    return to_basis(torch.eye(3).double().view(3, 3, 1, 1)).view(3, 3).T.numpy()


@pytest.mark.parametrize("sigma, sigma_y", [(0.3, None), (0.5, 0.01), (0.05, 0.002)])
@pytest.mark.parametrize("channels", [9, 3])
def test_the_told_denoiser_is_the_conditional_mean(channels, sigma, sigma_y):
    """E[X | X~, M X = h] of a Gaussian, from its joint covariance and nothing else."""
    prior, _, seen, M, h = told_world(channels)
    model = Informed(model_of(prior), seen, rounds=NUMBERS)
    X = torch.randn(3, channels, 2, 2, generator=torch.Generator().manual_seed(1)).double()
    S, N = prior.cov_X, prior.lab.noise_cov(sigma, sigma if sigma_y is None else sigma_y)
    A = np.concatenate([np.eye(prior.lab.D), M])  # X~ and M X
    C = A @ S @ A.T
    C[: prior.lab.D, : prior.lab.D] += N
    b = np.concatenate([X.flatten(1).numpy(), np.tile(h, (3, 1))], 1) - A @ prior.mean_X
    wanted = prior.mean_X + b @ np.linalg.solve(C, A @ S)
    found = model.denoise(X, sigma, sigma_y).flatten(1)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-7)
    assert model.nudges == NUMBERS
    untold = model_of(prior).denoise(X, sigma, sigma_y).flatten(1)
    assert np.abs(untold - wanted).max() > 0.02


def told_posterior(prior, y, M, h):
    """Mean and covariance of the picture (12,) given F x = y and M x = h."""
    A = np.concatenate([prior.lab.F, M[:, : 3 * prior.lab.n]])
    gain = np.linalg.solve(A @ prior.cov @ A.T, A @ prior.cov).T
    mean = prior.mean + gain @ (np.concatenate([y, h]) - A @ prior.mean)
    return mean, prior.cov - gain @ A @ prior.cov


def draw_errors(name, told, **settings):
    """Of the mean in posterior deviations, and the ratio of the deviations, of 1,500 draws."""
    prior, y, seen, M, h = told_world(rows=1500)
    m, C = told_posterior(prior, y, M, h)
    model = model_of(prior)
    model = Informed(model, seen, NUMBERS, faint=math.inf) if told else model
    state = last(SAMPLERS[name](model, seen, Batch(0), **settings))
    x = state.X[:, :3].flatten(1).numpy()
    deviation = math.sqrt(np.trace(C))
    spread = math.sqrt(np.trace(np.cov(x.T))) / deviation
    return float(np.linalg.norm(x.mean(0) - m)) / deviation, spread


FINE = dict(steps=80, sigma_max=20.0, sigma_min=0.002)


def test_split_draws_from_the_posterior_given_the_points():
    of_mean, spread = draw_errors("split", True, **FINE)
    assert of_mean < 0.06 and spread == pytest.approx(1, abs=0.04)
    untold_mean, untold_spread = draw_errors("split", False, **FINE)
    assert untold_mean > 0.5 and untold_spread > 1.2  # points put in at the end turn nothing else


@pytest.mark.parametrize("told", [True, False])
def test_nullspace_draws_from_it_too(told):
    """There the points are put in at every step, which alone is near already."""
    of_mean, spread = draw_errors("nullspace", told, **FINE)
    assert of_mean < (0.06 if told else 0.3) and spread == pytest.approx(1, abs=0.15)


# -- toy scenes ------------------------------------------------------------------------------------

SCENES, DRAWS = 10, 12
TINTS = {name: np.array([m.tint for m in modes]) for name, modes in PALETTE.items()}


def nearest_modes(x, where, name) -> np.ndarray:
    """The mode whose colour most pixels of an object, ``where`` (n,S,S), are nearest to, of every
    picture that shows it in four pixels or more."""
    found = []
    for picture, own in zip(x, where, strict=True):
        pixels = picture.permute(1, 2, 0).numpy()[own.numpy()]
        if len(pixels) < 4:
            continue
        luma = pixels.mean(1, keepdims=True)
        modes = [(luma * t / t.mean()).clip(0, 1) for t in TINTS[name]]
        ab = [rgb2lab(p)[:, 1:] for p in (pixels, *modes)]
        away = np.stack([np.linalg.norm(ab[0] - own, axis=1) for own in ab[1:]], 1)
        found.append(np.bincount(away.argmin(1)).argmax())
    return np.array(found)


def house(label, at) -> torch.Tensor:
    """Of the roofs of a scene the one with the point, (S,S)."""
    parts = connected((label == OBJECTS.index("roof")).numpy(), connectivity=1)
    return torch.from_numpy(parts == parts[at[0].numpy()][0])


class Toys:
    """Scenes with a roof of 12 pixels or more, 12 versions of each, a point in the middle of each roof."""

    def __init__(self):
        batch, roof = ToyScenes(32).sample(40, 77), OBJECTS.index("roof")
        large = [i for i, own in enumerate(batch.labels) if int((own == roof).sum()) >= 12][:SCENES]
        self.labels = batch.labels[large].repeat_interleave(DRAWS, 0)
        y = gray(batch.images[large], MEAN).repeat_interleave(DRAWS, 0)
        self.seen = Observation(y, MEAN)
        self.at = torch.zeros_like(y, dtype=torch.bool)
        for own, label in zip(self.at, self.labels, strict=True):
            places = torch.nonzero(label == roof)
            off = (places - places.float().median(0).values).square().sum(1)
            own[0, *places[off.argmin()]] = True
        self.roofs = torch.stack([house(*pair) for pair in zip(self.labels, self.at, strict=True)])
        self.model = Colorizer.from_pretrained("toy-32", device="cpu").model

    def pointed(self, mode: int) -> Pointed:
        tint = torch.tensor(TINTS["roof"][mode], dtype=torch.float32).view(1, 3, 1, 1)
        y = self.seen.y
        return Pointed(y, MEAN, at=self.at, colours=fit_gamut(y * tint / tint.mean(), y))

    @torch.no_grad()
    def draw(self, model, seen) -> torch.Tensor:
        noise = SeededNoise(version_seeds(0, DRAWS, range(SCENES)))
        return last(SAMPLERS["split"](model, seen, noise, steps=20, sigma_max=20.0)).x


@pytest.fixture(scope="module")
def toys():
    found = Toys()
    found.free = found.draw(found.model, found.seen)
    return found


def test_a_point_turns_its_roof_and_nothing_else(toys):
    """Red or slate: at least 95 % of the roofs follow, and of all else that has several colours each
    is drawn as often as before, by a test of two shares at 1 %."""
    followed = []
    for mode in (0, 1):
        seen = toys.pointed(mode)
        x = toys.draw(Informed(toys.model, seen), seen)
        assert float((x - seen.colours).abs()[toys.at.expand_as(x)].max()) < 1e-6
        followed.append((nearest_modes(x, toys.roofs, "roof") == mode).mean())
        for name in ("sky", "hills", "tree"):
            where = toys.labels == OBJECTS.index(name)
            before, after = (nearest_modes(p, where, name) == 0 for p in (toys.free, x))
            share, n = (before.mean() + after.mean()) / 2, len(before)
            z = (after.mean() - before.mean()) / math.sqrt(2 * share * (1 - share) / n)
            assert abs(z) < 2.58, name
    assert np.mean(followed) >= 0.95 and min(followed) > 0.9  # 0.94 and 0.98; 0.62 and 0.20 before


def test_a_point_put_in_alone_turns_no_roof(toys):
    seen = toys.pointed(1)
    x = toys.draw(toys.model, seen)
    slate = [(nearest_modes(p, toys.roofs, "roof") == 1).mean() for p in (toys.free, x)]
    assert abs(slate[1] - slate[0]) < 0.1 and slate[1] < 0.5


# -- from a photograph to a picture ----------------------------------------------------------------


@pytest.fixture(scope="module")
def prior():
    return Colorizer.from_pretrained("toy-32", device="cpu")


@pytest.fixture(scope="module")
def photo():
    return ToyScenes(32).sample(1, 3).images[0].permute(1, 2, 0).numpy()


def asked_at(result, x, y, colour, f):
    """The colour that a pixel of the photograph should have: its grey and the asked chroma."""
    grey = result.y[None, :, y : y + 1, x : x + 1]
    rgb = torch.tensor([b / 255 for b in bytes.fromhex(colour[1:])]).view(1, 3, 1, 1)
    return fit_gamut(grey + rgb - gray(rgb, f), grey).flatten()


@pytest.mark.parametrize("kind", ["mean", "bt601"])
@pytest.mark.parametrize("strength", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("sampler", ["split", "nullspace", "predictor_corrector"])
def test_the_pixel_has_the_asked_chroma_at_its_own_grey(prior, photo, sampler, strength, kind):
    points = [(12, 18, "#a05040"), (4, 30, "#10ff10")]  # the second is beyond the gamut
    settings = dict(FAST, sampler=sampler, strength=strength, gray=kind, points=points)
    out = prior.colorize(photo, **settings)
    for x, y, colour in points:
        wanted = asked_at(out, x, y, colour, gray_weights(kind))
        for sample in out.samples:
            torch.testing.assert_close(sample[:, y, x], wanted, rtol=0, atol=1e-6)
            full = torch.from_numpy(out.full(sample)[y, x])
            torch.testing.assert_close(full, wanted, rtol=0, atol=1e-5)
    assert out.trace[-1]["residual"] < 1e-6


def test_algorithm_1_takes_points_too(prior, photo):
    settings = dict(n=1, sampler="langevin", L=3, T=3, points=["12,18,#a05040"])
    out = prior.colorize(photo, **settings)
    wanted = asked_at(out, 12, 18, "#a05040", MEAN)
    torch.testing.assert_close(out.samples[0, :, 18, 12], wanted, rtol=0, atol=1e-6)


def test_without_points_nothing_changes(prior, photo):
    plain, empty = prior.colorize(photo, **FAST), prior.colorize(photo, **FAST, points=[])
    assert torch.equal(plain.samples, empty.samples) and plain.nfe == empty.nfe == FAST["steps"]
    pointed = prior.colorize(photo, **FAST, points=["12,18,#a05040"])
    assert not torch.equal(plain.samples, pointed.samples) and plain.nfe < pointed.nfe
    again = prior.colorize(photo, **FAST, points=["12,18,#a05040"])
    assert torch.equal(again.samples, pointed.samples)


def test_evaluations_are_counted(prior, photo, monkeypatch):
    calls, real = [], prior.model.denoise
    monkeypatch.setattr(prior.model, "denoise", lambda *a: calls.append(1) or real(*a))
    out = prior.colorize(photo, **FAST, points=["12,18,#a05040"])
    assert out.nfe == len(calls) > FAST["steps"]


def test_a_large_photograph_has_the_colour_where_it_was_put(prior):
    """Of a photograph six times as large the pixel that was clicked, inside its cell of 6 x 6."""
    photo = ToyScenes(192).sample(1, 3).images[0].mean(0).numpy()
    x, y = 75, 111
    free, out = (
        prior.colorize(photo, **FAST, points=p, upsample="bilinear")
        for p in ([], [(x, y, "#a05040")])
    )
    wanted = asked_at(out, x, y, "#a05040", MEAN)
    at = out.samples[:, :, y // 6, x // 6] - gray(out.samples, MEAN)[:, :, y // 6, x // 6]
    chroma = (wanted - wanted.mean()).expand(2, 3)
    torch.testing.assert_close(at, chroma, rtol=0, atol=0.03)  # the cell is as grey as its mean
    far = [
        float((torch.from_numpy(r.full(r.samples[0])[y, x]) - wanted).norm()) for r in (free, out)
    ]
    assert far[1] < 0.5 * far[0]


def test_points_inside_a_border(prior):
    inner = ToyScenes(64).sample(1, 3).images[0].mean(0).numpy()
    framed = np.pad(inner, 20, constant_values=1.0)
    out = prior.colorize(framed, **FAST, points=[(44, 56, "#a05040")])
    assert out.border.any
    with pytest.raises(JGMError, match="point 5,5: in the border of pixels"):
        prior.colorize(framed, **FAST, points=[(5, 5, "#a05040")])
    row, column = 56 - out.border.top, 44 - out.border.left
    h, w = out.samples.shape[-2:]
    H, W = (
        64 + 40 - a - b
        for a, b in ((out.border.top, out.border.bottom), (out.border.left, out.border.right))
    )
    at = out.samples[:, :, int((row + 0.5) * h / H), int((column + 0.5) * w / W)]
    red = torch.tensor([0xA0, 0x50, 0x40]) / 255
    torch.testing.assert_close(
        at - at.mean(1, keepdim=True), (red - red.mean()).expand(2, 3), rtol=0, atol=1e-6
    )


def test_a_prior_that_looks_at_the_photograph_takes_points():
    y = torch.linspace(0.3, 0.6, 50 * 37).view(50, 37).numpy()
    out = seeing_colorizer().colorize(y, n=2, steps=3, sigma_max=10.0, points=[(10, 20, "#a05040")])
    assert out.samples.shape[-2:] == (43, 32) and out.nfe > 3
    at = out.samples[:, :, cells(20, 50, 43)[0], cells(10, 37, 32)[0]]
    assert bool((at[:, 0] > at[:, 1]).all()) and torch.equal(at[0], at[1])


# -- the command -----------------------------------------------------------------------------------


def command(*words):
    return main([str(w) for w in words])


@pytest.fixture
def file(tmp_path, photo):
    path = tmp_path / "scene.png"
    Image.fromarray((photo * 255).round().astype(np.uint8)).save(path)
    return path


WORDS = ("--weights", "toy-32", "--n", 1, "--steps", 3, "--sigma-max", 10, "--border", "none")


def test_the_command_colours_the_point(file, tmp_path):
    points = ("--point", "12,18,#a05040", "--point", "4,30,#608040")
    assert command("colorize", file, "-o", tmp_path / "out", *points, *WORDS) == 0
    pixels = np.asarray(Image.open(tmp_path / "out" / "scene_1.png")).astype(float)
    for (x, y), rgb in {(12, 18): (0xA0, 0x50, 0x40), (4, 30): (0x60, 0x80, 0x40)}.items():
        chroma = np.subtract(rgb, np.mean(rgb))
        np.testing.assert_allclose(pixels[y, x] - pixels[y, x].mean(), chroma, atol=1.5)


@pytest.mark.parametrize(
    "command_, point, code, says",
    [
        ("colorize", "12,18", 2, "need x,y,#rrggbb"),
        ("colorize", "12,18,red", 2, "need x,y,#rrggbb"),
        ("colorize", "32,18,#a05040", 1, "outside the photograph of 32 x 32 pixels"),
        ("evaluate", "12,18,#a05040", 2, "unrecognized arguments: --point"),
    ],
)
def test_bad_points_are_one_line(command_, point, code, says, file, tmp_path, capsys):
    words = ("-o", tmp_path / "out", *WORDS) if command_ == "colorize" else ()
    try:
        found = command(command_, file, "--point", point, *words)
    except SystemExit as stop:
        found = stop.code
    error = capsys.readouterr().err
    assert found == code and says in error and error.count("\n") == 1


def test_a_measurement_of_many_pictures_takes_no_points():
    from jgm_lib.experiments.methods import by_card

    with pytest.raises(JGMError, match="of one photograph, not of all that are measured"):
        by_card(None, ColorizeCard(points=["1,2,#ffffff"]))
