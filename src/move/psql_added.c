/*
 * psql_added.c
 *	  Constraints that a transaction of the script of cmig.script has added, and that
 *	  a later one validates: the same as added.c.
 *
 * psql keeps them in a variable, as no session that is in the hands of the revision's
 * code could: a JSON object whose keys are the OIDs.  Each transaction of the step
 * first locks them, and requires that they are where they were left; afterwards it
 * notes what it has added.  So it does not matter which statement validates, or how.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "move/internal.h"
#include "parse/parse.h"

/* share/cmig/engine_added.sql */
static const char require_code[] =
#include "move/engine_added.inc"
		   ;

/*
 * A query for the constraints that are in a JSON object, as they are now, and those that
 * meet a condition, which follow as arguments.
 */
#define CONSTRAINTS \
	"SELECT coalesce(pg_catalog.jsonb_object_agg(o.oid, pg_catalog.jsonb_build_object(\n" \
	"\t'name', pg_catalog.format('constraint \"%%s\" of %%s %%I.%%I', o.conname,\n" \
	"\t\tCASE WHEN d.oid IS NULL THEN 'table' ELSE 'domain' END,\n" \
	"\t\tn.nspname, coalesce(c.relname, d.typname)),\n" \
	"\t'place', pg_catalog.jsonb_build_array(o.conname, n.nspname,\n" \
	"\t\tcoalesce(c.relname, d.typname)),\n" \
	"\t'visible', coalesce(pg_catalog.pg_type_is_visible(d.oid),\n" \
	"\t\tpg_catalog.pg_table_is_visible(c.oid)),\n" \
	"\t'path', pg_catalog.current_setting('search_path'))), '{}')\n" \
	"FROM pg_catalog.pg_constraint o\n" \
	"\tLEFT JOIN pg_catalog.pg_class c ON c.oid " OP("=") " o.conrelid\n" \
	"\tLEFT JOIN pg_catalog.pg_type d ON d.oid " OP("=") " o.contypid\n" \
	"\tJOIN pg_catalog.pg_namespace n\n" \
	"\t\tON n.oid " OP("=") " coalesce(c.relnamespace, d.typnamespace)\n" \
	"WHERE pg_catalog.jsonb_exists(%s, o.oid::pg_catalog.text)%s"

/*
 * The row is written by the current transaction or one of its subtransactions: others that
 * have no lower id are not visible unless they have committed.  A constraint that is valid
 * is not validated again.
 */
#define ADDED_HERE \
	"\n\tOR o.contype " OP("~") " '[cfn]' AND NOT o.convalidated\n" \
	"\t\tAND pg_catalog.age(o.xmin) " OP("<=") " 0\n" \
	"\t\tAND pg_catalog.pg_xact_status((\n" \
	"\t\t\tpg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text::bigint\n" \
	"\t\t\t" OP("-") " pg_catalog.age(o.xmin))::pg_catalog.text::pg_catalog.xid8)\n" \
	"\t\t" OP("=") " 'in progress'"

const char *
cmig_psql_added_columns(void)
{
	return psprintf(", (" CONSTRAINTS ") AS cmig_added",
					":'cmig_added'::pg_catalog.jsonb", ADDED_HERE);
}

void
cmig_psql_added_begin(StringInfo out)
{
	const char *seen = quote_literal_cstr(psprintf(CONSTRAINTS, "$1", ""));
	const char *code = psprintf("\nDECLARE\n\tcmig_seen CONSTANT pg_catalog.text := %s;\n%s",
								seen, require_code);

	appendStringInfoString(out, "\\set cmig_added '{}'\nSELECT ");
	cmig_psql_append_dollar_quoted(out, code);
	appendStringInfoString(out, " AS cmig_require \\gset\n");
}

void
cmig_psql_added_require(StringInfo out, const char *end)
{
	appendStringInfo(out, "SET LOCAL cmig_client.added = :'cmig_added'\\;\n"
					 "DO :'cmig_require'%s", end);
}

/* Could the script validate constraints: itself, or in the code of a DO or CALL? */
static bool
may_validate(const char *sql)
{
	CmigScriptReader *script = cmig_script_open(sql);
	CmigStatement statement;
	bool		found = false;

	while (!found && cmig_script_next(script, &statement))
	{
		const Node *node = statement.raw->stmt;

		found = cmig_added_validates(node) || IsA(node, DoStmt) || IsA(node, CallStmt);
	}
	cmig_script_close(script);
	return found;
}

bool
cmig_psql_added_may_validate(const CmigGraph *graph, const CmigPlan *plan)
{
	CmigStepTexts *texts = cmig_step_texts_make(graph, plan);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig step",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	bool		found = false;

	for (int i = 0; i < plan->count && !found; i++)
	{
		CHECK_FOR_INTERRUPTS();
		found = may_validate(cmig_step_texts_get(texts, i)->sql);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return found;
}

void
cmig_psql_added_note(StringInfo out)
{
	appendStringInfo(out, "SELECT%s \\gset\n", cmig_psql_added_columns() + strlen(","));
}

void
cmig_psql_added_begin_statement(StringInfo out, const CmigStatement *statement)
{
	if (!cmig_engine_is_transactional(statement) || IsA(statement->raw->stmt, VariableSetStmt))
		return;
	appendStringInfoString(out, CMIG_PSQL_BEGIN "\\;\n");
	cmig_psql_added_require(out, ";\n");
}

void
cmig_psql_added_end_statement(StringInfo out, const CmigStatement *statement)
{
	if (!cmig_engine_is_transactional(statement) || IsA(statement->raw->stmt, VariableSetStmt))
		return;
	cmig_psql_added_note(out);
	appendStringInfoString(out, "COMMIT;\n");
}
