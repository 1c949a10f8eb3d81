"""The gallery names what it holds."""

from __future__ import annotations

import re

from polarflow.notes import gallery as galleries
from polarflow.notes.gallery import gallery
from proofs_check.ledger import opened

PAGE = '<header><h1>On &lt;flows&gt;</h1><p class="lead">2 claims: 2 proved.</p></header>'


def test_the_index_links_to_every_file(tmp_path, monkeypatch):
    asked = []

    def build(targets, to, out, ledger, *, since):
        asked.append((targets[0].name, since))
        for form in to:
            out.with_name(f"{out.name}.{form}").write_text(PAGE)

    monkeypatch.setattr(galleries, "build", build)
    with opened(None) as book:
        paths = gallery(tmp_path, book, ["chou_rauhut_ward"])
    assert asked == [("chou_rauhut_ward", True)]
    index = (tmp_path / "index.html").read_text()
    assert "On &lt;flows&gt;" in index
    assert "2 claims: 2 proved." in index
    links = re.findall(r'href="([^"]+)"', index)
    assert sorted(links) == ["chou_rauhut_ward.html", "chou_rauhut_ward.md", "chou_rauhut_ward.pdf"]
    assert all((tmp_path / link).is_file() for link in links)
    assert set(paths) == {tmp_path / name for name in (*links, "index.html")}
