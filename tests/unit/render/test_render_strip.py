"""The annotations of kustomize are read and gone, and nothing else is."""

from meshlint.render.origin.strip import Noted, stripped

OUTPUT = """\
apiVersion: v1
data:
  text: |
    metadata:
      annotations:
        config.kubernetes.io/origin: |
          path: kept.yaml
kind: ConfigMap
metadata:
  annotations:
    alpha.config.kubernetes.io/transformations: |
      - configuredBy:
          apiVersion: builtin
          kind: NamespaceTransformer
        configuredIn: kustomization.yaml
    config.kubernetes.io/origin: |
      path: ../base/a.yaml
    ours: |
      two

      lines
  name: a
---
apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    config.kubernetes.io/origin: |
      configuredIn: ../base/kustomization.yaml
      configuredBy:
        apiVersion: builtin
        kind: ConfigMapGenerator
  name: b
"""


def test_what_is_said_and_what_is_left() -> None:
    text, noted = stripped(OUTPUT)
    assert text.count("config.kubernetes.io") == 1 and "path: kept.yaml" in text
    assert "  annotations:\n    ours: |\n      two\n\n      lines\n  name: a\n---\n" in text
    assert text.endswith("metadata:\n  name: b\n")
    second = text.index("---\n") + len("---\n")
    assert noted == [Noted(0, "../base/a.yaml"), Noted(second, "", "../base/kustomization.yaml", "ConfigMapGenerator")]


def test_nothing_else_is_touched() -> None:
    plain = "apiVersion: v1\nkind: Namespace\nmetadata:\n  annotations:\n    a: b\n  name: shop\n"
    assert stripped(plain) == (plain, [Noted(0)])


def test_documents_are_changed_where_they_stand() -> None:
    text, noted = stripped("a: x\n---\na: y", lambda document: document.replace("x", "much longer"))
    assert text[noted[1].start :] == "a: y"
