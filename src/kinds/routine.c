/*
 * routine.c
 *	  Views, functions, aggregates, operators, and triggers.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_policy.h"

#include "kinds/internal.h"

/* Views, materialized or not, and their columns */

static const CmigProperty view_properties[] = {
	[CMIG_DEFINITION] = {"definition", CMIG_PROPERTY_EXPRESSION | CMIG_PROPERTY_REPLACES},
	[CMIG_VIEW_COLUMNS] = {"columns", CMIG_PROPERTY_OPTIONAL},
	[CMIG_VIEW_METHOD] = {"access method", CMIG_PROPERTY_OPTIONAL, "SET ACCESS METHOD {}",
	"SET ACCESS METHOD heap"},
	[CMIG_VIEW_TABLESPACE] = {"tablespace", CMIG_PROPERTY_OPTIONAL, "SET TABLESPACE {}",
	"SET TABLESPACE pg_default"},
	[CMIG_VIEW_OPTIONS] = {"options",
	CMIG_PROPERTY_LIST | CMIG_PROPERTY_OPTIONAL | CMIG_PROPERTY_PARAMETERS},
	[CMIG_VIEW_EMPTY] = {"without data", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
};

#define VIEW_SQL(relkind) \
	"SELECT 'pg_class'::regclass::oid, c.oid, 0, NULL::oid, NULL::oid, NULL::integer," \
	" c.relname::text, format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner)::text, false," \
	" rtrim(pg_get_viewdef(c.oid), ';')," \
	" (SELECT string_agg(format('%I %s %s', a.attname, format_type(a.atttypid, a.atttypmod)," \
	"   (SELECT format('%I.%I', kn.nspname, k.collname) FROM pg_collation k JOIN pg_namespace kn ON kn.oid = k.collnamespace" \
	"    WHERE k.oid = a.attcollation AND a.attcollation <> 100)), ', ' ORDER BY a.attnum)" \
	"  FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0)," \
	" CASE WHEN m.amname <> 'heap' THEN quote_ident(m.amname) END, quote_ident(s.spcname)," \
	" " CMIG_OPTIONS_SQL("''", "c.reloptions") "," \
	" CASE WHEN NOT c.relispopulated THEN 't' END" \
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace" \
	" LEFT JOIN pg_am m ON m.oid = c.relam LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace" \
	" WHERE @c.relnamespace AND c.relkind = '" relkind "'"

static const char view_sql[] = VIEW_SQL("v");
static const char materialized_view_sql[] = VIEW_SQL("m");

/*
 * "ddl" contains the statements that create a materialized view and then set
 * its owner.  Change them so that the view is filled only after its owner is
 * set.  Its query then runs with the owner's privileges, and reads only the
 * rows that the owner is allowed to see.
 */
void
cmig_view_fill_as_owner(const CmigObject *view, List *ddl)
{
	CmigDdl    *create = linitial(ddl);
	CmigDdl    *owner = lsecond(ddl);

	if (view->values[CMIG_VIEW_EMPTY] != NULL)
		return;
	create->sql = psprintf("%s\n  WITH NO DATA", create->sql);
	owner->sql = psprintf("%s;\nREFRESH MATERIALIZED VIEW %s", owner->sql, view->identity);
}

#define VIEW_TEXT "VIEW {identity}[ WITH ({options})] AS\n{definition}"

/*
 * A view whose columns differ is re-created, because CREATE OR REPLACE VIEW
 * cannot change existing columns.
 */
CmigKind	cmig_kind_view = {
	.name = "view",.word = "VIEW",.grant_word = "TABLE",.default_type = 'r',
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_DISTURBED | CMIG_KIND_RELATION | CMIG_KIND_TYPE,
	CMIG_PROPERTIES(view_properties),
	.sql = view_sql,.creates = "CREATE " VIEW_TEXT,.replaces = "CREATE OR REPLACE " VIEW_TEXT
};

CmigKind	cmig_kind_materialized_view = {
	.name = "materialized view",.word = "MATERIALIZED VIEW",.grant_word = "TABLE",.default_type =
	'r',
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_DISTURBED | CMIG_KIND_RELATION | CMIG_KIND_TYPE,
	CMIG_PROPERTIES(view_properties),
	.sql = materialized_view_sql,
	.creates = "CREATE MATERIALIZED VIEW {identity}[ USING {access method}][ WITH ({options})][ TABLESPACE {tablespace}] AS\n{definition}"
	"[{?without data}\n  WITH NO DATA]"
};

/*
 * View columns are separate objects, because they have comments, privileges,
 * and dependents.
 */

static const CmigProperty column_properties[] = {
	{"statistics target", CMIG_PROPERTY_OPTIONAL, "SET STATISTICS {}", "SET STATISTICS -1"},
	{"storage", CMIG_PROPERTY_OPTIONAL, "SET STORAGE {}", "SET STORAGE {the type's storage}"},
	{"the type's storage", CMIG_PROPERTY_SILENT},
	{"compression", CMIG_PROPERTY_OPTIONAL, "SET COMPRESSION {}", "SET COMPRESSION default"},
	{"options", CMIG_PROPERTY_LIST | CMIG_PROPERTY_OPTIONAL | CMIG_PROPERTY_PARAMETERS},
};

static const char column_sql[] =
"SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::integer, 'pg_class'::regclass::oid, a.attrelid, 0,"
" a.attname::text, format('%I.%I.%I', n.nspname, c.relname, a.attname), NULL::text, false,"
" CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END,"
" CASE WHEN a.attstorage <> t.typstorage AND c.relkind = 'm' THEN " CMIG_STORAGE_SQL("a.attstorage") " END,"
" " CMIG_STORAGE_SQL("t.typstorage") ","
" CASE WHEN c.relkind = 'm' THEN CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4'"
" END END,"
" CASE WHEN a.attoptions IS NOT NULL THEN " CMIG_OPTIONS_SQL("''", CMIG_COLUMN_OPTIONS("a")) " END"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
" JOIN pg_type t ON t.oid = a.atttypid"
" WHERE @c.relnamespace AND c.relkind IN ('v', 'm')"
" ORDER BY a.attrelid, a.attnum";

CmigKind	cmig_kind_view_column = {
	.name = "view column",.word = "COLUMN",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_FOLDS | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(column_properties),
	.sql = column_sql,.alters = "{on} ALTER COLUMN {name}"
};

/* Functions and procedures */

enum
{
	SQL_BODY = CMIG_DEFINITION + 1,
	TYPE,
	ARGUMENTS,
	RESULT,
	DEFAULTS,
	SQL_NAME,
	IS_SQL
};

static const CmigProperty function_properties[] = {
	[CMIG_DEFINITION] = {"definition", CMIG_PROPERTY_REPLACES},
	[SQL_BODY] = {"body",
	CMIG_PROPERTY_EXPRESSION | CMIG_PROPERTY_OPTIONAL | CMIG_PROPERTY_REPLACES},
	[TYPE] = {"type"},
	[ARGUMENTS] = {"arguments"},
	[RESULT] = {"result", CMIG_PROPERTY_OPTIONAL},
	[DEFAULTS] = {"number of defaults"},
	[SQL_NAME] = {"SQL name", CMIG_PROPERTY_SILENT},
	[IS_SQL] = {"in SQL", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
};

/*
 * Query for the functions.  The definition contains a body that is a string,
 * but not one that is stored as a parsed query (BEGIN ATOMIC or RETURN).  A
 * procedure's SQL name includes the argument modes, because PostgreSQL would
 * otherwise also match the types against all arguments, including OUT
 * arguments.
 */
static const char function_sql[] =
"SELECT 'pg_proc'::regclass::oid, p.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" p.proname::text, format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)),"
" pg_get_userbyid(p.proowner)::text, false,"
" left(d.text, length(d.text) - coalesce(length(d.body), 0)), d.body, p.prokind::text, pg_get_function_identity_arguments(p.oid),"
" pg_get_function_result(p.oid), p.pronargdefaults::text,"
" CASE p.prokind WHEN 'p' THEN format('PROCEDURE %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))"
"  ELSE format('FUNCTION %I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)) END,"
" (SELECT 't' FROM pg_language l WHERE l.oid = p.prolang AND l.lanname = 'sql')"
" FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
" CROSS JOIN LATERAL (SELECT rtrim(pg_get_functiondef(p.oid), E'\\n') AS text, rtrim(pg_get_function_sqlbody(p.oid), E'\\n') AS body OFFSET 0) d"
" WHERE @p.pronamespace AND p.prokind IN ('f', 'p', 'w')"
" AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid"
"  AND d.refclassid = 'pg_type'::regclass AND d.deptype = 'i')";

