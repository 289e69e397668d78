"""The service on a study's own registry and panel."""

from functools import partial

from nse_lstm.deployment.databases import store_url
from nse_lstm.deployment.service.snapshot import Source
from nse_lstm.deployment.store import open_store
from nse_lstm.study.core.sealed_year import open_to_serve
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.advice_basis import stored_basis


def service_source(workspace: Workspace) -> Source:
    """Say where a study's forecasts come from: all of its panel, like ``score``."""
    return Source(
        study=workspace.study,
        paths=workspace.paths,
        read_panel=lambda: open_to_serve(workspace),
        store=open_store(store_url(workspace.paths)),
        read_advice=partial(stored_basis, workspace),
    )


def serve(workspace: Workspace, *, host: str, port: int) -> None:
    """Serve forecasts over HTTP until interrupted.

    Parameters
    ----------
    workspace : Workspace
    host : str
        Address to listen on.
    port : int

    Raises
    ------
    ArtefactError, DataError, ConfigurationError
        If registry, models, panel or token do not hold up.
    """
    from nse_lstm.deployment.service.server import run

    run(service_source(workspace), host=host, port=port)
