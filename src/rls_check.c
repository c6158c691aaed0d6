/*
 * rls_check.c
 *	  cmig.rls_check and the gate at the end of an upgrade.
 *
 * Rules about a policy's expression are judged on its tree (rls_expr.c), the
 * others by queries (rls_posture.c).  Levels: error is a hole or an error in
 * the middle of a query, warning something slow or likely not meant, info
 * something to know.
 */
#include "postgres.h"

#include "compat.h"
#include "errors.h"
#include "query.h"
#include "rls.h"
#include "rls_expr.h"
#include "rls_lookup.h"
#include "rls_posture.h"
#include "settings.h"

#include "access/sysattr.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(cmig_rls_check);

static char *rls_gate = NULL;

/* Schemas of people's tables. */
static CmigQuery all_schemas = {
	"SELECT n.oid FROM pg_namespace n WHERE n.nspname !~ '^pg_'"
	" AND n.nspname NOT IN ('information_schema', 'cmig', 'cmig_audit')", 0
};

static CmigQuery read_policies = {
	"SELECT p.polrelid, p.polname::text, p.polpermissive, p.polcmd::text, p.polroles,"
	" p.polqual::text, p.polwithcheck::text, d.description, format('%I.%I', n.nspname, c.relname),"
	" ARRAY(SELECT x.indkey[0] FROM pg_index x WHERE x.indrelid = c.oid AND x.indisvalid AND x.indpred IS NULL)"
	" FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
	" LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_policy'::regclass AND d.objsubid = 0"
	" WHERE c.relnamespace = ANY ($1) ORDER BY p.polrelid, p.polname",
	1, {OIDARRAYOID}
};

typedef struct Policy
{
	Oid			relid;
	char	   *table;			/* qualified and quoted */
	char	   *name;
	bool		permissive;
	char		command;		/* as in pg_policy */
	ArrayType  *roles;
	Node	   *qual;
	Node	   *check;
	CmigRlsExpression *in_qual;
	CmigRlsExpression *in_check;
	CmigRlsState *state;		/* made by enable_rls, or NULL */
	Bitmapset  *indexed;		/* columns that lead an index */
	Bitmapset  *keys;			/* of all policies of the table */
} Policy;

/*
 * Reading
 */

static void
take_policy(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **policies = arg;
	Policy	   *policy = palloc0(sizeof(Policy));
	bool		isnull;
	char	   *text;
	ArrayType  *leads;
	Datum	   *elements;
	int			count;

	policy->relid = DatumGetObjectId(cmig_query_datum(desc, row, 1, &isnull));
	policy->name = cmig_query_text(desc, row, 2);
	policy->permissive = DatumGetBool(cmig_query_datum(desc, row, 3, &isnull));
	policy->command = *cmig_query_text(desc, row, 4);
	policy->roles = DatumGetArrayTypePCopy(cmig_query_datum(desc, row, 5, &isnull));
	text = cmig_query_text(desc, row, 6);
	policy->qual = text ? stringToNode(text) : NULL;
	text = cmig_query_text(desc, row, 7);
	policy->check = text ? stringToNode(text) : NULL;
	policy->state = cmig_rls_state_read(cmig_query_text(desc, row, 8));
	policy->table = cmig_query_text(desc, row, 9);
	leads = DatumGetArrayTypeP(cmig_query_datum(desc, row, 10, &isnull));
	deconstruct_array(leads, INT2OID, sizeof(int16), true, TYPALIGN_SHORT, &elements, NULL, &count);
	for (int i = 0; i < count; i++)
		if (DatumGetInt16(elements[i]) > 0)
			policy->indexed = bms_add_member(policy->indexed, DatumGetInt16(elements[i]));
	*policies = lappend(*policies, policy);
}

/*
 * Columns that belong to somebody: those that a policy of the table compares
 * with the context, that enable_rls was given, and that have the usual names.
 */
