/*
 * workload_queries.c
 *	  The queries of an application: those that a caller passes, those that
 *	  pg_stat_statements has counted or that were saved, and those in the bodies of functions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/acl.h"

#include "workload/internal.h"

bool
cmig_workload_has_plan(const char *text)
{
	static const char *const verbs[] = {"delete", "insert", "merge", "select", "table", "update",
	"values", "with", NULL};
	CmigLexer	lexer;

	cmig_lexer_init(&lexer, text);
	do
		(void) cmig_lexer_next_sql(&lexer);
	while (lexer.type != CMIG_TOKEN_END && *lexer.start == '(');
	return lexer.type == CMIG_TOKEN_WORD && cmig_lexer_is_any_word(&lexer, verbs);
}

/*
 * Returns the settings of roles and of this database that matter to names and
 * plans, the strongest last: rows of role, name, and value.  Those that a role
 * could use to make planning last for hours are left out.
 */
static List *
read_settings(void)
{
	static CmigQuery query = {
		"SELECT d.setrole, s.name, substr(c, strpos(c, '=') + 1) FROM pg_db_role_setting d CROSS"
		" JOIN unnest(d.setconfig) c"
		" JOIN pg_settings s ON s.name = split_part(c, '=', 1)"
		" WHERE d.setdatabase IN (0, (SELECT oid FROM pg_database"
		" WHERE datname = current_database()))"
		" AND (s.name = 'search_path' OR s.category LIKE 'Query Tuning%' AND s.context = 'user'"
		" AND s.name !~ '^geqo|_collapse_limit'"
		" OR s.name = ANY ('{effective_io_concurrency,hash_mem_multiplier,max_parallel_workers,max_parallel_workers_per_gather,parallel_leader_participation,work_mem}'))"
		" ORDER BY d.setrole <> 0, d.setdatabase <> 0, s.name"
	};

	return cmig_query_list(&query);
}

/* Returns the settings of a role, names and values. */
static List *
settings_of(const List *all, Oid role)
{
	List	   *result = NIL;

	foreach_ptr(CmigValue, row, all)
	{
		if (strtoul(row[0], NULL, 10) == role || strcmp(row[0], "0") == 0)
			result = lappend(result, row + 1);
	}
	return result;
}

/*
 * Returns the number in the comment "-- calls: 120" in the line before the one in
 * which a statement begins, or NULL.  The text is what follows the statement
 * before.
 */
static char *
read_calls(const char *text, const char *start)
{
	static const char comment[] = "-- calls: ";
	int			digits;

	for (int lines = 0; start > text && (start[-1] != '\n' || ++lines < 2); start--);
	if (strncmp(start, comment, strlen(comment)) != 0)
		return NULL;
	start += strlen(comment);
	digits = strspn(start, "0123456789");
	if (strchr("\r\n", start[digits]) == NULL && strncmp(start + digits, ", role: ", 8) != 0)
		return NULL;
	return digits > 0 && digits < 19 ? pnstrdup(start, digits) : NULL;
}

/* Raise an error for text that can hide the statements after it. */
static void
refuse_text(const CmigLexer *lexer, int number, int copy)
{
	int			line = copy > 0 ? copy : lexer->line;
	char	   *where = number > 1 ? psprintf("text %d of the queries, line %d", number, line) :
	psprintf("line %d of the queries", line);

	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 copy > 0 ? errmsg("%s: the data of COPY are not queries", where) :
			 lexer->unterminated ?
			 errmsg("%s: unterminated %s", where, cmig_lexer_type_name(lexer)) :
			 errmsg("%s: commands of psql are not queries", where),
			 errhint("Pass only SQL statements, each of which ends at a semicolon.")));
}

/*
 * Append the statements of a text.  They are not parsed here, because statements
 * that do not parse, as those of pg_stat_statements sometimes do not, must not
 * hide the others.  "number" is that of the text in what a caller has passed, or 0.
 */
