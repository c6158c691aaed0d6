/*
 * expansion_plan.c
 *	  What an expansion runs: its statements, found and tried in the shadow.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "common/string.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/varlena.h"

#include "base/errors.h"
#include "versions/internal.h"

/*
 * The live objects are copied into the shadow, and the shape of the tables is
 * read.  The pending revisions are replayed in a subtransaction, the shape is
 * read again, and then a third time, after every column has the name that it
 * will have while both versions exist, so that PostgreSQL itself prints the
 * definitions of the indexes and constraints that must be built on the real
 * tables.
 *
 * The statements of the expansion then run in the shadow.  What differs from
 * the shadow of the revisions afterwards is added to the contraction if it only
 * changes the catalogs; otherwise it is refused, with its name.  So nothing is
 * expanded that would not end in the same schema as the upgrade.
 */

/* Refuse a change. */
void
cmig_versions_refuse(const char *what, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s cannot be expanded", what),
			 errdetail("%s", why),
			 cmig_hint("Apply the revision with `cmig.upgrade`, or divide it.")));
}

void
cmig_versions_ask(const char *kind, const CmigShapeTable *table, const char *column, const char *why)
{
	/* as it can be typed: a script may set search_path, or not */
	const char *relation = strcmp(table->schema, "public") == 0 ? quote_identifier(table->name) :
	table->qualified;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column %s.%s needs a line \"-- cmig:%s\"", table->name, column, kind),
			 errdetail("%s", why),
			 errhint("-- cmig:%s %s.%s = <expression>", kind, relation, quote_identifier(column))));
}

CmigExpansionStep *
cmig_versions_add(const CmigStepGroup *at, const char *format,...)
{
	CmigExpansionStep *step = palloc0(sizeof(CmigExpansionStep));
	va_list		args;

	va_start(args, format);
	step->sql = cmig_text_format(format, args);
	va_end(args);
	step->phase = at->phase;
	step->relation = pstrdup(at->relation);
	at->p->result->steps = lappend(at->p->result->steps, step);
	return step;
}

void
cmig_versions_add_rows(const CmigStepGroup *at, const List *rows)
{
	foreach_ptr(CmigValue, row, rows)
		cmig_versions_add(at, "%s", row[0]);
}

/*
 * Add a step for each of the statements that make the change.  None reads a user's
 * table or sequence: a query would run its owner's code.
 */
static void
add_change(const CmigStepGroup *at, const CmigDiffLine *line, const char *sql)
{
	foreach_ptr(const char, statement, cmig_section_statements(sql, false))
	{
		const SelectStmt *query = (SelectStmt *) cmig_raw_parse_one(statement)->stmt;

		if (IsA(query, SelectStmt) && query->fromClause != NIL)
			cmig_versions_refuse(psprintf("%s %s", line->kind, line->object),
								 "Its sequence would have to continue after the values that it or the rows have reached.");
		cmig_versions_add(at, "%s", statement);
	}
}

const char *
cmig_versions_schema(const CmigPlanning *p, const char *schema)
{
	return quote_identifier(cmig_version_schema_name(p->result->revision, schema));
}

/* ----------------------------------------------------------------
 * Shapes
 * ----------------------------------------------------------------
 */

/* Subtransaction callback: run the text as a script in the shadow. */
static void
run_script(void *arg)
{
	CmigPlanning *p = arg;
	CmigRepeatableRun run =
	{.node = p->plan->steps[p->plan->count - 1].node,.sql = unconstify(char *, p->script)};

	cmig_replay_nodes(p->replay, &run.node, 1, CMIG_UPGRADE, &run);
}

void
cmig_versions_try_script(CmigPlanning *p, const char *script, const char *what)
{
	ErrorData  *error;

	p->script = script;
	error = cmig_subtransaction_try(run_script, p);
	if (error == NULL)
		return;
	if (error->sqlerrcode != ERRCODE_CMIG_NOT_REPLAYABLE)
		ReThrowError(error);
	if (cmig_replay_failed_code() == ERRCODE_INSUFFICIENT_PRIVILEGE)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s cannot be expanded by role %s", what, cmig_session_role()),
				 errdetail("A statement fails that would be run: %s",
						   error->detail ? error->detail : error->message),
				 errhint("Set cmig.role to a role with this privilege, or grant it; for schema cmig: SELECT cmig.grant_access(%s, 'migrator')",
						 quote_literal_cstr(cmig_session_role()))));
	cmig_versions_refuse(what,
						 psprintf("A statement fails that would be run: %s",
								  error->detail ? error->detail : error->message));
}

void
cmig_versions_try_steps(CmigPlanning *p, int from, const char *phase)
{
	const char *path = cmig_versions_path();
	StringInfoData sql;
	ListCell   *cell;

	initStringInfo(&sql);
	for_each_from(cell, p->result->steps, from)
	{
		const CmigExpansionStep *step = lfirst(cell);

		if (strcmp(step->phase, CMIG_PHASE_FILL) != 0 &&
			(phase == NULL || strcmp(step->phase, phase) == 0))
			appendStringInfo(&sql, "%s;\n", step->sql);
	}
	if (sql.len > 0)
		cmig_versions_try_script(p, psprintf("SET search_path = %s;\nSET default_tablespace = '';\n%s",
											 *path ? path : "''", sql.data), "the change");
}

