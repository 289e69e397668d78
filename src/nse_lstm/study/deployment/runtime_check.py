"""The way into the registry: a network that never stood there is tried both ways first.

What serves is applied by NumPy; what was trained is written by Keras. A network on
which the two disagree does not enter.
"""

from typing import Any

from nse_lstm.deployment.promoted_bundles import is_kept
from nse_lstm.deployment.registry import promote
from nse_lstm.deployment.registry_entry import RegistryEntry
from nse_lstm.study.core.workspace import Workspace


def promote_checked(
    workspace: Workspace, *, bundle: str, **promotion: Any
) -> RegistryEntry:
    """Promote a model, once NumPy and Keras agree on it.

    TensorFlow is started only for a bundle that the registry has no copy of yet.

    Parameters
    ----------
    bundle : str
        Relative to the models' folder; empty for persistence.
    **promotion
        As for ``registry.promote``.

    Raises
    ------
    ArtefactError
        If they do not, or as ``registry.promote``.
    ConfigurationError
        As ``registry.promote``.
    """
    folder = workspace.paths.models / bundle
    if bundle and not is_kept(workspace.paths.registry, folder):
        from nse_lstm.models.equality import require_equal_runtimes

        require_equal_runtimes(folder)
    return promote(workspace.paths.registry, bundle=bundle, **promotion)
