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
#include "utils/json.h"

#include "move/internal.h"
#include "parse/parse.h"

struct CmigEngineStep
{
	const char *name;			/* of the revision */
	const char *revision;		/* the same as a literal */
	const char *direction;
	const char *key;			/* of the lock of the run */
	bool		bound;			/* can it validate what it has added? */
};

/*
 * Revoke what default privileges have granted, as CREATE EXTENSION does.  A role
 * with the privilege TRIGGER could have its code run by all who run revisions.
 */
static void
append_revoke(StringInfo body, const char *what, const char *name, const char *catalog,
			  const char *acl, const char *owner, const char *condition)
{
	appendStringInfo(body,
					 "\t\tEXECUTE (SELECT pg_catalog.concat(pg_catalog.string_agg(pg_catalog.format('REVOKE ALL ON %s FROM %%s CASCADE', %s,\n"
					 "\t\t\tCASE WHEN a.grantee " OP("=") " 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END), '; '))\n"
					 "\t\t\tFROM pg_catalog.%s c, pg_catalog.aclexplode(c.%s) a WHERE %s AND a.grantee " OP("<>") " c.%s);\n",
					 what, name, catalog, acl, condition, owner);
}

void
cmig_engine_append_schema(StringInfo body)
{
	appendStringInfoString(body,
						   "\t\tIF pg_catalog.to_regnamespace('cmig_engine') IS NULL THEN\n"
						   "\t\t\tIF NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') THEN\n"
						   "\t\t\t\tRAISE insufficient_privilege USING\n\t\t\t\t\tMESSAGE = pg_catalog.format('role %I cannot create schema cmig_engine', current_user),\n"
						   "\t\t\t\t\tHINT = pg_catalog.format('As the owner of the database: CREATE SCHEMA cmig_engine AUTHORIZATION %I', current_user);\n"
						   "\t\t\tEND IF;\n\t\t\tCREATE SCHEMA cmig_engine;\n");
	append_revoke(body, "SCHEMA %I", "c.nspname", "pg_namespace", "nspacl", "nspowner",
				  "c.nspname " OP("=") " 'cmig_engine'");
	appendStringInfoString(body, "\t\tEND IF;\n");
}

void
cmig_engine_append_tables(StringInfo body)
{
	appendStringInfoString(body,
						   "\t\tIF pg_catalog.to_regclass('" CMIG_ENGINE_JOURNAL "') IS NULL THEN\n"
						   "\t\tCREATE TABLE " CMIG_ENGINE_JOURNAL " (id bigint PRIMARY KEY, revision pg_catalog.text NOT NULL, direction pg_catalog.text NOT NULL,\n"
						   "\t\t\toutcome pg_catalog.text NOT NULL, started_at timestamp with time zone NOT NULL, role pg_catalog.name NOT NULL,\n"
						   "\t\t\tsession_role pg_catalog.name NOT NULL, application_name pg_catalog.text, client_address pg_catalog.inet,\n"
						   "\t\t\ttransaction_id pg_catalog.xid8, checksum pg_catalog.text, search_path pg_catalog.text);\n"
						   "\t\tEND IF;\n"
						   "\t\tIF pg_catalog.to_regclass('" CMIG_ENGINE_PROGRESS "') IS NULL THEN\n"
						   "\t\tCREATE TABLE " CMIG_ENGINE_PROGRESS " (revision pg_catalog.text, direction pg_catalog.text, checksum pg_catalog.text NOT NULL,\n"
						   "\t\t\tstatement integer, done boolean NOT NULL, PRIMARY KEY (revision, direction, statement));\n"
						   "\t\tEND IF;\n");
}

