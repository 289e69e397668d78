"""nbformat, imported without a grammar that no notebook needs.

Its validator, jsonschema, builds a grammar of international web addresses on import.
That is 1.5 of 2 s of processor in each of a build's two dozen processes. No rule of the
notebooks' schema uses it.
"""

import sys

GRAMMAR = "rfc3987_syntax"

_apart = GRAMMAR not in sys.modules
if _apart:
    # Python's own mark for "cannot be imported", which jsonschema expects.
    sys.modules[GRAMMAR] = None  # type: ignore[assignment]
import nbformat  # noqa: E402

if _apart:
    del sys.modules[GRAMMAR]

__all__ = ["nbformat"]
