"""Defects written without sight of the leak audit, as a careless colleague makes them.

Each is an edit of a few words in one function of the study. The edited text is compiled
into the function itself, so every module, table or partial that holds the function runs
the edit, whatever name it was imported under. A text that is no longer in the source is
an error, so a defect cannot quietly do nothing. Spawned processes do not see a patch:
where a network's fit is concerned (``scaler_of_all_known_prices``) it must be fitted in
the process that holds the patch.

``EFFECTS`` says how much each one changed on a small simulated or made-up market.
"""

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module

from audit_power.defects import Defect


@contextmanager
def _edited(name: str, *changes: tuple[str, str]) -> Iterator[None]:
    """Change the text of a function, ``module:name``, for as long as the block lasts.

    Parameters
    ----------
    name : str
        Module below ``nse_lstm`` and function.
    changes : tuple of str, str
        A text that is in the source once, and what takes its place.
    """
    module_name, _, function_name = name.partition(":")
    module = import_module(f"nse_lstm.{module_name}")
    function = inspect.unwrap(getattr(module, function_name))
    text = textwrap.dedent(inspect.getsource(function))
    for old, new in changes:
        if text.count(old) != 1:
            raise AssertionError(f"{name}: {text.count(old)} times {old!r}")
        text = text.replace(old, new)
    path, before = inspect.getsourcefile(function) or "", function.__code__
    found: dict[str, object] = {}
    exec(compile(text, path, "exec"), vars(module), found)
    made = inspect.unwrap(found[function_name])  # type: ignore[arg-type]
    first = before.co_firstlineno
    function.__code__ = made.__code__.replace(co_firstlineno=first)
    try:
        yield
    finally:
        function.__code__ = before


def _defect(
    name: str,
    description: str,
    where: str,
    *changes: tuple[str, str],
    learner: str = "surrogate",
) -> Defect:
    return Defect(name, description, partial(_edited, where, *changes), learner)


NETWORK = "network"

FEATURES = (
    _defect(
        "usual_move_is_centred",
        "A stock's usual absolute return of 60 sessions is a centred mean, because "
        "that follows the level better; half of it lies ahead.",
        "features.price_indicators:ewm_abs_return",
        (
            "trailing(moves, USUAL_SESSIONS).mean()",
            "moves.rolling(USUAL_SESSIONS, min_periods=30, center=True).mean()",
        ),
    ),
    _defect(
        "market_scaled_by_its_whole_history",
        "The market's return is divided by the standard deviation of all sessions in "
        "the table, because 250 are noisy.",
        "features.market_indicators:market_return",
        (
            "scale = trailing(market, LEVEL_SESSIONS).std() * np.sqrt(n)",
            "scale = market.std() * np.sqrt(n)",
        ),
    ),
    _defect(
        "idle_until_the_next_trade",
        "Sessions since the last trade are counted from the next one: a fill in the "
        "wrong direction.",
        "features.volume_indicators:sessions_since_trade",
        (".ffill()", ".bfill()"),
    ),
    _defect(
        "universe_of_the_month_itself",
        "A month's universe is that of its own last session, because its turnover "
        "belongs to the month.",
        "features.cross_sectional_rank:monthly_universe",
        ("searchsorted(start.start_time)", "searchsorted(start.end_time)"),
    ),
    _defect(
        "dead_codes_are_left_out",
        "The cross-section holds only stocks that still have rows in the table's last "
        "month, because codes that ended clutter it.",
        "features.market_panel:_ordinary_rows",
        (
            '    rows = rows[rows["kind"] == "ordinary"]\n',
            '    rows = rows[rows["kind"] == "ordinary"]\n'
            '    last = rows["ticker"].map(rows.groupby("ticker")["session"].max())\n'
            '    rows = rows[last >= rows["session"].max() - pd.Timedelta(days=30)]\n',
        ),
    ),
    _defect(
        "ranks_standardised_over_the_table",
        "The rank LSTM's inputs are centred and scaled by the mean and deviation of "
        "the table at hand, because the ranks are not quite uniform. The table of a "
        "forecast reaches to the end of its year.",
        "features.sequences:lay_out",
        (
            "    numbers[:, : len(RANKED_FEATURES)] *= SPREAD\n",
            "    ranks = numbers[:, : len(RANKED_FEATURES)]\n"
            "    ranks -= np.nanmean(ranks, axis=0)\n"
            "    ranks /= np.maximum(np.nanstd(ranks, axis=0), 1e-6)\n",
        ),
        learner=NETWORK,
    ),
    _defect(
        "volatility_filled_back",
        "A stock with few returns takes its first known volatility instead of the "
        "constant, which is far off for most stocks.",
        "features.stock_channels:volatility_unit",
        (
            "deviation.clip(lower=LOWEST_SIGMA).fillna(",
            "deviation.clip(lower=LOWEST_SIGMA).bfill().fillna(",
        ),
        learner=NETWORK,
    ),
)