static Bitmapset *
key_columns(const List *siblings)
{
	Bitmapset  *keys = NULL;
	ListCell   *lc;

	foreach(lc, siblings)
	{
		Policy	   *policy = lfirst(lc);
		const char *names[] = {"tenant_id", "user_id",
			policy->state ? policy->state->tenant_column : NULL,
			policy->state ? policy->state->user_column : NULL,
		policy->state ? policy->state->key_column : NULL};

		for (int i = lc == list_head(siblings) ? 0 : 2; i < lengthof(names); i++)
		{
			AttrNumber	column = names[i] ? get_attnum(policy->relid, names[i]) : InvalidAttrNumber;

			if (column > 0)
				keys = bms_add_member(keys, column);
		}
		keys = bms_join(keys, cmig_rls_expr_keys(policy->qual));
		keys = bms_join(keys, cmig_rls_expr_keys(policy->check));
	}
	return keys;
}

/*
 * Findings
 */

static void
find(List **findings, const char *rule, const char *severity, const Policy *policy,
	 char *problem, char *fix)
{
	CmigRlsFinding *finding = palloc(sizeof(CmigRlsFinding));

	finding->rule = pstrdup(rule);
	finding->severity = pstrdup(severity);
	finding->object = psprintf("policy %s on %s", quote_identifier(policy->name), policy->table);
	finding->problem = problem;
	finding->fix = fix;
	*findings = lappend(*findings, finding);
}

static char *
drop_policy(const Policy *policy)
{
	return psprintf("DROP POLICY %s ON %s", quote_identifier(policy->name), policy->table);
}

/* ALTER POLICY with both expressions as they should be. */
static char *
repair_policy(const Policy *policy)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "ALTER POLICY %s ON %s", quote_identifier(policy->name), policy->table);
	if (policy->qual)
		appendStringInfo(&text, " USING (%s)", cmig_rls_expr_repaired(policy->qual, policy->relid));
	if (policy->check)
		appendStringInfo(&text, " WITH CHECK (%s)", cmig_rls_expr_repaired(policy->check, policy->relid));
	return text.data;
}

/* Does a bind a role that b names?  By inherited rights, as the server asks. */
static bool
share_role(const Policy *a, const Policy *b)
{
	Oid		   *left = (Oid *) ARR_DATA_PTR(a->roles);
	Oid		   *right = (Oid *) ARR_DATA_PTR(b->roles);

	for (int i = 0; i < ARR_DIMS(a->roles)[0]; i++)
		for (int j = 0; j < ARR_DIMS(b->roles)[0]; j++)
			if (left[i] == right[j] || left[i] == ACL_ID_PUBLIC ||
				(right[j] != ACL_ID_PUBLIC && !superuser_arg(right[j]) && has_privs_of_role(right[j], left[i])))
				return true;
	return false;
}

static bool
share_command(const Policy *a, const Policy *b)
{
	return a->command == b->command || a->command == '*' || b->command == '*';
}

/* The expression that decides, for INSERT that of WITH CHECK. */
static Node *
deciding(const Policy *policy)
{
	return policy->command == 'a' ? policy->check : policy->qual;
}

static const CmigRlsExpression *
decided(const Policy *policy)
{
	return policy->command == 'a' ? policy->in_check : policy->in_qual;
}

static bool
is_always_true(const Policy *policy)
{
	return decided(policy)->truth == CMIG_RLS_ALWAYS;
}

/* "it is always true", but for rows with null in some columns. */
static char *
always_text(const Policy *policy, const Bitmapset *but_null)
{
	StringInfoData names;
	int			column = -1;

	if (bms_is_empty(but_null))
		return "it is always true";
	initStringInfo(&names);
	while ((column = bms_next_member(but_null, column)) >= 0)
	{
		char	   *name = get_attname(policy->relid, column, true);

		appendStringInfo(&names, "%s%s", names.len ? " and " : "", name ? quote_identifier(name) : "?");
	}
	return psprintf("it is true for every row with a value in %s", names.data);
}

/* Does a restrictive policy narrow what this one lets through? */
static bool
is_floored(const Policy *policy, const List *siblings)
{
	ListCell   *lc;

	foreach(lc, siblings)
	{
		Policy	   *other = lfirst(lc);

		if (!other->permissive && share_role(other, policy) && !is_always_true(other) &&
			(other->command == '*' || other->command == policy->command))
			return true;
	}
	return false;
}