/* Find what happens to a column that is in both shapes. */
static void
match_column(CmigPlanning *p, CmigVersionTable *table, CmigVersionColumn *column)
{
	const CmigShapeColumn *a = column->a;
	const CmigShapeColumn *b = column->b;
	const CmigVersionRule *up = cmig_versions_rule(p, table->b->oid, b->number, true, p->revisions);
	const CmigVersionRule *down = cmig_versions_rule(p, table->b->oid, b->number, false, 0);
	bool		retyped = !cmig_text_same(a->type, b->type) ||
	!cmig_text_same(a->collation, b->collation);
	char	   *what = psprintf("column %s.%s", table->b->qualified, quote_identifier(b->name));

	if (!cmig_text_same(a->generated, b->generated) ||
		(b->generated[0] && !cmig_text_same(a->value, b->value)))
		cmig_versions_refuse(what, "It is a generated column, or was one.");
	if (a->identity[0] && b->identity[0] && !cmig_text_same(a->sequence_oid, b->sequence_oid))
		cmig_versions_refuse(what, "It would have another sequence than after an upgrade.");
	if (!retyped && up == NULL && down == NULL && cmig_text_same(a->not_null, b->not_null))
		return;
	if (b->generated[0])
		cmig_versions_refuse(what, "It is a generated column.");
	if (!retyped && *b->not_null == 't' && *a->not_null == 'f' && up == NULL)
		cmig_versions_ask("up", table->b, b->name,
						  "It is NOT NULL in the new version only; the old one may store nulls.");
	if (!retyped && *b->not_null == 'f' && *a->not_null == 't' && down == NULL)
		cmig_versions_ask("down", table->a, a->name,
						  "It is NOT NULL in the old version only; the new one may store nulls.");
	column->hidden = cmig_version_hidden_name(b->name);
	column->up = up;
	column->down = down;

	/*
	 * a sequence must not be used twice; any other default is the view's own,
	 * so that a null is an error
	 */
	column->takes_default = *b->not_null == 't' &&
		(b->identity[0] ||
		 (b->sequence != NULL && b->value != NULL && cmig_text_same(a->value, b->value)));
}

/* Find what happens to a column that is only in the new shape. */
static void
match_new(CmigPlanning *p, CmigVersionTable *table, CmigVersionColumn *column)
{
	const CmigShapeColumn *b = column->b;
	const CmigVersionRule *up = cmig_versions_rule(p, table->b->oid, b->number, true, p->revisions);
	char	   *what = psprintf("column %s.%s", table->b->qualified, quote_identifier(b->name));

	if (b->generated[0])
		cmig_versions_refuse(what,
							 "It is a generated column, whose values PostgreSQL computes for all rows while the table is locked.");
	if (up == NULL && b->value == NULL && *b->not_null == 't')
		cmig_versions_ask("up", table->b, b->name,
						  "It is NOT NULL and has no default, so rows of the old version have no value for it.");
	column->hidden = cmig_version_hidden_name(b->name);
	column->up = up;
}

/* Raise an error if the table has parents or children that are no partitions. */
static void
require_plain(const CmigVersionTable *table)
{
	if (*table->a->inherits != 'f' || *table->b->inherits != 'f')
		cmig_versions_refuse(psprintf("table %s", table->b->qualified),
							 "It inherits, or is inherited from, or has a foreign table as a partition, or is attached or detached by the revision.");
}

/* Compare a table's columns. */
static void
match_columns(CmigPlanning *p, CmigVersionTable *table)
{
	List	   *kept = NIL;
	List	   *hidden = NIL;

	foreach_ptr(CmigShapeColumn, b, table->b->columns)
	{
		CmigVersionColumn *column = palloc0(sizeof(CmigVersionColumn));
		char	   *what = psprintf("column %s.%s", table->b->qualified, quote_identifier(b->name));

		column->b = b;
		column->a = cmig_shape_column(table->a, b->number);
		if (column->a != NULL)
			match_column(p, table, column);
		else
			match_new(p, table, column);
		if (column->hidden != NULL && *b->partitions == 't')
			cmig_versions_refuse(what,
								 "It is part of a partition key, and the rows of each version would be in partitions of their own.");
		if (column->hidden != NULL && *b->constrained == 'd')
			cmig_versions_refuse(what,
								 "Its type is a domain with a default, and rows would have other values than in an upgrade.");
		if (column->hidden != NULL && *b->constrained == 't')
			cmig_versions_refuse(what,
								 "Its type is a domain with constraints, and PostgreSQL writes the whole table again, while it is locked, to add a column of such a type.");
		if (column->hidden != NULL)
			hidden = lappend(hidden, column);
		else
			kept = lappend(kept, column);
		table->filled |= column->up != NULL;
		table->viewed |= column->hidden != NULL || !cmig_text_same(column->a->name, b->name) ||
			!cmig_text_same(column->a->value, b->value);
	}
	foreach_ptr(CmigShapeColumn, a, table->a->columns)
	{
		CmigVersionColumn *column = palloc0(sizeof(CmigVersionColumn));

		column->a = a;
		if (cmig_shape_column(table->b, a->number) != NULL)
			continue;
		column->down = cmig_versions_rule(p, table->a->oid, a->number, false, 0);
		if (column->down == NULL && a->value == NULL && *a->not_null == 't' && !a->identity[0])
			cmig_versions_ask("down", table->a, a->name,
							  "It is NOT NULL and has no default, so rows of the new version have no value for it.");
		table->dropped = lappend(table->dropped, column);
		table->filled |= column->down != NULL;
		table->viewed = true;
	}
	table->viewed |= !cmig_text_same(table->a->qualified, table->b->qualified);
	if (table->viewed)
		require_plain(table);
	table->inverse = table->filled && hidden == NIL;
	table->hides = table->filled || hidden != NIL;
	/* a replaced column stands last, in the view as in the table afterwards */
	table->columns = list_concat(kept, hidden);
}

/*
 * Returns the statements that rename columns from the names of the new version
 * to those of the real table, or back.  Names may be exchanged.
 */
List *
cmig_versions_renames(const List *columns, const char *relation, bool back)
{
	List	   *statements = NIL;

	for (int phase = 0; phase < 2; phase++)
	{
		foreach_ptr(const CmigVersionColumn, column, columns)
		{
			const char *real = column->hidden ? column->hidden : column->a->name;
			char	   *between = psprintf("cmig_between_%s", column->b->number);
			const char *from = phase == 1 ? between : back ? real : column->b->name;
			const char *to = phase == 0 ? between : back ? column->b->name : real;

			if (!cmig_text_same(real, column->b->name))
				statements = lappend(statements,
									 psprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", relation,
											  quote_identifier(from),
											  quote_identifier(to)));
		}
	}
	return statements;
}

