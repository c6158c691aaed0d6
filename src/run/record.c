/*
 * record.c
 *	  What pg_cmig's functions run, recorded for databases that do not have them.
 *
 * cmig upgrades such a database by a script that another server, the engine,
 * generates.  If a revision calls a function such as cmig.enable_rls, cmig
 * first runs the revisions in the engine, on a copy of the database's schema.
 * Meanwhile it sets the placeholder cmig_client.record, and each of these
 * functions records the statements that it runs.  cmig.script, in the same
 * session, writes them in place of the call.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "run/internal.h"

/* What a statement of a revision has run. */
typedef struct Recorded
{
	char	   *revision;
	CmigDirection direction;
	int			statement;
	List	   *sql;			/* of CmigRecordedSql * */
} Recorded;

/* of Recorded *, in TopMemoryContext, until the end of the session */
static List *recorded = NIL;

/* of char *, likewise: see cmig_record_looks() */
static List *looks = NIL;

/*
 * Does the running statement, as its text says, call one of these functions; and has
 * that begun?  Others are called by code of the database's roles.
 */
static bool calls = false;
static bool begun = false;

/* Is it a procedure, which commits? */
static bool commits = false;
static CmigRecordReads reading;

static bool
is_copy(void)
{
	return cmig_text_begins(get_database_name(MyDatabaseId), CMIG_ENGINE_COPY);
}

bool
cmig_record_is_on(void)
{
	const char *client = GetConfigOption("cmig_client.record", true, false);

	/*
	 * Anybody can set it, and preconditions and verify sections are left out
	 * then, so it counts only in a database that cmig has created for this.
	 */
	return client != NULL && strcmp(client, "on") == 0 && is_copy();
}

static Recorded *
find(const char *revision, CmigDirection direction, int statement)
{
	foreach_ptr(Recorded, record, recorded)
	{
		if (record->statement == statement && record->direction == direction &&
			strcmp(record->revision, revision) == 0)
			return record;
	}
	return NULL;
}

static bool
is_recording(void)
{
	return cmig_running.revision != NULL && !cmig_running.verifying && !cmig_running.replaying &&
		cmig_record_is_on();
}

/* The name of a role, but not of that of the session, which can have another one in the engine. */
#define ROLE(oid) \
	"CASE " oid " WHEN 0 THEN 'public' ELSE nullif(pg_get_userbyid(" oid "), session_user) END"

/* The engine and the database may have different encodings, which also sort names differently. */
#define BYTES(text) "convert_to(" text ", 'UTF8')"

/*
 * A JSON object with digests of each table that a function reads, as the jsonb "look" tells.  That
 * for the table's name is of what a copy has as the database has it: no names of roles, no expressions
 * that PostgreSQL may print in another way, no invalid indexes, and no names that it makes up.  These
 * expressions and roles have digests of their own, for @, the table's name, and that of the object: one
 * that differs from the beginning hides no other change.
 */
