"""Which of the cells before it a cell of a notebook needs, from their syntax trees alone.

A cell needs the cells that bind or change what it reads, and what those need in turn. What a tree
cannot tell counts as a change: a method that is not known to leave its object alone, a random
generator or another object with a state that is handed to a function. So a cell too many may run,
but none too few.

The book's build asks, and the browser's Python asks again where a reader has edited a cell: this
file needs nothing but the standard library.
"""

import ast
import builtins
import copy

# fmt: off
# Methods of arrays, strings and containers that leave their object alone.
LEAVE_ALONE = {
    "all", "any", "argmax", "argmin", "argsort", "astype", "clip", "conj", "copy", "count",
    "cumprod", "cumsum", "diagonal", "dot", "encode", "endswith", "flatten", "format", "get",
    "index", "isdigit", "item", "items", "join", "keys", "lower", "lstrip", "max", "mean", "min",
    "nonzero", "prod", "ptp", "ravel", "removeprefix", "removesuffix", "repeat", "replace",
    "reshape", "round", "rstrip", "searchsorted", "split", "splitlines", "squeeze", "startswith",
    "std", "strip", "sum", "swapaxes", "take", "title", "tolist", "trace", "transpose", "upper",
    "values", "var", "view",
}
# Calls that give parts of their object, or of their arguments.
GIVE_PARTS = {
    "array_split", "asarray", "atleast_1d", "atleast_2d", "broadcast_to", "dict", "diagonal",
    "enumerate", "expand_dims", "filter", "get", "items", "iter", "list", "map", "max", "min",
    "moveaxis", "next", "ravel", "reshape", "reversed", "set", "setdefault", "sorted", "spawn",
    "split", "squeeze", "swapaxes", "take", "transpose", "tuple", "values", "view", "zip",
}
# fmt: on
USED_UP = {"enumerate", "filter", "iter", "map", "open", "reversed", "zip"}  # give each item once
BUILT_IN = set(dir(builtins)) - {"delattr", "next", "setattr"}  # leave what they are given alone
ANYTHING = {"In", "Out", "_", "__", "eval", "exec", "get_ipython", "globals", "locals", "vars"}
FUNCTIONS = ast.FunctionDef, ast.AsyncFunctionDef
COMPREHENSIONS = ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp


class Later:
    """What calling a function does.

    Attributes:
        reads: Outer names that it reads.
        changes: Outer names that it changes.
        parameters: Places and names of the parameters that it changes.
        makes: Whether what it returns may have a state.
    """

    def __init__(self, reads=(), changes=(), parameters=(), makes=False):
        self.reads, self.changes = set(reads), set(changes)
        self.parameters, self.makes = set(parameters), makes

    def __or__(self, other):
        return Later(
            self.reads | other.reads,
            self.changes | other.changes,
            self.parameters | other.parameters,
            self.makes or other.makes,
        )


class Names:
    """What the cells so far have made known of names.

    Attributes:
        leave_alone: Methods that change nothing.
        later: What calling a name, or something in it, does.
        same: For each name, those that may share an object with it.
        imported: Names of modules, and of what comes from them.
        with_state: Names of objects that a function may change when it is handed them.
        used_up: Names of iterators, which change when they are read.
    """

    def __init__(self, leave_alone=()):
        self.leave_alone = LEAVE_ALONE | set(leave_alone)
        self.later, self.same = {}, {}
        self.imported, self.with_state, self.used_up = set(), set(), set()

    def sharing(self, name):
        """The name, and all that may share an object with it, over however many others."""
        found, waiting = set(), [name]
        while waiting:
            if (one := waiting.pop()) not in found:
                found.add(one)
                waiting += self.same.get(one, ())
        return found

    def share(self, one, other):
        if one != other and not {one, other} & self.imported:
            self.same.setdefault(one, set()).add(other)
            self.same.setdefault(other, set()).add(one)

    def forget(self, name):
        """A name gets a new value."""
        for other in self.same.pop(name, ()):
            self.same[other].discard(name)
        self.later.pop(name, None)
        for group in (self.imported, self.with_state, self.used_up):
            group.discard(name)