static void
add_statements(List **queries, const char *text, List *settings, int number)
{
	CmigLexer	lexer;
	const char *before = text;
	const char *start = NULL;
	const char *end = NULL;
	bool		copies = false; /* is the statement COPY? */
	int			copy = 0;		/* line of the last COPY FROM STDIN */

	cmig_lexer_init(&lexer, text);
	do
	{
		bool		ends = cmig_lexer_next_sql(&lexer) == CMIG_TOKEN_END ||
		cmig_lexer_is_char(&lexer, ';');

		if (number > 0 && (lexer.unterminated || cmig_lexer_is_char(&lexer, '\\')))
			refuse_text(&lexer, number, copy);
		if (start != NULL && copies && cmig_lexer_is_word(&lexer, "stdin"))
			copy = lexer.line;
		if (ends && start != NULL)
		{
			CmigWorkloadQuery *query = palloc0(sizeof(CmigWorkloadQuery));

			query->text = pnstrdup(start, end - start);
			query->sql = pstrdup(query->text);
			query->calls = read_calls(before, start);
			query->settings = settings;
			*queries = lappend(*queries, query);
			before = lexer.next;
			start = NULL;
		}
		else if (!ends && start == NULL)
		{
			start = lexer.start;
			copies = cmig_lexer_is_word(&lexer, "copy");
		}
		end = lexer.next;
	} while (lexer.type != CMIG_TOKEN_END);
}

CmigValue *
cmig_workload_setting(const char *name, const char *value)
{
	CmigValue  *setting = palloc(2 * sizeof(CmigValue));

	setting[0] = pstrdup(name);
	setting[1] = pstrdup(value);
	return setting;
}

List *
cmig_workload_passed(const CmigNames *texts)
{
	List	   *settings = list_make1(cmig_workload_setting("search_path", namespace_search_path));
	List	   *queries = NIL;

	for (int i = 0; i < texts->count; i++)
		add_statements(&queries, texts->names[i], settings, i + 1);
	return queries;
}

Node *
cmig_workload_query_in(Node *statement)
{
	Node	   *query = cmig_statement_query(statement);

	return query ? query : statement;
}

/* Returns the queries of a function, a row of cmig_workload_bodies(). */
static List *
queries_of(const CmigValue *function)
{
	List	   *queries = NIL;
	int			number = 0;
	List	   *settings = list_make2(cmig_workload_setting("search_path",
															function[5] ? function[5] :
															namespace_search_path),
									  cmig_workload_setting("check_function_bodies", "on"));

	if (function[2] != NULL)
		add_statements(&queries, function[2], settings, 0);
	else
	{
		CmigWorkloadQuery *head = palloc0(sizeof(CmigWorkloadQuery));

		head->text = psprintf("FUNCTION %s", function[0]);
		head->table = function[7];
		/* the words of the declarations are names, too */
		head->sql = psprintf("%s %s", function[1], head->table ? head->table : "");
		head->settings = settings;
		head->oid = strtoul(function[6], NULL, 10);
		queries = cmig_workload_plpgsql_queries(head);
	}
	foreach_ptr(CmigWorkloadQuery, query, queries)
	{
		query->function = function[0];
		query->body = function[1];
		if (query->head == NULL)
			query->number = number++;
		query->settings = settings;
		query->role = function[3];
		query->calls = function[4];
		query->daily = INFINITY;
	}
	return queries;
}

