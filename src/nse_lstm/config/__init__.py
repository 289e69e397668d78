"""Study settings: a tree of frozen, validated dataclasses, read from a TOML file.

A study file may name a ``base`` file and override parts of it, as ``study.quick.toml``
does. Everything that can change a number is in the tree. Its hash, with those of data
and code, names every artefact.
"""

from nse_lstm.config.loading import (
    StudyDefaults,
    configuration_hash,
    load_study,
    override_study,
    read_defaults,
    study_document,
)
from nse_lstm.config.settings import (
    V1,
    V2,
    Ablation,
    Backtest,
    Claim,
    Claims,
    CrossSection,
    Deployment,
    Folds,
    Market,
    Portfolio,
    RankLstm,
    Review,
    Search,
    Simulation,
    StockLstm,
    Study,
    Tabular,
    Ticks,
    Training,
    Universe,
    Verdict,
)

__all__ = [
    "V1",
    "V2",
    "Ablation",
    "Backtest",
    "Claim",
    "Claims",
    "CrossSection",
    "Deployment",
    "Folds",
    "Market",
    "Portfolio",
    "RankLstm",
    "Review",
    "Search",
    "Simulation",
    "StockLstm",
    "Study",
    "StudyDefaults",
    "Tabular",
    "Ticks",
    "Training",
    "Universe",
    "Verdict",
    "configuration_hash",
    "load_study",
    "override_study",
    "read_defaults",
    "study_document",
]
