"""The demo when what it talks to goes away."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import EndpointConnectionError
from rich.console import Console

from demo.__main__ import ENDINGS, stop
from demo.home import EXAMPLE, DemoError, Home
from demo.story import Options, Story


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """A story that has not started anything but its keeper."""
    options = Options(EXAMPLE, None, True, {}, tmp_path / "demo.json")
    with Story(Home(tmp_path), options, Console()) as told:
        yield told


def test_a_local_aws_that_went_away_is_one_line(story: Story) -> None:
    with (
        pytest.raises(DemoError, match=r"^the local AWS at .* went away \(\w+\); see .*\.log$"),
        story.answering(),
    ):
        raise EndpointConnectionError(endpoint_url=story.aws.url)


def test_an_airflow_that_went_away_is_one_line(story: Story) -> None:
    with (
        pytest.raises(DemoError, match=r"^Airflow at .* went away \(ConnectError\); see .*\.log$"),
        story.answering(),
    ):
        raise httpx.ConnectError("refused")


def test_asking_twice_does_not_end_the_stopping() -> None:
    before = [signal.getsignal(number) for number in ENDINGS]
    try:
        with pytest.raises(KeyboardInterrupt):
            stop()
        assert {signal.getsignal(number) for number in ENDINGS} == {signal.SIG_IGN}
    finally:
        for number, handler in zip(ENDINGS, before, strict=True):
            signal.signal(number, handler)