TRAINING = (
    _defect(
        "rank_target_starts_at_the_origin",
        "The ranked return is that from the origin, not from the entry a session "
        "later: the delay is only a label.",
        "features.targets:_log_return",
        (
            "entry, target = wide.adjusted.shift(-delay), wide",
            "entry, target = wide.adjusted, wide",
        ),
    ),
    _defect(
        "window_known_at_its_origin",
        "A window may train if its origin lies before the fold; the last target is "
        "the fold's first session.",
        "features.windows:split_fold",
        (
            "before = np.flatnonzero(windows.target_date < _date(fold.start))",
            "before = np.flatnonzero(windows.origin < _date(fold.start))",
        ),
    ),
    _defect(
        "validation_spread_over_the_years",
        "Every seventh window validates, so that all regimes are represented; its "
        "neighbours train.",
        "features.windows:split_fold",
        (
            "    validation = before[n_train:]\n",
            "    step = len(before) // n_validation\n"
            "    validation = before[step - 1 :: step]\n",
        ),
        (
            "candidates = before[: n_train - purge]",
            "candidates = np.setdiff1d(before, validation)",
        ),
        (
            "train = candidates[windows.target_date[candidates] < first_origin]",
            "train = candidates",
        ),
        (
            "purged = np.setdiff1d(before[:n_train], train)",
            "purged = before[:0]",
        ),
    ),
    _defect(
        "scaler_of_all_known_prices",
        "v2's scaler is fitted on the training windows' array of prices instead of "
        "copying every window out of it; the array reaches over the validation span.",
        "models.fitting:_plan",
        (
            "fit_min_max(np.append(job.train.X, job.train.y))",
            "fit_min_max(job.train.prices[~np.isnan(job.train.prices)])",
        ),
        learner=NETWORK,
    ),
    _defect(
        "return_per_rank_of_all_rows",
        "The slope that turns ranks into returns is fitted on training and forecast "
        "rows together: it is one number and no model.",
        "models.tabular_models:forecast_tabular",
        (
            '    unit = return_per_rank(train["y_rank"].to_numpy(), '
            'train["y_excess"].to_numpy())\n',
            '    whole = pd.concat([train, ahead.dropna(subset=["y_rank"])])\n'
            '    unit = return_per_rank(whole["y_rank"].to_numpy(), '
            'whole["y_excess"].to_numpy())\n',
        ),
    ),
    _defect(
        "purge_of_inputs_alone",
        "A row is purged from a combinatorial fold by where its input lies, not by "
        "where its target ends: nothing is purged before a block.",
        "features.folds:split_combinatorial",
        ("met = overlaps(first, target_date, ", "met = overlaps(first, first, "),
        learner=NETWORK,
    ),
    _defect(
        "teacher_of_the_whole_span",
        "The rank LSTM's soft targets are of trees fitted on the whole training span, "
        "because a better teacher needs all rows; it has seen the row it teaches.",
        "models.distillation:distil",
        ("rows[apart], rows[own]", "rows, rows[own]"),
        learner=NETWORK,
    ),
    _defect(
        "pool_holds_nothing_back",
        "The stock LSTM is pretrained on the validation windows too, since nothing is "
        "validated in pretraining; fine-tuning then stops on what it has seen.",
        "study.core.stock_lstm_jobs:stock_pool_job",
        (
            "    study, year = data.study, stock_fold.fold.year\n",
            "    import numpy as np\n"
            "    from dataclasses import replace\n"
            "    from nse_lstm.features.windows import PER_WINDOW\n"
            "    study, year = data.study, stock_fold.fold.year\n",
        ),
        (
            "{name: split.train for name, split in stock_fold.splits.items()}",
            "{name: replace(split.train, **{each: np.concatenate([getattr(part, each) "
            "for part in (split.train, split.validation)]) for each in PER_WINDOW}) "
            "for name, split in stock_fold.splits.items()}",
        ),
        learner=NETWORK,
    ),
    _defect(
        "one_pool_for_all_years",
        "Every year is fine-tuned from the last year's pool: one pretrained network is "
        "enough.",
        "study.training.stock_lstm:train_stock_lstm",
        (
            "bundle_folder(data, POOL, part.fold.year, STOCK_LSTM)",
            "bundle_folder(data, POOL, parts[-1].fold.year, STOCK_LSTM)",
        ),
        learner=NETWORK,
    ),
    _defect(
        "target_in_its_own_volatility",
        "The stock LSTM's target is divided by the volatility of the session that it "
        "is the return of, which that return is part of.",
        "models.stock_lstm:stock_samples",
        ("sigma_at(ticker, windows.origin)", "sigma_at(ticker, windows.target_date)"),
        learner=NETWORK,
    ),
    _defect(
        "threshold_of_the_year",
        "The median's threshold is the fifth of the year's own forecasts that are "
        "nearest to zero, as many as the sessions without a move.",
        "models.stock_lstm:forecast_stock_lstm",
        (
            'np.maximum(np.abs(f) - about["threshold"], 0)',
            "np.maximum(np.abs(f) - np.quantile(np.abs(f), 0.2), 0)",
        ),
        learner=NETWORK,
    ),
    _defect(
        "december_is_forgotten",
        "The rank LSTM's windows of a year are cut from that year's sessions alone, so "
        "its first weeks see empty sessions.",
        "models.rank_lstm:forecast_rank_lstm",
        (
            'seen = features[features["session"] < fold.end]',
            "seen = features[inside]",
        ),
        learner=NETWORK,
    ),
)

