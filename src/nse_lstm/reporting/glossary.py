"""The glossary's page: terms that pages use, each with an anchor to link to."""

from collections.abc import Mapping
from typing import Any

from nse_lstm.reporting.banner import Banner
from nse_lstm.reporting.pages import environment, wrap_page
from nse_lstm.reporting.terms import TERMS


def render_glossary(metadata: Mapping[str, Any], *, banner: Banner) -> str:
    """Return the glossary page as HTML, the study's verdict first.

    Parameters
    ----------
    metadata : mapping
        See ``wrap_page``.
    banner : Banner
        The verdict.
    """
    body = environment().get_template("glossary.html.j2").render(terms=TERMS)
    return wrap_page(body, name="glossary", metadata=metadata, banner=banner)