#define SEEN \
	"(SELECT coalesce(jsonb_object_agg(key, md5(" BYTES("value") ")), '{}')\n" \
	"FROM pg_class t, LATERAL (SELECT concat('@', t.oid::regclass, chr(31)), " ROLE("t.relowner") "::text\n" \
	"UNION ALL SELECT concat('@', t.oid::regclass, chr(31), 'c', conname), pg_get_expr(conbin, conrelid)\n" \
	" FROM pg_constraint WHERE conrelid = t.oid AND contype = 'c'\n" \
	"UNION ALL SELECT concat('@', t.oid::regclass, chr(31), 'p', polname), concat_ws('|',\n" \
	" (SELECT string_agg(r, ',' ORDER BY " BYTES("r") ")\n" \
	" FROM (SELECT coalesce(" ROLE("id") ", '')::text FROM unnest(polroles) id) r (r)),\n" \
	" pg_get_expr(polqual, polrelid), '|', pg_get_expr(polwithcheck, polrelid))\n" \
	" FROM pg_policy WHERE polrelid = t.oid\n" \
	"UNION ALL SELECT t.oid::regclass::text, concat_ws('|',\n" \
	"t.relkind, t.relrowsecurity, t.relforcerowsecurity,\n" \
	"(SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),\n" \
	" a.attnotnull, a.attidentity, a.attgenerated,\n" \
	" CASE a.attgenerated WHEN '' THEN pg_get_expr(d.adbin, 0) END),\n" \
	" ',' ORDER BY " BYTES("a.attname") ") FROM pg_attribute a\n" \
	" LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum\n" \
	" WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped),\n" \
	"(SELECT string_agg(concat_ws(' ', conname, contype, convalidated), ',' ORDER BY " BYTES("conname") ")\n" \
	" FROM pg_constraint WHERE conrelid = t.oid AND contype <> 'n' AND conparentid = 0),\n" \
	"(SELECT string_agg(concat_ws(' ', c.relname, i.indisunique), ',' ORDER BY " BYTES("c.relname") ")\n" \
	" FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid\n" \
	" WHERE i.indrelid = t.oid AND i.indisvalid AND NOT c.relispartition),\n" \
	"(SELECT string_agg(inhparent::regclass::text, ',' ORDER BY inhseqno) FROM pg_inherits\n" \
	" WHERE inhrelid = t.oid AND NOT inhdetachpending),\n" \
	"(SELECT string_agg(concat_ws(' ', polname, polcmd, polpermissive,\n" \
	" obj_description(oid, 'pg_policy')), ',' ORDER BY " BYTES("polname") ")\n" \
	" FROM pg_policy WHERE polrelid = t.oid))) s (key, value)\n" \
	"WHERE t.relkind IN ('r', 'p') AND t.relpersistence <> 't' AND t.oid IN (\n" \
	"WITH RECURSIVE family (id) AS (\n" \
	" SELECT " CMIG_RELATION_NAMED("n") " FROM jsonb_array_elements_text(look -> 'tables') n\n" \
	" UNION SELECT h.inhrelid FROM family\n" \
	" JOIN pg_inherits h ON h.inhparent = family.id AND NOT h.inhdetachpending)\n" \
	"SELECT id FROM family\n" \
	"UNION ALL SELECT c.oid FROM unnest(ARRAY[look ->> 'schema']) n\n" \
	" JOIN pg_class c ON c.relnamespace = to_regnamespace(n)\n" \
	"WHERE EXISTS (SELECT FROM pg_attribute a\n" \
	" WHERE a.attrelid = c.oid AND look -> 'columns' ? a.attname)))"

const char *const cmig_record_seen = SEEN;

/* Returns the number of what is seen now of what the function reads. */
static int
take_look(void)
{
	static CmigQuery query = {
		"SELECT look || jsonb_build_object('seen', " SEEN ") FROM jsonb_build_object("
		"'tables', ARRAY(SELECT oid::regclass::text FROM unnest(ARRAY[$1, $2]) oid WHERE oid <> 0),"
		" 'schema', (SELECT quote_ident(nspname) FROM pg_namespace WHERE oid = $3),"
		" 'columns', ARRAY[$4, $5]) look",
		{OIDOID, OIDOID, OIDOID, TEXTOID, TEXTOID}
	};
	int			level = NewGUCNestLevel();
	char	   *look;
	MemoryContext caller;

	cmig_settings_pin_forms();
	look = cmig_query_value(&query, reading.table, reading.other, reading.schema,
							reading.columns[0], reading.columns[1]);
	AtEOXact_GUC(false, level);
	caller = MemoryContextSwitchTo(TopMemoryContext);
	looks = lappend(looks, pstrdup(look));
	MemoryContextSwitchTo(caller);
	return list_length(looks);
}

List *
cmig_record_looks(void)
{
	return looks;
}

