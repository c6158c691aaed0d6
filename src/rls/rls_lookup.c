/*
 * rls_lookup.c
 *	  Finds tables in which policies look up what a role may see, and checks
 *	  whether the role could give itself access by writing to these tables.
 *
 * The key of a look-up is the column that identifies the row: a column that
 * the sub-select returns or compares with a column of the outer row.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "base/compat.h"
#include "rls/rls_finding.h"
#include "rls/rls_lookup.h"
#include "rls/rls_node.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/builtins.h"

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

void
cmig_rls_lookup_read(Node *tree, const Oid *roles, int nroles, const char *source, List **lookups)
{
	Walk		walk = {roles, nroles, source, NULL, 0, lookups};

	(void) walker(tree, &walk);
}

void
cmig_rls_lookup_add_findings(const List *lookups, List **findings)
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
