"""The tables of the paper, to stand marked beside ours: numbers as printed, never measured here.

Hong et al. 2020, "Joint Intensity-Gradient Guided Generative Modeling for Colorization". As their
code has it, a picture's PSNR is the best over all steps and over twelve runs, chosen with the truth;
their pictures are others than ours, at 128 x 128. So the tables compare methods within, not across.
"""

MARK = (
    "as printed in the paper, on other pictures; the authors' code takes the best of all steps and "
    "12 runs by the truth"
)

SETS = ("church", "bedroom", "COCO-stuff")
# PSNR dB, SSIM as printed in Table I of Hong et al. 2020
TABLE_I = {
    "Zhang": ((23.65, 0.9228), (20.89, 0.8946), (20.21, 0.8844)),
    "MemoPainter": ((22.85, 0.9034), (23.08, 0.9004), (20.47, 0.8492)),
    "ChromaGAN": ((24.63, 0.9106), (24.16, 0.8899), (19.85, 0.8101)),
    "iGM-6C": ((23.12, 0.9251), (24.83, 0.9221), (21.95, 0.8871)),
    "JGM": ((23.76, 0.8931), (29.46, 0.9365), (20.72, 0.7254)),
}
# measured on the authors' published pictures: 28 churches, 30 bedrooms; none for COCO-stuff
GREY_REPLICA = ((24.48, 0.9434), (21.95, 0.9198), None)

# PSNR dB, SSIM as printed in Table III of Hong et al. 2020
TABLE_III = {
    "Church": {"divide": (23.26, 0.9269), "JGM": (23.76, 0.8931)},
    "Bedroom": {"divide": (22.23, 0.9059), "JGM": (29.46, 0.9365)},
    "COCO-stuff": {"divide": (19.45, 0.8477), "JGM": (20.72, 0.7254)},
    "ImageNet": {"divide": (15.13, 0.8227), "JGM": (18.71, 0.6821)},
}


def table_one() -> str:
    """Table I as text, under its mark, with the row that it lacks."""
    lines = [f"Table I ({MARK}). PSNR dB / SSIM", f"{'':14s}" + "".join(f"{s:>16s}" for s in SETS)]
    rows = {**TABLE_I, "grey replica*": GREY_REPLICA}
    for name, row in rows.items():
        cells = ("" if v is None else f"{v[0]:.2f} / {v[1]:.4f}" for v in row)
        lines.append(f"{name:14s}" + "".join(f"{c:>16s}" for c in cells))
    return "\n".join(
        [*lines, "* measured, on 28 churches and 30 bedrooms that the authors published"]
    )
