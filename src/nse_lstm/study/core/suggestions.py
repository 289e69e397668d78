"""Suggest the known word that a misspelt one probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return a question that names the nearest known word, or nothing.

    Parameters
    ----------
    word : object
        As it was given.
    known : iterable of str

    Examples
    --------
    >>> did_you_mean("SCMO", ["KCB", "SCOM"])
    '. Did you mean SCOM?'
    """
    by_lower = {each.lower(): each for each in known}
    near = get_close_matches(str(word).lower(), by_lower, n=1, cutoff=0.5)
    return f". Did you mean {by_lower[near[0]]}?" if near else ""