bool
cmig_function_is_sql(const CmigObject *object)
{
	return object->kind == &cmig_kind_function && object->values[IS_SQL] != NULL;
}

bool
cmig_function_returns(const CmigObject *function, const CmigObject *type)
{
	const char *result = function->values[RESULT];

	if (result != NULL && strncmp(result, "SETOF ", strlen("SETOF ")) == 0)
		result += strlen("SETOF ");
	return result != NULL && strcmp(result, type->identity) == 0;
}

bool
cmig_function_answers(const CmigObject *function, const CmigObject *other)
{
	size_t		length = strlen(other->identity) - 1;
	int			arguments = 0;

	if (function->kind != &cmig_kind_function || other->kind != function->kind ||
		strncmp(function->identity, other->identity, length) != 0)
		return false;
	if (other->identity[length - 1] == '(')
		arguments = 1;
	else if (function->identity[length] != ',')
		return false;
	for (const char *p = function->identity + length; *p != '\0'; p++)
		arguments += *p == ',';
	return arguments <= atoi(function->values[DEFAULTS]);
}

#define FUNCTION_TEXT "{definition}[{body}]"

/*
 * A function is re-created if CREATE OR REPLACE cannot make the change in both
 * directions.
 */
CmigKind	cmig_kind_function = {
	.name = "function",.word = "FUNCTION",.default_type = 'f',
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_DISTURBED,
	CMIG_PROPERTIES(function_properties),
	.sql = function_sql,.creates = FUNCTION_TEXT,.replaces = FUNCTION_TEXT,.refers = "{SQL name}"
};

