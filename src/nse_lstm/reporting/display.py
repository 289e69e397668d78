"""Show tables, figures and sentences in notebooks and on pages.

All text that may come from data files is escaped here, once.
"""

import base64
import html
import io
import operator
import re
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nse_lstm.reporting.canvas import NAMES, numbers_of, reading_of
from nse_lstm.reporting.format import DASH, MINUS, typeset_minus

TAG = re.compile(r"<[^>]*>")
CODE = re.compile(r"`([^`]+)`")
SHORT = 100
"""Characters of a piece of a page that a log shows."""
MEASURED = ("seconds", "first_ms", "next_ms")
"""Columns that a machine measured: they differ from build to build."""
MOST_ROWS = 60
"""Rows of a figure's numbers that a page shows."""
NUMERIC = re.compile(r"[+−]?\d[\d,.]*(?:e[+−]?\d+)?( ?%| bps)?|\d{4}-\d\d-\d\d")
"""A cell that stands on the right: a number or a date."""
UNDERSCORE = re.compile(r"(?<=\w{3})_(?=\w)")
OF_MODELS = (
    *("model", "strategy", "test"),
    *("champion", "challenger", "selected", "served_by"),
)
"""Columns whose values are models, shown with the models' names."""
SHORTEST = 14
"""Characters up to which a cell does not wrap."""
LONG = 40
"""Characters from which a cell is given room to wrap."""
STACKED = 4, 15
"""Columns from which, and rows up to which, a table's rows are cards on a phone."""
NARROW = 5.6
"""Inches up to which a figure is read on a phone without swiping."""

# Heading and format of the columns that tables share. Other columns show as they are.
COLUMNS: dict[str, tuple[str, str]] = {
    "source_file": ("file", ""),
    "source_line": ("line", "d"),
    "n_rows": ("rows", ",d"),
    "median_turnover": ("median turnover, KES", ",.0f"),
    "recent_traded_share": ("sessions traded", ".0%"),
    "volatility": ("daily volatility", ".2%"),
    "autocorrelation": ("lag-1 autocorrelation", "+.2f"),
    "traded_share": ("sessions traded", ".0%"),
    "zero_return_share": ("zero returns", ".0%"),
    "longest_unchanged": ("longest unchanged", "d"),
    "excess_kurtosis": ("excess kurtosis", ".1f"),
    "beyond_three_share": ("beyond 3 s.d.", ".1%"),
    "spread_roll": ("spread, Roll", ".1%"),
    "spread_high_low": ("spread, high–low", ".1%"),
    "tick_share": ("tick", ".2%"),
    "n_limit": ("limit days", "d"),
    "beta": ("beta", "+.2f"),
    "stocks_traded": ("stocks traded", ".0f"),
    "KES_million": ("KES million", ",.0f"),
    "top_1": ("top 1", ".0%"),
    "top_5": ("top 5", ".0%"),
    "top_25": ("top 25", ".0%"),
    "herfindahl": ("Herfindahl", ".2f"),
    "parameters": ("parameters", ",d"),
    "year": ("forecasts year", "d"),
    "n_train": ("training windows", ",d"),
    "n_validation": ("validation windows", ",d"),
    "train_loss": ("training loss", ".5f"),
    "validation_loss": ("validation loss", ".5f"),
    "loss_ratio": ("validation over training", ".2g"),
    "n_parameters": ("parameters", ",d"),
    "n_bytes": ("bytes", ",d"),
    "scaler_minimum": ("scaler from, KES", ",.2f"),
    "scaler_maximum": ("to, KES", ",.2f"),
    "seconds": ("training, s", ",.0f"),
    "first_ms": ("first forecast, ms", ",.0f"),
    "next_ms": ("next forecast, ms", ",.1f"),
    "net_return": ("net return", "+.1%"),
    "sharpe_ratio": ("Sharpe over 0", "+.2f"),
    "sharpe_over_cash": ("Sharpe over cash", "+.2f"),
    "win_rate": ("win rate, invested stock-sessions", ".0%"),
    "win_rate_all": ("win rate, all sessions", ".0%"),
    "max_drawdown": ("largest drawdown", ".1%"),
    "turnover": ("turnover per year", ".1f"),
    "exposure": ("capital invested", ".0%"),
    "median": ("median of random positions", "+.1%"),
    "lower": ("their 5 %", "+.1%"),
    "upper": ("their 95 %", "+.1%"),
    "random_beaten": ("fraction of them beaten", ".0%"),
    "mape": ("mean absolute error, % of price", ".2%"),
    "skill": ("skill", "+.3f"),
    "title": ("after correction", ""),
    "skill_on_returns": ("skill on returns", "+,.2f"),
    "r_squared": ("R² on price levels", ".2f"),
    "network_sharpe": ("Sharpe, the network", "+.2f"),
    "constant_sharpe": ("Sharpe, a constant", "+.2f"),
    "mase": ("MASE", ".3f"),
    "directional_accuracy": ("direction right", ".1%"),
    "directional_accuracy_later": ("direction right one session later", ".1%"),
    "three_way_accuracy": ("up, down or unchanged right", ".1%"),
    "skill_traded": ("skill, traded", "+.3f"),
    "mase_traded": ("MASE, traded", ".3f"),
    "directional_accuracy_traded": ("direction right, traded", ".1%"),
    "three_way_accuracy_traded": ("up, down or unchanged right, traded", ".1%"),
    "excess_over_holding": ("net, against the same exposure", "+.1%"),
    "excess_over_holding_later": ("net, one session later", "+.1%"),
    "gross_excess": ("gross, against the same exposure", "+.1%"),
    "gross_excess_later": ("gross, one session later", "+.1%"),
    "fragile": ("more than half gone", ""),
    "break_even_bps": ("break-even cost per side, bps", "+.0f"),
    "start_day_excess": ("over cash, mean of start days", "+.1%"),
    "start_worst": ("worst start", "+.1%"),
    "start_best": ("best start", "+.1%"),
    "year_traded": ("year", "d"),
    "capital_kes": ("capital, KES", ",.0f"),
    "fill_share": ("orders filled", ".0%"),
    "excess_over_cash": ("over cash per year", "+.1%"),
    "n_forecasts": ("forecasts", ",d"),
    "n_equal": ("equal to the bit", ",d"),
    "price_hat": ("forecast, KES", ",.2f"),
    "y_hat": ("forecast log return", "+.2%"),
    "v1": ("v1", ".4f"),
    "v2": ("v2", ".4f"),
    "persistence": ("persistence", ".4f"),
}


