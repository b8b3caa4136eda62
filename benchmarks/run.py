"""Measures meshlint against the floors of the same machine, in one run: python benchmarks/run.py [--files 10000] [--repeat 3].

F: walk, stat, read and hash every byte. P: PyYAML's C parser composes every byte in one process, without the garbage collector.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from generate import SHAPES, Repository

ROOT = Path(__file__).resolve().parent.parent
FLOOR = """
import gc, hashlib, os, sys
gc.disable()
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(folder, name)
        os.stat(path)
        with open(path, "rb", 0) as file:
            {work}
"""
FLOORS = {"F": "hashlib.blake2b(file.read()).digest()", "P": "compose(file.read())"}
COMPOSE = """
import yaml
class Parser(yaml._yaml.CParser):
    def resolve(self, *_): return ""
    def descend_resolver(self, *_): pass
    def ascend_resolver(self, *_): pass
def compose(text):
    parser = Parser(text)
    try:
        while parser.check_node(): parser.get_node()
    except yaml.YAMLError: pass
"""


class Cost(NamedTuple):
    """Seconds of wall and CPU (all processes), MB at most of all processes together."""

    wall: float
    cpu: float
    memory: float


def measured(command: Sequence[str], cwd: Path) -> Cost:
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most: list[float] = [0.0]
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, most, done))
    watcher.start()
    _, _, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    done.set()
    watcher.join()
    process.returncode = 0
    return Cost(wall, used.ru_utime + used.ru_stime, max(most[0], used.ru_maxrss / 1024))


def _watch(process: int, most: list[float], done: threading.Event) -> None:
    while not done.wait(0.3):  # to ask costs the asked something, too
        most[0] = max(most[0], sum(_memory(one) for one in _tree(process)))


def _tree(process: int) -> Iterator[int]:
    yield process
    try:
        below = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return
    for child in below:
        yield from _tree(int(child))


def _memory(process: int) -> float:
    """MB of a process; what it shares with others counts in parts."""
    try:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        return 0.0
    return 0.0


def median(costs: Sequence[Cost]) -> Cost:
    return Cost(*(statistics.median(column) for column in zip(*costs, strict=True)))


def floor(name: str, folder: Path) -> Cost:
    before = COMPOSE if name == "P" else ""
    return measured([sys.executable, "-c", before + FLOOR.format(work=FLOORS[name]), str(folder)], folder)


class Runs:
    """meshlint over one folder, with a cache of its own."""

    def __init__(self, folder: Path, cache: Path, options: Sequence[str]) -> None:
        self.folder = folder
        self.command = [sys.executable, "-m", "meshlint", "check", "--exit-zero", "--render", "never", "--cache-dir", str(cache), *options]

    def run(self, *paths: str, cwd: Path | None = None) -> Cost:
        return measured([*self.command, *paths], cwd or self.folder)

    def cold(self) -> Cost:
        return self.run(".", "--no-cache")

    def changed(self) -> Cost:
        """One file is another one than in the run before."""
        self.run(".")
        first = next(path for path in sorted(self.folder.rglob("mesh.yaml")))
        first.write_bytes(first.read_bytes() + b"# changed\n")
        return self.run(".")

    def warm(self) -> Cost:
        self.run(".")
        return self.run(".")

    def one_in_project(self) -> Cost:
        """A file that was just saved, in a project that was looked at before."""
        path = next(path for path in sorted(self.folder.rglob("mesh.yaml")))
        self.run(str(path.relative_to(self.folder)))
        path.write_bytes(path.read_bytes() + b"# changed\n")
        return self.run(str(path.relative_to(self.folder)))

    def alone(self) -> Cost:
        with tempfile.TemporaryDirectory() as folder:
            path = next(path for path in sorted(self.folder.rglob("mesh.yaml")))
            (Path(folder) / "mesh.yaml").write_bytes(path.read_bytes())
            return self.run("mesh.yaml", cwd=Path(folder))


def table(folder: Path, repeat: int, options: Sequence[str]) -> Iterator[str]:
    yield f"load before: {' '.join(f'{one:.1f}' for one in os.getloadavg())}; {os.cpu_count()} CPUs\n"
    yield "| what | wall s | CPU s | MB | wall / F | wall / P | CPU / P |"
    yield "|---|---|---|---|---|---|---|"
    _age(folder)
    with tempfile.TemporaryDirectory() as cache:
        runs = Runs(folder, Path(cache), options)
        kinds: dict[str, Callable[[], Cost]] = {
            "F": partial(floor, "F", folder), "P": partial(floor, "P", folder), "cold": runs.cold, "warm": runs.warm,
            "one changed": runs.changed, "one reported in its project": runs.one_in_project, "one file alone": runs.alone,
            "--version": partial(measured, [sys.executable, "-m", "meshlint", "--version"], ROOT),
        }  # fmt: skip
        found: dict[str, list[Cost]] = {name: [] for name in kinds}
        for _ in range(repeat):  # interleaved: what else the machine does meets all alike
            for name, work in kinds.items():
                found[name].append(work())
                print(f"{name}: {found[name][-1].wall:.2f} s", file=sys.stderr, flush=True)
    costs = {name: median(several) for name, several in found.items()}
    f, p = costs["F"], costs["P"]
    for name, cost in costs.items():
        ratios = f"{cost.wall / f.wall:.1f} | {cost.wall / p.wall:.2f} | {cost.cpu / p.cpu:.2f}"
        yield f"| {name} | {cost.wall:.3f} | {cost.cpu:.3f} | {cost.memory:.0f} | {ratios} |"
    yield f"\nload after: {' '.join(f'{one:.1f}' for one in os.getloadavg())}"


def _age(folder: Path) -> None:
    """A file that was written a moment ago is believed by its content only."""
    for path in folder.rglob("*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))


def growth(options: Sequence[str]) -> Iterator[str]:
    """CPU seconds for a shape of three sizes, and the exponent that fits them: 1 is linear."""
    import math

    yield "| what grows | sizes | CPU s | exponent |"
    yield "|---|---|---|---|"
    sizes = {"documents": (300, 600, 1200), "routes": (500, 1000, 2000), "environments": (125, 250, 500), "policies": (1250, 2500, 5000)}
    for name, counts in sizes.items():
        costs = []
        for count in counts:
            with tempfile.TemporaryDirectory() as folder:
                SHAPES[name](Path(folder), count)
                costs.append(min(Runs(Path(folder), Path(folder), options).cold().cpu for _ in range(2)))
        base = Runs(ROOT / "examples", ROOT / "examples", options).run("--version").cpu
        exponent = math.log(max(costs[2] - base, 0.01) / max(costs[0] - base, 0.01)) / math.log(counts[2] / counts[0])
        yield f"| {name} | {', '.join(map(str, counts))} | {', '.join(f'{cost:.2f}' for cost in costs)} | {exponent:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--mesh-only", action="store_true")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="measure a copy of this repository, not one that is made")
    parser.add_argument("--growth", action="store_true", help="how cost grows, instead of the table")
    parser.add_argument("options", nargs="*", help="more options for meshlint, after --")
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as compiled:
        os.environ["PYTHONPYCACHEPREFIX"] = compiled  # as an installed package is: compiled
        _measure(options)


def _measure(options: argparse.Namespace) -> None:
    if options.growth:
        print(*growth(options.options), sep="\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.folder:
            import shutil

            shutil.copytree(options.folder, folder, dirs_exist_ok=True)
        else:
            made = Repository(Path(folder), mesh_only=options.mesh_only)
            made.fill(options.files)
            print(f"{made.files} files, {made.documents} documents, {made.bytes / 1e6:.1f} MB")
        (Path(folder) / "meshlint.toml").touch()  # one project
        for line in table(Path(folder), options.repeat, options.options):
            print(line, flush=True)


if __name__ == "__main__":
    main()
