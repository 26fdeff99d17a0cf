"""Honest columns: what each one is, and that batches and the order of pictures do not matter."""

import numpy as np
import pytest
import torch

from jgm_lib import Colorizer, JGMError
from jgm_lib.data import samples
from jgm_lib.experiments.bench import columns_of, score
from jgm_lib.experiments.evaluate import evaluate
from jgm_lib.experiments.methods import by_card
from jgm_lib.experiments.sources import Pictures, named_pictures_of, spread
from jgm_lib.experiments.tables import table, write_json
from jgm_lib.operators import gray, gray_weights
from jgm_lib.params import ColorizeCard

F = gray_weights()


def scene(n=2, K=5, size=8, seed=0):
    g = torch.Generator().manual_seed(seed)
    truth = torch.rand(n, 3, size, size, generator=g)
    noise = 0.1 * torch.randn(n, K, 3, size, size, generator=g)
    return truth, gray(truth, F), (truth[:, None] + noise).clamp(0, 1)


def rows_of(colorizer, folder, cards, limit=None, **options):
    return list(evaluate(colorizer, Pictures.of(folder, 32, limit), cards, **options))


def test_columns_are_what_they_say():
    truth, y, drawn = scene()
    columns = columns_of(drawn, truth, y, F)
    each = np.stack([score(drawn[:, k], truth, y, F)["psnr"] for k in range(5)])
    assert np.allclose(columns["single"]["psnr"], each[0])
    assert np.allclose(columns["oracle of 5"]["psnr"], each.max(0))
    mean = score(drawn.mean(1), truth, y, F)["psnr"]
    assert np.allclose(columns["mean of 5"]["psnr"], mean)
    assert (mean > each.max(0)).all()  # independent errors average out
    for b in range(2):
        distance = torch.cdist(drawn[b].flatten(1), drawn[b].flatten(1)).sum(0)
        assert columns["consensus of 5"]["psnr"][b] == pytest.approx(each[distance.argmin(), b])


def test_chroma_psnr_leaves_out_the_mean_of_the_colours_whatever_the_graying():
    truth, drawn = (0.3 + 0.4 * a for a in scene()[::2])  # away from black and white
    x, f = drawn[:, 0], gray_weights("bt601")
    same_mean = x - gray(x, F) + gray(truth, F)
    brighter = same_mean + 0.2 * gray(x, F)
    wanted = score(same_mean, truth, gray(truth, f), f)["psnr"]
    for picture in (same_mean, brighter):
        found = score(picture, truth, gray(truth, f), f)["chroma_psnr"]
        assert found == pytest.approx(wanted, abs=1e-4)


def test_a_limit_spreads_over_the_folder_and_does_not_change_the_draws(tmp_path):
    from PIL import Image

    assert spread(640, 64)[[0, 1, -1]].tolist() == [0, 10, 639]
    assert spread(5, None).tolist() == spread(5, 9).tolist() == [0, 1, 2, 3, 4]
    for i in range(5):
        pixels = np.random.default_rng(i).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    c, card = Colorizer.from_pretrained("toy-32"), {"split": ColorizeCard(steps=2, n=1)}
    every = rows_of(c, tmp_path, card)[-1]
    ends = [rows_of(c, tmp_path, card, limit=n)[-1] for n in (2, 3)]
    few = rows_of(c, tmp_path, card, limits={"split": 2})[-1]
    assert ends[0]["psnr"] == pytest.approx(few["psnr"]) and few["n"] == 2
    assert ends[0]["psnr"] != pytest.approx(every["psnr"], abs=1e-6)
    middle = 3 * ends[1]["psnr"] - 2 * ends[0]["psnr"]  # the third of 0, 2, 4
    third = Pictures.of(tmp_path, 32).some([2])
    x = by_card(c, card["split"]).versions(third.y, third.keys)
    psnr = score(x[:, 0], third.truth, third.y, F)["psnr"]
    assert middle == pytest.approx(float(psnr[0]), abs=1e-2)


