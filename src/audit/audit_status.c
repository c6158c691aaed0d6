/*
 * audit_status.c
 *	  cmig.audit_status: lists audited tables, their options, and problems.
 *
 * All information is read from the triggers, so it is correct regardless of
 * who created them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_columns.h"
#include "audit/audit_layout.h"
#include "audit/audit_log.h"
#include "audit/audit_options.h"
#include "audit/audit_status.h"
#include "base/argument.h"
#include "base/compat.h"
#include "base/query.h"
#include "base/subtransaction.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(cmig_audit_status);

/*
 * The columns in the lists of the options, as {quoted name, number}.  The text
 * is parsed without a cast to jsonb, which would fail for malformed arguments
 * written by somebody else.
 */
#define COLUMN_IN_LIST "\"(?:[^\"\\\\]|\\\\.)*\": [0-9]{1,5}"
#define HIDDEN_COLUMNS(options) \
	"regexp_matches(" options ", '\"(?:exclude|redact|hash)\": \\{(" COLUMN_IN_LIST "(?:, " COLUMN_IN_LIST ")*)\\}', 'g') AS l(l)," \
	" regexp_matches(l.l[1], '(\"(?:[^\"\\\\]|\\\\.)*\"): ([0-9]{1,5})', 'g')"

/*
 * Audited tables and their triggers.  The bits of pg_trigger.tgtype are: row
 * 1, insert 4, delete 8, update 16, truncate 32.
 */
