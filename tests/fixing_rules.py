"""Rules for the tests of fixes: a ConfigMap says in `data.wrong` what its finding and its fix are."""

from __future__ import annotations

from pathlib import Path

RULES = '''from meshlint.api import Fix, Impact, Kind, Problem, Severity, changes, rule


@rule("FIX101", "fix-wrong", Severity.WARNING, impact=Impact.ADVICE, each=Kind.CONFIG_MAP, remedy="Mend it.")
def wrong(resource, mesh):
    """Something is wrong.

    Remedy: mend it. Not reported when nothing is.
    """
    at = resource.root.get("data", "wrong")
    if at:
        yield Problem(at, f"{resource.title} is {at.value}.", fix=lambda: _fix(resource, at))


def _fix(resource, at):
    how = at.text
    made = changes()
    if how == "raise":
        raise ValueError("no fix today")
    if how == "leave":
        return made.set_key(resource.root, ("data", "other"), "x").fix("Leave it", safe=True)
    made.remove(at, prune=True)
    if how in ("error", "hole", "late"):
        made.set_key(resource.root, ("data", how), "1")
    if how in ("new", "newer"):
        name = resource.name if how == "newer" else "made"
        made.add_object(resource, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}})
    if how == "gone":
        return changes().remove_document(resource.root).fix("Delete it", safe=True)
    if how == "raw":
        return Fix("Raw", made.fix("").edits, safe=True)
    return made.fix(f"Mend {how}", safe=how != "unsafe")


@rule("FIX102", "fix-error", Severity.ERROR, impact=Impact.IGNORED, each=Kind.CONFIG_MAP, remedy="None.")
def error(resource, mesh):
    """An error.

    Remedy: none. Not reported when there is none.
    """
    at = resource.root.get("data", "error")
    if at:
        yield Problem(at, "That is an error.", final=True)


@rule("FIX103", "fix-hole", Severity.WARNING, impact=Impact.UNENFORCED, each=Kind.CONFIG_MAP, remedy="None.")
def hole(resource, mesh):
    """A hole.

    Remedy: none. Not reported when there is none.
    """
    at = resource.root.get("data", "hole")
    if at:
        yield Problem(at, "That is a hole.")


@rule("FIX104", "fix-shared", Severity.WARNING, impact=Impact.ADVICE, each=Kind.CONFIG_MAP, remedy="Share it.")
def shared(resource, mesh):
    """All ConfigMaps with data.share want one label on the object that it names.

    Remedy: the label. Not reported when it is there.
    """
    at = resource.root.get("data", "share")
    other = mesh.find(Kind.CONFIG_MAP, resource.namespace, at.text or "")
    if at and other is not None and "shared" not in other.labels:
        value = resource.root.get("data", "as").text or "yes"
        yield Problem(at, f"{other.title} has no label.", fix=lambda: changes().label(other, "shared", value).fix("Label it", safe=True))
'''


def rules(folder: Path, select: str = "FIX1") -> list[str]:
    """The options that bring the rules, and leave all others out."""
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "rules.py").write_text(RULES, encoding="utf-8")
    return ["--rules", str(folder / "rules"), "--select", select]


def config_map(name: str, **data: str) -> str:
    lines = "".join(f"  {key}: {value}\n" for key, value in data.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: shop\ndata:\n  keep: me # a comment\n{lines}"