const char *
cmig_function_create(const CmigObject *function)
{
	/* what pg_get_functiondef() prints begins with CREATE OR REPLACE */
	return psprintf("CREATE %s", cmig_between_restore(cmig_kind_text(FUNCTION_TEXT, function)) +
					strlen("CREATE OR REPLACE "));
}

/* Triggers, rules, and policies on tables and views */

#define ON_TABLE_FLAGS \
	(CMIG_KIND_DISPOSABLE | CMIG_KIND_DISTURBED | CMIG_KIND_ON_PARENT | CMIG_KIND_GONE_WITH_PARENT)

/*
 * Triggers
 */

static const CmigProperty trigger_properties[] = {
	{"definition", CMIG_PROPERTY_EXPRESSION},
	{"enabled", CMIG_PROPERTY_OPTIONAL, "{} {word} {name}", "ENABLE {word} {name}"},
};

/*
 * Query for the triggers, except audit triggers: cmig.enable_audit() creates
 * them, and their definitions contain ids.  Those of cmig.audit_script() work
 * without the table's oid, as in a copy of the table.
 */
static const char trigger_sql[] =
"SELECT 'pg_trigger'::regclass::oid, t.oid, 0, 'pg_class'::regclass::oid, c.oid, 0,"
" t.tgname::text, format('%I on %I.%I', t.tgname, n.nspname, c.relname), NULL::text, false,"
" regexp_replace(pg_get_triggerdef(t.oid), '( EXECUTE FUNCTION cmig_audit\\.write_entry\\(.*\"table\": )\\d+', '\\10'),"
" CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA'"
" WHEN 'A' THEN 'ENABLE ALWAYS' END"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_trigger t ON t.tgrelid = c.oid"
" WHERE @c.relnamespace AND @t.oid AND NOT t.tgisinternal AND t.tgparentid = 0"
" AND NOT EXISTS (SELECT FROM pg_proc p JOIN pg_namespace pn ON pn.oid = p.pronamespace"
" WHERE p.oid = t.tgfoid AND pn.nspname = 'cmig')";

/*
 * Enabling or disabling a trigger or a rule also affects the partitions'
 * triggers, so the states of these triggers are set again.
 */
