"""Pages of plain values and tables that stand beside the phases."""

from collections.abc import Mapping
from typing import Any

from nse_lstm.reporting.display import show_table
from nse_lstm.reporting.pages import environment, wrap_page

__all__ = ["render_card"]


def render_card(
    name: str, values: Mapping[str, Any], *, metadata: Mapping[str, Any]
) -> str:
    """Return a page made of its own template, ``<name>.html.j2``.

    Parameters
    ----------
    name : str
        Of a template that ``table`` makes a table of a DataFrame in.
    values : mapping
        What the template names.
    metadata : mapping
        See ``wrap_page``.
    """
    template = environment().get_template(f"{name}.html.j2")
    body = template.render(table=show_table, **values)
    return wrap_page(body, name=name, metadata=metadata)