def test_a_picture_alone_scores_as_among_others(tmp_path):
    from PIL import Image

    for folder, names in (("one", "b"), ("three", "abc")):
        (tmp_path / folder).mkdir()
        for name in names:
            pixels = np.random.default_rng(ord(name)).integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{name}.png")
    c, card = Colorizer.from_pretrained("toy-32"), {"split": ColorizeCard(steps=2, n=1)}
    alone = rows_of(c, tmp_path / "one", card)[-1]["psnr"]
    among = rows_of(c, tmp_path / "three", card, limit=3, batch=1)[-1]["psnr"]
    (tmp_path / "three" / "b.png").unlink()
    others = rows_of(c, tmp_path / "three", card)[-1]["psnr"]
    assert 3 * among - 2 * others == pytest.approx(alone, abs=1e-3)


def test_a_column_of_k_draws_costs_k_draws_and_a_grey_picture_is_no_error(tmp_path, capsys):
    from PIL import Image

    samples.load("camera").convert("RGB").resize((32, 32)).save(tmp_path / "grey.png")
    (tmp_path / "text.jpg").write_text("no picture")
    Image.new("RGB", (32, 32), (9, 9, 9)).save(tmp_path / "flat.png")
    c, card = Colorizer.from_pretrained("toy-32"), {"split": ColorizeCard(steps=2, n=3)}
    rows = rows_of(c, tmp_path, card)
    assert [r["nfe"] for r in rows] == [0, 0, 2, 6, 6, 6]
    assert rows[3]["seconds"] == pytest.approx(3 * rows[2]["seconds"], abs=2e-4)
    assert rows[0]["psnr"] == np.inf and rows[0]["n"] == 2  # the grey replica of grey is the truth
    assert rows[1]["colourfulness"] == 0
    assert "note: 1 files left out: 1 unreadable" in capsys.readouterr().err


def test_a_set_without_held_out_pictures_is_one_line(tmp_path):
    from data_scripts.folder import pack_folder

    samples.load("coffee").save(tmp_path / "a.png")
    path = pack_folder(tmp_path, out=tmp_path / "out", size=16, holdout=0.0)
    with pytest.raises(JGMError, match="no held-out pictures; pack it with a --holdout above 0"):
        Pictures.of(path, 16)


def test_one_draw_has_one_column():
    truth, y, samples = scene(K=1)
    assert set(columns_of(samples, truth, y, F)) == {"single"}


def test_batches_do_not_matter(tmp_path):
    from PIL import Image

    for i in range(3):
        pixels = np.random.default_rng(i).integers(0, 256, (20, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    c = Colorizer.from_pretrained("toy-32")
    card = {"split": ColorizeCard(steps=2, n=2)}
    one, three = (rows_of(c, tmp_path, card, batch=b) for b in (1, 3))
    for a, b in zip(one, three, strict=True):
        assert a["psnr"] == pytest.approx(b["psnr"], abs=1e-3)
    assert [r["column"] for r in one] == [
        "",
        "",
        "single",
        "consensus of 2",
        "mean of 2",
        "oracle of 2",
    ]
    assert "| split | mean of 2 | 3 |" in table(one)
    write_json(tmp_path / "rows.json", one, note="x")
    assert not list(tmp_path.glob("*.part"))


def test_versions_of_a_picture_differ_and_pictures_get_their_own_noise():
    c = Colorizer.from_pretrained("toy-32")
    y = torch.full((2, 1, 32, 32), 0.5)
    samples = by_card(c, ColorizeCard(steps=2, n=2)).versions(y, [0, 1])
    flat = samples.flatten(0, 1).flatten(1)
    assert torch.pdist(flat).min() > 0.1


def test_an_empty_folder_is_one_line(tmp_path):
    with pytest.raises(JGMError):
        Pictures.of(tmp_path, 32)


def test_what_is_no_source_is_one_line_that_says_so(tmp_path):
    (tmp_path / "a.jpg").write_text("x")
    for name in ("missing", "a.jpg"):
        with pytest.raises(JGMError, match="neither a folder of photographs nor a packed set"):
            named_pictures_of(tmp_path / name, 32)