static const char *
what_may_be_done(const Policy *policy)
{
	return policy->command == 'r' ? "read" : policy->command == 'a' ? "inserted" :
		policy->command == 'w' ? "updated" : policy->command == 'd' ? "deleted" :
		"read and written";
}

/*
 * A permissive policy that lets everything through.  It is no hole for roles
 * of its own that no other policy binds (a bypass, which is told), below a restrictive
 * policy that binds the same roles, or where enable_rls was asked for it.
 */
static void
check_always_true(const Policy *policy, const List *siblings, List **findings)
{
	const Bitmapset *but_null = decided(policy)->but_null;
	bool		others = false;
	bool		swallowed = false;
	ListCell   *lc;

	if (!is_always_true(policy))
		return;
	if (!policy->permissive)
	{
		/* one that asks a key for a value restricts that much */
		if (bms_is_empty(but_null))
			find(findings, "always_true", "warning", policy,
				 pstrdup("it restricts nothing: its expression is always true"), drop_policy(policy));
		return;
	}
	foreach(lc, siblings)
	{
		Policy	   *other = lfirst(lc);

		if (other != policy && share_command(policy, other) && other->permissive &&
			!is_always_true(other))
		{
			others = true;
			swallowed |= share_role(policy, other);
		}
	}
	if (is_floored(policy, siblings))
		return;
	if (others && !swallowed)
	{
		/* bypass_roles asked for it */
		if (policy->state == NULL)
			find(findings, "always_true", "info", policy,
				 psprintf("%s, for roles that no other policy binds: they bypass row-level security",
						  always_text(policy, but_null)),
				 drop_policy(policy));
		return;
	}
	if (policy->state && policy->state->public_read && policy->command == 'r')
		find(findings, "always_true", "info", policy,
			 pstrdup("every row may be read, as public_read asks for"), drop_policy(policy));
	else if (others)
		find(findings, "always_true", "error", policy,
			 psprintf("%s and swallows the other policies of its roles: permissive policies are joined by OR",
					  always_text(policy, but_null)),
			 drop_policy(policy));
	else
		find(findings, "always_true", policy->command == 'r' ? "warning" : "error", policy,
			 psprintf("%s: every %srow may be %s", always_text(policy, but_null),
					  bms_is_empty(but_null) ? "" : "such ", what_may_be_done(policy)),
			 drop_policy(policy));
}

/* Do the policy and the others, joined by OR, let everything through? */
static bool
is_open_with(const Policy *policy, const List *others, Bitmapset **but_null)
{
	List	   *arms = list_make1(deciding(policy));
	ListCell   *lc;

	foreach(lc, others)
		arms = lappend(arms, deciding(lfirst(lc)));
	return cmig_rls_truth((Node *) makeBoolExpr(OR_EXPR, arms, -1), policy->relid,
						  policy->keys, but_null) == CMIG_RLS_ALWAYS;
}

/*
 * Permissive policies that let everything through together, though none of
 * them does: "key IS NULL" and "key IS NOT NULL".  Reported once, for the last
 * of them.
 */
static void
check_together(const Policy *policy, const List *siblings, List **findings)
{
	List	   *others = NIL;
	List	   *needed = NIL;
	StringInfoData names;
	Bitmapset  *but_null;
	ListCell   *lc;

	if (!policy->permissive || decided(policy)->truth != CMIG_RLS_DEPENDS)
		return;
	foreach(lc, siblings)
	{
		Policy	   *other = lfirst(lc);

		if (other == policy)
			break;
		if (other->permissive && decided(other)->truth == CMIG_RLS_DEPENDS &&
			share_command(policy, other) &&
			(share_role(policy, other) || share_role(other, policy)))
			others = lappend(others, other);
	}
	if (others == NIL || !is_open_with(policy, others, &but_null) || is_floored(policy, siblings))
		return;

	/* name those only that it takes */
	initStringInfo(&names);
	foreach(lc, others)
	{
		List	   *fewer = list_delete_ptr(list_copy(needed ? needed : others), lfirst(lc));

		if (is_open_with(policy, fewer, &but_null))
			needed = fewer;
	}
	foreach(lc, needed ? needed : others)
		appendStringInfo(&names, "%s%s", names.len ? ", " : "",
						 quote_identifier(((Policy *) lfirst(lc))->name));
	(void) is_open_with(policy, needed ? needed : others, &but_null);
	find(findings, "always_true", "error", policy,
		 psprintf("together with %s %s: permissive policies are joined by OR", names.data,
				  always_text(policy, but_null)),
		 drop_policy(policy));
}

