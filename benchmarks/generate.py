"""Makes a repository of a chosen size, the same for the same numbers: python benchmarks/generate.py FOLDER --files 10000."""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random

from objects import STAGES, TEAMS, Objects


class Repository:
    """Applications with a base and overlays, objects of clusters, CRDs; `mesh_only` leaves out what no rule reads."""

    def __init__(self, folder: Path, seed: int = 7, *, mesh_only: bool = False) -> None:
        self.folder = folder
        self.random = Random(seed)  # noqa: S311
        self.make = Objects(self.random)
        self.mesh_only = mesh_only
        self.files = self.documents = self.bytes = 0

    def write(self, path: str, *documents: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        text = "---\n".join(documents).encode()
        file.write_bytes(text.replace(b"\n", b"\r\n") if self.files % 250 == 249 else text)
        self.files += 1
        self.documents += len(documents)
        self.bytes += len(text)

    def application(self, number: int) -> None:
        make, team = self.make, self.random.choice(TEAMS)
        name = make.name(number)
        base = f"apps/{team}/{name}/base"
        self.write(f"{base}/app.yaml", make.deployment(name, team), make.service(name, team), *self._rest(name, team))
        route = [make.http_route(name, team)] if self.random.random() < 0.3 else []
        mesh = (make.virtual_service(name, team), make.destination_rule(name, team), make.policy(name, team), *route)
        self.write(f"{base}/mesh.yaml", *mesh)
        files = ["app.yaml", "mesh.yaml"]
        if self.random.random() < 0.15:
            self.write(f"{base}/entry.yaml", make.service_entry(name, team))
            files.append("entry.yaml")
        if not self.mesh_only and self.random.random() < 0.2:
            self.write(f"{base}/board.yaml", make.dashboard(name, team))
            files.append("board.yaml")
        self.write(f"{base}/kustomization.yaml", make.kustomization(files, team))
        for stage in self.random.sample(STAGES, self.random.choice((0, 1, 2))):
            self.write(f"apps/{team}/{name}/{stage}/kustomization.yaml", make.kustomization(["../base"], f"{team}-{stage}"))
        for stage in self.random.sample(STAGES, self.random.choice((0, 1))):
            where = f"{team}-{stage}"
            own = (make.namespace(where), make.virtual_service(name, where), make.destination_rule(name, where))
            self.write(f"clusters/{stage}/{team}/{name}.yaml", *own)

    def _rest(self, name: str, team: str) -> list[str]:
        return [] if self.mesh_only else [self.make.settings(name, team), self.make.role(name, team)]

    def fill(self, files: int) -> None:
        """Applications, and one CRD for each hundred files."""
        number = 0
        while self.files < files - 6:
            self.application(number)
            number += 1
            if not self.mesh_only and self.files % 100 < 6:
                self.write(f"platform/crds/{number}.yaml", self.make.crd(self.make.name(number)))
        while self.files < files:
            self.write(f"platform/more/{self.files}.yaml", self.make.service(f"more-{self.files}", "more"))


def one_file(folder: Path, documents: int) -> None:
    """All documents in one file."""
    made = Repository(folder)
    kinds = (made.make.service, made.make.virtual_service, made.make.policy)
    made.write("all.yaml", *(kind(f"a{number}", "a") for number in range(documents // 3) for kind in kinds))


def one_host(folder: Path, routes: int) -> None:
    """All routes at one host, a VirtualService each."""
    made = Repository(folder)
    made.write("service.yaml", made.make.service("a", "a"), made.make.destination_rule("a", "a"))
    for number in range(0, routes, 50):
        made.write(f"{number}.yaml", *(made.make.virtual_service(f"a{n}", "a", "a") for n in range(number, number + 50)))


def overlays(folder: Path, count: int) -> None:
    """Overlays of one base."""
    made = Repository(folder)
    made.write("base/app.yaml", made.make.deployment("a", ""), made.make.service("a", ""), made.make.virtual_service("a", ""))
    made.write("base/kustomization.yaml", made.make.kustomization(["app.yaml"], "base"))
    for number in range(count):
        made.write(f"o{number}/kustomization.yaml", made.make.kustomization(["../base"], f"n{number}"))


def policies(folder: Path, count: int) -> None:
    """AuthorizationPolicies, some hundred in a namespace."""
    made = Repository(folder)
    for number in range(0, count, 50):
        names = [f"p{n}" for n in range(number, number + 50)]
        made.write(f"{number}.yaml", *(made.make.policy(name, f"n{number // 500}") for name in names))


SHAPES = {"documents": one_file, "routes": one_host, "environments": overlays, "policies": policies}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--mesh-only", action="store_true", help="no CRDs, dashboards, settings and roles")
    options = parser.parse_args()
    made = Repository(options.folder, options.seed, mesh_only=options.mesh_only)
    made.fill(options.files)
    print(f"{made.files} files, {made.documents} documents, {made.bytes} bytes")


if __name__ == "__main__":
    main()
