"""The Services and DestinationRules of a cluster: who stands behind a name, a subset and a port."""

from __future__ import annotations

import json
from typing import Any

from tests.routing.common import Endpoint

Object = dict[str, Any]
PER_PORT = ("connectionPool", "outlierDetection", "loadBalancer", "tls")


class Cluster:
    def __init__(self, objects: list[Object], namespace: str) -> None:
        self.namespace = namespace
        self.services = {o["metadata"]["name"]: o["spec"] for o in objects if o["kind"] == "Service"}
        self.rules = {o["spec"]["host"].split(".")[0]: o["spec"] for o in objects if o["kind"] == "DestinationRule"}

    def ports(self, name: str) -> list[int]:
        return [port["port"] for port in self.services[name]["ports"]]

    def endpoint(self, name: str, port: int, subset: str | None = None, headers: str = "") -> Endpoint:
        name = name.split(".")[0]
        service = self.services[name]
        labels = dict(service["selector"])
        rule = self.rules.get(name, {})
        policy = self.policy(rule.get("trafficPolicy") or {}, {}, port)
        if subset is not None:
            (found,) = [one for one in rule["subsets"] if one["name"] == subset]
            labels.update(found.get("labels") or {})
            policy = self.policy(rule.get("trafficPolicy") or {}, found.get("trafficPolicy") or {}, port)
        held = next((one for one in service["ports"] if one["port"] == port), None)
        if held is None:
            return Endpoint((), port, "nowhere", headers)
        return Endpoint(tuple(sorted(labels.items())), held.get("targetPort", port), json.dumps(policy, sort_keys=True), headers)

    def policy(self, rule: Object, subset: Object, port: int) -> Object:
        """What holds for connections to a port: first the rule's own port settings, then the subset's fields, then its ports."""
        out = {key: value for key, value in rule.items() if key != "portLevelSettings"}
        for settings in rule.get("portLevelSettings") or ():
            if settings["port"]["number"] == port:
                out = {**{k: v for k, v in out.items() if k not in PER_PORT}, **{k: v for k, v in settings.items() if k != "port"}}
        out.update({key: value for key, value in subset.items() if key != "portLevelSettings"})
        for settings in subset.get("portLevelSettings") or ():
            if settings["port"]["number"] == port:
                out = {**{k: v for k, v in out.items() if k not in PER_PORT}, **{k: v for k, v in settings.items() if k != "port"}}
        return out