static CmigQuery read_status = {
	"WITH t AS (SELECT t.tgrelid, t.tgname, t.tgtype::integer AS type, t.tgenabled, t.tgparentid <> 0 AS cloned,"
	"   t.tgqual IS NOT NULL OR t.tgattr::text <> '' AS narrowed,"
	"   substring(encode(t.tgargs, 'escape') FROM '^([0-9]{1,9})\\\\000')::integer AS table_id,"
	"   CASE WHEN t.tgnargs = 2 THEN convert_from("
	"     substring(t.tgargs FROM position('\\x00'::bytea IN t.tgargs) + 1"
	"      FOR length(t.tgargs) - position('\\x00'::bytea IN t.tgargs) - 1), getdatabaseencoding()) END AS argument,"
	"   substring(encode(t.tgargs, 'escape') FROM '\"anchor\": \"([0-9]+/[0-9]+/[0-9]+)/') AS anchor"
	"  FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid AND p.proname = 'audit_trigger'"
	"  JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'cmig'),"
	" own AS (SELECT t.tgrelid, min(t.table_id) AS table_id, min(t.argument) AS argument,"
	"   regexp_replace(min(t.argument), ', \"anchor\": \"[^\"]*\"', '') AS options, min(t.anchor) AS anchor, bit_or(t.type) AS type,"
	"   string_agg(quote_ident(t.tgname), ', ' ORDER BY t.tgname) FILTER (WHERE t.tgenabled IN ('D', 'R')) AS disabled,"
	"   string_agg(quote_ident(t.tgname), ', ' ORDER BY t.tgname) FILTER (WHERE t.narrowed) AS narrowed"
	"  FROM t WHERE NOT t.cloned GROUP BY t.tgrelid)"
	" SELECT format('%I.%I', n.nspname, c.relname), o.table_id,"
	"  CASE WHEN o.type & 1 = 1 THEN 'row' WHEN o.type IS NOT NULL THEN 'statement' END,"
	"  nullif(concat_ws(', ', CASE WHEN o.type & 4 <> 0 THEN 'insert' END, CASE WHEN o.type & 16 <> 0 THEN 'update' END,"
	"   CASE WHEN o.type & 8 <> 0 THEN 'delete' END, CASE WHEN o.type & 32 <> 0 THEN 'truncate' END), ''), o.options,"
	"  nullif(concat_ws('; ',"
	"   CASE WHEN EXISTS (SELECT FROM t WHERE t.tgrelid = c.oid AND t.cloned)"
	"    THEN 'its triggers do nothing while it is a partition of an audited table' END,"
	"   'disabled: ' || o.disabled,"
	"   'triggers that fire only for some changes: ' || o.narrowed,"
	"   CASE WHEN o.tgrelid IS NOT NULL AND o.options IS NULL THEN 'the triggers were not created by enable_audit' END,"
	"   'hidden columns that are part of the key: ' || (SELECT string_agg(DISTINCT quote_ident(a.attname), ', ') FROM pg_index x"
	"    JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey[0:x.indnkeyatts - 1]),"
	"    " HIDDEN_COLUMNS("o.options") " h"
	"    WHERE x.indrelid = c.oid AND (x.indisprimary OR x.indisreplident"
	"     AND NOT EXISTS (SELECT FROM pg_index p WHERE p.indrelid = c.oid AND p.indisprimary))"
	"    AND CASE WHEN o.anchor = $2 || '/' || c.oid AND EXISTS (SELECT FROM pg_attribute n"
	"      WHERE n.attrelid = c.oid AND n.attnum = h.h[2]::integer AND NOT n.attisdropped)"
	"     THEN a.attnum = h.h[2]::integer ELSE to_json(a.attname::text)::text = h.h[1] END),"
	"   CASE WHEN EXISTS (SELECT FROM pg_trigger s JOIN pg_proc p ON p.oid = s.tgfoid AND p.proname = 'write'"
	"     JOIN pg_namespace w ON w.oid = p.pronamespace AND w.nspname = 'cmig_audit'"
	"     WHERE s.tgrelid = c.oid AND s.tgparentid = 0) THEN 'audited by a script' END,"
	"   CASE WHEN c.relkind = 'p' AND o.type & 28 <> 0 AND o.type & 1 = 0"
	"    THEN 'changes made directly to a partition are not logged' END,"
	"   CASE WHEN c.relispartition AND o.type & 1 = 1 AND EXISTS (SELECT FROM pg_partition_ancestors(c.oid) a(oid)"
	"     JOIN own x ON x.tgrelid = a.oid AND x.type & 28 <> 0 AND x.type & 1 = 0 WHERE a.oid <> c.oid)"
	"    THEN 'changes made through the partitioned table are logged twice' END,"
	"   CASE WHEN c.relispartition AND o.type & 28 <> 0 AND o.type & 1 = 0"
	"     AND NOT EXISTS (SELECT FROM t WHERE t.tgrelid = c.oid AND t.cloned)"
	"     AND NOT EXISTS (SELECT FROM pg_partition_ancestors(c.oid) a(oid)"
	"      JOIN own x ON x.tgrelid = a.oid AND x.type & 28 <> 0 AND x.type & 1 = 0 WHERE a.oid <> c.oid)"
	"    THEN format('changes made through the partitioned table are not logged"
	" (SELECT * FROM cmig.enable_audit(%L, level => ''auto'') creates row-level triggers)', format('%I.%I', n.nspname, c.relname)) END,"
	"   CASE WHEN c.relkind = 'r' AND NOT c.relispartition AND o.type & 28 <> 0 AND o.type & 1 = 0"
	"    THEN nullif(concat_ws('; ', CASE WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)"
	"     THEN 'changes made through its parent are not logged as changes of this table' END,"
	"     CASE WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)"
	"     THEN 'changes made to child tables through this table are logged as changes of this table' END), '') END,"
	"   'children that are not audited: ' || (SELECT string_agg(i.inhrelid::regclass::text, ', ' ORDER BY i.inhrelid::regclass::text)"
	"    FROM pg_inherits i WHERE i.inhparent = c.oid AND c.relkind = 'r' AND o.tgrelid IS NOT NULL"
	"    AND NOT EXISTS (SELECT FROM own x WHERE x.tgrelid = i.inhrelid)),"
	"   'roles that can replace the triggers: ' || (SELECT string_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC'"
	"     ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', ')"
	"    FROM aclexplode(c.relacl) a WHERE a.privilege_type = 'TRIGGER' AND a.grantee <> c.relowner AND o.tgrelid IS NOT NULL)"
	"  ), ''), o.argument, c.oid"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN own o ON o.tgrelid = c.oid"
	" WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND (NOT c.relispartition OR o.tgrelid IS NOT NULL)"
	" AND CASE WHEN $1 IS NULL THEN n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'cmig', 'cmig_audit') ELSE n.nspname = $1 END"
	" AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')"
	" ORDER BY n.nspname, c.relname",
	2, {TEXTOID, TEXTOID}
};

#define STATUS_COLUMNS 6
#define STATUS_ID 1
#define STATUS_LEVEL 2
#define STATUS_OPTIONS 4
#define STATUS_PROBLEM 5

/* A row of the result of audit_status(). */
typedef struct Status
{
	Datum		values[STATUS_COLUMNS];
	bool		nulls[STATUS_COLUMNS];
	char	   *argument;		/* second argument of the table's triggers;
								 * NULL: none */
	Oid			relation;
} Status;

static void
collect_status(TupleDesc desc, HeapTuple row, void *arg)
{
	Status	   *status = palloc0(sizeof(Status));
	bool		isnull;

	for (int i = 0; i < STATUS_COLUMNS; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Datum		value = cmig_query_datum(desc, row, i + 1, &status->nulls[i]);

		if (!status->nulls[i])
			status->values[i] = datumCopy(value, attribute->attbyval, attribute->attlen);
	}
	status->argument = cmig_query_text(desc, row, STATUS_COLUMNS + 1);
	status->relation = DatumGetObjectId(cmig_query_datum(desc, row, STATUS_COLUMNS + 2, &isnull));
	*(List **) arg = lappend(*(List **) arg, status);
}

/*
 * Arguments and result of try_columns(), which examines the columns in a
 * table's options.
 */
