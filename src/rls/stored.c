/*
 * stored.c
 *	  The policies in the catalog, and what rls_check finds.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/base.h"
#include "rls/internal.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static const char *const severities[] = {
	[CMIG_RLS_ERROR] = "error",
	[CMIG_RLS_WARNING] = "warning",
	[CMIG_RLS_NOTICE] = "notice",
};

const char *
cmig_rls_finding_severity(const CmigRlsFinding *finding)
{
	return severities[finding->severity];
}

int
cmig_rls_finding_compare(const ListCell *a, const ListCell *b)
{
	const CmigRlsFinding *left = lfirst(a);
	const CmigRlsFinding *right = lfirst(b);
	int			order = (int) left->severity - (int) right->severity;

	if (order == 0)
		order = strcmp(left->object, right->object);
	if (order == 0)
		order = strcmp(left->rule, right->rule);
	return order ? order : strcmp(left->problem, right->problem);
}

CmigRlsFinding *
cmig_rls_finding_read(TupleDesc desc, HeapTuple row)
{
	CmigRlsFinding *finding = palloc0(sizeof(CmigRlsFinding));

	const char *severity = cmig_query_text(desc, row, 2);

	finding->rule = cmig_query_text(desc, row, 1);
	while (finding->severity < CMIG_RLS_NOTICE && strcmp(severities[finding->severity], severity) != 0)
		finding->severity++;
	finding->object = cmig_query_text(desc, row, 3);
	finding->problem = cmig_query_text(desc, row, 4);
	if (TupleDescAttr(desc, 4)->atttypid == TEXTOID)
		finding->fix = cmig_query_text(desc, row, 5);
	return finding;
}

void
cmig_rls_finding_take(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **findings = arg;

	*findings = lappend(*findings, cmig_rls_finding_read(desc, row));
}

/*
 * rls_stored
 */

static CmigQuery read_policies = {
	"SELECT p.polrelid, p.polname::text, p.polpermissive, p.polcmd::text, p.polroles,"
	" p.polqual::text, p.polwithcheck::text, d.description, format('%I.%I', n.nspname, c.relname),"
	" ARRAY(SELECT x.indkey[0] FROM pg_index x WHERE x.indrelid = c.oid AND x.indisvalid AND x.indpred IS NULL)"
	" FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
	" LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_policy'::regclass AND d.objsubid = 0"
	" WHERE c.relnamespace = ANY ($1) ORDER BY p.polrelid, p.polname",
	1, {OIDARRAYOID}
};

/*
 * Reading policies
 */

