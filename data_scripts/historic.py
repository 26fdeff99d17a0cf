"""Fetch black-and-white photographs of the 1930s for lesson 10 (the only script here that must be
online):

python -m data_scripts.historic --out data/historic LC-USF34-018841 LC-USF33-006484
python -m data_scripts.historic --out data/historic scotts-run textile-mill --count 5

A call number of the Library of Congress fetches that picture. ``scotts-run`` and ``textile-mill``
look for the two series of the US National Archives that the paper's Fig 10 names by title and date
only, among the copies on Wikimedia Commons; look at the finds and keep the one you want.
Both services are asked in the form their documentation gives (loc.gov JSON, MediaWiki imageinfo).
"""

import argparse
import json
import re
import sys
from datetime import date
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlencode, urlparse

from jgm_lib.errors import JGMError
from jgm_lib.files import file_sha256, replacing, write_text

from .download import check_file, copy_body, fetch

LOC = "https://www.loc.gov/photos/"
COMMONS = "https://commons.wikimedia.org/w/api.php"
SERIES = {
    "scotts-run": '"Scott\'s Run" West Virginia Hine 1937 NARA',
    "textile-mill": "textile mill Hine 1937 NARA",
}
CALL_NUMBER = re.compile(r"LC-[A-Z0-9]+(-[A-Z])?-\d{6}(-[A-Z0-9]+)?")
MAX_BYTES = 80_000_000
OFFLINE = "this script needs the network, lesson 10 itself does not"


def ask(base: str, **query) -> dict:
    """A JSON answer. Raises JGMError if it is none."""
    with fetch(f"{base}?{urlencode(query)}", hint=OFFLINE) as answer:
        body = answer.read(MAX_BYTES)
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise JGMError(f"{urlparse(base).netloc}: no JSON came back; the service may have changed")
    return found


def find_loc(number: str, base: str = LOC) -> list[dict]:
    """The picture of a call number: [{name, url, title, rights}], or JGMError."""
    for result in ask(base, q=number, fo="json", c=25).get("results", []):
        urls = [u.split("#")[0] for u in result.get("image_url") or []]
        urls = [u for u in urls if u.lower().endswith((".jpg", ".jpeg", ".png", ".tif"))]
        if urls and number in json.dumps(result):
            url = urls[-1]  # the service lists them from small to large
            url = f"https:{url}" if url.startswith("//") else url
            return [
                {
                    "name": number,
                    "url": url,
                    "title": str(result.get("title", "")),
                    "rights": "see the item's page at loc.gov",
                    "page": str(result.get("id", "")),
                }
            ]
    raise JGMError(f"{number}: the Library of Congress lists no picture under this call number")


def find_commons(series: str, count: int, base: str = COMMONS) -> list[dict]:
    """Pictures of a series on Wikimedia Commons, with their size and SHA-1, or JGMError."""
    found = ask(base, action="query", format="json", generator="search", gsrnamespace=6,
                gsrsearch=SERIES[series], gsrlimit=count, prop="imageinfo",
                iiprop="url|size|sha1|extmetadata")  # fmt: skip
    pages = sorted(
        found.get("query", {}).get("pages", {}).values(), key=lambda p: p.get("index", 0)
    )
    rows = []
    for page in pages:
        info = (page.get("imageinfo") or [{}])[0]
        if info.get("url"):
            licence = (
                info.get("extmetadata", {}).get("LicenseShortName", {}).get("value", "unknown")
            )
            rows.append(
                {
                    "name": f"{series}-{len(rows) + 1}",
                    "url": info["url"],
                    "title": str(page.get("title", "")),
                    "rights": str(licence),
                    "page": info.get("descriptionurl", ""),
                    "size": info.get("size"),
                    "sha1": info.get("sha1"),
                }
            )
    if not rows:
        raise JGMError(f"{series}: Wikimedia Commons found nothing for {SERIES[series]!r}")
    return rows


def download(item: dict, out: Path) -> dict:
    """Fetch one picture under a temporary name, check it, rename; returns its entry for the card.

    Checked: the length that the server announces, size and SHA-1 where the catalogue tells them, and
    that the file is a picture. A faulty file is removed. Raises JGMError.
    """
    suffix = Path(urlparse(item["url"]).path).suffix.lower() or ".jpg"
    target = out / f"{item['name']}{suffix}"
    out.mkdir(parents=True, exist_ok=True)
    with replacing(target) as part:
        check(part, item, save(item["url"], part))
    return {k: item[k] for k in ("title", "url", "page", "rights")} | {
        "file": target.name,
        "bytes": target.stat().st_size,
        "date": date.today().isoformat(),
        "sha256": file_sha256(target),
    }


def save(url: str, part: Path) -> int | None:
    """Write what the URL gives; returns the announced length. JGMError if it is too long."""
    try:
        with fetch(url, hint=OFFLINE) as answer, open(part, "wb") as file:
            length = answer.headers.get("Content-Length")
            copy_body(answer, file, limit=MAX_BYTES)
    except (OSError, HTTPException) as error:
        raise JGMError(f"{url}: broke off ({error}); try again") from None
    return int(length) if length else None


def check(part: Path, item: dict, announced: int | None) -> None:
    """Raise JGMError unless the file has the right length, hash and kind."""
    from jgm_lib.photo import read_photo  # with torch, which --help does without

    check_file(part, item["name"], announced, None, "sha1")
    check_file(part, item["name"], item.get("size"), item.get("sha1"), "sha1")
    read_photo(part.read_bytes())


def historic(wanted, out="data/historic", count: int = 4) -> list[dict]:
    """Fetch call numbers and series names into ``out``; writes historic.json beside the pictures.

    Pictures that are there already are not fetched again. Raises JGMError for an unknown name or
    when one cannot be had; what came before it stays.
    """
    if not 1 <= count <= 50:
        raise JGMError(f"count={count}: allowed are 1 to 50 pictures a series")
    for name in wanted:
        if name not in SERIES and not CALL_NUMBER.fullmatch(name):
            raise JGMError(
                f"{name!r}: give call numbers such as LC-USF34-018841, or {', '.join(SERIES)}"
            )
    card = Path(out) / "historic.json"
    done = _read(card)
    for name in wanted:
        for item in find_commons(name, count) if name in SERIES else find_loc(name):
            old = done.get(item["name"])
            if not (old and old["url"] == item["url"] and (Path(out) / old["file"]).is_file()):
                done[item["name"]] = download(item, Path(out))
                write_text(card, json.dumps(done, ensure_ascii=False, indent=1) + "\n")
    return list(done.values())


def _read(card: Path) -> dict:
    """What is there already: name -> entry. Raises JGMError for a card that is none."""
    try:
        done = json.loads(card.read_text(encoding="utf-8")) if card.exists() else {}
        if all({"file", "url", "bytes", "title", "rights"} <= set(row) for row in done.values()):
            return done
    except (ValueError, AttributeError, TypeError):
        pass
    raise JGMError(f"{card}: not a list of fetched pictures; remove it and fetch again")


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="jgm data historic", description=__doc__.split("\n\n")[0])
    parser.add_argument("wanted", nargs="+", help="LC call numbers, scotts-run, textile-mill")
    parser.add_argument("--out", default="data/historic", help="folder of the pictures")
    parser.add_argument("--count", type=int, default=4, help="pictures of a series")
    args = parser.parse_args(argv)
    try:
        rows = historic(args.wanted, args.out, args.count)
    except JGMError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for row in rows:
        print(f"{row['file']}  {row['bytes']} bytes  {row['title']}  ({row['rights']})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