/* Returns statements that give new columns the names of the real table. */
static char *
hide_names(const CmigPlanning *p)
{
	StringInfoData sql;

	initStringInfo(&sql);
	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		foreach_ptr(const char, rename,
					cmig_versions_renames(table->columns, table->b->qualified, false))
			appendStringInfo(&sql, "%s;\n", rename);
		if (!cmig_text_same(table->a->name, table->b->name))
			appendStringInfo(&sql, "ALTER TABLE %s RENAME TO %s;\n", table->b->qualified,
							 quote_identifier(table->a->name));
		if (!cmig_text_same(table->a->schema, table->b->schema))
			appendStringInfo(&sql, "ALTER TABLE %s.%s SET SCHEMA %s;\n",
							 quote_identifier(table->b->schema),
							 quote_identifier(table->a->name), quote_identifier(table->a->schema));
	}
	return sql.data;
}

static CmigShapeReader *
find_reader(const List *readers, const char *key)
{
	foreach_ptr(CmigShapeReader, reader, readers)
	{
		if (strcmp(reader->key, key) == 0)
			return reader;
	}
	return NULL;
}

/* Raise an error if the version cannot have the reader. */
static void
require_fit(const CmigPlanning *p, const CmigShapeReader *reader)
{
	char	   *what = psprintf("%s %s",
								reader->kind[0] == 'R' ? "function" : reader->kind[0] == 'M' ?
								"materialized view" : "view",
								cmig_shape_reader_name(reader, reader->schema));

	if (*reader->trigger == 't' && reader->old != NULL)
		cmig_versions_refuse(what,
							 "It is a trigger function, and triggers fire for what either version writes.");
	if (reader->unfit != NULL)
		cmig_versions_refuse(what, reader->unfit);
	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		if (!table->viewed)
			continue;
		if (cmig_text_has_word(reader->types, table->b->oid))
			cmig_versions_refuse(what,
								 psprintf("An argument or its result has the row type of table %s, of which the new version has another.", table->b->qualified));
		if (cmig_text_has_word(reader->body, table->b->qualified))
			cmig_versions_refuse(what,
								 psprintf("Its body contains \"%s\", which is the old version of the table until it is contracted. Leave out the schema.", table->b->qualified));
	}
}

/*
 * Find the views and functions that the version has: those that are new or
 * changed, as they read the real tables, and what reads these.  One that reads
 * a renamed column has not changed.  A new function does not belong to them if
 * it finds what it reads by the search_path of its caller.
 */
static void
match_readers(CmigPlanning *p, const CmigImage *image)
{
	foreach_ptr(CmigShapeReader, reader, cmig_shape_readers(image))
	{
		const CmigObject *after = cmig_shape_reader_object(reader, p->after);
		bool		changed;
		bool		follows = false;

		reader->old = find_reader(p->old_readers, reader->key);
		foreach_ptr(CmigShapeReader, old, reader->old ? NIL : p->old_readers)
		{
			const CmigObject *before = cmig_shape_reader_object(old, p->before);

			if (before->kind == after->kind && strcmp(before->identity, after->identity) == 0)
				reader->old = old;
		}
		changed = reader->old == NULL || strcmp(reader->old->key, reader->key) != 0 ||
			strcmp(reader->old->definition, reader->definition) != 0;
		foreach_ptr(const CmigShapeReader, other, p->readers)
			follows |= cmig_text_has_word(reader->reads, other->key);
		if (!changed && (!follows || reader->kind[0] == 'M'))
			continue;
		require_fit(p, reader);
		if (reader->old == NULL && reader->kind[0] == 'R' && !follows &&
			(*reader->trigger == 't' || (reader->body != NULL && reader->path == NULL)))
			continue;
		p->readers = lappend(p->readers, reader);
	}
}

/* Returns the search_path of a function, with the version's schemas. */
static char *
version_path(const CmigPlanning *p, const char *path)
{
	StringInfoData result;
	List	   *names;

	initStringInfo(&result);
	if (!SplitIdentifierString(pstrdup(path), ',', &names))
		names = list_make1(pstrdup(path));
	foreach_ptr(const char, name, names)
	{
		if (cmig_text_list_has(p->result->schemas, name))
			appendStringInfo(&result, "%s%s", result.len > 0 ? ", " : "",
							 quote_literal_cstr(cmig_version_schema_name(p->result->revision,
																		 name)));
		appendStringInfo(&result, "%s%s", result.len > 0 ? ", " : "", quote_literal_cstr(name));
	}
	return result.data;
}

/*
 * Find how the readers are created in the schemas of the version: they are
 * moved there, so that PostgreSQL itself writes what they read.
 */
static void
move_readers(CmigPlanning *p, const CmigImage *image)
{
	static CmigQuery indexes = {
		.sql = "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = substr($1, 2)::oid ORDER BY 1",.argtypes = {TEXTOID}
	};
	StringInfoData sql;
	List	   *moved;

	initStringInfo(&sql);
	foreach_ptr(const char, schema, p->result->schemas)
		appendStringInfo(&sql, "CREATE SCHEMA IF NOT EXISTS %s;\n",
						 cmig_versions_schema(p, schema));
	foreach_ptr(CmigShapeReader, reader, p->readers)
	{
		const char *schema = cmig_version_schema_name(p->result->revision, reader->schema);

		if (reader->old == NULL || strcmp(reader->old->key, reader->key) != 0)
			reader->privileges = cmig_versions_reader_privileges(reader,
																 cmig_shape_reader_name(reader, schema), schema);
		appendStringInfo(&sql, "ALTER %s %s SET SCHEMA %s;\n", reader->kind,
						 cmig_shape_reader_name(reader, reader->schema), quote_identifier(schema));
		if (reader->path != NULL)
			appendStringInfo(&sql, "ALTER ROUTINE %s SET search_path TO %s;\n",
							 cmig_shape_reader_name(reader, schema), version_path(p, reader->path));
	}
	p->script = sql.data;
	run_script(p);
	moved = cmig_shape_readers(image);
	foreach_ptr(CmigShapeReader, reader, p->readers)
	{
		reader->version = find_reader(moved, reader->key);
		reader->written = cmig_shape_reader_written(reader);
		if (reader->kind[0] == 'M')
			reader->indexes = cmig_query_list(&indexes, reader->key);
	}
}

