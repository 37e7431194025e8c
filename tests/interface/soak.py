"""Lets 32 clients do what users and attackers do, in random order, and says how app.py stood it.

    python -m tests.interface.soak [--minutes 10] [--clients 32] [--seed 0] [-- arguments of app.py]

Starts app.py on a free port with a folder of its own for uploads. The clients segment and compare
pictures, open permalinks, edit names, change tabs, send broken files, forged paths and values of
wrong types, stop runs and close connections. Every label map is compared with the one that a
predictor in this process computed beforehand. Printed are the outcomes by sentence, what must not
happen (mixed, lost or uncaught answers, tracebacks), the server's memory (Linux) and the longest
wait. Ends with 1 where a fault was found, or where the memory does not come back to within a tenth
of what it was after a minute of the same. Takes two minutes more than asked for, and 2 GB.
The server keeps few answers and features (--cache-mb), so that its cache is full after that minute:
what grows afterwards is a leak.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
from PIL import Image

from tests.interface.soak_clients import Client
from tests.interface.soak_page import Deck, PageMap, Picture, Tally, read_page
from tqdm_demo.checkpoints.sources import BUNDLED
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.interface.examples import read_examples

ROOT = Path(__file__).resolve().parents[2]
LISTS = (
    ["road", "sky", "building"],
    ["road", "sidewalk", "building", "vegetation", "sky", "car", "person"],
    ["car, automobile", "sky", "taxi", "zebra"],
    [f"thing {number}" for number in range(40)],
)
PICTURES = 10
WARM_MINUTES = 1.0
IDLE_SECONDS = 20.0
CACHE_MB = "64"
# What a web server writes of a client that left in the middle of a file.
LEFT = "starlette.requests.ClientDisconnect"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs everything and prints the report.

    Raises:
        SystemExit: 1 where a fault was found.
    """
    parser = argparse.ArgumentParser(description="Shows by load that app.py stands its users.")
    parser.add_argument("--minutes", type=float, default=10, help="of load (default: 10)")
    parser.add_argument("--clients", type=int, default=32, help="at once (default: 32)")
    parser.add_argument("--seed", type=int, default=0, help="of what they do (default: 0)")
    parser.add_argument("--patience", type=float, default=300, metavar="SECONDS",
                        help="until an answer counts as lost (default: 300)")  # fmt: skip
    parser.add_argument("app", nargs="*", metavar="ARGUMENT", help="of app.py")
    options = parser.parse_args(arguments)
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    deck = make_deck()
    with TemporaryDirectory() as folder, serve(Path(folder), options.app) as (url, server):
        page, tally, memory = read_page(url), Tally(), Memory(server.pid)
        load(url, page, deck, Tally(), options, WARM_MINUTES, options.seed + 1)
        idle = memory.when_idle()
        load(url, page, deck, tally, options, options.minutes, options.seed)
        end = memory.when_idle()
        log = (Path(folder) / "log.txt").read_text(encoding="utf-8", errors="replace")
        if server.poll() is not None:
            tally.fault(f"app.py ended with {server.returncode}")
        for error in uncaught(log):
            tally.fault(f"in the server's log: {error}"[:160])
        if end > 1.1 * idle:
            tally.fault("memory did not come back")
        print(report(tally))
        print(f"memory in MB: {idle:.0f} first idle, {memory.peak:.0f} peak, {end:.0f} at the end")
        if tally.faults:
            kept = ROOT / "runs" / "soak-log.txt"
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(log, encoding="utf-8")
            raise SystemExit(f"soak: faults were found; the server's log is in {kept}")


def uncaught(log: str) -> list[str]:
    """The last line of every traceback, without those of clients that left."""
    parts = log.split("Traceback (most recent call last):\n")[1:]
    last = [next((row for row in part.splitlines() if row[:1].strip()), "") for part in parts]
    return [line for line in last if not line.startswith(LEFT)]


