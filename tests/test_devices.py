"""Devices that are not here: no operation that Apple's MPS lacks in the torch installed, none in float64.

torch ships its table of operations with the kernels of each; a run on the CPU tells which are used.
"""

from pathlib import Path

import pytest
import system_proofs as proofs
import torch
import torchgen
import yaml
from torch.utils._python_dispatch import TorchDispatchMode

from jgm_lib.colorize import Colorizer
from jgm_lib.networks.unet import fourier_features
from jgm_lib.params import TrainCard
from jgm_lib.samplers import SAMPLERS
from jgm_lib.systems import SYSTEMS
from jgm_lib.training import fit
from jgm_lib.training.runs import start

TABLE = Path(torchgen.__file__).parent / "packaged/ATen/native/native_functions.yaml"
ENTRIES = {
    entry["func"].split("(")[0]: entry
    for entry in yaml.load(TABLE.read_text(), Loader=yaml.CSafeLoader)
}
CPU_ONLY = {  # what a CPU takes for an operation that has kernels of its own elsewhere
    "_scaled_dot_product_flash_attention_for_cpu": "_scaled_dot_product_attention_math_for_mps",
    "_scaled_dot_product_flash_attention_for_cpu_backward": "_scaled_dot_product_attention_math",
}


def kernels(name: str) -> set[str]:
    """The backends of an operation, "Composite" for one made of others."""
    entry = ENTRIES[name]
    if "structured_delegate" in entry:
        return kernels(entry["structured_delegate"])
    keys = {
        key.strip() for group in entry.get("dispatch", {"Composite": 0}) for key in group.split(",")
    }
    if any(key.startswith("CompositeExplicit") for key in keys):  # often only a shell of .out
        base, _, overload = name.partition(".")
        inner = f"{base}.{overload}_out" if overload else f"{base}.out"
        return kernels(inner) if inner in ENTRIES else {"Composite"}
    return {"Composite" if key.startswith("Composite") else key for key in keys}


def lacking(names) -> list[str]:
    """Those of the operations that MPS cannot do."""
    return sorted(n for n in names if n in ENTRIES and not kernels(n) & {"MPS", "Composite"})


class Record(TorchDispatchMode):
    """Names of the operations done inside."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name, overload = func._schema.name.split("::")[1], func._schema.overload_name
        self.names.add(f"{name}.{overload}" if overload else name)
        return func(*args, **(kwargs or {}))


def test_the_table_is_of_this_torch_and_the_check_sees_a_lack():
    for there in ("conv2d", "add.Tensor", "linspace", "nonzero", "native_group_norm"):
        assert lacking([there]) == []
    for absent in ("logspace", "geqrf", "hspmm"):
        assert lacking([absent]) == [absent], "MPS has learnt it: take another example"
    assert CPU_ONLY.keys() | set(CPU_ONLY.values()) <= ENTRIES.keys()
    assert lacking(CPU_ONLY.values()) == []


@pytest.mark.parametrize("weights", ["toy-32", "photos-64"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_colouring_needs_nothing_that_mps_lacks(weights, sampler):
    few = {"L": 2, "T": 1} if sampler in ("langevin", "predictor_corrector") else {"steps": 2}
    colorizer = Colorizer.from_pretrained(weights)
    with Record() as done:
        colorizer.colorize(torch.rand(24, 32).numpy(), sampler=sampler, **few)
    assert {"convolution", "native_group_norm"} & done.names
    assert set(lacking(done.names)) <= CPU_ONLY.keys()


def cards() -> dict[str, TrainCard]:
    few = dict(name="tiny", size=32, steps=1, batch=2)
    unet = {"widths": [8, 16], "blocks": 1}
    priors = {"unet": TrainCard(network="unet", settings=unet, **few)}
    return priors | {network: proofs.card(network, steps=1) for network in SYSTEMS}


@pytest.mark.parametrize("card", cards().values(), ids=cards().keys())
def test_a_step_of_training_needs_nothing_that_mps_lacks(card, tmp_path):
    model, batches, _ = start(card)
    with Record() as done:
        list(fit(model, batches, card, tmp_path))
    assert "convolution_backward" in done.names
    assert set(lacking(done.names)) <= CPU_ONLY.keys()


def test_frequencies_are_as_ever():
    c = torch.tensor([0.0, 0.7])
    w = 32 ** (torch.arange(8) / 7)
    told = torch.cat([torch.cos(c[:, None] * w), torch.sin(c[:, None] * w)], 1)
    torch.testing.assert_close(fourier_features(c, 8), told, atol=2e-6, rtol=0)
