"""schemas/build.py gives the committed tables again, byte for byte."""

import importlib.util
import json
import os
from pathlib import Path

import pytest

from meshlint.bundled import folder
from meshlint.model.target import resolve_target

SCHEMAS = Path(folder("schemas"))
FACTS = os.environ.get("MESHLINT_FACTS", "")


def build():
    spec = importlib.util.spec_from_file_location("schemas_build", SCHEMAS / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not FACTS, reason="MESHLINT_FACTS does not name a folder of fact tables")
def test_the_tables_give_the_committed_files_again():
    made = build().outputs(Path(FACTS))
    assert {path: (SCHEMAS / path).read_bytes() for path in made} == made


@pytest.mark.skipif(not FACTS, reason="MESHLINT_FACTS does not name a folder of fact tables")
def test_it_writes_into_any_folder(tmp_path):
    assert build().main([FACTS, str(tmp_path)]) == 0
    assert (tmp_path / "compat/istio-gateway-api.json").read_bytes() == (SCHEMAS / "compat/istio-gateway-api.json").read_bytes()


@pytest.mark.skipif(not FACTS, reason="MESHLINT_FACTS does not name a folder of fact tables")
def test_targets_agree_with_the_table_of_kinds_that_istio_does_not_read():
    codes = {"watches": "version-not-served", "CRD below": "crd-below-minimum", "CRD above": "crd-above-maximum"}
    releases = json.loads(Path(FACTS, "compat.json").read_text("utf-8"))["releases"]
    for istio, release in releases.items():
        for gateway_api, channels in release["notReadable"].items():
            for channel, kinds in channels.items():
                target = resolve_target(f"istio={istio},gateway-api={gateway_api},channel={channel}")
                for kind, why in kinds.items():
                    expected = {code for words, code in codes.items() if words in why}
                    assert expected == set(target.route(kind).codes) & set(codes.values()), (str(target), kind)


def test_without_tables_it_says_how_to_use_it(capsys):
    assert build().main([]) == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("[!m]*/*.json")), ids=lambda path: path.name)
def test_tables_are_compact_and_sorted(path):
    text = path.read_text("utf-8")
    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n" == text


def test_sources_name_the_tags_of_the_tables():
    text = (SCHEMAS / "SOURCES.toml").read_text("utf-8")
    for release in json.loads((SCHEMAS / "compat/istio-gateway-api.json").read_text())["releases"].values():
        assert f'"{release["tag"]}"' in text
    for release in json.loads((SCHEMAS / "gateway-api/releases.json").read_text())["releases"].values():
        assert f'"{release["tag"]}"' in text