@dataclass(frozen=True, repr=False)
class Html:
    """A piece of HTML that JupyterLab and nbconvert both show."""

    html: str

    def __repr__(self) -> str:
        """Return a short text, as for the log of a build."""
        # A figure's numbers are for the page.
        text = html.unescape(TAG.sub(" ", self.html.split("<details")[0]))
        words = " ".join(text.split()) or "figure"
        return words if len(words) <= SHORT else f"{words[:SHORT]}…"

    def _repr_html_(self) -> str:
        return self.html


def show_table(
    table: pd.DataFrame, *, caption: str = "", max_rows: int | None = None
) -> Html:
    """Show a table with its numbers formatted and its text escaped.

    Parameters
    ----------
    table : DataFrame
        Index not shown. Headings and formats are those of ``COLUMNS``; a column not in
        it is shown with spaces for underscores. A missing value is a dash, a table
        without rows says "none".
    caption : str
        One line above the table.
    max_rows : int, optional
        Rows shown; a note below counts the others.

    Examples
    --------
    >>> table = pd.DataFrame({"ticker": ["<b>"], "net_return": [0.125]})
    >>> shown = show_table(table).html
    >>> "&lt;b&gt;" in shown, "+12.5%" in shown, "net return" in shown
    (True, True, True)
    """
    shown = table.head(max_rows) if max_rows else table
    stacked = shown.shape[1] >= STACKED[0] and len(shown) <= STACKED[1]
    columns = [
        _column(str(name), shown.iloc[:, n], stacked) for n, name in enumerate(shown)
    ]
    nothing = f'<tr><td colspan="{max(len(columns), 1)}">none</td></tr>'
    rows = zip(*(column.cells for column in columns), strict=True)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    head = "".join(column.head for column in columns)
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    left_out = len(table) - len(shown)
    rest = f'<p class="note">{left_out} more rows not shown.</p>' if left_out else ""
    names = ", ".join(_heading(str(name))[0] for name in shown)
    label = html.escape(caption or names, quote=True)
    kind = ' class="stack"' if stacked else ""
    # A table wider than a phone scrolls; the keyboard must reach it.
    return Html(
        f'<div class="table" tabindex="0" role="region" aria-label="{label}">'
        f"<table{kind}>{title}<thead><tr>{head}</tr></thead>"
        f"<tbody>{body or nothing}</tbody></table></div>{rest}"
    )


