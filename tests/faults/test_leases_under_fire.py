"""Claims, submissions, expiry and deaths at random, from sixteen processes at once."""

import json
import os

import pytest

from tests.place import Stepmark

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("both cores")]

SECONDS = float(os.environ.get("STEPMARK_FIRE_SECONDS", "60"))
IMPORTS = """
import json
from pathlib import Path
from tests.faults.lease_checks import violations
from tests.faults.lease_fire import drain, make_work, summary, supervise
folder = Path({folder!r})
"""


@pytest.mark.timeout(SECONDS * 2 + 300)
def test_nothing_is_doubled_lost_or_stranded_while_processes_label_and_die(
    place: Stepmark,
) -> None:
    folder = place.home / "fire"
    imports = IMPORTS.format(folder=str(folder))

    def ask(expression: str) -> object:
        return json.loads(place.manage_code(f"{imports}print(json.dumps({expression}))"))

    place.manage_code(f"{imports}make_work({SECONDS})")
    supervisor = place.start_code(f"{imports}supervise(folder, {SECONDS})")
    place.wait_until(
        lambda: supervisor.poll() is not None, what="the end", seconds=SECONDS * 1.5 + 60
    )
    place.assert_all_run()
    happened = ask("summary()")
    assert isinstance(happened, dict)
    assert all(happened.values()), f"too little happened: {happened}"
    deaths = json.loads((folder / "deaths.json").read_text())
    assert deaths["died"] > deaths["killed"] > 0
    assert ask("violations(folder)") == []

    open_slots = ask("drain()")
    assert isinstance(open_slots, int)
    assert open_slots >= happened["open_slots"]
    assert ask("summary()['open_slots']") == 0
    assert ask("violations(folder)") == []
