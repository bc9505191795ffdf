import os
import subprocess
import sys
from pathlib import Path

from celery.utils.nodenames import host_format

from sandbox.client import wait_for
from tests.workers.own_process import own_process
from workers.app import app


def test_a_worker_whose_output_nobody_reads_any_more_stops_when_it_is_told_to(
    environment: dict[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "workers", "worker", "--queues", "housekeeping", "--name", "unread"]
    bare = {"PATH": os.environ["PATH"], **environment}
    with subprocess.Popen(command, env=bare, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as worker:
        assert worker.stdout is not None
        worker.stdout.close()
        try:
            with own_process(environment):
                node = [host_format("unread@%h")]
                wait_for(lambda: app.control.ping(destination=node, timeout=1), "the worker", 30)
            worker.terminate()
            assert worker.wait(timeout=25) == 0
        finally:
            worker.kill()
