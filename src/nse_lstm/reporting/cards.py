"""The report card, and the pages that stand beside the phases."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from nse_lstm.reporting.banner import Banner
from nse_lstm.reporting.display import Html, show_table
from nse_lstm.reporting.format import DASH
from nse_lstm.reporting.pages import environment, wrap_page

COLUMNS = ("met", "v1", "persistence", "buy_and_hold")
"""Beside what was found; v1 is missing where it was not rebuilt."""


def show_report_card(report_card: pd.DataFrame, *, model: str) -> Html:
    """Show each target with what was found, persistence and a holding beside it.

    A target stands above its figures and its comment below them, so that the card fits
    a phone.

    Parameters
    ----------
    report_card : DataFrame
        What Phase 4 writes into ``report_card.csv``.
    model : str
        Whose figures are those found.
    """
    names = [name.replace("_", " ") for name in COLUMNS]
    return _card(
        report_card, COLUMNS, headings=[model, *names], label="The report card"
    )


def show_safety(safety: pd.DataFrame) -> Html:
    """Show each safety target with what was found, as the report card does.

    Parameters
    ----------
    safety : DataFrame
        ``target``, ``found``, ``met``, ``comment``.
    """
    return _card(
        safety, ("met",), headings=["found", "met"], label="Forecast safety, by target"
    )


def _card(
    table: pd.DataFrame, columns: tuple[str, ...], *, headings: list[str], label: str
) -> Html:
    rows = [_row(row, columns) for row in table.to_dict("records")]
    template = environment().get_template("report_card.html.j2")
    return Html(template.render(rows=rows, headings=headings, label=label))


def _row(row: dict[Hashable, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    """Put words for what a table of the disk leaves open."""
    met = row["met"]
    words = DASH if pd.isna(met) else "yes" if met else "no"
    shown = {str(name): str(value) for name, value in row.items()} | {"met": words}
    found = [shown["found"], *(shown.get(name, DASH) for name in columns)]
    return {"target": row["target"], "found": found, "comment": row["comment"]}


def render_card(
    name: str,
    values: Mapping[str, Any],
    *,
    metadata: Mapping[str, Any],
    banner: Banner,
) -> str:
    """Return a page made of its own template, ``<name>.html.j2``.

    Parameters
    ----------
    name : str
        Of a template that ``table`` makes a table of a DataFrame in.
    values : mapping
        What the template names.
    metadata, banner
        See ``wrap_page``.
    """
    template = environment().get_template(f"{name}.html.j2")
    body = template.render(table=show_table, **values)
    return wrap_page(body, name=name, metadata=metadata, banner=banner)