CHOICE = (
    _defect(
        "stocks_of_the_last_year",
        "Every year's stocks are those recommended for the test year, so that years "
        "can be compared.",
        "study.data_analysis.prepare:_judge_stocks",
        ("before=fold.start,", "before=folds[-1].start,"),
    ),
    _defect(
        "ensemble_weights_of_the_other_years",
        "A year's ensemble weights are fitted on all other years, as in "
        "cross-validation; some of them lie ahead.",
        "evaluation.rank_ensemble:fit_ensemble_weights",
        ('aim & (sums["target_date"] < start)', 'aim & (sums["fold"] != fold)'),
    ),
    _defect(
        "ensemble_ranks_of_the_year",
        "Members' forecasts are ranked over the whole year before they are averaged, "
        "so that a strong session counts for more.",
        "evaluation.rank_ensemble:_centred_ranks",
        ("for level in SESSION]", "for level in AIM]"),
    ),
    _defect(
        "chosen_by_absolute_error",
        "Champions are chosen by the absolute error, because it is robust; it favours "
        "the forecast of no change.",
        "evaluation.selection:select",
        (
            'loss=(scored["y"] - scored["y_hat"]) ** 2',
            'loss=(scored["y"] - scored["y_hat"]).abs()',
        ),
    ),
    _defect(
        "error_of_one_loss_alone",
        "The one-standard-error rule takes the standard error of a model's own loss, "
        "not of the paired difference.",
        "evaluation.selection:_difference",
        ("paired.std(ddof=1)", "losses[name].std(ddof=1)"),
    ),
    _defect(
        "chosen_with_the_test_year",
        "Champions are chosen on all years that are forecast, the test year among "
        "them: more sessions, a surer choice.",
        "study.validation.validate:validate",
        (
            "    selection = select(\n        before.forecasts,\n        data.panel,\n",
            "    whole, _ = open_test_year(data)\n"
            "    last = _evaluate(data, whole, [test_fold]).forecasts\n"
            "    selection = select(\n"
            "        pd.concat([before.forecasts, last], ignore_index=True),\n"
            "        whole,\n",
        ),
    ),
)

