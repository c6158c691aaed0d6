# Copyright (c) 2026, the pg_cmig developers
"""The revision files: which ones a revision of Alembic becomes, and their text."""

import collections
import contextlib
import os
import re

from alembic import util as alembic_util

from . import fail
from .render import do_block, quoted
from .source import Source, heading, read_text
from .text import left_in_session, left_note, spans

MAX_ID_BYTES = 128
GUARD = r'\echo Use "cmig upgrade" to run this file. \quit'
# one revision file; upgrade and downgrade are texts, and downgrade is None if the revision is irreversible
Piece = collections.namedtuple("Piece", "revision parents outside upgrade downgrade number count")


def as_tuple(value):
    return tuple(alembic_util.to_tuple(value, default=()))


def branch_order(scripts):
    """The parents of each merge, so that the branches run in Alembic's order; revisions that still run in another one.

    pg_cmig runs the branch of the first parent first, and heads in the order of their ids.
    """
    place = {script.revision: number for number, script in enumerate(scripts)}
    parents = {script.revision: sorted(as_tuple(script.down_revision), key=place.get) for script in scripts}
    below = {script.revision: [*parents[script.revision], *as_tuple(script._resolved_dependencies)]
             for script in scripts}
    named = {id_ for edges in below.values() for id_ in edges}
    misplaced = []
    for head in (id_ for id_ in place if id_ not in named):
        order, stack, seen = [], [(head, iter(below[head]))], {head}
        while stack:
            edge = next((id_ for id_ in stack[-1][1] if id_ not in seen), None)
            if edge is None:
                order.append(stack.pop()[0])
            else:
                seen.add(edge)
                stack.append((edge, iter(below[edge])))
        misplaced += [a for a, b in zip(order, sorted(order, key=place.get)) if a != b and a not in misplaced]
    return parents, misplaced


class Revision:
    """A revision of Alembic and the files that it becomes."""

    def __init__(self, project, script, answers, parents, taken):
        self.script, self.answers, self.source = script, answers, Source(script.module)
        self.heading = heading(script.module)
        answers = list(answers.items())
        self.by_hand = [(direction, answer.reason) for direction, answer in answers if answer.reason]
        self.notes = [f"{direction}, recorded on an empty database ({answer.recorded})"
                      for direction, answer in answers if answer.recorded]
        self.notes += [f"{direction}, {note}" for direction, answer in answers for note in answer.notes]
        self.notes += self.left_notes(project)
        self.notes += project.module_notes(script)
        if self.heading.wrong_date:
            self.notes.append(f"its Create Date is left out, because it is not a date: {self.heading.wrong_date}")
        self.check_id()
        self.pieces = self.make_pieces(taken, parents)

    def left_notes(self, project):
        """Notes about what a direction leaves in the session for what Alembic runs after it."""
        notes = []
        for direction, answer in self.answers.items():
            last = project.revisions[-1 if direction == "upgrade" else 0] is self.script
            # a part of it that runs in another transaction becomes another revision
            parts = answer.parts[:-1] if last else answer.parts
            local = not project.opts.get("transaction_per_migration") and len(answer.parts) == 1
            left = left_in_session([sql for _, statements in parts for sql in statements], local)
            if left:
                notes.append(left_note(direction, left, "alembic"))
        return notes

    def check_id(self):
        revision = self.script.revision
        if re.search(r"""[@:+,;{}"'\s\x00-\x1f]|^-|^(head|heads|base|current)([-+]\d+)?$""", revision) \
                or len(revision.encode()) > MAX_ID_BYTES:
            fail(f'"{revision}" cannot be an id in pg_cmig',
                 f"Change it in {self.script.path}, in the revisions that name it, and in the table alembic_version.")

    def make_pieces(self, taken, parents):
        pieces = []
        parts = self.aligned()
        for number, part in enumerate(parts, 1):
            revision = self.script.revision
            if number < len(parts):
                revision += f"_{number}"
                while revision in taken:
                    revision += "_"
                taken.add(revision)
            pieces.append(Piece(revision, parents, *part, number, len(parts)))
            parents = [revision]
        if len(pieces) > 1:
            self.notes.insert(0, "it does not run in one transaction, so it was divided into the revisions "
                              + ", ".join(piece.revision for piece in pieces))
        return pieces

    def aligned(self):
        """(outside of a transaction, upgrade, downgrade) of each file."""
        up, down = self.texts("upgrade"), self.texts("downgrade")
        reverted = "-- reverted by another file of this revision"
        missing = None if down is None else reverted if down else self.not_reverted()
        down = down or []
        # what is written by hand is not divided: the author may need all of it in one part
        if self.by_hand or len(up) <= 1 and len(down) <= 1:
            outside = any(part[0] for part in up + down)
            upgrade, downgrade = ("\n\n".join(text for _, text in parts) for parts in (up, down))
            return [(outside, upgrade, downgrade if down else missing)]
        parts = common_order(up, list(reversed(down)))
        if down and any(u is None or d is None for _, u, d in parts):
            self.notes.append("its downgrade is divided differently; revert all of these revisions or none of them")
        return [(outside, u or "", missing if d is None else d) for outside, u, d in parts]

    def not_reverted(self):
        """The downgrade section for "pass".

        With a comment, cmig.check takes it as intended.  It is if the upgrade only changes
        rows; otherwise, the next upgrade usually fails.
        """
        statements = [statement for _, part in self.answers["upgrade"].parts for statement in part]
        rows = all(re.match(r"\s*(INSERT|UPDATE|DELETE|MERGE|SELECT|WITH)\b", sql, re.I) for sql in statements)
        return "-- downgrade() does nothing" if statements and rows else ""

    def texts(self, direction):
        """[(outside, text)] in the order in which they run; None: irreversible."""
        answer = self.answers[direction]
        if answer.irreversible:
            return None
        if answer.reason:
            return [(answer.outside, self.not_written(direction, answer.reason))]
        texts = [(outside, "\n\n".join(statements)) for outside, statements in answer.parts]
        if answer.recorded:
            outside, text = texts[0] if texts else (False, "")
            texts[:1] = [(outside, "-- recorded on an empty database, where this code did what follows\n"
                          f"{self.code_comment(direction, answer.recorded)}\n{text}")]
        return texts

    def not_written(self, direction, reason):
        message = f"the {direction} of revision {self.script.revision} has not been written as SQL"
        detail = f"Alembic needs a connection for it, or it fails without one: {reason}"
        hint = (f"Write it in the {direction} section of its file. The Python code is in the comment there. "
                "Delete the comment and this statement.")
        error = ("RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',\n"
                 f"        MESSAGE = {quoted(message)},\n"
                 f"        DETAIL = {quoted(detail)},\n"
                 f"        HINT = {quoted(hint)};")
        return f"{self.code_comment(direction, reason)}\n{do_block(error)};"

    def code_comment(self, direction, reason):
        text = f"{reason}\n\n{self.source.code(direction)}".replace("*/", "* /").replace("/*", "/ *")
        return f"/*\n{text}\n*/"

    def file_text(self, piece):
        """The text of a revision file."""
        first, last = piece.number == 1, piece.number == piece.count
        depends = as_tuple(self.script.dependencies) if first else ()
        labels = branch_labels(self.script) if last else ()
        place = "" if first and last else f" ({piece.number} of {piece.count})"
        lines = [f"-- revision: {piece.revision}", f"-- down_revision: {', '.join(piece.parents)}".rstrip()]
        if depends:
            lines.append(f"-- depends_on: {', '.join(depends)}")
        if labels:
            lines.append(f"-- branch_labels: {', '.join(labels)}")
        lines.append(f"-- message: {self.heading.message}{place}".rstrip())
        if piece.outside:
            lines.append("-- transactional: false")
        if self.heading.date:
            lines.append(f"-- create_date: {self.heading.date}")
        if self.heading.description and first:
            lines += ["--"] + [f"--{harmless(' ' + line)}".rstrip() for line in self.heading.description]
        lines += [GUARD, "", "-- cmig:upgrade", protected(piece.upgrade)]
        if piece.downgrade is not None:
            lines += ["", "-- cmig:downgrade", protected(piece.downgrade)]
        return "\n".join(lines).rstrip() + "\n"


