"""Lesson 04: which device, several GPUs, the live view, the curves."""

import csv
import tempfile
from pathlib import Path

import torch
from matplotlib.figure import Figure

from jgm_lib.data.packed import PackedSet
from jgm_lib.data.toy import ToyScenes
from jgm_lib.errors import JGMError
from jgm_lib.figures import png_bytes
from jgm_lib.networks import build
from jgm_lib.noise import SeededNoise
from jgm_lib.operators import gray_weights
from jgm_lib.params import TrainCard, validate
from jgm_lib.samplers import Observation, langevin, split
from jgm_lib.settings import compared
from jgm_lib.training import make_accelerator

from ..strips import side_by_side

BLUE, ORANGE = "#0072B2", "#D55E00"
_folders = []  # temporary folders live as long as the kernel


def training_card(card) -> TrainCard:
    """The part of the lesson's card that decides the training."""
    names = (
        "network",
        "settings",
        "size",
        "steps",
        "batch",
        "optimizer",
        "lr",
        "schedule",
        "warmup",
        "seed",
    )
    values = {name: getattr(card, name) for name in names}
    return validate(TrainCard, {"name": Path(card.weights).name, **values})


def check_device(card) -> str:
    """What will train, in words. Raises JGMError if the card asks for GPUs that are not there."""
    found = torch.cuda.device_count()
    if card.device == "cuda" and not found:
        raise JGMError(
            "device='cuda': PyTorch sees no CUDA GPU on this machine; take "
            "device='cpu' or 'auto', or the settings of the lesson's .laptop.yaml"
        )
    if card.processes > 1 and (found < card.processes or card.device == "cpu"):
        raise JGMError(
            f"processes={card.processes}: one GPU each is needed, PyTorch sees {found}; "
            "take processes=1"
        )
    if card.device == "cpu" or not found:
        return f"CPU, {torch.get_num_threads()} threads"
    return f"{card.processes} x {torch.cuda.get_device_name(0)}"


def accelerator_of(card):
    """The Accelerator that ``fit`` gets: device and precision of the card."""
    return make_accelerator(card.precision, cpu=card.device == "cpu")


def run_folder(name: str) -> Path:
    """The folder of a run; for an empty name a temporary one, gone with the kernel."""
    if name:
        return Path(name)
    _folders.append(tempfile.TemporaryDirectory(prefix="jgm-run-"))
    return Path(_folders[-1].name)


def packed_path(card) -> str | None:
    """What ``training.runs.start`` takes as data: None for ToyScenes."""
    return None if card.data == "toy" else card.data


def held_out(card, n: int, seed: int = 10**6) -> torch.Tensor:
    """n pictures (n,3,S,S) that training never sees."""
    if card.data == "toy":
        return ToyScenes(card.size).sample(n, seed).images
    data = PackedSet(card.data)
    return data.batch(data.holdout_indices[:n], card.size, augment=False)


# -- several GPUs ------------------------------------------------------------------------------


def launch(card, folder) -> None:
    """Train on ``card.processes`` GPUs, one process each (accelerate's notebook_launcher).

    Nothing in this kernel may have touched a GPU before. The main process prints the loss; the
    checkpoints and log.csv in ``folder`` are the same as for one process.
    """
    from accelerate import notebook_launcher

    notebook_launcher(train_process, (card.model_dump(), str(folder)), card.processes)


