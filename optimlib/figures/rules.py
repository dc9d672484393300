"""From the Python source of an optimizer's `update` to the JavaScript that a figure runs: the line
that a chapter prints is the line that moves under the reader's hand.

A rule is read once, from an instance: an `if` on one of its flags is settled, and a line that only
renames (t = self.iterations) is folded into the others. What remains are lines "name = expression".
An expression is a number, a name, or a tuple of an operator and its operands.
"""

import ast
import inspect
import json
import textwrap
from numbers import Real

OPERATORS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Eq: "==",
}
BINDS = {"==": 0, ">": 0, ">=": 0, "<": 0, "<=": 0, "+": 1, "-": 1, "*": 2, "/": 2, "**": 3}
FUNCTIONS = ("sqrt", "abs", "sign", "exp", "log", "tanh", "maximum", "minimum", "where")
JAVASCRIPT = {"maximum": "Math.max", "minimum": "Math.min"}  # the others have the same name


class Rule:
    """The update of one optimizer, read from its source.

    Args:
        optimizer: an instance of a class of `optimizers`; its flags choose among the lines.
        free: names of the hyper-parameters that may change. What the others switch off, being 0, is
            left out: without momentum, SGD is w = w - lr * g.

    Attributes:
        lines: pairs (name, expression); the last is "w", what the rule returns. Attributes of the
            optimizer are named as in its source, "self.m".
        memory: what it remembers at first, {name: number}.
        hyper: the hyper-parameters that its lines use, {name: number}.
        terms: what the step is the sum of, {"decay", "kept", "push": expression}; {} where w is not
            a term of the last line. "kept" comes from the memory, "push" from this gradient.
        split: the memory whose own two terms these are, where the step is proportional to it.

    Raises:
        TypeError: for a line that has no translation.
    """

    def __init__(self, optimizer, free=()):
        self.optimizer = optimizer
        self.memory = {name: float(getattr(optimizer, name)) for name in optimizer.state}
        self.hyper, self.lines, self._free = {}, [], free
        self._names = {}  # of Python, in the method that is being read: what they stand for
        if optimizer.global_clipnorm is not None:
            raise TypeError(f"{optimizer!r} clips the norm of all weights: no rule for one of them")
        shrunk = self._call("decayed", "w", "lr")
        if shrunk != "w":
            self.lines.append(("w", shrunk))
        self.lines.append(("w", self._call("update", "w", "g", "lr")))
        self._fold()
        self._simplify()
        self.split, self.terms = self._terms()

    def _call(self, method, *arguments):
        """The expression that a method returns; the lines before its end are added."""
        function = getattr(type(self.optimizer), method)
        definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        names = [one.arg for one in definition.args.args[1:]]
        outer, self._names = self._names, dict(zip(names, arguments, strict=True))
        for statement in definition.body:
            self._read(statement)
        self._names = outer
        if not self._ended():
            name = type(self.optimizer).__name__
            raise TypeError(f"{name}.{method}: not every way through it returns")
        return self.lines.pop()[1]

    def _ended(self):
        """Whether the method that is being read has returned."""
        return bool(self.lines) and self.lines[-1][0] == "return"

    def _read(self, statement):
        """Add what one statement says."""
        match statement:
            case _ if self._ended():
                pass
            case ast.Expr(value=ast.Constant()):
                pass  # a docstring
            case ast.If(test, body, otherwise):
                holds = self._holds(test)
                if holds is None:
                    self._read_sometimes(test, body, otherwise)
                for line in {True: body, False: otherwise}.get(holds, []):
                    self._read(line)
            case ast.Assign(targets, value):
                self._assign(targets, self._expression(value))
            case ast.AugAssign(target, op, value):
                before = ast.parse(ast.unparse(target), mode="eval").body
                self._assign([target], self._expression(ast.BinOp(before, op, value)))
            case ast.Return(value) if value is not None:
                self.lines.append(("return", self._expression(value)))
            case _:
                self._refuse(statement)

    def _holds(self, test):
        """Whether the test of an `if` holds for this instance, None if that depends on the step."""
        match test:
            case ast.UnaryOp(ast.Not(), operand):
                holds = self._holds(operand)
                return None if holds is None else not holds
            case ast.Attribute(ast.Name("self"), flag):
                if isinstance(getattr(self.optimizer, flag, None), bool):
                    return getattr(self.optimizer, flag)
            case ast.Compare(ast.Attribute(ast.Name("self"), name), [op], [ast.Constant(None)]):
                return isinstance(op, ast.Is) == (getattr(self.optimizer, name) is None)
        return None

    def _read_sometimes(self, test, body, otherwise):
        """Add lines that hold at some steps only: name = where(test, expression, name)."""
        test, before = self._expression(test), len(self.lines)
        for line in body:
            if not isinstance(line, ast.Assign):
                self._refuse(line)
            self._read(line)
        for line in otherwise:
            self._refuse(line)
        self.lines[before:] = [
            (name, ("where", test, expression, name)) for name, expression in self.lines[before:]
        ]

    def _assign(self, targets, expression):
        """The lines of an assignment; of a = self.b = ... the attribute's comes first."""
        names = []
        for target in targets:
            match target:
                case ast.Name(name):
                    names.append(name)
                    self._names[name] = name
                case ast.Attribute(ast.Name("self"), name) if name in self.memory:
                    names.insert(0, f"self.{name}")
                case _:
                    self._refuse(target)
        self.lines.append((names[0], expression))
        self.lines += [(name, names[0]) for name in names[1:]]

    def _expression(self, node):
        """The tree of an expression."""
        match node:
            case ast.Constant(Real() as value) if not isinstance(value, bool):
                return value
            case ast.Name(name) if name in self._names:
                return self._names[name]
            case ast.Attribute(ast.Name("self"), "iterations"):
                return "t"
            case ast.Attribute(ast.Name("self"), name) if name in self.memory:
                return f"self.{name}"
            case ast.Attribute(ast.Name("self"), name):
                value = getattr(self.optimizer, name, None)
                if isinstance(value, Real) and not isinstance(value, bool):
                    if value == 0 and name not in self._free:
                        return 0
                    self.hyper[name] = float(value)
                    return f"self.{name}"
            case ast.UnaryOp(ast.USub(), operand):
                return ("-", self._expression(operand))
            case ast.BinOp(left, op, right) if type(op) in OPERATORS:
                return (OPERATORS[type(op)], self._expression(left), self._expression(right))
            case ast.Compare(left, [op], [right]) if type(op) in OPERATORS:
                return (OPERATORS[type(op)], self._expression(left), self._expression(right))
            case ast.BoolOp(ast.Or(), [ast.Attribute(ast.Name("self"), name) as one, other]):
                return self._expression(one if getattr(self.optimizer, name) else other)
            case ast.Call(ast.Attribute(ast.Name("np"), name), arguments, []):
                if name in FUNCTIONS:
                    return (name, *map(self._expression, arguments))
            case ast.Call(ast.Name("min" | "max" as name), arguments, []):
                return (f"{name}imum", *map(self._expression, arguments))
            case ast.Call(ast.Attribute(ast.Name("self"), method), arguments, []):
                return self._call(method, *map(self._expression, arguments))
        return self._refuse(node)

    def _refuse(self, node):
        name = type(self.optimizer).__name__
        raise TypeError(f"{name}.update: there is no translation of {ast.unparse(node)!r}")

    def _fold(self):
        """Drop the lines that only rename what stays as it is from there on."""
        lines, self.lines = self.lines, []
        renamed = {}
        for i, (name, expression) in enumerate(lines):
            expression = _replaced(expression, renamed)
            later = {other for other, _ in lines[i + 1 :]}
            renamed.pop(name, None)
            last = i == len(lines) - 1
            if isinstance(expression, str) and not last and expression not in later:
                renamed[name] = expression
            else:
                self.lines.append((name, expression))

    def _simplify(self):
        """Leave out what is multiplied by 0, and memories that remember nothing."""
        lines = [(name, _simple(expression)) for name, expression in self.lines]
        for state in [f"self.{name}" for name in self.memory]:
            if state not in dict(lines):  # no line changes it
                start = self.memory.pop(state.removeprefix("self."))
                lines = [
                    (name, _replaced(expression, {state: start})) for name, expression in lines
                ]
        lines = [(name, _simple(expression)) for name, expression in lines]
        self.lines = []
        passing = {}  # memories that are only a step on the way to w
        for i, (name, expression) in enumerate(lines):
            expression = _simple(_replaced(expression, passing))
            if name == expression:
                continue
            before = [other for _, other in lines[: i + 1]]
            after = [other for _, other in lines[i + 1 :]]
            forgets = not any(name in _names(other) for other in before)
            once = sum(_names(other).count(name) for other in after) <= 1
            if name.startswith("self.") and forgets and once:
                passing[name] = expression
                self.memory.pop(name.removeprefix("self."))
            else:
                self.lines.append((name, expression))

    def _terms(self):
        """What the step is the sum of."""
        (*_, (_, last)) = self.lines
        steps = summands(last)
        if ("+", "w") not in steps:
            return None, {}
        steps.remove(("+", "w"))
        terms = {}
        for name, expression in self.lines[:-1]:
            if name == "w":
                terms["decay"] = _sum([one for one in summands(expression) if one != ("+", "w")])
        own = dict(self.lines)
        if len(steps) == 1:
            for state in self.memory:
                state = f"self.{state}"
                parts = summands(own[state]) if state in own else []
                kept = [one for one in parts if state in _names(one[1])]
                push = [one for one in parts if state not in _names(one[1])]
                if kept and push and _proportional(steps[0][1], state):
                    return state, terms | {"kept": _sum(kept), "push": _sum(push)}
            return None, terms | {"push": _sum(steps)}
        kept = [one for one in steps if "g" not in _names(one[1])]
        push = [one for one in steps if "g" in _names(one[1])]
        return None, terms | {
            role: _sum(one) for role, one in (("kept", kept), ("push", push)) if one
        }

    def javascript(self):
        """The rule as an object with its attributes, and `update(w, g, lr, h, s, t)`.

        That takes one weight, its gradient, the rate, the hyper-parameters, the memory, which
        it changes, and the step t = 1, 2, ...; it returns the new weight.
        """
        body, known = "", {"w", "g", "lr", "t"}
        for name, expression in self.lines:
            new = name not in known and not name.startswith("self.")
            body += f"{'let ' if new else ''}{self._place(name)} = {self._code(expression)}; "
            known.add(name)
        lines = [[name, expression, leaves(expression)] for name, expression in self.lines]
        parts = ", ".join(
            f"{key}: {json.dumps(value)}"
            for key, value in {
                "hyper": self.hyper,
                "memory": self.memory,
                "lines": lines,
                "terms": self.terms,
                "split": self.split,
            }.items()
        )
        return f"{{{parts}, update(w, g, lr, h, s, t) {{ {body}return w; }}}}"

    def _place(self, name):
        """Where a name lives in JavaScript."""
        if not name.startswith("self."):
            return name
        name = name.removeprefix("self.")
        return f"s.{name}" if name in self.memory else f"h.{name}"

    def _code(self, expression, above=0):
        """An expression in JavaScript; `above` is how tightly its surroundings bind."""
        if isinstance(expression, str):
            return self._place(expression)
        if not isinstance(expression, tuple):
            return repr(expression)
        operator, *operands = expression
        if operator == "where":
            test, one, other = map(self._code, operands)
            return f"({test} ? {one} : {other})"
        if operator not in BINDS:
            function = JAVASCRIPT.get(operator, f"Math.{operator}")
            return f"{function}({', '.join(map(self._code, operands))})"
        if len(operands) == 1:
            return f"(-{self._code(operands[0], 4)})"
        binds, power = BINDS[operator], operator == "**"  # powers group from the right
        left, right = self._code(operands[0], binds + power), self._code(operands[1], binds + 1)
        text = f"{left} {operator} {right}"
        return f"({text})" if binds < above else text


