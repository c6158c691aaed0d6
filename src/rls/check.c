/*
 * check.c
 *	  cmig.rls_check, and the check at the end of an upgrade (cmig.rls_gate).
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/base.h"
#include "rls/rls.h"
#include "rls/internal.h"

#include "access/sysattr.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

/*
 * The key of a look-up is the column that identifies the row: a column that
 * the sub-select returns or compares with a column of the outer row.
 */

/*
 * The look-ups in tables that a role can write to.  $1 to $4 contain the
 * table, key, role, and source of each look-up.  A table is left out if its
 * own policies keep the role from giving itself access: without a policy for
 * writing, the role cannot add rows; and if the key is unique, the role cannot
 * use a key that is already in the table.
 */
static CmigQuery writable = {
	"WITH l AS (SELECT l.tab, l.key, l.role, l.source FROM unnest($1, $2, $3, $4) l(tab, key, role, source)"

	/*
	 * for a policy for PUBLIC, take all roles that have a privilege to write
	 * the table
	 */
	"  UNION SELECT l.tab, l.key, a.grantee, l.source FROM unnest($1, $2, $3, $4) l(tab, key, role, source)"
	"   JOIN pg_class c ON c.oid = l.tab CROSS JOIN LATERAL aclexplode(c.relacl) a"
	"   WHERE l.role = 0 AND a.grantee <> c.relowner AND a.privilege_type IN ('INSERT', 'UPDATE')),"
	" w AS (SELECT l.tab, l.role, r.rolname, min(l.source) AS source, count(DISTINCT l.source) AS n"
	"  FROM l JOIN pg_class c ON c.oid = l.tab AND c.relkind IN ('r', 'p')"
	"  LEFT JOIN pg_roles r ON r.oid = l.role"
	"  WHERE (l.role = 0 OR NOT (r.rolsuper OR r.rolbypassrls)) AND has_any_column_privilege(l.role, l.tab, 'INSERT, UPDATE')"
	"  AND NOT (c.relrowsecurity AND (l.role = 0 OR c.relforcerowsecurity OR NOT pg_has_role(l.role, c.relowner, 'USAGE'))"
	"   AND (EXISTS (SELECT FROM pg_index x WHERE x.indrelid = l.tab AND x.indisunique AND x.indisvalid"
	"     AND x.indnkeyatts = 1 AND x.indkey[0] = l.key AND x.indpred IS NULL)"
	"    OR NOT EXISTS (SELECT FROM pg_policy p CROSS JOIN LATERAL unnest(p.polroles) u(oid)"
	"     WHERE p.polrelid = l.tab AND p.polpermissive AND p.polcmd IN ('*', 'a', 'w')"
	"     AND (u.oid = 0 OR (l.role <> 0 AND pg_has_role(l.role, u.oid, 'USAGE'))))))"
	"  GROUP BY l.tab, l.role, r.rolname)"
	" SELECT 'membership_writable', 'warning', format('%I.%I', n.nspname, c.relname),"
	"  format('%s can write to it, and policies of %s use it to decide what a role may see: adding a row gives access',"
	"   CASE WHEN w.role = 0 THEN 'everybody' ELSE format('role %I', w.rolname) END,"
	"   w.source || CASE WHEN w.n > 1 THEN format(' and %s more', w.n - 1) ELSE '' END),"
	"  CASE WHEN w.role <> 0 AND pg_has_role(w.role, c.relowner, 'USAGE')"
	"   THEN format('ALTER TABLE %I.%I OWNER TO <role> -- <role> is a role that policies do not apply to', n.nspname, c.relname)"
	"   ELSE format('REVOKE INSERT, UPDATE ON %I.%I FROM %s', n.nspname, c.relname, coalesce("
	"    (SELECT string_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', ')"
	"     FROM (SELECT c.relacl AS acl UNION ALL SELECT b.attacl FROM pg_attribute b WHERE b.attrelid = c.oid) s"
	"     CROSS JOIN LATERAL aclexplode(s.acl) a WHERE a.privilege_type IN ('INSERT', 'UPDATE')"
	"     AND (a.grantee = 0 OR (w.role <> 0 AND pg_has_role(w.role, a.grantee, 'USAGE')))), '<role>')) END"
	" FROM w JOIN pg_class c ON c.oid = w.tab JOIN pg_namespace n ON n.oid = c.relnamespace",
	4, {OIDARRAYOID, INT2ARRAYOID, OIDARRAYOID, TEXTARRAYOID}
};