static void
alter_trigger(CmigAlter *alter)
{
	cmig_kind_alter(alter);
	alter->disturbs = !alter->again && alter->ddl != NIL;
}

CmigKind	cmig_kind_trigger = {
	.name = "trigger",.word = "TRIGGER",.flags = ON_TABLE_FLAGS,
	CMIG_PROPERTIES(trigger_properties),
	.sql = trigger_sql,.creates = "{definition}",.alters = "TABLE {parent}",.alter = alter_trigger
};

/*
 * The kind for triggers of partitions that are clones of a partitioned table's
 * trigger, but have a different enabled state
 */

static const CmigProperty clone_properties[] = {
	{"enabled", 0, "{} TRIGGER {name}"},
	{"enabled in the partitioned table", CMIG_PROPERTY_SILENT},
};

#define STATE_SQL(column) \
	"CASE " column " WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END"

static const char clone_sql[] =
"SELECT 'pg_trigger'::regclass::oid, t.oid, 0, 'pg_class'::regclass::oid, c.oid, 0,"
" t.tgname::text, format('%I on %I.%I', t.tgname, n.nspname, c.relname), NULL::text, false,"
" " STATE_SQL("t.tgenabled") ", " STATE_SQL("p.tgenabled")
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_trigger t ON t.tgrelid = c.oid"
" JOIN pg_trigger p ON p.oid = t.tgparentid AND c.relispartition AND p.tgenabled <> t.tgenabled"
" AND NOT p.tgisinternal"
" WHERE @c.relnamespace AND @t.oid";

/*
 * Query for dependencies: a clone depends on the original trigger and on the
 * attached partition.
 */
static const char clone_depends[] =
"WITH RECURSIVE t (oid, parent, of) AS (SELECT t.oid, t.tgparentid, c.oid FROM pg_trigger t"
" JOIN pg_class c ON c.oid = t.tgrelid"
"  JOIN pg_trigger p ON p.oid = t.tgparentid AND c.relispartition AND p.tgenabled <> t.tgenabled"
" AND NOT p.tgisinternal WHERE @c.relnamespace"
"  UNION ALL SELECT t.oid, p.tgparentid, t.of FROM t JOIN pg_trigger p ON p.oid = t.parent"
" WHERE p.tgparentid <> 0)"
" SELECT 'pg_trigger'::regclass::oid, oid, 0, 'pg_trigger'::regclass::oid, parent, 0 FROM t"
" UNION ALL SELECT 'pg_trigger'::regclass::oid, oid, 0, 'pg_class'::regclass::oid, of, -2 FROM t";

/* ATTACH PARTITION has created the trigger. */
CmigKind	cmig_kind_partition_trigger = {
	.name = "trigger of a partition",.word = "TRIGGER",.flags = ON_TABLE_FLAGS,
	CMIG_PROPERTIES(clone_properties),
	.sql = clone_sql,.depends = clone_depends,
	.creates = "ALTER TABLE {parent} {enabled} TRIGGER {name}",
	.drops = "ALTER TABLE {parent} {enabled in the partitioned table} TRIGGER {name}",.alters =
	"TABLE {parent}"
};

/*
 * Rules
 */

static const char rule_sql[] =
"SELECT 'pg_rewrite'::regclass::oid, r.oid, 0, 'pg_class'::regclass::oid, c.oid, 0,"
" r.rulename::text, format('%I on %I.%I', r.rulename, n.nspname, c.relname), NULL::text, false,"
" rtrim(pg_get_ruledef(r.oid), ';'), CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R'"
" THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_rewrite r ON r.ev_class = c.oid"
" WHERE @c.relnamespace AND r.rulename <> '_RETURN'";

CmigKind	cmig_kind_rule = {
	.name = "rule",.word = "RULE",.flags = ON_TABLE_FLAGS,
	CMIG_PROPERTIES(trigger_properties),
	.sql = rule_sql,.creates = "{definition}",.alters = "TABLE {parent}",.alter = alter_trigger
};

/*
 * Policies
 */