class Walk:
    """A walk through the statements of a cell, or of a function, in their order.

    Attributes:
        reads: Names whose value from before it may use.
        bound: Names that surely have a new value by now.
        changes: Names that it may have bound, or whose object it may have changed.
        anything: Whether it may read and change what its tree does not show.
    """

    def __init__(self, names, inner=()):
        self.names, self.inner = names, set(inner)  # inner: the variables of a comprehension
        self.reads, self.bound, self.changes = set(), set(), set()
        self.anything, self.depth, self.makes = False, 0, False

    # ---- names

    def read(self, name, seen=()):
        """Note that a name is read, and what it reads and changes in case it is called."""
        if name in self.inner:
            return
        if name not in self.bound:
            self.reads.add(name)
            self.anything |= name in ANYTHING
        if name in self.names.used_up:
            self.change(name)
        if name in self.names.later and name not in seen:
            later = self.names.later[name]
            self.makes |= later.makes
            for other in later.reads:
                self.read(other, {*seen, name})
            for other in later.changes:
                self.change(other)

    def change(self, name):
        for one in {name} if name in self.inner else self.names.sharing(name):
            self.changes.add(one)
            if one not in self.bound | self.inner:
                self.reads.add(one)

    def change_all(self, names, node=None):
        """Note that objects may have changed, and may hold the functions that `node` mentions."""
        for name in names - self.names.imported:
            self.change(name)
            if node is not None:
                self.hold(name, node)

    def change_part(self, target, value):
        """Note an assignment to a part of an object, or of a module, which others may then use."""
        self.change_all(self.roots(target), value)
        if self.roots(target) & self.names.imported:
            self.changes |= self.names.imported

    def hold(self, name, node):
        if later := self.held(node):
            self.names.later[name] = self.names.later.get(name, Later()) | later

    def held(self, node):
        """What calling the functions in an expression's value may do; None where it has none."""
        found = None
        called = {n.func for n in ast.walk(node) if isinstance(n, ast.Call)}
        for part in ast.walk(node):
            if isinstance(part, ast.Lambda):
                found = (found or Later()) | self.function(part)
            elif getattr(part, "id", None) in self.names.later and (
                part not in called or makes_object(part)
            ):
                found = (found or Later()) | self.names.later[part.id]
        return found

    def bind(self, name, value=None):
        """A name gets a value, made from the expression `value` where there is one."""
        if name in self.inner:
            return
        if name == "_":  # what nobody wants
            self.bound.add(name)
            return
        parts = self.roots(value) - self.inner if value is not None else set()
        shared = {other for part in parts for other in self.names.sharing(part)} - {name}
        with_state = self.has_state(value)
        later = self.held(value) if value is not None else None
        if self.depth == 0:
            self.names.forget(name)
        else:
            self.changes.add(name)
        self.bound.add(name)
        for other in shared:
            self.names.share(name, other)
        if with_state:
            self.names.with_state.add(name)
        if isinstance(value, ast.GeneratorExp) or callee(value) in USED_UP:
            self.names.used_up.add(name)
        if later:
            self.names.later[name] = later | self.names.later.get(name, Later())

    def has_state(self, value):
        """Whether a value may have a state: it is, or is a part of, an object that has one."""
        if value is None:
            return False
        if self.roots(value) & self.names.with_state:
            return True
        for part in ast.walk(value):
            if isinstance(part, ast.Call):
                later = self.names.later.get(callee(part))
                made = makes_object(part.func) or callee(part) == "default_rng"
                if made or (later and later.makes):
                    return True
        return False

    def roots(self, node):
        """The names whose objects, or parts of them, an expression may give."""
        if isinstance(node, ast.Name):
            return {node.id}
        if isinstance(
            node, ast.Attribute | ast.Subscript | ast.Starred | ast.NamedExpr | ast.Await
        ):
            return self.roots(node.value)
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return {name for part in node.elts for name in self.roots(part)}
        if isinstance(node, ast.Dict | ast.BoolOp):
            return {name for part in node.values for name in self.roots(part)}
        if isinstance(node, ast.IfExp):
            return self.roots(node.body) | self.roots(node.orelse)
        if isinstance(node, COMPREHENSIONS):
            found = self.roots(node.value if isinstance(node, ast.DictComp) else node.elt)
            for generator in reversed(node.generators):
                if found & (variables := names_in(generator.target)):
                    found = found - variables | self.roots(generator.iter)
            return found
        if isinstance(node, ast.Call):
            given = {name for part in [*node.args, *values(node)] for name in self.roots(part)}
            if callee(node) in GIVE_PARTS:
                return given | (
                    self.roots(node.func.value) if isinstance(node.func, ast.Attribute) else set()
                )
            return given & self.names.with_state if callee(node) in self.names.later else set()
        return set()

    # ---- expressions

    def expression(self, node):
        if isinstance(node, ast.Name):
            self.read(node.id)
        elif isinstance(node, ast.NamedExpr):
            self.expression(node.value)
            self.assign(node.target, node.value)
        elif isinstance(node, ast.Call):
            self.call(node)
        elif isinstance(node, ast.Lambda):
            later = self.function(node)
            for name in later.reads:
                self.read(name)
            self.change_all(later.changes)
        elif isinstance(node, COMPREHENSIONS):
            self.comprehension(node)
        elif node is not None:
            for child in ast.iter_child_nodes(node):
                self.expression(child)

    def comprehension(self, node):
        outer, before = set(self.inner), set(self.changes)
        for generator in node.generators:
            self.expression(generator.iter)
            self.inner |= names_in(generator.target)
            for test in generator.ifs:
                self.expression(test)
        for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            self.expression(part)
        variables, self.inner = self.inner - outer, outer
        if self.changes & variables:  # they are parts of what is gone through
            self.change_all({n for g in node.generators for n in self.roots(g.iter)} - variables)
        self.changes -= variables - before

    def call(self, node):
        name, later = callee(node), None
        if isinstance(node.func, ast.Attribute):
            self.expression(node.func.value)
            if name not in self.names.leave_alone:
                self.change_all(self.roots(node.func.value), node)
        elif name not in ("eval", "exec") or len(node.args) < 2:  # those with names of their own
            self.expression(node.func)
            later = self.names.later.get(name)
            self.change_all({name} & self.names.with_state)
        handed = [*enumerate(node.args), *((k.arg, k.value) for k in node.keywords)]
        for place, part in handed:
            self.expression(part)
            roots = self.roots(part)
            if place == "out" or name == "next" or (later and later.parameters & {place, None}):
                self.change_all(roots)
            elif not (isinstance(node.func, ast.Name) and name in BUILT_IN):
                self.change_all(roots & self.names.with_state)

    # ---- statements

    def assign(self, target, value):
        """Bind what stands on the left to what stands on the right."""
        if isinstance(target, ast.Name):
            self.bind(target.id, value)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, value)
        elif isinstance(target, ast.Tuple | ast.List):
            for one, other in zip(target.elts, partners(target.elts, value)):
                self.assign(one, other)
        else:
            self.expression(target)
            self.change_part(target, value)
            for name in self.roots(target):
                for other in self.roots(value) - self.inner if value is not None else ():
                    self.names.share(name, other)

    def statement(self, node):
        if isinstance(node, ast.Assign):
            self.expression(node.value)
            for target in node.targets:
                self.assign(target, node.value)
        elif isinstance(node, ast.AnnAssign):
            self.expression(node.value)
            if node.value is not None:
                self.assign(node.target, node.value)
        elif isinstance(node, ast.AugAssign | ast.Delete):
            for target in node.targets if isinstance(node, ast.Delete) else [node.target]:
                self.expression(target)
                self.change_part(target, getattr(node, "value", None))
            self.expression(getattr(node, "value", None))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                self.anything |= alias.name == "*"
                name = (alias.asname or alias.name).split(".")[0]
                self.bind(name)
                self.names.imported.add(name)
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            self.definition(node)
        elif isinstance(node, ast.For | ast.AsyncFor):
            self.expression(node.iter)
            self.branches([node.body, node.orelse], loop=node)
        elif isinstance(node, ast.While | ast.If):
            self.expression(node.test)
            self.branches([node.body, node.orelse], one_runs=isinstance(node, ast.If))
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                self.expression(item.context_expr)
                if item.optional_vars is not None:
                    self.assign(item.optional_vars, item.context_expr)
            self.statements(node.body)
        elif isinstance(node, ast.Try | ast.TryStar):
            self.branches([node.body, *(h.body for h in node.handlers), node.orelse])
            self.statements(node.finalbody)
        elif isinstance(node, ast.Match):
            self.expression(node.subject)
            before = set(self.bound)
            self.depth += 1
            for pattern in (part for case in node.cases for part in ast.walk(case.pattern)):
                for name in captured(pattern):
                    self.bind(name, node.subject)
            self.depth -= 1
            self.branches([case.body for case in node.cases])
            self.bound = before
        else:
            if isinstance(node, ast.Return) and node.value is not None:
                self.makes |= self.has_state(node.value)
            for child in ast.iter_child_nodes(node):
                self.expression(child)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                self.command(node.value)

    def statements(self, body):
        for node in body:
            self.statement(node)

    def cell(self, body):
        """The statements of a cell, whose last may be there for what it shows."""
        last = body[-1] if body else None
        shown = isinstance(last, ast.Expr) and isinstance(
            getattr(last.value, "func", None), ast.Name
        )
        self.statements(body[:-1] if shown else body)
        if shown:
            self.expression(last.value)

    def command(self, call):
        """A call whose result nobody takes does something: to its first argument, or its module."""
        in_module = bool(self.roots(call.func) & self.names.imported)
        if in_module or callee(call) == "shuffle":
            first = self.roots(call.args[0]) - self.names.imported if call.args else set()
            self.change_all(first, call)
            if in_module and (not first & self.bound or callee(call) == "seed"):
                self.changes |= self.names.imported  # a setting of one may count for all

    def branches(self, bodies, loop=None, one_runs=False):
        """Parts that may run or not; what all of them bind is bound where one surely runs."""
        before, ends = set(self.bound), []
        self.depth += 1
        for place, body in enumerate(bodies):
            self.bound = set(before)
            if loop and place == 0:
                self.assign(loop.target, item_of(loop.iter))
            self.statements(body)
            if loop:  # once more, with what the first turn has made known
                self.statements(body)
            ends.append(self.bound)
        self.depth -= 1
        self.bound = set.intersection(*ends) if one_runs else before

    def definition(self, node):
        for part in [*node.decorator_list, *getattr(node, "bases", [])]:
            self.expression(part)
        if isinstance(node, ast.ClassDef):
            later = Later(makes=True)
            for part in node.body:
                if isinstance(part, FUNCTIONS):
                    later |= self.function(part)
                else:
                    for child in ast.iter_child_nodes(part):
                        self.expression(child if isinstance(child, ast.expr) else None)
        else:
            later = self.function(node)
            for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
                self.expression(default)
        for decorator in node.decorator_list:
            later |= self.held(decorator) or Later()
        self.bind(node.name)
        if node.name not in self.inner:
            self.names.later[node.name] = later

    def function(self, node):
        """What calling a function or a lambda does."""
        parameters = [*node.args.posonlyargs, *node.args.args]
        places = {a.arg: {place, a.arg} for place, a in enumerate(parameters)}
        places |= {a.arg: {a.arg} for a in node.args.kwonlyargs}
        places |= {a.arg: {None} for a in (node.args.vararg, node.args.kwarg) if a}
        parts = [ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body
        everywhere = [n for part in parts for n in ast.walk(part)]
        outer = {n for g in everywhere if isinstance(g, ast.Global | ast.Nonlocal) for n in g.names}
        local = (set(places) | assigned(everywhere)) - outer
        body = Walk(copy.deepcopy(self.names))
        for name in local:
            body.names.forget(name)
        body.bound |= set(places)
        body.statements(parts)
        changed = {place for name in body.changes & set(places) for place in places[name]}
        changes = body.changes - local | body.bound & outer
        self.anything |= body.anything
        return Later(body.reads - local, changes, changed, body.makes)


def callee(node):
    """The last name of what a call calls, or None."""
    func = node.func if isinstance(node, ast.Call) else None
    return getattr(func, "id", getattr(func, "attr", None))


def makes_object(func):
    """Whether calling this makes an object of a class, by the capital letter of its name."""
    name = getattr(func, "id", getattr(func, "attr", ""))
    return name.lstrip("_")[:1].isupper()


def values(call):
    return [keyword.value for keyword in call.keywords]


def names_in(node):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def captured(pattern):
    """The names that a part of a `match` pattern binds."""
    return filter(None, (getattr(pattern, field, None) for field in ("name", "rest")))


def assigned(nodes):
    """The names that a function's own statements bind."""
    found = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    found |= {n.name for n in nodes if isinstance(n, (*FUNCTIONS, ast.ClassDef))}
    imports = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
    return found | {(a.asname or a.name).split(".")[0] for n in imports for a in n.names}


def item_of(iterable):
    """A tree for an item of what a loop goes through: for a zip, a tuple of such trees."""
    if callee(iterable) == "zip" and not any(isinstance(a, ast.Starred) for a in iterable.args):
        return ast.Tuple([item_of(a) for a in iterable.args])
    if callee(iterable) == "enumerate" and iterable.args:
        return ast.Tuple([ast.Constant(0), item_of(iterable.args[0])])
    return ast.Subscript(iterable, ast.Constant(0))


def partners(targets, value):
    """The parts of a value for the targets of an unpacking: its own, or for each the whole."""
    own = value.elts if isinstance(value, ast.Tuple | ast.List) else []
    starred = any(isinstance(part, ast.Starred) for part in [*targets, *own])
    return own if len(own) == len(targets) and not starred else [value] * len(targets)


def facts(sources, leave_alone=()):
    """What each cell of a notebook does to names, in the notebook's order.

    Args:
        sources: The cells' code.
        leave_alone: Methods that change nothing, beside those of arrays and containers.

    Returns:
        A dictionary a cell: `reads`, names whose value from before it may use; `binds`, names that
        surely have a new value afterwards; `changes`, names that it may bind or whose object it may
        change, each a sorted list; and `anything`, whether it may do more than its tree shows, as
        with a magic or a mistake in it.
    """
    names, found = Names(leave_alone), []
    for source in sources:
        walk = Walk(names)
        try:
            walk.cell(ast.parse(source).body)
        except SyntaxError:
            walk.anything = True
        lists = {"reads": walk.reads, "binds": walk.bound, "changes": walk.changes}
        found.append({k: sorted(v) for k, v in lists.items()} | {"anything": walk.anything})
    return found


def needed(cells, index):
    """The places, in order, of the cells that the one at `index` needs, by the facts of all."""
    wanted, everything, found = set(cells[index]["reads"]), cells[index]["anything"], []
    for place in range(index - 1, -1, -1):
        cell = cells[place]
        if everything or cell["anything"] or wanted & {*cell["binds"], *cell["changes"]}:
            found.append(place)
            wanted = wanted - set(cell["binds"]) | set(cell["reads"])
            everything |= cell["anything"]
    return found[::-1]


def leave_alone(sources):
    """The methods that in no class of these modules change their object.

    Args:
        sources: The modules' code.

    Returns:
        Their names, sorted. They assign to no part of the object, and call no method that does.
    """
    methods = {}
    for source in sources:
        for part in ast.walk(ast.parse(source)):
            if isinstance(part, ast.ClassDef):
                for method in part.body:
                    if isinstance(method, FUNCTIONS):
                        methods.setdefault(method.name, []).append(method)
    good = {name for name in methods if not name.startswith("__")}
    while True:
        worse = {name for name in good if not all(leaves(m, good) for m in methods[name])}
        if not worse:
            return sorted(good)
        good -= worse


def leaves(method, good):
    """Whether a method leaves its object alone, if those named in `good` do."""
    if not method.args.args:
        return False
    this = method.args.args[0].arg
    walk = Walk(Names(good))
    walk.statements(method.body)
    return this not in walk.changes
