"""The teachers' pages: what their exam answers say is computed, what they name exists."""

import re

import nbformat
import numpy as np
import pytest
from hand_ins import NAMES, ROOT, points, source

from course.assignment import about, role
from optimlib.optimizers import SGD, Adam, AdamW, RMSprop

PAGE = (ROOT / "book/teachers.md").read_text(encoding="utf-8")
GRADER = (ROOT / "book/grader.md").read_text(encoding="utf-8")
QUESTIONS, ANSWERS = PAGE.split("## Questions for an exam")[1].split("```{admonition} Answers")
ASKED, EXAM = (dict(re.findall(r"(?m)^(\d+)\. (.+)$", text)) for text in (QUESTIONS, ANSWERS))


def says(number, *expected):
    """Whether an answer holds these pieces of text."""
    missing = [text for text in expected if text not in EXAM[str(number)]]
    assert not missing, f"answer {number} does not say {missing}: {EXAM[str(number)]}"


def steps(optimizer, gradients, w=0.0):
    """The lengths of the steps, in learning rates."""
    path = [np.array([w])]
    for g in gradients:
        path.append(optimizer.step(path[-1].copy(), np.array([g])))
    return np.abs(np.diff(np.ravel(path))) / optimizer.learning_rate


def test_every_question_has_its_answer():
    assert list(ASKED) == list(EXAM) == [str(n) for n in range(1, 11)]


def test_1_rates_and_steps():
    for rate, holds in [(0.0399, True), (0.0401, False)]:
        assert (max(abs(1 - rate * c) for c in (2, 50)) < 1) == holds
    worst = {rate: max(abs(1 - rate * c) for c in (2, 50)) for rate in np.linspace(0, 0.04, 40001)}
    best = min(worst, key=worst.get)
    left, count = 1.0, 0
    while left > 0.01:
        left, count = left * 48 / 52, count + 1
    assert worst[best] == pytest.approx(48 / 52, abs=1e-4)
    exact = np.log(0.01) / np.log(48 / 52)
    says(1, "2/50 = 0.04", f"2/52 = {best:.4f}", f"48/52 = {48 / 52:.3f}")
    says(1, f"= {exact:.1f}$", f"so {count} steps")


def test_2_softmax():
    outputs = np.array([0.0, np.log(3)])
    p = np.exp(outputs) / np.exp(outputs).sum()
    loss = -np.log(p[0])
    slopes = [
        (np.log(np.exp(outputs + d).sum()) - (outputs + d)[0] - loss) / 1e-6
        for d in 1e-6 * np.eye(2)
    ]
    assert p == pytest.approx([0.25, 0.75]) and slopes == pytest.approx([-0.75, 0.75], abs=1e-5)
    says(2, "(1/4, 3/4)", rf"\ln 4 = {loss:.2f}", "(-3/4, 3/4)")


@pytest.mark.parametrize("gain, share", [(1, 2.0**-10), (2, 1.0)])
def test_3_ten_relu_layers(gain, share):
    rng, n = np.random.default_rng(0), 400
    ratios = []
    for _ in range(20):
        x = rng.normal(size=n)
        start = (x**2).mean()
        for _ in range(10):
            x = np.maximum(0, rng.normal(0, np.sqrt(gain / n), (n, n)) @ x)
        ratios.append((x**2).mean() / start)
    assert np.median(ratios) == pytest.approx(share, rel=0.2)
    says(3, "2^{-10}", "a thirty-second", "Variance $2/n$ keeps it")
    assert np.sqrt(2.0**-10) == 1 / 32


def test_4_the_pace_of_a_ball():
    for rate, momentum in [(0.02, 0.9), (0.01, 0.95)]:
        assert steps(SGD(rate, momentum), [1.0] * 600)[-1] * rate == pytest.approx(0.2)
    grown = steps(SGD(0.01, 0.95), [1.0] * 600)
    first = 1 + int(np.argmax(grown >= 0.9 * grown[-1]))
    exact = np.log(0.1) / np.log(0.95)
    says(4, r"0.2 \cdot 0.05 = 0.01", f"{exact:.1f}", f"{first} steps")