typedef struct ColumnsTrial
{
	Status	   *status;
	Oid			extension_owner;
	char	   *problem;
} ColumnsTrial;

/* Returns the number of columns in the options' lists. */
static int
count_columns(const CmigAuditOptions *options)
{
	return list_length(options->include) + list_length(options->exclude) +
		list_length(options->redact) + list_length(options->hash);
}

/* Parse the arguments of the table's triggers. */
static CmigAuditOptions *
parse_options(const Status *status)
{
	char	   *args[2] = {psprintf("%d", DatumGetInt32(status->values[STATUS_ID])), status->argument};

	return cmig_audit_options_parse(2, args);
}

/*
 * Show the options with the columns' current names.  The trigger's arguments
 * contain the names that the columns had when the options were set, which are
 * shown if a column was dropped or cannot be found.
 */
static void
show_names(Status *status, const CmigAuditOptions *stored, bool found, Oid extension_owner)
{
	int			count = count_columns(stored);
	CmigAuditOptions *options = parse_options(status);

	if (count == 0)
		return;
	if (found)
	{
		cmig_audit_columns_resolve(options, status->relation, extension_owner, CMIG_AUDIT_READING);
		if (count_columns(options) != count)
			options = parse_options(status);
	}
	options->anchor = NULL;
	status->values[STATUS_OPTIONS] = CStringGetTextDatum(cmig_audit_options_text(options, false));
}

/*
 * Find out whether the table's triggers will fail because of the columns in the
 * options, and show the options with the columns' current names.
 */
static void
try_columns(void *arg)
{
	ColumnsTrial *trial = arg;
	CmigAuditOptions *options = parse_options(trial->status);

	trial->problem = cmig_audit_columns_problem(options, trial->status->relation, trial->extension_owner);
	show_names(trial->status, options, trial->problem == NULL, trial->extension_owner);
}

/*
 * Returns the problem with a table's columns, or NULL.  An error is not raised
 * but returned as the problem, because somebody may have written the trigger's
 * arguments by hand, or dropped the table or the log.
 */
static char *
columns_problem(Status *status, Oid extension_owner)
{
	ColumnsTrial trial = {status, extension_owner, NULL};
	ErrorData  *error = cmig_subtransaction_try(try_columns, &trial);

	if (error == NULL)
		return trial.problem;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	return error->sqlerrcode == ERRCODE_INVALID_TEXT_REPRESENTATION ?
		"the arguments of its triggers could not be parsed" : error->message;
}

/* Add a problem to the table's problems. */
static void
add_problem(Status *status, const char *problem)
{
	status->values[STATUS_PROBLEM] = status->nulls[STATUS_PROBLEM] ? CStringGetTextDatum(problem) :
		CStringGetTextDatum(psprintf("%s; %s", problem,
									 TextDatumGetCString(status->values[STATUS_PROBLEM])));
	status->nulls[STATUS_PROBLEM] = false;
}

Datum
cmig_audit_status(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			extension_owner = cmig_audit_log_extension_owner();
	CmigAuditLogFault *fault = cmig_audit_log_fault(extension_owner);
	List	   *rows = NIL;
	Datum		values[2];
	char		nulls[3] = "  ";
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	values[0] = cmig_argument_schema(fcinfo, 0, nulls);
	values[1] = CStringGetTextDatum(cmig_audit_layout_database());
	cmig_query_each(&read_status, values, nulls, collect_status, &rows);
	foreach(lc, rows)
	{
		Status	   *status = lfirst(lc);
		char	   *problem = status->argument && !status->nulls[STATUS_ID] ?
		columns_problem(status, extension_owner) : NULL;

		/*
		 * Do not report the same problem twice.  If the log is missing, the
		 * problem found for the columns is the log's own problem, which is
		 * reported below.
		 */
		if (problem && !(fault && strcmp(problem, fault->problem) == 0))
			add_problem(status, problem);
		if (fault && !status->nulls[STATUS_LEVEL])
			add_problem(status, psprintf("writes fail: %s (%s)", fault->problem, fault->fix));
		tuplestore_putvalues(result->setResult, result->setDesc, status->values, status->nulls);
	}
	return (Datum) 0;
}

/*
 * Entry points for cmig.check()
 */

/* Returns a row if any table has an audit trigger. */
static CmigQuery any_trigger = {
	"SELECT 1 FROM pg_catalog.pg_trigger t"
	" JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid AND p.proname = 'audit_trigger'"
	" JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'cmig' LIMIT 1",
	0
};

CmigAuditLogFault *
cmig_audit_status_fault(bool *refused)
{
	CmigAuditLogFault *fault = cmig_audit_log_fault(cmig_audit_log_extension_owner());

	*refused = fault && cmig_query_run(&any_trigger, NULL, NULL) > 0;
	return fault && fault->missing && !*refused ? NULL : fault;
}