/* The state of a search for look-ups. */
typedef struct Walk
{
	const Oid  *roles;
	int			nroles;
	const char *source;
	Query	   *query;			/* the sub-select that contains this node;
								 * NULL: none */
	int			depth;			/* number of sub-selects around this node */
	List	  **lookups;
} Walk;

/* Add a look-up of this table and key for each role. */
static void
add_lookup(Walk *walk, Oid table, AttrNumber key)
{
	for (int i = 0; i < walk->nroles; i++)
	{
		CmigRlsLookup *lookup = palloc(sizeof(CmigRlsLookup));

		lookup->table = table;
		lookup->key = key;
		lookup->role = walk->roles[i];
		lookup->source = walk->source;
		*walk->lookups = lappend(*walk->lookups, lookup);
	}
}

/* Add a look-up of the table column from which a sub-select's column comes. */
static void
follow(Walk *walk, Query *query, Node *node)
{
	Var		   *var;
	RangeTblEntry *entry;

	check_stack_depth();
	node = cmig_rls_bare(node);
	if (!IsA(node, Var) || ((Var *) node)->varlevelsup != 0)
		return;
	var = (Var *) node;
	entry = rt_fetch(var->varno, query->rtable);
	if (entry->rtekind == RTE_RELATION && var->varattno > 0)
		add_lookup(walk, entry->relid, var->varattno);
	else if (entry->rtekind == RTE_JOIN && var->varattno > 0)
		follow(walk, query, list_nth(entry->joinaliasvars, var->varattno - 1));
}

/*
 * Follow the first column that the sub-select, or each arm of its UNION,
 * returns.
 */
static void
follow_result(Walk *walk, Query *query)
{
	ListCell   *lc;

	if (query->setOperations == NULL)
	{
		if (query->targetList != NIL)
			follow(walk, query, (Node *) linitial_node(TargetEntry, query->targetList)->expr);
		return;
	}
	foreach(lc, query->rtable)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, lc);

		if (entry->rtekind == RTE_SUBQUERY)
			follow_result(walk, entry->subquery);
	}
}

/* Find the look-ups in an expression's sub-selects. */
static bool
walker(Node *node, void *context)
{
	Walk	   *walk = context;

	if (node == NULL)
		return false;
	if (IsA(node, SubLink) && ((SubLink *) node)->subLinkType != EXISTS_SUBLINK)
		follow_result(walk, castNode(Query, ((SubLink *) node)->subselect));
	if (IsA(node, OpExpr) && walk->query && list_length(((OpExpr *) node)->args) == 2 &&
		cmig_rls_is_equality(((OpExpr *) node)->opno))
	{
		Node	   *left = cmig_rls_bare(linitial(((OpExpr *) node)->args));
		Node	   *right = cmig_rls_bare(lsecond(((OpExpr *) node)->args));

		/*
		 * handle a comparison of a column of the policy's table with a column
		 * of the sub-select
		 */
		if (IsA(left, Var) && ((Var *) left)->varlevelsup == walk->depth)
			follow(walk, walk->query, right);
		else if (IsA(right, Var) && ((Var *) right)->varlevelsup == walk->depth)
			follow(walk, walk->query, left);
	}
	if (IsA(node, Query))
	{
		Walk		inner = *walk;

		inner.query = (Query *) node;
		inner.depth++;
		return query_tree_walker((Query *) node, walker, &inner, 0);
	}
	return expression_tree_walker(node, walker, context);
}

/*
 * Add the look-ups in a policy's expression, which may be NULL, for each role.
 */
static void
lookup_read(Node *tree, const Oid *roles, int nroles, const char *source, List **lookups)
{
	Walk		walk = {roles, nroles, source, NULL, 0, lookups};

	(void) walker(tree, &walk);
}