static void
check_expression(const Policy *policy, const CmigRlsExpression *in, bool is_check,
				 List **findings)
{
	const char *where = is_check ? "WITH CHECK" : "USING";

	if (in->truth == CMIG_RLS_NEVER)
		find(findings, "always_false", "warning", policy,
			 psprintf("%s is always false: %s", where,
					  policy->permissive ? "it allows nothing" : "it forbids everything"),
			 drop_policy(policy));
	if (in->truth != CMIG_RLS_DEPENDS)
		return;

	if (in->open_branch)
		find(findings, "swallowing_or", in->open_branch_setting ? "error" : "warning", policy,
			 in->open_branch_setting ?
			 psprintf("%s has %s that does not look at the row and depends on a setting, which whoever runs SQL can set: then it is true for every row", where, in->open_branch) :
			 psprintf("%s has %s that does not look at the row: then it is true for every row, and no index can be used", where, in->open_branch),
			 psprintf("CREATE POLICY bypass ON %s TO ... USING (true) WITH CHECK (true), and take the branch out of %s",
					  policy->table, quote_identifier(policy->name)));
	else if (in->true_branch)
		find(findings, "swallowing_or", "error", policy,
			 psprintf("%s has an OR with a branch that is always true: what stands beside it does not count", where),
			 psprintf("ALTER POLICY %s ON %s %s (...) without the branch", quote_identifier(policy->name),
					  policy->table, where));
	else if (in->true_when_unset)
		find(findings, "swallowing_or", "error", policy,
			 psprintf("%s has %s, which is true for every row while the setting has no value", where, in->true_when_unset),
			 psprintf("ALTER POLICY %s ON %s %s (...) without %s", quote_identifier(policy->name),
					  policy->table, where, in->true_when_unset));
	else if (bms_is_empty(in->columns) && !(is_check && policy->command == 'a') && !in->correlated)
		find(findings, "swallowing_or", "warning", policy,
			 psprintf("%s does not look at the row: it is true for all or for none", where),
			 psprintf("ALTER POLICY %s ON %s %s (... = ...)", quote_identifier(policy->name),
					  policy->table, where));
	if (in->volatile_function)
		find(findings, "volatile_function", "warning", policy,
			 psprintf("%s calls the volatile function %s() for each row, and cannot use an index", where, in->volatile_function),
			 repair_policy(policy));
	if (in->row_function)
		find(findings, "per_row_function", "warning", policy,
			 psprintf(in->row_function_has_column ?
					  "%s calls %s() with a column, for each row" :
					  "%s calls %s() for each row; in a sub-select it is called once", where, in->row_function),
			 in->row_function_has_column ?
			 psprintf("ALTER POLICY %s ON %s %s (<key> = ANY (ARRAY(SELECT ...)))",
					  quote_identifier(policy->name), policy->table, where) :
			 repair_policy(policy));
	if (in->correlated)
		find(findings, "correlated_subquery", "warning", policy,
			 psprintf("%s has a sub-select that depends on the row and runs for each", where),
			 psprintf("ALTER POLICY %s ON %s %s (<key> = ANY (ARRAY(SELECT <key> FROM ... WHERE <user> = (SELECT ...))))",
					  quote_identifier(policy->name), policy->table, where));
	if (in->in_subselect)
		find(findings, "in_subselect", "warning", policy,
			 psprintf("%s has %s IN (SELECT ...), which cannot use an index; = ANY (ARRAY(SELECT ...)) can",
					  where, in->in_subselect),
			 strcmp(in->in_subselect, "expression") == 0 ?
			 psprintf("ALTER POLICY %s ON %s %s (<key> = ANY (ARRAY(SELECT ...)) AND ...)",
					  quote_identifier(policy->name), policy->table, where) : repair_policy(policy));
	if (in->cast_of_empty)
		find(findings, "cast_of_empty", "error", policy,
			 psprintf("%s casts a setting to %s, which fails when it is '', as after SET LOCAL", where, in->cast_of_empty),
			 repair_policy(policy));
	if (in->strict_setting)
		find(findings, "no_missing_ok", "error", policy,
			 psprintf("%s reads the setting %s without missing_ok, which fails when it was never set", where, in->strict_setting),
			 repair_policy(policy));
	if (in->outer_column)
		find(findings, "unknown_column", "error", policy,
			 psprintf("a sub-select in %s returns column %s of the policy's own table: no table in its FROM has that column",
					  where, quote_identifier(in->outer_column)),
			 psprintf("ALTER POLICY %s ON %s %s (...), with the columns of the sub-select qualified",
					  quote_identifier(policy->name), policy->table, where));
	if (in->self_compared)
		find(findings, "unknown_column", "error", policy,
			 psprintf("a comparison in %s has the same column on both sides", where),
			 psprintf("ALTER POLICY %s ON %s %s (...), with the columns qualified",
					  quote_identifier(policy->name), policy->table, where));
}

