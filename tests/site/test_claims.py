"""The index of claims of the real book: all that the chapters say, and each leads to its box."""

import json
import re
from pathlib import Path

from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[2]
SAID = re.compile(r"(?m)^\*\*(?:Claim|What we see)\b[^*]*\*\*")


def page(site, path):
    return BeautifulSoup((site / path).read_text(encoding="utf-8"), "html.parser")


def test_every_claim_is_in_the_index_and_has_its_box(site):
    index = page(site, "book/claims.html")
    rows = index.select(".claim-row")
    expected = 0
    for path in sorted((ROOT / "book").glob("[0-9][0-9]-*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        said = sum(len(SAID.findall(text)) for text in texts)
        chapter = page(site, f"book/{path.stem}.html")
        boxes = chapter.select(".claim[id]")
        assert len(boxes) == said >= 5, path.stem
        assert all(box.select("details.fold-code .cell_input") for box in boxes), path.stem
        links = [row.a["href"] for row in rows if row.a["href"].startswith(path.stem)]
        assert links == [f"{path.stem}.html#{box['id']}" for box in boxes]
        expected += said
    assert len(rows) == expected
    counted = re.search(
        r"(\d+) claims: (\d+) hold, (\d+) hold on a condition, (\d+) often", index.text
    )
    assert int(counted[1]) == expected == sum(int(number) for number in counted.groups()[1:])