/* Find the schemas that have a version. */
static void
find_schemas(CmigPlanning *p)
{
	List	   *names = NIL;

	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		if (table->viewed)
			names = lappend(names, table->b->schema);
	}
	foreach_ptr(const CmigShapeReader, reader, p->readers)
		names = lappend(names, reader->schema);
	foreach_ptr(const CmigVersionEnum, e, p->enums)
		names = lappend(names, e->b->schema);
	foreach_ptr(char, name, names)
	{
		if (!cmig_text_list_has(p->result->schemas, name))
			p->result->schemas = lappend(p->result->schemas, name);
	}
}

/*
 * Find the enums that have other labels, or are other types with the same name.
 * They are moved to the version's schema, where the shape then shows them.
 */
static void
match_enums(CmigPlanning *p)
{
	static CmigQuery renamed = {
		.sql = "SELECT string_agg(format('WHEN %L THEN %L', a.value, b.value), ' ' ORDER BY a.value)"
		" FROM json_each_text($1::json) a JOIN json_each_text($2::json) b USING (key)"
		" WHERE a.value <> b.value",
		.argtypes = {TEXTOID, TEXTOID}
	};
	StringInfoData sql;

	initStringInfo(&sql);
	foreach_ptr(const CmigShapeEnum, b, cmig_shape_enums(p->after))
	{
		foreach_ptr(const CmigShapeEnum, a, p->old_enums)
		{
			const char *schema = cmig_versions_schema(p, b->schema);
			CmigVersionEnum *e;

			if (strcmp(a->qualified, b->qualified) != 0 ||
				(strcmp(a->oid, b->oid) == 0 && strcmp(a->labels, b->labels) == 0))
				continue;
			if (p->revisions > 1)
				cmig_versions_refuse(psprintf("type %s", b->qualified),
									 "It has other labels after several revisions. Expand the revision that changes it alone.");
			e = palloc(sizeof(CmigVersionEnum));
			e->a = a;
			e->b = b;
			e->name = psprintf("%s.%s", schema, quote_identifier(b->name));
			e->up = cmig_query_value(&renamed, a->numbers, b->numbers);
			e->down = cmig_query_value(&renamed, b->numbers, a->numbers);
			p->enums = lappend(p->enums, e);
			appendStringInfo(&sql,
							 "CREATE SCHEMA IF NOT EXISTS %s;\nALTER TYPE %s SET SCHEMA %s;\n",
							 schema, b->qualified, schema);
		}
	}
	p->script = sql.data;
	if (sql.len > 0)
		run_script(p);
}

/* A new identity column has a sequence until it can have its own. */
static void
number_identities(CmigPlanning *p, int level)
{
	foreach_ptr(const CmigShapeTable, table, p->shapes[level])
	{
		const CmigShapeTable *before = cmig_shape_table(p->shapes[0], table->oid);

		foreach_ptr(CmigShapeColumn, b, before ? table->columns : NIL)
		{
			if (b->identity[0] && cmig_shape_column(before, b->number) == NULL)
				b->value = psprintf("pg_catalog.nextval(%s::pg_catalog.regclass)",
									quote_literal_cstr(b->sequence));
		}
	}
}

/* Subtransaction callback: find the new shape. */
static void
look_after(void *arg)
{
	CmigPlanning *p = arg;
	List	   *assumed = NIL;
	CmigImage  *image;

	for (int i = 1; i <= p->revisions; i++)
	{
		cmig_versions_replay(p, i);
		cmig_replay_require_owned(p->replay);
		p->after = cmig_replay_image(p->replay, &assumed);
		if (i == p->revisions)
			match_enums(p);
		p->shapes[i] = cmig_shape_read(p->after);
		number_identities(p, i);
		cmig_versions_add_rules(p, i, list_nth(p->texts, i - 1));
	}
	cmig_shape_require_same(p->before, p->after);
	foreach_ptr(const CmigShapeTable, a, p->shapes[0])
	{
		for (int i = 0; i < p->after->count; i++)
			if ((p->after->objects[i]->kind->flags & CMIG_KIND_RELATION) != 0 &&
				strcmp(p->after->objects[i]->identity, a->qualified) == 0 &&
				p->after->objects[i]->address.object != strtoul(a->oid, NULL, 10))
				cmig_versions_refuse(psprintf("table %s", a->qualified),
									 "The revision gives its name to another object, but the old version needs it until the contraction.");
	}
	foreach_ptr(CmigShapeTable, b, p->shapes[p->revisions])
	{
		CmigVersionTable *table = palloc0(sizeof(CmigVersionTable));

		table->b = b;
		table->a = cmig_shape_table(p->shapes[0], b->oid);
		/* a partition changes as its parent does */
		if (table->a == NULL || (*table->a->inherits == 'p' && *table->b->inherits == 'p'))
			continue;
		match_columns(p, table);
		p->tables = lappend(p->tables, table);
	}
	p->script = hide_names(p);
	if (p->script[0])
		run_script(p);
	image = cmig_replay_image(p->replay, &assumed);
	p->h = cmig_shape_read(image);
	match_readers(p, image);
	find_schemas(p);
	if (p->readers != NIL)
		move_readers(p, image);
}

/* Is there a part with the same kind and columns? */
static bool
has_similar(const CmigShapeTable *table, const CmigShapePart *part)
{
	foreach_ptr(const CmigShapePart, other, table->parts)
	{
		if (cmig_text_same(other->columns, part->columns) &&
			(cmig_text_same(other->kind, part->kind) ||
			 (strchr("pu", other->kind[0]) &&
			  strchr("pui", part->kind[0]))))
			return true;
	}
	return false;
}