/*
 * Add findings about look-up tables that the roles can write to, because a
 * role can give itself access by adding a row to such a table.
 */
static void
lookup_add_findings(const List *lookups, List **findings)
{
	int			count = list_length(lookups);
	Datum	   *elements[4];
	Datum		values[4];
	int			i = 0;
	ListCell   *lc;

	if (lookups == NIL)
		return;
	for (int n = 0; n < lengthof(elements); n++)
		elements[n] = palloc(sizeof(Datum) * count);
	foreach(lc, lookups)
	{
		CmigRlsLookup *lookup = lfirst(lc);

		elements[0][i] = ObjectIdGetDatum(lookup->table);
		elements[1][i] = Int16GetDatum(lookup->key);
		elements[2][i] = ObjectIdGetDatum(lookup->role);
		elements[3][i] = CStringGetTextDatum(lookup->source);
		i++;
	}
	values[0] = PointerGetDatum(construct_array(elements[0], count, OIDOID, sizeof(Oid), true, TYPALIGN_INT));
	values[1] = PointerGetDatum(construct_array(elements[1], count, INT2OID, sizeof(int16), true, TYPALIGN_SHORT));
	values[2] = PointerGetDatum(construct_array(elements[2], count, OIDOID, sizeof(Oid), true, TYPALIGN_INT));
	values[3] = PointerGetDatum(construct_array(elements[3], count, TEXTOID, -1, false, TYPALIGN_INT));
	cmig_query_each(&writable, values, NULL, cmig_rls_finding_take, findings);
}

/*
 * Rules about a policy's expression examine its tree (rls_expr.c), and the
 * other rules are queries (rls_posture.c).  rls_finding.c lists all rules.
 */

PG_FUNCTION_INFO_V1(cmig_rls_check);

static char *rls_gate = NULL;
static char *rls_gate_level = NULL;

/* All schemas except those of PostgreSQL and pg_cmig. */
static CmigQuery all_schemas = {
	"SELECT n.oid FROM pg_namespace n WHERE n.nspname !~ '^pg_'"
	" AND n.nspname NOT IN ('information_schema', 'cmig', 'cmig_audit')", 0
};

/*
 * A policy's USING or WITH CHECK expression, and the results of examining it.
 */
typedef struct Clause
{
	const CmigRlsStored *policy;
	const CmigRlsExpression *in;
	bool		is_check;
	const char *name;			/* name of the expression, for messages */
} Clause;

/*
 * The following functions check a USING or WITH CHECK expression.  Each one
 * returns a description of the problem, or NULL.  The default fix is ALTER
 * POLICY with the repaired expressions; if another fix is needed, the function
 * sets *fix.
 */

static char *
check_always_false(const Clause *clause, char **fix)
{
	if (clause->in->truth != CMIG_RLS_NEVER)
		return NULL;
	*fix = cmig_rls_stored_drop(clause->policy);
	return psprintf("%s is always false: %s", clause->name,
					clause->policy->permissive ? "it allows nothing" : "it forbids everything");
}

static char *
check_volatile_function(const Clause *clause, char **fix)
{
	if (clause->in->volatile_function == NULL)
		return NULL;
	return psprintf("%s calls the volatile function %s() for each row, and cannot use an index",
					clause->name, clause->in->volatile_function);
}

static char *
check_row_function(const Clause *clause, char **fix)
{
	/*
	 * if Citus manages the table, suggest no sub-select, because Citus
	 * rejects sub-selects in policies
	 */
	if (clause->in->row_function == NULL || cmig_citus_manages(clause->policy->relid))
		return NULL;
	if (!clause->in->row_function_has_column)
		return psprintf("%s calls %s() for each row; in a sub-select it is called once",
						clause->name, clause->in->row_function);
	*fix = cmig_rls_stored_advice(clause->policy, clause->is_check,
								  "let the function return the keys that the user may see, and use <key> = ANY (ARRAY(SELECT <function>()))");
	return psprintf("%s calls %s() with a column for each row", clause->name, clause->in->row_function);
}

