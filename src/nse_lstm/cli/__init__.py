"""`nse-lstm <verb>`: the Makefile's verbs, for use outside it.

Nothing heavy is imported before a verb needs it.
"""

import sys

# Importing a module registers its verbs.
from nse_lstm.cli import deployment, exchange, make, study, tools  # noqa: F401
from nse_lstm.cli.isolation import isolate_process
from nse_lstm.cli.system_errors import explain_system_error
from nse_lstm.cli.verbs import app
from nse_lstm.errors import StudyError

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; errors meant for the user come without a traceback."""
    try:
        isolate_process()
        app()
    except StudyError as error:
        line = str(error)
    except OSError as error:
        line = explain_system_error(error)
    print(f"nse-lstm: {line}", file=sys.stderr)
    sys.exit(1)