static bool
is_unique(const CmigShapePart *part)
{
	return strchr("pu", part->kind[0]) != NULL ||
		(part->kind[0] == 'i' && part->unique != NULL);
}

/* Compare a table's indexes and constraints, under the real names. */
static void
match_parts(CmigPlanning *p, CmigVersionTable *table)
{
	List	   *left = list_copy(table->a->parts);

	table->h = cmig_shape_table(p->h, table->b->oid);
	foreach_ptr(CmigShapePart, part, table->h->parts)
	{
		CmigShapePart *found = NULL;
		bool		only_kept = true;
		bool		has_default = false;
		bool		new_default = false;	/* not that of the old version? */

		foreach_ptr(CmigShapePart, other, left)
		{
			if ((found == NULL || cmig_text_same(part->name, other->name)) &&
				cmig_text_same(part->kind, other->kind) &&
				cmig_text_same(part->definition, other->definition) &&
				cmig_text_same(part->index, other->index) &&
				cmig_text_same(part->unique, other->unique) &&
				cmig_text_same(part->valid, other->valid))
				found = other;
		}
		if (found != NULL)
		{
			left = list_delete_ptr(left, found);
			if (!cmig_text_same(found->name, part->name))
				table->renamed = lappend(lappend(table->renamed, found), part);
			continue;
		}
		table->build = lappend(table->build, part);
		if (strchr("ipu", part->kind[0]) != NULL &&
			OidIsValid(get_relname_relid(cmig_version_hidden_name(part->name),
										 get_namespace_oid(table->a->schema, false))))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_TABLE),
					 errmsg("relation \"%s\" already exists", cmig_version_hidden_name(part->name)),
					 errdetail("It is the name of an index that would be built for \"%s\".",
							   part->name),
					 errhint("Drop or rename it.")));
		foreach_ptr(const CmigVersionColumn, column, table->columns)
		{
			if (column->hidden != NULL &&
				cmig_text_has_word(part->columns, column->b->number))
			{
				only_kept = false;
				has_default |= column->b->value != NULL;
				new_default |= !cmig_text_same(column->a ? column->a->value : NULL,
											   column->b->value);
			}
		}
		if (part->kind[0] == 'f' && part->sets_default[0] == 't' &&
			(new_default || (has_default && !has_similar(table->a, part))))
			cmig_versions_refuse(psprintf("constraint \"%s\" of table %s", part->name,
										  table->b->qualified),
								 "SET DEFAULT would set the default of the hidden column, which is not that of the new version.");
		if (part->kind[0] == 'x')
			cmig_versions_refuse(psprintf("constraint \"%s\" of table %s", part->name,
										  table->b->qualified),
								 "An exclusion constraint cannot be built without blocking writes.");
		if (only_kept && (is_unique(part) || part->kind[0] == 'c' || part->kind[0] == 'f') &&
			(part->kind[0] == 'c' ? !table->filled ||
			 table->inverse : !has_similar(table->a, part)))
			cmig_versions_refuse(psprintf("%s \"%s\" of table %s",
										  part->kind[0] == 'i' ? "index" : "constraint", part->name,
										  table->b->qualified),
								 "The old version would be held to it, because it has the same columns. With a line \"-- cmig:up\" for one of the columns, the new version has a column of its own.");
	}
	table->drop = left;
	foreach_ptr(const CmigShapePart, part, left)
	{
		bool		held = part->columns != NULL &&
		(strchr("cf", part->kind[0]) != NULL || is_unique(part));

		/* are all of its columns those of both versions? */
		foreach_ptr(const CmigVersionColumn, column,
					list_concat_copy(table->columns, table->dropped))
		{
			held &= column->a == NULL || (column->b != NULL && column->hidden == NULL) ||
				!cmig_text_has_word(part->columns, column->a->number);
		}
		if (held)
			ereport(NOTICE,
					(errmsg("%s \"%s\" of table %s holds for both versions until the contraction",
							part->kind[0] == 'i' ? "index" : "constraint", part->name,
							table->a->qualified),
					 errhint("With a line \"-- cmig:down\" for one of its columns, the new version has a column of its own.")));
	}
	if (table->build != NIL || table->drop != NIL || table->renamed != NIL)
		require_plain(table);
	if (table->viewed || table->build != NIL || table->drop != NIL)
		table->family = cmig_versions_family(table->a->qualified, NULL);
}

/* ----------------------------------------------------------------
 * The plan
 * ----------------------------------------------------------------
 */

/* Objects that only the new shape has, and that stand on their own. */
static void
find_created(CmigPlanning *p)
{
	const CmigKind *kinds[] = {&cmig_kind_table, &cmig_kind_column, &cmig_kind_default,
		&cmig_kind_constraint, &cmig_kind_index,
		&cmig_kind_foreign_key, &cmig_kind_replica_identity, &cmig_kind_sequence, &cmig_kind_sequence_owner, &cmig_kind_enum,
		&cmig_kind_domain,
		&cmig_kind_domain_constraint, &cmig_kind_composite, &cmig_kind_attribute, &cmig_kind_range,
		&cmig_kind_function,
		&cmig_kind_extension, &cmig_kind_schema, &cmig_kind_trigger, &cmig_kind_policy,
	&cmig_kind_statistics};
	const CmigStepGroup at = {p, CMIG_PHASE_PREPARE, ""};

	p->changes = cmig_replay_compare(p->before, p->after);
	foreach_ptr(CmigDiffLine, line, p->changes)
	{
		const CmigObject *root;
		bool		replaced = false;
		bool		known = false;

		if (line->upgrade == NULL || line->subject == NULL)
			continue;
		root = cmig_object_root(unconstify(CmigObject *, line->subject));
		if (cmig_image_find(p->before, root->address) != NULL ||
			find_reader(p->readers,
						psprintf("%c%u", root->kind == &cmig_kind_function ? 'p' : 'c',
								 root->address.object)) != NULL)
			continue;
		foreach_ptr(const CmigVersionEnum, e, p->enums)
			replaced |= root->address.object == strtoul(e->b->oid, NULL, 10);
		if (replaced)
			continue;
		for (int k = 0; k < lengthof(kinds); k++)
			known |= line->subject->kind == kinds[k];
		if (!known)
			cmig_versions_refuse(psprintf("%s %s", line->kind, line->object),
								 "It is new in the revision, and only the new version would have it.");
		/* its owner and its privileges */
		if (strcmp(line->action, "create") != 0)
		{
			add_change(&at, line, line->upgrade);
			continue;
		}
		p->created = lappend(p->created, line);
		if (line->subject == root)
		{
			char	  **row = palloc0(9 * sizeof(char *));

			/* for cmig_expansion_patterns() */
			row[0] = "";
			row[2] = "created";
			row[3] = psprintf("%s:%s", root->kind->name, root->identity);
			p->result->columns = lappend(p->result->columns, row);
		}
		/* a function that is not from a revision must not be replaced */
		if (!line->within)
			add_change(&at, line, line->subject->kind == &cmig_kind_function &&
					   !line->subject->unchecked ? cmig_function_create(line->subject) :
					   line->upgrade);
	}
}