static char *
check_correlated(const Clause *clause, char **fix)
{
	if (!clause->in->correlated)
		return NULL;
	*fix = cmig_rls_stored_advice(clause->policy, clause->is_check,
								  "select the keys without using columns of the row, and use <key> = ANY (ARRAY(SELECT <key> FROM <table> WHERE <user> = <context>))");
	return psprintf("%s has a sub-select that depends on the row, so it runs for each row", clause->name);
}

static char *
check_in_subselect(const Clause *clause, char **fix)
{
	if (clause->in->in_subselect == NULL)
		return NULL;
	if (strcmp(clause->in->in_subselect, "expression") == 0)
		*fix = cmig_rls_stored_advice(clause->policy, clause->is_check,
									  "use <key> = ANY (ARRAY(SELECT <key> FROM <table>)) for each key");
	return psprintf("%s has %s IN (SELECT ...), which cannot use an index; = ANY (ARRAY(SELECT ...)) can",
					clause->name, clause->in->in_subselect);
}

static char *
check_cast(const Clause *clause, char **fix)
{
	if (clause->in->cast_of_empty == NULL)
		return NULL;
	return psprintf("%s casts a setting to %s, which fails if the setting is '', as it is after a transaction that used SET LOCAL",
					clause->name, clause->in->cast_of_empty);
}

static char *
check_missing_ok(const Clause *clause, char **fix)
{
	if (clause->in->strict_setting == NULL)
		return NULL;
	return psprintf("%s reads the setting %s without missing_ok, which fails if the setting was never set",
					clause->name, clause->in->strict_setting);
}

static char *
check_outer_column(const Clause *clause, char **fix)
{
	if (clause->in->outer_column == NULL)
		return NULL;
	*fix = cmig_rls_stored_advice(clause->policy, clause->is_check,
								  "qualify the columns of the sub-select with its table, as in <table>.<column>");
	return psprintf("a sub-select in %s returns column %s of the policy's own table: no table in its FROM clause has that column",
					clause->name, quote_identifier(clause->in->outer_column));
}

static char *
check_self_compared(const Clause *clause, char **fix)
{
	if (clause->in->self_compared == NULL)
		return NULL;
	*fix = cmig_rls_stored_advice(clause->policy, clause->is_check,
								  "qualify both columns with their tables, as in <table>.<column>");
	return psprintf("a comparison in %s has the same column on both sides", clause->name);
}

/* A rule about a policy's USING or WITH CHECK expression. */
typedef struct ClauseRule
{
	const char *rule;
	CmigRlsSeverity severity;
	CmigRlsTruth truth;			/* the rule applies only to expressions with
								 * this truth value */
	char	   *(*check) (const Clause *clause, char **fix);
} ClauseRule;

static const ClauseRule clause_rules[] = {
	{"always_false", CMIG_RLS_WARNING, CMIG_RLS_NEVER, check_always_false},
	{"volatile_function", CMIG_RLS_WARNING, CMIG_RLS_DEPENDS, check_volatile_function},
	{"per_row_function", CMIG_RLS_WARNING, CMIG_RLS_DEPENDS, check_row_function},
	{"correlated_subquery", CMIG_RLS_WARNING, CMIG_RLS_DEPENDS, check_correlated},
	{"in_subselect", CMIG_RLS_WARNING, CMIG_RLS_DEPENDS, check_in_subselect},
	{"cast_of_empty", CMIG_RLS_WARNING, CMIG_RLS_DEPENDS, check_cast},
	{"no_missing_ok", CMIG_RLS_WARNING, CMIG_RLS_DEPENDS, check_missing_ok},
	{"unknown_column", CMIG_RLS_ERROR, CMIG_RLS_DEPENDS, check_outer_column},
	{"unknown_column", CMIG_RLS_ERROR, CMIG_RLS_DEPENDS, check_self_compared},
};

/*
 * Returns ALTER POLICY with the repaired expressions, or advice if they must
 * be changed by hand.
 */
static char *
usual_fix(const Clause *clause)
{
	Node	   *tree = clause->is_check ? clause->policy->check : clause->policy->qual;

	return cmig_rls_repair_applies(tree, clause->policy->relid) ? cmig_rls_stored_repair(clause->policy) :
		cmig_rls_stored_advice(clause->policy, clause->is_check, "call the function in a sub-select, (SELECT <function>())");
}

