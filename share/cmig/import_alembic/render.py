# Copyright (c) 2026, the pg_cmig developers
"""SQL as text: values as literals, and what SQLAlchemy compiles."""

import datetime
import decimal
import enum
import ipaddress
import re
import sys
import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import DDLElement
from sqlalchemy.sql.dml import Insert, Update
from sqlalchemy.types import ARRAY, TypeDecorator

from .source import in_project
from .text import spans

ROWS_PER_INSERT = 100
ADDRESSES = (ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network)


class NotWritable(Exception):
    """A statement that cannot be written as text."""


def tidy(ddl):
    """DDL without tabs and spaces at line ends, outside of strings."""
    return "".join(text if is_quoted else re.sub(r"[ \t]+\n", "\n", text).replace("\t", "    ")
                   for is_quoted, text in spans(ddl.strip()))


def quoted(text):
    if "\0" in text:
        raise NotWritable("a string contains a NUL character")
    return "'" + text.replace("'", "''") + "'"


def identifier(name):
    return '"' + name.replace('"', '""') + '"'


def dollar_quote(body):
    tag = "$cmig$"
    while tag in body:
        tag = f"$cmig{len(tag)}$"
    return f"{tag}\n{body}\n{tag}"


def do_block(body):
    return "DO " + dollar_quote(f"BEGIN\n    {body}\nEND")


def rendered(value, sql_type=None, dialect=None):
    """A Python value as an SQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, enum.Enum):
        return rendered(value.value if isinstance(value, (int, str)) else value.name)
    if isinstance(value, int):
        return f"({value})" if value < 0 else str(value)
    if isinstance(value, (float, decimal.Decimal)):
        cast = "::float8" if isinstance(value, float) else "::numeric"
        return str(value) if re.fullmatch(r"[0-9.eE+]+", str(value)) else quoted(str(value)) + cast
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"'\\x{bytes(value).hex()}'::bytea"
    if isinstance(value, datetime.datetime):
        return quoted(value.isoformat(" ")) + ("::timestamptz" if value.tzinfo else "::timestamp")
    if isinstance(value, datetime.date):
        return quoted(value.isoformat()) + "::date"
    if isinstance(value, datetime.time):
        return quoted(value.isoformat()) + ("::timetz" if value.tzinfo else "::time")
    if isinstance(value, datetime.timedelta):
        return quoted(f"{value.days} days {value.seconds}.{value.microseconds:06d} seconds") + "::interval"
    if isinstance(value, uuid.UUID):
        return quoted(str(value)) + "::uuid"
    if isinstance(value, (str, *ADDRESSES)):
        return quoted(str(value))
    if isinstance(value, (list, tuple)):
        cast = "::" + sql_type.compile(dialect=dialect) if isinstance(sql_type, ARRAY) else ""
        return ("ARRAY[" + ", ".join(rendered(item) for item in value) + "]" if value else "'{}'") + cast
    raise NotWritable(f"a value of type {type(value).__name__} cannot be written as a literal")


def python_default(column, is_update):
    default = column.onupdate if is_update else column.default
    if default is None or default.is_sequence or default.is_clause_element:
        raise NotWritable(f'the default of column "{column.name}" cannot be computed')
    return default.arg(None) if default.is_callable else default.arg


def row_chunks(table, rows):
    """Rows with the same columns together, completed by Python's defaults."""
    chunk = []
    if not isinstance(rows, list) or any(not isinstance(row, dict) for row in rows):
        raise NotWritable("bulk_insert() takes a list of dictionaries")
    for row in map(dict, rows):
        for column in table.columns:
            default = column.default
            if column.key not in row and default is not None and not default.is_sequence:
                row[column.key] = default.arg if default.is_clause_element else python_default(column, False)
        if chunk and (list(chunk[0]) != list(row) or len(chunk) == ROWS_PER_INSERT):
            yield chunk
            chunk = []
        chunk.append(row)
    if chunk:
        yield chunk


class LiteralCompiler(PGDialect.statement_compiler):
    """Writes all parameters as literals; one without a value is an error, not NULL."""

    def render_literal_bindparam(self, bindparam, **kw):
        values = self.dialect.cmig_values
        if bindparam.key in values:
            bindparam = bindparam._with_value(values[bindparam.key])
        elif bindparam.required and bindparam.value is None and bindparam.callable is None:
            raise NotWritable(f'parameter ":{bindparam.key}" has no value')
        if bindparam.expanding:
            return super().render_literal_bindparam(bindparam, **kw)
        return self.render_literal_value(bindparam.effective_value, bindparam.type)

    def render_literal_value(self, value, type_):
        """A parameter as its type would send it to the server."""
        if value is None and not getattr(type_, "should_evaluate_none", False):
            return "NULL"
        plain = isinstance(value, (bytes, decimal.Decimal)) and not isinstance(type_, TypeDecorator)
        process = None if plain else type_.dialect_impl(self.dialect).bind_processor(self.dialect)
        return rendered(process(value) if process else value, type_, self.dialect)


class Dialect(PGDialect):
    """Turns what migrations execute into SQL text."""

    statement_compiler = LiteralCompiler
    supports_statement_cache = False
    _backslash_escapes = False  # standard_conforming_strings is on
    cmig_recorder = None        # of the code that is being called

    def __init__(self):
        super().__init__(paramstyle="named")
        self.cmig_values = {}   # of the parameters

    @property
    def server_version_info(self):
        if self.cmig_recorder and in_project(sys._getframe(1).f_code.co_filename):
            self.cmig_recorder.need("asks for the version of the server")

    def cmig_text(self, statement, values=None):
        if isinstance(statement, str):
            statement = sa.text(statement)
        self.cmig_values = dict(values or {})
        try:
            if isinstance(statement, DDLElement):
                return tidy(str(statement.compile(dialect=self)))
            return str(self.cmig_compiled(statement, values))
        finally:
            self.cmig_values = {}

    def cmig_compiled(self, statement, values):
        options = {}
        if values and isinstance(statement, (Insert, Update)):
            options["column_keys"] = list(values)
        for attempt in range(2):
            result = statement.compile(dialect=self, compile_kwargs={"literal_binds": True}, **options)
            defaults = getattr(result, "insert_prefetch", None) or getattr(result, "update_prefetch", None)
            if not defaults:
                return result
            for column in defaults:
                value = python_default(column, isinstance(statement, Update))
                if "column_keys" in options:
                    options["column_keys"].append(column.key)
                    self.cmig_values[column.key] = value
                else:
                    statement = statement.values({column: value})
        raise NotWritable(f'column "{defaults[0].name}" has a default in Python')
