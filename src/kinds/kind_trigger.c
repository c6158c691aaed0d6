/*
 * kind_trigger.c
 *	  Triggers, rules, and policies on tables and views.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

#define ON_TABLE_FLAGS \
	(CMIG_KIND_DISPOSABLE | CMIG_KIND_DISTURBED | CMIG_KIND_ON_PARENT | CMIG_KIND_GONE_WITH_PARENT)

enum
{
	DEFINITION,
	ENABLED
};

/*
 * Triggers
 */

static const CmigProperty trigger_properties[] = {
	[DEFINITION] = {"definition", CMIG_PROPERTY_EXPRESSION},
	[ENABLED] = {"enabled"},
};

/*
 * Query for the triggers, except audit triggers: cmig.enable_audit() creates
 * them, and their definitions contain ids.
 */
static const char trigger_sql[] =
"SELECT 'pg_trigger'::regclass::oid, t.oid, 0, 'pg_class'::regclass::oid, c.oid, 0,"
" t.tgname::text, format('%I on %I.%I', t.tgname, n.nspname, c.relname), NULL::text, false,"
" pg_get_triggerdef(t.oid), CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_trigger t ON t.tgrelid = c.oid"
" WHERE c.relnamespace = ANY ($1) AND NOT t.tgisinternal AND t.tgparentid = 0"
" AND t.tgfoid NOT IN (SELECT p.oid FROM pg_proc p JOIN pg_namespace pn ON pn.oid = p.pronamespace WHERE pn.nspname = 'cmig')";

/*
 * Returns the statement that sets the enabled state, such as "ALTER TABLE t
 * DISABLE TRIGGER x".
 */
static char *
enable_statement(const CmigObject *object)
{
	return psprintf("ALTER TABLE %s %s %s %s", object->parent->identity,
					object->values[ENABLED] ? object->values[ENABLED] : "ENABLE",
					object->kind->word, cmig_quote(object->name));
}

/*
 * Enable or disable a trigger or a rule.  This also affects the partitions'
 * triggers, so the states of these triggers are set again.
 */
static void
alter_enabled(CmigAlter *alter)
{
	alter->disturbs = cmig_alter_differs(alter, ENABLED);
	if (alter->disturbs)
		cmig_alter_add(alter, enable_statement(alter->to), enable_statement(alter->from));
}

static void
alter_definition(CmigAlter *alter)
{
	if (cmig_alter_differs(alter, DEFINITION))
		alter->again = true;
	else
		alter_enabled(alter);
}

static List *
create_definition(const CmigObject *object)
{
	List	   *ddl = cmig_ddl_append(NIL, object->values[DEFINITION], cmig_kind_drop(object));

	return cmig_kind_complete(object, ddl, alter_enabled);
}

CmigKind	cmig_kind_trigger = {
	.name = "trigger",.word = "TRIGGER",.flags = ON_TABLE_FLAGS,
	CMIG_PROPERTIES(trigger_properties),
	.sql = trigger_sql,.create = create_definition,.alter = alter_definition
};

/*
 * The kind for triggers of partitions that are clones of a partitioned table's
 * trigger, but have a different enabled state
 */

enum
{
	STATE,
	PARENT_STATE
};

static const CmigProperty clone_properties[] = {
	[STATE] = {"enabled"},
	[PARENT_STATE] = {"enabled in the partitioned table", CMIG_PROPERTY_SILENT},
};

#define STATE_SQL(column) \
	"CASE " column " WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END"

static const char clone_sql[] =
"SELECT 'pg_trigger'::regclass::oid, t.oid, 0, 'pg_class'::regclass::oid, c.oid, 0,"
" t.tgname::text, format('%I on %I.%I', t.tgname, n.nspname, c.relname), NULL::text, false,"
" " STATE_SQL("t.tgenabled") ", " STATE_SQL("p.tgenabled")
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_trigger t ON t.tgrelid = c.oid"
" JOIN pg_trigger p ON p.oid = t.tgparentid AND p.tgenabled <> t.tgenabled AND NOT p.tgisinternal"
" WHERE c.relnamespace = ANY ($1)";

/*
 * Query for dependencies: a clone depends on the original trigger and on the
 * attached partition.
 */
static const char clone_depends[] =
"WITH RECURSIVE t (oid, parent, of) AS (SELECT t.oid, t.tgparentid, c.oid FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
"  JOIN pg_trigger p ON p.oid = t.tgparentid AND p.tgenabled <> t.tgenabled AND NOT p.tgisinternal WHERE c.relnamespace = ANY ($1)"
"  UNION ALL SELECT t.oid, p.tgparentid, t.of FROM t JOIN pg_trigger p ON p.oid = t.parent WHERE p.tgparentid <> 0)"
" SELECT 'pg_trigger'::regclass::oid, oid, 0, 'pg_trigger'::regclass::oid, parent, 0 FROM t"
" UNION ALL SELECT 'pg_trigger'::regclass::oid, oid, 0, 'pg_class'::regclass::oid, of, -2 FROM t";

/* Returns the statement that enables or disables a partition's trigger. */
static char *
clone_statement(const CmigObject *trigger, const char *state)
{
	return psprintf("ALTER TABLE %s %s TRIGGER %s", trigger->parent->identity, state, cmig_quote(trigger->name));
}