/* Apply the rules in clause_rules to a USING or WITH CHECK expression. */
static void
check_clause(const CmigRlsStored *policy, bool is_check, List **findings)
{
	Clause		clause = {policy, is_check ? policy->in_check : policy->in_qual, is_check, is_check ? "WITH CHECK" : "USING"};

	for (int i = 0; i < lengthof(clause_rules); i++)
	{
		const ClauseRule *rule = &clause_rules[i];
		char	   *fix = NULL;
		char	   *problem = rule->truth == clause.in->truth ? rule->check(&clause, &fix) : NULL;

		if (problem)
			cmig_rls_stored_add_finding(findings, rule->rule, rule->severity, policy, problem,
										fix ? fix : usual_fix(&clause));
	}
}

/* Report a key that is not the first column of any index. */
static void
check_index(const CmigRlsStored *policy, List **findings)
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
			cmig_rls_stored_add_finding(findings, "missing_index", CMIG_RLS_WARNING, policy,
										psprintf("no index has its key %s as the first column", quote_identifier(name)),
										psprintf("CREATE INDEX ON %s (%s)", policy->table, quote_identifier(name)));
		}
}

/*
 * Report columns for which enable_rls created the policy (according to the
 * policy's comment) but which no longer exist.
 */
static void
check_state(const CmigRlsStored *policy, List **findings)
{
	static const char *const options[] = {"tenant_column", "user_column", "key_column"};
	const char *columns[lengthof(options)];

	if (policy->state == NULL)
		return;
	columns[0] = policy->state->tenant_column;
	columns[1] = policy->state->user_column;
	columns[2] = policy->state->key_column;
	for (int i = 0; i < lengthof(columns); i++)
		if (columns[i] && get_attnum(policy->relid, columns[i]) == InvalidAttrNumber)
			cmig_rls_stored_add_finding(findings, "unknown_column", CMIG_RLS_WARNING, policy,
										psprintf("it was created for column %s, which no longer exists",
												 quote_identifier(columns[i])),
										psprintf("-- SELECT cmig.enable_rls(%s, %s => '<new name>'), with the current name of the column",
												 quote_literal_cstr(policy->table), options[i]));
}

/*
 * Report a policy whose kind, command, and expressions are the same as those
 * of an earlier policy with which it shares a role.
 */
static void
check_duplicates(const CmigRlsStored *policy, const List *siblings, List **findings)
{
	ListCell   *lc;

	foreach(lc, siblings)
	{
		CmigRlsStored *other = lfirst(lc);

		if (other == policy)
			break;
		if (other->permissive == policy->permissive && other->command == policy->command &&
			cmig_rls_stored_share_role(other, policy) && equal(other->qual, policy->qual) &&
			equal(other->check, policy->check))
		{
			cmig_rls_stored_add_finding(findings, "duplicate_policy", CMIG_RLS_WARNING, policy,
										psprintf("it is the same as policy %s", quote_identifier(other->name)),
										cmig_rls_stored_drop(policy));
			break;
		}
	}
}

/* Report a restrictive policy of a table that Citus manages. */
static void
check_restrictive(const CmigRlsStored *policy, List **findings)
{
	if (policy->permissive || !cmig_citus_manages(policy->relid))
		return;
	cmig_rls_stored_add_finding(findings, "restrictive_on_shards", CMIG_RLS_ERROR, policy,
								"Citus makes it permissive on the shards: it lets rows through that other policies reject",
								psprintf("Add its condition to each permissive policy of these roles, then %s", cmig_rls_stored_drop(policy)));
}

/* Apply all rules to one policy, except the rules in rls_open.c. */
static void
check_policy(const CmigRlsStored *policy, const List *siblings, List **findings)
{
	/* if both expressions are equal, report a problem only once */
	if (policy->qual)
		check_clause(policy, false, findings);
	if (policy->check && !equal(policy->qual, policy->check))
		check_clause(policy, true, findings);
	check_index(policy, findings);
	check_state(policy, findings);
	check_duplicates(policy, siblings, findings);
	check_restrictive(policy, findings);
}