void
cmig_engine_append_check(StringInfo body, const char *revision, const char *direction)
{
	appendStringInfoString(body,
						   "\tIF EXISTS (SELECT FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_class c ON c.relnamespace " OP("=") " n.oid\n"
						   "\t\t\tAND c.relname " OP("~") " '^(version|journal|progress|format)$'\n"
						   "\t\tJOIN pg_catalog.pg_roles r ON r.oid " OP("=") " n.nspowner OR r.oid " OP("=") " c.relowner\n"
						   "\t\tJOIN pg_catalog.pg_database d ON d.datname " OP("=") " pg_catalog.current_database()\n"
						   "\t\tWHERE n.nspname " OP("=") " 'cmig_engine' AND NOT (r.rolsuper OR r.oid " OP("=") " d.datdba\n"
						   "\t\t\tOR r.rolname " OP("=") " CURRENT_USER OR r.rolname " OP("=") " 'pg_database_owner')) THEN\n"
						   "\t\tRAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',\n"
						   "\t\t\tMESSAGE = 'schema cmig_engine or one of its tables belongs to another role',\n"
						   "\t\t\tHINT = 'Connect as that role, or as the owner of the database.';\n"
						   "\tEND IF;\n");
	appendStringInfoString(body, cmig_psql_table_check("cmig_engine", NULL));
	/* the first format had no number */
	appendStringInfoString(body,
						   "\tIF NOT 'format' " OP("=") " ANY (cmig_locked) THEN\n"
						   "\t\tALTER TABLE " CMIG_ENGINE_JOURNAL " ADD elapsed interval, ADD sqlstate pg_catalog.text, ADD message pg_catalog.text,\n"
						   "\t\t\tADD statement integer, ADD file pg_catalog.text, ALTER revision DROP NOT NULL;\n"
						   "\t\tALTER TABLE " CMIG_ENGINE_PROGRESS " ADD objects pg_catalog.oid[];\n"
						   "\t\tCREATE TABLE " CMIG_ENGINE_FORMAT " (number integer NOT NULL);\n"
						   "\t\tINSERT INTO " CMIG_ENGINE_FORMAT " VALUES (" CMIG_ENGINE_FORMAT_NUMBER ");\n");
	append_revoke(body, "cmig_engine.%I", "c.relname", "pg_class", "relacl", "relowner",
				  "c.relnamespace " OP("=") " 'cmig_engine'::pg_catalog.regnamespace AND pg_catalog.pg_has_role(c.relowner, 'USAGE')");
	appendStringInfoString(body,
						   "\tEND IF;\n"
						   "\tIF NOT EXISTS (SELECT FROM " CMIG_ENGINE_FORMAT " WHERE number " OP("=") " " CMIG_ENGINE_FORMAT_NUMBER ") THEN\n"
						   "\t\tRAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
						   "\t\t\tMESSAGE = (SELECT pg_catalog.concat('schema cmig_engine has format ', pg_catalog.max(number), ', but this script is for format " CMIG_ENGINE_FORMAT_NUMBER "') FROM " CMIG_ENGINE_FORMAT "),\n"
						   "\t\t\tHINT = 'Generate the script again with the version of pg_cmig that has written this format.';\n"
						   "\tEND IF;\n");
	if (revision == NULL)
		return;
	appendStringInfo(body,
					 "\tIF EXISTS (SELECT FROM " CMIG_ENGINE_PROGRESS " p WHERE p.revision " OP("<>") " %s OR p.direction " OP("<>") " '%s') THEN\n"
					 "\t\tRAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
					 "\t\t\tMESSAGE = (SELECT pg_catalog.concat('the ', p.direction, ' of revision \"', p.revision, '\" was interrupted') FROM " CMIG_ENGINE_PROGRESS " p LIMIT 1),\n"
					 "\t\t\tHINT = (SELECT pg_catalog.concat('Complete it first: cmig ', p.direction, CASE WHEN p.direction " OP("=") " 'upgrade' THEN pg_catalog.concat(' ', CASE WHEN p.revision " OP("~") " '^[A-Za-z0-9_.:+-]+$' THEN p.revision ELSE pg_catalog.quote_literal(p.revision) END) ELSE ' -1' END, '. To give up, repair the schema, and: cmig stamp <current revision>') FROM " CMIG_ENGINE_PROGRESS " p LIMIT 1);\n"
					 "\tEND IF;\n",
					 quote_literal_cstr(revision), direction);
}

/* Does cmig itself run the script, and not somebody to whom it is given? */
static bool
in_cmig(void)
{
	return cmig_text_same(GetConfigOption("cmig_client.files", true, false), "on");
}

const char *
cmig_engine_file(const char *revision)
{
	if (revision == NULL || !in_cmig())
		return ", NULL";
	return psprintf(", %s",
					quote_literal_cstr(cmig_revision_format(cmig_catalog_read_text(revision))));
}

const char *
cmig_engine_other_progress(void)
{
	return psprintf(" OR EXISTS (SELECT FROM " CMIG_ENGINE_PROGRESS ") " OP("<>") " %s",
					cmig_progress_read() ? "true" : "false");
}

void
cmig_engine_append_replaced(StringInfo body, const char *table, const char *column,
							const CmigRevision *revision)
{
	if (revision->replaces.count > 0)
		appendStringInfo(body, "\tUPDATE %s SET %s = %s WHERE %s " OP("=") " %s;\n", table, column,
						 quote_literal_cstr(revision->id), column,
						 quote_literal_cstr(revision->replaces.names[revision->replaces.count - 1]));
}

/* the rows of pg_locks for an advisory lock, whose key follows */
#define LOCK_ROWS "pg_catalog.pg_locks l WHERE l.locktype " OP("=") " 'advisory' AND l.granted AND l.objsubid " OP("=") " 1\n" \
	"\t\tAND (l.classid::bigint " OP("<<") " 32 " OP("|") " l.objid::bigint) " OP("=") " "

static const char holder[] =
#include "move/engine_holder.inc"
		   ;

/* Any role could have this lock, so the error says who has it. */
void
cmig_engine_append_lock(StringInfo body, const char *key, const char *scope)
{
	appendStringInfo(body,
					 "\tIF NOT pg_catalog.pg_try_advisory_%slock(%s) THEN\n"
					 "\t\tRAISE EXCEPTION USING ERRCODE = 'lock_not_available',\n"
					 "\t\t\tMESSAGE = 'another session is running a generated script in this database',\n"
					 "\t\t\tDETAIL = coalesce((SELECT pg_catalog.format('Process %%s%%s has the lock of runs. To end it: SELECT pg_terminate_backend(%%s)',\n"
					 "%s"
					 "\t\t\t\t, ', connected since ' " OP("||") " pg_catalog.date_trunc('second', a.backend_start) " OP("||") " ',', a.pid)\n"
					 "\t\t\t\tFROM pg_catalog.pg_stat_activity a WHERE a.pid " OP("=") " (SELECT pg_catalog.min(l.pid) FROM " LOCK_ROWS "%s\n"
					 "\t\t\t\tAND l.database " OP("=") " (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname " OP("=") " pg_catalog.current_database()))), ''),\n"
					 "\t\t\tHINT = 'Wait until that session has finished.';\n"
					 "\tEND IF;\n", scope, key, holder, key);
}