def make_deck() -> Deck:
    """Pictures of distinct sizes, and every model's answer for every class list."""
    rng = np.random.default_rng(0)
    pictures = []
    for number in range(PICTURES):
        examples = read_examples()
        image = Image.open(examples[number % len(examples)].path).convert("RGB")
        image = image.resize((200 + 8 * number, 100 + 6 * int(rng.integers(0, 8))))
        file = BytesIO()
        image.save(file, "PNG")
        pictures.append(Picture(np.asarray(image), file.getvalue()))
    expected = {}
    for model, source in enumerate(BUNDLED):
        predictor = Predictor.load(source, "cpu")
        for key, picture in enumerate(pictures):
            for chosen, names in enumerate(LISTS):
                found = predictor.segment(picture.pixels, names)
                expected[key, chosen, model] = found.label_map
    return Deck(pictures, list(LISTS), list(BUNDLED), expected)


@contextmanager
def serve(folder: Path, more: Sequence[str]) -> Iterator[tuple[str, subprocess.Popen]]:
    """Starts app.py, and ends it afterwards; its uploads and its log are in a folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "uploads").mkdir()
    environment = {
        **os.environ,
        "GRADIO_TEMP_DIR": str(folder / "uploads"),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
    }
    command = [sys.executable, "app.py", "--port", str(port), "--cache-mb", CACHE_MB, *more]
    url = f"http://127.0.0.1:{port}"
    with (folder / "log.txt").open("wb") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            if not wait_for(url, server):
                said = (folder / "log.txt").read_text(encoding="utf-8", errors="replace")
                raise SystemExit(f"soak: app.py does not answer\n{said[-2000:]}")
            yield url, server
        finally:
            server.terminate()
            server.wait()


def wait_for(url: str, server: subprocess.Popen, patience: float = 600) -> bool:
    """Waits until the page answers; False = it has ended, or needs too long."""
    deadline = time.monotonic() + patience
    while server.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/config", trust_env=False).raise_for_status()
            return True
        except httpx.HTTPError:
            time.sleep(0.5)
    return False


def load(
    url: str,
    page: PageMap,
    deck: Deck,
    tally: Tally,
    options: argparse.Namespace,
    minutes: float,
    seed: int,
) -> None:
    """Lets all clients act until the time is over."""
    deadline = time.monotonic() + 60 * minutes

    def live(number: int) -> None:
        rng = random.Random(1000 * seed + number)
        client = Client(url, page, deck, tally, rng, options.patience)
        while time.monotonic() < deadline:
            client.act()
            time.sleep(rng.random() / 2)
        client.http.close()

    with ThreadPoolExecutor(options.clients) as pool:
        for job in [pool.submit(live, number) for number in range(options.clients)]:
            job.result()


class Memory:
    """Watches the memory of a process, in MB; 0 where the system does not tell.

    Attributes:
        peak: the most that was seen.
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0.0
        self._file = Path(f"/proc/{pid}/status")
        threading.Thread(target=self._watch, daemon=True).start()

    def now(self) -> float:
        """Resident memory."""
        try:
            found = re.search(r"^VmRSS:\s+(\d+)", self._file.read_text(), re.M)
        except OSError:
            found = None
        return int(found[1]) / 1024 if found else 0.0

    def when_idle(self) -> float:
        """Resident memory some seconds after the last request."""
        time.sleep(IDLE_SECONDS)
        return self.now()

    def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, self.now())
            time.sleep(0.5)


def report(tally: Tally) -> str:
    """The outcomes, most frequent first, and what must not happen."""
    lines = [f"{'how often':>9}  action: outcome"]
    for (action, said), count in tally.outcomes.most_common():
        lines.append(f"{count:9}  {action}: {said}")
    lines.append(f"answers: {tally.outcomes.total()}; faults: {tally.faults.total()}")
    lines += [f"{count:9}  FAULT {words}" for words, count in tally.faults.most_common()]
    seconds, action = tally.longest
    lines.append(f"longest wait: {seconds:.1f} s ({action})")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
