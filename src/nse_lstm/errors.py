"""Exceptions of the project: messages state expectation, received value and place."""


class StudyError(Exception):
    """Base of all errors raised on purpose, with a message for the user."""


class ConfigurationError(StudyError):
    """A study file or parameter that cannot be used."""


class DataError(StudyError):
    """A source file that cannot be trusted.

    Parameters
    ----------
    message : str
        Expectation and received value.
    file : str, optional
        Name of the source file.
    line : int, optional
        Physical line in that file; the header is line 1.
    """

    def __init__(
        self, message: str, *, file: str | None = None, line: int | None = None
    ) -> None:
        place = ", ".join(
            part
            for part in (file, f"line {line}" if line is not None else None)
            if part
        )
        super().__init__(f"{message} ({place})" if place else message)
        self.file = file
        self.line = line


class TableError(StudyError):
    """A table that breaks its schema in ``tables``."""


class ArtefactError(StudyError):
    """A model, manifest or registry that is missing, stale or altered."""


class FetchError(StudyError):
    """A public data set that could not be downloaded complete and unchanged."""
