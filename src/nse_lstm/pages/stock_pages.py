"""Execute `90_stock` for each recommended stock, two at a time.

The stocks are known only after Phase 1, so Make asks for all of them at once. A stock
whose executed notebook is newer than its inputs is not executed again.
"""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from nse_lstm.paths import Paths
from nse_lstm.study.core.verdict import read_verdict
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.tools.execute_notebook import execute_notebook

WORKERS = 2
"""Each runs one kernel; more would only wait on a small machine."""


def make_stock_pages(
    workspace: Workspace,
    source: Path,
    *,
    parameters: dict[str, Any],
    progress: Callable[[str], None] = print,
) -> list[str]:
    """Execute and render the page of every recommended stock.

    Pages are ``stocks/<TICKER>.html`` among the reports. Pages of stocks that are no
    longer recommended are removed.

    Parameters
    ----------
    workspace : Workspace
    source : Path
        The notebook; its parameter ``ticker`` is added here.
    parameters : dict
        The study's identity.
    progress : callable
        Receives one line per finished page.

    Returns
    -------
    list of str
        The tickers, in the order of their rank.

    Raises
    ------
    StudyError
        If a cell fails; the other stocks' pages are kept.
    """
    # Imported here: the processes that make the pages import this module, not that one.
    from nse_lstm.pages.stock_page import stocks_with_page

    names = stocks_with_page(workspace)
    _remove_others(workspace.paths, names)
    if not names:
        progress("No recommended stock is forecast in the test year: no stock's page")
        return []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(WORKERS, len(names)), mp_context=context) as pool:
        futures = [
            pool.submit(_make_page, workspace, source, parameters, ticker)
            for ticker in names
        ]
        for n, future in enumerate(as_completed(futures), start=1):
            progress(f"[{n}/{len(names)}] {future.result()}")
    return names


def _make_page(
    workspace: Workspace, source: Path, parameters: dict[str, Any], ticker: str
) -> str:
    """Execute one stock's notebook, unless it is fresh, and render it."""
    from nse_lstm.reporting.pages import render_notebook

    executed = workspace.paths.build / "stocks" / f"{ticker}.ipynb"
    fresh = _is_fresh(executed, [source, *_inputs(workspace.paths)])
    if not fresh:
        execute_notebook(
            source,
            executed,
            workspace=workspace,
            parameters=parameters | {"ticker": ticker},
            quiet=True,
        )
    target = workspace.paths.reports / "stocks" / f"{ticker}.html"
    render_notebook(
        executed, target, verdict=read_verdict(workspace), base="../", title=ticker
    )
    return f"{ticker}: {'kept' if fresh else 'executed'}"


def _inputs(paths: Paths) -> Iterator[Path]:
    """Yield the inputs of a stock's page: Phase 4's last table and the library."""
    yield paths.evaluation / "verdict.json"
    yield paths.v2 / "run.json"
    yield from Path(__file__).resolve().parents[1].rglob("*.py")


def _is_fresh(target: Path, inputs: list[Path]) -> bool:
    if not target.is_file():
        return False
    made = target.stat().st_mtime
    return all(path.is_file() and path.stat().st_mtime <= made for path in inputs)


def _remove_others(paths: Paths, names: list[str]) -> None:
    for folder, ending in ((paths.reports, "html"), (paths.build, "ipynb")):
        for path in (folder / "stocks").glob(f"*.{ending}"):
            if path.stem not in names:
                path.unlink()