List *
cmig_workload_bodies(void)
{
	static CmigQuery functions = {
		"SELECT p.oid::regprocedure, p.prosrc, CASE WHEN l.lanname <> 'sql' THEN NULL"
		" WHEN p.prosqlbody IS NULL THEN p.prosrc"
		"   ELSE regexp_replace(regexp_replace(pg_get_function_sqlbody(p.oid), '^RETURN ', 'SELECT '), '^BEGIN ATOMIC(.*)END$', '\\1') END,"
		" CASE WHEN p.prosecdef THEN pg_get_userbyid(p.proowner) END, pg_stat_get_function_calls(p.oid),"
		" (SELECT substr(c, 13) FROM unnest(p.proconfig) c"
		" WHERE c LIKE 'search\\_path=%'), p.oid, t.tgrelid::regclass"
		" FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang"
		" JOIN pg_namespace n ON n.oid = p.pronamespace"
		" LEFT JOIN (SELECT DISTINCT tgfoid, tgrelid FROM pg_trigger"
		" WHERE tgparentid = 0) t ON t.tgfoid = p.oid"
		" WHERE p.oid >= 16384 AND (l.lanname = 'sql' OR EXISTS (SELECT FROM pg_proc h"
		" WHERE h.oid = l.lanplcallfoid"
		"   AND h.prosrc = 'plpgsql_call_handler' AND h.probin = '$libdir/plpgsql'))"
		" AND n.nspname !~ '^pg_' AND n.nspname <> 'cmig'"
		" AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass"
		" AND d.objid = p.oid AND d.deptype = 'e')"
		" ORDER BY 5 DESC NULLS LAST, p.oid::regprocedure::text, t.tgrelid::regclass::text"
	};
	List	   *queries = NIL;

	foreach_ptr(const CmigValue, function, cmig_query_list(&functions))
		queries = list_concat(queries, queries_of(function));
	return queries;
}

/*
 * Queries with the same columns.  Those of pg_stat_statements, whose schema is to be
 * inserted; $1 is the "calls" of CmigExpansionCount, and $2 since when it counts.  Numbers
 * are numeric, because extra_float_digits can round others.
 */
#define COUNTED \
	"SELECT queryid AS id, calls, coalesce(query, '') AS query, rolname::text AS role, userid AS oid, " \
	" CASE WHEN $2 IS NOT NULL THEN calls / greatest((extract(epoch FROM clock_timestamp()) - $2::numeric) / 86400, 1) END AS daily," \
	" NULL AS workload, CASE WHEN query IS NULL THEN concat('texts of queries of role ', name, ' that pg_stat_statements has lost: ', n) " \
	"  WHEN hidden THEN concat('queries of role ', name, ' that are not visible: ', n) END AS unknown," \
	" CASE WHEN hidden THEN n END AS hidden, total - CASE WHEN before <= total THEN before ELSE 0 END AS recent" \
	" FROM (SELECT q.queryid, q.query, q.userid, r.rolname, coalesce(quote_ident(r.rolname), q.userid::text) AS name, sum(q.calls) AS calls, q.query = '<insufficient privilege>' AS hidden, count(*) AS n," \
	"   sum(sum(q.calls)) OVER (PARTITION BY q.userid, q.queryid) AS total, max(b.value)::numeric AS before" \
	"  FROM %s.pg_stat_statements(true) q LEFT JOIN pg_roles r ON r.oid = q.userid LEFT JOIN jsonb_each_text($1::jsonb) b ON b.key = concat(q.userid, '/', q.queryid)" \
	"  WHERE q.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND (q.query IS NOT NULL OR $1 IS NOT NULL) GROUP BY 1, 2, 3, 4) s"

/* Those that were saved; $3 is a name, or NULL. */
#define SAVED \
	"SELECT w.query_id::bigint AS id, w.calls::bigint AS calls, w.query::text AS query, w.role::text AS role, r.oid, CASE WHEN isfinite(w.saved_at::timestamptz) AND isfinite(w.since::timestamptz) THEN" \
	"  w.calls::numeric / greatest((extract(epoch FROM w.saved_at::timestamptz) - extract(epoch FROM w.since::timestamptz)) / 86400, 1) END AS daily," \
	" w.name::text AS workload, NULL AS unknown, NULL::bigint AS hidden, 0 AS recent FROM cmig.workload w LEFT JOIN pg_roles r ON r.rolname = w.role::text WHERE ($3 IS NULL OR w.name::text = $3) AND w.query IS NOT NULL"

