# Copyright (c) 2026, the pg_cmig developers
"""The text of a migration, and the values from outside that it reads."""

import ast
import collections
import contextlib
import datetime
import inspect
import os
import random
import re
import sys
import textwrap
import types

DIRECTIONS = ("upgrade", "downgrade")
IDENTIFIERS = {"revision", "down_revision", "branch_labels", "depends_on"}
# wrong_date is the text after "Create Date:", if it is not a date
Heading = collections.namedtuple("Heading", "message description date wrong_date")
MISSING = object()
OUTSIDE_READS = {"open": "a file", "read_text": "a file", "read_bytes": "a file", "get_x_argument": "the command line",
                 "is_file": "a file", "is_dir": "a file", "iterdir": "a file", "rglob": "a file",
                 "gethostname": "the host", "getuser": "the user", "getpid": "the process"}
# os.path.exists() and the like, os.stat() and the like
FILE_MODULES = ("genericpath", "glob", "posix", "nt")


def in_project(path):
    """Is the file part of the project, not of Python, an installed package, or this one?"""
    others = ("<", os.path.dirname(os.__file__), os.path.dirname(__file__))
    return not path.startswith(others) and not re.search("(site|dist)-packages/", path)


def frames(frame):
    """The frame and its callers."""
    while frame:
        yield frame
        frame = frame.f_back


def line_in(path):
    """The line of the file that is being run."""
    return next((f.f_lineno for f in frames(sys._getframe(1)) if f.f_code.co_filename == path), None)


def at_line(path, what):
    """The text, after the line of the file that is being run."""
    line = line_in(path)
    return f"line {line}: {what}" if line else what


def read_text(path, newline=None):
    with open(path, encoding="utf-8", newline=newline) as file:
        return file.read()


def parsed(path):
    """The text of a file, and its syntax tree; without any if it is not Python."""
    try:
        text = read_text(path)
        return text, ast.parse(text)
    except (OSError, ValueError, SyntaxError, TypeError):
        return "", ast.Module([], [])


def create_date(text):
    """The Create Date as a datetime, and as it is written in a header."""
    date = re.search(r"^Create Date:\s*(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?))?(?:\.\d+)?"
                     r"\s*([+-]\d\d:?\d\d|Z)?\s*$", text, re.M)
    try:
        start = datetime.datetime.fromisoformat(f"{date[1]} {date[2] or '00:00'}")
        if date[3] and date[3] != "Z" and not ("00" <= date[3][1:3] <= "15" and date[3][-2:] < "60"):
            return None, None
        return start, "".join((date[1], " " + date[2] if date[2] else "", date[3] or ""))
    except (TypeError, ValueError):
        return None, None


def start_of(path):
    """What a migration takes for the current time."""
    try:
        return create_date(read_text(path))[0] or datetime.datetime(2000, 1, 1)
    except (OSError, ValueError):
        return datetime.datetime(2000, 1, 1)


def heading(module):
    """What a revision file repeats of the module's docstring."""
    doc = (module.__doc__ or "").strip()
    date, given = create_date(doc)[1], re.search(r"^Create Date:[ \t]*(\S.*?)\s*$", doc, re.M)
    lines = [line.rstrip() for line in doc.splitlines()
             if not re.match(r"(Revision ID|Revises|Create Date|Branch Labels|Depends on):", line.strip(), re.I)]
    message = " ".join(lines[0].split())[:980] if lines else ""
    description = "\n".join(lines[1:]).strip("\n")
    wrong_date = given[1] if given and not date else None
    return Heading(message, description.split("\n") if description else [], date, wrong_date)


def assigned_names(node):
    """The names to which a statement of the module assigns a value."""
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    return {target.id for target in targets if isinstance(target, ast.Name)}


def is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def stand_in(path, refuse):
    """What Alembic needs of a module that could not be loaded."""
    tree = ast.parse(read_text(path))
    module = types.ModuleType("revision")
    module.__file__, module.__doc__ = path, ast.get_docstring(tree)
    for node in tree.body:
        for name in IDENTIFIERS & assigned_names(node):
            setattr(module, name, ast.literal_eval(node.value))
        if isinstance(node, ast.FunctionDef) and node.name in DIRECTIONS:
            setattr(module, node.name, lambda **kw: refuse("could not be loaded"))
    return module


