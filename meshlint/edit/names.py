"""Names of produced objects, within the limits of Kubernetes, and of their files: the same input gives the same name."""

from __future__ import annotations

from meshlint.model.lazy_regex import lazy_regex

LABEL = 63
_OTHER = lazy_regex(r"[^a-z0-9-]+")
_NO_FILE = lazy_regex(r"[^A-Za-z0-9._-]+")
_LONGEST = 200  # characters of a file's name


def label(text: str, most: int = LABEL) -> str:
    """A DNS label that begins with a letter. What had to be changed or cut leaves a short hash of the text behind, so that two texts
    do not become one name."""
    name = _OTHER.sub("-", text.lower()).strip("-")
    name = name if name[:1].isalpha() else f"x-{name}".rstrip("-")
    if name == text and len(name) <= most:
        return name
    from meshlint.model.digest import sha256

    mark = sha256(text.encode()).hexdigest()[:6]
    return f"{name[: most - 7].rstrip('-')}-{mark}"


def joined(*parts: str, most: int = LABEL) -> str:
    return label("-".join(part for part in parts if part), most)


def for_file(text: str) -> str:
    """The name of an object as that of a file. A manifest may give it any name, also one that leads out of the folder."""
    return _NO_FILE.sub("-", text).strip("-.")[:_LONGEST] or "object"
