/*
 * psql_engine.c
 *	  What cmig.script adds to a script for a database without pg_cmig that cmig
 *	  upgrades with an engine: the tables of the schema cmig_engine.
 *
 * Each statement of a revision that runs outside of a transaction is recorded: in
 * its own transaction if it can run in one, and else before and after it.  What an
 * interrupted run has completed is not run again.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/builtins.h"

#include "move/internal.h"

/* See psql_script.c. */
#define OP(name) "OPERATOR(pg_catalog." name ")"

struct CmigEngineStep
{
	const char *revision;		/* as a literal */
	const char *direction;
	const char *checksum;
	const char *key;			/* of the lock of the run */
};

void
cmig_engine_append_schema(StringInfo body)
{
	appendStringInfoString(body,
						   "\t\tIF pg_catalog.to_regnamespace('cmig_engine') IS NULL THEN\n"
						   "\t\t\tIF NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') THEN\n"
						   "\t\t\t\tRAISE insufficient_privilege USING\n\t\t\t\t\tMESSAGE = pg_catalog.format('role %I cannot create schema cmig_engine', current_user),\n"
						   "\t\t\t\t\tHINT = pg_catalog.format('As the owner of the database: CREATE SCHEMA cmig_engine AUTHORIZATION %I', current_user);\n"
						   "\t\t\tEND IF;\n\t\t\tCREATE SCHEMA cmig_engine;\n\t\tEND IF;\n");
}

void
cmig_engine_append_tables(StringInfo body)
{
	appendStringInfoString(body,
						   "\t\tCREATE TABLE " CMIG_ENGINE_JOURNAL " (id bigint PRIMARY KEY, revision pg_catalog.text NOT NULL, direction pg_catalog.text NOT NULL,\n"
						   "\t\t\toutcome pg_catalog.text NOT NULL, started_at timestamp with time zone NOT NULL, role pg_catalog.name NOT NULL,\n"
						   "\t\t\tsession_role pg_catalog.name NOT NULL, application_name pg_catalog.text, client_address pg_catalog.inet,\n"
						   "\t\t\ttransaction_id pg_catalog.xid8, checksum pg_catalog.text, search_path pg_catalog.text);\n"
						   "\t\tCREATE TABLE " CMIG_ENGINE_PROGRESS " (revision pg_catalog.text, direction pg_catalog.text, checksum pg_catalog.text NOT NULL,\n"
						   "\t\t\tstatement integer, done boolean NOT NULL, PRIMARY KEY (revision, direction, statement));\n");
}

void
cmig_engine_append_check(StringInfo body, const char *revision, const char *direction)
{
	/* the owner of a table could have put a trigger on it */
	appendStringInfoString(body,
						   "\tIF EXISTS (SELECT FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_class c ON c.relnamespace " OP("=") " n.oid AND c.relkind " OP("<>") " 'i'\n"
						   "\t\tJOIN pg_catalog.pg_roles r ON r.oid " OP("=") " n.nspowner OR r.oid " OP("=") " c.relowner\n"
						   "\t\tJOIN pg_catalog.pg_database d ON d.datname " OP("=") " pg_catalog.current_database()\n"
						   "\t\tWHERE n.nspname " OP("=") " 'cmig_engine' AND (c.relkind " OP("<>") " 'r' OR NOT (r.rolsuper OR r.oid " OP("=") " d.datdba\n"
						   "\t\t\tOR r.rolname " OP("=") " CURRENT_USER OR r.rolname " OP("=") " 'pg_database_owner'))) THEN\n"
						   "\t\tRAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',\n"
						   "\t\t\tMESSAGE = 'schema cmig_engine or one of its tables belongs to another role',\n"
						   "\t\t\tHINT = 'Connect as that role, or as the owner of the database or a superuser: ALTER SCHEMA cmig_engine OWNER TO CURRENT_USER';\n"
						   "\tEND IF;\n");
	appendStringInfo(body,
					 "\tIF EXISTS (SELECT FROM " CMIG_ENGINE_PROGRESS " p%s) THEN\n"
					 "\t\tRAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
					 "\t\t\tMESSAGE = (SELECT pg_catalog.concat('the ', p.direction, ' of revision \"', p.revision, '\" was interrupted') FROM " CMIG_ENGINE_PROGRESS " p LIMIT 1),\n"
					 "\t\t\tHINT = (SELECT pg_catalog.concat('Complete it first: cmig ', p.direction, CASE WHEN p.direction " OP("=") " 'upgrade' THEN pg_catalog.concat(' ', p.revision) ELSE ' -1' END, '. To give up, repair the schema, and: DELETE FROM " CMIG_ENGINE_PROGRESS "') FROM " CMIG_ENGINE_PROGRESS " p LIMIT 1);\n"
					 "\tEND IF;\n",
					 revision ? psprintf(" WHERE p.revision " OP("<>") " %s OR p.direction " OP("<>") " '%s'", quote_literal_cstr(revision), direction) : "");
}

