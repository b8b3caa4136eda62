"""Small manifests that tests of the whole program are made from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec: {selector: {app: reviews}, ports: [{name: http, port: 9080}]}
"""

RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews.shop.svc.cluster.local
  subsets:
  - name: v1
    labels: {version: v1}
"""

ROUTE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews.shop.svc.cluster.local]
  http:
  - route:
    - destination: {host: reviews.shop.svc.cluster.local, subset: v9}
"""

MESH = {"service.yaml": SERVICE, "rule.yaml": RULE, "route.yaml": ROUTE}
"""Of the route an error (subset-undefined, related to the rule) and a warning (vs-mesh-without-waypoint); of the rule a note."""

ERROR, WARNING, NOTE = "subset-undefined", "vs-mesh-without-waypoint", "subset-unused"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def repository(folder: Path, files: Mapping[str, str]) -> Path:
    """A folder that is a git root for the search of the boundary, and for nothing else: git itself refuses it."""
    os.makedirs(folder / ".git", exist_ok=True)
    return write(folder, files)
