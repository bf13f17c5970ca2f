"""Logs tell what failed and where, never what the variables held."""

from __future__ import annotations

import sys

import pytest
import structlog

from connector.logs import configure_logs
from connector.settings import LogSettings


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_shows_no_variables(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    try:
        configure_logs(LogSettings.model_validate({"format": form}))
        log_in("s3cret-" + "value")
    finally:
        structlog.configure(**before)
    said = capsys.readouterr().err
    assert "KeyError" in said
    assert "in log_in" in said
    assert "s3cret-value" not in said


def log_in(secret: str) -> None:
    form = {"client_secret": secret}
    try:
        sys.stdout.write(form["access_token"])
    except KeyError:
        structlog.get_logger("test").exception("run failed")
