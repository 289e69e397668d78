"""Render the report card and the further pages."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from nse_lstm.reporting.banner import Banner
from nse_lstm.reporting.display import Html, show_table
from nse_lstm.reporting.format import DASH
from nse_lstm.reporting.pages import environment, wrap_page

COLUMNS = ("met", "v1", "persistence", "buy_and_hold")
"""Columns after the result; v1 is missing where it was not rebuilt."""


def show_report_card(report_card: pd.DataFrame, *, model: str) -> Html:
    """Show each target with the result, persistence and buy and hold.

    A target is above its numbers and its comment below them, so that the card fits a
    phone.

    Parameters
    ----------
    report_card : DataFrame
        Phase 4's ``report_card.csv``.
    model : str
        The model of the results.
    """
    names = [name.replace("_", " ") for name in COLUMNS]
    return _card(
        report_card, COLUMNS, headings=[model, *names], label="The report card"
    )


def show_safety(safety: pd.DataFrame) -> Html:
    """Show each safety target with its result, as the report card does.

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
    """Replace missing values of a stored table by words."""
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
    """Render a page from its template, ``<name>.html.j2``.

    Parameters
    ----------
    name : str
        Of the template, in which ``table`` makes a table of a DataFrame.
    values : mapping
        The names used in the template.
    metadata, banner
        See ``wrap_page``.
    """
    template = environment().get_template(f"{name}.html.j2")
    body = template.render(table=show_table, **values)
    return wrap_page(body, name=name, metadata=metadata, banner=banner)
