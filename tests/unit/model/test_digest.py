import hashlib
import sys

import pytest

from meshlint.model.digest import _own, sha256


@pytest.mark.parametrize("content", [b"", b"a", "ü\x1f1".encode(), bytes(1000)])
def test_it_is_that_of_hashlib(content, monkeypatch):
    assert sha256(content).hexdigest() == hashlib.sha256(content).hexdigest()
    for module in ("_sha2", "_sha256"):
        monkeypatch.setitem(sys.modules, module, None)
    assert _own()(content).hexdigest() == sha256(content).hexdigest()
