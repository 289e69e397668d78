"""Keep the user's own settings of other tools out of a build.

A configuration file in the home folder or an environment variable of Keras, Matplotlib,
Jupyter or a numerical library can change numbers, figures or pages. The command line
therefore starts every process with empty settings folders of the project's own.
"""

import os
import sys
import tempfile
import warnings
from collections.abc import MutableMapping
from pathlib import Path

from nse_lstm.errors import ConfigurationError
from nse_lstm.paths import find_root

FOREIGN = (
    *("KERAS_", "TF_", "XLA_", "ONEDNN_", "DNNL_"),
    *("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "BLIS_", "VECLIB_"),
    *("NPY_", "SCIPY_", "SKLEARN_", "NUMBA_", "NUMEXPR_", "PANDAS_"),
    *("MPL", "MATPLOTLIB", "JUPYTER_", "IPYTHON", "PAPERMILL_"),
    *("PYTHONWARNINGS", "PYTHONSTARTUP", "PYTHONOPTIMIZE", "PYTHONINSPECT"),
    *("PYTHONIOENCODING", "SOURCE_DATE_EPOCH", "COLUMNS", "LINES"),
)
"""Beginnings of the environment variables that no process of a build inherits."""

FOLDERS = {
    "KERAS_HOME": "keras",
    "MPLCONFIGDIR": "matplotlib",
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "jupyter/config",
    "JUPYTER_DATA_DIR": "jupyter/data",
}
"""Where a tool looks for settings, and the folder below ours that it gets instead."""


def isolate(environment: MutableMapping[str, str], folder: Path) -> None:
    """Remove other tools' variables and point the tools to empty settings folders.

    Call it before any of these tools is imported.

    Parameters
    ----------
    environment : mutable mapping
        Changed in place; ``os.environ`` for this process and all that it starts.
    folder : Path
        Holds the settings folders.

    Examples
    --------
    >>> environment = {"KERAS_MAX_EPOCHS": "1", "PATH": "/bin"}
    >>> isolate(environment, Path("settings"))
    >>> environment["PATH"], environment["KERAS_HOME"]
    ('/bin', 'settings/keras')
    >>> "KERAS_MAX_EPOCHS" in environment
    False
    """
    for name in [name for name in environment if name.startswith(FOREIGN)]:
        del environment[name]
    for name, part in FOLDERS.items():
        environment[name] = str(folder / part)
    environment["TF_CPP_MIN_LOG_LEVEL"] = "3"


def isolate_process() -> None:
    """Isolate this process and all that it starts, in folders below ``build/``.

    The folders are made, since a tool that misses its own says so. A project that
    cannot be written has them among the temporary files.
    """
    try:
        folder = find_root() / "build" / "settings"
        _make_folders(folder)
    except (ConfigurationError, OSError):
        folder = Path(tempfile.gettempdir()) / f"nse-lstm-settings-{os.getuid()}"
        _make_folders(folder)
    if "PYTHONWARNINGS" in os.environ:
        _restore_warnings()
    isolate(os.environ, folder)


def _make_folders(folder: Path) -> None:
    for part in FOLDERS.values():
        (folder / part).mkdir(parents=True, exist_ok=True)


def _restore_warnings() -> None:
    """Filter warnings as Python does by itself; the variable was read at its start."""
    sys.warnoptions.clear()
    warnings.resetwarnings()
    for category in (ImportWarning, ResourceWarning, PendingDeprecationWarning):
        warnings.simplefilter("ignore", category)
    warnings.simplefilter("ignore", DeprecationWarning)