static const CmigProperty policy_properties[] = {
	[CMIG_POLICY_COMMAND] = {"command", CMIG_PROPERTY_OPTIONAL},
	[CMIG_POLICY_RESTRICTIVE] = {"restrictive", CMIG_PROPERTY_OPTIONAL},
	[CMIG_POLICY_ROLES] = {"roles", CMIG_PROPERTY_OPTIONAL | CMIG_PROPERTY_REPLACES},
	[CMIG_POLICY_USING] = {"USING",
	CMIG_PROPERTY_EXPRESSION | CMIG_PROPERTY_OPTIONAL | CMIG_PROPERTY_REPLACES},
	[CMIG_POLICY_WITH_CHECK] = {"WITH CHECK",
	CMIG_PROPERTY_EXPRESSION | CMIG_PROPERTY_OPTIONAL | CMIG_PROPERTY_REPLACES},
};

static const char policy_sql[] =
"SELECT 'pg_policy'::regclass::oid, p.oid, 0, 'pg_class'::regclass::oid, c.oid, 0,"
" p.polname::text, format('%I on %I.%I', p.polname, n.nspname, c.relname), NULL::text, false,"
" CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd'"
" THEN 'DELETE' END,"
" CASE WHEN NOT p.polpermissive THEN 't' END,"
" CASE WHEN p.polroles <> '{0}' THEN (SELECT string_agg(quote_ident(r.rolname), ', '"
" ORDER BY r.rolname COLLATE \"C\")"
"  FROM pg_roles r WHERE r.oid = ANY (p.polroles)) END,"
" pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_policy p ON p.polrelid = c.oid"
" WHERE @c.relnamespace";

#define POLICY_EXPRESSIONS "[ USING ({USING})][ WITH CHECK ({WITH CHECK})]"

static List *
create_policy(const CmigObject *policy)
{
	List	   *ddl = cmig_kind_create(policy);

	((CmigDdl *) linitial(ddl))->undo_hazards = CMIG_HAZARD_POLICY;
	return ddl;
}

/*
 * Re-create a policy that gains or loses an expression, because ALTER POLICY
 * cannot remove one.
 */
static void
alter_policy(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;

	if ((from->values[CMIG_POLICY_USING] == NULL) != (to->values[CMIG_POLICY_USING] == NULL) ||
		(from->values[CMIG_POLICY_WITH_CHECK] == NULL) != (to->values[CMIG_POLICY_WITH_CHECK] == NULL))
		alter->again = true;
	else
		cmig_kind_alter(alter);
}

CmigKind	cmig_kind_policy = {
	.name = "policy",.word = "POLICY",.flags = ON_TABLE_FLAGS,
	CMIG_PROPERTIES(policy_properties),
	.catalog = PolicyRelationId,
	.sql = policy_sql,
	.creates = "CREATE {reference}[{?restrictive} AS RESTRICTIVE][ FOR {command}][ TO {roles}]" POLICY_EXPRESSIONS,
	.replaces = "ALTER {reference} TO {roles|PUBLIC}" POLICY_EXPRESSIONS,
	.create = create_policy,.alter = alter_policy
};

/* Aggregates */

static const CmigProperty aggregate_properties[] = {
	{"arguments"},
	{"definition"},
};

#define FUNCTION_OPTION(word, column) \
	" CASE WHEN a." column " <> 0 THEN '" word " = ' || a." column "::regproc::text END,"

/*
 * Query for the aggregates.  The identity has the form of a function's
 * identity, as GRANT requires.
 */