void
cmig_engine_append_session_lock(StringInfo out, const char *key)
{
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfoString(&body, "BEGIN\n");
	cmig_engine_append_lock(&body, key, "");
	appendStringInfoString(&body, "END");
	cmig_psql_append_do(out, body.data);
}

void
cmig_engine_append_owner_check(StringInfo body, const char *key)
{
	appendStringInfo(body,
					 "\tIF NOT EXISTS (SELECT FROM " LOCK_ROWS "%s\n"
					 "\t\tAND l.pid " OP("=") " pg_catalog.pg_backend_pid()) THEN\n"
					 "\t\tRAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
					 "\t\t\tMESSAGE = 'the connection does not have the lock of this run',\n"
					 "\t\t\tDETAIL = 'A connection pool in transaction mode may have given it to another client.',\n"
					 "\t\t\tHINT = 'Connect to the server without the pool, and repeat the command.';\n"
					 "\tEND IF;\n", key);
}

/* Append a command of psql that ends with a quoted text. */
static void
append_command(StringInfo out, const char *command, const char *text)
{
	appendStringInfoString(out, command);
	for (; *text; text++)
	{
		if (*text == '\'' || *text == '\\')
			appendStringInfoChar(out, *text);
		appendStringInfoChar(out, *text);
	}
	appendStringInfoString(out, "'\n");
}

void
cmig_engine_append_title(StringInfo out, const char *title)
{
	append_command(out, "\\warn 'NOTICE:  ", title);
}

void
cmig_engine_append_place(StringInfo out, const CmigRunStep *step, const char *verb,
						 const CmigStatement *statement)
{
	if (in_cmig())
		append_command(out, "\\set cmig_place '",
					   cmig_text_one_line(cmig_run_step_place(step, verb, true, statement->number,
															  statement->line)));
}

/* share/cmig/engine_look.sql */
static const char look_code[] =
#include "move/engine_look.inc"
		   ;

/* Append, in this format, each setting with which the copy was read, and its value. */
static void
append_forms(StringInfo out, const char *format)
{
	for (int i = 0; cmig_settings_forms[i][0] != NULL; i++)
		appendStringInfo(out, format, cmig_settings_forms[i][0], cmig_settings_forms[i][1]);
}

/*
 * What a function has read in the copy must be in the database, too, before its statements
 * run.  So the script has all of that, how the database differs from it from the beginning,
 * and, as cmig_look, the code that compares.
 */
static void
append_looks(StringInfo out)
{
	List	   *looks = cmig_record_looks();
	StringInfoData values;
	const char *seen;
	StringInfoData code;

	if (looks == NIL)
		return;
	initStringInfo(&values);
	foreach_ptr(const char, look, looks)
	{
		int			number = foreach_current_index(look) + 1;

		append_command(out, psprintf("\\set cmig_seen%d '", number), look);
		appendStringInfo(&values, "%s(:'cmig_seen%d'::pg_catalog.jsonb)",
						 number > 1 ? ", " : "", number);
	}
	append_forms(out, "SET LOCAL %s = '%s'\\;\n");
	appendStringInfo(out,
					 "SET LOCAL search_path = pg_catalog, pg_temp\\;\n"
					 "SELECT coalesce(pg_catalog.jsonb_object_agg(name, value), '{}') AS cmig_before\n"
					 "FROM (SELECT n.* FROM (VALUES %s) v (look),\n"
					 "pg_catalog.jsonb_each_text(%s) n (name, value)\n"
					 "GROUP BY 1, 2 HAVING pg_catalog.bool_and((look " OP("->") " 'seen' " OP("->>") " n.name) IS DISTINCT FROM value)) n \\gset\n",
					 values.data, cmig_record_seen);
	append_forms(out, "SET LOCAL %s TO DEFAULT\\;\n");
	appendStringInfoString(out, "SET LOCAL search_path TO DEFAULT\\;\n");
	seen = psprintf("SELECT %s FROM (SELECT $1 AS look) l", cmig_record_seen);
	initStringInfo(&code);
	appendStringInfo(&code, "\nDECLARE\n\tcmig_seen CONSTANT pg_catalog.text := %s;\n"
					 "\tcmig_forms CONSTANT pg_catalog.jsonb := '{", quote_literal_cstr(seen));
	append_forms(&code, "\"%s\": \"%s\", ");
	appendStringInfo(&code, "\"search_path\": \"pg_catalog, pg_temp\"}';\n%s", look_code);
	appendStringInfoString(out, "SELECT ");
	cmig_psql_append_dollar_quoted(out, code.data);
	appendStringInfoString(out, " AS cmig_look \\gset\n");
}

void
cmig_engine_append_guard(StringInfo out, const char *limit)
{
	const char *guard = GetConfigOption("cmig_client.guard", true, false);

	if (!cmig_text_is_given(guard))
		return;
	appendStringInfo(out, "%s%s", limit, guard);
	append_looks(out);
}

/*
 * Append that comparison, before statement n of a function.  It is in one message with a statement
 * that is a transaction of its own, if that can have others.
 */
