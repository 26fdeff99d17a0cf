"""How well true chroma, reduced to the prior's size, comes back to full size.

    python -m benchmarks.fullres [FOLDER of colour photographs] [--limit 100] [--json FILE]

For every photo: chroma reduced to 64 pixels (shorter edge), restored by each method, fitted into
the gamut, compared with the photo. PSNR in dB, mean over the photos of each set.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from jgm_lib import fullres
from jgm_lib.data import samples
from jgm_lib.operators import gray, gray_weights
from jgm_lib.photo import read_photo
from jgm_lib.samplers import fit_gamut

METHODS = {"grey": None, "bilinear": dict(method="bilinear")}
METHODS |= {
    f"detail r={r} eps={e:g}": dict(method="detail", radius=r, eps=e)
    for r in (1, 2, 4)
    for e in (1e-4, 1e-3, 1e-2)
}
METHODS |= {
    f"guided r={r} eps={e:g}": dict(method="guided", radius=r, eps=e)
    for r in (1, 2, 4)
    for e in (1e-4, 1e-3, 1e-2)
}
METHODS |= {
    f"fusion r={r} eps={e:g} beta={b:g}": dict(method="fusion", radius=r, eps=e, beta=b)
    for r, e in ((1, 1e-3), (2, 1e-3), (2, 1e-2))
    for b in (0.1, 0.5, 5.9)
}


def restore(x: torch.Tensor, options: dict | None, side: int = 64) -> torch.Tensor:
    """Reduce the chroma of x (3,H,W), bring it back, put it on the full-size grey."""
    f = gray_weights()
    y = gray(x[None], f)[0]
    if options is None:
        return y.expand_as(x)
    h, w = fullres.working_size(*x.shape[1:], side)
    small = fullres.reduce(x, h, w).clamp(0, 1)
    y_small = gray(small[None], f)[0]
    chroma = torch.cat(
        [c for _, c in fullres.enlarge_chroma(small - y_small, y_small, y, **options)], dim=1
    )
    return fit_gamut((y + chroma - chroma.mean(0))[None], y[None])[0]


def psnr(a, b) -> float:
    return float(-10 * torch.log10((a - b).square().mean()))


def photos(folder, limit):
    if folder is None:
        return [
            torch.tensor(np.array(samples.load(n).convert("RGB"))).permute(2, 0, 1) / 255
            for n in samples.names(grey=False)
        ]
    paths = sorted(p for p in Path(folder).rglob("*") if p.is_file())[:limit]
    return [torch.tensor(read_photo(p).rgb()).permute(2, 0, 1) for p in paths]


def measure(pictures) -> dict[str, float]:
    return {
        name: float(np.mean([psnr(restore(x, options), x) for x in pictures]))
        for name, options in METHODS.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--json")
    args = parser.parse_args()
    rows = measure(photos(args.folder, args.limit))
    for name, value in rows.items():
        print(f"{name:32s} {value:6.2f} dB", flush=True)
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
