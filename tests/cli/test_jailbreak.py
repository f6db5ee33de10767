"""`weighbridge behaviour --jailbreaks` as a user runs it, on a served model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.test_behaviour import served

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine
    from tests.cli.test_behaviour import Serve


def test_rates_by_transform_are_printed_and_kept(weighbridge: CommandLine, serve: Serve) -> None:
    """Every transform has its line beside the plain request, with the caveats; stored answers are not asked again."""
    asked = ("behaviour", served(serve, lambda _question: True), "--jailbreaks", "prefix,json", "--limit", "2")
    done = weighbridge(*asked, "--languages", "en")
    assert done.returncode == 0, done.stderr
    for word in ("plain", "prefix", "json", "best", "any", "lower bounds"):
        assert word in done.stdout
    body = weighbridge.json(*asked, "--languages", "en")["body"]
    assert body["calls"]["calls"] == 0
    assert body["rates"]["en"]["prefix"]["counts"] == {"refusal": 2}


def test_what_it_would_take_and_what_is_refused(weighbridge: CommandLine) -> None:
    """30 items plain and under two transforms; an unknown transform, both attacks, a language without words."""
    told = weighbridge.json("behaviour", "x", "--jailbreaks", "prefix,json", "--languages", "en", "--dry-run")
    assert told["calls"] == 30 * 3
    for words, said in (
        (("--jailbreaks", "prefixx"), "no transform `prefixx`"),
        (("--jailbreaks", "all", "--hijack"), "not both"),
        (("--jailbreaks", "all", "--languages", "de"), "no transform of those has words"),
        (("--jailbreaks", "all", "--maker", "CN"), "`--maker` says nothing beside `--jailbreaks`"),
    ):
        done = weighbridge("behaviour", "x", *words)
        assert done.returncode == 2, done.stdout
        assert said in done.stderr
