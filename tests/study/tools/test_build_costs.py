"""Time and memory by phase, from what executed notebooks say of themselves."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from support.tiny_study import tiny_workspace

from nse_lstm.study.tools.build_costs import cost_lines, peak_memory, phase_costs


def leave(path: Path, seconds: float, peak: float | None) -> None:
    document = nbformat.v4.new_notebook()
    document.metadata["nse_lstm"] = {
        "resources": {"seconds": seconds, "peak_mib": peak}
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(document, path)


def test_phases_are_told_with_their_sum(tmp_path: Path) -> None:
    workspace = tiny_workspace(tmp_path)
    build = workspace.paths.build
    leave(build / "01_a.ipynb", 75.2, 1234.5)
    leave(build / "stocks" / "AAA.ipynb", 4.0, 200.0)
    leave(build / "stocks" / "BBB.ipynb", 6.0, None)
    nbformat.write(nbformat.v4.new_notebook(), build / "02_old.ipynb")
    costs = phase_costs(workspace).set_index("phase")
    assert costs.index.to_list() == ["01_a", "90_stock"]
    assert costs.loc["90_stock"].to_list() == [10.0, 200.0]
    first, *rows, total = cost_lines(workspace).splitlines()
    assert first.startswith("Time and peak memory")
    assert rows[0].split() == ["01_a", "1", "min", "15", "s", "1,234", "MiB"]
    # 75.2 + 4 + 6 s.
    assert total.split() == ["all", "1", "min", "25", "s"]


@pytest.mark.skipif(sys.platform == "win32", reason="no resource module on Windows")
def test_the_memory_of_a_process_that_ended_is_known() -> None:
    hold = "held = bytearray(300 * 2**20); held[::4096] = b'x' * len(held[::4096])"
    subprocess.run([sys.executable, "-c", hold], check=True)
    found = peak_memory()
    assert found is not None and found >= 300