/* Add a statement, unless both it and the look are missing, to what the revision's has run. */
static void
add(const char *sql, Oid table, int look)
{
	char	   *altered = OidIsValid(table) ? cmig_query_relation_name(table) : NULL;
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	Recorded   *record = find(cmig_running.revision, cmig_running.direction, cmig_running.statement);

	if (record == NULL)
	{
		record = palloc0(sizeof(Recorded));
		record->revision = pstrdup(cmig_running.revision);
		record->direction = cmig_running.direction;
		record->statement = cmig_running.statement;
		recorded = lappend(recorded, record);
	}
	if (sql != NULL || look > 0)
	{
		CmigRecordedSql *statement = palloc0(sizeof(CmigRecordedSql));

		statement->sql = sql ? pstrdup(sql) : NULL;
		statement->look = look;
		statement->table = altered ? pstrdup(altered) : NULL;
		record->sql = lappend(record->sql, statement);
	}
	MemoryContextSwitchTo(caller);
}

void
cmig_record_begin(CmigRecordReads reads)
{
	if (!is_recording())
		return;
	/* code in an argument, or in a table's check, may have been faster */
	if (!calls || begun)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("statement %d of revision \"%s\" runs code that calls a function of pg_cmig",
						cmig_running.statement, cmig_running.revision),
				 errhint("The database does not have the extension: call it in a statement of its own.")));
	begun = true;
	reading = reads;
	add(NULL, InvalidOid, take_look());
}

void
cmig_record(const char *sql, Oid table)
{
	if (!is_recording())
		return;
	/* as for a superuser of the database, whose role runs no script here */
	if (sql != NULL && strstr(sql, GetUserNameFromId(GetSessionUserId(), false)) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a call gives the current role's name to a function of pg_cmig, which has another name in the engine"),
				 errhint("In place of current_user, write the name of the role.")));
	add(sql, table, sql != NULL && commits ? take_look() : 0);
}

/* Returns the call if the statement is only a call, whose result nobody reads, or NULL. */
static const FuncCall *
only_call(const RawStmt *raw)
{
	const SelectStmt *select = (const SelectStmt *) raw->stmt;
	const FuncCall *call = NULL;

	if (IsA(select, CallStmt))
		return ((const CallStmt *) raw->stmt)->funccall;
	if (!IsA(select, SelectStmt) || select->op != SETOP_NONE || select->intoClause ||
		select->whereClause || select->valuesLists || select->withClause || select->groupClause ||
		select->havingClause || list_length(select->fromClause) > 1)
		return NULL;
	if (select->fromClause && IsA(linitial(select->fromClause), RangeFunction))
		call = linitial(linitial_node(List, linitial_node(RangeFunction, select->fromClause)->functions));
	else if (select->fromClause || list_length(select->targetList) != 1)
		return NULL;
	foreach_node(ResTarget, target, select->targetList)
	{
		if (!IsA(target->val, ColumnRef) && call == NULL)
			call = (const FuncCall *) target->val;
		else if (!IsA(target->val, ColumnRef))
			return NULL;
	}
	return call != NULL && IsA(call, FuncCall) ? call : NULL;
}

/* Is there an argument with this name or position, other than a constant NULL or false? */
static bool
has_argument(const FuncCall *call, const char *name, int position)
{
	foreach_ptr(Node, argument, call->args)
	{
		bool		is_named = IsA(argument, NamedArgExpr);
		A_Const    *value = (A_Const *) (is_named ? (Node *) ((NamedArgExpr *) argument)->arg : argument);

		if (is_named ? strcmp(((NamedArgExpr *) argument)->name, name) == 0 :
			foreach_current_index(argument) == position)
			return !IsA(value, A_Const) || !(value->isnull || (IsA(&value->val, Boolean) && !boolVal(&value->val)));
	}
	return false;
}

