"""The bundled example shows what the README says it shows."""

from pathlib import Path

from tests.door import lint

ROOT = Path(__file__).parent.parent


def test_each_part_of_the_example_has_its_findings() -> None:
    found = {(f["file"].split("/")[-2], f["name"]) for f in lint(ROOT / "examples/bookshop").findings}
    assert {
        ("catalog", "vs-and-httproute-same-host"),
        ("reviews", "vs-subset-destination"),
        ("reviews", "subset-unused"),
        ("orders", "sidecar-connection-pool"),
        ("orders", "sidecar-outbound-policy"),
        ("orders", "envoyfilter-sidecar"),
        ("orders", "vs-fault-injection"),
        ("orders", "vs-source-match"),
        ("payments", "egress-gateway-classic"),
        ("payments", "se-wildcard-host"),
        ("mesh", "egress-registry-only"),
        ("ingress", "vs-bound-to-kubernetes-gateway"),
    } <= found
