"""The way into the registry: NumPy and Keras have to agree on a new network.

Keras writes a trained network, and NumPy applies it in service.
"""

from nse_lstm.deployment.promoted_bundles import is_kept
from nse_lstm.deployment.registry import promote
from nse_lstm.deployment.registry_entry import SELECTION, RegistryEntry
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.promotion_case import ModelProposal


def promote_checked(
    workspace: Workspace,
    proposal: ModelProposal,
    *,
    stage: str,
    evidence: str,
    why: str,
    way: str = SELECTION,
    replaces: str | None = None,
) -> RegistryEntry:
    """Promote a model after NumPy and Keras agree on its forecasts.

    TensorFlow is started only for a bundle without a copy in the registry.

    Parameters
    ----------
    workspace : Workspace
        The study.
    proposal : ModelProposal
        The model.
    stage, evidence, why, way, replaces
        As for ``registry.promote``.

    Raises
    ------
    ArtefactError
        If they disagree, or as ``registry.promote``.
    ConfigurationError
        As ``registry.promote``.
    """
    registry, folder = workspace.paths.registry, workspace.paths.models
    if proposal.bundle and not is_kept(registry, folder / proposal.bundle):
        from nse_lstm.models.keras_agreement import require_keras_agreement

        require_keras_agreement(folder / proposal.bundle)
    return promote(
        registry,
        ticker=proposal.ticker,
        stage=stage,
        model=proposal.model,
        version=proposal.version,
        bundle=proposal.bundle,
        evidence=evidence,
        why=why,
        way=way,
        replaces=replaces,
    )
