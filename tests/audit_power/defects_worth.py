"""Defects in portfolios, timed orders, claims, distributions and the stock LSTM.

Each is an edit of a few words, written without sight of the leak audit, as a careless
colleague makes them. They lie in the paths that say what a forecast is worth.
"""

from audit_power.defects_strangers import NETWORK, _defect

WORTH_DEFECTS = (
    _defect(
        "weights_earn_their_fill_session",
        "The table of weights starts after the first session, because a row is then "
        "the weight at its own close. A purchase earns the session it was filled in.",
        "evaluation.weighted_account:follow_weights",
        ("WeightPath(held=after[:-1]", "WeightPath(held=after[1:]"),
    ),
    _defect(
        "volume_of_the_next_session",
        "An order in lots may take a share of the next session's volume, because the "
        "order is worked from the close on. The fill knows tomorrow's volume.",
        "evaluation.weighted_account:_in_lots",
        (
            "limits.volume[s], lot)",
            "limits.volume[min(s + 1, len(limits.volume) - 1)], lot)",
        ),
    ),
    _defect(
        "risk_over_all_years",
        "The covariance of the rules is that of all sessions in the panel, because 250 "
        "are few for 40 stocks. Minimum variance knows the risk of the years to come.",
        "evaluation.portfolio_rules:_covariance",
        ("inputs.past[first:end][:, stocks]", "inputs.past[:, stocks]"),
    ),
    _defect(
        "optimiser_forgets_equal_weight",
        "The linear term of the optimisation is the forecast alone, as in the textbook "
        "programme. Risk is that of the portfolio, no longer of its difference from "
        "equal weight.",
        "evaluation.portfolio_optimisation:optimise_weights",
        ("-forecast - risk_aversion * covariance @ benchmark,", "-forecast,"),
    ),
    _defect(
        "universe_of_the_months_end",
        "A session's universe is the one 21 sessions on, because a month's universe "
        "should be made of that month's turnover. The rules buy what will be traded.",
        "evaluation.portfolio_backtest:read_rule_inputs",
        (
            "panel.member[tickers].to_numpy(bool)[place]",
            "panel.member[tickers].to_numpy(bool)"
            "[np.minimum(place + 21, len(panel.sessions) - 1)]",
        ),
    ),
    _defect(
        "portfolio_sessions_drawn_singly",
        "The bootstrap of portfolio scores has blocks of one session, because returns "
        "are hardly autocorrelated. The bounds of averaged start days are too narrow.",
        "evaluation.portfolio_scores:_bootstrap",
        ("min(verdict.bootstrap_block, len(data) - 1)", "1"),
    ),
    _defect(
        "equal_weight_pays_no_cost",
        "The rules are compared with equal weight before costs, because an index pays "
        "none. The excess is of a net over a gross return.",
        "evaluation.portfolio_scores:_gaps",
        (
            'net.get((EQUAL_WEIGHT, "rebalance", cost))',
            'net.get((EQUAL_WEIGHT, "rebalance", 0))',
        ),
    ),
    _defect(
        "timed_order_sees_its_own_close",
        "An order goes where the forecast of the same session is favourable, because "
        "both arrays have a row per session. It is filled at the close that the "
        "forecast was made from.",
        "evaluation.order_timing:saving_of_waiting",
        ("goes[delay:] = favourable[: len(fills) - delay]", "goes[:] = favourable"),
    ),
    _defect(
        "slices_start_at_the_origin",
        "The first of the equal slices is filled in the origin itself, because slicing "
        "needs no forecast and so no delay. Its rival is a fill a session later.",
        "evaluation.order_timing:saving_of_slicing",
        ("after=market.delay + later", "after=later"),
    ),
    _defect(
        "placebo_is_yesterdays_forecast",
        "The placebo's forecasts are one session old, because that is already too late "
        "to trade on. It shares most of the forecast's skill, and the gain over it "
        "shrinks.",
        "evaluation.order_savings:_signals",
        ("older_forecasts(own, n)", "older_forecasts(own, 1)"),
    ),
    _defect(
        "savings_bounds_leave_out_both_tails",
        "Each bound of a saving leaves out the whole of the misses, because the claim "
        "is one-sided. The printed 95 % interval is one of 90 %.",
        "evaluation.order_savings:_bounds",
        ("(1 - verdict.confidence) / 2", "1 - verdict.confidence"),
    ),
    _defect(
        "claims_without_holm",
        "Every claim keeps the p-value of its own test, because each was declared "
        "beforehand. The family is no longer corrected for its size.",
        "evaluation.claims:judge_claims",
        ("adjusted = holm(", "adjusted = dict("),
    ),
    _defect(
        "claims_bootstrap_not_centred",
        "The p-value of a money claim is the share of draws that are not above 0, "
        "because that is what no gain means. The draws are not moved to the "
        "hypothesis, so a skewed gain is judged by the wrong tail.",
        "evaluation.claims:bootstrap_effect",
        ("(draws - value >= value)", "(draws <= 0)"),
    ),
    _defect(
        "crps_is_a_plain_mean_of_levels",
        "The CRPS is twice the mean pinball loss, as in most papers. Levels lie closer "
        "in the tails, which then weigh more than their probability.",
        "evaluation.quantile_scores:crps",
        (
            "pinball_loss(y, quantiles) @ level_weights()",
            "pinball_loss(y, quantiles).mean(axis=1)",
        ),
    ),
    _defect(
        "garch_is_a_session_late",
        "The variance is stored before it is updated, because a filter usually keeps "
        "the state that it came with. GARCH forecasts without the last return and is "
        "easier to beat.",
        "evaluation.distribution_benchmarks:fit_garch",
        (
            "        now = omega + alpha * (value - mean) ** 2 + beta * now\n"
            "        variance[place] = now\n",
            "        variance[place] = now\n"
            "        now = omega + alpha * (value - mean) ** 2 + beta * now\n",
        ),
    ),
    _defect(
        "portfolio_stocks_of_the_last_year",
        "Fills are worked out for stocks of the last year's universe only, because the "
        "others cannot be traded today. Stocks that fell out of it are never held.",
        "study.validation.portfolios:_members",
        ("isin([years[0] - 1, *years])", "isin([years[-1]])"),
    ),
    _defect(
        "timed_orders_have_no_limit",
        "Timed orders are filled at the daily limit too, because an order that waits "
        "is in no hurry. The savings count fills that nobody got.",
        "study.validation.order_timing:_time",
        ("backtest=study.backtest", "backtest=replace(study.backtest, limit=0.0)"),
    ),
    _defect(
        "crps_claim_against_the_easier_benchmark",
        "Of two declared distributions the one with the larger CRPS is the benchmark, "
        "because larger is better in the claim beside it. The model is compared with "
        "the weaker one, found after the fact.",
        "study.validation.claims:crps_series",
        (".idxmin()", ".idxmax()"),
    ),
    _defect(
        "best_start_of_each_session",
        "The accounts of several start days are reduced to the best one, because a "
        "trader would choose it. It is chosen anew in each session, after its return.",
        "study.validation.claims:_net",
        ("values=column)", 'values=column, aggfunc="max")'),
    ),
    _defect(
        "distribution_fitted_through_the_fold",
        "The distribution is fitted to all windows up to the fold's end, because the "
        "prices are cut there. Coverage and CRPS are those of rows it was fitted to.",
        "study.validation.distribution:_forecasts",
        ("windows_before(own, fold.start)", "windows_before(own, fold.end)"),
    ),
    _defect(
        "ensemble_weights_of_the_fold",
        "The ensemble's weights are fitted to targets before the fold's end, because a "
        "fold's weights should suit the fold. They know its returns.",
        "evaluation.rank_ensemble:fit_ensemble_weights",
        ("pd.Timestamp(int(fold), 1, 1)", "pd.Timestamp(int(fold) + 1, 1, 1)"),
    ),
    _defect(
        "four_signals_fitted_to_returns",
        "The four signals are fitted to excess returns instead of their ranks, because "
        "returns are what is earned. A few large returns decide the coefficients, and "
        "the forecast is in the wrong unit.",
        "models.tabular_models:_four_signals",
        ('train["y_rank"]', 'train["y_excess"]'),
    ),
    _defect(
        "median_keeps_what_passes_the_threshold",
        "A forecast above the threshold is kept and the rest set to 0, because that is "
        "how a threshold works. The median's forecast is no longer moved towards no "
        "change and jumps at the threshold.",
        "models.stock_lstm:forecast_stock_lstm",
        (
            'np.sign(f) * np.maximum(np.abs(f) - about["threshold"], 0)',
            'f * (np.abs(f) > about["threshold"])',
        ),
        learner=NETWORK,
    ),
    _defect(
        "best_epoch_by_training_loss",
        "Fine-tuning is validated on the training windows, because the validation span "
        "is short and noisy. The epoch that is kept is the most overfitted one.",
        "models.stock_lstm:fine_tuning_job",
        (
            "stock_samples(channels, ticker, validation)",
            "stock_samples(channels, ticker, train)",
        ),
        learner=NETWORK,
    ),
)
"""One or two per module, and at most two of a kind."""