void
cmig_engine_append_lock(StringInfo body, const char *key, bool session)
{
	appendStringInfo(body,
					 "\tIF NOT pg_catalog.pg_try_advisory_%slock(%s) THEN\n"
					 "\t\tRAISE EXCEPTION USING ERRCODE = 'lock_not_available',\n"
					 "\t\t\tMESSAGE = 'another session is running a generated script in this database',\n"
					 "\t\t\tHINT = 'Wait until that session has finished.';\n"
					 "\tEND IF;\n", session ? "" : "xact_", key);
}

void
cmig_engine_append_owner_check(StringInfo body, const char *key)
{
	appendStringInfo(body,
					 "\tIF NOT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype " OP("=") " 'advisory' AND l.pid " OP("=") " pg_catalog.pg_backend_pid() AND l.granted\n"
					 "\t\tAND l.objsubid " OP("=") " 1 AND (l.classid::bigint " OP("<<") " 32 " OP("|") " l.objid::bigint) " OP("=") " %s) THEN\n"
					 "\t\tRAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
					 "\t\t\tMESSAGE = 'the connection does not have the lock of this run',\n"
					 "\t\t\tDETAIL = 'A connection pool in transaction mode may have given it to another client.',\n"
					 "\t\t\tHINT = 'Connect to the server without the pool, and repeat the command.';\n"
					 "\tEND IF;\n", key);
}

void
cmig_engine_append_title(StringInfo out, const char *title)
{
	appendStringInfoString(out, "\\warn 'NOTICE:  ");
	for (; *title; title++)
	{
		if (*title == '\'' || *title == '\\')
			appendStringInfoChar(out, *title);
		appendStringInfoChar(out, *title);
	}
	appendStringInfoString(out, "'\n");
}

/* Can the statement run in the transaction that records it? */
static bool
is_transactional(const CmigStatement *statement)
{
	const char *reason;

	return cmig_statement_classify(statement->raw, &reason) == CMIG_STATEMENT_PLAIN;
}

/* Append a condition on the row of the statement. */
static void
append_condition(StringInfo out, const CmigEngineStep *step, const CmigStatement *statement)
{
	appendStringInfo(out, " WHERE revision " OP("=") " %s AND direction " OP("=") " '%s' AND statement " OP("=") " %d",
					 step->revision, step->direction, statement->number);
}

/* Append what reads and writes the progress as the role that runs the script. */
#define AS_CALLER "SELECT pg_catalog.current_setting('role') AS cmig_role \\gset\nRESET ROLE;\n"
#define AS_BEFORE "SELECT pg_catalog.set_config('role', :'cmig_role', false) AS cmig_role \\gset\n"

static void
append_insert(StringInfo out, const CmigEngineStep *step, const CmigStatement *statement, bool done)
{
	appendStringInfo(out, "INSERT INTO " CMIG_ENGINE_PROGRESS " (revision, direction, checksum, statement, done)\n"
					 "\tVALUES (%s, '%s', '%s', %d, %s) ON CONFLICT DO NOTHING",
					 step->revision, step->direction, step->checksum, statement->number, done ? "true" : "false");
}

/* Append what records the statement. */
static void
append_row(StringInfo out, const CmigEngineStep *step, const CmigStatement *statement, bool done)
{
	appendStringInfoString(out, AS_CALLER);
	if (done && !is_transactional(statement))
	{
		appendStringInfoString(out, "UPDATE " CMIG_ENGINE_PROGRESS " SET done = true");
		append_condition(out, step, statement);
	}
	else
		append_insert(out, step, statement, done);
	appendStringInfoString(out, ";\n" AS_BEFORE);
}

/*
 * Returns the part of a query that finds an index by its name, if it is i, and
 * appends a command that drops it if it is not valid.
 */
