import re
from pathlib import Path

from nse_lstm.pages import index
from nse_lstm.reporting import pages
from nse_lstm.reporting.banner import make_banner
from nse_lstm.reporting.glossary import TERMS, render_glossary

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
