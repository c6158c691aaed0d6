/*
 * bound.c
 *	  What the names in stored statements stand for, when they run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_cast.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "versions/internal.h"

bool
cmig_versions_hold(const char *name)
{
	static CmigQuery query = {"SELECT to_regclass($1)::oid", {TEXTOID}};
	char	   *oid = cmig_query_value(&query, name);

	if (oid != NULL)
		cmig_query_hold(atooid(oid), NoLock);
	if (!cmig_text_same(oid, cmig_query_value(&query, name)))
		cmig_query_raise_changed(psprintf("Table %s was replaced.", name));
	return oid != NULL;
}

void
cmig_versions_require_role(const CmigExpansion *expansion, const char *name)
{
	Oid			role = get_role_oid(name, true);

	if (!OidIsValid(role) || !has_privs_of_role(role, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("statements of the expansion of revision \"%s\" were stored by role \"%s\", which does not have your privileges",
						expansion->revision, name),
				 errdetail("They would run with your privileges."),
				 errhint("%s If the statements are right, as after a restore with another owner: UPDATE cmig.expansion_step SET role = DEFAULT WHERE scope = %s; UPDATE cmig.expansion_run SET role = DEFAULT WHERE scope = %s",
						 !OidIsValid(role) ? "There is no such role." : psprintf("Repeat the CALL as role %s, or as one whose privileges that role has.", quote_identifier(name)),
						 quote_literal_cstr(expansion->scope), quote_literal_cstr(expansion->scope))));
}

void
cmig_versions_hold_run(const CmigExpansion *expansion, Oid caller)
{
	static CmigQuery query = {"SELECT role FROM cmig.expansion_run WHERE scope = $1 FOR UPDATE", {TEXTOID}};
	CmigRole	saved;
	char	   *role;

	cmig_role_act_as_caller(&saved, caller);
	role = cmig_query_value(&query, expansion->scope);
	if (role == NULL)
		cmig_query_raise_changed(psprintf("Revision \"%s\" is no longer expanded.", expansion->revision));
	cmig_versions_require_role(expansion, role);
	cmig_role_return(&saved);
}

void
cmig_versions_require_bound(const CmigExpansion *expansion, Oid caller, const List *relations, const Node *stmt)
{
	static CmigQuery query = {
		"SELECT format('%s AS %s', c.castsource::regtype, c.casttarget::regtype), w.owner::regrole FROM pg_cast c JOIN pg_proc p ON p.oid = c.castfunc"
		" JOIN pg_type a ON a.oid = p.proargtypes[0], LATERAL (SELECT o FROM pg_type t, unnest(ARRAY[p.proowner, CASE a.typtype WHEN 'p' THEN t.typowner END]) o WHERE t.oid IN (c.castsource, c.casttarget) AND NOT pg_has_role(o, $2, 'USAGE') LIMIT 1) w (owner)"
		" WHERE (age(c.xmin) < (SELECT max(age(o.xmin)) FROM (SELECT xmin FROM cmig.expansion_step WHERE scope = $1 UNION ALL SELECT n.xmin FROM cmig.expansion_run r, unnest(r.schemas) s, pg_namespace n"
		"  WHERE r.scope = $1 AND n.nspname::text = cmig.version_schema(r.revision, s)) o) OR EXISTS (SELECT FROM cmig.expansion_step p JOIN cmig.expansion_step c ON c.xmin = p.xmin WHERE p.scope = $1 AND c.scope = $1 AND p.done AND NOT c.done)) LIMIT 1",
		{TEXTOID, OIDOID}
	};
	static CmigQuery dropped = {
		"SELECT c->>3 FROM cmig.expansion_run, jsonb_array_elements(columns) c WHERE scope = $1 AND c->>2 = 'cast'"
		" EXCEPT SELECT format('%s AS %s', castsource::regtype, casttarget::regtype) FROM pg_cast ORDER BY 1 LIMIT 1", {TEXTOID}
	};
	Oid			role = GetUserId();
	CmigRole	saved;
	char	  **row;
	char	   *gone;

	cmig_versions_hold_run(expansion, caller);

	/*
	 * Those who may update the steps could make them newer, but not the
	 * version's schema.  After a restore, nothing tells, so all count.  Not
	 * while rows are read, which takes long; an abandonment only drops.
	 */
	if (strcmp(expansion->state, "abandoning") == 0)
		return;
	if (stmt != NULL)
	{
		cmig_toplevel_snapshot();
		cmig_role_act_as_caller(&saved, caller);
		foreach_ptr(const char, relation, relations)
			(void) cmig_versions_hold(relation);
		(void) cmig_versions_require_tables(expansion, NULL);
		cmig_role_return(&saved);
	}
	if (stmt != NULL && !IsA(stmt, IndexStmt) &&
		!(IsA(stmt, AlterTableStmt) && linitial_node(AlterTableCmd, ((AlterTableStmt *) stmt)->cmds)->subtype == AT_AddConstraint))
		return;
	/* CREATE CAST waits for it */
	cmig_toplevel_snapshot();
	LockRelationOid(CastRelationId, ShareLock);
	cmig_role_act_as_caller(&saved, caller);
	row = cmig_query_row(&query, expansion->scope, role);
	gone = cmig_query_value(&dropped, expansion->scope);
	cmig_role_return(&saved);
	if (gone != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cast (%s) was dropped since revision \"%s\" was expanded", gone, expansion->revision),
				 errdetail("Without it, the stored statements would mean something else, or fail."),
				 cmig_hint("Create it again and repeat the `CALL`, or `CALL cmig.abandon()`")));
	if (row != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cast (%s) is newer than the expansion of revision \"%s\", and its function, or a type, belongs to role %s", row[0], expansion->revision, row[1]),
				 errdetail("Statements that find a cast by its types would call the function with your privileges, and so would all who write the tables."),
				 errhint("DROP CAST (%s), and repeat the CALL. Then it can be created again.", row[0])));
}
