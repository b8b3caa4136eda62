"""The objects of a made-up repository as text, the same for the same random numbers."""

from __future__ import annotations

import json
from random import Random

TEAMS = ("billing", "checkout", "fleet", "games", "hotel", "identity", "karma", "maps", "notes", "parcel", "quiz", "radio", "store")
STAGES = ("dev", "stage", "prod-east", "prod-west")
_WORDS = (
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "jetty", "kelp", "ledge", "marsh", "north", "otter",
    "pier", "quarry", "reef", "sound", "tide",
)  # fmt: skip


class Objects:
    """One application's objects. `random` decides on versions, numbers and what is left out."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def words(self, count: int) -> str:
        return " ".join(self.random.choice(_WORDS) for _ in range(count))

    def name(self, number: int) -> str:
        return f"{self.random.choice(_WORDS)}-{self.random.choice(_WORDS)}-{number}"

    def head(self, api_version: str, kind: str, name: str, namespace: str = "") -> str:
        where = f"  namespace: {namespace}\n" if namespace else ""
        note = f'  annotations: {{owner: "{self.words(2)}", about: "{self.words(8)}"}}\n' if self.random.random() < 0.4 else ""
        return f"apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: {name}\n{where}  labels:\n    app: {name}\n{note}"

    def namespace(self, name: str) -> str:
        return f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{istio-injection: enabled}}}}\n"

    def deployment(self, name: str, namespace: str) -> str:
        env = "".join(f'        - name: {self.random.choice(_WORDS).upper()}_{i}\n          value: "{self.words(2)}"\n' for i in range(8))
        return (
            f"{self.head('apps/v1', 'Deployment', name, namespace)}spec:\n  replicas: {self.random.randint(1, 9)} # by hand\n"
            f"  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n"
            f"    metadata:\n      labels: {{app: {name}, version: v1}}\n"
            f"    spec:\n      serviceAccountName: {name}\n      containers:\n      - name: main\n        image: img.test/{name}:1\n"
            f"        ports: [{{containerPort: 8080}}]\n        env:\n{env}"
            f"        resources:\n          requests: {{cpu: 100m, memory: 64Mi}}\n"
        )

    def service(self, name: str, namespace: str) -> str:
        ports = "  ports:\n  - name: http\n    port: 80\n    targetPort: 8080\n"
        return f"{self.head('v1', 'Service', name, namespace)}spec:\n  selector: {{app: {name}}}\n{ports}"

    def settings(self, name: str, namespace: str) -> str:
        lines = "".join(f"    {self.random.choice(_WORDS)}.{i}={self.words(3)}\n" for i in range(self.random.randint(5, 50)))
        return f"{self.head('v1', 'ConfigMap', f'{name}-settings', namespace)}data:\n  app.properties: |\n{lines}"

    def dashboard(self, name: str, namespace: str) -> str:
        panels = [
            {"id": i, "title": self.words(4), "targets": [{"expr": f'rate(requests{{app="{name}"}}[{m}m])'} for m in (1, 5, 15)]}
            for i in range(self.random.randint(20, 150))
        ]
        text = json.dumps({"title": name, "panels": panels}, indent=2).replace("\n", "\n    ")
        return f"{self.head('v1', 'ConfigMap', f'{name}-board', namespace)}data:\n  board.json: |\n    {text}\n"

    def role(self, name: str, namespace: str) -> str:
        rules = 'rules:\n- apiGroups: [""]\n  resources: [configmaps]\n  verbs: [get, list]\n'
        return f"{self.head('rbac.authorization.k8s.io/v1', 'Role', name, namespace)}{rules}"

    def crd(self, name: str) -> str:
        spec = f"spec:\n  group: test.invalid\n  names: {{kind: {name.title().replace('-', '')}, plural: {name}}}\n  scope: Namespaced\n"
        schema = "  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n"
        fields = self._fields(4, 10)
        head = self.head("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{name}.test.invalid")
        return f"{head}{spec}{schema}        type: object\n        properties:\n{fields}"

    def _fields(self, depth: int, indent: int) -> str:
        out, pad = "", " " * indent
        for number in range(self.random.randint(3, 6)):
            out += f"{pad}{self.random.choice(_WORDS)}{number}:\n{pad}  description: |-\n{pad}    {self.words(12)}\n"
            if depth and self.random.random() < 0.6:
                out += f"{pad}  type: object\n{pad}  properties:\n{self._fields(depth - 1, indent + 4)}"
            else:
                out += f"{pad}  type: string\n"
        return out

    def virtual_service(self, name: str, namespace: str, host: str = "") -> str:
        rules, host = "", host or name
        for number in range(self.random.randint(1, 4)):
            match = f"  - match:\n    - uri:\n        prefix: /{self.random.choice(_WORDS)}/{number}\n    route:\n"
            rules += match if self.random.random() < 0.5 else "  - route:\n"
            rules += f"    - destination:\n        host: {host}\n        subset: v{self.random.randint(1, 2)}\n"
            rules += "    timeout: 5s\n    retries: {attempts: 3, perTryTimeout: 2s}\n" if self.random.random() < 0.4 else ""
        head = self.head(f"networking.istio.io/{self.random.choice(('v1', 'v1beta1'))}", "VirtualService", name, namespace)
        return f"{head}spec:\n  hosts: [{host}]\n  http:\n{rules}"

    def destination_rule(self, name: str, namespace: str) -> str:
        subsets = "".join(f"  - name: v{i}\n    labels: {{version: v{i}}}\n" for i in (1, 2))
        policy = "  trafficPolicy:\n    connectionPool:\n      tcp: {maxConnections: 50}\n"
        head = self.head("networking.istio.io/v1", "DestinationRule", name, namespace)
        return f"{head}spec:\n  host: {name}\n{policy}  subsets:\n{subsets}"

    def policy(self, name: str, namespace: str) -> str:
        caller = f"cluster.local/ns/{self.random.choice(TEAMS)}/sa/{self.random.choice(_WORDS)}"
        rule = f"  - from:\n    - source: {{principals: [{caller}]}}\n"
        paths = f"    to:\n    - operation:\n        methods: [GET]\n        paths: [/{self.random.choice(_WORDS)}/*]\n"
        head = self.head("security.istio.io/v1", "AuthorizationPolicy", name, namespace)
        return f"{head}spec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  rules:\n{rule}{paths}"

    def service_entry(self, name: str, namespace: str) -> str:
        ports = "  ports:\n  - {number: 443, name: tls, protocol: TLS}\n  resolution: DNS\n"
        return f"{self.head('networking.istio.io/v1', 'ServiceEntry', name, namespace)}spec:\n  hosts: [{name}.test.invalid]\n{ports}"

    def http_route(self, name: str, namespace: str) -> str:
        parent = "  parentRefs:\n  - {name: public, namespace: edge}\n"
        match = f"  - matches:\n    - path: {{type: PathPrefix, value: /{name}}}\n"
        rules = f"  rules:\n{match}    backendRefs:\n    - {{name: {name}, port: 80}}\n"
        return f"{self.head('gateway.networking.k8s.io/v1', 'HTTPRoute', name, namespace)}spec:\n{parent}{rules}"

    def kustomization(self, files: list[str], namespace: str) -> str:
        head = f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: {namespace}\nresources:\n"
        return head + "".join(f"- {file}\n" for file in files)
