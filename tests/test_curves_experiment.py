"""jgm experiment curves: one budget, one noise, each judged by what it holds."""

import json

import numpy as np
import pytest
import torch

from jgm_lib.cli import main
from jgm_lib.data.toy import ToyScenes
from jgm_lib.domain import Gradients, Intensity, Joint
from jgm_lib.errors import JGMError
from jgm_lib.experiments import curves
from jgm_lib.experiments.cards import CurvesCard
from jgm_lib.experiments.sources import Pictures

SHORT = {"settings": {"widths": [8, 16], "patch": 2}, "size": 16, "warmup": 0}


class Silent:
    """Gives back what it is shown, so that its error is the noise."""

    def __init__(self, domain):
        self.domain = domain

    def denoise(self, X, sigma, sigma_y=None):
        return X


def test_all_priors_are_judged_on_the_same_noise():
    card, pictures = CurvesCard(batch=2), Pictures.of_truth(ToyScenes(16).sample(3, 0).images)
    joint, colours, slopes = (
        curves.errors_of(Silent(d), pictures, card) for d in (Joint(), Intensity(), Gradients())
    )
    assert joint.keys() == colours.keys() | slopes.keys()
    assert not colours.keys() & slopes.keys()
    for key, found in {**colours, **slopes}.items():
        assert found == pytest.approx(joint[key], rel=1e-4)
        assert found == pytest.approx(key[1], rel=0.1)  # the RMS of sigma z
    assert len({round(float(v), 6) for v in joint["picture", 0.1]}) == 3  # a noise each


def test_differences_are_above_the_first_at_the_same_step():
    card = CurvesCard()
    errors = {("a", 1, "picture", 0.1): np.array([1.0, 2.0])}
    other = np.array([2.0, 4.0])
    head = {"prior": "b", "step": 1, "part": "picture", "sigma": 0.1}
    assert curves.row_of(other, errors, head, card)["minus_first"][0] == 1.5
    assert "minus_first" not in curves.row_of(other, errors, head | {"step": 2}, card)
    assert "minus_first" not in curves.row_of(other, errors, head | {"prior": "a"}, card)


def test_the_averaged_network_learns(tmp_path):
    (tmp_path / "small.yaml").write_text(json.dumps({"name": "small", **SHORT}))
    card = CurvesCard(cards=[str(tmp_path / "small.yaml")], steps=60, every=30, levels=[0.3])
    rows, about = curves.measure(card)
    assert [r["step"] for r in rows if r["part"] == "picture"] == [30, 60]
    first, last = (r["rms"][0] for r in rows if r["part"] == "picture")
    assert last < first < 0.3
    assert about["parameters"]["small"] > 1000 and about["trainings"]["small"]["steps"] == 60


def test_what_is_no_such_prior_is_refused(tmp_path):
    (tmp_path / "six.yaml").write_text(json.dumps({"settings": {"domain": "rgb-ycbcr"}}))
    for name, kind in (("zhang-64", "zhang"), (str(tmp_path / "six.yaml"), "rgb-ycbcr")):
        with pytest.raises(JGMError, match=f"trains {kind}; choose priors of joint"):
            curves.trained(name, CurvesCard())


def test_the_command_repeats_itself(tmp_path, capsys):
    cards = []
    for name, channels in (("nine", 9), ("three", 3)):
        settings = {**SHORT, "settings": {**SHORT["settings"], "channels": channels}}
        cards.append(str(tmp_path / f"{name}.yaml"))
        (tmp_path / f"{name}.yaml").write_text(json.dumps({"name": name, **settings}))
    words = ["experiment", "curves", "--quick", "--set", f"cards={json.dumps(cards)}"]
    for out in ("a", "b"):
        torch.manual_seed(0 if out == "a" else 1)
        assert main([*words, "-o", str(tmp_path / out)]) == 0
    files = [tmp_path / out / "curves.json" for out in ("a", "b")]
    assert files[0].read_bytes() == files[1].read_bytes()
    rows = json.loads(files[0].read_text())["rows"]
    looks = {(r["prior"], r["step"], r["part"]) for r in rows}
    nine = {("nine", step, part) for step in (10, 20) for part in ("picture", "gradients")}
    assert looks == nine | {("three", step, "picture") for step in (10, 20)}
    assert curves.table(rows) in capsys.readouterr().out
    assert len(curves.figure(rows).axes) == 8
