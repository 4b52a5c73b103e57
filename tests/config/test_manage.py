"""The command line says what to do where the database is not ready."""

import pytest
from django.core import management
from django.db import connection

import manage

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "statement", ["SELECT 1 FROM annotation_nowhere", "SELECT nothing FROM annotation_project"]
)
def test_a_database_without_the_tables_is_said_in_one_line(
    statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(arguments: list[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    monkeypatch.setattr(management, "execute_from_command_line", ask)
    monkeypatch.setattr("sys.argv", ["manage.py", "help"])
    with pytest.raises(SystemExit, match=r"run `manage\.py migrate`"):
        manage.main()