@pytest.mark.parametrize("gradient", [0.001, 1.0, 3000.0])
def test_5_the_first_step_of_rmsprop(gradient):
    (length,) = steps(RMSprop(0.001, rho=0.99, epsilon=0), [gradient])
    assert length == pytest.approx(10)
    says(5, "= 10$ rates")


def test_6_adam_s_second_step():
    length = steps(Adam(0.001, beta_1=0.9, beta_2=0.999, epsilon=0), [1.0, 0.0])[1]
    m, v = 0.09 / 0.19, 0.000999 / 0.001999
    says(6, f"{m:.3f}", f"{v:.4f}", f"{np.sqrt(v):.3f}", f"= {length:.2f}$ rates")
    says(6, f"{0.1 / np.sqrt(0.001):.2f}$ rates")


def test_7_decay_and_penalty():
    w = np.array([1.0])
    opt = AdamW(0.001, weight_decay=0.1)
    for _ in range(10_000):
        w = opt.step(w, np.zeros(1))
    says(7, f"= {w[0]:.2f}$")
    assert w[0] == pytest.approx((1 - 0.0001) ** 10_000)
    for penalty in (0.001, 0.1, 10.0):
        path, opt = [np.array([1.0])], Adam(0.001, epsilon=0)
        for _ in range(1000):
            path.append(opt.step(path[-1].copy(), penalty * path[-1]))
        assert path[0][0] - path[1][0] == pytest.approx(0.001)
        says(7, "the first step is 0.001", f"1,000 steps {path[-1][0]:.2f} of the weight is left")


@pytest.mark.parametrize("rate, said", [(0.1, "0.026"), (0.01, "0.0025")])
def test_8_floors(rate, said):
    rng, w, total = np.random.default_rng(1), np.zeros(4000), []
    for t in range(int(30 / rate)):
        w = w - rate * (w + rng.normal(size=w.size))
        if t > 8 / rate:
            total.append((w**2).mean() / 2)
    formula = rate / (2 * (2 - rate))
    assert np.mean(total) == pytest.approx(formula, rel=0.05)
    says(8, f"{formula:.2g}", said)


def test_9_four_pairs():
    pairs = np.array([0.4, 0.2, 0.6, 0.0])
    deviation = pairs.std(ddof=1)
    error = deviation / 2
    says(9, f"Mean {pairs.mean():g}", f"deviation {deviation:.2f}", f"error {error:.2f}")
    assert 2 < pairs.mean() / error < 2.5


def test_10_a_cut_of_the_rate():
    """Keras keeps the rate inside of the sum, PyTorch outside."""
    opt, w = SGD(0.1, momentum=0.9), np.zeros(1)
    path, u = [w], 0.0
    for t in range(400):
        opt.learning_rate = 0.1 if t < 399 else 0.01
        path.append(opt.step(path[-1].copy(), np.ones(1)))
        u = 0.9 * u + 1
    lengths = np.abs(np.diff(np.ravel(path)))
    torch = 0.01 * u / (0.1 * u)
    says(10, f"= {lengths[-1] / lengths[-2]:.2f}$ of the last step", f"{torch:.1g} of it")


def markdown(name):
    """The Markdown texts of a chapter."""
    found = nbformat.read(ROOT / "book" / name, as_version=4).cells
    return [cell.source for cell in found if cell.cell_type == "markdown"]


def headings(name):
    """The anchors of a chapter's sections."""
    lines = (re.findall(r"(?m)^#{2,3} (.+)$", text) for text in markdown(name))
    return {anchor(line) for found in lines for line in found}


def anchor(heading):
    """How a page calls a section."""
    plain = re.sub(r"[^\w\s-]", "", heading.lower()).strip()
    return re.sub(r"\s", "-", plain)