/*
 * New tables exist at once, and their foreign keys refer to what the tables have
 * then.  If it is a key that is replaced, they must refer to the new one.
 * Returns the steps that drop them.
 */
static List *
turn_foreign_keys(CmigPlanning *p)
{
	const CmigStepGroup prepare = {p, CMIG_PHASE_PREPARE, ""};
	const CmigStepGroup build = {p, CMIG_PHASE_BUILD, ""};
	List	   *dropped = NIL;
	ListCell   *h;
	ListCell   *b;

	foreach_ptr(const CmigShapeTable, hidden, p->h)
	{
		if (cmig_shape_table(p->shapes[0], hidden->oid) != NULL || *hidden->kind != 'r')
			continue;
		forboth(h, hidden->parts, b, cmig_shape_table(p->shapes[p->revisions], hidden->oid)->parts)
		{
			const CmigShapePart *part = lfirst(h);
			const char *table = hidden->qualified;
			const char *name = quote_identifier(part->name);

			if (part->kind[0] != 'f' ||
				cmig_text_same(part->definition, ((CmigShapePart *) lfirst(b))->definition))
				continue;
			dropped = lappend(dropped,
							  cmig_versions_add(&prepare, "ALTER TABLE %s DROP CONSTRAINT %s",
												table, name));
			cmig_versions_add_constraint(&build, table, part->name, part->definition);
			p->release = lappend(p->release,
								 psprintf("ALTER TABLE IF EXISTS %s DROP CONSTRAINT IF EXISTS %s",
										  table, name));
		}
	}
	return dropped;
}

/*
 * The steps that drop foreign keys belong to the transaction that creates them:
 * as soon as they exist, a DELETE of the other table locks theirs.
 */
static void
drop_at_once(CmigPlanning *p, const List *dropped)
{
	int			at = 0;

	while (*((CmigExpansionStep *) list_nth(p->result->steps, at))->relation == '\0')
		at++;
	foreach_ptr(CmigExpansionStep, step, dropped)
		p->result->steps = list_insert_nth(list_delete_ptr(p->result->steps, step), at++, step);
}

/* Columns of new tables whose enum changes get that of the version. */
static void
add_created_enums(CmigPlanning *p)
{
	const CmigStepGroup at = {p, CMIG_PHASE_PREPARE, ""};

	foreach_ptr(const CmigShapeTable, table, p->shapes[p->revisions])
	{
		foreach_ptr(const CmigShapeColumn, column,
					cmig_shape_table(p->shapes[0], table->oid) ? NIL : table->columns)
		{
			const char *name = quote_identifier(column->name);

			foreach_ptr(const CmigVersionEnum, e, p->enums)
			{
				if (strcmp(column->type, e->name) == 0 ||
					strcmp(column->type, psprintf("%s[]", e->name)) == 0)
					cmig_versions_add(&at,
									  "ALTER TABLE %s ALTER %s DROP DEFAULT, ALTER %s TYPE %s USING NULL%s%s",
									  table->qualified, name, name, column->type,
									  column->value ? psprintf(", ALTER %s SET DEFAULT ", name) :
									  "",
									  column->value ? column->value : "");
			}
		}
	}
}

/* What is still different after the contraction becomes part of it. */
static void
add_rest(CmigPlanning *p)
{
	const CmigKind *kinds[] = {&cmig_kind_table, &cmig_kind_column, &cmig_kind_default,
		&cmig_kind_constraint, &cmig_kind_foreign_key, &cmig_kind_replica_identity,
		&cmig_kind_index, &cmig_kind_trigger, &cmig_kind_policy, &cmig_kind_rule,
		&cmig_kind_statistics, &cmig_kind_sequence,
		&cmig_kind_sequence_owner, &cmig_kind_toast, &cmig_kind_view, &cmig_kind_view_column,
		&cmig_kind_materialized_view,
	&cmig_kind_function, &cmig_kind_enum};
	List	   *assumed = NIL;
	List	   *rest = cmig_replay_compare(cmig_replay_image(p->replay, &assumed), p->after);
	int			from = list_length(p->result->steps);
	const CmigStepGroup at = {p, CMIG_PHASE_CONTRACT, ""};

	foreach_ptr(CmigDiffLine, line, rest)
	{
		bool		known = strcmp(line->action, "drop") == 0;

		for (int k = 0; k < lengthof(kinds); k++)
			known |= line->subject != NULL && line->subject->kind == kinds[k];
		if (!known || line->upgrade == NULL ||
			(line->hazards & (CMIG_HAZARD_REWRITE | CMIG_HAZARD_SCAN | CMIG_HAZARD_BLOCKS |
							  CMIG_HAZARD_MAY_FAIL | CMIG_HAZARD_FAILS)) != 0)
			cmig_versions_refuse(psprintf("%s %s", line->kind, line->object),
								 line->general_hazard ?
								 psprintf("The statement would hold a lock for long: %s.",
										  line->general_hazard) :
								 line->upgrade == NULL &&
								 line->hazard ? psprintf("It is not supported: %s.",
														 line->hazard) :
								 "Both versions would need one of their own.");
		if (!line->within)
			add_change(&at, line, line->upgrade);
	}
	if (rest == NIL)
		return;
	cmig_versions_try_steps(p, from, NULL);
	foreach_ptr(CmigDiffLine, line,
				cmig_replay_compare(cmig_replay_image(p->replay, &assumed), p->after))
	{
		cmig_versions_refuse(psprintf("%s %s", line->kind, line->object),
							 "It would not be the same as after an upgrade.");
	}
}