def train_process(values: dict, folder: str) -> None:
    """What every process of ``launch`` runs."""
    from jgm_lib.training import fit
    from jgm_lib.training.runs import start

    from .card import CARD

    card = validate(CARD, values)
    training, accelerator = training_card(card), accelerator_of(card)
    model, batches, _ = start(training, packed_path(card))
    for p in fit(
        model,
        batches,
        training,
        folder,
        resume=True,
        save_every=card.save_every,
        accelerator=accelerator,
    ):
        if p.step % max(1, card.steps // 20) == 0:
            accelerator.print(
                f"step {p.step}: loss {p.loss:.3f}, {p.images_per_second:.0f} "
                f"images/s, {p.seconds_left / 60:.0f} min left",
                flush=True,
            )


# -- looking at a training ---------------------------------------------------------------------


@torch.no_grad()
def colour_strip(model, y: torch.Tensor, seed: int = 0, beta: float = 1.0) -> torch.Tensor:
    """A quick colouring of grey pictures y (B,1,H,W): (B,3,H,W), on the CPU.

    ``beta``: weight of the gradient channels in the output (Eq 14), 0 leaves them out.
    """
    noise = SeededNoise(range(seed, seed + len(y)))
    seen = Observation(y.to(next(model.parameters()).device), gray_weights())
    if hasattr(model, "spread"):
        states = split(
            model, seen, noise, **compared("split", steps=10, solver="ancestral", beta=beta)
        )
    else:  # a network of discrete levels knows only those, and no split noise
        states = langevin(
            model,
            seen,
            noise,
            T=5,
            sigma_1=model.sigmas[0],
            sigma_L=model.sigmas[-1],
            L=len(model.sigmas),
        )
    for state in states:
        pass
    return state.x.float().cpu()


def averaged(card: TrainCard, ema: dict):
    """The network with the averaged weights, for a look in between."""
    model = build(card.network, **card.settings)
    model.load_state_dict(ema)
    return model.eval().to(next(iter(ema.values())).device)


class LiveView:
    """A picture and a line of text that change while training runs (an ipywidgets Image).

    ``grey`` (B,1,H,W): what the sample strip colours; ``every``: steps between two looks.
    """

    def __init__(self, card: TrainCard, grey: torch.Tensor, every: int = 100):
        import ipywidgets
        from IPython.display import display

        self.card, self.grey, self.every = card, grey, every
        self.losses, self.looks = [], []
        self.picture = ipywidgets.Image(format="png", layout={"height": "230px"})
        self.text = ipywidgets.Label("waiting for the first step")
        display(ipywidgets.VBox([self.text, self.picture]))

    def update(self, p) -> None:
        """Take one Progress; redraw at every ``every``-th step."""
        self.losses.append((p.step, p.loss))
        if p.step % 10 == 0:
            self.text.value = (
                f"step {p.step} of {self.card.steps}   loss {p.loss:.3f}   "
                f"{p.images_per_second:.0f} images/s   {p.seconds_left:.0f} s left"
            )
        if p.step % self.every == 0 or p.step == self.card.steps:
            x = colour_strip(averaged(self.card, p.ema), self.grey)
            self.looks.append((p.step, x))
            self.picture.value = png_bytes(self.figure())

    def figure(self) -> Figure:
        """The loss so far above the newest samples."""
        fig = Figure(figsize=(8, 3), layout="constrained")
        top, low = fig.subplots(2, 1, height_ratios=[1.4, 1])
        draw_loss(top, self.losses, self.card.steps)
        low.imshow(side_by_side(self.looks[-1][1]).permute(1, 2, 0).clamp(0, 1).numpy())
        low.set_title(f"samples at step {self.looks[-1][0]}", fontsize=9)
        low.set_axis_off()
        return fig


def draw_loss(axis, losses, steps: int) -> None:
    """Single losses as dots, their running mean as a line, 1 as the bar to beat."""
    at = torch.tensor([s for s, _ in losses], dtype=torch.float64)
    loss = torch.tensor([v for _, v in losses], dtype=torch.float64)
    axis.plot(at, loss, ".", color="0.7", markersize=2, label="one batch")
    if len(loss) >= 20:
        k = max(10, len(loss) // 15)
        mean = loss.unfold(0, k, 1).mean(1)
        axis.plot(at[k - 1 :], mean, color=BLUE, label=f"mean of {k}")
    axis.axhline(1, color=ORANGE, linestyle="--", label="best guess pixel by pixel")
    axis.set(xlim=(0, steps), ylim=(0, 1.3), xlabel="step", ylabel="loss")
    axis.legend(fontsize=8, loc="lower left", ncols=3)


def read_log(folder) -> list[tuple[int, float]]:
    """(step, mean loss) rows of a run's log.csv."""
    with open(Path(folder) / "log.csv", newline="") as file:
        return [(int(r["step"]), float(r["loss"])) for r in csv.DictReader(file)]


def curves(log, levels, before, after, steps: int) -> Figure:
    """The loss over the steps, and the loss over the noise levels before and after training."""
    fig = Figure(figsize=(9, 3), layout="constrained")
    left, right = fig.subplots(1, 2)
    left.plot(*zip(*log, strict=True), color=BLUE, marker=".")
    left.set(xlabel="step", ylabel="loss (Eq 9, reweighted)", ylim=(0, 1.3), xlim=(0, steps))
    right.semilogx(levels, before, color="0.4", linestyle=":", marker="^", label="before training")
    right.semilogx(levels, after, color=BLUE, marker="o", label="after")
    right.set(xlabel="noise level sigma", ylabel="error / error of a straight line", ylim=(0, 1.3))
    for axis in (left, right):
        axis.axhline(1, color=ORANGE, linestyle="--", linewidth=1)
    right.legend(fontsize=8)
    return fig
