#!/usr/bin/python3
# Copyright (c) 2026, the pg_cmig developers

"""Plants a defect in a copy of the sources, so that scripts/fuzz --plant can see
whether the fuzzer finds it.

usage: plants.py                 the names of the defects
       plants.py NAME FOLDER     plant one; an error if its place is no longer there
       plants.py --check FOLDER  an error if the place of any defect is no longer there
"""
import sys

# name: (file, what stands there, what is put in its place)
PLANTS = {
    # an element of an array that is NULL is read
    "null": ("src/base/argument.c", "		if (nulls[i])\n", "		if (nulls[i] && count < 0)\n"),
    # one element too many of an array
    "bounds": ("src/base/argument.c", "	for (int i = 0; i < count; i++)\n	{\n		if (nulls[i])", "	for (int i = 0; i <= count; i++)\n	{\n		if (nulls[i])"),
    # an internal error that an argument can bring about
    "internal": ("src/base/argument.c", "	if (ARR_NDIM(array) != 1)\n", "	if (ARR_NDIM(array) != 1)\n		elog(ERROR, \"unexpected array\");\n	if (ARR_NDIM(array) != 1)\n"),
    # a relation that was dropped
    "lookup": ("src/rls/table.c", "	if (!HeapTupleIsValid(tuple))\n",
               "	if (!HeapTupleIsValid(tuple))\n		elog(ERROR, \"cache lookup failed for relation %u\", relid);\n	if (!HeapTupleIsValid(tuple))\n"),
    # a comment that does not end
    "loop": ("src/parse/lexer.c", "			lexer->unterminated = true;\n			break;\n		}\n		if (p[0] == '/'", "			lexer->unterminated = true;\n			continue;\n		}\n		if (p[0] == '/'"),
    # a setting stays changed
    "setting": ("src/store/access.c", "	cmig_role_return(&saved);\n	AtEOXact_GUC(false, guc_level);\n",
                "	cmig_role_return(&saved);\n	(void) guc_level;\n"),
    # a right is not asked for
    "right": ("src/store/access.c", "	return cmig_query_do(&query, role) > 0;\n", "	return true;\n"),
    # names that are not quoted, of constraints and of columns
    "constraint": ("src/online/recipe.c", "recipe->table_name, quote_identifier(recipe->name), definition,", "recipe->table_name, recipe->name, definition,"),
    "column": ("src/rls/policies.c", "					quote_identifier(column->name), column->cast);\n", "					column->name, column->cast);\n"),
    # one query, and all, with the caller's search_path
    "path": ("src/base/query.c", "	if (!query->users_text)\n		pin_settings();\n", ""),
    "paths": ("src/base/query.c", "	cmig_settings_pin_search_path();\n	if (!standard", "	if (!standard"),
    # memory is used after it was freed
    "freed": ("src/base/argument.c", "		names->names[names->count++] = TextDatumGetCString(elements[i]);\n",
              "		names->names[names->count++] = TextDatumGetCString(elements[i]);\n		pfree(names->names[names->count - 1]);\n"),
    # a recursion without a limit
    "stack": ("src/store/revision_file.c", "		check_stack_depth();\n", ""),
    # a trial stays
    "rehearsal": ("src/base/subtransaction.c", "	return run(work, arg, false);", "	return run(work, arg, true);"),
    # a relation is not closed
    "relation": ("src/audit/row_key.c", "								   RelationGetRelationName(relation));\n	table_close(relation, AccessShareLock);\n",
                 "								   RelationGetRelationName(relation));\n"),
    # a text is cut within a character
    "character": ("src/base/text.c", "pg_mbcliplen(text, length, most)", "most"),
    # a lock of the session stays
    "lock": ("src/run/lock.c", "	if ((at_session & (1 << key)) != 0 && cmig_lock_held_compat(&tag, mode))\n		LockRelease(&tag, mode, true);\n",
             "	if (key != KEY_RUN && (at_session & (1 << key)) != 0 && cmig_lock_held_compat(&tag, mode))\n		LockRelease(&tag, mode, true);\n"),
    # of what an importer has found, there may be none
    "import": ("src/adopt/import.c", "	for (int i = 0; top && i < import->file_count; i++)\n", "	for (int i = 0; i < import->file_count; i++)\n"),
    # psql reads a variable in a text
    "variable": ("src/parse/psql_text.c", "	return cmig_lexer_is_char(lexer, ':') &&\n", "	return cmig_lexer_is_char(lexer, '?') &&\n"),
    # psql reads a backslash in a string otherwise than the server
    "backslash": ("src/parse/psql_text.c", "	bool		backslash = memchr(lexer->start, '\\\\', lexer->next - lexer->start) != NULL;\n",
                  "	bool		backslash = false;\n"),
}


def plant(name, folder, write):
    """Plants a defect, or only looks for its place; returns what is wrong, or None."""
    file, old, new = PLANTS[name]
    path = folder + "/" + file
    with open(path, encoding="utf-8") as source:
        text = source.read()
    if old not in text:
        return "the place of the defect %s is no longer in %s" % (name, file)
    if write:
        with open(path, "w", encoding="utf-8") as out:
            out.write(text.replace(old, new, 1))
    return None


if len(sys.argv) < 3:
    print("\n".join(PLANTS))
else:
    check = sys.argv[1] == "--check"
    problems = [plant(name, sys.argv[2], not check) for name in (PLANTS if check else sys.argv[1:2])]
    sys.exit("\n".join(filter(None, problems)) or None)