/* Subtransaction callback: is everything as before after cmig.abandon()? */
static void
try_abandon(void *arg)
{
	CmigPlanning *p = arg;
	List	   *assumed = NIL;

	cmig_versions_try_steps(p, 0, CMIG_PHASE_ABANDON);
	foreach_ptr(CmigDiffLine, line,
				cmig_replay_compare(cmig_replay_image(p->replay, &assumed), p->before))
	{
		cmig_versions_refuse(psprintf("%s %s", line->kind, line->object),
							 "cmig.abandon() would not restore it.");
	}
}

/* A row for cmig.expansion(): NULL for the name of the old or new column. */
static void
add_column_row(CmigPlanning *p, const CmigVersionTable *table, const char *kind,
			   const CmigVersionColumn *column)
{
	char	  **row = palloc0(9 * sizeof(char *));

	row[0] = table->a->qualified;
	row[1] = psprintf("%s.%s", cmig_versions_schema(p, table->b->schema),
					  quote_identifier(table->b->name));
	row[2] = pstrdup(kind);
	row[3] = column && column->a ? column->a->name : NULL;
	row[4] = column && column->b ? column->b->name : NULL;
	row[5] = column ? column->hidden : NULL;
	row[6] = column ? column->up_text : NULL;
	row[7] = column ? column->down_text : NULL;
	row[8] = table->sequence;
	p->result->columns = lappend(p->result->columns, row);
}

static void
add_column_rows(CmigPlanning *p, const CmigVersionTable *table)
{
	int			before = list_length(p->result->columns);

	foreach_ptr(const CmigVersionColumn, column, table->columns)
	{
		if (column->hidden != NULL)
			add_column_row(p, table, column->a ? "change" : "add", column);
		else if (!cmig_text_same(column->a->name, column->b->name))
			add_column_row(p, table, "rename", column);
	}
	foreach_ptr(const CmigVersionColumn, column, table->dropped)
		add_column_row(p, table, "drop", column);
	if (table->viewed && list_length(p->result->columns) == before)
		add_column_row(p, table, "table", NULL);
}

/* The schemas of the version, and the enums that it has of its own. */
static void
add_schemas(CmigPlanning *p)
{
	const CmigStepGroup at = {p, CMIG_PHASE_PREPARE, ""};

	foreach_ptr(const char, schema, p->result->schemas)
		cmig_versions_add(&at, "CREATE SCHEMA %s", cmig_versions_schema(p, schema));
	foreach_ptr(const char, schema, p->result->schemas)
	{
		cmig_versions_add(&at, "COMMENT ON SCHEMA %s IS %s", cmig_versions_schema(p, schema),
						  quote_literal_cstr(psprintf(CMIG_VERSION_COMMENT, schema,
													  p->result->revision)));
	}
	foreach_ptr(const CmigVersionEnum, e, p->enums)
	{
		char	   *row[9] = {"", NULL, ENUM, e->a->qualified, e->name};

		cmig_versions_add(&at, "CREATE TYPE %s AS ENUM (%s)", e->name, e->b->labels);
		cmig_versions_add_rows(&at, cmig_versions_type_privileges(e->a->qualified, e->name));
		p->result->columns = lappend(p->result->columns, memcpy(palloc(sizeof(row)), row, sizeof(row)));
	}
	cmig_versions_add_unchecked(p, CMIG_PHASE_PREPARE);
}

/* The backfills, and the builds: what foreign keys refer to comes first. */
static void
add_builds(CmigPlanning *p)
{
	for (int i = 0; i < 2 * list_length(p->tables); i++)
	{
		CmigVersionTable *table = list_nth(p->tables, i % list_length(p->tables));
		bool		keys = i >= list_length(p->tables);
		List	   *build = table->build;
		const CmigStepGroup fill = {p, CMIG_PHASE_FILL, table->a->qualified};

		table->build = NIL;
		if (table->filled && !keys)
		{
			CmigShapePart *part = palloc0(sizeof(CmigShapePart));

			cmig_versions_add(&fill, "CALL cmig.backfill(%s, '" CMIG_STATE_COLUMN " = NULL', %s)",
							  quote_literal_cstr(fill.relation),
							  quote_literal_cstr(CMIG_STATE_COLUMN " = 'todo'"));
			/* finds rows that are not transformed, at once and of any length */
			part->name = psprintf(CMIG_STATE_COLUMN "_%s", table->a->name);
			part->kind = pstrdup("i");
			part->index = "((" CMIG_STATE_COLUMN " = 'todo')) WHERE " CMIG_STATE_COLUMN " IS NOT NULL";
			table->build = list_make1(part);
		}
		foreach_ptr(CmigShapePart, part, build)
		{
			if ((part->kind[0] == 'f') == keys)
				table->build = lappend(table->build, part);
		}
		cmig_versions_add_builds(p, table);
		table->build = build;
	}
}

/* Note what the steps that ran in the shadow call, but "before" does not have. */
static void
note_replaceable(CmigPlanning *p, const List *before)
{
	foreach_ptr(CmigValue, row, cmig_versions_replaceable())
	{
		bool		known = false;

		foreach_ptr(CmigValue, other, before)
			known |= strcmp(row[3], other[3]) == 0;
		if (!known)
			p->replaceable = lappend(p->replaceable, row);
	}
	cmig_versions_note_bound(p);
}

