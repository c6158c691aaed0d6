/*
 * hazard.c
 *	  What a statement does to the rows of its table, and functions that CREATE
 *	  FUNCTION would reject.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "schema/internal.h"

/* Determines the effects of a statement on the rows of its table */

/*
 * Can the object have rows?  A domain has the rows of the tables whose columns
 * have this type.
 */
static bool
has_rows(const CmigObject *object)
{
	return object != NULL &&
		(object->address.catalog == RelationRelationId || object->kind == &cmig_kind_domain);
}

/* The size of the relations in t (oid); no row if they are empty. */
#define SIZE_SQL \
	" SELECT pg_size_pretty(sum(greatest(pg_table_size(c.oid), c.relpages::bigint * current_setting('block_size')::integer)))" \
	"  || CASE n.rows WHEN 0 THEN '' WHEN 1 THEN ', about 1 row' ELSE format(', about %s rows', n.rows) END" \
	" FROM t JOIN pg_class c ON c.oid = t.oid AND c.relkind <> 'S'" \
	" CROSS JOIN (SELECT coalesce(sum(greatest(r.reltuples, 0)) FILTER (WHERE r.relkind <> 'p'), 0)::bigint" \
	"  FROM pg_class r WHERE r.oid IN (SELECT t.oid FROM t)) n (rows)" \
	" GROUP BY n.rows HAVING sum(pg_relation_size(c.oid) + c.relpages) > 0"

/*
 * Returns the size of a table and the tables that inherit from it, or the size
 * of the tables whose columns have a domain, as text.  Returns NULL if the
 * tables are empty, or if the object is of another kind.
 */
static char *
table_size(const CmigObject *table)
{
	static CmigQuery of_table = {
		.sql = "WITH RECURSIVE t (oid) AS (SELECT $1 UNION SELECT i.inhrelid FROM pg_inherits i JOIN t ON t.oid = i.inhparent)" SIZE_SQL,
		.argtypes = {OIDOID}
	};
	static CmigQuery of_domain = {
		.sql = "WITH RECURSIVE d (oid) AS (SELECT $1 UNION SELECT y.oid FROM pg_type y JOIN d ON d.oid = y.typbasetype),"
		" t (oid) AS (SELECT DISTINCT a.attrelid FROM pg_attribute a JOIN d ON d.oid = a.atttypid"
		"  JOIN pg_class k ON k.oid = a.attrelid AND k.relkind IN ('r', 'm')"
		" WHERE NOT a.attisdropped)" SIZE_SQL,
		.argtypes = {OIDOID}
	};

	if (!has_rows(table))
		return NULL;
	return cmig_query_value(table->kind == &cmig_kind_domain ? &of_domain : &of_table,
							table->address.object);
}

/* An expression, and whether it contains a volatile function. */
typedef struct Volatility
{
	const char *expression;
	bool		is_volatile;
} Volatility;

/*
 * Subtransaction callback: analyze the expression.  The query tree is in the
 * subtransaction's memory context.
 */
static void
analyze(void *arg)
{
	Volatility *volatility = arg;
	char	   *sql = psprintf("SELECT %s", volatility->expression);
	RawStmt    *raw = cmig_raw_parse_one(sql);
	Query	   *query;

	cmig_raw_parse_blank_strings(raw->stmt);
	query = parse_analyze_fixedparams(raw, sql, NULL, 0, NULL);
	volatility->is_volatile = contain_volatile_functions((Node *) query->targetList);
}

/*
 * Is the value of the default volatile?  This is assumed if the expression
 * cannot be analyzed: it may use new objects.
 */
bool
cmig_hazard_is_volatile(const char *expression)
{
	Volatility	volatility = {expression, true};
	ErrorData  *error = cmig_subtransaction_rehearse(analyze, &volatility);

	if (error != NULL && cmig_subtransaction_must_rethrow(error))
		ReThrowError(error);
	return volatility.is_volatile;
}

/*
 * Returns the flags without those that do not apply to the statement's types
 * or to the new column's default; see CmigDdl.
 */