def _replaced(expression, names):
    """An expression with other names."""
    if isinstance(expression, tuple):
        operator, *operands = expression
        return (operator, *(_replaced(one, names) for one in operands))
    return names.get(expression, expression) if isinstance(expression, str) else expression


def tokens(expression, above=0):
    """An expression as it is written: signs, numbers and names, with the brackets that it needs.

    Returns:
        A list of texts; `above` is how tightly the surroundings bind.
    """
    if not isinstance(expression, tuple):
        return [expression if isinstance(expression, str) else f"{expression:g}"]
    operator, *operands = expression
    if operator not in BINDS:
        inside = []
        for one in operands:
            inside += [*([","] if inside else []), *tokens(one)]
        return [f"{operator}(", *inside, ")"]
    binds, power = BINDS[operator], operator == "**"  # powers group from the right
    if len(operands) == 1:
        found = ["-", *tokens(operands[0], 2)]
    else:
        left = tokens(operands[0], binds + power)
        found = [*left, operator, *tokens(operands[1], binds + (not power))]
    return ["(", *found, ")"] if binds < above else found


def is_name(token):
    """Whether a token is a name, and no sign, bracket, function or number."""
    return token[0].isalpha() and not token.endswith("(")


def leaves(expression):
    """The names in an expression, in order, and whether a negative number there wants brackets."""
    texts = tokens(expression)
    return [
        [text, i > 0 and not texts[i - 1].endswith(("(", ","))]
        for i, text in enumerate(texts)
        if is_name(text)
    ]


