"""What is secret stands in no log line, whoever writes it."""

import logging

import pytest

TOKEN = "x7" * 20


@pytest.mark.parametrize(
    "path",
    [f"/v1/calendar.ics?token=dtc_{TOKEN}", f"/v1/public/shares/dts_{TOKEN}", f"/v1/downloads/gAAAAA{TOKEN}"],
)
def test_the_access_log_masks_addresses(path: str, caplog: pytest.LogCaptureFixture) -> None:
    access = logging.getLogger("uvicorn.access")
    with caplog.at_level(logging.INFO, "uvicorn.access"):
        access.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", path, "1.1", 200)
    assert TOKEN not in caplog.text
    assert "***" in caplog.text