static void
append_look_before(StringInfo out, List *recorded, int n, bool commits)
{
	const CmigRecordedSql *statement = list_nth(recorded, n);
	List	   *names = NIL;
	StringInfoData locks;
	bool		joined;

	if (statement->look == 0)
		return;
	joined = statement->sql && IsA(cmig_raw_parse_one(statement->sql)->stmt, AlterTableStmt);
	initStringInfo(&locks);
	foreach_ptr(const CmigRecordedSql, other, recorded)
	{
		String	   *name = makeString(other->table);

		if (other->table == NULL || (commits && other != statement) || list_member(names, name))
			continue;
		appendStringInfoString(&locks, names ? ", " : "");
		escape_json(&locks, other->table);
		names = lappend(names, name);
	}
	appendStringInfo(out,
					 "SET TRANSACTION ISOLATION LEVEL READ COMMITTED\\;\n"
					 "SET LOCAL cmig_client.look = :'cmig_seen%d'\\;\n"
					 "SET LOCAL cmig_client.before = :'cmig_before'\\;\n"
					 "SET LOCAL cmig_client.locks = %s\\;\n"
					 "DO :'cmig_look'%s;\n", statement->look,
					 quote_literal_cstr(psprintf("[%s]", locks.data)),
					 joined ? "\\" : "");
}

/* Does the code of a DO contain the word "commit" or "rollback"? */
static bool
may_commit(const DoStmt *statement)
{
	foreach_node(DefElem, option, statement->args)
	{
		const char *code = strcmp(option->defname, "as") == 0 ? strVal(option->arg) : "";
		CmigLexer	lexer;

		cmig_lexer_init(&lexer, code);
		while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
		{
			if (cmig_lexer_is_word(&lexer, "commit") || cmig_lexer_is_word(&lexer, "rollback"))
				return true;
		}
	}
	return false;
}

/*
 * REINDEX and CLUSTER of a partitioned table cannot, and those of any table can run twice.
 */
bool
cmig_engine_is_transactional(const CmigStatement *statement)
{
	const Node *node = statement->raw->stmt;
	const char *reason;

	return cmig_statement_classify(statement->raw, &reason) == CMIG_STATEMENT_PLAIN &&
		!IsA(node, ReindexStmt) && !IsA(node, ClusterStmt) && !IsA(node, CallStmt) &&
		!(IsA(node, DoStmt) && may_commit((const DoStmt *) node));
}

/*
 * Does the statement set something in the session?  An interruption ends that, so it
 * runs again.  As in nontransactional.c, a SELECT that only calls set_config() does.
 */
static bool
sets_session(const CmigStatement *statement)
{
	List	   *names = cmig_statement_set_config_names(statement->raw);

	foreach_ptr(const List, name, names)
	{
		if (list_length(name) > 1 && strcmp(strVal(linitial(name)), "pg_catalog") != 0)
			return false;
	}
	return IsA(statement->raw->stmt, VariableSetStmt) || names != NIL;
}

/* Append a condition on the row of the statement. */
static void
append_condition(StringInfo out, const CmigEngineStep *step, const CmigStatement *statement)
{
	appendStringInfo(out,
					 " WHERE revision " OP("=") " %s AND direction " OP("=") " '%s' AND statement " OP("=") " %d",
					 step->revision, step->direction, statement->number);
}

/*
 * Append what reads and writes the progress as the role that has connected, after the
 * check of the tables: in one message, and thus in one transaction, with the statement
 * that follows.
 */
#define ROLE_COLUMNS "SELECT SESSION_USER AS cmig_session, pg_catalog.current_setting('role') AS cmig_role"
#define CALLER \
	" \\gset\nSET TRANSACTION ISOLATION LEVEL READ COMMITTED\\;\nRESET SESSION AUTHORIZATION\\;\nRESET ROLE\\;\n" \
	"DO :'cmig_check'\\;\n"
#define AS_CALLER ROLE_COLUMNS CALLER
#define AS_BEFORE \
	"SELECT pg_catalog.set_config('session_authorization', :'cmig_session', false) AS cmig_session,\n" \
	"\tpg_catalog.set_config('role', :'cmig_role', false) AS cmig_role \\gset\n"

static void
append_insert(StringInfo out, const CmigEngineStep *step, const CmigStatement *statement, bool done)
{
	appendStringInfo(out,
					 "INSERT INTO " CMIG_ENGINE_PROGRESS " (revision, direction, checksum, statement, done, objects)\n"
					 "\tVALUES (%s, '%s', '%s', %d, %s)\n"
					 "\tON CONFLICT (revision, direction, statement) DO UPDATE SET done = EXCLUDED.done, objects = EXCLUDED.objects",
					 step->revision, step->direction, cmig_script_checksum(statement->text, false), statement->number,
					 done ? "true, NULL" : "false, :'cmig_objects'");
}

/* The same, after what the transaction has added is noted. */
static void
append_as_caller(StringInfo out, bool added)
{
	appendStringInfo(out, "%s%s" CALLER, ROLE_COLUMNS, added ? cmig_psql_added_columns() : "");
}

/* Append what records the statement. */
static void
append_row(StringInfo out, const CmigEngineStep *step, const CmigStatement *statement, bool done)
{
	append_as_caller(out, step->bound && done && cmig_engine_is_transactional(statement));
	if (done && !cmig_engine_is_transactional(statement))
	{
		appendStringInfoString(out, "UPDATE " CMIG_ENGINE_PROGRESS " SET done = true");
		append_condition(out, step, statement);
	}
	else
		append_insert(out, step, statement, done);
	appendStringInfoString(out, ";\n" AS_BEFORE);
}

/* Returns the name of a relation as a literal for to_regclass(). */
static const char *
relation_literal(const RangeVar *relation)
{
	return quote_literal_cstr(relation->schemaname ?
							  quote_qualified_identifier(relation->schemaname, relation->relname) :
							  quote_identifier(relation->relname));
}

