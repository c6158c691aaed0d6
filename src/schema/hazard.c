/*
 * hazard.c
 *	  Determines the effects of a statement on the rows of its table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "base/subtransaction.h"
#include "kinds/kinds.h"
#include "parse/raw_parse.h"
#include "schema/hazard.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "utils/builtins.h"

/*
 * Can the object have rows?  A domain has the rows of the tables whose columns
 * have this type.
 */
static bool
has_rows(const CmigObject *object)
{
	return object != NULL && (object->address.catalog == RelationRelationId || object->kind == &cmig_kind_domain);
}

/* The size of the relations in t (oid); no row if they are empty. */
#define SIZE_SQL \
	" SELECT pg_size_pretty(sum(pg_table_size(c.oid)))" \
	"  || CASE n.rows WHEN 0 THEN '' WHEN 1 THEN ', about 1 row' ELSE format(', about %s rows', n.rows) END" \
	" FROM t JOIN pg_class c ON c.oid = t.oid AND c.relkind <> 'S'" \
	" CROSS JOIN (SELECT coalesce(sum(greatest(r.reltuples, 0)) FILTER (WHERE r.relkind <> 'p'), 0)::bigint" \
	"  FROM pg_class r WHERE r.oid IN (SELECT t.oid FROM t)) n (rows)" \
	" GROUP BY n.rows HAVING sum(pg_relation_size(c.oid)) > 0"

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
		.nargs = 1,.argtypes = {OIDOID}
	};
	static CmigQuery of_domain = {
		.sql = "WITH RECURSIVE d (oid) AS (SELECT $1 UNION SELECT y.oid FROM pg_type y JOIN d ON d.oid = y.typbasetype),"
		" t (oid) AS (SELECT DISTINCT a.attrelid FROM pg_attribute a JOIN d ON d.oid = a.atttypid"
		"  JOIN pg_class k ON k.oid = a.attrelid AND k.relkind IN ('r', 'm') WHERE NOT a.attisdropped)" SIZE_SQL,
		.nargs = 1,.argtypes = {OIDOID}
	};
	Datum		oid;
	char	   *size = NULL;

	if (!has_rows(table))
		return NULL;
	oid = ObjectIdGetDatum(table->address.object);
	cmig_query_each(table->kind == &cmig_kind_domain ? &of_domain : &of_table, &oid, NULL, cmig_query_keep_text, &size);
	return size;
}

/*
 * Is there a binary-coercible cast between the types, so that values need not
 * be rewritten?
 */
static bool
is_binary_coercible(const char *from, const char *to)
{
	static CmigQuery query = {
		.sql = "SELECT true FROM pg_cast WHERE castsource = to_regtype($1) AND casttarget = to_regtype($2) AND castmethod = 'b'"
		" UNION ALL SELECT true FROM pg_type WHERE oid = to_regtype($1) AND typtype = 'd' AND typbasetype = to_regtype($2)",
		.nargs = 2,.argtypes = {TEXTOID, TEXTOID}
	};
	Datum		values[2];

	/*
	 * return false for a type with a modifier, such as varchar(10), because a
	 * cast to it can change values
	 */
	if (strchr(to, '(') != NULL)
		return false;
	values[0] = CStringGetTextDatum(from);
	values[1] = CStringGetTextDatum(to);
	return cmig_query_run(&query, values, NULL) > 0;
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
 * Is the expression volatile?  Returns true if the answer is unknown because
 * the expression uses objects that do not exist yet.
 */
static bool
is_volatile(const char *expression)
{
	Volatility	volatility = {expression, true};
	ErrorData  *error = cmig_subtransaction_rehearse(analyze, &volatility);

	if (error != NULL)
		FreeErrorData(error);
	return volatility.is_volatile;
}

/* Does the statement rewrite the table? */
static bool
is_rewritten(const CmigDdl *ddl)
{
	if (ddl->old_type != NULL)
		return !is_binary_coercible(ddl->old_type, ddl->new_type);
	return ddl->expression == NULL || is_volatile(ddl->expression);
}

/* Append a word to a list, after a comma if it is not the first one. */
static void
append_word(StringInfo buf, const char *word)
{
	appendStringInfo(buf, "%s%s", buf->len > 0 ? ", " : "", word);
}

/*
 * Describes what the statement does to the rows, without the table's name.
 * Returns NULL if the statement has no hazard.
 */
static char *
hazard_words(const CmigDdl *ddl)
{
	int			hazards = ddl ? ddl->hazards : 0;
	StringInfoData buf;

	if (hazards == 0 || (ddl->old_type != NULL && !is_rewritten(ddl)))
		return NULL;
	initStringInfo(&buf);
	if (hazards & CMIG_HAZARD_INVALID)
		append_word(&buf, "invalid index");
	if ((hazards & CMIG_HAZARD_REWRITE) && is_rewritten(ddl))
		append_word(&buf, "table rewrite");
	if (hazards & CMIG_HAZARD_MOVES)
		append_word(&buf, "moves all rows");
	if (hazards & CMIG_HAZARD_SCAN)
		append_word(&buf, "full scan");
	if (hazards & CMIG_HAZARD_BLOCKS)
		append_word(&buf, "blocks writes");
	if (hazards & CMIG_HAZARD_MAY_FAIL)
		append_word(&buf, "may fail on existing rows");
	if (hazards & CMIG_HAZARD_UNPROTECTS)
		append_word(&buf, "row security disabled");
	if (hazards & CMIG_HAZARD_POLICY)
		append_word(&buf, "policy dropped");
	return buf.len > 0 ? buf.data : NULL;
}

char *
cmig_hazard_text(const CmigDiffRow *row)
{
	bool		has_hazards = row->ddl != NULL && row->ddl->hazards != 0;
	char	   *size = has_hazards || row->table != NULL ? table_size(row->table) : NULL;
	char	   *words;

	if (size == NULL)
		return row->hazard ? pstrdup(row->hazard) : NULL;
	if (row->hazard != NULL)
		return psprintf("%s (%s)", row->hazard, size);
	words = hazard_words(row->ddl);
	return words ? psprintf("%s: %s (%s)", words, row->table->identity, size) : NULL;
}

char *
cmig_hazard_general(const CmigDiffRow *row)
{
	char	   *words;

	if (row->hazard != NULL)
		return pstrdup(row->hazard);
	if (!has_rows(row->table))
		return NULL;
	words = hazard_words(row->ddl);
	return words ? psprintf("%s: %s", words, row->table->identity) : NULL;
}

char *
cmig_hazard_undo(const CmigDiffRow *row)
{
	CmigDdl		undo = {.hazards = row->undo_hazards};
	const CmigObject *table = row->subject;
	char	   *words;

	if (table == NULL || row->undo_hazards == 0)
		return NULL;
	while (table->parent != NULL)
		table = table->parent;
	if (row->ddl != NULL && row->ddl->old_type != NULL)
	{
		undo.old_type = row->ddl->new_type;
		undo.new_type = row->ddl->old_type;
	}
	words = hazard_words(&undo);
	return words ? psprintf("%s: %s", words, table->identity) : NULL;
}
