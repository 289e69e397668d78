"""`nse-lstm <verb>`: the Makefile's verbs, for use outside it.

Nothing heavy is imported before a verb needs it.
"""

import sys

# Importing a module registers its verbs.
from nse_lstm.cli import deployment, make, study, tools  # noqa: F401
from nse_lstm.cli.verbs import app
from nse_lstm.errors import StudyError

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; errors meant for the user come without a traceback."""
    try:
        app()
    except StudyError as error:
        print(f"nse-lstm: {error}", file=sys.stderr)
        sys.exit(1)