/*
 * Returns a query for the indexes "i" that the statement could have created: those
 * with its name, if it has one, its columns, and its properties.  Expressions are
 * not compared.
 */
static const char *
indexes_of(const IndexStmt *index)
{
	List	   *elements = list_concat_copy(index->indexParams, index->indexIncludingParams);
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfo(&query,
					 "SELECT i.indexrelid AS id FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid " OP("=") " i.indexrelid\n"
					 "\tWHERE i.indrelid " OP("=") " pg_catalog.to_regclass(%s) AND i.indisunique " OP("=") " %s AND (i.indpred IS NULL) " OP("=") " %s"
					 " AND i.indnkeyatts " OP("=") " %d AND i.indnatts " OP("=") " %d",
					 relation_literal(index->relation), index->unique ? "true" : "false",
					 index->whereClause ? "false" : "true",
					 list_length(index->indexParams), list_length(elements));
	if (index->idxname)
		appendStringInfo(&query, " AND c.relname " OP("=") " %s",
						 quote_literal_cstr(index->idxname));
	foreach_node(IndexElem, element, elements)
	{
		if (element->name)
			appendStringInfo(&query,
							 "\n\tAND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid " OP("=") " i.indrelid"
							 " AND a.attnum " OP("=") " i.indkey[%d] AND a.attname " OP("=") " %s)",
							 foreach_current_index(element), quote_literal_cstr(element->name));
	}
	return query.data;
}

/* Returns a query from FROM on, for the indexes "i", named "x", that REINDEX builds or leaves. */
static const char *
from_indexes(const ReindexStmt *reindex)
{
	const char *table = reindex->relation ?
	psprintf("(SELECT coalesce(pg_catalog.min(n.indrelid), pg_catalog.to_regclass(%s)) FROM pg_catalog.pg_index n WHERE n.indexrelid " OP("=") " pg_catalog.to_regclass(%s))",
			 relation_literal(reindex->relation), relation_literal(reindex->relation)) : NULL;

	return psprintf("FROM pg_catalog.pg_class t JOIN pg_catalog.pg_index i ON i.indrelid " OP("=") " t.oid OR i.indrelid " OP("=") " t.reltoastrelid\n"
					"\tJOIN pg_catalog.pg_class x ON x.oid " OP("=") " i.indexrelid WHERE (%s)",
					table ? psprintf("t.oid " OP("=") " %s OR EXISTS (SELECT FROM pg_catalog.pg_partition_tree(%s) p WHERE p.relid " OP("=") " t.oid)", table, table) :
					reindex->kind == REINDEX_OBJECT_SCHEMA ?
					psprintf("t.relnamespace " OP("=") " pg_catalog.to_regnamespace(%s)",
							 quote_literal_cstr(quote_identifier(reindex->name))) : "true");
}

/* a condition on the name of an index: it could be one that REINDEX CONCURRENTLY has left */
#define IS_TRANSIENT(name) name " " OP("~") " '_cc(new|old)[0-9]*$'"

/*
 * A condition on an index "c" of the schema "n", as in FROM_NAMED: the role may drop it.  It
 * may rebuild more: indexes of a TOAST table, which are in a schema that only superusers can
 * use, or of other roles' tables in its database.
 */
#define FROM_NAMED "FROM pg_catalog.pg_class c" \
	" JOIN pg_catalog.pg_namespace n ON n.oid " OP("=") " c.relnamespace"
#define MAY_DROP \
	"pg_catalog.has_schema_privilege(n.oid, 'USAGE')" \
	" AND (pg_catalog.pg_has_role(c.relowner, 'USAGE')" \
	" OR pg_catalog.pg_has_role(n.nspowner, 'USAGE'))"

/* a condition on an object of a statement: it existed before */
#define IS_OLD " " OP("=") " ANY (:'cmig_objects'::pg_catalog.oid[])"

/*
 * Returns a query for the ids of the objects, as they are in the database, that the
 * statement creates or, if it sets *drops, drops or detaches, or NULL if it can
 * run twice.
 */
static const char *
objects_of(const RawStmt *raw, bool *drops)
{
	const Node *node = raw->stmt;
	const AlterTableStmt *alter = (const AlterTableStmt *) node;
	const char *catalog;
	const char *name;

	*drops = IsA(node, DropStmt) || IsA(node, AlterTableStmt) || IsA(node, DropdbStmt) ||
		IsA(node, DropTableSpaceStmt) || IsA(node, DropSubscriptionStmt);
	switch (nodeTag(node))
	{
		case T_IndexStmt:
			return indexes_of((const IndexStmt *) node);
		case T_ReindexStmt:
			return psprintf("SELECT DISTINCT i.indexrelid AS id %s"
							" AND NOT i.indisvalid AND " IS_TRANSIENT("x.relname"),
							from_indexes((const ReindexStmt *) node));
		case T_DropStmt:
			return psprintf("SELECT c.oid AS id FROM pg_catalog.pg_class c WHERE c.oid " OP("=") " pg_catalog.to_regclass(%s)",
							relation_literal(makeRangeVarFromNameList(linitial_node(List, ((const DropStmt *) node)->objects))));
		case T_AlterTableStmt:
			return psprintf("SELECT h.inhrelid AS id FROM pg_catalog.pg_inherits h"
							" WHERE h.inhparent " OP("=") " pg_catalog.to_regclass(%s) AND h.inhrelid " OP("=") " pg_catalog.to_regclass(%s)",
							relation_literal(alter->relation),
							relation_literal(((const PartitionCmd *) linitial_node(AlterTableCmd, alter->cmds)->def)->name));
		case T_CreatedbStmt:
			catalog = "pg_database c WHERE c.datname";
			name = ((const CreatedbStmt *) node)->dbname;
			break;
		case T_DropdbStmt:
			catalog = "pg_database c WHERE c.datname";
			name = ((const DropdbStmt *) node)->dbname;
			break;
		case T_CreateTableSpaceStmt:
			catalog = "pg_tablespace c WHERE c.spcname";
			name = ((const CreateTableSpaceStmt *) node)->tablespacename;
			break;
		case T_DropTableSpaceStmt:
			catalog = "pg_tablespace c WHERE c.spcname";
			name = ((const DropTableSpaceStmt *) node)->tablespacename;
			break;
		case T_CreateSubscriptionStmt:
			catalog = "pg_subscription c WHERE c.subname";
			name = ((const CreateSubscriptionStmt *) node)->subname;
			break;
		case T_DropSubscriptionStmt:
			catalog = "pg_subscription c WHERE c.subname";
			name = ((const DropSubscriptionStmt *) node)->subname;
			break;
		default:
			return NULL;
	}
	return psprintf("SELECT c.oid AS id FROM pg_catalog.%s " OP("=") " %s", catalog,
					quote_literal_cstr(name));
}