static const char aggregate_sql[] =
"SELECT 'pg_proc'::regclass::oid, p.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" p.proname::text, format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)),"
" pg_get_userbyid(p.proowner)::text, false,"
" format('%I.%I(%s)', n.nspname, p.proname, coalesce(nullif(pg_get_function_identity_arguments(p.oid), ''), '*')),"
" concat_ws(', ', 'SFUNC = ' || a.aggtransfn::regproc::text, 'STYPE = ' || format_type(a.aggtranstype, NULL),"
" CASE WHEN a.aggtransspace <> 0 THEN 'SSPACE = ' || a.aggtransspace END,"
FUNCTION_OPTION("FINALFUNC", "aggfinalfn")
" CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END,"
" CASE WHEN a.aggfinalmodify <> CASE a.aggkind WHEN 'n' THEN 'r' ELSE 'w' END"
"  THEN 'FINALFUNC_MODIFY = ' || CASE a.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's'"
" THEN 'SHAREABLE'"
"  ELSE 'READ_WRITE' END END,"
FUNCTION_OPTION("COMBINEFUNC", "aggcombinefn")
FUNCTION_OPTION("SERIALFUNC", "aggserialfn")
FUNCTION_OPTION("DESERIALFUNC", "aggdeserialfn")
" 'INITCOND = ' || quote_literal(a.agginitval),"
FUNCTION_OPTION("MSFUNC", "aggmtransfn")
FUNCTION_OPTION("MINVFUNC", "aggminvtransfn")
" CASE WHEN a.aggmtranstype <> 0 THEN 'MSTYPE = ' || format_type(a.aggmtranstype, NULL) END,"
" CASE WHEN a.aggmtransspace <> 0 THEN 'MSSPACE = ' || a.aggmtransspace END,"
FUNCTION_OPTION("MFINALFUNC", "aggmfinalfn")
" CASE WHEN a.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,"
" CASE WHEN a.aggmtransfn <> 0 AND a.aggmfinalmodify <> CASE a.aggkind WHEN 'n' THEN 'r'"
" ELSE 'w' END"
"  THEN 'MFINALFUNC_MODIFY = ' || CASE a.aggmfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's'"
" THEN 'SHAREABLE'"
"  ELSE 'READ_WRITE' END END,"
" 'MINITCOND = ' || quote_literal(a.aggminitval),"
" (SELECT format('SORTOP = OPERATOR(%I.%s)', sn.nspname, o.oprname) FROM pg_operator o"
"  JOIN pg_namespace sn ON sn.oid = o.oprnamespace WHERE o.oid = a.aggsortop),"
" CASE p.proparallel WHEN 's' THEN 'PARALLEL = SAFE' WHEN 'r' THEN 'PARALLEL = RESTRICTED' END,"
" CASE a.aggkind WHEN 'h' THEN 'HYPOTHETICAL' END)"
" FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
" JOIN pg_aggregate a ON a.aggfnoid = p.oid"
" WHERE @p.pronamespace";

CmigKind	cmig_kind_aggregate = {
	.name = "aggregate",.word = "AGGREGATE",.grant_word = "FUNCTION",.default_type = 'f',
	.flags = CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(aggregate_properties),
	.sql = aggregate_sql,.creates = "CREATE AGGREGATE {arguments} ({definition})",.refers =
	"AGGREGATE {arguments}"
};

/* Operators, operator families with their members, and operator classes */

static const CmigProperty operator_properties[] = {
	{"definition"},
	{"commutator and negator"},
	{"estimators", 0, "SET ({})", "SET (RESTRICT = NONE, JOIN = NONE)"},
};

#define OPERATOR_NAME(alias, names) "format('OPERATOR(%I.%s)', " names ".nspname, " alias ".oprname)"
#define OPERATOR_ARGUMENTS(alias) \
	"coalesce(format_type(nullif(" alias ".oprleft, 0), NULL), 'NONE'), coalesce(format_type(nullif(" alias ".oprright, 0), NULL), 'NONE')"

/*
 * Query for the operators, except shell operators, which other operators refer
 * to, but which are not defined yet.
 */
static const char operator_sql[] =
"SELECT 'pg_operator'::regclass::oid, o.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" o.oprname::text, format('%I.%s (%s, %s)', n.nspname, o.oprname, " OPERATOR_ARGUMENTS("o") "),"
" pg_get_userbyid(o.oprowner)::text, false,"
" format('CREATE OPERATOR %I.%s (', n.nspname, o.oprname) || concat_ws(', ', 'FUNCTION = ' || o.oprcode::regproc::text,"
"  'LEFTARG = ' || format_type(nullif(o.oprleft, 0), NULL), 'RIGHTARG = ' || format_type(nullif(o.oprright, 0), NULL),"
"  CASE WHEN o.oprcanhash THEN 'HASHES' END, CASE WHEN o.oprcanmerge THEN 'MERGES' END),"
" concat((SELECT ', COMMUTATOR = ' || " OPERATOR_NAME("c",
													  "cn") " FROM pg_operator c JOIN pg_namespace cn ON cn.oid = c.oprnamespace WHERE c.oid = o.oprcom),"