def branch_labels(script):
    labels = getattr(script, "_orig_branch_labels", None)
    return sorted(labels if labels is not None else as_tuple(getattr(script.module, "branch_labels", None)))


def common_order(up, down):
    """The shortest list of parts that both are parts of, in order.

    down is reversed: the part that is reverted first is its last one.
    """
    shortest = [[None] * (len(down) + 1) for _ in range(len(up) + 1)]
    for i in range(len(up), -1, -1):
        for j in range(len(down), -1, -1):
            choices = []
            if i < len(up) and j < len(down) and up[i][0] == down[j][0]:
                choices.append([(up[i][0], up[i][1], down[j][1])] + shortest[i + 1][j + 1])
            if i < len(up):
                choices.append([(up[i][0], up[i][1], None)] + shortest[i + 1][j])
            if j < len(down):
                choices.append([(down[j][0], None, down[j][1])] + shortest[i][j + 1])
            shortest[i][j] = min(choices, key=len) if choices else []
    return shortest[0][0]


def harmless(comment):
    """A comment's text that is not taken for a header line or a marker."""
    comment = comment.replace("-- revision:", "- revision:")
    looks_like_one = re.match(r"\s*(\w+\s*:|cm\w*[\W_]|[\w./]+\.\w+|\+|\\|PostgreSQL)", comment)
    return f" | {comment.lstrip()}" if looks_like_one else comment


def protected(sql):
    """The text with comments that cannot be taken for markers."""
    return "".join("--" + harmless(text[2:]) if is_quoted and text.startswith("--") else text
                   for is_quoted, text in spans(sql))


def named_files(revisions):
    """(name, text) of all files."""
    names = {}
    for revision in revisions:
        stem = os.path.splitext(os.path.basename(revision.script.path))[0]
        for piece in revision.pieces:
            name = f"{stem}.sql" if piece.number == piece.count else f"{stem}_{piece.number}.sql"
            if name in names:
                name = f"{stem}_{re.sub(r'[^A-Za-z0-9_-]', '_', piece.revision)}.sql"
            names[name] = revision.file_text(piece)
    return list(names.items())


def folder_files(folder):
    """(name, text) of the revision files that are already there."""
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [(name, read_text(os.path.join(folder, name), newline="")) for name in names if name.endswith(".sql")]


def write_files(folder, files, force):
    os.makedirs(folder, exist_ok=True)
    paths = [(os.path.join(folder, name), text) for name, text in files]
    for path, text in paths:
        # the file would be written to another place
        if os.path.islink(path):
            fail(f"{path} is a symbolic link", "Remove it.")
        if not force and os.path.exists(path) and read_text(path, newline="") != text:
            fail(f"{path} already exists with different content", "Choose another folder with --output, or use --force")
    # a full disk leaves no part of a file
    new = os.path.join(folder, f".cmig-{os.getpid()}-0")
    for path, text in paths:
        try:
            with open(new, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            os.replace(new, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.remove(new)
            fail(f"{path} cannot be written: {error.strerror}")