/* Append a command that drops the invalid ones of these indexes. */
static void
append_drop_invalid(StringInfo out, const char *indexes, const char *condition)
{
	appendStringInfo(out,
					 "SELECT pg_catalog.format('DROP INDEX CONCURRENTLY %%s', i.indexrelid::pg_catalog.regclass)\n"
					 "FROM pg_catalog.pg_index i JOIN (%s) o ON o.id " OP("=") " i.indexrelid WHERE NOT i.indisvalid%s \\gexec\n", indexes, condition);
}

/*
 * The same for what REINDEX has left.  It can run again beside what the role may not drop,
 * which is reported.
 */
static void
append_drop_transient(StringInfo out, const char *indexes)
{
	append_drop_invalid(out,
						psprintf("SELECT c.oid AS id " FROM_NAMED
								 " JOIN (%s) l ON l.id " OP("=") " c.oid\n"
								 "\tWHERE " MAY_DROP, indexes),
						" AND NOT o.id" IS_OLD);
	appendStringInfo(out,
					 "SELECT pg_catalog.format('DO %%L',"
					 " pg_catalog.format('BEGIN RAISE NOTICE USING MESSAGE = %%L,"
					 " DETAIL = %%L, HINT = %%L; END',\n"
					 "\tpg_catalog.format('role \"%%s\" cannot drop index %%I.%%I,"
					 " which an interrupted statement left invalid',"
					 " CURRENT_USER, n.nspname, c.relname),\n"
					 "\tCASE WHEN pg_catalog.has_schema_privilege(c.relowner, n.oid, 'USAGE')\n"
					 "\t\tTHEN pg_catalog.format('Its owner,"
					 " role \"%%s\", can, and so can a superuser.',"
					 " pg_catalog.pg_get_userbyid(c.relowner))\n"
					 "\t\tELSE 'A superuser can.' END,\n"
					 "\tpg_catalog.format('DROP INDEX CONCURRENTLY %%I.%%I',"
					 " n.nspname, c.relname)))\n"
					 FROM_NAMED " JOIN pg_catalog.pg_index i ON i.indexrelid " OP("=") " c.oid\n"
					 "\tJOIN (%s) l ON l.id " OP("=") " c.oid"
					 " WHERE NOT i.indisvalid AND NOT c.oid" IS_OLD
					 " AND NOT (" MAY_DROP ") \\gexec\n", indexes);
}

/*
 * Append what psql does before a statement that cannot run in a transaction.  It notes
 * which objects of the statement exist.  If an earlier run was interrupted in the
 * statement, it compares them with those that existed before, which tells whether the
 * statement has completed, and removes or completes what it has left.
 */
