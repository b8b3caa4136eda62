"""A small repository of mesh objects, written as text, the same each time: for runs that are to be compared."""

from pathlib import Path

_APP = """apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {team}}}
spec:
  template:
    metadata: {{labels: {{app: {name}, version: v1}}}}
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: {team}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80}}]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: {name}}}
rules:
- apiGroups: [""]
  resources: [pods]
  verbs: [get]
"""
_MESH = """apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {name}, namespace: {team}}}
spec:
  hosts: [{name}]
  http:
  - match: [{{sourceLabels: {{app: x}}}}]
    retries: {{attempts: 3, perTryTimeout: 2s, retryOn: 5xx}}
    fault: {{abort: {{percentage: {{value: 1}}, httpStatus: 500}}}}
    route:
    - destination: {{host: {name}, subset: v1}}
    - destination: {{host: {name}, subset: v{number}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: {name}, namespace: {team}}}
spec:
  host: {name}
  subsets:
  - {{name: v1, labels: {{version: v1}}}}
  - &old {{name: v2, labels: {{version: v2}}}}
"""
_ODD = (
    "a: [\n",
    "# nothing\n",
    "{{{{ if .Values.x }}}}\nkind: Gateway\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: istio, namespace: istio-system}}\ndata:\n  mesh: |-\n"
    "    outboundTrafficPolicy: {{mode: REGISTRY_ONLY}}\n",
    "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n"
    "  name: httproutes.gateway.networking.k8s.io\n  annotations:\n"
    "    gateway.networking.k8s.io/bundle-version: v1.2.0\n    gateway.networking.k8s.io/channel: experimental\nspec:\n  x: {long}\n",
    "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {{tag: 1.24.3, profile: ambient}}\n",
    "resources: [app.yaml, mesh.yaml]\nnamespace: {team}\n",
)


def write(folder: Path, apps: int) -> int:
    """Write the files of so many applications; gives the number of files."""
    count = 0
    for number in range(apps):
        words = {"name": f"app-{number}", "team": f"team-{number % 7}", "number": number % 4, "long": "y" * 3_000}
        odd = number % len(_ODD)
        here = folder / f"team-{number % 7}" / f"app-{number}"
        here.mkdir(parents=True)
        named = {"app.yaml": _APP, "mesh.yaml": _MESH, "kustomization.yaml" if odd == len(_ODD) - 1 else "odd.yaml": _ODD[odd]}
        for name, text in named.items():
            (here / name).write_text(text.format(**words), encoding="utf-8", newline="\r\n" if number % 5 == 0 else "\n")
            count += 1
    return count
