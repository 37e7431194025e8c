"""The lines that refused requests leave in the log."""

from tqdm_demo.interface.refusals import RefusalLog


def lines(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_a_line_says_what_was_asked_and_where_it_failed(caplog):
    RefusalLog()("GET /\n\x1b[2J", raised(KeyError("é" * 500)))
    (line,) = lines(caplog)
    assert line.startswith("refused: GET /\\n\\x1b[2J: KeyError: '\\xe9")
    assert ", in raised (test_refusals.py:" in line and line.isascii() and len(line) < 1000


def test_the_log_is_bounded(caplog):
    now = [0.0]
    log = RefusalLog(most_lines=3, clock=lambda: now[0])
    for _ in range(10):
        log("x", raised(ValueError("no")))
    assert len(lines(caplog)) == 3
    now[0] = 60
    log("x", raised(ValueError("no")))
    assert lines(caplog)[3] == "refused: 7 more" and len(lines(caplog)) == 5