"  (SELECT ', NEGATOR = ' || " OPERATOR_NAME("g",
											 "gn") " FROM pg_operator g JOIN pg_namespace gn ON gn.oid = g.oprnamespace WHERE g.oid = o.oprnegate)),"
" format('RESTRICT = %s, JOIN = %s', coalesce(nullif(o.oprrest, 0)::regproc::text, 'NONE'), coalesce(nullif(o.oprjoin, 0)::regproc::text, 'NONE'))"
" FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE @o.oprnamespace"
" AND o.oprcode <> 0";

CmigKind	cmig_kind_operator = {
	.name = "operator",.word = "OPERATOR",.flags = CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(operator_properties),
	.catalog = OperatorRelationId,
	.sql = operator_sql,.creates = "{definition}{commutator and negator})"
};

/*
 * Operator families
 */

static const CmigProperty member_properties[] = {
	{"definition"},
};

static const char family_sql[] =
"SELECT 'pg_opfamily'::regclass::oid, f.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" f.opfname::text, format('%I.%I USING %I', n.nspname, f.opfname, m.amname), pg_get_userbyid(f.opfowner)::text, false"
" FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace"
" JOIN pg_am m ON m.oid = f.opfmethod"
" WHERE @f.opfnamespace";

CmigKind	cmig_kind_operator_family = {
	.name = "operator family",.word = "OPERATOR FAMILY",.flags = CMIG_KIND_DISPOSABLE,
	.catalog = OperatorFamilyRelationId,
	.sql = family_sql,.creates = "CREATE {reference}"
};

#define AMOP_TEXT \
	"concat(format('OPERATOR %s %I.%s (%s, %s)', a.amopstrategy, opn.nspname, o.oprname, " OPERATOR_ARGUMENTS("o") ")," \
	" (SELECT format(' FOR ORDER BY %I.%I', sn.nspname, s.opfname) FROM pg_opfamily s JOIN pg_namespace sn ON sn.oid = s.opfnamespace WHERE s.oid = a.amopsortfamily))"
#define AMOP_FROM "pg_amop a JOIN pg_operator o ON o.oid = a.amopopr JOIN pg_namespace opn ON opn.oid = o.oprnamespace"
#define AMPROC_TEXT \
	"format('FUNCTION %s (%s, %s) %s', a.amprocnum, format_type(a.amproclefttype, NULL), format_type(a.amprocrighttype, NULL), a.amproc::regprocedure)"

/* Query for the family members that do not belong to an operator class. */
static const char member_sql[] =
"SELECT 'pg_amop'::regclass::oid, a.oid, 0, 'pg_opfamily'::regclass::oid, f.oid, 0,"
" format('OPERATOR %s (%s, %s)', a.amopstrategy, format_type(a.amoplefttype, NULL), format_type(a.amoprighttype, NULL)),"
" format('%I.%I USING %s: operator %s (%s, %s)', n.nspname, f.opfname, f.opfmethod, a.amopstrategy, format_type(a.amoplefttype, NULL), format_type(a.amoprighttype, NULL)),"
" NULL::text, false, " AMOP_TEXT
" FROM " AMOP_FROM " JOIN pg_opfamily f ON f.oid = a.amopfamily JOIN pg_namespace n ON n.oid = f.opfnamespace"
" WHERE @f.opfnamespace AND NOT EXISTS (SELECT FROM pg_depend d"
" WHERE d.classid = 'pg_amop'::regclass"
"  AND d.objid = a.oid AND d.refclassid = 'pg_opclass'::regclass)"
" UNION ALL SELECT 'pg_amproc'::regclass::oid, a.oid, 0, 'pg_opfamily'::regclass::oid, f.oid, 0,"
" format('FUNCTION %s (%s, %s)', a.amprocnum, format_type(a.amproclefttype, NULL), format_type(a.amprocrighttype, NULL)),"
" format('%I.%I USING %s: function %s (%s, %s)', n.nspname, f.opfname, f.opfmethod, a.amprocnum, format_type(a.amproclefttype, NULL), format_type(a.amprocrighttype, NULL)),"
" NULL::text, false, " AMPROC_TEXT
" FROM pg_amproc a JOIN pg_opfamily f ON f.oid = a.amprocfamily"
" JOIN pg_namespace n ON n.oid = f.opfnamespace"
" WHERE @f.opfnamespace AND NOT EXISTS (SELECT FROM pg_depend d"
" WHERE d.classid = 'pg_amproc'::regclass"
"  AND d.objid = a.oid AND d.refclassid = 'pg_opclass'::regclass)";

