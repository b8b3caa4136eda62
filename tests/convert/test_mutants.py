"""The proof is worth something only if it notices a converter that is wrong: each of these is one, and has to be found out."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from meshlint.model.conversion import Outcome
from meshlint.model.resource import Resource
from meshlint.semantics.convert import (
    actions,
    converter,
    httproute,
    matches,
    order,
    paths,
    policy,
    reading,
    rewriting,
    subsets,
    trafficpolicy,
)
from meshlint.semantics.convert.parts import Part
from tests.routing.convert import converted
from tests.routing.generate import World, worlds
from tests.routing.proof import prove

Json = dict[str, Any]
Patch = Callable[[pytest.MonkeyPatch], None]


def _document(change: Callable[[Json], Json]) -> Patch:
    """A mutant that writes rules of HTTPRoutes down wrongly."""
    real = httproute.document
    return lambda patch: patch.setattr(httproute, "document", lambda *args: change(real(*args)))


def _without(rule: Json, *keys: str) -> Json:
    return {key: value for key, value in rule.items() if key not in keys}


def _last_match_lost(rule: Json) -> Json:
    return {**rule, "matches": rule["matches"][:-1]} if len(rule.get("matches", ())) > 1 else rule


def _conditions_lost(field: str) -> Callable[[Json], Json]:
    return lambda rule: {**rule, "matches": [_without(match, field) for match in rule["matches"]]} if "matches" in rule else rule


def _weights_lost(rule: Json) -> Json:
    return {**rule, "backendRefs": [_without(ref, "weight") for ref in rule["backendRefs"]]} if "backendRefs" in rule else rule


def _missing_weights_count(rule: Json) -> Json:
    refs = [{**ref, "weight": ref.get("weight") or 1} for ref in rule.get("backendRefs", ())]
    return {**rule, "backendRefs": refs} if refs else rule


def _filters_lost(kind: str) -> Callable[[Json], Json]:
    return lambda rule: {**rule, "filters": [one for one in rule.get("filters", ()) if one["type"] != kind]}


def _backend_filters_lost(rule: Json) -> Json:
    return {**rule, "backendRefs": [_without(ref, "filters") for ref in rule["backendRefs"]]} if "backendRefs" in rule else rule


def _mirror_whole(rule: Json) -> Json:
    filters = [
        {**one, "requestMirror": _without(one["requestMirror"], "percent", "fraction")} if "requestMirror" in one else one
        for one in rule.get("filters", ())
    ]
    return {**rule, "filters": filters} if filters else rule


def _reversed_rules(patch: pytest.MonkeyPatch) -> None:
    real = httproute.rules_of
    patch.setattr(httproute, "rules_of", lambda *args: real(*args)[::-1])


def _order_not_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(order._Order, "overtakes", lambda *args: False)


def _prefix_by_segments(patch: pytest.MonkeyPatch) -> None:
    real = paths.forms
    patch.setattr(paths, "forms", lambda path, expression=False: real(path, expression)[:1])


def _slash_at_the_end_ignored(patch: pytest.MonkeyPatch) -> None:
    real = reading.path_of
    patch.setattr(reading, "path_of", lambda kind, value: real(kind, value.rstrip("/") or "/"))


def _presence_lost(patch: pytest.MonkeyPatch) -> None:
    real = reading._patterns
    patch.setattr(reading, "_patterns", lambda *args, **more: {k: v for k, v in real(*args, **more).items() if v.kind != "present"})


def _subset_labels_lost(patch: pytest.MonkeyPatch) -> None:
    real = subsets._service
    patch.setattr(subsets, "_service", lambda base, name, selector: real(base, name, {"app": selector["app"]}))


def _subset_policy_lost(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(subsets, "merged", lambda rule, subset: rule)


def _rule_policy_lost(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(subsets, "merged", lambda rule, subset: trafficpolicy.merged({}, subset))


def _any_rewrite(patch: pytest.MonkeyPatch) -> None:
    real = rewriting.Rewrite._path

    def careless(self: rewriting.Rewrite, atom: matches.Atom) -> dict[str, str] | None:
        try:
            return real(self, atom)
        except rewriting.Stay:
            return {"type": "ReplaceFullPath", "replaceFullPath": self.uri}

    patch.setattr(rewriting.Rewrite, "_path", careless)


def _retries_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(actions, "retry", lambda *args: None)


def _half_seconds_lost(patch: pytest.MonkeyPatch) -> None:
    real = policy.duration
    patch.setattr(policy, "duration", lambda node: real(node).replace("500ms", "") or "1s")


def _rank_without(field: str) -> Patch:
    fields = [one for one in ("headers", "query") if one != field]

    def rank(self: matches.Atom) -> tuple[int, ...]:
        return (*self.form.rank, int(self.match.method is not None), *(len(getattr(self.match, one)) for one in fields))

    return lambda patch: patch.setattr(matches.Atom, "rank", property(rank))


def _effect_without(field: str) -> Patch:
    def effect(self: actions.Action) -> str:
        rewrite = self.rewrite and (self.rewrite.uri, self.rewrite.full, self.rewrite.hostname)
        held = {"filters": self.filters, "backends": self.backends, "timeouts": self.timeouts, "retry": self.retry, "rewrite": rewrite}
        return repr({key: value for key, value in held.items() if key != field})

    return lambda patch: patch.setattr(actions.Action, "effect", property(effect))


def _condition_lost(field: str, empty: object) -> Patch:
    real = reading._read
    return lambda patch: patch.setattr(reading, "_read", lambda at: (one._replace(**{field: empty}) for one in real(at)))


def _no_exact_path_for_a_slash(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(order._Order, "taken", lambda *args: True)


def _gateways_of_what_is_left(patch: pytest.MonkeyPatch) -> None:
    real = converter.remainder

    def keeps(service: Resource, staying: Collection[Part]) -> Json:
        left = dict(real(service, staying))
        written = [node.text for node in service.spec.each("gateways")]
        return {**left, "spec": {**left["spec"], **({"gateways": written} if written else {})}}

    patch.setattr(converter, "remainder", keeps)


MUTANTS: dict[str, Patch] = {
    "drops the last match of a rule": _document(_last_match_lost),
    "drops paths": _document(_conditions_lost("path")),
    "drops headers": _document(_conditions_lost("headers")),
    "drops query parameters": _document(_conditions_lost("queryParams")),
    "drops methods": _document(_conditions_lost("method")),
    "loses weights": _document(_weights_lost),
    "takes a missing weight for one": _document(_missing_weights_count),
    "loses timeouts": _document(lambda rule: _without(rule, "timeouts")),
    "loses rewrites": _document(_filters_lost("URLRewrite")),
    "loses mirrors": _document(_filters_lost("RequestMirror")),
    "loses header changes": _document(_filters_lost("RequestHeaderModifier")),
    "loses header changes of one destination": _document(_backend_filters_lost),
    "mirrors all instead of a share": _document(_mirror_whole),
    "turns the rules round": _reversed_rules,
    "does not keep the order": _order_not_kept,
    "takes a prefix for segments": _prefix_by_segments,
    "ignores a slash at the end": _slash_at_the_end_ignored,
    "drops the presence of a header": _presence_lost,
    "drops labels of subsets": _subset_labels_lost,
    "drops the policy of subsets": _subset_policy_lost,
    "drops the policy above subsets": _rule_policy_lost,
    "rewrites what cannot be rewritten": _any_rewrite,
    "forgets retries": _retries_forgotten,
    "cuts durations": _half_seconds_lost,
    "does not count headers": _rank_without("headers"),
    "does not count query parameters": _rank_without("query"),
    "takes rules for the same that differ in a timeout": _effect_without("timeouts"),
    "takes rules for the same that differ in a rewrite": _effect_without("rewrite"),
    "drops ports": _condition_lost("port", None),
    "drops gateways": _condition_lost("gateways", ()),
    "takes a path without its slash along": _no_exact_path_for_a_slash,
    "leaves what is converted where it was": _gateways_of_what_is_left,
    "loses header changes of responses": _document(_filters_lost("ResponseHeaderModifier")),
}


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_converter_is_found_out(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS[mutant](monkeypatch)

    @settings(
        max_examples=1500, deadline=None, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )  # fmt: skip
    @given(worlds())
    def holds(world: World) -> None:
        found = converted(world.objects)
        if found.outcome is not Outcome.STAYS:
            prove(world, found)

    with pytest.raises(AssertionError):
        holds()