class Source:
    """The text of the module of a revision."""

    def __init__(self, module):
        self.module = module
        self.text, tree = parsed(module.__file__)
        self.body = tree.body

    def function(self, name):
        return next((node for node in self.body if isinstance(node, ast.FunctionDef) and node.name == name), None)

    def assigned(self, line):
        """The name to which an assignment on the line gives its value, and an equals sign."""
        names = [ast.unparse(target) for top in self.body for node in ast.walk(top)
                 if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.lineno <= line <= node.end_lineno
                 for target in getattr(node, "targets", None) or [node.target]]
        return f"{names[-1]} = " if names else ""

    def only_raises(self, name):
        """Is raise all that the function does?"""
        node = self.function(name)
        body = [statement for statement in node.body if not is_text(statement)] if node else []
        return len(body) == 1 and isinstance(body[0], ast.Raise)

    def code(self, direction):
        """The code of the direction, with the rest of the module."""
        other = "downgrade" if direction == "upgrade" else "upgrade"
        return "\n".join(ast.get_source_segment(self.text, node) for node in self.body
                         if not is_text(node) and not assigned_names(node) & IDENTIFIERS
                         and getattr(node, "name", None) != other)

    def notes(self, direction):
        """Values from outside of the migration that the direction reads."""
        function = self.function(direction)
        return Reads(vars(self.module), self).of(function) if function else []

    def module_notes(self):
        """Values from outside of the migration that the module reads when it is loaded."""
        reads = Reads(vars(self.module), self)
        return [note for node in self.body
                if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom))
                for note in reads.of(node)]


class Reads:
    """Finds where code reads values from outside: the environment, files, settings, random numbers."""

    def __init__(self, scope, source):
        self.scope, self.source, self.seen = scope, source, set()
        self.imported = project_imports(scope.get("__file__"))

    def of(self, tree, where=""):
        """The notes about the code, and about the functions of the project that it calls."""
        found, inner, scope = [], set(), dict(self.scope)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                scope.update({a.asname or a.name: sys.modules.get(a.name, MISSING) for a in node.names})
            elif isinstance(node, ast.ImportFrom):
                module = sys.modules.get(node.module or "")
                scope.update({a.asname or a.name: getattr(module, a.name, MISSING) for a in node.names})
        for node in ast.walk(tree):
            if id(node) in inner:
                continue
            note = self.read(node, scope)
            if note:
                inner.update(id(child) for child in ast.walk(node))
                found.append(f"line {node.lineno}{where}: {'' if where else self.source.assigned(node.lineno)}{note}")
            function = self.resolve(node, scope)
            if isinstance(function, types.FunctionType) and function not in self.seen \
                    and in_project(function.__code__.co_filename):
                self.seen.add(function)
                found += self.of_function(function)
        return list(dict.fromkeys(found))

    def of_function(self, function):
        try:
            lines, start = inspect.getsourcelines(function)
            tree = ast.increment_lineno(ast.parse(textwrap.dedent("".join(lines))), start - 1)
        except (OSError, SyntaxError, TypeError):
            return []
        if function.__globals__ is self.scope:
            return self.of(tree)
        reads = Reads(dict(function.__globals__), self.source)
        reads.seen = self.seen
        return reads.of(tree, f" of {os.path.basename(function.__code__.co_filename)}")

    def resolve(self, node, scope):
        """What a dotted name stands for, if nothing has to be called to know it."""
        if isinstance(node, ast.Name):
            return scope.get(node.id, MISSING)
        if isinstance(node, ast.Attribute):
            of = self.resolve(node.value, scope)
            if isinstance(of, (types.ModuleType, type)) or in_project(file_of(type(of).__module__)):
                with contextlib.suppress(Exception):
                    return getattr(of, node.attr, MISSING)
        return MISSING

    def read(self, node, scope):
        """What the node reads, and the value, or None."""
        text = ast.unparse(node) if isinstance(node, ast.expr) else ""
        called = self.resolve(node.func, scope) if isinstance(node, ast.Call) else MISSING
        of = node.func if isinstance(node, ast.Call) else node
        base = self.resolve(of.value, scope) if isinstance(of, (ast.Attribute, ast.Subscript)) else MISSING
        if base is os.environ or called is os.getenv \
                or isinstance(node, ast.Compare) and self.resolve(node.comparators[-1], scope) is os.environ:
            return f"{text}, {shown(evaluated(node, scope))} in the environment of the import"
        if self.resolve(node, scope) is os.environ:
            return f"{text}, the environment of the import"
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            read = OUTSIDE_READS.get(name) or "a file" * (getattr(called, "__module__", None) in FILE_MODULES)
            if read:
                return f"{text}, read from {read} by the import"
            if isinstance(getattr(called, "__self__", None), random.Random):
                return f"{text}, a fixed value"
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            value, root = self.resolve(node, scope), node
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(value, (str, int, float)) and getattr(root, "id", None) in self.imported:
                return f"{text}, {shown(value)} when it was imported"
        return None


def project_imports(path):
    """The names that a file imports from modules of the project."""
    return {alias.asname or alias.name for node in ast.walk(parsed(path)[1])
            if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names
            if in_project(file_of(getattr(node, "module", None) or alias.name))}


def file_of(module):
    return getattr(sys.modules.get(module), "__file__", None) or "<unknown>"


def evaluated(node, scope):
    try:
        return eval(compile(ast.Expression(node), "<import>", "eval"), dict(scope))
    except Exception:
        return MISSING


def shown(value):
    return "an unknown value" if value is MISSING else repr(value)[:80]
