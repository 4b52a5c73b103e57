"""The real server over the database of the tests, for what the test server cannot show."""

import os
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


class Server:
    """gunicorn over the database of the tests, which can be started again at its address."""

    def __init__(self, folder: Path, module: str, **environment: str) -> None:
        self.module = module
        with closing(socket.create_server(("127.0.0.1", 0))) as found:
            self.bind = f"127.0.0.1:{found.getsockname()[1]}"
        database = connection.settings_dict
        host, name = quote(str(database["HOST"]), safe=""), database["NAME"]
        address = f"{database['USER']}@{host}:{database['PORT']}/{name}"
        self.environment = {
            **os.environ,
            "DATABASE_URL": f"postgresql://{address}",
            "SECRET_KEY": settings.SECRET_KEY,
            "STEPMARK_HOSTS": "127.0.0.1",
            "STEPMARK_HTTPS": "0",
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        self.log = folder / "gunicorn.log"
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", f"{self.module}:application",
                 "--threads", "4", "--bind", self.bind],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            with closing(socket.socket()) as door:
                if door.connect_ex(("127.0.0.1", int(self.bind.split(":")[1]))) == 0:
                    return
            time.sleep(0.1)
        pytest.fail(f"gunicorn did not start: {self.log.read_text()}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
