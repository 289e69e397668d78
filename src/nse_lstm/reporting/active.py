"""Find scripts and outside addresses on a page: there must be none.

Text from data is escaped. This is a second check: a page is read as a browser reads
it, so escaped text is no alarm.
"""

import re
from html.parser import HTMLParser

ELEMENTS = {"script", "iframe", "frame", "object", "embed", "base", "form", "portal"}
ADDRESSES = {"src", "srcset", "href", "xlink:href", "data", "action", "poster"}
"""Attributes that hold an address."""
OUTSIDE = re.compile(r"\s*(?:(?:https?|ftp|wss?):|//|javascript:|vbscript:)", re.I)
STYLED = re.compile(r"@import|url\(\s*[\"']?\s*(?:https?:|//)", re.I)
BLANK = re.compile(r"[\x00-\x20]")
"""Characters that a browser drops from an address before it reads the scheme."""
SHOWN = 80
"""Characters of a finding that an error repeats."""


def find_active(page: str) -> str:
    """Return the first thing on a page that would run or ask the network, or "".

    It looks for elements that run or fetch, event handlers, addresses outside (links
    too) or of scripts, and such addresses in styles.

    Examples
    --------
    >>> find_active('<p>&lt;script&gt; src=//x</p>')
    ''
    >>> find_active('<img src="x" onerror="hit()">')
    'onerror="hit()" of <img>'
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = ""
        self.styles = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.styles = tag == "style"
        if tag in ELEMENTS:
            self._keep(f"<{tag}>")
        for name, value in attrs:
            if _is_active(name, value or ""):
                self._keep(f'{name}="{(value or "")[:SHOWN]}" of <{tag}>')

    def handle_data(self, data: str) -> None:
        if self.styles and (found := STYLED.search(data)):
            self._keep(f"{found.group()} in a style")

    def handle_endtag(self, tag: str) -> None:
        self.styles = False

    def _keep(self, what: str) -> None:
        self.found = self.found or what


def _is_active(name: str, value: str) -> bool:
    if name.startswith("on") or name in ("http-equiv", "srcdoc"):
        return True
    if name == "style":
        return bool(STYLED.search(value))
    return name in ADDRESSES and bool(OUTSIDE.match(BLANK.sub("", value[:SHOWN])))
