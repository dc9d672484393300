"""The rule of an optimizer with the numbers of one step filled in.

Every text is a true rounding, and a line comes out as it stands there. A result has three digits of
the largest term, or four where that shows more of the smallest; what it is made of has as many as
that takes, from three to six. Where none suffice, the line says "≈".
"""

from html import escape

import numpy as np

from optimlib.figures.rules import is_name, leaves, summands, tokens
from optimlib.figures.words import decimals, significant

OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b=None: -a if b is None else a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
    "where": lambda test, a, b: a if test else b,
    "maximum": max,
    "minimum": min,
}
STILL = {"lr", "t"}  # settings, beside the hyper-parameters: not to be rounded
MEANINGS = {"alpha": "the rate with both corrections gathered in it"}  # of names met only in a rule
ROLES = ("kept", "push", "decay")  # the terms of a step, in the order of their arrows


def value(expression, environment):
    """The number that an expression comes to; environment: {name: number}."""
    if isinstance(expression, str):
        return environment[expression]
    if not isinstance(expression, tuple):
        return expression
    operator, *operands = expression
    numbers = [value(one, environment) for one in operands]
    operation = OPERATIONS.get(operator) or getattr(np, operator)
    return float(operation(*numbers))


def worked(rule, environment):
    """One step of one weight.

    Args:
        rule: the `Rule`.
        environment: w, g, lr, t, and the attributes before the step, {"self.m": number}.

    Returns:
        The texts of each line, [sign, result, a text for each of its names], and the terms of the
        step, {"kept": number, ...}; with more than one of these the last line is their sum.
    """
    environment, lines, terms = dict(environment), [], {}
    settings = STILL | {f"self.{name}" for name in rule.hyper}
    if "decay" in rule.terms:
        terms["decay"] = value(rule.terms["decay"], environment)
    roles = [role for role in ROLES if role in rule.terms and role != "decay"]
    last = len(rule.lines) - 1
    for i, (name, expression) in enumerate(rule.lines):
        if name == rule.split or (i == last and not rule.split):
            terms |= {role: value(rule.terms[role], environment) for role in roles}
        lines.append(texts(expression, environment, settings))
        if i == last and rule.split:
            for role in roles:
                alone = environment | {"w": 0.0, rule.split: terms[role]}
                terms[role] = value(expression, alone)
        environment[name] = value(expression, environment)
    terms = {role: terms[role] for role in ROLES if role in terms}
    if len(terms) > 1:
        lines.append(texts(total(terms), terms, ()))
    return lines, terms


def total(terms):
    """The sum of terms, as an expression."""
    first, *rest = terms
    for role in rest:
        first = ("+", first, role)
    return first


def texts(expression, environment, settings):
    """The texts of a line: [sign, result, a text for each of its names]."""
    names = leaves(expression)
    result = value(expression, environment)
    places = result_places(expression, environment)
    size = abs(result)
    if size >= 1e5 or 10.0**-places / 2 <= size < 1e-4:
        result_text, unit = significant(result, 3), 10.0 ** (_exponent(size) - 1)
    else:
        result_text, unit = decimals(result, places), 10.0**-places
    for digits in range(3, 7):
        shown = {
            name: significant(environment[name], *((6, True) if name in settings else (digits,)))
            for name, _ in names
        }
        again = value(expression, {name: float(text) for name, text in shown.items()})
        if abs(again - float(result_text)) <= unit * (0.5 + 1e-9):
            sign = "="
            break
    else:
        sign = "≈"
        shown = {
            name: significant(environment[name], *((6, True) if name in settings else (4,)))
            for name, _ in names
        }
    numbers = [
        f"({shown[name]})" if wrap and shown[name].startswith("-") else shown[name]
        for name, wrap in names
    ]
    return [sign, *(text.replace("-", "−") for text in (result_text, *numbers))]


def result_places(expression, environment):
    """The decimals of a result: those that its terms need."""
    sizes = [abs(value(term, environment)) for _, term in summands(expression)]
    sizes = [_exponent(size) for size in sizes if size > 0]
    if not sizes:
        return 0
    return max(0, 2 - max(sizes), min(1 - min(sizes), 3 - max(sizes)))


def _exponent(size):
    return int(np.floor(np.log10(size)))


# ---- as HTML: a column for each name, with its numbers under it

NUMBERS = {"*": "·", "-": "−", "**": "^", "sqrt(": "√(", "maximum(": "max(", "minimum(": "min("}
CODE = {"-": "−", "maximum(": "max(", "minimum(": "min("}


