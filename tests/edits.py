"""A small repository of all that environments are made of, and changes to it as people make them, by chance."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORDS = (
    "reviews", "catalog", "orders", "payments", "shop", "bookshop", "ambient", "none", "v1", "v2", "v9", "enabled", "waypoint", "mesh",
    "Service", "VirtualService", "istio-system", "ISTIO_MUTUAL", "default", "vars", "colours", "place", "ConfigMap", "{{ .Values.x }}",
)  # fmt: skip
COMMENTS = ("  # meshlint: ignore[all] because", "  # meshlint: ignore[vs-retries, nonsense]", "\n# meshlint: ignore-file[traffic] here")
EXTRA = {
    "kustomize/base/kustomization.yaml": "resources: [all.yaml]\n",
    "kustomize/base/all.yaml": """apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop, labels: {istio.io/use-waypoint: waypoint}}
spec: {selector: {app: cart}, ports: [{port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cart, namespace: shop}
spec: {host: cart, subsets: [{name: v1, labels: {version: v1}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart, namespace: shop}
spec: {hosts: [cart], http: [{route: [{destination: {host: cart, subset: v1}}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart, version: v1}}
    spec: {containers: [{name: cart, image: registry.example.com/cart:1}]}
""",
    "kustomize/prod/kustomization.yaml": "resources: [../base]\nnamespace: prod\nlabels: [{pairs: {tier: one}, includeTemplates: true}]\n",
    "kustomize/staging/kustomization.yaml": "resources: [../base]\nnamePrefix: st-\n",
    "flux/apps.yaml": """apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  path: ./flux/app
  sourceRef: {kind: GitRepository, name: flux-system}
  postBuild: {substituteFrom: [{kind: ConfigMap, name: vars}]}
""",
    "flux/vars.yaml": """apiVersion: v1
kind: ConfigMap
metadata: {name: vars, namespace: flux-system}
data: {place: shop, plane: ambient}
""",
    "flux/app/app.yaml": """apiVersion: v1
kind: Namespace
metadata: {name: "${place}", labels: {istio.io/dataplane-mode: "${plane}"}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: colours, namespace: shop}
data: {waypoint: mesh}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ingress, namespace: shop}
spec: {selector: {istio: ingress}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: outside, namespace: shop}
spec: {hosts: [shop.example.com], gateways: [ingress], http: [{route: [{destination: {host: cart.shop.svc.cluster.local}}]}]}
""",
    "plain/a/policy.yaml": """apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: allow, namespace: shop}
spec: {selector: {matchLabels: {app: cart}}, rules: [{to: [{operation: {methods: [GET]}}]}]}
""",
    "plain/b/policy.yaml": """apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: allow
  namespace: shop
  annotations: {meshlint.dev/ignore: "security: known"}
spec: {selector: {matchLabels: {app: cart}}, rules: [{to: [{operation: {paths: [/x]}}]}]}
""",
}


def write_repository(folder: Path) -> None:
    shutil.copytree(ROOT / "examples" / "bookshop", folder)
    for path, text in EXTRA.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


Edit = Callable[[random.Random, str], str]


def word(chance: random.Random, text: str) -> str:
    old = chance.choice(WORDS)
    return text.replace(old, chance.choice(WORDS), chance.choice((1, 1, 3))) if old in text else drop_line(chance, text)


def drop_line(chance: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    del lines[chance.randrange(len(lines) or 1) : chance.randrange(len(lines) or 1) + 1]
    return "".join(lines)


def twice(chance: random.Random, text: str) -> str:
    parts = text.split("---\n")
    return "---\n".join([*parts, chance.choice(parts)])


def without_document(chance: random.Random, text: str) -> str:
    parts = text.split("---\n")
    return "---\n".join(part for number, part in enumerate(parts) if number != chance.randrange(len(parts)))


def comment(chance: random.Random, text: str) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    lines[at] += chance.choice(COMMENTS)
    return "\n".join(lines)


def blank(_chance: random.Random, text: str) -> str:
    return "\n" + text


EDITS: tuple[Edit, ...] = (word, word, word, drop_line, twice, without_document, comment, comment, blank)
