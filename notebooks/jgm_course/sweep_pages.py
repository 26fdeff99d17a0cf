"""What a reader sees of a sweep: a table (markdown and CSV) and a gallery page of thumbnails."""

import base64
import binascii
import csv
import html
import io
import re
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from jgm_lib.errors import JGMError

from . import book
from .lint_outputs import text_of

SIDE = 360  # pixels of a thumbnail
EMBEDDED = re.compile(r"data:image/(?:png|jpeg);base64,([\w+/=]+)")
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sweep</title>
<style>
body {{ font: 15px system-ui, sans-serif; margin: 2em }}
main {{ display: grid; gap: 1.5em; grid-template-columns: repeat(auto-fill, minmax(22em, 1fr)) }}
figure {{ margin: 0; border: 1px solid #999; padding: 0.7em }}
img {{ max-width: 100% }}
.failed {{ border: 3px double #900 }}
</style>
<h1>Sweep: {count} runs, {failed} failed</h1>
<main>
{figures}
</main>
</html>
"""


def last_picture(nb) -> bytes | None:
    """The last PNG or JPEG that a notebook shows."""
    for cell in reversed(nb.cells):
        for output in reversed(cell.get("outputs", [])):
            data = output.get("data", {})
            found = EMBEDDED.findall(text_of(data.get("text/html", "")))
            found += [text_of(data[k]) for k in ("image/png", "image/jpeg") if k in data]
            if found:
                return base64.b64decode(found[-1])
    return None


def thumbnail(notebook: Path, target: Path) -> bool:
    """Write the last picture of a notebook, made small; False when there is none."""
    try:
        code = last_picture(book.read_pair(notebook))
        picture = Image.open(io.BytesIO(code)) if code else None
        if picture is None:
            return False
        picture.thumbnail((SIDE, SIDE))
    except (JGMError, binascii.Error, UnidentifiedImageError, OSError):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    picture.convert("RGB").save(target)
    return True


def columns(records) -> tuple[list[str], list[str]]:
    """Names of all parameters and of all metrics, in order of appearance."""
    parameters = dict.fromkeys(k for r in records for k in r["parameters"])
    metrics = dict.fromkeys(k for r in records for k in r["metrics"])
    return list(parameters), list(metrics)


def table_rows(records) -> list[list]:
    """Head and one row a run."""
    parameters, metrics = columns(records)
    rows = [["lesson", *parameters, *metrics, "seconds", "code", "data", "error"]]
    for r in records:
        values = [r["parameters"].get(k, "") for k in parameters]
        values += [r["metrics"].get(k, "") for k in metrics]
        rows.append([r["lesson"], *values, r["seconds"], r["code"], r["data"], r["error"]])
    return rows


def markdown(records) -> str:
    head, *rows = table_rows(records)
    lines = [head, ["---"] * len(head), *rows]
    cell = [[str(v).replace("|", "\\|").replace("\n", " ") for v in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in cell)


def csv_text(records) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(table_rows(records))
    return buffer.getvalue()


def figure(record: dict) -> str:
    """One run of the gallery; every value is escaped."""
    said = ", ".join(f"{k} = {v}" for k, v in record["parameters"].items())
    numbers = ", ".join(f"{k} {v}" for k, v in record["metrics"].items())
    picture = "<p>no picture</p>"
    if record["picture"]:
        source, alt = html.escape(record["picture"]), html.escape(f"Last picture with {said}")
        picture = f'<img src="{source}" alt="{alt}">'
    if record["notebook"]:
        picture = f'<a href="{html.escape(record["notebook"])}">{picture}</a>'
    text = [f"<b>{html.escape(said)}</b>", html.escape(numbers or record["error"])]
    text.append(html.escape(f"{record['seconds']} s, {record['lesson']}, code {record['code']}"))
    kind = "" if record["ok"] else ' class="failed"'
    return f"<figure{kind}>{picture}<figcaption>{'<br>'.join(text)}</figcaption></figure>"


def gallery(records) -> str:
    failed = sum(not r["ok"] for r in records)
    figures = "\n".join(figure(r) for r in records)
    return PAGE.format(count=len(records), failed=failed, figures=figures)


def write(out: Path, records: list[dict]) -> None:
    """table.md, table.csv and gallery.html."""
    book.write_text(out / "table.md", markdown(records))
    book.write_text(out / "table.csv", csv_text(records))
    book.write_text(out / "gallery.html", gallery(records))