def rule_html(name, rule, environments, shown):
    """The rule, line by line, with the numbers of two weights.

    Args:
        name: of the optimizer.
        rule: its `Rule`.
        environments: one a weight, as `worked` takes them; none leaves the numbers out.
        shown: whether it is in sight.
    """
    each = [worked(rule, environment) for environment in environments] or [_unknown(rule)] * 2
    rows = []
    for i, (target, expression) in enumerate(rule.lines):
        own = set(_free_names(rule, i)) & {"w", "g", *(f"self.{one}" for one in rule.memory)}
        per_weight = [lines[i] for lines, _ in (each if own else each[:1])]
        roles = _roles(rule, i)
        rows.append(_line_html(target, expression, per_weight, rule, roles))
        if target in MEANINGS:
            rows.append(f'<p class="x-meaning"><b>{target}</b>: {MEANINGS[target]}</p>')
    terms = each[0][1]
    if len(terms) > 1:
        roles = {role: role for role in terms}
        per_weight = [lines[-1] for lines, _ in each]
        rows.append(_line_html("step", total(terms), per_weight, rule, roles))
    hidden = "" if shown else " hidden"
    return f'<div class="x-rule" data-rule="{escape(name)}"{hidden}>{"".join(rows)}</div>'


def _unknown(rule):
    """What `worked` gives, without numbers."""
    lines = [[""] * (2 + len(leaves(expression))) for _, expression in rule.lines]
    terms = {role: 0.0 for role in ROLES if role in rule.terms}
    if len(terms) > 1:
        lines.append([""] * (2 + len(terms)))
    return lines, terms


def _free_names(rule, i):
    """The names on which line i depends, also through the lines before it."""
    found = {name for name, _ in leaves(rule.lines[i][1])}
    for name, expression in reversed(rule.lines[:i]):
        if name in found:
            found |= {one for one, _ in leaves(expression)}
    return found


def _roles(rule, i):
    """{term of line i, as text: its role}."""
    name, expression = rule.lines[i]
    terms = [term for _, term in summands(expression)]
    if name == rule.split:
        kept = [term for term in terms if name in str(term)]
        return {str(term): "kept" if term in kept else "push" for term in terms}
    if name == "w" and rule.terms:
        steps = [term for term in terms if term != "w"]
        if i < len(rule.lines) - 1:
            return {str(term): "decay" for term in steps}
        if rule.split:
            return {str(term): "step" for term in steps}
        return {str(term): "push" if "'g'" in str(term) else "kept" for term in steps}
    return {}


def _line_html(target, expression, per_weight, rule, roles):
    """One line: its target, and its terms, between which it may break."""
    settings = STILL | {f"self.{name}" for name in rule.hyper}
    leaf = iter(range(2, 2 + len(leaves(expression))))
    is_step = target == "step" or (target == rule.split and not _scaled(rule))
    target_role = " x-step" if is_step else ""
    parts = [
        f'<span class="x-part{target_role}">{_cell(_short(target), per_weight, 1)}</span>'
        f'<span class="x-term">{_cell("=", per_weight, 0, sign=True)}</span>'
    ]
    for i, (sign, term) in enumerate(summands(expression)):
        role = f" x-{roles[str(term)]}" if str(term) in roles else ""
        first = _sign(sign, per_weight) if i else ""
        for piece in _pieces(tokens(term, 1 + (i > 0))):
            cells = "".join(
                _cell(_short(text), per_weight, next(leaf), settings=text in settings)
                if named
                else _sign(text, per_weight)
                for text, named in piece
            )
            parts.append(
                f'<span class="x-term">{first}<span class="x-part{role}">{cells}</span></span>'
            )
            first = ""
    both = " x-both" if len(per_weight) > 1 else ""
    code = f"{_short(target)} = {' '.join(_short(one) for one in tokens(expression))}"
    results = " and ".join(line[1] for line in per_weight)  # for those who hear the rule
    return (
        f'<div class="x-line-of{both}" role="img" data-code="{escape(code)}" '
        f'aria-label="{escape(code)}: {results}">{"".join(parts)}</div>'
    )


def _pieces(texts):
    """The tokens of a term in pieces, between which a narrow page may break: before a division.

    Returns:
        Lists of pairs (text, whether it is a name); signs that follow each other are one text.
    """
    pieces, depth = [[]], 0
    for text in texts:
        if text == "/" and depth == 0:
            pieces.append([])
        depth += text.count("(") - text.count(")")
        named = is_name(text)
        piece = pieces[-1]
        if piece and not named and not piece[-1][1]:
            text = f"{piece.pop()[0]} {text}"
        piece.append((text, named))
    return pieces


def _scaled(rule):
    """Whether the step is more than the split memory itself."""
    return summands(rule.lines[-1][1])[-1][1] != rule.split


def _short(name):
    return name.removeprefix("self.")


def _sign(text, per_weight):
    """A column of a sign, which is the same for every weight."""
    code = " ".join(CODE.get(one, one) for one in text.split())
    number = " ".join(NUMBERS.get(one, one) for one in text.split())
    rows = f"<i>{number}</i>" * len(per_weight)
    return f'<span class="x-sign"><b>{code}</b>{rows}</span>'


def _cell(name, per_weight, k, sign=False, settings=False):
    """A column: a name, and its number for each weight."""
    rows = "".join(f"<i data-n>{line[k]}</i>" for line in per_weight)
    kind = "x-sign" if sign else "x-name x-set" if settings else "x-name"
    return f'<span class="{kind}"><b>{escape(name)}</b>{rows}</span>'