CmigKind	cmig_kind_operator_family_member = {
	.name = "member of an operator family",.word = "MEMBER",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(member_properties),
	.catalog = OperatorFamilyRelationId,
	.sql = member_sql,.creates = "ALTER {on} ADD {definition}",.drops = "ALTER {on} DROP {unquoted}"
};

/*
 * Operator classes
 */

/*
 * Query for the operator classes.  CREATE OPERATOR CLASS requires a list of
 * members, so a class without members has a STORAGE clause with its own type.
 */
static const char class_sql[] =
"SELECT 'pg_opclass'::regclass::oid, c.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" c.opcname::text, format('%I.%I USING %I', n.nspname, c.opcname, m.amname), pg_get_userbyid(c.opcowner)::text, false,"
" format('CREATE OPERATOR CLASS %I.%I%s FOR TYPE %s USING %I FAMILY %I.%I AS %s', n.nspname, c.opcname,"
"  CASE WHEN c.opcdefault THEN ' DEFAULT' END, format_type(c.opcintype, NULL), m.amname, fn.nspname, f.opfname,"
"  coalesce(nullif(concat_ws(', ', CASE WHEN c.opckeytype <> 0"
" THEN 'STORAGE ' || format_type(c.opckeytype, NULL) END,"
"   (SELECT string_agg(" AMOP_TEXT ", ', ' ORDER BY a.amopstrategy, a.amoplefttype::regtype::text, a.amoprighttype::regtype::text) FROM " AMOP_FROM
"    JOIN pg_depend d ON d.classid = 'pg_amop'::regclass AND d.objid = a.oid"
" AND d.refclassid = 'pg_opclass'::regclass AND d.refobjid = c.oid),"
"   (SELECT string_agg(" AMPROC_TEXT ", ', ' ORDER BY a.amprocnum, a.amproclefttype::regtype::text, a.amprocrighttype::regtype::text) FROM pg_amproc a"
"    JOIN pg_depend d ON d.classid = 'pg_amproc'::regclass AND d.objid = a.oid"
" AND d.refclassid = 'pg_opclass'::regclass"
" AND d.refobjid = c.oid)), ''), 'STORAGE ' || format_type(c.opcintype, NULL)))"
" FROM pg_opclass c JOIN pg_namespace n ON n.oid = c.opcnamespace"
" JOIN pg_am m ON m.oid = c.opcmethod"
" JOIN pg_opfamily f ON f.oid = c.opcfamily JOIN pg_namespace fn ON fn.oid = f.opfnamespace"
" WHERE @c.opcnamespace";

/*
 * Query for dependencies: an operator class depends on everything that its
 * members depend on.
 */
static const char class_depends[] =
"SELECT 'pg_opclass'::regclass::oid, d.refobjid, 0, e.refclassid, e.refobjid, e.refobjsubid"
" FROM pg_opclass c JOIN pg_depend d ON d.refclassid = 'pg_opclass'::regclass"
" AND d.refobjid = c.oid"
"  AND d.classid IN ('pg_amop'::regclass, 'pg_amproc'::regclass)"
" JOIN pg_depend e ON e.classid = d.classid AND e.objid = d.objid"
" AND e.refclassid <> 'pg_opclass'::regclass"
" WHERE @c.opcnamespace";

CmigKind	cmig_kind_operator_class = {
	.name = "operator class",.word = "OPERATOR CLASS",.flags = CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(member_properties),
	.catalog = OperatorClassRelationId,
	.sql = class_sql,.depends = class_depends,.creates = "{definition}"
};
