"""Shared parts of all verbs: the study's options, answers, exit codes."""

import inspect
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from nse_lstm.study.core.workspace import Workspace


EXIT_CODES = (
    "Exit codes: 0 done; 1 the answer is no (an alarm, a difference, a failed check), "
    "or an error that a line on stderr explains; 2 the command line cannot be read. "
    "With --json the answer alone is on stdout, all else on stderr."
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog=EXIT_CODES,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"nse-lstm {version('nse-lstm')}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and exit.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Forecast prices of the Nairobi Securities Exchange, and judge the forecasts."""


AsJson = Annotated[
    bool, typer.Option("--json", help="Print the answer as JSON, and nothing else.")
]


@dataclass(frozen=True)
class Identity:
    """Identify a study: the options of every verb that works on one."""

    root: Annotated[
        str, typer.Option(help="Folder of the artefacts; the project if empty.")
    ] = ""
    study: Annotated[str, typer.Option(help="Study file.")] = "study.toml"
    market: Annotated[
        str,
        typer.Option(help="A market of the study file. Default: its default_market."),
    ] = ""
    raw: Annotated[
        str,
        typer.Option(help="Folder of the source files. Default: the study file's."),
    ] = ""
    test_year: Annotated[
        int, typer.Option(help="0: the last year with at least 200 sessions.")
    ] = 0
    seed: Annotated[int, typer.Option(help="0: the study file's.")] = 0

    def open(self) -> "Workspace":
        """Open the study."""
        from nse_lstm.study.core.workspace import open_workspace

        return open_workspace(**asdict(self))


@dataclass(frozen=True)
class Answer:
    """Answer of a verb: a table, further lines and the exit code."""

    table: "pd.DataFrame"
    lines: Sequence[str] = ()
    code: int = 0
    max_rows: int = 200
    """Rows in the text. JSON has all of them."""

    def text(self) -> str:
        """Format the answer as text, without a table that has no rows."""
        shown = self.table.head(self.max_rows).copy()
        for name in shown.select_dtypes(["str", "object"]).columns:
            # Words are aligned left, numbers right.
            words = [str(name), *shown[name].map(_word)]
            width = max(map(len, words))
            shown[name] = [word.ljust(width) for word in words[1:]]
            shown = shown.rename(columns={name: str(name).ljust(width)})
        table = shown.to_string(index=False).splitlines() if len(shown) else []
        if left_out := len(self.table) - len(shown):
            table.append(f"… and {left_out} rows more; --json has them all")
        return "\n".join([*(line.rstrip() for line in table), *self.lines])

    def json(self) -> str:
        """Format the answer as JSON: ``rows``, ``lines`` and ``exit_code``.

        Times are in ISO 8601. Missing and undefined values are null.
        """
        rows = self.table.to_json(
            orient="records", date_format="iso", double_precision=15
        )
        document = {
            "rows": json.loads(rows),
            "lines": list(self.lines),
            "exit_code": self.code,
        }
        return json.dumps(document, indent=1, ensure_ascii=False)


def verb(
    *, name: str = "", hidden: bool = False, study: bool = True
) -> Callable[[Callable[..., Answer | None]], None]:
    """Register a function as a verb of the command line.

    A function that returns an ``Answer`` gets the option ``--json``.

    Parameters
    ----------
    name : str
        The verb, where a function cannot have its name.
    hidden : bool
        Leave the verb out of the help.
    study : bool
        Whether the first parameter is an ``Identity``, whose options the verb gets.
    """
    shared = inspect.signature(Identity).parameters.values() if study else ()
    names = [field.name for field in fields(Identity)] if study else []

    def register(function: Callable[..., Answer | None]) -> None:
        signature = inspect.signature(function)
        own = list(signature.parameters.values())[len(names) > 0 :]
        answers = signature.return_annotation is Answer

        @wraps(function)
        def call(**given: Any) -> None:
            as_json = given.pop("as_json", False)
            first = [Identity(**{name: given.pop(name) for name in names})] * study
            if not as_json:
                _end(function(*first, **given), Answer.text)
                return
            with redirect_stdout(sys.stderr):
                answer = function(*first, **given)
            _end(answer, Answer.json)

        keyword = inspect.Parameter.KEYWORD_ONLY
        extra = [_as_json()] if answers else []
        parameters = [each.replace(kind=keyword) for each in (*own, *extra, *shared)]
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {each.name: each.annotation for each in parameters}
        app.command(name or None, hidden=hidden, epilog=EXIT_CODES)(call)

    return register


def _word(value: Any) -> str:
    if value is None or value != value:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _as_json() -> inspect.Parameter:
    return inspect.Parameter(
        "as_json", inspect.Parameter.KEYWORD_ONLY, annotation=AsJson, default=False
    )


def _end(answer: Answer | None, form: Callable[[Answer], str]) -> None:
    """Print an answer and exit with its code."""
    if answer is not None:
        typer.echo(form(answer))
        raise typer.Exit(code=answer.code)