static void
append_look(StringInfo out, const CmigEngineStep *step, const CmigStatement *statement)
{
	const Node *node = statement->raw->stmt;
	bool		drops;
	const char *objects = objects_of(statement->raw, &drops);

	appendStringInfoString(out, "\\if :cmig_begun\n");
	if (IsA(node, ReindexStmt))
		append_drop_transient(out, objects);
	else if (IsA(node, IndexStmt))
		append_drop_invalid(out, objects, " AND NOT o.id" IS_OLD);
	else if (IsA(node, AlterTableStmt))
		appendStringInfo(out,
						 "SELECT pg_catalog.format('ALTER TABLE %%s DETACH PARTITION %%s FINALIZE', h.inhparent::pg_catalog.regclass, h.inhrelid::pg_catalog.regclass)\n"
						 "FROM pg_catalog.pg_inherits h JOIN (%s) o ON o.id " OP("=") " h.inhrelid WHERE h.inhdetachpending \\gexec\n", objects);
	else if (IsA(node, CallStmt) || IsA(node, DoStmt))
		cmig_psql_append_do(out,
							psprintf("BEGIN\n"
									 "\tRAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
									 "\t\tMESSAGE = %s,\n"
									 "\t\tHINT = %s;\n"
									 "END",
									 quote_literal_cstr(psprintf("statement %d of revision \"%s\" was interrupted, and may have completed", statement->number, step->name)),
									 quote_literal_cstr("If it has completed: UPDATE " CMIG_ENGINE_PROGRESS " SET done = true WHERE NOT done; if not: DELETE FROM " CMIG_ENGINE_PROGRESS " WHERE NOT done")));
	appendStringInfoString(out, "\\endif\n");
	if (objects == NULL)
		return;
	/* what REINDEX creates does not tell that it has completed: it runs again */
	if (IsA(node, ReindexStmt))
		appendStringInfoString(out, "\\if :cmig_known\n");
	else
		appendStringInfo(out, drops ?
						 "\\if :cmig_known\nSELECT :'cmig_objects' " OP("<>") " '{}' AND NOT EXISTS (SELECT FROM (%s) o WHERE o.id" IS_OLD ") AS cmig_done \\gset\n" :
						 "\\if :cmig_known\nSELECT EXISTS (SELECT FROM (%s) o WHERE NOT o.id" IS_OLD ") AS cmig_done \\gset\n", objects);

	/*
	 * see the check in cmig_engine_begin_step(), to which 0, or 1 for
	 * REINDEX, says that the others are the tables of the indexes, and
	 * indexes
	 */
	appendStringInfo(out, "\\else\nSELECT ARRAY(%s%s) AS cmig_objects \\gset\n\\endif\n",
					 IsA(node, IndexStmt) ?
					 psprintf("SELECT t.id FROM (VALUES (0::pg_catalog.oid), (pg_catalog.to_regclass(%s)::pg_catalog.oid)) t (id) WHERE t.id IS NOT NULL"
							  " UNION SELECT v.indexrelid FROM pg_catalog.pg_index v WHERE NOT v.indisvalid UNION ",
							  relation_literal(((const IndexStmt *) node)->relation)) :
					 IsA(node, ReindexStmt) ?
					 psprintf("SELECT 1::pg_catalog.oid AS id UNION SELECT i.indrelid %s UNION ",
							  from_indexes((const ReindexStmt *) node)) : "",
					 objects);
}

/*
 * What has completed must be as it was.  A statement that has failed can be
 * corrected: what existed before it was begun is then not known, so the objects are null.
 */
CmigEngineStep *
cmig_engine_begin_step(StringInfo out, const char *revision, const char *direction, const char *sql,
					   const char *key, bool bound)
{
	CmigEngineStep *step = palloc(sizeof(CmigEngineStep));
	CmigScriptReader *script = cmig_script_open(sql);
	CmigStatement statement;
	StringInfoData checksums;
	StringInfoData body;
	char	   *rows;

	step->name = revision;
	step->revision = quote_literal_cstr(revision);
	step->direction = direction;
	step->key = key;
	step->bound = bound;
	initStringInfo(&checksums);
	appendStringInfoString(&checksums, "(ARRAY[''");
	while (cmig_script_next(script, &statement))
		appendStringInfo(&checksums, ", '%s'", cmig_script_checksum(statement.text, false));
	cmig_script_close(script);
	appendStringInfoString(&checksums, "]::pg_catalog.text[])[p.statement " OP("+") " 1]");
	rows = psprintf("p.revision " OP("=") " %s AND p.direction " OP("=") " '%s'", step->revision, direction);

	initStringInfo(&body);
	appendStringInfo(&body,
					 "DECLARE\n\tleft_over pg_catalog.text := (SELECT"
					 " pg_catalog.string_agg(pg_catalog.format('DROP INDEX CONCURRENTLY %%I.%%I', n.nspname, c.relname), '; ')\n"
					 "\t\tFROM pg_catalog.pg_index x JOIN pg_catalog.pg_class c ON c.oid " OP("=") " x.indexrelid AND NOT x.indisvalid\n"
					 "\t\tJOIN pg_catalog.pg_namespace n ON n.oid " OP("=") " c.relnamespace JOIN " CMIG_ENGINE_PROGRESS " p ON %s AND NOT p.done\n"
					 "\t\t\tAND coalesce(p.checksum " OP("<>") " %s, true)\n"
					 "\t\t\tAND (0 " OP("=") " ANY (p.objects) OR 1 " OP("=") " ANY (p.objects)"
					 " AND " IS_TRANSIENT("c.relname") " AND " MAY_DROP ")\n"
					 "\t\t\tAND x.indrelid " OP("=") " ANY (p.objects) AND x.indexrelid " OP("<>") " ALL (p.objects)\n"
					 "\t\tWHERE NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index s WHERE s.index_relid " OP("=") " x.indexrelid));\n"
					 "\tchanged integer := (SELECT pg_catalog.min(p.statement) FROM " CMIG_ENGINE_PROGRESS " p\n"
					 "\t\tWHERE %s AND p.done AND coalesce(p.checksum " OP("<>") " %s, true));\n"
					 "BEGIN\n\tIF changed IS NOT NULL THEN\n"
					 "\t\tRAISE SQLSTATE 'MG008' USING MESSAGE = pg_catalog.concat('statement ', changed, %s),\n"
					 "\t\t\tHINT = 'Restore its text. Later statements may differ. Or revert by hand what has run, then: cmig stamp <revision>';\n"
					 "\tEND IF;\n"
					 "\tIF left_over IS NOT NULL THEN\n"
					 "\t\tRAISE SQLSTATE 'MG008' USING MESSAGE = %s,\n"
					 "\t\t\tDETAIL = 'It has left an invalid index, which its new text does not"
					 " know.', HINT = left_over;\n"
					 "\tEND IF;\n", rows, checksums.data, rows, checksums.data,
					 quote_literal_cstr(psprintf(" of revision \"%s\" has changed since it ran", revision)),
					 quote_literal_cstr(psprintf("the statement of revision \"%s\" that was interrupted has changed", revision)));
	cmig_engine_append_owner_check(&body, key);
	appendStringInfo(&body,
					 "\tUPDATE " CMIG_ENGINE_PROGRESS " p SET checksum = coalesce(%s, ''), objects = NULL\n"
					 "\t\tWHERE %s AND coalesce(p.checksum " OP("<>") " %s, true);\nEND",
					 checksums.data, rows, checksums.data);
	appendStringInfoString(out, AS_CALLER);
	cmig_psql_append_do(out, body.data);
	appendStringInfoString(out, AS_BEFORE);
	return step;
}

