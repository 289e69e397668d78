"""Render executed notebooks as pages: one self-contained file each, code hidden.

A page asks the network for nothing: no script, no font, figures as data. Its header
names the market, its footer the provenance.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from nse_lstm.errors import ArtefactError
from nse_lstm.paths import write_text
from nse_lstm.reporting.active import find_active
from nse_lstm.reporting.banner import Banner, make_banner
from nse_lstm.reporting.format import typeset_minus
from nse_lstm.reporting.notebook_format import nbformat
from nse_lstm.reporting.page_foot import move_files, page_foot, section_objects
from nse_lstm.reporting.terms import link_terms

PHASES = {
    "index": "Verdict",
    "status": "Status",
    "01_data_analysis": "1 Data",
    "02_architecture": "2 Architecture",
    "03_full_training": "3 Training",
    "04_validation": "4 Validation",
    "05_deployment": "5 Deployment",
}
MARKUP = re.compile(r"(<pre.*?</pre>|<code.*?</code>|<[^>]*>)", re.DOTALL)
PER_CENT = re.compile(r"(?<=\d) %")
BESIDE = {
    "91_anatomy_of_a_sharpe": "Anatomy",
    "92_published_claims": "Published claims",
    "audit": "Audit",
    "data_card": "Data card",
    "glossary": "Glossary",
}
PAGES = PHASES | BESIDE
"""Every page but the stocks', in the order of the navigation."""


def read_notebook(path: Path) -> Any:
    """Read an executed notebook that carries its provenance.

    Raises
    ------
    ArtefactError
        If it is missing, or was not executed by this project.
    """
    if not path.is_file():
        raise ArtefactError(f"No executed notebook at {path}")
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises what its parsers do.
        raise ArtefactError(f"{path} is no notebook: {error}") from None
    if "nse_lstm" not in notebook.metadata:
        raise ArtefactError(
            f"Expected a notebook executed by `nse-lstm execute`. Received: {path}"
        )
    return notebook


def render_notebook(
    source: Path,
    target: Path,
    *,
    verdict: Mapping[str, Any] | None,
    base: str = "",
    title: str = "",
) -> None:
    """Render an executed notebook as a page, the study's verdict first.

    Pages are rendered after Phase 4, so the pages of earlier phases have the verdict
    too. The files that a notebook reads and writes are folded at the foot, beside the
    objects of its sections.

    Parameters
    ----------
    source, target : Path
    verdict : mapping or None
        ``verdict.json``; None where Phase 4 has not run.
    base : str
        See ``wrap_page``.
    title : str
        Name of the page if one notebook makes many, put before its heading.

    Raises
    ------
    ArtefactError
        See ``wrap_page``.
    """
    notebook = read_notebook(source)
    if title:
        first = notebook.cells[0].source.removeprefix("# ")
        notebook.cells[0].source = f"# {title}: {first[:1].lower()}{first[1:]}"
    foot = page_foot(move_files(notebook.cells[0]), section_objects(notebook.cells))
    for cell in notebook.cells:
        # Progress and library chatter stay in the executed notebook.
        outputs = cell.get("outputs", [])
        cell["outputs"] = [o for o in outputs if o.get("output_type") != "stream"]
        if cell.cell_type != "code":
            del cell["outputs"]
    # Imported here: cards and index need its frame, and not its exporter.
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        template_name="basic",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    body, _ = exporter.from_notebook_node(notebook)
    page = wrap_page(
        body + foot,
        name=source.stem,
        metadata=notebook.metadata["nse_lstm"],
        banner=make_banner(verdict),
        base=base,
        title=title,
    )
    write_text(target, page)


def wrap_page(
    body: str,
    *,
    name: str,
    metadata: Mapping[str, Any],
    banner: Banner | None = None,
    base: str = "",
    title: str = "",
) -> str:
    """Wrap a body with header, navigation and provenance, its terms linked.

    Parameters
    ----------
    body : str
        HTML, already safe.
    name : str
        The page's file name without its ending.
    metadata : mapping
        ``label``, ``simulated``, ``citation`` and ``provenance`` (name to value).
    banner : Banner, optional
        The verdict; None if the body itself begins with it.
    base : str
        Put before the navigation's links: ``../`` for a page in a folder below.
    title : str
        Of the window; the phase's name if empty.

    Raises
    ------
    ArtefactError
        If the page would run a script or ask the network.
    """
    glossary = f"{base}glossary.html"
    linked = body if name == "glossary" else link_terms(body, glossary=glossary)
    page = (
        environment()
        .get_template("page.html.j2")
        .render(
            title=title or PAGES.get(name, name),
            style=_template_text("style.css"),
            body=typeset(linked),
            banner=banner,
            evidence=f"{base}04_validation.html",
            glossary=glossary,
            navigation=[
                {"file": f"{base}{stem}.html", "name": text, "current": stem == name}
                for stem, text in PAGES.items()
            ],
            **metadata,
        )
    )
    found = find_active(page)
    if found:
        raise ArtefactError(
            "A page must run nothing and ask the network for nothing. "
            f"Received: {found} in {name}"
        )
    return page


def typeset(body: str) -> str:
    """Format numbers in HTML alike: a minus sign, and no space before per cent.

    Attributes, code and preformatted text stay as they are.

    Examples
    --------
    >>> typeset('<p title="5 %">95 % on 2020-01-02</p><code>5 %</code>')
    '<p title="5 %">95% on 2020-01-02</p><code>5 %</code>'
    """
    pieces = MARKUP.split(body)
    pieces[::2] = [PER_CENT.sub("%", typeset_minus(text)) for text in pieces[::2]]
    return "".join(pieces)


def environment() -> Environment:
    """Return the template environment, which escapes text not marked safe."""
    return Environment(
        loader=PackageLoader("nse_lstm.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )


def _template_text(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")
