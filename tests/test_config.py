from pathlib import Path

import pytest
from support.places import ROOT

from nse_lstm.config import (
    configuration_hash,
    load_study,
    read_defaults,
    study_document,
)
from nse_lstm.errors import ConfigurationError

MARKET = '[markets.simulated]\nlabel = "Made up"\nsimulated = true\n'


def write(folder: Path, text: str, name: str = "study.toml") -> Path:
    path = folder / name
    path.write_text(MARKET + text)
    return path


def test_the_shipped_studies_load_for_both_markets() -> None:
    for name in ("study.toml", "study.quick.toml", "study.full.toml"):
        for market in ("simulated", "nse"):
            assert load_study(ROOT / name, market).market.name == market


def test_the_quick_study_differs_from_the_study_in_scale_only() -> None:
    full = study_document(load_study(ROOT / "study.toml"))
    quick = study_document(load_study(ROOT / "study.quick.toml"))
    different = {
        f"{section}.{key}"
        for section, values in full.items()
        if isinstance(values, dict)
        for key, value in values.items()
        if quick[section][key] != value
    }
    assert different <= {
        "simulation.first_year",
        "simulation.last_year",
        "simulation.n_ordinary",
        "universe.n_recommended",
        "universe.min_sessions",
        "folds.n_walk_forward",
        "tabular.first_year",
        "v1.max_windows",
        "v1.max_epochs",
        "v2.lookback",
        "rank_lstm.max_epochs",
        "stock_lstm.n_members",
        "stock_lstm.pool_epochs",
        "stock_lstm.max_epochs",
        "training.max_epochs",
        "verdict.bootstrap_reps",
        "claims.bootstrap_reps",
    }


def test_the_whole_study_has_six_years_and_three_networks() -> None:
    whole = load_study(ROOT / "study.full.toml")
    assert (whole.folds.n_walk_forward, whole.rank_lstm.n_seeds) == (6, 3)
    assert load_study(ROOT / "study.toml").rank_lstm.n_seeds == 1


def test_a_study_file_names_the_market_and_folder_that_are_meant(
    tmp_path: Path,
) -> None:
    other = '[markets.mine]\nlabel = "Mine"\nraw = "prices"\n'
    plain = load_study(write(tmp_path, other), "mine")
    # The default stands above the tables.
    path = tmp_path / "named.toml"
    path.write_text('default_market = "mine"\n' + MARKET + other)
    assert load_study(path).market.name == "mine"
    assert load_study(path, "simulated").market.name == "simulated"
    assert read_defaults(path).raw == {"mine": "prices"}
    assert configuration_hash(load_study(path)) == configuration_hash(plain)
    assert read_defaults(ROOT / "study.quick.toml").market == "simulated"


def test_budgets_beside_the_study_are_no_part_of_it(tmp_path: Path) -> None:
    plain = load_study(write(tmp_path, ""))
    text = "[ablation]\nn_seeds = 3\n[search]\nn_trials = 3\n"
    other = load_study(write(tmp_path, text, "other.toml"))
    assert (other.ablation.n_seeds, other.search.n_trials) == (3, 3)
    assert configuration_hash(other) == configuration_hash(plain)
    with pytest.raises(ConfigurationError, match=r"ablation\.n_seeds"):
        load_study(write(tmp_path, "[ablation]\nn_seeds = 1\n", "one.toml"))


def test_overrides_reach_the_study_and_zero_keeps_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    assert load_study(path, test_year=2021, seed=7).test_year == 2021
    assert load_study(path, test_year=2021, seed=7).seed == 7
    assert load_study(path).seed == 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[v2]\nlokback = 60\n", "v2.lokback"),
        ("[v2]\nlookback = 0\n", "v2.lookback"),
        ("[training]\nlearning_rate = -1.0\n", "training.learning_rate"),
        ('[training]\nengine = "spark"\n', "training.engine"),
        ('[training]\nengine = "dask"\nstore = "/shared"\n', "`scheduler`"),
        ("[dealing]\nheadline_cost_bps = 67\n", "headline_cost_bps"),
        ("[simulation]\nfirst_year = 2024\nlast_year = 2020\n", "first_year"),
        ('[verdict]\nrule = "luck"\n', "verdict.rule"),
        ("[folds\n", "is not TOML"),
    ],
)
def test_a_wrong_study_is_refused_and_the_wrong_key_named(
    tmp_path: Path, text: str, named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named.replace(".", r"\.")):
        load_study(write(tmp_path, text))


def test_an_unknown_market_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="one of simulated in"):
        load_study(write(tmp_path, ""), "moon")
    with pytest.raises(ConfigurationError, match="No study file"):
        load_study(tmp_path / "absent.toml")


def test_the_review_of_new_files_changes_no_hash(tmp_path: Path) -> None:
    plain = configuration_hash(load_study(write(tmp_path, "")))
    lenient = write(tmp_path, "[review]\nmax_new_jumps = 3\n")
    assert configuration_hash(load_study(lenient)) == plain


def test_the_hash_follows_every_number_but_not_who_fits(
    tmp_path: Path,
) -> None:
    plain = configuration_hash(load_study(write(tmp_path, "")))
    workers = write(tmp_path, "[training]\nworkers = 2\n")
    assert configuration_hash(load_study(workers)) == plain
    where = 'engine = "dask"\nscheduler = "tcp://10.0.0.1:8786"\nstore = "/shared"\n'
    cluster = write(tmp_path, f"[training]\n{where}")
    assert configuration_hash(load_study(cluster)) == plain
    dropout = write(tmp_path, "[v2]\ndropout = 0.31\n")
    assert configuration_hash(load_study(dropout)) != plain
    assert configuration_hash(load_study(write(tmp_path, ""), seed=2)) != plain


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("markets = 3\n", "one table per market"),
        ('[markets]\nsimulated = "x"\n', "one table per market"),
        ("base = 3\n", "`base` must name a file"),
        ('base = "study.toml"\n', "its own `base`"),
        ('base = "."\n', "is not TOML"),
    ],
)
def test_a_file_of_another_shape_is_refused_in_words(
    tmp_path: Path, text: str, named: str
) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=named):
        load_study(path)


def test_an_infinite_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"training\.learning_rate"):
        load_study(write(tmp_path, "[training]\nlearning_rate = inf\n"))


def test_settings_below_a_market_are_its_own(tmp_path: Path) -> None:
    text = """
    [backtest]
    cash_rate = 0.08
    limit = 0.095
    [markets.nse]
    label = "NSE"
    [markets.mine]
    label = "Mine"
    [markets.mine.backtest]
    limit = 0
    indices = ["^IDX"]
    [markets.mine.cross_section]
    ticks = 0.05
    """
    (tmp_path / "study.toml").write_text(text)
    mine, nse = (load_study(tmp_path / "study.toml", m) for m in ("mine", "nse"))
    assert (mine.backtest.limit, mine.backtest.indices) == (0, ("^IDX",))
    assert (mine.backtest.order_limit, nse.backtest.order_limit) == (
        float("inf"),
        0.095,
    )
    assert (mine.cross_section.ticks, nse.cross_section.ticks) == (0.05, "nse")
    assert mine.backtest.cash_rate == nse.backtest.cash_rate == 0.08
    assert mine.market.label == "Mine"
    assert configuration_hash(mine) != configuration_hash(nse)
    (tmp_path / "wrong.toml").write_text('[markets.a]\nlabel = "A"\n[markets.a.cost]\n')
    with pytest.raises(ConfigurationError, match=r"market\.cost"):
        load_study(tmp_path / "wrong.toml", "a")