static const char *
drop_invalid(StringInfo out, const IndexStmt *index)
{
	const char *table = index->relation->schemaname ?
	quote_qualified_identifier(index->relation->schemaname, index->relation->relname) : quote_identifier(index->relation->relname);
	const char *found = psprintf("FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid " OP("=") " i.indexrelid"
								 " WHERE i.indrelid " OP("=") " pg_catalog.to_regclass(%s) AND c.relname " OP("=") " %s",
								 quote_literal_cstr(table), quote_literal_cstr(index->idxname));

	appendStringInfo(out, "SELECT pg_catalog.format('DROP INDEX CONCURRENTLY %%s', c.oid::pg_catalog.regclass) %s AND NOT i.indisvalid \\gexec\n", found);
	return found;
}

/*
 * Append what psql does if an earlier run was interrupted in a statement that
 * cannot run in a transaction: it looks whether the statement has completed.
 */
static void
append_look(StringInfo out, const CmigEngineStep *step, const CmigStatement *statement)
{
	const Node *node = statement->raw->stmt;
	const IndexStmt *index = (const IndexStmt *) node;
	const DropStmt *drop = (const DropStmt *) node;

	/* these can run twice */
	if (IsA(node, VacuumStmt) || IsA(node, ReindexStmt) || IsA(node, ClusterStmt) || IsA(node, AlterSystemStmt))
		return;
	appendStringInfoString(out, "\\if :cmig_begun\n");
	if (IsA(node, IndexStmt) && index->idxname != NULL)
	{
		const char *found = drop_invalid(out, index);

		appendStringInfo(out, "SELECT EXISTS (SELECT %s AND i.indisvalid) AS cmig_done \\gset\n", found);
	}
	else if (IsA(node, DropStmt) && list_length(drop->objects) == 1)
		appendStringInfo(out, "SELECT pg_catalog.to_regclass(%s) IS NULL AS cmig_done \\gset\n",
						 quote_literal_cstr(NameListToQuotedString(linitial(drop->objects))));
	else
		cmig_psql_append_do(out,
							psprintf("BEGIN\n"
									 "\tRAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
									 "\t\tMESSAGE = %s,\n"
									 "\t\tHINT = %s;\n"
									 "END",
									 quote_literal_cstr(psprintf("statement %d of revision %s was interrupted, and may have completed", statement->number, step->revision)),
									 quote_literal_cstr("If it has completed: UPDATE " CMIG_ENGINE_PROGRESS " SET done = true WHERE NOT done; if not: DELETE FROM " CMIG_ENGINE_PROGRESS " WHERE NOT done")));
	appendStringInfoString(out, "\\endif\n");
}

CmigEngineStep *
cmig_engine_begin_step(StringInfo out, const char *revision, const char *direction, const char *sql, const char *key)
{
	CmigEngineStep *step = palloc(sizeof(CmigEngineStep));

	step->revision = quote_literal_cstr(revision);
	step->direction = direction;
	step->checksum = cmig_script_checksum(sql, false);
	step->key = key;
	appendStringInfoString(out, AS_CALLER);
	cmig_psql_append_do(out,
						psprintf("BEGIN\n"
								 "\tIF EXISTS (SELECT FROM " CMIG_ENGINE_PROGRESS " WHERE revision " OP("=") " %s AND direction " OP("=") " '%s' AND checksum " OP("<>") " '%s') THEN\n"
								 "\t\tRAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
								 "\t\t\tMESSAGE = %s,\n"
								 "\t\t\tHINT = 'Restore the script with which it began.';\n"
								 "\tEND IF;\n"
								 "END", step->revision, direction, step->checksum,
								 quote_literal_cstr(psprintf("revision \"%s\" is partially applied, and its script has changed since then", revision))));
	appendStringInfoString(out, AS_BEFORE);
	return step;
}

/* Append what finds out whether the statement was begun, and whether it is done. */
static void
append_state(StringInfo out, const CmigEngineStep *step, const CmigStatement *statement)
{
	appendStringInfoString(out, AS_CALLER "SELECT coalesce(pg_catalog.bool_or(done), false) AS cmig_done, coalesce(pg_catalog.bool_or(NOT done), false) AS cmig_begun FROM " CMIG_ENGINE_PROGRESS);
	append_condition(out, step, statement);
	appendStringInfoString(out, " \\gset\n" AS_BEFORE);
}