def test_every_link_leads_to_a_page_and_a_section_that_exists():
    for page in (PAGE, GRADER):
        links = re.findall(r"\]\((?!https?:)([^)#\s]+)(?:#([^)\s]+))?\)", page)
        assert links
        for target, section in links:
            assert (ROOT / "book" / target).exists(), target
            if section:
                assert section in headings(target), f"{target} has no section {section}"


def test_every_chapter_has_a_row_and_every_belief_a_section():
    chapters = sorted(path.name for path in ROOT.glob("book/[01]*.ipynb"))
    abilities = PAGE.split("## What a student can do")[1].split("\n## ")[0]
    assert re.findall(r"\]\((\d\d-[\w-]+\.ipynb)\)", abilities) == chapters
    beliefs = PAGE.split("## What students believe")[1].split("\n## ")[0]
    rows = [row for row in beliefs.splitlines() if row.startswith("| ")][1:]
    assert len(rows) >= 10
    for row in rows:
        assert re.search(r"\(\d\d-[\w-]+\.ipynb#[\w-]+\)", row), f"no section: {row}"


def test_what_is_dragged_is_there():
    """A chapter to drag a figure of has one that readers drag; the others say so."""
    lesson = PAGE.split("What to put in:")[1].split("\n## ")[0]
    rows = re.findall(r"(?m)^\| \[?(\d+).*?\| (.+?) \| (.+?) \| (.+?) \|$", lesson)
    assert len(rows) == 12
    for number, vote, drag, show in rows:
        (path,) = ROOT.glob(f"book/{int(number):02}-*.ipynb")
        cells = nbformat.read(path, as_version=4).cells
        dragged = any("explorable" in cell.metadata.get("tags", []) for cell in cells)
        assert dragged or drag.startswith("no figure"), path.name
        text = "\n".join(cell.source for cell in cells)
        assert "**Predict.**" in text and vote and show


def test_the_plan_has_all_seven_assignments_and_every_page_says_seven():
    for name in NAMES:
        assert PAGE.count(f"(assignments/{name}.ipynb)") == 1, name
    assert len(NAMES) == 7
    current = [*ROOT.glob("book/*.md"), ROOT / "README.md", ROOT / "course/README.md"]
    for path in current:
        said = re.findall(r"(?i)\b(\w+) assignments\b", path.read_text(encoding="utf-8"))
        numbers = {word.lower() for word in said} & {"five", "six", "eight", "seven", "nine"}
        assert numbers <= {"seven"}, path


HOURS = {"two": 2, "three": 3, "four": 4}


def test_the_hours_of_the_plan_are_those_that_the_assignments_say():
    plan = PAGE.split("## A plan by weeks")[1].split("\n## ")[0]
    for number, name in enumerate(NAMES, 1):
        said = re.search(r"\*Time:\* about (\w+)([^.]*)", source(name).cells[0].source)
        hours = HOURS[said[1]] + 0.5 * ("half" in said[2])
        rows = [row for row in plan.splitlines() if re.search(rf"\[{number}\.|ment {number} ", row)]
        assert sum(float(row.split("+")[-1].strip(" |")) for row in rows) == hours, name


def test_written_questions_carry_the_share_of_the_points_that_is_said():
    shares = []
    for name in NAMES:
        by_hand = sum(about(c)["points"] for c in source(name).cells if role(c) == "written")
        shares.append(by_hand / (by_hand + sum(points(name).values())))
    assert "a quarter of" in GRADER and np.mean(shares) == pytest.approx(0.25, abs=0.05)


def test_the_commands_and_settings_of_the_grader_s_page_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in set(re.findall(r"(?m)(?:`|^)make (\w+)", GRADER)):
        assert re.search(rf"(?m)^{command}:", makefile), command
    for setting in set(re.findall(r"\b([A-Z]{2,})=", GRADER)):
        assert f"({setting})" in makefile or setting == "SOLUTIONS", setting