static int
real_hazards(int hazards, const char *old_type, const char *new_type, const char *expression)
{
	static CmigQuery binary_coercible = {
		.sql = "WITH t AS MATERIALIZED"
		" (SELECT " CMIG_TYPE_NAMED("$1") " AS old, " CMIG_TYPE_NAMED("$2") " AS new)"
		" SELECT true FROM t, pg_cast"
		" WHERE castsource = old AND casttarget = new AND castmethod = 'b'"
		" UNION ALL SELECT true FROM t, pg_type"
		" WHERE oid = old AND typtype = 'd' AND typbasetype = new"
		" UNION ALL SELECT true FROM t, pg_type y"
		" WHERE y.oid = new AND typtype = 'd' AND typbasetype = old"
		" AND typtypmod = -1 AND NOT typnotnull"
		" AND NOT EXISTS (SELECT FROM pg_constraint WHERE contypid = y.oid)",
		.argtypes = {TEXTOID, TEXTOID}
	};

	if ((hazards & CMIG_HAZARD_REWRITE) == 0)
		return hazards;
	if (old_type != NULL)
	{
		/* a cast to a type with a modifier can change values */
		if (strchr(new_type, '(') != NULL)
			return hazards;
		return cmig_query_do(&binary_coercible, old_type, new_type) > 0 ? 0 : hazards;
	}
	return expression == NULL ||
		cmig_hazard_is_volatile(expression) ? hazards : hazards & ~CMIG_HAZARD_REWRITE;
}

/*
 * Describes what the statement does to the rows.  Returns NULL if the
 * statement has no hazard.
 */
static char *
hazard_text(int hazards, const char *table)
{
	static const struct
	{
		int			hazard;
		const char *text;
	}			texts[] = {
		{CMIG_HAZARD_INVALID, "invalid index"},
		{CMIG_HAZARD_REWRITE, "table rewrite"},
		{CMIG_HAZARD_MOVES, "moves all rows"},
		{CMIG_HAZARD_SCAN, "full scan"},
		{CMIG_HAZARD_BLOCKS, "blocks writes"},
		{CMIG_HAZARD_MAY_FAIL, "may fail on existing rows"},
		{CMIG_HAZARD_FAILS, "fails on existing rows without a value"},
		{CMIG_HAZARD_UNPROTECTS, "row security disabled"},
		{CMIG_HAZARD_POLICY, "policy dropped"}
	};
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < lengthof(texts); i++)
		if (hazards & texts[i].hazard)
			appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "", texts[i].text);
	for (const CmigLoss *loss = cmig_losses; loss->loss != 0; loss++)
		if (hazards & loss->loss)
			appendStringInfo(&buf, "%svalue change (%s)", buf.len > 0 ? ", " : "", loss->text);
	return buf.len > 0 ? psprintf("%s: %s", buf.data, table) : NULL;
}

/* Set the texts of the hazards that depend on rows. */
static void
set_texts(CmigDiffLine *line)
{
	line->general_hazard = hazard_text(line->hazards, line->table);
	line->undo_hazard = hazard_text(line->undo_hazards, line->table);
	line->hazard = line->general_hazard &&
		line->size ? psprintf("%s (%s)", line->general_hazard, line->size) : NULL;
}

/*
 * Set the table's size and the hazards.  For a table without
 * rows, only a loss of data is a hazard.  general_hazard and undo_hazard are for
 * an existing table of any size, because the statement will also run in other
 * databases.
 */
void
cmig_hazard_set(CmigDiffLine *line)
{
	const CmigDdl none = {0},
			   *ddl = line->ddl ? line->ddl : &none;
	const char *hazard = line->hazard;

	line->size = table_size(line->live);
	if (has_rows(line->live))
		line->hazards = real_hazards(ddl->hazards, ddl->old_type, ddl->new_type, ddl->expression);
	line->undo_hazards = real_hazards(line->undo_hazards, ddl->new_type, ddl->old_type, NULL);
	set_texts(line);
	if (hazard != NULL)
	{
		line->hazard = line->size ? psprintf("%s (%s)", hazard, line->size) : pstrdup(hazard);
		line->general_hazard = pstrdup(hazard);
	}
}

/* Move the hazards of "line", of the same table, to "whole". */
void
cmig_hazard_move(CmigDiffLine *whole, CmigDiffLine *line)
{
	whole->hazards |= line->hazards;
	whole->undo_hazards |= line->undo_hazards;
	line->hazards = line->undo_hazards = 0;
	set_texts(whole);
	set_texts(line);
}

/* ----------------------------------------------------------------
 * Finds the functions that CREATE FUNCTION would reject.
 *
 * CREATE FUNCTION rejects many functions whose bodies name objects that do not
 * exist, or that are found only with another search_path.  Such functions are
 * created while check_function_bodies is off.
 *
 * The language's validator decides, as in CREATE FUNCTION.  It runs as the
 * function's owner, in a security-restricted operation and in a subtransaction
 * that is rolled back.
 *
 * Analyzing a body can run other code: a literal of a domain type, for
 * example, runs the domain's checks.  The type's owner, and the caller, who
 * chooses search_path, must not be able to run code as the function's owner in
 * this way.  Therefore, two groups of functions are not checked, and count as
 * rejected: functions whose owner's privileges the caller lacks, and functions
 * whose bodies contain literals of types that cmig_type_input_is_safe() rejects.
 * ----------------------------------------------------------------
 */

