"""The bundled everyday prior: what its card says, what it gives, and the command that repeats it."""

import math
import re
import subprocess

import pytest
import torch
import yaml

from jgm_course.book import ROOT
from jgm_lib import Colorizer, checkpoints
from jgm_lib.cards import read_train_card
from jgm_lib.data import samples

FILE = checkpoints.BUNDLED / "photos-64.safetensors"


@pytest.fixture(scope="module")
def prior():
    return Colorizer.from_pretrained("photos-64", device="cpu")


def stripes(channels: int, side: int) -> torch.Tensor:
    """A picture in closed form, (1,channels,side,side), about 0.1 to 0.9."""
    row = torch.arange(side).view(1, 1, -1, 1) / side
    column = torch.arange(side).view(1, 1, 1, -1) / side
    c = torch.arange(channels).view(1, -1, 1, 1)
    return 0.5 + 0.4 * torch.sin(2 * math.pi * ((1 + c % 3) * row + 2 * column) + c)


def test_card_names_every_source_with_its_terms(prior):
    card = prior.card
    sources = card["sources"]
    assert sources == yaml.safe_load((ROOT / "docs/photos-64-sources.yaml").read_text())["sources"]
    assert all(s["set"] and s["terms"] for s in sources.values())
    assert sum(s["pictures"] for s in sources.values()) == card["data"]["count"]
    assert "supervised" in card["domain"] and card["pictures_seen"] > 100_000


def test_every_stage_was_trained_by_its_bundled_card(prior):
    """The weights' card tells of the last stage, and under "init" of the one before."""
    stages = re.search(r"^PHOTOS_STAGES := (.*)$", (ROOT / "Makefile").read_text(), re.M)[1].split()
    card = prior.card
    for before, stage in zip([None, *stages][-2::-1], reversed(stages), strict=True):
        trained = read_train_card(stage).model_dump()
        facts = {k: v for k, v in card["training"].items() if k not in ("steps", "init")}
        assert {k: trained[k] for k in facts} == facts
        assert trained["init"] == (f"runs/{before}/photos-64.safetensors" if before else "")
        card = card.get("init")
    assert card is None


def test_weights_are_small_and_the_backbone_brings_its_notice():
    assert FILE.stat().st_size <= 16e6
    notice = (checkpoints.BUNDLED / "backbone/NOTICE").read_text()
    assert "Apache License 2.0" in notice and "lite0.safetensors" in notice


def test_output_of_the_bundled_weights(prior):
    X, grey = stripes(9, 64), stripes(1, 128)
    with torch.no_grad():
        seen = prior.seeing(grey, 64, 64).denoise(X, 3.0, 0.002)
        bare = prior.model.denoise(X, 3.0)
    found = [
        float(v)
        for out in (seen, bare)
        for v in (out[0, 1].mean(), out[0, 2].std(), out[0, 0, 9, 20])
    ]
    assert found == pytest.approx(GOLDEN, abs=2e-4)


def test_with_one_noise_level_the_prior_sees_no_photograph(prior):
    X = stripes(9, 64)
    with torch.no_grad():
        one, other = (prior.seeing(g, 64, 64) for g in (stripes(1, 128), 1 - stripes(1, 128)))
        assert torch.equal(one.denoise(X, 3.0), other.denoise(X, 3.0))
        assert not torch.allclose(one.denoise(X, 3.0, 0.002), other.denoise(X, 3.0, 0.002))


@pytest.mark.parametrize("sampler", ["langevin", "nullspace", "split"])
def test_every_sampler_runs_on_it(prior, sampler):
    few = {"L": 2, "T": 2, "epsilon": 1e-5} if sampler == "langevin" else {"steps": 3}
    result = prior.colorize(samples.load("chelsea"), n=1, sampler=sampler, **few)
    assert result.trace[-1]["residual"] < 1e-5


def test_a_cat_comes_out_nearer_to_its_colours_than_grey(prior):
    result = prior.colorize(samples.load("chelsea"), n=4)
    grey = result.psnr(result.y.expand(3, -1, -1)[:, ::4, ::4])
    assert result.psnr(result.samples.mean(0)) > grey + 1


def test_make_photos_is_the_whole_chain():
    line = ["make", "-n", "photos", "PHOTOS=one two"]
    said = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "data folder --source one two --size 144" in said
    assert (
        "for card in photos-64 photos-64-more;" in said
        and "--about docs/photos-64-sources.yaml" in said
    )
    nothing = subprocess.run(["make", "photos"], cwd=ROOT, capture_output=True, text=True)
    assert nothing.returncode == 2 and "PHOTOS=" in nothing.stdout


GOLDEN = [0.47395, 0.16353, 0.64007, 0.3896, 0.21592, 0.00089]
