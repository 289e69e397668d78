import pytest

from nse_lstm.reporting.active import find_active

ACTIVE = [
    "<script>1</script>",
    "<SCRIPT src=x>",
    "<iframe srcdoc='x'>",
    "<object data='x'></object>",
    "<base href='x'>",
    '<meta http-equiv="refresh" content="0">',
    "<p onclick='x'>",
    "<img src=x oNerror=x>",
    "<svg/onload=x>",
    '<img src="https://example.org/x.png">',
    "<img srcset='//example.org/x.png 2x'>",
    "<link href='//example.org/x.css'>",
    "<a href='javascript:x'>",
    "<a href=' java\tscript:x'>",
    "<a href='&#106;avascript:x'>",
    "<style>@import 'x.css';</style>",
    "<style>p { background: url( '//example.org' ) }</style>",
    "<div style='background:url(http://example.org)'></div>",
]
PASSIVE = [
    "<p>&lt;script&gt;1&lt;/script&gt; @import src=//example.org javascript:x</p>",
    "<img src='data:image/svg+xml;base64,PHN2Zz4=' alt='src=//example.org'>",
    "<a href='04_validation.html#a'>onclick=x</a>",
    "<style>p { color: red }</style><p>url(https://example.org)</p>",
]


@pytest.mark.parametrize("page", ACTIVE)
def test_what_runs_or_asks_is_found(page: str) -> None:
    assert find_active(f"<main>{page}</main>")


@pytest.mark.parametrize("page", PASSIVE)
def test_text_that_only_looks_like_it_is_no_alarm(page: str) -> None:
    assert find_active(f"<main>{page}</main>") == ""