def picture(figure: Figure, *, alt: str) -> Html:
    """Show a figure as one self-contained vector image, with a table of its numbers.

    Parameters
    ----------
    figure : Figure
        With ``canvas.put_numbers``; closed here. Of a long table rows at even steps are
        shown, with the first and the last one.
    alt : str
        Alternative text: what is drawn. The reading that ``put_numbers`` keeps is
        added to it.
    """
    stream = io.BytesIO()
    # Fixed identifiers and no date: the same table gives the same bytes.
    with plt.rc_context({"svg.hashsalt": "nse-lstm", "svg.fonttype": "path"}):
        figure.savefig(
            stream, format="svg", metadata={"Date": None}, bbox_inches="tight"
        )
    numbers = _numbers(numbers_of(figure))
    alt = typeset_minus(f"{alt} {reading_of(figure)}".strip())
    plt.close(figure)
    data = base64.b64encode(stream.getvalue()).decode()
    kind = "picture whole" if figure.get_figwidth() <= NARROW else "picture"
    return Html(
        f'<figure><div class="{kind}" tabindex="0" role="group" '
        f'aria-label="Figure"><img alt="{html.escape(alt, quote=True)}" '
        f'src="data:image/svg+xml;base64,{data}"></div>'
        f'<details class="numbers"><summary>The numbers</summary>{numbers}'
        "</details></figure>"
    )


def _numbers(table: pd.DataFrame) -> str:
    n = len(table)
    rows = np.linspace(0, n - 1, min(n, MOST_ROWS)).round().astype(int)
    note = f"{len(rows)} of {n:,} rows, at even steps." if len(rows) < n else ""
    return show_table(table.iloc[rows], caption=note).html


def sentence(text: str, *, tone: str = "plain") -> Html:
    """Show one finding in words.

    Parameters
    ----------
    text : str
        Words between backticks are shown as code.
    tone : str
        plain, yes, no or undecided; sets the colour.
    """
    return Html(f'<p class="finding {html.escape(tone)}">{_escaped(text)}</p>')


def bullets(*sentences: str) -> Html:
    """Show findings as a list, one sentence or two each."""
    items = "".join(f"<li>{_escaped(text)}</li>" for text in sentences)
    return Html(f"<ul>{items}</ul>")


def _escaped(text: str) -> str:
    """Escape text for HTML; words between backticks become code."""
    return CODE.sub(r"<code>\1</code>", html.escape(text))


def _heading(column: str) -> tuple[str, str]:
    return COLUMNS.get(column, (column.replace("_", " "), ""))


@dataclass(frozen=True)
class _Column:
    head: str
    cells: list[str]


def _column(name: str, values: "pd.Series[Any]", stacked: bool) -> _Column:
    """Write a column, aligned to the right if every value is a number.

    The cells of a stacked table repeat their heading for a phone.
    """
    heading, specification = _heading(name)
    texts = [_text(value, name, specification) for value in values]
    numbers = [bool(NUMERIC.fullmatch(text)) for text in texts]
    missing = [text == DASH for text in texts]
    right = any(numbers) and all(map(operator.or_, numbers, missing))
    kind = "number measured" if right and name in MEASURED else "number"
    attribute = f' class="{kind}"' if right else ""
    label = f' data-label="{html.escape(heading)}"' if stacked else ""
    cells = [
        f"<td{label}{attribute or _kind(text)}>{_breakable(html.escape(text))}</td>"
        for text in texts
    ]
    side = ' class="number"' if right else ""
    return _Column(f'<th scope="col"{side}>{html.escape(heading)}</th>', cells)


def _text(value: object, name: str, specification: str) -> str:
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return DASH
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    if isinstance(value, int | float):
        return _number(value, specification)
    text = typeset_minus(str(value))
    return NAMES.get(text, text) if name in OF_MODELS else text


def _kind(text: str) -> str:
    if len(text) > LONG:
        return ' class="long"'
    if len(text) > SHORTEST and " " not in text:
        return ' class="name"'
    return ' class="short"' if len(text) <= SHORTEST and " " in text else ""


def _breakable(text: str) -> str:
    """Let long names break at underscores."""
    return UNDERSCORE.sub("_<wbr>", text) if len(text) > SHORTEST else text


def _number(value: float, specification: str) -> str:
    if not specification:
        specification = ",d" if isinstance(value, int) else ".4g"
    text = format(value, specification)
    # What rounds to nothing has no sign.
    if not text.strip("+-0.,%"):
        text = text.lstrip("+-")
    return text.replace("-", MINUS)