/* Returns the queries that are the rows of a query; "function" is as in CmigQuery. */
static List *
read_rows(const char *sql, Oid function, const CmigExpansionCount *count, const char *name)
{
	static const Oid argtypes[] = {TEXTOID, TEXTOID, TEXTOID};
	CmigQuery  *query = cmig_query_make(sql, NIL, lengthof(argtypes), argtypes);
	char	  **info = OidIsValid(function) ? cmig_statements_info() : NULL;
	List	   *settings = read_settings();
	List	   *queries = NIL;
	int			hidden = 0;

	query->function = function;
	foreach_ptr(CmigValue, row,
				cmig_query_list(query, count ? count->calls : NULL, info ? info[0] : NULL, name))
	{
		CmigWorkloadQuery *one = palloc0(sizeof(CmigWorkloadQuery));

		one->id = row[0];
		one->calls = row[1];
		one->text = row[2];
		one->sql = pstrdup(one->text);
		one->role = row[3];
		one->settings = settings_of(settings, row[4] ? strtoul(row[4], NULL, 10) : InvalidOid);
		one->daily = row[5] ? strtod(row[5], NULL) : INFINITY;
		one->workload = row[6];
		one->unknown = row[7];
		hidden += row[8] ? atoi(row[8]) : 0;
		one->recent = strtoll(row[9], NULL, 10);
		one->since = count ? count->since : NULL;
		queries = lappend(queries, one);
	}
	if (hidden > 0)
		ereport(NOTICE,
				(errmsg_plural("%d query of other roles is not visible",
							   "%d queries of other roles are not visible", hidden, hidden),
				 errhint("GRANT pg_read_all_stats TO %s",
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
	return queries;
}

/* Returns what cmig_statements_function() returns, or raises an error if it cannot be called. */
static char **
require_statements(void)
{
	char	   *unusable;
	char	  **function = cmig_statements_function(&unusable);

	if (function == NULL || *function[1] == 'f')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s", unusable),
				 errhint("%s", function == NULL ? cmig_statements_create() :
						 "Set shared_preload_libraries = 'pg_stat_statements' and restart the server.")));
	if (*function[2] == 'f')
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for function pg_stat_statements"),
				 errhint("%s", function[5])));
	return function;
}

List *
cmig_workload_counted(const CmigExpansionCount *count)
{
	char	  **function = require_statements();

	return read_rows(psprintf(COUNTED " ORDER BY calls DESC, query, queryid, userid", function[0]),
					 strtoul(function[3], NULL, 10), count, NULL);
}

List *
cmig_workload_saved(const char *name)
{
	List	   *queries = read_rows(SAVED " ORDER BY w.calls DESC, w.name, w.number", InvalidOid,
									NULL, name);

	if (queries == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("workload \"%s\" does not exist", name),
				 cmig_hint("To save the queries of pg_stat_statements: `SELECT cmig.workload_save(%s)`", quote_literal_cstr(name))));
	return queries;
}

List *
cmig_workload_known(bool required)
{
	char	   *unusable;
	char	  **function = cmig_statements_function(&unusable);
	char	   *sql = SAVED;

	if (required && read_rows(SAVED " LIMIT 1", InvalidOid, NULL, NULL) == NIL)
		function = require_statements();
	if (unusable == NULL)
		sql = psprintf(COUNTED " UNION ALL %s", function[0], sql);
	return read_rows(psprintf("SELECT * FROM (SELECT DISTINCT ON (query, role) * FROM (%s) a ORDER BY query, role, daily DESC NULLS FIRST) b"
							  " ORDER BY daily DESC NULLS FIRST, query COLLATE \"C\", role COLLATE \"C\" NULLS FIRST", sql),
					 unusable == NULL ? strtoul(function[3], NULL, 10) : InvalidOid, NULL, NULL);
}