static void
check_with_check(const Policy *policy, List **findings)
{
	if (policy->command != '*' && policy->command != 'w')
		return;
	if (policy->check == NULL && policy->qual != NULL)
	{
		if (policy->in_qual->truth != CMIG_RLS_ALWAYS)
			find(findings, "implicit_check", "info", policy,
				 pstrdup("it has no WITH CHECK: USING holds for new rows too"),
				 psprintf("ALTER POLICY %s ON %s WITH CHECK (%s)", quote_identifier(policy->name),
						  policy->table, cmig_rls_expr_repaired(policy->qual, policy->relid)));
	}
	else if (cmig_rls_expr_wider(policy->qual, policy->check))
	{
		bool		loses = !bms_is_subset(policy->in_qual->columns, policy->in_check->columns);
		bool		open = policy->in_check->truth == CMIG_RLS_ALWAYS;

		find(findings, "check_wider_than_using", open || loses ? "error" : "warning", policy,
			 pstrdup(open ? bms_is_empty(policy->in_check->but_null) ?
					 "WITH CHECK is always true: rows can be written, or moved, to where USING does not reach" :
					 "WITH CHECK is true for every row with a value in the key: rows can be written, or moved, to where USING does not reach" :
					 loses ? "WITH CHECK does not look at all columns that USING does: rows can be written, or moved, to where USING does not reach" :
					 "WITH CHECK differs from USING and does not imply it: rows may be written to where USING does not reach"),
			 psprintf("ALTER POLICY %s ON %s WITH CHECK (%s)", quote_identifier(policy->name),
					  policy->table, cmig_rls_expr_repaired(policy->qual, policy->relid)));
	}
}

static void
check_index(const Policy *policy, List **findings)
{
	int			column = -1;

	if (policy->command == 'a')
		return;
	while ((column = bms_next_member(policy->in_qual->keys, column)) >= 0)
		if (!bms_is_member(column, policy->indexed))
		{
			char	   *name = get_attname(policy->relid, column, true);

			if (name == NULL)
				continue;
			find(findings, "missing_index", "warning", policy,
				 psprintf("no index leads with its key %s", quote_identifier(name)),
				 psprintf("CREATE INDEX ON %s (%s)", policy->table, quote_identifier(name)));
		}
}

