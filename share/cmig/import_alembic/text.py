# Copyright (c) 2026, the pg_cmig developers
"""SQL as text: where statements and strings end, and what a script leaves in its session.

import_django.py loads it, too: it needs nothing but Python.
"""

import re

TOKEN = re.compile(r"""--[^\n]*|/\*|'(?:[^']|'')*'|"(?:[^"]|"")*"|"""
                   r"""\$(?:[A-Za-z_\u0080-\U0010ffff][\w\u0080-\U0010ffff]*)?\$""")
COMMENT = re.compile(r"/\*|\*/")
NAME = r'(?:[\w.$]+|"(?:[^"]|"")*")'
SET = re.compile(rf"SET\s+(?P<scope>SESSION\s+(?!AUTHORIZATION\b|CHARACTERISTICS\b)|LOCAL\s+)?(?P<name>TIME\s+ZONE|"
                 rf"SESSION\s+\w+|{NAME})\s*(?:=|\bTO\b|\bAS\b)?\s*(?P<value>.*)", re.I | re.S)
RESET = re.compile(rf"RESET\s+(TIME\s+ZONE|SESSION\s+AUTHORIZATION|{NAME})", re.I)
SET_CONFIG = re.compile(r"\bset_config\s*\(\s*'((?:[^']|'')*)'((?:(?!\bset_config\b).)*)", re.I | re.S)
TEMPORARY = re.compile(rf"(?:CREATE\s+(?:OR\s+REPLACE\s+)?|SELECT\b.*\bINTO\s+)"
                       rf"(?:(?:LOCAL\s+|GLOBAL\s+)?TEMP(?:ORARY)?\s+(?:TABLE|(?:RECURSIVE\s+)?VIEW|SEQUENCE)?|"
                       rf"TABLE\s+(?=(?:IF\s+NOT\s+EXISTS\s+)?pg_temp\.))\s*"
                       rf"(?:IF\s+NOT\s+EXISTS\s+)?(?:pg_temp\.)?({NAME})", re.I | re.S)
DROP = re.compile(r"DROP\s+(?:TABLE|VIEW|SEQUENCE)\s+(?:IF\s+EXISTS\s+)?(.*?)\s*(?:CASCADE|RESTRICT)?$", re.I | re.S)
OTHER_NAMES = {"time zone": "timezone", "schema": "search_path", "names": "client_encoding",
               "session authorization": "session_authorization"}
ROLES = ("role", "session_authorization")


def spans(sql):
    """(quoted or a comment, text) of the whole text."""
    at = 0
    while True:
        token = TOKEN.search(sql, at)
        if not token:
            yield False, sql[at:]
            return
        end = token_end(sql, token)
        yield False, sql[at:token.start()]
        yield True, sql[token.start():end]
        at = end


def token_end(sql, token):
    """Where a quoted text or comment ends."""
    text = token[0]
    if text == "/*":
        depth = 0
        for mark in COMMENT.finditer(sql, token.start()):
            depth += 1 if mark[0] == "/*" else -1
            if depth == 0:
                return mark.end()
        return len(sql)
    if text[0] == "$":
        before = sql[token.start() - 1:token.start()]
        end = sql.find(text, token.end()) if not (before.isalnum() or before == "_") else -1
        return end + len(text) if end >= 0 else token.end()
    if text[0] == "'" and re.search(r"(^|\W)[eE]$", sql[:token.start()]):
        escaped = re.compile(r"'(?:[^'\\]|''|\\.)*'", re.S).match(sql, token.start())
        return escaped.end() if escaped else token.end()
    return token.end()


def split_statements(sql):
    """The statements of a text, without comments."""
    # the body of such a function contains semicolons, and ends with END
    if re.search(r"\bBEGIN\s+ATOMIC\b", sql, re.I):
        return [sql.strip()]
    text = ""
    for is_quoted, piece in spans(sql):
        if not is_quoted:
            piece = piece.replace(";", "\0")
        text += " " if piece.startswith(("--", "/*")) else piece
    return [statement.strip() for statement in text.split("\0") if statement.strip()]


def plain(name):
    """The name of a setting or table as it is shown."""
    name = " ".join(name.split())
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def setting(name):
    return OTHER_NAMES.get(plain(name), plain(name))


def follow_set(sql, local, held):
    """What SET, RESET, and set_config() do to the settings that are held, in order."""
    for name, rest in SET_CONFIG.findall(sql if re.match("SELECT", sql, re.I) else ""):
        if local or not re.search(r",\s*(?:(\'?)(?:t|true|on|yes|1)\1)(?:::\w+)?\s*\)", rest, re.I):
            held.pop(setting(name), None)
            held[setting(name)] = setting(name)
    match, reset = SET.match(sql), RESET.match(sql)
    if reset and plain(reset[1]) == "all":
        for name in [name for name, title in held.items() if name == title and name not in ROLES]:
            del held[name]
    elif reset:
        held.pop(setting(reset[1]), None)
    elif match and (local or (match["scope"] or "").strip().upper() != "LOCAL"):
        name = setting(match["name"])
        if name in ("transaction", "constraints"):
            return
        held.pop(name, None)
        if not re.match(r"(DEFAULT|LOCAL)\b" if name == "timezone" else r"(DEFAULT|NONE)\b" if name == "role"
                        else r"DEFAULT\b", match["value"], re.I):
            held[name] = name


def left_in_session(statements, local):
    """What the statements leave in the session: settings, with "local" also those of SET LOCAL, and temporary tables.

    As in C (cmig_statement_follow_session), what a DO block or a function sets is not seen.
    """
    held = {}    # settings, and "table NAME": what is shown
    for sql in (part for statement in statements for part in split_statements(statement)):
        follow_set(sql, local, held)
        created, dropped = TEMPORARY.match(sql), DROP.match(sql)
        code = "".join(text for is_quoted, text in spans(sql) if not is_quoted)
        if created and not re.search(r"\bON\s+COMMIT\s+DROP\b", code, re.I):
            held[f"table {plain(created[1])}"] = f"temporary table {plain(created[1])}"
        for name in re.findall(rf"(?:{NAME}\.)*({NAME})\s*(?:,|$)", dropped[1]) if dropped else ():
            held.pop(f"table {plain(name.rpartition('.')[2])}", None)
    return sorted(held.values(), key=lambda title: title.startswith("temporary table "))


def left_note(section, left, tool):
    return (f"what its {section} script leaves in the session ({', '.join(left)}) ends with the revision; in {tool}, "
            "it can hold for the migrations that follow in the same run")
