from nse_lstm.models.progress import show_progress

LINES = [
    "4 models, the rest takes about 2 min",
    "[1/4] AAA 2021: 9 epochs (best 3)",
    "[2/4] BBB 2021: 9 epochs (best 3)",
    "[3/4] failed: CCC 2021: no finite loss",
    "[4/4] DDD 2021: 9 epochs (best 3)",
]


def test_a_log_gets_few_lines_but_every_failure_and_the_last(monkeypatch, capsys):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    show = show_progress()
    for line in LINES:
        show(line)
    assert capsys.readouterr().out.splitlines() == [LINES[0], LINES[3], LINES[4]]


def test_a_log_tells_the_first_step_and_one_after_a_pause(monkeypatch, capsys):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    moments = iter([0.0, 9.0, 10.0])
    monkeypatch.setattr("time.monotonic", lambda: next(moments))
    show = show_progress()
    for line in (LINES[1], LINES[2], LINES[1]):
        show(line)
    assert capsys.readouterr().out.splitlines() == [LINES[1], LINES[1]]


def test_a_notebook_has_one_live_line_between_those_that_stay(monkeypatch, capsys):
    monkeypatch.setenv("JPY_SESSION_NAME", "03.ipynb")
    show = show_progress()
    for line in LINES:
        show(line)
    printed = capsys.readouterr().out
    assert [part.count("\r") for part in printed.split("\n")] == [1, 3, 1, 0]
    assert printed.endswith("\r" + LINES[4] + "\x1b[K\n")