DATA = (
    _defect(
        "settling_if_it_comes_back",
        "A price that leaps on an ex-date counts as settling only if it does come back "
        "within 40 sessions; one that never does was a true move.",
        "data.adjusted:_settling",
        (
            "            settling[waiting[np.logical_and.accumulate(away)]] = True",
            "            if not away.all():\n"
            "                settling[waiting[np.logical_and.accumulate(away)]] = True",
        ),
    ),
    _defect(
        "return_since_the_last_price",
        "A return is taken from the last known price, however long ago; a suspended "
        "stock's first return spans its suspension.",
        "data.adjusted:with_returns",
        (
            'settled.shift().where(_follows(table, place) & ~table["gap"])',
            'settled.groupby(table["ticker"], observed=True).ffill()'
            '.groupby(table["ticker"], observed=True).shift().where(~table["gap"])',
        ),
    ),
    _defect(
        "action_on_its_printed_day",
        "A factor takes effect on its printed ex-date, whether or not the stock traded "
        "or its price followed.",
        "data.corporate_actions:add_factor",
        ("factor[place + later.argmax()] *= step", "factor[place] *= step"),
    ),
    _defect(
        "dividend_on_the_register_day",
        "A dividend is booked on the last session before the ex-date, when the "
        "register closes: who sells at that price has it too.",
        "data.dividends:place_dividends",
        ("found.append(own[place])", "found.append(own[place - 1])"),
    ),
)

ACCOUNTS = (
    _defect(
        "dividend_over_the_price_after",
        "A dividend's return is taken over the ex-date's own price, which has dropped "
        "by about as much.",
        "evaluation.backtest:_dividend_return",
        (
            "before = np.concatenate([[np.nan], mark[:-1]])",
            "before = mark",
        ),
    ),
    _defect(
        "exits_in_the_same_session",
        "A sale is filled in the session whose close made its signal, because a stop "
        "can be placed beforehand; purchases wait as ever.",
        "evaluation.backtest:simulate_fills",
        (
            "    sold = (wanted == LEAVE) & calendar.sell_fills\n",
            "    now = signals.reindex(pd.DatetimeIndex(calendar.session)).to_numpy()\n"
            "    sold = (now == LEAVE) & calendar.sell_fills\n",
        ),
    ),
    _defect(
        "filled_wherever_a_price_is_printed",
        "An order fills in every session with a price, with or without volume, a "
        "stale copy's among them.",
        "evaluation.backtest:tradability",
        (
            'rows["volume"].notna() & rows["adjusted"].notna() & ~stale & ~suspended',
            'rows["adjusted"].notna() & ~suspended',
        ),
    ),
    _defect(
        "december_position_carried_over",
        "A year begins with the position that its first fill takes, as if it were "
        "carried over from December: no entry is paid for.",
        "evaluation.backtest:simulate_fills",
        (
            "np.concatenate([[LEAVE], after])[:-1]",
            "np.concatenate([after[:1], after])[:-1]",
        ),
    ),
    _defect(
        "haircut_only_if_it_never_trades_again",
        "The haircut of a suspended stock is left out where it trades again later, "
        "because nothing was lost then.",
        "evaluation.backtest:tradability",
        (
            "    withdrawn = suspended | _is_withdrawn(present)\n",
            '    back = rows["volume"].notna()[::-1].cummax()[::-1]\n'
            "    withdrawn = (suspended | _is_withdrawn(present)) & ~back\n",
        ),
    ),
    _defect(
        "bill_rate_between_its_neighbours",
        "A month earns the mean of the bill rates of the months before and after it, "
        "which is nearer to its own.",
        "evaluation.cash:_rate_of",
        (
            "        return rates[before], False\n",
            "        return (rates[before] + rates.get(str(month + 1), rates[before])) "
            "/ 2, False\n",
        ),
    ),
    _defect(
        "interest_on_all_the_money",
        "The account earns the return of cash on all of its money, the invested part "
        "as well.",
        "evaluation.backtest:account_sessions",
        ("gross = earned + (1 - position) * cash", "gross = earned + cash"),
    ),
    _defect(
        "cash_is_not_compounded",
        "The year's return of cash, which the report card asks for, is a sum while the "
        "account's is compounded.",
        "evaluation.cash:compound_cash",
        ("float(np.prod(1 + by_session) - 1)", "float(np.sum(by_session))"),
    ),
    _defect(
        "sales_are_free",
        "Only purchases are turnover, because a sale takes no money.",
        "evaluation.backtest:simulate_fills",
        (
            "turnover=np.abs(after - position)",
            "turnover=np.maximum(after - position, 0)",
        ),
    ),
    _defect(
        "a_swap_is_one_trade",
        "A portfolio that changes one stock for another counts one trade, its larger "
        "side, not a sale and a purchase.",
        "evaluation.weighted_account:follow_weights",
        (
            "        traded[s] = np.abs(change)\n",
            "        net = change if fsum(change) > 0 else -change\n"
            "        traded[s] = np.clip(net, 0, None)\n",
        ),
    ),
    _defect(
        "rebalancing_trades_net_out",
        "Equal weight pays for its net purchases: what is sold of one stock and bought "
        "of another costs nothing.",
        "evaluation.weighted_account:follow_weights",
        (
            "traded[s] = np.abs(change)",
            "traded[s] = np.abs(change.sum()) / n",
        ),
    ),
    _defect(
        "orders_sized_at_their_fill",
        "Equal weight sizes its orders by the weights at the session they fill in, not "
        "by those at the close before they are sent.",
        "evaluation.weighted_account:follow_weights",
        (
            "order = np.where(due, target - known, 0.0)",
            "order = np.where("
            "due, target - after[s] * (1 + market.stock_return[s]) / "
            "(1 + after[s] @ market.stock_return[s]), 0.0)",
        ),
    ),
)

