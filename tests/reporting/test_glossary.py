import re
from pathlib import Path

from nse_lstm.pages import index
from nse_lstm.reporting import pages
from nse_lstm.reporting.banner import make_banner
from nse_lstm.reporting.glossary import render_glossary
from nse_lstm.reporting.terms import TERMS, link_terms

METADATA = {"label": "A market", "simulated": True, "citation": "", "provenance": {}}
TEMPLATES = Path(pages.__file__).parent / "templates"


def test_every_term_has_a_place_of_its_own_in_the_order_of_the_alphabet() -> None:
    page = render_glossary(METADATA, banner=make_banner(None))
    places = re.findall(r'<div id="([a-z0-9-]+)">', page)
    assert places == [term.anchor for term in TERMS] and len(set(places)) == len(places)
    names = [term.name.lower() for term in TERMS]
    assert names == sorted(names)


def test_a_link_to_the_glossary_ends_at_a_term() -> None:
    sources = [path.read_text() for path in TEMPLATES.glob("*.html.j2")]
    linked = {
        place
        for text in sources
        for place in re.findall(r'glossary\.html#([a-z-]+)|term\("([a-z-]+)"', text)
        for place in place
        if place
    }
    facts = Path(index.__file__).read_text()
    linked |= set(re.findall(r'anchor="([a-z-]+)"', facts))
    assert {"persistence", "smallest-sharpe"} <= linked
    assert linked <= {term.anchor for term in TERMS}


def test_the_first_use_of_a_term_is_linked_and_only_in_prose() -> None:
    def links(body: str) -> list[str]:
        return re.findall(r"#([\w-]+)\"", link_terms(body, glossary="../glossary.html"))

    assert links("<h2>Sessions</h2><table><tr><td>session</td></tr></table>") == []
    assert links("<p><code>session</code> <a href='x'>session</a></p>") == []
    assert links("<p>Sessions, then a session.</p><ul><li>session</li></ul>") == [
        "session"
    ]
    # The longer term wins, and no part of another word is one.
    assert links("<p>the deflated Sharpe ratio</p>") == ["deflated-sharpe"]
    assert links("<p>reskill, cash-flow</p>") == []
    both = "<p>A champion meets a challenger.</p>"
    assert links(both) == ["champion"]
    text = link_terms("<p>a session &amp; x</p>", glossary="g")
    assert re.sub(r"<[^>]*>", "", text) == "a session &amp; x"