/*
 * Raise an error if analyzing the body of an SQL function could run the code of
 * a type's owner.  If an argument is polymorphic, the validator only parses the
 * body.
 */
static void
refuse_unsafe(HeapTuple row)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(row);
	bool		isnull;
	Datum		source = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosrc, &isnull);
	char	   *body;

	for (int i = 0; i < form->pronargs; i++)
		isnull |= IsPolymorphicType(form->proargtypes.values[i]);
	if (isnull)
		return;
	body = TextDatumGetCString(source);
	foreach_node(RawStmt, raw, cmig_raw_parse(body, RAW_PARSE_DEFAULT))
	{
		if (analyze_requires_snapshot(raw))
			(void) cmig_safe_parse(raw, body, row, NULL, cmig_type_input_is_safe);
	}
}

/* A function, and the validator of its language. */
typedef struct Validation
{
	Oid			function;
	Oid			validator;
} Validation;

/*
 * Call the validator as the function's owner, with the settings of the
 * function's SET clauses.  Rolling back the subtransaction restores the role
 * and the settings.
 */
static void
validate(void *arg)
{
	const Validation *validation = arg;
	CmigRole	role;
	HeapTuple	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(validation->function));
	Datum		settings;
	bool		isnull;

	if (!HeapTupleIsValid(row))
		return;
	cmig_role_look_up_as(&role, ((Form_pg_proc) GETSTRUCT(row))->proowner);
	cmig_settings_as_at_login(false, GUC_ACTION_SAVE);
	XactReadOnly = true;
	settings = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_proconfig, &isnull);
	if (!isnull)
		ProcessGUCArray(DatumGetArrayTypePCopy(settings), superuser() ? PGC_SUSET : PGC_USERSET,
						PGC_S_SESSION, GUC_ACTION_SAVE);
	if (validation->validator == F_FMGR_SQL_VALIDATOR)
		refuse_unsafe(row);
	ReleaseSysCache(row);
	/* do not use what the session compiled before the names changed */
	cmig_outside_mark(validation->function, GetCurrentTransactionId());
	OidFunctionCall1(validation->validator, ObjectIdGetDatum(validation->function));
}

/*
 * Set the field "unchecked" if the object is a function whose body the
 * validator rejects or must not examine.
 */
static void
check(CmigObject *function)
{
	/*
	 * No row if the caller lacks the privileges of the function's owner, and
	 * 0 if there is nothing to check: the body is already parsed, or the
	 * validator, which could run arbitrary code, is not written in C (12 and
	 * 13 are the languages internal and C, which only superusers can use).
	 */
	static CmigQuery query = {
		.sql = "SELECT coalesce((SELECT v.oid FROM pg_language l JOIN pg_proc v ON v.oid = l.lanvalidator"
		" WHERE l.oid = p.prolang AND p.prosqlbody IS NULL AND v.prolang IN (12, 13)), 0::oid)"
		" FROM pg_proc p WHERE p.oid = $1 AND pg_has_role(p.proowner, 'USAGE')",
		.argtypes = {OIDOID}
	};
	Validation	validation = {function->address.object};
	List	   *found;
	ErrorData  *error;

	if (function->kind != &cmig_kind_function)
		return;
	found = cmig_query_oids(&query, validation.function);
	function->unchecked |= found == NIL;
	validation.validator = found ? linitial_oid(found) : InvalidOid;
	if (!OidIsValid(validation.validator))
		return;
	error = cmig_subtransaction_rehearse(validate, &validation);
	cmig_outside_unmark();
	if (error == NULL)
		return;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_OUT_OF_MEMORY)
		ReThrowError(error);
	FreeErrorData(error);
	function->unchecked = true;
}

/*
 * Set the field "unchecked" for the image's functions that CREATE FUNCTION
 * might reject.  The image must match the current catalogs.  Functions that
 * have the same definition in "other" are not checked; "other" may be NULL.
 */
void
cmig_body_check(CmigImage *image, const CmigImage *other)
{
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *function = image->objects[i];
		const CmigObject *same = function->kind == &cmig_kind_function && other ?
		cmig_image_counterpart(other, function) : NULL;

		if (same == NULL || strcmp(same->values[0], function->values[0]) != 0)
			check(function);
	}
}

/*
 * Set the field "unchecked" for the live functions that are replaced or
 * dropped, and that CREATE FUNCTION might reject.  The downgrade creates these
 * functions again.
 */
void
cmig_body_check_changed(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		if (change->from != NULL && change->action != CMIG_NO_CHANGE)
			check(change->from);
		if (change->action == CMIG_AGAIN && change->from->unchecked)
			change->to->unchecked = true;
	}
}