SCORES = (
    _defect(
        "copies_are_scored",
        "Forecasts of stale sessions are scored: a price is printed, so there is a "
        "return.",
        "evaluation.scoring:realised",
        (
            'usable &= (entry["stale"].eq(False) | at_origin) & '
            'target["stale"].eq(False)',
            'usable &= entry["stale"].eq(False) | at_origin',
        ),
    ),
    _defect(
        "skill_is_a_mean_of_stocks",
        "The pooled skill is the mean of the stocks' skills, not one minus the ratio "
        "of all squared errors.",
        "evaluation.scoring:score_accuracy",
        (
            "    medians = (\n",
            '    each = single[single["metric"] == "skill"]\n'
            '    each = each.groupby(SEEDED)["value"].mean()\n'
            '    own = pooled["metric"] == "skill"\n'
            "    key = pd.MultiIndex.from_frame(pooled.loc[own, SEEDED])\n"
            '    pooled.loc[own, "value"] = each.reindex(key).to_numpy()\n'
            "    medians = (\n",
        ),
    ),
    _defect(
        "mase_scaled_by_the_year_itself",
        "The random walk's error that scales MASE is taken up to the end of the scored "
        "year.",
        "evaluation.scoring:_with_scale",
        (
            'prices[prices["session"] < pd.Timestamp(cast(int, fold), 1, 1)]',
            'prices[prices["session"] < pd.Timestamp(cast(int, fold) + 1, 1, 1)]',
        ),
    ),
    _defect(
        "cash_charged_on_the_invested_part",
        "A strategy's Sharpe ratio over cash subtracts the return of cash only while "
        "it is invested, although idle money has earned it.",
        "evaluation.scoring:_account",
        ("year, cash=in_cash)", 'year, cash=in_cash * rows["position"][:enough])'),
    ),
    _defect(
        "annualised_by_252_days",
        "A Sharpe ratio is annualised by the customary 252 days, not by the sessions "
        "per year that everything else uses.",
        "evaluation.metrics:sharpe_ratio",
        (
            "deviation * np.sqrt(sessions_per_year)",
            "deviation * np.sqrt(252 if sessions_per_year > 1 else 1)",
        ),
    ),
    _defect(
        "excess_is_compounded",
        "The yearly excess over the holding is compounded from the mean session, "
        "though it is a difference.",
        "evaluation.robustness:_measure",
        (
            "return float((pool[name] - same).mean()) * backtest.sessions_per_year",
            "return float("
            "(1 + (pool[name] - same).mean()) ** backtest.sessions_per_year - 1)",
        ),
    ),
    _defect(
        "no_lags_for_the_next_session",
        "The rank IC's error allows for the horizon's overlap alone, horizon - 1 lags: "
        "daily coefficients count as independent.",
        "evaluation.rank_ic:_mean",
        (
            'lags = 2 * int(ordered["horizon"].iloc[0])',
            'lags = int(ordered["horizon"].iloc[0]) - 1',
        ),
    ),
    _defect(
        "historical_mean_of_all_returns",
        "The benchmark of the historical mean is a stock's mean return over the whole "
        "table: an unconditional mean is a constant.",
        "evaluation.forecast_evidence:with_historical_mean",
        (
            "lambda returns: expanding_mean(returns.to_numpy(), lag=ahead)",
            "lambda returns: np.full(len(returns), returns.mean())",
        ),
    ),
    _defect(
        "every_row_is_an_observation",
        "The interval of the out-of-sample R-squared resamples rows, although the "
        "stocks of a session move together.",
        "evaluation.forecast_evidence:_r_squared",
        (
            'squares.groupby(rows["target_date"]).sum().sort_index().to_numpy()',
            "squares.to_numpy()",
        ),
    ),
    _defect(
        "conformal_rank_without_the_new_error",
        "The interval's radius is the plain quantile of n errors; the one to come is "
        "not counted.",
        "evaluation.conformal:conformal_rank",
        ("round((n + 1) * (1 - alpha), 9)", "round((n or 1) * (1 - alpha), 9)"),
    ),
)

