"""A home folder whose settings of other tools would change numbers and pages.

`make verify` does its second build under one: equal bytes show that nothing of a
user's own settings reaches a build.
"""

from pathlib import Path

from nse_lstm.json_files import to_json
from nse_lstm.paths import write_text

FILES = {
    ".keras/keras.json": to_json(
        {"floatx": "float64", "epsilon": 0.01, "image_data_format": "channels_first"}
    ),
    ".config/matplotlib/matplotlibrc": (
        "text.usetex: True\nfont.size: 31\nlines.linewidth: 9\nsvg.fonttype: none\n"
        "savefig.dpi: 7\naxes.facecolor: black\n"
    ),
    ".ipython/profile_default/ipython_kernel_config.py": (
        'c = get_config()\nc.InteractiveShell.ast_node_interactivity = "all"\n'
        'c.InlineBackend.figure_formats = {"jpeg"}\n'
    ),
    ".ipython/profile_default/startup/00.py": (
        "import pandas as pd\npd.options.display.max_rows = 1\n"
        "import numpy as np\nnp.random.seed(1)\n"
    ),
    ".jupyter/jupyter_nbconvert_config.py": (
        "c = get_config()\nc.TemplateExporter.exclude_input = False\n"
    ),
    ".local/share/jupyter/kernels/python3/kernel.json": to_json(
        {"argv": ["false"], "display_name": "none", "language": "python"}
    ),
}
"""Text of each settings file, by its path in the home folder."""

VARIABLES = {
    "KERAS_HOME": ".keras",
    "MPLCONFIGDIR": ".config/matplotlib",
    "MATPLOTLIBRC": ".config/matplotlib/matplotlibrc",
    "IPYTHONDIR": ".ipython",
    "JUPYTER_CONFIG_DIR": ".jupyter",
    "JUPYTER_PATH": ".local/share/jupyter",
}
"""Variables that lead a tool to a path below the home folder."""

VALUES = {
    "KERAS_MAX_EPOCHS": "1",
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "MPLBACKEND": "pdf",
    "NPY_PROMOTION_STATE": "legacy",
    "OMP_NUM_THREADS": "3",
    "PYTHONWARNINGS": "error",
    "SOURCE_DATE_EPOCH": "1",
    "COLUMNS": "20",
    "MARKET": "nowhere",
    "RAW": "nowhere",
    "TEST_YEAR": "1",
}
"""Variables with a value of their own."""


def make_hostile_home(folder: Path) -> dict[str, str]:
    """Write the settings files, and return the environment that leads to them.

    Parameters
    ----------
    folder : Path
        Becomes the home folder.

    Returns
    -------
    dict of str to str
        Value by variable.
    """
    for name, text in FILES.items():
        write_text(folder / name, text)
    places = {name: str(folder.resolve() / part) for name, part in VARIABLES.items()}
    return {"HOME": str(folder.resolve()), **places, **VALUES}
