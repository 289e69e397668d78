"""Declare which artefacts each phase of the study reads and writes.

Make takes the order of the phases from here, and from the imports of their notebooks
what source each one runs. A test executes the notebooks and watches which files they
open. Only the standard library is used: Make asks before anything is installed.
"""

from dataclasses import dataclass

RAW = "data/raw/<market>"
PANEL = "data/processed/<market>"
TRAINED = "trained_models/<market>"

ANALYSIS = f"{TRAINED}/analysis"
NETWORKS = (
    f"{TRAINED}/original_v1",
    f"{TRAINED}/walk_forward_v2",
    f"{TRAINED}/stock_lstm",
)
LEDGER = f"{TRAINED}/ledger"
RANKINGS = (f"{TRAINED}/ranking", f"{TRAINED}/rank_lstm")
STOCK_MODELS = (f"{TRAINED}/stock_specific_v2",)
EVALUATION = f"{TRAINED}/evaluation"
REFITS = (f"{TRAINED}/refit_v2", f"{TRAINED}/refit_stock_lstm")
AUDIT = f"{TRAINED}/audit"
REGISTRY = f"{TRAINED}/registry"
FORECAST_STORE = f"{TRAINED}/store"


@dataclass(frozen=True)
class StudyPhase:
    """One step of the study: what it runs, and the folders it reads and writes."""

    target: str
    """File below ``build/<market>`` that stands for the finished phase."""
    source: str
    """The notebook that is executed, or the module that is run."""
    reads: tuple[str, ...]
    """Folders of other phases, below the root. Its own are not repeated."""
    writes: tuple[str, ...]
    shares: tuple[str, ...] = ()
    """Folders of a later phase, some of whose networks this one fits under a lock."""
    appends: tuple[str, ...] = ()
    """Folders of append-only files, under a lock."""


PHASES = (
    StudyPhase(
        target="01_data_analysis.ipynb",
        source="notebooks/01_data_analysis.ipynb",
        reads=(RAW,),
        writes=(PANEL, ANALYSIS),
    ),
    StudyPhase(
        target="02_architecture.ipynb",
        source="notebooks/02_architecture.ipynb",
        reads=(PANEL, ANALYSIS, f"{TRAINED}/ablation"),
        writes=RANKINGS,
        shares=NETWORKS,
        appends=(LEDGER,),
    ),
    StudyPhase(
        target="03_full_training.ipynb",
        source="notebooks/03_full_training.ipynb",
        reads=(PANEL, ANALYSIS),
        writes=(*NETWORKS, *STOCK_MODELS),
    ),
    StudyPhase(
        target="audited.txt",
        source="study.audit.run",
        reads=(RAW, PANEL, ANALYSIS, *STOCK_MODELS),
        writes=(AUDIT,),
    ),
    StudyPhase(
        target="04_validation.ipynb",
        source="notebooks/04_validation.ipynb",
        reads=(PANEL, ANALYSIS, *NETWORKS, *STOCK_MODELS, *RANKINGS, AUDIT),
        writes=(EVALUATION,),
        appends=(LEDGER,),
    ),
    StudyPhase(
        target="05_deployment.ipynb",
        source="notebooks/05_deployment.ipynb",
        reads=(
            *(PANEL, ANALYSIS, *NETWORKS, *STOCK_MODELS, *RANKINGS),
            *(EVALUATION, AUDIT),
        ),
        writes=(
            *(REGISTRY, FORECAST_STORE, *REFITS, f"{TRAINED}/replay"),
            f"{TRAINED}/latest_ranking",
        ),
        appends=(LEDGER,),
    ),
    StudyPhase(
        target="91_anatomy_of_a_sharpe.ipynb",
        source="notebooks/91_anatomy_of_a_sharpe.ipynb",
        reads=(RAW, PANEL, ANALYSIS, f"{TRAINED}/walk_forward_v2"),
        writes=(f"{TRAINED}/anatomy",),
    ),
    StudyPhase(
        target="92_published_claims.ipynb",
        source="notebooks/92_published_claims.ipynb",
        reads=(PANEL, ANALYSIS),
        writes=(),
    ),
)
"""In the order that they may run in, one after the other."""


def needed_phases(phase: StudyPhase) -> list[StudyPhase]:
    """Return the earlier phases that write what a phase reads, in order."""
    earlier = PHASES[: PHASES.index(phase)]
    return [each for each in earlier if set(each.writes) & set(phase.reads)]
