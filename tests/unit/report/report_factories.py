"""Synthetic runs: a small repository as text, and findings at words of it."""

from __future__ import annotations

from typing import Any

from meshlint.model.position import Source
from meshlint.model.problem import Confidence, Edit, Finding, Fix, Impact, Location, NewFile, Related, ResourceName, Severity
from meshlint.model.rule import Rule
from meshlint.report.result import Coverage, EnvironmentReport, Result, Skipped


class Target:
    istio = "1.30"
    gateway_api = "1.5"
    channel = "standard"
    distribution = "upstream"

    def __init__(self, **detected_from: str) -> None:
        self.detected_from = {name.replace("_", "-"): origin for name, origin in detected_from.items()}


ROUTE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  namespace: shop
spec:
  hosts: [reviews]
  http:
    - route:
        - destination:
            host: reviews
            subset: v2
          weight: 90
        - destination:
            host: reviews
            subset: v3
          weight: 10
"""
SUBSETS = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  subsets:
    - name: v2
    - name: v3
"""


def place(source: Source, word: str, nth: int = 1) -> Location:
    """The place of the nth occurrence of a word."""
    offset = -1
    for _ in range(nth):
        offset = source.text.index(word, offset + 1)
    return Location.of(source.path, source.span(offset, offset + len(word)))


def rule(id: str = "ML101", name: str = "vs-subset-destination", severity: Severity = Severity.ERROR, **facts: Any) -> Rule:
    doc = """A route addresses a subset of a Service; Gateway API has no subsets.

    The waypoint drops the route, and traffic goes to all versions.
    """
    settings: dict[str, Any] = {"impact": Impact.BREAKS, "check": None, "doc": doc, "evidence": "code", **facts}
    return Rule(id, name, severity, **settings)


def finding(location: Location, **facts: Any) -> Finding:
    settings: dict[str, Any] = {
        "rule": "ML101",
        "name": "vs-subset-destination",
        "family": "traffic",
        "severity": Severity.ERROR,
        "impact": Impact.BREAKS,
        "confidence": Confidence.HIGH,
        "message": "the route addresses subset v2 of reviews.shop; Gateway API has no subsets",
        "remedy": "Make one Service per version and address these.",
        "location": location,
        "exact": True,
        "resource": ResourceName("networking.istio.io/v1", "VirtualService", "shop", "reviews"),
        "path": "spec.http[0].route[0].destination.subset",
        "environments": ("prod",),
        "related": (),
        "fix": None,
        "fingerprint": f"{location.line:04x}{location.column:04x}",
        **facts,
    }
    return Finding(**settings)


def coverage(**facts: Any) -> Coverage:
    settings: dict[str, Any] = {
        "found": 3,
        "read": 3,
        "manifests": 2,
        "other": 1,
        "skipped_files": 0,
        "documents": 2,
        "resources": 2,
        "environments": (EnvironmentReport("prod", "plain", ".", "static", None, {"istio": "1.29.2"}),),
        "skipped": (),
        **facts,
    }
    return Coverage(**settings)


def result(*findings: Finding, sources: tuple[Source, ...] = (), **facts: Any) -> Result:
    texts = {source.path: source for source in sources}
    rules = {item.rule: rule(item.rule, item.name, item.severity) for item in findings}
    settings: dict[str, Any] = {"target": Target(istio="default"), "coverage": coverage(), "rules": rules, "text_of": texts.get, **facts}
    return Result(findings=tuple(sorted(findings, key=lambda item: item.order)), **settings)


def full() -> Result:
    """A run in which every field of every type is used, with awkward names and texts."""
    route, subsets = Source("shop/reviews route,1%.yaml", ROUTE), Source("shop/subsets.yaml", SUBSETS)
    odd = Source("\u00fcml\u00e4ut/\U0001f600.yaml", "a:\t\U0001f600 value\u001b[31m\r\nb: two\r\n")
    edit = Edit(route.path, route.span(ROUTE.index("subset: v2"), ROUTE.index("          weight: 90")), "")
    insert = Edit(subsets.path, subsets.span(0, 0), "# checked\n")
    first = finding(
        place(route, "v2"),
        related=(Related(place(subsets, "v2"), "subset v2 is declared here"),),
        fix=Fix("Remove the subset", (edit, insert), safe=True),
        environments=("prod", "staging"),
    )
    second = finding(
        place(route, "v3"), severity=Severity.WARNING, exact=False, message="subset v3: 100% of {{ .Values.x }} [gone](1)\nsecond line"
    )
    note = finding(
        place(odd, "value"), rule="ML612", name="odd-value", family="extension", severity=Severity.NOTE, confidence=Confidence.LOW,
        impact=Impact.ADVICE, message="value \u001b[31m of \u202e text", remedy="", resource=None, path=None, environments=(),
        fix=Fix("Add a policy", new_files=(NewFile("shop/policy.yaml", "kind: X\n"),)),
    )  # fmt: skip
    protection = rule("ML612", "odd-value", Severity.NOTE, impact=Impact.UNENFORCED, evidence="inferred", remedy="Write it.")
    environments = (
        EnvironmentReport("prod", "kustomize", "overlays/prod", "rendered", None, {"istio": "1.29.2", "gateway_api": None}),
        EnvironmentReport("staging", "helm", "charts/app", "failed", "helm: values.yaml\nis missing", {}),
    )
    skipped = (Skipped("charts/app/templates/a b.yaml", "a template that no environment renders", ("AuthorizationPolicy",)),)
    return result(
        first, second, note,
        sources=(route, subsets, odd), target=Target(istio="clusters/prod/istiod.yaml:12", gateway_api="default"),
        coverage=coverage(found=4, skipped_files=1, environments=environments, skipped=skipped), suppressed=2, baselined=1,
        rules={"ML101": rule(), "ML612": protection}, notifications=("git failed, ignore rules were read by meshlint itself",), exit_code=1,
    )  # fmt: skip