def _names(expression):
    """The names in an expression, as often as they stand there."""
    if isinstance(expression, tuple):
        return [name for operand in expression[1:] for name in _names(operand)]
    return [expression] if isinstance(expression, str) else []


def _simple(expression):
    """An expression without factors and terms that are 0."""
    if not isinstance(expression, tuple):
        return expression
    operator, *operands = expression
    operands = [_simple(one) for one in operands]
    match operator, *operands:
        case ("*", 0, _) | ("*", _, 0) | ("/", 0, _) | ("**", 0, _):
            return 0
        case ("+", 0, one) | ("+", one, 0) | ("-", one, 0):
            return one
        case "-", 0, one:
            return ("-", one)
        case "+", one, ("-", other):
            return ("-", one, other)
        case ("/", one, 1) | ("*", 1, one) | ("*", one, 1):
            return one
        case "minimum", 1, "t":  # t counts from 1
            return 1
        case (("maximum" | "minimum"), Real() as one, Real() as other):
            return max(one, other) if operator == "maximum" else min(one, other)
    return (operator, *operands)


def summands(expression):
    """The terms of a sum with their signs, from left to right."""
    match expression:
        case ("+" | "-") as sign, left, right:
            return [*summands(left), (sign, right)]
    return [("+", expression)]


def _sum(terms):
    """The sum of terms with signs."""
    (sign, total), *rest = terms
    total = total if sign == "+" else ("-", total)
    for sign, term in rest:
        total = (sign, total, term)
    return total


def _proportional(expression, name):
    """Whether an expression is `name` times something."""
    match expression:
        case "*", left, right:
            both = [left, right] if name in _names(left) else [right, left]
            return _proportional(both[0], name) and name not in _names(both[1])
        case "/", left, right:
            return _proportional(left, name) and name not in _names(right)
        case "-", one:
            return _proportional(one, name)
    return expression == name