/* Callback that reads a row of the query read_policies. */
static void
take_policy(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **policies = arg;
	CmigRlsStored *policy = palloc0(sizeof(CmigRlsStored));
	bool		isnull;
	ArrayType  *leads;
	Datum	   *elements;
	int			count;

	policy->relid = DatumGetObjectId(cmig_query_datum(desc, row, 1, &isnull));
	policy->name = cmig_query_text(desc, row, 2);
	policy->permissive = DatumGetBool(cmig_query_datum(desc, row, 3, &isnull));
	policy->command = *cmig_query_text(desc, row, 4);
	policy->roles = DatumGetArrayTypePCopy(cmig_query_datum(desc, row, 5, &isnull));
	policy->qual_text = cmig_query_text(desc, row, 6);
	policy->check_text = cmig_query_text(desc, row, 7);
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
 * Returns the columns that tell who owns a row: columns that a policy of the
 * table compares with the context, columns that were given to enable_rls, and
 * columns with the usual names.
 */
static Bitmapset *
key_columns(const List *siblings)
{
	Bitmapset  *keys = NULL;
	ListCell   *lc;

	foreach(lc, siblings)
	{
		CmigRlsStored *policy = lfirst(lc);
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

void
cmig_rls_stored_add_finding(List **findings, const char *rule, CmigRlsSeverity severity, const CmigRlsStored *policy,
							char *problem, char *fix)
{
	CmigRlsFinding *finding = palloc(sizeof(CmigRlsFinding));

	finding->rule = rule;
	finding->severity = severity;
	finding->object = psprintf("policy %s on %s", quote_identifier(policy->name), policy->table);
	finding->problem = problem;
	finding->fix = fix;
	*findings = lappend(*findings, finding);
}

char *
cmig_rls_stored_drop(const CmigRlsStored *policy)
{
	return psprintf("DROP POLICY %s ON %s", quote_identifier(policy->name), policy->table);
}

/* Returns an ALTER POLICY statement with repaired expressions. */
char *
cmig_rls_stored_repair(const CmigRlsStored *policy)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "ALTER POLICY %s ON %s", quote_identifier(policy->name), policy->table);
	if (policy->qual)
		appendStringInfo(&text, " USING (%s)", cmig_rls_repair_text(policy->qual, policy->relid));
	if (policy->check)
		appendStringInfo(&text, " WITH CHECK (%s)", cmig_rls_repair_text(policy->check, policy->relid));
	return text.data;
}

char *
cmig_rls_stored_advice(const CmigRlsStored *policy, bool is_check, const char *advice)
{
	return psprintf("-- %s of policy %s on %s: %s", is_check ? "WITH CHECK" : "USING", quote_identifier(policy->name),
					policy->table, advice);
}

char *
cmig_rls_stored_try(const CmigRlsStored *policy)
{
	int			count;
	Oid		   *roles = cmig_rls_stored_roles(policy, &count);

	return psprintf("-- try it: SELECT * FROM cmig.rls_test(%s, %s, '<user id>', '<tenant id>')", quote_literal_cstr(policy->table),
					roles[0] == ACL_ID_PUBLIC ? "'<role>'" : quote_literal_cstr(GetUserNameFromId(roles[0], false)));
}

Oid *
cmig_rls_stored_roles(const CmigRlsStored *policy, int *count)
{
	*count = ARR_DIMS(policy->roles)[0];
	return (Oid *) ARR_DATA_PTR(policy->roles);
}

bool
cmig_rls_stored_binds(const CmigRlsStored *policy, Oid role)
{
	int			count;
	Oid		   *roles = cmig_rls_stored_roles(policy, &count);

	for (int i = 0; i < count; i++)
		if (roles[i] == role || roles[i] == ACL_ID_PUBLIC ||
			(role != ACL_ID_PUBLIC && !superuser_arg(role) && has_privs_of_role(role, roles[i])))
			return true;
	return false;
}

bool
cmig_rls_stored_share_role(const CmigRlsStored *a, const CmigRlsStored *b)
{
	int			count;
	Oid		   *roles = cmig_rls_stored_roles(b, &count);

	for (int i = 0; i < count; i++)
		if (cmig_rls_stored_binds(a, roles[i]))
			return true;
	return false;
}

bool
cmig_rls_stored_share_command(const CmigRlsStored *a, const CmigRlsStored *b)
{
	return a->command == b->command || a->command == '*' || b->command == '*';
}

Node *
cmig_rls_stored_deciding(const CmigRlsStored *policy)
{
	return policy->command == 'a' ? policy->check : policy->qual;
}

const CmigRlsExpression *
cmig_rls_stored_decided(const CmigRlsStored *policy)
{
	return policy->command == 'a' ? policy->in_check : policy->in_qual;
}

/*
 * Exported functions
 */

List *
cmig_rls_stored_read(ArrayType *schemas)
{
	Datum		values[1] = {PointerGetDatum(schemas)};
	List	   *policies = NIL;

	cmig_query_each(&read_policies, values, NULL, take_policy, &policies);
	return policies;
}

void
cmig_rls_stored_judge(List *siblings)
{
	Bitmapset  *keys;
	ListCell   *lc;

	foreach(lc, siblings)
	{
		CmigRlsStored *policy = lfirst(lc);

		policy->qual = policy->qual_text ? stringToNode(policy->qual_text) : NULL;
		policy->check = policy->check_text ? stringToNode(policy->check_text) : NULL;
	}
	keys = key_columns(siblings);
	foreach(lc, siblings)
	{
		CmigRlsStored *policy = lfirst(lc);

		policy->keys = keys;
		policy->in_qual = cmig_rls_expr_read(policy->qual, policy->relid, keys);
		policy->in_check = cmig_rls_expr_read(policy->check, policy->relid, keys);
	}
}
