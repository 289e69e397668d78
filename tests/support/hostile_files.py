"""A market's files whose every free text attacks whoever shows it.

Codes cannot: what is no stock code is refused where the files are read.
"""

import csv
from pathlib import Path

from nse_lstm.paths import csv_paths

ATTACKS = (
    "<script>window.__hit=1</script>",
    "</script></style></title><script>window.__hit=1</script>",
    '"><img src=x onerror=window.__hit=1>',
    "' onmouseover='window.__hit=1' x='",
    "<svg/onload=window.__hit=1><iframe srcdoc=<b>x</b>>",
    "[click](javascript:window.__hit=1) ![x](//evil.invalid/x.png)",
    "<style>@import '//evil.invalid/x.css';body{display:none}</style>",
    '"]}\\u0022,"__hit":{"a":[',
    "{{ 7 * 7 }} {% for %} $\\frac{$ `code` | cell | -->",
    "<!-- <h1>injected</h1>",
)
NAME = " ".join(ATTACKS)
FILE = "<img src=x onerror=window.__hit=1> $\\frac{$ '\"> {{ 7 }}"
"""Put into a file's name, which may hold all but a slash."""
WORDS = ("<script>window.__hit=1", "<svg/onload=", "{{ 7 * 7 }}")
"""Of the attacks: a page that shows a name shows these as they are."""


def make_hostile(folder: Path) -> None:
    """Put the attacks into all names, sectors and names of files of a market."""
    for path in csv_paths(folder):
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        header, *rows = csv.reader(lines)
        price = len(header) > 3
        texts = [2] if price else [0, 2]
        for row in rows:
            for place in texts:
                row[place] = f"{row[place]} {NAME}" if row[place] else ""
        path.unlink()
        with (folder / f"{path.stem} {FILE}.csv").open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows])