static void
append_owner_check(StringInfo out, const CmigEngineStep *step)
{
	StringInfoData check;

	initStringInfo(&check);
	appendStringInfoString(&check, "BEGIN\n");
	cmig_engine_append_owner_check(&check, step->key);
	appendStringInfoString(&check, "END");
	cmig_psql_append_do(out, check.data);
}

void
cmig_engine_begin_statement(StringInfo out, const CmigEngineStep *step, const CmigStatement *statement)
{
	/* an interruption ends the session, and its settings */
	if (IsA(statement->raw->stmt, VariableSetStmt))
		return;
	append_state(out, step, statement);
	if (!is_transactional(statement))
		append_look(out, step, statement);
	appendStringInfoString(out, "\\if :cmig_done\n\\else\n");
	if (is_transactional(statement))
		appendStringInfoString(out, "BEGIN ISOLATION LEVEL READ COMMITTED\\;\n");
	append_owner_check(out, step);
	if (!is_transactional(statement))
		append_row(out, step, statement, false);
}

/* Is the statement only a call, whose result nobody reads? */
static bool
is_only_call(const RawStmt *raw)
{
	const SelectStmt *select = (const SelectStmt *) raw->stmt;
	bool		from;

	if (!IsA(select, SelectStmt))
		return IsA(select, CallStmt);
	from = list_length(select->fromClause) == 1 && IsA(linitial(select->fromClause), RangeFunction);
	if (select->op != SETOP_NONE || select->intoClause || select->whereClause || select->valuesLists || select->withClause ||
		select->groupClause || select->havingClause || (select->fromClause && !from))
		return false;
	foreach_node(ResTarget, target, select->targetList)
	{
		if (!IsA(target->val, ColumnRef) && (from || list_length(select->targetList) > 1 || !IsA(target->val, FuncCall)))
			return false;
	}
	return true;
}

bool
cmig_engine_is_recorded(const CmigRunStep *step, const CmigStatement *statement, List **recorded)
{
	return is_only_call(statement->raw) &&
		cmig_record_find(step->revision, step->direction, statement->number, recorded);
}

/*
 * A function runs in one transaction.  A procedure commits after each of its
 * statements, and if it is called again, it runs only those that remain.
 */
void
cmig_engine_append_recorded(StringInfo out, const CmigEngineStep *step, const CmigStatement *statement,
							List *recorded, CmigPsqlFacts *facts)
{
	static const char *const begin = "BEGIN ISOLATION LEVEL READ COMMITTED\\;\n";
	bool		commits = IsA(statement->raw->stmt, CallStmt);

	if (step == NULL)
	{
		foreach_ptr(char, sql, recorded)
			cmig_psql_append_statement(out, sql, false, facts);
		return;
	}
	append_state(out, step, statement);
	appendStringInfoString(out, "\\if :cmig_done\n\\else\n");
	if (!commits)
	{
		appendStringInfoString(out, begin);
		append_owner_check(out, step);
	}
	foreach_ptr(char, sql, recorded)
	{
		RawStmt    *raw = cmig_raw_parse_one(sql);

		if (commits)
			append_owner_check(out, step);
		if (IsA(raw->stmt, IndexStmt) && ((IndexStmt *) raw->stmt)->concurrent)
			(void) drop_invalid(out, (IndexStmt *) raw->stmt);
		cmig_psql_append_statement(out, sql, false, facts);
	}
	if (commits)
	{
		appendStringInfoString(out, begin);
		append_owner_check(out, step);
	}
	appendStringInfoString(out, AS_CALLER);
	append_insert(out, step, statement, true);
	appendStringInfoString(out, ";\n" AS_BEFORE "COMMIT;\n\\endif\n");
}

void
cmig_engine_end_statement(StringInfo out, const CmigEngineStep *step, const CmigStatement *statement)
{
	if (IsA(statement->raw->stmt, VariableSetStmt))
		return;
	append_row(out, step, statement, true);
	if (is_transactional(statement))
		appendStringInfoString(out, "COMMIT;\n");
	appendStringInfoString(out, "\\endif\n");
}

void
cmig_engine_end_step(StringInfo out, const char *revision, const char *direction)
{
	appendStringInfo(out, "DELETE FROM " CMIG_ENGINE_PROGRESS " WHERE revision " OP("=") " %s AND direction " OP("=") " '%s';\n",
					 quote_literal_cstr(revision), direction);
}
