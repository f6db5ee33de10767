"""Every state of a pilot keeps the laws; and the laws notice one that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.conformance.conftest import database_of

from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.pilot.state.laws import StateLaws, laws_of_a_state
from weighbridge.pilot.state.protocol import Lease, LeaseAsk
from weighbridge.pilot.state.sqlite import SQLiteState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from weighbridge.pilot.state.protocol import PilotState

TestSQLiteState = laws_of_a_state(lambda folder: SQLiteState(folder / "pilot.sqlite"))


class Generous(SQLiteState):
    """A state that breaks one law: it grants whatever is wanted."""

    def lease(self, asks: Sequence[LeaseAsk]) -> list[Lease]:
        """Grant all."""
        super().lease(asks)
        return [Lease(ask.wanted) for ask in asks]


def test_the_laws_notice_a_generous_state(tmp_path: Path) -> None:
    """A kit that passes everything proves nothing."""
    laws = laws_of_a_state(lambda folder: Generous(folder / "pilot.sqlite"))()
    with pytest.raises(AssertionError, match="no more than the day's"):
        laws.test_no_budget_is_leased_beyond_itself(tmp_path)
    with pytest.raises(AssertionError, match="the leases are the budget"):
        laws.test_nodes_share_a_budget(tmp_path / "shared")


class TestPostgresState(StateLaws):
    """The same laws over a real server; a folder is a database of it."""

    address: str

    @pytest.fixture(autouse=True)
    def _server(self, postgres: str) -> None:
        self.address = postgres

    def open_state(self, folder: Path) -> PilotState:
        """Open the database that stands for a folder, made where it is missing."""
        from weighbridge.pilot.state.postgres import PostgresState

        return PostgresState(database_of(self.address, folder))

    def test_a_database_that_was_gone_is_used_again(self, tmp_path: Path) -> None:
        """A broken connection fails one call in words of ours, without the address, and the next one is whole."""
        import psycopg

        state = self.open_state(tmp_path)
        assert (state.key_version(), state.same_pepper("one")) == (0, True)
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weighbridge pilot'"
            )
        for call in (state.key_version, lambda: state.same_pepper("one")):
            with pytest.raises(WeighbridgeError, match="cannot be reached") as gone:
                call()
            assert "host" not in str(gone.value)
        assert (state.key_version(), state.same_pepper("one")) == (0, True)
        state.close()


@pytest.mark.parametrize("address", ["nonsense secret", "host=x nothing=secret", "http://secret@host/"])
def test_an_address_that_is_none_is_not_repeated(address: str) -> None:
    """It may hold a password, and the mistake is the operator's."""
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    from weighbridge.pilot.state.postgres import PostgresState

    with pytest.raises(UsageError, match="cannot be read") as error:
        PostgresState(address)
    assert "secret" not in f"{error.value.message}{error.value.hint}"