/* A table's policies, and the results of checking them. */
typedef struct Judging
{
	List	   *siblings;
	const CmigRlsStored *policy;	/* the policy that is being checked */
	List	   *lookups;
	List	   *findings;
} Judging;

/* Judge all of a table's policies; a task for cmig_rls_sandbox_run(). */
static void
judge_siblings(void *arg)
{
	cmig_rls_stored_judge(((Judging *) arg)->siblings);
}

/* Judge one policy; a task for cmig_rls_sandbox_run(). */
static void
judge_policy(void *arg)
{
	Judging    *judging = arg;
	const CmigRlsStored *policy = judging->policy;
	int			count;
	Oid		   *roles = cmig_rls_stored_roles(policy, &count);

	lookup_read(cmig_rls_stored_deciding(policy), roles, count, policy->table, &judging->lookups);
	check_policy(policy, judging->siblings, &judging->findings);
	cmig_rls_open_add_findings(policy, judging->siblings, &judging->findings);
}

/*
 * Judge a table's policies.  If judging one of them fails, report that this
 * policy could not be judged, and continue with the others.
 */
static void
judge_table(Judging *judging)
{
	bool		read = cmig_rls_sandbox_run(InvalidOid, judge_siblings, judging) == 0;
	ListCell   *lc;

	foreach(lc, judging->siblings)
	{
		judging->policy = lfirst(lc);
		if (!read || cmig_rls_sandbox_run(InvalidOid, judge_policy, judging) != 0)
			cmig_rls_stored_add_finding(&judging->findings, "not_judged", CMIG_RLS_WARNING, judging->policy,
										pstrdup("it cannot be checked: reading it fails"),
										cmig_rls_stored_try(judging->policy));
	}
}

/*
 * Returns the findings about all policies in the schemas, most severe first.
 */
static List *
find_all(ArrayType *schemas)
{
	List	   *policies = cmig_rls_stored_read(schemas);
	Judging		judging = {0};

	for (int first = 0, next; first < list_length(policies); first = next)
	{
		Oid			relid = ((CmigRlsStored *) list_nth(policies, first))->relid;

		/* collect the table's policies, which are adjacent in the list */
		judging.siblings = NIL;
		for (next = first; next < list_length(policies) &&
			 ((CmigRlsStored *) list_nth(policies, next))->relid == relid; next++)
			judging.siblings = lappend(judging.siblings, list_nth(policies, next));
		CHECK_FOR_INTERRUPTS();
		judge_table(&judging);
	}
	lookup_add_findings(judging.lookups, &judging.findings);
	cmig_rls_posture_add_findings(schemas, &judging.findings);
	list_sort(judging.findings, cmig_rls_finding_compare);
	return judging.findings;
}

/*
 * SQL functions, and the check at the end of an upgrade
 */

/* Returns the OIDs as an array. */
static ArrayType *
oid_array(const List *oids)
{
	Datum	   *elements = palloc(sizeof(Datum) * (list_length(oids) + 1));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, oids)
	{
		elements[count++] = ObjectIdGetDatum(lfirst_oid(lc));
	}
	return construct_array(elements, count, OIDOID, sizeof(Oid), true, TYPALIGN_INT);
}