static char *
drop_clone(const CmigObject *trigger)
{
	return clone_statement(trigger, trigger->values[PARENT_STATE]);
}

/* Set the state of a trigger that ATTACH PARTITION has created. */
static List *
create_clone(const CmigObject *trigger)
{
	return cmig_ddl_append(NIL, clone_statement(trigger, trigger->values[STATE]), drop_clone(trigger));
}

static void
alter_clone(CmigAlter *alter)
{
	cmig_alter_add(alter, clone_statement(alter->to, alter->to->values[STATE]),
				   clone_statement(alter->from, alter->from->values[STATE]));
}

CmigKind	cmig_kind_partition_trigger = {
	.name = "trigger of a partition",.word = "TRIGGER",.flags = ON_TABLE_FLAGS,
	CMIG_PROPERTIES(clone_properties),
	.sql = clone_sql,.depends = clone_depends,.create = create_clone,.drop = drop_clone,.alter = alter_clone
};

/*
 * Rules
 */

static const char rule_sql[] =
"SELECT 'pg_rewrite'::regclass::oid, r.oid, 0, 'pg_class'::regclass::oid, c.oid, 0,"
" r.rulename::text, format('%I on %I.%I', r.rulename, n.nspname, c.relname), NULL::text, false,"
" rtrim(pg_get_ruledef(r.oid), ';'), CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_rewrite r ON r.ev_class = c.oid"
" WHERE c.relnamespace = ANY ($1) AND r.rulename <> '_RETURN'";

CmigKind	cmig_kind_rule = {
	.name = "rule",.word = "RULE",.flags = ON_TABLE_FLAGS,
	CMIG_PROPERTIES(trigger_properties),
	.sql = rule_sql,.create = create_definition,.alter = alter_definition
};

/*
 * Policies
 */

enum
{
	COMMAND,
	RESTRICTIVE,
	ROLES,
	USING,
	WITH_CHECK
};

static const CmigProperty policy_properties[] = {
	[COMMAND] = {"command"},
	[RESTRICTIVE] = {"restrictive"},
	[ROLES] = {"roles"},
	[USING] = {"USING", CMIG_PROPERTY_EXPRESSION},
	[WITH_CHECK] = {"WITH CHECK", CMIG_PROPERTY_EXPRESSION},
};

static const char policy_sql[] =
"SELECT 'pg_policy'::regclass::oid, p.oid, 0, 'pg_class'::regclass::oid, c.oid, 0,"
" p.polname::text, format('%I on %I.%I', p.polname, n.nspname, c.relname), NULL::text, false,"
" CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' END,"
" CASE WHEN NOT p.polpermissive THEN 't' END,"
" CASE WHEN p.polroles <> '{0}' THEN (SELECT string_agg(quote_ident(r.rolname), ', ' ORDER BY r.rolname COLLATE \"C\")"
"  FROM pg_roles r WHERE r.oid = ANY (p.polroles)) END,"
" pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_policy p ON p.polrelid = c.oid"
" WHERE c.relnamespace = ANY ($1)";

/* Append the policy's USING and WITH CHECK clauses. */
static void
append_expressions(StringInfo sql, const CmigObject *policy)
{
	if (policy->values[USING])
		appendStringInfo(sql, " USING (%s)", policy->values[USING]);
	if (policy->values[WITH_CHECK])
		appendStringInfo(sql, " WITH CHECK (%s)", policy->values[WITH_CHECK]);
}

static List *
create_policy(const CmigObject *policy)
{
	StringInfoData sql;
	List	   *ddl;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %s", cmig_kind_reference(policy));
	if (policy->values[RESTRICTIVE])
		appendStringInfoString(&sql, " AS RESTRICTIVE");
	if (policy->values[COMMAND])
		appendStringInfo(&sql, " FOR %s", policy->values[COMMAND]);
	if (policy->values[ROLES])
		appendStringInfo(&sql, " TO %s", policy->values[ROLES]);
	append_expressions(&sql, policy);
	ddl = cmig_ddl_append(NIL, sql.data, cmig_kind_drop(policy));
	((CmigDdl *) linitial(ddl))->undo_hazards = CMIG_HAZARD_POLICY;
	return ddl;
}

static char *
alter_statement(const CmigObject *policy)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER %s TO %s", cmig_kind_reference(policy),
					 policy->values[ROLES] ? policy->values[ROLES] : "PUBLIC");
	append_expressions(&sql, policy);
	return sql.data;
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

	if (cmig_alter_differs(alter, COMMAND) || cmig_alter_differs(alter, RESTRICTIVE) ||
		(from->values[USING] == NULL) != (to->values[USING] == NULL) ||
		(from->values[WITH_CHECK] == NULL) != (to->values[WITH_CHECK] == NULL))
		alter->again = true;
	else
		cmig_alter_add(alter, alter_statement(to), alter_statement(from));
}

CmigKind	cmig_kind_policy = {
	.name = "policy",.word = "POLICY",.flags = ON_TABLE_FLAGS,
	CMIG_PROPERTIES(policy_properties),
	.sql = policy_sql,.create = create_policy,.alter = alter_policy
};