/* A CmigReplayTask: find everything out. */
static void
plan_all(CmigReplay *replay, void *arg)
{
	CmigPlanning *p = arg;
	List	   *assumed = NIL;
	ErrorData  *error;
	int			from;
	List	   *dropped;
	List	   *replaceable;

	p->replay = replay;
	cmig_replay_copies(replay, p->copies, cmig_versions_path());
	CommandCounterIncrement();
	p->since = GetCurrentCommandId(true);
	p->before = cmig_replay_image(replay, &assumed);
	cmig_copies_check(p->copies, p->before);
	p->shapes[0] = cmig_shape_read(p->before);
	p->old_readers = cmig_shape_readers(p->before);
	p->old_enums = cmig_shape_enums(p->before);
	error = cmig_subtransaction_rehearse(look_after, p);
	foreach_ptr(const char, schema, p->result->schemas)
	{
		const char *name = cmig_version_schema_name(p->result->revision, schema);

		if (OidIsValid(get_namespace_oid(name, true)))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_SCHEMA),
					 errmsg("schema \"%s\" already exists", name),
					 errdetail("It is the name of a schema for the new version."),
					 errhint("Drop or rename it. If it was not created by you, find out who connects with it in search_path.")));
	}
	if (error != NULL)
	{
		if (error->sqlerrcode == ERRCODE_CMIG_NOT_REPLAYABLE)
			cmig_versions_explain_replay(p, error);
		ReThrowError(error);
	}
	cmig_versions_require_indexes(p);
	foreach_ptr(CmigVersionTable, table, p->tables)
		match_parts(p, table);

	p->result->viewed.names = palloc(sizeof(char *) * list_length(p->tables));
	p->result->hidden.names = palloc(sizeof(char *) * list_length(p->tables));
	/* schemas first, then what is new, then each table */
	replaceable = cmig_versions_replaceable();
	add_schemas(p);
	find_created(p);
	add_created_enums(p);
	cmig_versions_try_steps(p, 0, NULL);
	foreach_ptr(CmigVersionTable, table, p->tables)
	{
		from = list_length(p->result->steps);
		if (!table->viewed)
			continue;
		cmig_versions_add_columns(p, table);
		cmig_versions_add_view(p, table);
		cmig_versions_try_steps(p, from, NULL);
		from = list_length(p->result->steps);
		cmig_versions_add_triggers(p, table);
		cmig_versions_try_steps(p, from, NULL);
		cmig_versions_set_dependencies(get_relname_relid(table->a->name, get_namespace_oid(table->a->schema, false)));
		add_column_rows(p, table);
		p->result->viewed.names[p->result->viewed.count++] = table->a->qualified;
		if (table->hides)
			p->result->hidden.names[p->result->hidden.count++] = table->a->qualified;
	}
	from = list_length(p->result->steps);
	cmig_versions_add_readers(p);
	cmig_versions_try_steps(p, from, NULL);
	from = list_length(p->result->steps);
	add_builds(p);
	dropped = turn_foreign_keys(p);
	foreach_ptr(const CmigVersionTable, table, p->tables)
		cmig_versions_add_checks(p, table);
	cmig_versions_try_steps(p, from, NULL);
	if (dropped != NIL)
		drop_at_once(p, dropped);
	note_replaceable(p, replaceable);
	cmig_versions_add_abandon(p);
	error = cmig_subtransaction_rehearse(try_abandon, p);
	if (error != NULL)
		ReThrowError(error);
	from = list_length(p->result->steps);
	cmig_versions_add_contract(p);
	cmig_versions_try_steps(p, from, NULL);
	add_rest(p);
	note_replaceable(p, replaceable);
}

CmigExpansionPlan *
cmig_expansion_plan(const CmigSituation *now, const CmigPlan *plan)
{
	CmigPlanning p = {.now = now,.plan = plan};
	int			level = NewGUCNestLevel();

	/* as for scripts */
	cmig_settings_override("standard_conforming_strings", "on");
	p.result = palloc0(sizeof(CmigExpansionPlan));
	p.result->revision = cmig_graph_id(now->graph, plan->steps[plan->count - 1].node);
	p.result->revisions.names = palloc(sizeof(char *) * plan->count);
	for (int i = 0; i < plan->count; i++)
	{
		char	   *id = cmig_graph_id(now->graph, plan->steps[i].node);
		CmigRevisionText *text = cmig_catalog_read_text(id);

		p.result->revisions.names[p.result->revisions.count++] = id;
		if (text == NULL)
			cmig_query_raise_changed(psprintf("Revision \"%s\" was removed.", id));
		cmig_versions_require_definitions(text);
		p.texts = lappend(p.texts, text);
		p.strict |= text->expand != NULL && strcmp(text->expand, "strict") == 0;
		if (text->expand == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("revision \"%s\" cannot be expanded", id),
					 errdetail("It does not have the header \"-- expand: true\"."),
					 i > 0 ? cmig_hint("Expand those before it: `CALL cmig.expand(%s)`",
									   quote_literal_cstr(p.result->revisions.names[i - 1])) :
					 cmig_hint("Apply it first: %s",
							   cmig_upgrade_call(now->graph, list_make1_int(plan->steps[i].node),
												 id, false))));
	}
	p.revisions = plan->count;
	p.shapes = palloc0(sizeof(List *) * (plan->count + 1));
	p.begun = RegisterSnapshot(cmig_latest_snapshot());
	p.managed = cmig_managed_of_revisions();
	p.copies = cmig_copies_plan(p.managed, true, NIL, NIL, &p.live);
	cmig_replay_run(now->graph, "cmig.expand()", plan_all, &p);
	cmig_versions_compare_rows(&p);
	cmig_versions_hold_copied(&p);
	cmig_versions_add_live(&p);
	UnregisterSnapshot(p.begun);
	AtEOXact_GUC(false, level);
	return p.result;
}