CMIG_READER(cmig_rls_check)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *schemas = NIL;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		cmig_query_each(&all_schemas, NULL, NULL, cmig_query_keep_oid, &schemas);
	else
		schemas = list_make1_oid(get_namespace_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)), false));

	foreach(lc, find_all(oid_array(schemas)))
	{
		CmigRlsFinding *finding = lfirst(lc);
		Datum		values[5];
		bool		nulls[5] = {0};

		values[0] = CStringGetTextDatum(finding->rule);
		values[1] = CStringGetTextDatum(cmig_rls_finding_severity(finding));
		values[2] = CStringGetTextDatum(finding->object);
		values[3] = CStringGetTextDatum(finding->problem);
		nulls[4] = (finding->fix == NULL);
		if (finding->fix)
			values[4] = CStringGetTextDatum(finding->fix);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* Hint for an invalid value of cmig.rls_gate; for use in ereport(). */
static int
gate_hint(void)
{
	return errhint("List only schemas that exist: SELECT cmig.set_option('cmig.rls_gate', '<schemas>')");
}

/*
 * Does the finding stop an upgrade?  Each level includes those before it:
 * errors, other warnings, and what is not judged.
 */
static bool
stops(const CmigRlsFinding *finding, const char *level)
{
	if (finding->severity == CMIG_RLS_ERROR)
		return true;
	return finding->severity == CMIG_RLS_WARNING && strcmp(level, "error") != 0 &&
		(strcmp(finding->rule, "not_judged") != 0 || strcmp(level, "not_judged") == 0);
}

void
cmig_rls_gate(void)
{
	List	   *names;
	List	   *schemas = NIL;
	CmigListing detail;
	char	   *fix = NULL;
	static const char try_it[] = "-- try it: ";
	const char *gate;
	const char *level = cmig_settings_guard_text("cmig.rls_gate_level", rls_gate_level);
	ListCell   *lc;

	gate = cmig_settings_guard_text("cmig.rls_gate", rls_gate);
	if (gate[0] == '\0')
		return;
	if (!SplitIdentifierString(pstrdup(gate), ',', &names))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for parameter \"%s\": \"%s\"", "cmig.rls_gate", gate),
				 errdetail("List syntax is invalid."),
				 gate_hint()));
	foreach(lc, names)
	{
		Oid			schema = get_namespace_oid(lfirst(lc), true);

		if (!OidIsValid(schema))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_SCHEMA),
					 errmsg("schema \"%s\" does not exist", (char *) lfirst(lc)),
					 errdetail("The setting cmig.rls_gate lists it as a schema to check at the end of an upgrade."),
					 gate_hint()));
		schemas = lappend_oid(schemas, schema);
	}

	cmig_listing_init(&detail, CMIG_LISTING_LINES);
	foreach(lc, find_all(oid_array(schemas)))
	{
		CmigRlsFinding *finding = lfirst(lc);

		if (!stops(finding, level))
			continue;
		cmig_listing_add_format(&detail, "%s (%s): %s.",
								finding->object, finding->rule, finding->problem);
		if (fix == NULL)
			fix = finding->fix;
	}
	if (detail.count == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_RLS_GATE),
			 errmsg_plural("the upgrade would leave %d hole in row-level security",
						   "the upgrade would leave %d holes in row-level security", detail.count, detail.count),
			 errdetail_internal("%s", cmig_listing_text(&detail)),
			 strncmp(fix, try_it, strlen(try_it)) == 0 ?
			 errhint("SELECT * FROM cmig.rls_check() shows all findings. Try: %s", fix + strlen(try_it)) :
			 errhint("SELECT * FROM cmig.rls_check() shows all findings. Add to the last revision: %s", fix)));
}

/* Check hook of cmig.rls_gate.  The schemas need not exist yet. */
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

/* Check hook of cmig.rls_gate_level. */
static bool
check_gate_level(char **value, void **extra, GucSource source)
{
	if (strcmp(*value, "error") == 0 || strcmp(*value, "warning") == 0 || strcmp(*value, "not_judged") == 0)
		return true;
	GUC_check_errhint("Available values: error, warning, not_judged.");
	return false;
}

void
cmig_rls_check_init(void)
{
	/*
	 * cmig.rls_gate lists the schemas that are checked at the end of an
	 * upgrade.  Only superusers and roles to which they have granted the
	 * privilege can set it, so that a revision's author cannot turn the check
	 * off.
	 */
	DefineCustomStringVariable("cmig.rls_gate",
							   "Sets the schemas whose row-level security is checked at the end of an upgrade.",
							   "Findings with severity error stop the upgrade.", &rls_gate, "", PGC_SUSET, GUC_LIST_INPUT,
							   check_gate, NULL, NULL);
	DefineCustomStringVariable("cmig.rls_gate_level",
							   "Sets which findings of cmig.rls_check stop an upgrade.",
							   "error: errors; warning: also warnings; not_judged: also policies that cannot be judged.",
							   &rls_gate_level, "error", PGC_SUSET, 0, check_gate_level, NULL, NULL);
}