/* A column that the state names is gone or has another name now. */
static void
check_state(const Policy *policy, List **findings)
{
	const char *columns[3];

	if (policy->state == NULL)
		return;
	columns[0] = policy->state->tenant_column;
	columns[1] = policy->state->user_column;
	columns[2] = policy->state->key_column;
	for (int i = 0; i < lengthof(columns); i++)
		if (columns[i] && get_attnum(policy->relid, columns[i]) == InvalidAttrNumber)
			find(findings, "unknown_column", "warning", policy,
				 psprintf("it was made for column %s, which the table does not have any more",
						  quote_identifier(columns[i])),
				 psprintf("SELECT cmig.enable_rls(%s, ...) with the new name",
						  quote_literal_cstr(policy->table)));
}

static void
check_duplicates(const Policy *policy, const List *siblings, List **findings)
{
	ListCell   *lc;

	foreach(lc, siblings)
	{
		Policy	   *other = lfirst(lc);

		if (other == policy)
			break;
		if (other->permissive == policy->permissive && other->command == policy->command &&
			share_role(other, policy) && equal(other->qual, policy->qual) &&
			equal(other->check, policy->check))
		{
			find(findings, "duplicate_policy", "warning", policy,
				 psprintf("it says the same as policy %s", quote_identifier(other->name)),
				 drop_policy(policy));
			break;
		}
	}
}

static void
check_policy(const Policy *policy, const List *siblings, List **findings)
{
	/* reports of both expressions that say the same are one */
	check_always_true(policy, siblings, findings);
	check_together(policy, siblings, findings);
	if (policy->qual)
		check_expression(policy, policy->in_qual, false, findings);
	if (policy->check && !equal(policy->qual, policy->check))
		check_expression(policy, policy->in_check, true, findings);
	check_with_check(policy, findings);
	check_index(policy, findings);
	check_state(policy, findings);
	check_duplicates(policy, siblings, findings);
}

static int
severity_rank(const char *severity)
{
	return severity[0] == 'e' ? 0 : severity[0] == 'w' ? 1 : 2;
}

static int
compare_findings(const ListCell *a, const ListCell *b)
{
	const CmigRlsFinding *left = lfirst(a);
	const CmigRlsFinding *right = lfirst(b);
	int			order = severity_rank(left->severity) - severity_rank(right->severity);

	if (order == 0)
		order = strcmp(left->object, right->object);
	if (order == 0)
		order = strcmp(left->rule, right->rule);
	return order ? order : strcmp(left->problem, right->problem);
}

static List *
find_all(ArrayType *schemas)
{
	Datum		values[1] = {PointerGetDatum(schemas)};
	List	   *policies = NIL;
	List	   *findings = NIL;
	List	   *lookups = NIL;
	ListCell   *lc;

	cmig_query_each(&read_policies, values, NULL, take_policy, &policies);
	for (int first = 0, next; first < list_length(policies); first = next)
	{
		Oid			relid = ((Policy *) list_nth(policies, first))->relid;
		List	   *siblings = NIL;
		Bitmapset  *keys;

		/* the policies of a table are neighbours */
		for (next = first; next < list_length(policies) &&
			 ((Policy *) list_nth(policies, next))->relid == relid; next++)
			siblings = lappend(siblings, list_nth(policies, next));
		CHECK_FOR_INTERRUPTS();
		keys = key_columns(siblings);
		foreach(lc, siblings)
		{
			Policy	   *policy = lfirst(lc);

			policy->keys = keys;
			policy->in_qual = cmig_rls_expr_read(policy->qual, relid, keys);
			policy->in_check = cmig_rls_expr_read(policy->check, relid, keys);
			cmig_rls_lookup_read(deciding(policy), (Oid *) ARR_DATA_PTR(policy->roles),
								 ARR_DIMS(policy->roles)[0], policy->table, &lookups);
		}
		foreach(lc, siblings)
			check_policy(lfirst(lc), siblings, &findings);
	}
	cmig_rls_lookup_find(lookups, &findings);
	cmig_rls_posture_find(schemas, &findings);
	list_sort(findings, compare_findings);
	return findings;
}

/*
 * Entries
 */

static void
take_oid(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **oids = arg;
	bool		isnull;

	*oids = lappend_oid(*oids, DatumGetObjectId(cmig_query_datum(desc, row, 1, &isnull)));
}

