"""Render the status page and the results page from plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nse_lstm.reporting.banner import Banner
from nse_lstm.reporting.display import show_table
from nse_lstm.reporting.markdown import markdown_table, markdown_text
from nse_lstm.reporting.pages import environment, wrap_page


@dataclass(frozen=True)
class Phase:
    """One of the five phases."""

    name: str
    done: bool
    lines: tuple[str, ...]
    page: str
    """The page with the numbers, in the same folder."""
    output: str


@dataclass(frozen=True)
class Improvement:
    """One of the first page's key improvements, with its numbers."""

    name: str
    lines: tuple[str, ...]
    page: str


@dataclass(frozen=True)
class Status:
    """The values of the status page."""

    label: str
    test_year: int
    data_through: str
    phases: tuple[Phase, ...]
    verdict: Banner
    evaluation: str
    """``describe_evaluation``, empty before Phase 4."""
    comparison: pd.DataFrame
    """``figure`` and one column per model, all text."""
    expected: pd.DataFrame
    """``expected``, ``found``, ``met``: the report card and the safety card."""
    stocks: pd.DataFrame
    """``ticker``, ``in use``, ``error``: one row per recommended stock."""
    commands: tuple[str, ...]
    steps: tuple[str, ...]
    documents: tuple[Mapping[str, str], ...]
    """``was``, ``now``, ``link`` and ``purpose``."""
    improvements: tuple[Improvement, ...]

    @property
    def current(self) -> str:
        """The phase the study is in, in the first page's words."""
        done = sum(phase.done for phase in self.phases)
        last = len(self.phases)
        return (
            f"{last} of {last}, complete" if done == last else f"{done + 1} of {last}"
        )


def render_status(status: Status, *, metadata: Mapping[str, Any]) -> str:
    """Return the status page as HTML.

    Parameters
    ----------
    status : Status
    metadata : mapping
        See ``wrap_page``.
    """
    template = environment().get_template("status.html.j2")
    body = template.render(status=status, table=show_table)
    return wrap_page(body, name="status", metadata=metadata, banner=status.verdict)


def render_markdown(template: str, **values: Any) -> str:
    """Render a Markdown template; every value in it is escaped for Markdown.

    Parameters
    ----------
    template : str
        Its file name. In it, ``table`` makes a table of a DataFrame. Values marked
        ``safe`` are not escaped: our own file names and commands.
    **values
        The names used in the template.
    """
    plain = environment()
    plain.autoescape = False
    plain.finalize = _escaped
    text = plain.get_template(template).render(table=markdown_table, **values)
    return text.rstrip("\n") + "\n"


def _escaped(value: object) -> object:
    return value if hasattr(value, "__html__") else markdown_text(value)