VERDICT = (
    _defect(
        "one_sided_interval_of_the_ratio",
        "The Sharpe ratio's 95 % interval uses the normal quantile of 0.95.",
        "evaluation.evidence:_ratio_rows",
        (
            "z = float(norm.ppf(0.5 + verdict.confidence / 2))",
            "z = float(norm.ppf(verdict.confidence))",
        ),
    ),
    _defect(
        "the_steadiest_of_five_seeds",
        "The verdict's bootstrap is run with five seeds and the one with the highest "
        "lower bound is kept, because the others had bad luck.",
        "evaluation.verdict:_intervals",
        (
            "    bootstrap = StationaryBootstrap("
            "verdict.bootstrap_block, excess, seed=seed)\n"
            "    means = bootstrap.apply("
            "lambda rows: rows.mean(axis=0), verdict.bootstrap_reps)\n"
            "    tail = (1 - verdict.confidence) / 2\n",
            "    tail = (1 - verdict.confidence) / 2\n"
            "    runs = [\n"
            "        StationaryBootstrap("
            "verdict.bootstrap_block, excess, seed=seed + more\n"
            "        ).apply(lambda rows: rows.mean(axis=0), verdict.bootstrap_reps)\n"
            "        for more in range(5)\n"
            "    ]\n"
            "    means = max(runs, key=lambda run: np.quantile(run[:, 0], tail))\n",
        ),
    ),
    _defect(
        "holding_follows_the_position",
        "The benchmark is the holding with the strategy's position of each session, "
        "not with its mean exposure: the timing is in both.",
        "evaluation.verdict:_excess",
        (
            'exposure = strategy["position"].mean()',
            'exposure = strategy["position"]',
        ),
    ),
    _defect(
        "deflated_ratio_as_printed",
        "The deflated Sharpe ratio is rounded to two digits, as its threshold is "
        "printed, before they are compared.",
        "evaluation.verdict:_short_of_yes",
        (
            "elif not deflated_sharpe >= verdict.min_deflated_sharpe",
            "elif not round(deflated_sharpe, 2) >= verdict.min_deflated_sharpe",
        ),
    ),
    _defect(
        "losers_are_no_trials",
        "The deflated Sharpe ratio counts only trials that earned more than cash, "
        "since nobody would have picked another.",
        "evaluation.significance:deflate_by_trials",
        (
            "n_trials=known.size + 1 if n_trials is None else n_trials",
            "n_trials=int((known > 0).sum()) + 1 if n_trials is None else n_trials",
        ),
    ),
    _defect(
        "ledger_forgets_repeats",
        "A model and rule that are in the ledger are not added again, whatever study "
        "or data they come from.",
        "study.core.trials:record_trials",
        ("or_key=SAME)", 'or_key=["model", "rule", "seed"])'),
    ),
    _defect(
        "every_seed_is_a_trial",
        "Each seed of a strategy is a trial of its own, and their mean is none.",
        "study.core.trials:_trials",
        ("for name in TRIAL)", 'for name in [*TRIAL, "seed"])'),
    ),
    _defect(
        "coverage_is_a_mean_of_years",
        "The years' coverage by dividends is averaged, so a year without any can be "
        "outvoted and the whole called total return.",
        "evaluation.total_return:join_bases",
        (
            "covered=min(basis.covered for basis in bases)",
            "covered=float("
            "np.average([basis.covered for basis in bases], weights=weights))",
        ),
    ),
    _defect(
        "idle_stocks_leave_the_count",
        "Stocks that were hardly held have no ratio and are left out of the report "
        "card's majority.",
        "evaluation.report_card:_sharpes",
        (
            "where(n_invested >= MIN_INVESTED)",
            "where(n_invested >= MIN_INVESTED).dropna()",
        ),
    ),
    _defect(
        "percentages_are_rounded_up",
        "The report card's percentages are rounded up to a tenth.",
        "evaluation.report_card:_percent",
        ('f"{100 * value:.1f} %"', 'f"{np.ceil(1000 * value) / 10:.1f} %"'),
    ),
    _defect(
        "equal_weight_is_the_only_holding",
        "The report card asks for more than equal weight alone, because the other "
        "holding is rebalanced for free and could not be had.",
        "evaluation.report_card:_against_holding",
        ("best = float(np.fmax(holding, equal))", "best = equal"),
    ),
)