/* Append what finds out whether the statement was begun, and whether it is done. */
static void
append_state(StringInfo out, const CmigEngineStep *step, const CmigStatement *statement)
{
	appendStringInfoString(out,
						   AS_CALLER "SELECT coalesce(pg_catalog.bool_or(done), false) AS cmig_done, coalesce(pg_catalog.bool_or(NOT done), false) AS cmig_begun,\n"
						   "\tcoalesce(pg_catalog.bool_and(objects IS NOT NULL AND NOT done), false) AS cmig_known, coalesce(pg_catalog.min(objects::pg_catalog.text), '{}') AS cmig_objects FROM " CMIG_ENGINE_PROGRESS);
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
cmig_engine_begin_statement(StringInfo out, const CmigEngineStep *step,
							const CmigStatement *statement)
{
	if (sets_session(statement))
		return;
	append_state(out, step, statement);
	if (!cmig_engine_is_transactional(statement))
		append_look(out, step, statement);
	appendStringInfoString(out, "\\if :cmig_done\n\\else\n");
	if (cmig_engine_is_transactional(statement))
	{
		appendStringInfoString(out, CMIG_PSQL_BEGIN "\\;\n");
		if (step->bound)
			cmig_psql_added_require(out, "\\;\n");
	}
	append_owner_check(out, step);
	if (!cmig_engine_is_transactional(statement))
		append_row(out, step, statement, false);
}

/* Does the statement alter a table or domain, in a transaction? */
static bool
alters(const Node *node)
{
	const char *reason;
	const RawStmt raw = {.type = T_RawStmt,.stmt = (Node *) node};

	return (IsA(node, AlterTableStmt) || IsA(node, AlterDomainStmt)) &&
		cmig_statement_classify(&raw, &reason) == CMIG_STATEMENT_PLAIN;
}

/*
 * A function runs in one transaction.  A procedure commits after each of its
 * statements, and if it is called again, it runs only those that remain, so
 * it is recorded before it runs, too.
 */
void
cmig_engine_append_recorded(StringInfo out, const CmigEngineStep *step,
							const CmigStatement *statement, List *recorded, CmigPsqlFacts *facts)
{
	static const char *const begin = CMIG_PSQL_BEGIN "\\;\n";
	bool		commits = IsA(statement->raw->stmt, CallStmt);

	if (step != NULL)
	{
		append_state(out, step, statement);
		appendStringInfoString(out, "\\if :cmig_done\n\\else\n");
		if (!commits)
		{
			appendStringInfoString(out, begin);
			if (step->bound)
				cmig_psql_added_require(out, "\\;\n");
		}
		append_owner_check(out, step);
		if (commits)
			append_row(out, step, statement, false);
	}
	foreach_ptr(const CmigRecordedSql, one, recorded)
	{
		const Node *node = one->sql ? cmig_raw_parse_one(one->sql)->stmt : NULL;
		bool		bound;

		/* a procedure looks again before its first statement */
		if (node == NULL && commits && list_length(recorded) > 1)
			continue;
		if (step != NULL && commits)
			append_owner_check(out, step);
		append_look_before(out, recorded, foreach_current_index(one), commits);
		if (node == NULL)
			continue;
		if (step != NULL && IsA(node, IndexStmt) && ((const IndexStmt *) node)->concurrent)
			append_drop_invalid(out, indexes_of((const IndexStmt *) node), "");
		bound = step != NULL && step->bound && commits && alters(node);
		if (bound)
		{
			appendStringInfoString(out, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED\\;\n");
			cmig_psql_added_require(out, "\\;\n");
		}
		cmig_psql_append_statement(out, one->sql, false, facts);
		if (bound)
		{
			out->len -= strlen(";\n");
			appendStringInfoString(out, "\\;\n");
			cmig_psql_added_note(out);
		}
	}
	if (step == NULL)
		return;
	if (commits)
	{
		appendStringInfoString(out, begin);
		append_owner_check(out, step);
	}
	append_as_caller(out, step->bound && !commits);
	append_insert(out, step, statement, true);
	appendStringInfoString(out, ";\n" AS_BEFORE "COMMIT;\n\\endif\n");
}

void
cmig_engine_end_statement(StringInfo out, const CmigEngineStep *step,
						  const CmigStatement *statement)
{
	if (sets_session(statement))
		return;
	append_row(out, step, statement, true);
	if (cmig_engine_is_transactional(statement))
		appendStringInfoString(out, "COMMIT;\n");
	appendStringInfoString(out, "\\endif\n");
}

void
cmig_engine_end_step(StringInfo out, const char *revision, const char *direction)
{
	appendStringInfo(out,
					 "DELETE FROM " CMIG_ENGINE_PROGRESS " WHERE revision " OP("=") " %s AND direction " OP("=") " '%s';\n",
					 quote_literal_cstr(revision), direction);
}