static ArrayType *
oid_array(const List *oids)
{
	Datum	   *elements = palloc(sizeof(Datum) * (list_length(oids) + 1));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, oids)
		elements[count++] = ObjectIdGetDatum(lfirst_oid(lc));
	return construct_array(elements, count, OIDOID, sizeof(Oid), true, TYPALIGN_INT);
}

Datum
cmig_rls_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *schemas = NIL;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		cmig_query_each(&all_schemas, NULL, NULL, take_oid, &schemas);
	else
		schemas = list_make1_oid(get_namespace_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)), false));

	foreach(lc, find_all(oid_array(schemas)))
	{
		CmigRlsFinding *finding = lfirst(lc);
		Datum		values[5];
		bool		nulls[5] = {0};

		values[0] = CStringGetTextDatum(finding->rule);
		values[1] = CStringGetTextDatum(finding->severity);
		values[2] = CStringGetTextDatum(finding->object);
		values[3] = CStringGetTextDatum(finding->problem);
		nulls[4] = (finding->fix == NULL);
		if (finding->fix)
			values[4] = CStringGetTextDatum(finding->fix);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

void
cmig_rls_gate(void)
{
	List	   *names;
	List	   *schemas = NIL;
	StringInfoData detail;
	int			errors = 0;
	char	   *fix = NULL;
	const char *gate;
	ListCell   *lc;

	gate = cmig_settings_guard_text("cmig.rls_gate", rls_gate);
	if (gate[0] == '\0')
		return;
	if (!SplitIdentifierString(pstrdup(gate), ',', &names))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for parameter \"%s\": \"%s\"", "cmig.rls_gate", gate),
				 errdetail("List syntax is invalid."),
				 errhint("Correct cmig.rls_gate: ALTER DATABASE ... SET cmig.rls_gate = '...'.")));
	foreach(lc, names)
	{
		Oid			schema = get_namespace_oid(lfirst(lc), true);

		if (!OidIsValid(schema))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_SCHEMA),
					 errmsg("schema \"%s\" does not exist", (char *) lfirst(lc)),
					 errdetail("cmig.rls_gate names it as one to check at the end of an upgrade."),
					 errhint("Correct cmig.rls_gate: ALTER DATABASE ... SET cmig.rls_gate = '...'.")));
		schemas = lappend_oid(schemas, schema);
	}

	initStringInfo(&detail);
	foreach(lc, find_all(oid_array(schemas)))
	{
		CmigRlsFinding *finding = lfirst(lc);

		if (strcmp(finding->severity, "error") != 0)
			continue;
		if (errors++ < 5)
			appendStringInfo(&detail, "%s%s (%s): %s.", errors > 1 ? "\n" : "",
							 finding->object, finding->rule, finding->problem);
		if (fix == NULL)
			fix = finding->fix;
	}
	if (errors == 0)
		return;
	if (errors > 5)
		appendStringInfo(&detail, "\nAnd %d more.", errors - 5);
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_RLS_GATE),
			 errmsg_plural("the upgrade would leave %d hole in row-level security",
						   "the upgrade would leave %d holes in row-level security", errors, errors),
			 errdetail_internal("%s", detail.data),
			 errhint("Add to the last revision: %s. SELECT * FROM cmig.rls_check() shows all findings.", fix)));
}

static bool
check_gate(char **value, void **extra, GucSource source)
{
	List	   *names;

	if (!SplitIdentifierString(pstrdup(*value), ',', &names))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	return true;
}

void
cmig_rls_check_init(void)
{
	/*
	 * cmig.rls_gate: schemas that an upgrade checks at its end.  Set by
	 * superusers and whom they grant it to, so that whoever writes a revision
	 * cannot leave it out.
	 */
	DefineCustomStringVariable("cmig.rls_gate",
							   "Schemas whose row-level security an upgrade checks before it ends; findings of level error stop it.",
							   NULL, &rls_gate, "", PGC_SUSET, GUC_LIST_INPUT,
							   check_gate, NULL, NULL);
}