STRANGER_DEFECTS: tuple[Defect, ...] = (
    *FEATURES,
    *TRAINING,
    *CHOICE,
    *DATA,
    *ACCOUNTS,
    *SCORES,
    *VERDICT,
)

SUBTLE = frozenset(
    {
        "market_scaled_by_its_whole_history",
        "ranks_standardised_over_the_table",
        "volatility_filled_back",
        "window_known_at_its_origin",
        "return_per_rank_of_all_rows",
        "purge_of_inputs_alone",
        "target_in_its_own_volatility",
        "ensemble_weights_of_the_other_years",
        "ensemble_ranks_of_the_year",
        "dividend_over_the_price_after",
        "bill_rate_between_its_neighbours",
        "cash_is_not_compounded",
        "rebalancing_trades_net_out",
        "copies_are_scored",
        "mase_scaled_by_the_year_itself",
        "annualised_by_252_days",
        "no_lags_for_the_next_session",
        "historical_mean_of_all_returns",
        "conformal_rank_without_the_new_error",
        "deflated_ratio_as_printed",
        "percentages_are_rounded_up",
    }
)
"""Defects that moved the published numbers they touch by less than about 5 %."""

EFFECTS = {
    "usual_move_is_centred": "99 % of cells, by 46 % of their size; correlation 0.90",
    "market_scaled_by_its_whole_history": "94 % of sessions, by 4 %; correlation 0.999",
    "idle_until_the_next_trade": "10 % of cells; correlation with the true one -0.47",
    "universe_of_the_month_itself": "3.5 % of memberships; market's return in 27 % of "
    "sessions, by 36 %",
    "dead_codes_are_left_out": "20 -> 19 stocks, 24008 -> 23187 usable rows",
    "ranks_standardised_over_the_table": "65 to 72 % of inputs, by 1.3 %; training and "
    "forecast tables differ",
    "volatility_filled_back": "2.6 % of volatilities, by 21 %; 0.6 % of channels",
    "rank_target_starts_at_the_origin": "72 % of ranks, by 0.25; correlation 0.62",
    "window_known_at_its_origin": "593 -> 594 training windows; one validation window "
    "is forecast too; AR coefficient 0.1684 -> 0.1688",
    "validation_spread_over_the_years": "validation from 2016-08 on -> from 2014 on; "
    "105 -> 116 windows; AR coefficient 0.168 -> 0.213",
    "scaler_of_all_known_prices": "2 of 4 stocks: SCOM from 7.85 -> 7.65, EQTY from "
    "88 -> 81.5",
    "return_per_rank_of_all_rows": "every forecast return, by 1 %",
    "purge_of_inputs_alone": "2115 -> 2205 rows for the trees; 83 % of soft targets, "
    "by 2.6 %",
    "teacher_of_the_whole_span": "correlation of soft part and own rank -0.04 -> 0.46 "
    "with 8 rounds",
    "pool_holds_nothing_back": "1186 -> 1396 windows of two stocks",
    "one_pool_for_all_years": "pools of 2016, 2017, 2018 -> 2018 three times",
    "target_in_its_own_volatility": "70 % of targets, by 3.8 %",
    "threshold_of_the_year": "80 % of the median's forecasts; zeros 50 % -> 20 %",
    "december_is_forgotten": "8 % of a year's forecasts, by 68 %",
    "stocks_of_the_last_year": "one of five stocks of 2017: COOP -> ABSA",
    "ensemble_weights_of_the_other_years": "two of three years' weights; mean rank IC "
    "0.0595 -> 0.0586",
    "ensemble_ranks_of_the_year": "all forecasts, by 26 %; mean rank IC 0.0500 -> "
    "0.0493",
    "chosen_by_absolute_error": "two of five champions v2 -> persistence; the losses "
    "are in another unit",
    "error_of_one_loss_alone": "standard errors 4 to 18 times as large; two of five "
    "champions v2 -> persistence",
    "chosen_with_the_test_year": "years 2016, 2017 -> 2016, 2017, 2018",
    "settling_if_it_comes_back": "40 -> 0 settling rows of a split that the price "
    "never followed",
    "return_since_the_last_price": "26636 -> 26659 known returns",
    "action_on_its_printed_day": "factor six sessions earlier for a stock that was not "
    "traded",
    "dividend_on_the_register_day": "every payment one session earlier; a strategy's "
    "yearly mean -0.1404 -> -0.1425, another's -0.232 -> -0.220",
    "dividend_over_the_price_after": "holding -5.09 % -> -4.89 %, equal weight -9.01 % "
    "-> -8.82 %",
    "exits_in_the_same_session": "sign -17 % -> +13 %, gate 4.4 % -> 0.9 %",
    "filled_wherever_a_price_is_printed": "gate 4.4 % -> 6.8 %, 6.2 % -> 12.0 %",
    "december_position_carried_over": "holding -5.1 % -> -4.9 %, sign -17.3 % -> "
    "-16.3 %",
    "haircut_only_if_it_never_trades_again": "holding -12.6 % -> -19.4 %, sign -26.7 % "
    "-> -30.6 %: a rebalanced pool gains from a fall and recovery, which is gone",
    "bill_rate_between_its_neighbours": "gate 4.40 % -> 4.25 %, 6.24 % -> 6.20 %; "
    "others by 0.1 % of their size",
    "interest_on_all_the_money": "holding -5.1 % -> +2.2 %, gate 4.4 % -> 4.6 %",
    "cash_is_not_compounded": "7.68 % -> 7.40 %",
    "sales_are_free": "gate 4.4 % -> 5.5 %, sign -17 % -> +13 %",
    "a_swap_is_one_trade": "turnover of ten sessions with a trade 0.052 -> 0.026",
    "rebalancing_trades_net_out": "equal weight -9.01 % -> -8.80 %",
    "orders_sized_at_their_fill": "equal weight -9.01 % -> -9.07 %, -20.3 % -> -19.2 %",
    "copies_are_scored": "MASE 1.027 -> 1.016, three-way accuracy 0.453 -> 0.446",
    "skill_is_a_mean_of_stocks": "0.262 -> 0.265, 0.258 -> 0.238",
    "mase_scaled_by_the_year_itself": "1.018 -> 0.997",
    "cash_charged_on_the_invested_part": "Sharpe ratio over cash -1.55 -> -1.33",
    "annualised_by_252_days": "every Sharpe ratio, by 0.4 %",
    "excess_is_compounded": "gross excess 0.434 -> 0.543; small ones by 1 %",
    "no_lags_for_the_next_session": "t 5.42 -> 5.56 and 5.58 -> 5.61",
    "historical_mean_of_all_returns": "out-of-sample R² 0.2708 -> 0.2691",
    "every_row_is_an_observation": "n 504 -> 2331; bounds -0.164, -0.077 -> -0.176, "
    "-0.076",
    "conformal_rank_without_the_new_error": "coverage 0.9000 -> 0.9015, mean width "
    "0.0532 -> 0.0548; 46 % of quarters",
    "one_sided_interval_of_the_ratio": "-2.13 to 0.66 -> -1.90 to 0.44",
    "the_steadiest_of_five_seeds": "bounds over cash -5.42 %, 1.07 % -> -5.37 %, "
    "1.15 %",
    "holding_follows_the_position": "over holding -1.70 % (-5.0, 1.5) -> -1.74 % "
    "(-4.6, 1.2)",
    "deflated_ratio_as_printed": "a ratio of 0.947 no longer falls short of 0.95",
    "losers_are_no_trials": "deflated ratio 0.808 -> 0.889 at 30 other trials",
    "ledger_forgets_repeats": "4 -> 2 trials; deflated ratio 0.924 -> 0.961",
    "every_seed_is_a_trial": "4 -> 6 trials; deflated ratio 0.924 -> 0.893",
    "coverage_is_a_mean_of_years": "1.00 and 0.93: 0.93, price -> 0.965, total return",
    "idle_stocks_leave_the_count": "0 of 5 -> 0 of 1 stocks",
    "percentages_are_rounded_up": "6.2 % -> 6.3 %, 24.0 % -> 24.1 %",
    "equal_weight_is_the_only_holding": "a return between both: not met -> met",
}
"""What changed where the patch was applied, clean -> with the defect.

Measured by calls of the patched functions: most on a simulated market of 20 shares from
2014 to 2018, the rest on made-up numbers.
"""