/* Returns the name of the first of pg_cmig's functions or tables in the statement, or NULL. */
static char *
name_used(const CmigStatement *statement)
{
	CmigPsqlFacts facts = {0};
	StringInfoData text;
	char	   *name = facts.called;

	initStringInfo(&text);
	cmig_psql_append_statement(&text, statement->text,
							   IsA(statement->raw->stmt, CreateFunctionStmt), &facts);
	pfree(text.data);
	if (!facts.calls_cmig)
		return NULL;
	return name[0] == '"' ? pnstrdup(name + 1, strcspn(name + 1, "\"")) : pstrdup(name);
}

const char *
cmig_record_refusal(const CmigStatement *statement, const char **fix)
{
	static const char *const functions[] = {"disable_rls", "enable_rls", "enable_rls_schema"};
	static const char *const procedures[] = {"add_check", "add_foreign_key", "add_not_null", "add_unique", "backfill"};
	const char *name = name_used(statement);
	bool		is_procedure = false;
	bool		can_record;
	const FuncCall *call;

	if (name == NULL)
		return NULL;
	for (int i = 0; i < lengthof(procedures); i++)
		is_procedure |= pg_strcasecmp(name, procedures[i]) == 0;
	can_record = is_procedure;
	for (int i = 0; i < lengthof(functions); i++)
		can_record |= pg_strcasecmp(name, functions[i]) == 0;
	*fix = "Write the statements that the function runs into the revision. doc/managed.md lists the functions that can be called, each alone in its statement.";
	if (cmig_psql_is_relation(name))
	{
		*fix = "Without the extension, cmig_engine.version and cmig_engine.journal have the state.";
		return psprintf("reads cmig.%s, which requires the extension in the database", name);
	}
	if (strstr(name, "ddl"))
		*fix = "For the same policy without the extension, as a role that may create event triggers: cmig ddl-script deny | psql";
	else if (strstr(name, "audit"))
		*fix = "For the same log without the extension, write what cmig audit-script <table> prints into the revision.";
	call = can_record ? only_call(statement->raw) : NULL;
	if (call == NULL)
		return psprintf("calls cmig.%s, which requires the extension in the database", name);
	if (is_procedure && !IsA(statement->raw->stmt, CallStmt))
	{
		*fix = psprintf("CALL cmig.%s(...)", name);
		return psprintf("calls the procedure cmig.%s as a function", name);
	}
	if (pg_strcasecmp(name, "backfill") == 0 &&
		(!has_argument(call, "where_sql", 2) || has_argument(call, "max_lag", 5)))
	{
		*fix = CMIG_RECORD_BACKFILL_HINT;
		return "calls " CMIG_RECORD_BACKFILL;
	}
	if (has_argument(call, "require_context", 11))
	{
		*fix = "Its policies call functions of pg_cmig.";
		return psprintf("calls cmig.%s with require_context, which requires the extension in the database", name);
	}
	return NULL;
}

void
cmig_record_refuse(const char *revision, const CmigStatement *statement)
{
	const char *fix;
	const char *refusal = cmig_record_refusal(statement, &fix);

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("revision \"%s\" %s", revision,
					refusal ? refusal : psprintf("calls cmig.%s, which requires the extension in the database", name_used(statement))),
			 errhint("%s", refusal ? fix :
					 recorded == NIL && is_copy() ?
					 "What the function runs is known only for the state of the database, so without a range: cmig script upgrade head" :
					 "Call it alone in its statement.")));
}

void
cmig_record_check(const char *revision, const CmigStatement *statement)
{
	const char *fix;

	if (cmig_record_refusal(statement, &fix) != NULL)
		cmig_record_refuse(revision, statement);
	calls = name_used(statement) != NULL;
	begun = false;
	commits = IsA(statement->raw->stmt, CallStmt);
}

bool
cmig_record_find(const char *revision, CmigDirection direction, const CmigStatement *statement,
				 List **sql)
{
	Recorded   *record = only_call(statement->raw) ? find(revision, direction, statement->number) : NULL;

	if (record != NULL)
		*sql = record->sql;
	return record != NULL;
}
