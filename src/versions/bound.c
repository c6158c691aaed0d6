/*
 * bound.c
 *	  What the names in stored statements stand for, when they run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "parser/parse_utilcmd.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "versions/internal.h"
#include "versions/versions.h"

Oid
cmig_versions_relation_named(const char *name)
{
	List	   *parts;

	AcceptInvalidationMessages();
	if (!SplitIdentifierString(pstrdup(name), '.', &parts) || list_length(parts) != 2)
		return InvalidOid;
	return get_relname_relid(lsecond(parts), get_namespace_oid(linitial(parts), true));
}

Oid
cmig_versions_hold(const char *name)
{
	Oid			oid = cmig_versions_relation_named(name);

	if (OidIsValid(oid))
		cmig_query_hold(oid, NoLock);
	if (oid != cmig_versions_relation_named(name))
		cmig_query_raise_changed(psprintf("Table %s was replaced.", name));
	return oid;
}

/* Can the caller run what a role of this name has stored? */
static bool
may_run(Oid caller, const char *name)
{
	Oid			role = get_role_oid(name, true);

	return OidIsValid(role) && has_privs_of_role(role, caller);
}

/*
 * Is there a role that can contract and abandon expansions, and can run what these have
 * stored?  If there is one, and a single role has stored it, that one can, too.
 */
static bool
may_anybody_run(const List *names)
{
	static CmigQuery query = {
		"SELECT r.oid FROM pg_roles r, pg_proc p WHERE r.rolname = coalesce($1::name, r.rolname)"
		" AND p.proname = 'contract' AND p.pronamespace = 'cmig'::regnamespace"
		" AND has_function_privilege(r.oid, p.oid, 'EXECUTE')"
		" AND has_table_privilege(r.oid, 'cmig.expansion_run'::regclass, 'DELETE')", {TEXTOID}
	};
	const char *single = list_length(names) == 1 ? linitial(names) : NULL;

	foreach_ptr(CmigValue, caller, cmig_query_list(&query, single))
	{
		bool		all = true;

		foreach_ptr(const char, name, names)
			all &= may_run(atooid(caller[0]), name);
		if (all)
			return true;
	}
	return false;
}

/* Returns what to do if nobody, or not the caller, can run what the role, or NULL, has stored. */
static char *
role_hint(const CmigExpansion *expansion, const char *name, const char *role)
{
	const char *who = name == NULL ? "" :
	!OidIsValid(get_role_oid(name, true)) ? "There is no such role. " :
	!may_anybody_run(list_make1(unconstify(char *, name))) ? "" :
	psprintf("Repeat the CALL as role %s, or as one whose privileges that role has. ",
			 quote_identifier(name));
	const char *scope = quote_literal_cstr(expansion->scope);

	return psprintf("%sIf the statements are right, as after a restore with another owner%s: UPDATE cmig.expansion_step SET role = %s WHERE scope = %s; UPDATE cmig.expansion_run SET role = %s WHERE scope = %s",
					who,
					superuser() ? "" : ", or if the role was renamed, the extension's owner runs",
					role, scope, role, scope);
}

void
cmig_versions_require_role(const CmigExpansion *expansion, const char *name)
{
	if (!may_run(GetUserId(), name))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("statements of the expansion of revision \"%s\" were stored by role \"%s\", which does not have your privileges",
						expansion->revision, name),
				 errdetail("They would run with your privileges."),
				 errhint("%s", role_hint(expansion, name, superuser() ? "DEFAULT" :
										 quote_literal_cstr(GetUserNameFromId(GetUserId(), false))))));
}

List *
cmig_versions_role_problems(const CmigExpansion *expansion)
{
	static CmigQuery query = {
		"SELECT role FROM (SELECT role FROM cmig.expansion_run WHERE scope = $1 UNION"
		" SELECT role FROM cmig.expansion_step WHERE scope = $1) r WHERE role IS NOT NULL ORDER BY 1", {TEXTOID}
	};
	List	   *names = NIL;
	const char *name = NULL;
	const char *why;
	StringInfoData all;
	char	   *problem[4] = {"error", "expansion"};

	initStringInfo(&all);
	foreach_ptr(CmigValue, row, cmig_query_list(&query, expansion->scope))
	{
		names = lappend(names, row[0]);
		appendStringInfo(&all, "%s\"%s\"", all.len > 0 ? ", " : "", row[0]);
		if (!may_anybody_run(list_make1(row[0])))
			name = row[0];
	}
	if (names == NIL || may_anybody_run(names))
		return NIL;
	if (name == NULL)
		why = psprintf("roles %s, and no role can run those of all of them", all.data);
	else if (OidIsValid(get_role_oid(name, true)))
		why = psprintf("role \"%s\", which does not have the privileges of a role that can", name);
	else
		why = psprintf("role \"%s\", which does not exist", name);
	problem[2] = psprintf("nobody can contract or abandon revision \"%s\": its statements were stored by %s",
						  expansion->revision, why);
	problem[3] = role_hint(expansion, name, "DEFAULT");
	return list_make1(memcpy(palloc(sizeof(problem)), problem, sizeof(problem)));
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

/*
 * What $1 and $2, arrays of catalogs and OIDs, stand for: names with the owners of the
 * code.  The type of a domain stands for what its constraints use, too.
 */
#define BOUND \
	"WITH RECURSIVE x (class, id) AS (SELECT * FROM unnest($1::oid[], $2::oid[]) UNION" \
	" SELECT d.* FROM x, LATERAL (SELECT d.refclassid, d.refobjid FROM pg_depend d" \
	"  WHERE d.classid = x.class AND d.objid = x.id AND d.refclassid = x.class" \
	"  UNION ALL SELECT d.refclassid, d.refobjid FROM pg_constraint c JOIN pg_depend d" \
	"   ON d.classid = 'pg_constraint'::regclass AND d.objid = c.oid" \
	"  WHERE c.contypid = x.id AND c.contypid >= 16384) d (class, id)" \
	" WHERE x.class = 'pg_type'::regclass AND d.id >= 16384)," \
	" b (what, owner, place) AS (" \
	"SELECT 'function ' || p.oid::regprocedure, p.proowner, p.pronamespace FROM x JOIN pg_proc p" \
	" ON p.oid = x.id" \
	" WHERE x.class = 'pg_proc'::regclass" \
	" UNION SELECT format('operator %s, which calls %s,', " CMIG_OPERATOR_SQL("o") "," \
	" p.oid::regprocedure), p.proowner, o.oprnamespace FROM x JOIN pg_operator o ON o.oid = x.id" \
	" JOIN pg_proc p ON p.oid = o.oprcode WHERE x.class = 'pg_operator'::regclass" \
	" UNION SELECT format('%s %s', CASE typtype WHEN 'd' THEN 'domain' ELSE 'type' END," \
	" format_type(t.oid, NULL)), t.typowner, t.typnamespace" \
	" FROM x JOIN pg_type t ON t.oid = x.id WHERE x.class = 'pg_type'::regclass" \
	" UNION SELECT 'relation ' || c.oid::regclass, c.relowner, c.relnamespace FROM x JOIN" \
	" pg_class c ON c.oid = x.id" \
	" WHERE x.class = 'pg_class'::regclass AND c.relkind <> ALL ('{i,I,t}')" \
	" UNION SELECT format('collation %s', c.oid::regcollation), c.collowner, c.collnamespace" \
	" FROM x JOIN pg_collation c ON c.oid = x.id" \
	" WHERE x.class = 'pg_collation'::regclass" \
	" UNION SELECT 'text search configuration ' || c.oid::regconfig, c.cfgowner, c.cfgnamespace" \
	" FROM x JOIN pg_ts_config c ON c.oid = x.id" \
	" WHERE x.class = 'pg_ts_config'::regclass" \
	" UNION SELECT 'text search dictionary ' || c.oid::regdictionary, c.dictowner," \
	" c.dictnamespace FROM x JOIN pg_ts_dict c ON c.oid = x.id" \
	" WHERE x.class = 'pg_ts_dict'::regclass)"

/*
 * The casts of a user that call no function of one, which no dependency shows.  Their
 * creator owns one of the types.
 */
#define CASTS \
	"SELECT format('cast (%s AS %s)', k.castsource::regtype, k.casttarget::regtype), t.typowner" \
	" FROM pg_cast k JOIN pg_type t ON t.oid IN (k.castsource, k.casttarget) WHERE k.oid >= 16384" \
	" AND k.castfunc < 16384"

/*
 * The types of what BOUND finds: a cast of another one cannot be used.  First, they are an array,
 * because PostgreSQL 19 takes memory for all rows that it expects in a recursion, up to gigabytes.
 */
#define TYPES \
	", u (id) AS (SELECT unnest(ARRAY(SELECT v.id FROM x, LATERAL (SELECT x.id" \
	"  WHERE x.class = 'pg_type'::regclass" \
	"  UNION ALL SELECT atttypid FROM pg_attribute WHERE x.class = 'pg_class'::regclass AND" \
	" attrelid = x.id" \
	"  UNION ALL SELECT unnest(proargtypes::oid[] || prorettype) FROM pg_proc WHERE x.class =" \
	" 'pg_proc'::regclass AND oid = x.id" \
	"  UNION ALL SELECT unnest(ARRAY[oprleft, oprright, oprresult]) FROM pg_operator WHERE" \
	" x.class = 'pg_operator'::regclass AND oid = x.id) v (id)))" \
	"  UNION SELECT unnest(ARRAY[t.typelem, t.typbasetype]) FROM u JOIN pg_type t ON t.oid = u.id)"

/* Returns the arguments of BOUND: in "arrays", a List of ObjectAddress * as texts. */
static void
write_objects(const List *objects, char *arrays[2])
{
	StringInfoData classes;
	StringInfoData ids;

	initStringInfo(&classes);
	initStringInfo(&ids);
	foreach_ptr(const ObjectAddress, object, objects)
	{
		appendStringInfo(&classes, "%c%u", classes.len > 0 ? ',' : '{', object->classId);
		appendStringInfo(&ids, "%c%u", ids.len > 0 ? ',' : '{', object->objectId);
	}
	arrays[0] = psprintf("%s}", classes.len > 0 ? classes.data : "{");
	arrays[1] = psprintf("%s}", ids.len > 0 ? ids.data : "{");
}

/*
 * Returns a List of ObjectAddress *: the objects of users to which those refer that
 * the transaction has created or changed since the command.
 */
static List *
find_bound(CommandId since)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(depend, InvalidOid, false, NULL, 0, NULL);
	List	   *found = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend row = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress *object;

		if (row->refobjid < FirstNormalObjectId ||
			!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)) ||
			HeapTupleHeaderGetCmin(tuple->t_data) < since)
			continue;
		object = palloc0(sizeof(ObjectAddress));
		object->classId = row->refclassid;
		object->objectId = row->refobjid;
		found = lappend(found, object);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return found;
}

/* Add rows of a name, an owner, and the schema's OID, or NULL if there is none. */
static void
add_bound(CmigPlanning *p, const List *rows)
{
	foreach_ptr(CmigValue, row, rows)
	{
		char	  **column = palloc0(9 * sizeof(char *));
		bool		known = false;

		foreach_ptr(CmigValue, other, p->result->columns)
			known |= strcmp(other[2], "bound") == 0 && strcmp(other[3], row[0]) == 0 &&
			strcmp(other[4], row[1]) == 0 && cmig_text_same(other[7], row[2]);
		if (known)
			continue;
		column[0] = "";
		column[2] = "bound";
		column[3] = row[0];
		column[4] = row[1];
		column[7] = row[2];
		p->result->columns = lappend(p->result->columns, column);
	}
}

void
cmig_versions_note_bound(CmigPlanning *p)
{
	static CmigQuery query = {
		BOUND " SELECT what, pg_get_userbyid(owner), place, nspname FROM b LEFT JOIN pg_namespace n ON"
		" n.oid = place UNION SELECT '', current_user, NULL, NULL", {TEXTOID, TEXTOID}
	};
	char	   *arrays[2];
	List	   *rows;

	write_objects(find_bound(p->since), arrays);
	rows = cmig_query_list(&query, arrays[0], arrays[1]);
	foreach_ptr(CmigValue, row, rows)
	{
		Oid			live = row[3] != NULL ? cmig_managed_live(p->managed, row[3]) : InvalidOid;

		if (OidIsValid(live))
			row[2] = psprintf("%u", live);
	}
	add_bound(p, rows);
}

void
cmig_versions_hold_copied(CmigPlanning *p)
{
	static CmigQuery casts = {
		"SELECT what, pg_get_userbyid(owner), NULL FROM (" CASTS ") c (what, owner)"
	};

	/*
	 * A copy has the caller as its owner if the caller cannot give it away.
	 * What was not there when it was copied may have replaced it meanwhile.
	 */
	static CmigQuery owners = {
		"SELECT w, pg_get_userbyid(coalesce(c.relowner, t.typowner)), coalesce(c.relnamespace,"
		" t.typnamespace), coalesce(c.oid, t.typrelid, 0), coalesce(t.oid, 0) FROM unnest($1) w, LATERAL"
		" (SELECT split_part(w, ' ', 1), substr(w, strpos(w, ' ') + 1)) s (kind, name)"
		" LEFT JOIN pg_class c ON c.oid = "
		CMIG_RELATION_NAMED("(CASE kind WHEN 'relation' THEN name END)")
		" LEFT JOIN pg_type t ON t.oid = "
		CMIG_TYPE_NAMED("(CASE WHEN kind IN ('type', 'domain') THEN name END)")
		" WHERE coalesce(c.oid, t.oid) IS NOT NULL", {TEXTARRAYOID}
	};
	CmigNames	names = {.names = palloc(sizeof(char *) * (list_length(p->result->columns) + 1))};

	foreach_ptr(CmigValue, row, p->result->columns)
	{
		if (strcmp(row[2], "bound") == 0)
			names.names[names.count++] = row[3];
	}
	foreach_ptr(CmigValue, row, cmig_query_list(&owners, &names))
	{
		const CmigAddress relation = {RelationRelationId, atooid(row[3])};
		const CmigAddress type = {TypeRelationId, atooid(row[4])};

		if (cmig_image_find_exactly(p->live, relation) != NULL ||
			cmig_image_find_exactly(p->live, type) != NULL)
			add_bound(p, list_make1(row));
	}
	add_bound(p, cmig_query_list(&casts));
	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		const char *name = table->a->qualified;
		const CmigObject *object = cmig_image_lookup(p->live, &cmig_kind_table, name);

		/* one of a schema of others was not copied */
		if (cmig_versions_hold(name) != (object ? object->address.object : atooid(table->a->oid)))
			cmig_query_raise_changed(psprintf("Table %s was replaced.", name));
	}
}

static void
require_planned(const CmigExpansion *expansion, Oid caller, const List *objects)
{
	static CmigQuery query = {
		BOUND TYPES ", c (what, owner, place) AS (SELECT c->>3, c->>4, CASE c->>9 WHEN $5 THEN"
		" (c->>7)::oid END FROM cmig.expansion_run, jsonb_array_elements(columns) c WHERE scope ="
		" $3 AND c->>2 = 'bound')"
		" SELECT what, pg_get_userbyid(owner) FROM (TABLE b UNION ALL SELECT *, 0 FROM"
		" (" CASTS " AND t.oid IN (TABLE u)) k) b, LATERAL (SELECT pg_has_role(owner, $4, 'USAGE'),"
		" what ~ '^(relation|type|cast) ') o (ours, inert),"

		/*
		 * who could rename a schema may have put there what has the same name
		 * and owner
		 */
		" LATERAL (SELECT coalesce(bool_and(c.place <> b.place), false) AND NOT EXISTS (SELECT FROM"
		"  pg_namespace n WHERE n.oid = b.place AND pg_has_role(n.nspowner, $4, 'USAGE'))"
		"  FROM c WHERE c.what = b.what) m (moved)"

		/*
		 * other tables may be partitions; what is created for a table, as a
		 * view, gets its owner
		 */
		" WHERE (moved OR NOT EXISTS (SELECT FROM c WHERE c.what = b.what AND (ours OR c.owner ="
		" pg_get_userbyid(b.owner))) AND NOT (inert AND (ours"
		"  OR b.owner IN (SELECT k.relowner FROM (SELECT DISTINCT " CMIG_RELATION_NAMED("(e->>0)") " FROM"
		" cmig.expansion_run, jsonb_array_elements(columns) e WHERE scope = $3) e (id), LATERAL"
		" (SELECT e.id UNION SELECT relid FROM pg_partition_tree(e.id)) y (id) JOIN pg_class k ON"
		" k.oid = y.id))))"

		/*
		 * What the expansion has created itself may get another owner.  If
		 * that of the version's schema does not have the caller's privileges,
		 * it must be what was planned; a view, and its row type, can have the
		 * owner of the real one; a function that it has replaced is not
		 * called, unless its functions are trusted.
		 */
		" AND NOT EXISTS (SELECT FROM cmig.expansion_run r, unnest(r.schemas) s, pg_namespace n"
		"  WHERE r.scope = $3 AND n.oid = place AND " CMIG_VERSION_NAMED
		"  AND (pg_has_role(n.nspowner, $4, 'USAGE') OR EXISTS (SELECT FROM c WHERE c.what = b.what)"
		"   AND (ours OR b.owner = n.nspowner OR b.owner IN (SELECT k.relowner FROM"
		"    jsonb_array_elements(r.columns) e JOIN pg_class k ON k.oid = "
		CMIG_RELATION_NAMED("(e->>0)") ") OR b.owner IN (SELECT k.relowner FROM pg_class k JOIN"
		"    pg_namespace q ON q.oid = k.relnamespace WHERE q.nspname::text = s AND b.what IN"
		"    (format('relation %I.%I', n.nspname, k.relname), format('type %I.%I', n.nspname, k.relname))))))"
		" ORDER BY 1 LIMIT 1",
		{TEXTOID, TEXTOID, TEXTOID, OIDOID, TEXTOID}
	};
	Oid			role = GetUserId();
	CmigRole	saved;
	char	   *arrays[2];
	char	  **row;

	write_objects(objects, arrays);
	cmig_role_act_as_caller(&saved, caller);
	row = cmig_query_row(&query, arrays[0], arrays[1], expansion->scope, role,
						 cmig_versions_database());
	cmig_role_return(&saved);
	if (row != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a stored statement of the expansion of revision \"%s\" %s use %s of role %s, with which it was not tried",
						expansion->revision, strncmp(row[0], "cast ", 5) == 0 ? "could" : "would", row[0], row[1]),
				 errdetail("A schema was renamed, or an object was created or replaced, since the revision was expanded. The names would mean something else."),
				 cmig_hint("Undo that and repeat the `CALL`, or `CALL cmig.abandon()`")));
}

/*
 * raw_expression_tree_walker callback: replace the names of types by their OIDs, and
 * find these types.  Parse analysis of a literal of an array or a composite type, or
 * to add a column, calls what their domains check, before it is compared, and also
 * functions that are built in, as lo_export().
 */
static bool
bind_types(Node *node, void *found)
{
	TypeName   *name = (TypeName *) node;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnDef))
	{
		ColumnDef  *column = (ColumnDef *) node;

		(void) bind_types((Node *) column->typeName, found);
		(void) bind_types((Node *) column->constraints, found);
		return bind_types(column->raw_default, found);
	}
	if (IsA(node, Constraint))
		return bind_types(((Constraint *) node)->raw_expr, found);
	if (IsA(node, ReturnStmt))
		return bind_types(((ReturnStmt *) node)->returnval, found);
	if (IsA(node, TypeName) && name->names != NIL)
	{
		ObjectAddress *object = palloc0(sizeof(ObjectAddress));

		object->classId = TypeRelationId;
		object->objectId = LookupTypeNameOid(NULL, name, true);
		if (object->objectId < FirstNormalObjectId)
			return false;
		name->names = NIL;
		name->arrayBounds = NIL;
		name->typeOid = object->objectId;
		*(List **) found = lappend(*(List **) found, object);
		return false;
	}
	return raw_expression_tree_walker(node, bind_types, found);
}

/*
 * Does the statement that runs define what must be immutable?  PostgreSQL accepts a
 * function that is so only if it is inlined.
 */
static bool must_inline = false;

void
cmig_versions_bind_types(const CmigExpansion *expansion, Oid caller, Node *stmt)
{
	List	   *found = NIL;

	must_inline = IsA(stmt, IndexStmt) || IsA(stmt, CreateStmt);
	if (IsA(stmt, AlterTableStmt))
	{
		foreach_node(AlterTableCmd, command, ((AlterTableStmt *) stmt)->cmds)
		{
			must_inline |= command->subtype == AT_AddColumn ||
				(command->subtype == AT_AddConstraint &&
				 castNode(Constraint, command->def)->contype == CONSTR_EXCLUSION);
			if (command->subtype == AT_AddColumn || command->subtype == AT_AddConstraint ||
				command->subtype == AT_ColumnDefault)
				(void) bind_types(command->def, &found);
		}
	}
	else if (IsA(stmt, ViewStmt))
		(void) bind_types(((ViewStmt *) stmt)->query, &found);
	else if (IsA(stmt, IndexStmt) && !((IndexStmt *) stmt)->transformed)
	{
		(void) bind_types((Node *) ((IndexStmt *) stmt)->indexParams, &found);
		(void) bind_types(((IndexStmt *) stmt)->whereClause, &found);
	}
	else if (IsA(stmt, CreateFunctionStmt))
	{
		foreach_node(FunctionParameter, parameter, ((CreateFunctionStmt *) stmt)->parameters)
		{
			(void) bind_types((Node *) parameter->argType, &found);
			(void) bind_types(parameter->defexpr, &found);
		}
		(void) bind_types((Node *) ((CreateFunctionStmt *) stmt)->returnType, &found);
		(void) bind_types(((CreateFunctionStmt *) stmt)->sql_body, &found);
	}
	if (found == NIL)
		return;
	cmig_toplevel_snapshot();
	require_planned(expansion, caller, found);
}

/* The roles whose functions the statements may call while they run, or NULL. */
static const List *trusted = NULL;
static const CmigExpansion *trusted_by; /* whose statements they are */
static int	depth = 0;			/* of functions that are running */
static needs_fmgr_hook_type next_needs_fmgr = NULL;
static fmgr_hook_type next_fmgr = NULL;

/*
 * Function manager hook: a statement that finds another function must not call it
 * before that is seen, as when it builds an index or converts a literal.  Only
 * superusers define functions in C.  What event triggers and other functions call is
 * theirs, so those in SQL are not inlined; if they must be, unless they are immutable
 * without that, those that they call are checked, too.
 */
static bool
see_lookup(Oid function)
{
	HeapTuple	tuple = trusted != NULL && depth == 0 && function >= FirstNormalObjectId ?
	SearchSysCache1(PROCOID, ObjectIdGetDatum(function)) : NULL;
	bool		is_needed = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

		is_needed = form->prolang != ClanguageId && form->prolang != INTERNALlanguageId;
		if (is_needed && form->prorettype != EVENT_TRIGGEROID &&
			!has_privs_of_role(form->proowner, GetUserId()) &&
			!list_member_oid(trusted, form->proowner))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("a stored statement of the expansion of revision \"%s\" would call %s of role %s, none of whose functions it called when it was tried",
							trusted_by->revision, format_procedure(function),
							GetUserNameFromId(form->proowner, false)),
					 cmig_hint("Undo what makes it call that function and repeat the `CALL`, or `CALL cmig.abandon()`")));
		is_needed &= form->prolang != SQLlanguageId || !must_inline ||
			form->provolatile == PROVOLATILE_IMMUTABLE;
		ReleaseSysCache(tuple);
	}
	return is_needed || (next_needs_fmgr != NULL && next_needs_fmgr(function));
}

/* Function manager hook: see when a function of a user begins and ends. */
static void
see_call(FmgrHookEventType event, FmgrInfo *flinfo, Datum *private)
{
	if (trusted != NULL && flinfo->fn_oid >= FirstNormalObjectId)
		depth += event == FHET_START ? 1 : -1;
	if (next_fmgr)
		next_fmgr(event, flinfo, private);
}

void
cmig_versions_init(void)
{
	next_needs_fmgr = needs_fmgr_hook;
	needs_fmgr_hook = see_lookup;
	next_fmgr = fmgr_hook;
	fmgr_hook = see_call;
}

RawStmt *
cmig_versions_bind_index(const CmigExpansion *expansion, Oid caller, RawStmt *raw, const char *sql)
{
	IndexStmt  *index = copyObject(castNode(IndexStmt, raw->stmt));
	ObjectAddress table = {RelationRelationId, RangeVarGetRelid(index->relation, ShareUpdateExclusiveLock, false), 0};
	List	   *found = list_make1(&table);

	index = transformIndexStmt(table.objectId, index, sql);
	foreach_node(IndexElem, element, index->indexParams)
	{
		ObjectAddress collation = {CollationRelationId};

		(void) cmig_versions_find_objects(element->expr, &found);
		if (element->collation != NIL)
			collation.objectId = get_collation_oid(element->collation, false);
		found = lappend(found, memcpy(palloc(sizeof(ObjectAddress)), &collation, sizeof(ObjectAddress)));
	}
	(void) cmig_versions_find_objects(index->whereClause, &found);
	require_planned(expansion, caller, found);
	raw = copyObject(raw);
	raw->stmt = (Node *) index;
	return raw;
}

/*
 * Returns the only table whose rows the statement reads, with those of its ancestors and
 * partitions, or InvalidOid.  Others are not looked up for each partition.
 */
static Oid
find_table(const Node *stmt)
{
	const AlterTableStmt *alter = (const AlterTableStmt *) stmt;
	AlterTableCmd *command;

	if (stmt != NULL && IsA(stmt, IndexStmt))
		return RangeVarGetRelid(((const IndexStmt *) stmt)->relation, NoLock, true);
	if (stmt == NULL || !IsA(stmt, AlterTableStmt))
		return InvalidOid;
	command = linitial_node(AlterTableCmd, alter->cmds);
	if (command->subtype == AT_AttachPartition)
		return IndexGetRelation(RangeVarGetRelid(castNode(PartitionCmd, command->def)->name, NoLock,
												 true), true);
	return RangeVarGetRelid(alter->relation, NoLock, true);
}

void
cmig_versions_run_bound(const CmigExpansion *expansion, Oid caller, const Node *stmt,
						void (*run) (void *arg), void *arg, bool commits)
{
	static CmigQuery query = {
		"WITH c AS (SELECT c->>0 AS relation, c->>2 AS kind, c->>3 AS what, c->>4 AS owner FROM"
		" cmig.expansion_run, jsonb_array_elements(columns) c WHERE scope = $1),"
		" t AS (SELECT " CMIG_RELATION_NAMED("relation") " AS id FROM (SELECT DISTINCT relation FROM c"
		"  WHERE relation <> '' AND $2 = 0) c UNION ALL SELECT nullif($2, 0)),"
		" y AS (SELECT id FROM t UNION SELECT p.relid FROM t, pg_partition_tree(t.id) p"
		"  WHERE NOT $3 UNION SELECT p FROM pg_partition_ancestors(nullif($2, 0)) p),"
		" z AS (SELECT id FROM y UNION SELECT confrelid FROM y JOIN pg_constraint k ON k.conrelid"
		" = id AND k.confrelid <> 0)"
		" SELECT r.oid FROM c JOIN pg_roles r ON r.rolname::text = owner WHERE kind = 'bound' AND"
		" (what = '' OR split_part(what, ' ', 1) IN ('function', 'operator'))"

		/*
		 * what constraints and indexes of the tables call, and PostgreSQL may
		 * plan
		 */
		" UNION SELECT p.proowner FROM z, LATERAL (SELECT 'pg_class'::regclass::oid, z.id UNION"
		" ALL SELECT 'pg_class'::regclass, indexrelid FROM pg_index WHERE indrelid = z.id"
		"  UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_constraint WHERE conrelid ="
		" z.id) o (class, id) JOIN pg_depend d ON d.classid = o.class AND d.objid = o.id"
		" JOIN pg_proc p ON p.oid = CASE d.refclassid WHEN 'pg_proc'::regclass THEN d.refobjid"
		" WHEN 'pg_operator'::regclass THEN (SELECT oprcode FROM pg_operator WHERE oid ="
		" d.refobjid) END",
		{TEXTOID, OIDOID, BOOLOID}
	};
	CmigRole	saved;
	List	   *roles;
	Oid			table = find_table(stmt);
	CommandId	since;
	const bool	abandons = strcmp(expansion->state, "abandoning") == 0;

	cmig_role_act_as_caller(&saved, caller);
	roles = cmig_query_oids(&query, expansion->scope, table,
							stmt != NULL && IsA(stmt, IndexStmt));
	cmig_role_return(&saved);
	CommandCounterIncrement();
	since = GetCurrentCommandId(true);
	PG_TRY();
	{
		/* an abandonment only drops */
		trusted = abandons ? NULL : roles;
		trusted_by = expansion;
		depth = 0;
		run(arg);
	}
	PG_FINALLY();
	{
		trusted = NULL;
		must_inline = false;
	}
	PG_END_TRY();
	if (!commits && !abandons)
	{
		CommandCounterIncrement();
		cmig_toplevel_snapshot();
		require_planned(expansion, caller, find_bound(since));
	}
}

/* Callback: let the triggers of these tables, a List of OIDs, depend on what they use. */
static void
record_tables(void *arg)
{
	foreach_oid(table, (List *) arg)
		cmig_versions_set_dependencies(table);
}

void
cmig_versions_record_again(const CmigExpansion *expansion, Oid caller)
{
	static CmigQuery query = {
		"SELECT DISTINCT g.tgrelid FROM cmig.expansion_run, jsonb_array_elements(columns) c JOIN"
		" pg_trigger g ON g.tgrelid = " CMIG_RELATION_NAMED("(c->>0)") " AND g.tgname ="
		" '" CMIG_EXPANSION_WRITE "'"
		" WHERE scope = $1 AND c->>9 <> $2 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid"
		" = 'pg_trigger'::regclass AND d.objid = g.oid AND d.refobjsubid <> 0)",
		{TEXTOID, TEXTOID}
	};
	CmigRole	saved;
	List	   *tables;

	cmig_role_act_as_caller(&saved, caller);
	tables = cmig_query_oids(&query, expansion->scope, cmig_versions_database());
	cmig_role_return(&saved);
	if (tables != NIL)
		cmig_versions_run_bound(expansion, caller, NULL, record_tables, tables, false);
}

void
cmig_versions_require_free(const CmigExpansionPlan *plan)
{
	CmigNames	tables = {.names = palloc(sizeof(char *) * (list_length(plan->steps) + 1))};

	foreach_ptr(const CmigExpansionStep, step, plan->steps)
	{
		if (*step->relation)
			tables.names[tables.count++] = step->relation;
	}
	cmig_expansion_require_free(&tables, true);
}

void
cmig_versions_require_place(const CmigExpansion *expansion, Oid caller, const char *relation,
							LOCKMODE lock)
{
	static CmigQuery query = {
		"SELECT c->>10 FROM cmig.expansion_run, jsonb_array_elements(columns) c WHERE scope = $1"
		" AND c->>0 = $2 AND c->>9 = $3 AND c->>10 IS NOT NULL LIMIT 1",
		{TEXTOID, TEXTOID, TEXTOID}
	};
	char	   *name = pstrdup(relation);
	CmigNames	tables = {.names = &name,.count = 1};
	CmigRole	saved;
	char	   *planned;

	cmig_role_act_as_caller(&saved, caller);
	planned = cmig_query_value(&query, expansion->scope, relation, cmig_versions_database());
	(void) cmig_versions_hold(relation);
	cmig_role_return(&saved);
	if (planned != NULL)
		LockRelationOid(atooid(planned), lock);
	if (planned != NULL && atooid(planned) != cmig_versions_relation_named(relation))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s is not the one with which the expansion of revision \"%s\" was tried", relation, expansion->revision),
				 errdetail("It was renamed, moved, or dropped since then, and another one may have its name."),
				 cmig_hint("Undo that and repeat the `CALL`, or `CALL cmig.abandon()`")));
	/* under the lock */
	cmig_role_act_as_caller(&saved, caller);
	cmig_expansion_require_free(&tables, false);
	cmig_role_return(&saved);
}

void
cmig_versions_require_bound(const CmigExpansion *expansion, Oid caller, const List *relations, const Node *stmt)
{
	static CmigQuery dropped = {
		"SELECT c->>3 FROM cmig.expansion_run, jsonb_array_elements(columns) c WHERE scope = $1"
		" AND c->>2 = 'cast'"
		" EXCEPT SELECT format('%s AS %s', castsource::regtype, casttarget::regtype) FROM pg_cast"
		" ORDER BY 1 LIMIT 1", {TEXTOID}
	};
	CmigRole	saved;
	char	   *gone;

	cmig_versions_hold_run(expansion, caller);

	/* it only drops */
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
	cmig_role_act_as_caller(&saved, caller);
	gone = cmig_query_value(&dropped, expansion->scope);
	cmig_role_return(&saved);
	if (gone != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cast (%s) was dropped since revision \"%s\" was expanded", gone, expansion->revision),
				 errdetail("Without it, the stored statements would mean something else, or fail."),
				 cmig_hint("Create it again and repeat the `CALL`, or `CALL cmig.abandon()`")));
}

/* ----------------------------------------------------------------
 * Constraints that stored statements add, and then name.
 * ----------------------------------------------------------------
 */

/* Does the constraint have the columns, in this order? */
static bool
has_columns(HeapTuple row, AttrNumber key, Oid table, const List *names)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(CONSTROID, row, key, &isnull);
	ArrayType  *columns = isnull ? NULL : DatumGetArrayTypeP(value);
	int			n = 0;

	if (columns == NULL ||
		ArrayGetNItems(ARR_NDIM(columns), ARR_DIMS(columns)) != list_length(names))
		return false;
	foreach_node(String, name, names)
	{
		if (((int16 *) ARR_DATA_PTR(columns))[n++] != get_attnum(table, strVal(name)))
			return false;
	}
	return true;
}

/* Returns the condition of a CHECK constraint as the server would store it. */
static Node *
analyzed_condition(Oid table, const Constraint *added)
{
	ParseState *pstate = make_parsestate(NULL);
	Relation	relation = table_open(table, AccessShareLock);
	ParseNamespaceItem *item;
	Node	   *condition;

	item = addRangeTableEntryForRelation(pstate, relation, AccessShareLock, NULL, false, true);
	addNSItemToQuery(pstate, item, true, true, true);
	condition = transformExpr(pstate, copyObject(added->raw_expr), EXPR_KIND_CHECK_CONSTRAINT);
	condition = coerce_to_boolean(pstate, condition, "CHECK");
	assign_expr_collations(pstate, condition);
	table_close(relation, AccessShareLock);
	free_parsestate(pstate);
	return condition;
}

/* Is the constraint what the statement adds? */
static bool
is_added(Oid table, HeapTuple row, const Constraint *added)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(row);
	bool		isnull;
	Datum		stored;

	if (added->contype == CONSTR_CHECK)
	{
		stored = SysCacheGetAttr(CONSTROID, row, Anum_pg_constraint_conbin, &isnull);
		return form->contype == CONSTRAINT_CHECK &&
			form->connoinherit == added->is_no_inherit && !isnull &&
			equal(analyzed_condition(table, added), stringToNode(TextDatumGetCString(stored)));
	}
	return form->contype == CONSTRAINT_FOREIGN &&
		form->confrelid == cmig_versions_relation(added->pktable) &&
		form->confupdtype == added->fk_upd_action && form->confdeltype == added->fk_del_action &&
		form->confmatchtype == added->fk_matchtype && form->condeferrable == added->deferrable &&
		form->condeferred == added->initdeferred &&
		has_columns(row, Anum_pg_constraint_conkey, table, added->fk_attrs) &&
		(added->pk_attrs == NIL ||
		 has_columns(row, Anum_pg_constraint_confkey, form->confrelid, added->pk_attrs));
}

/* Look at the constraint that this step adds, if it does. */
static void
require_added(const CmigExpansion *expansion, Oid caller, AlterTableStmt *step,
			  const AlterTableStmt *validates)
{
	AlterTableCmd *command = linitial_node(AlterTableCmd, step->cmds);
	Constraint *added = command->subtype == AT_AddConstraint ?
	castNode(Constraint, command->def) : NULL;
	Oid			table;
	Oid			there;
	HeapTuple	row;
	bool		same;

	if (added == NULL || (added->contype != CONSTR_CHECK && added->contype != CONSTR_FOREIGN) ||
		(validates != NULL && (!equal(validates->relation, step->relation) ||
							   strcmp(linitial_node(AlterTableCmd, validates->cmds)->name, added->conname) != 0)))
		return;
	table = cmig_versions_relation(step->relation);
	if (!OidIsValid(table))
		return;
	if (validates != NULL)
		LockRelationOid(table, ShareUpdateExclusiveLock);
	there = get_relation_constraint_oid(table, added->conname, true);
	if (!OidIsValid(there))
		return;
	cmig_versions_bind_types(expansion, caller, (Node *) step);
	row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(there));
	same = HeapTupleIsValid(row) && is_added(table, row, added);
	if (HeapTupleIsValid(row))
		ReleaseSysCache(row);
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("constraint \"%s\" of table %s is not the one that the expansion of revision \"%s\" adds",
						added->conname, cmig_query_table_name(table), expansion->revision),
				 errdetail("It was created by hand, or replaced."),
				 cmig_hint("ALTER TABLE %s DROP CONSTRAINT %s; then repeat the `CALL`, or `CALL cmig.abandon()`",
						   cmig_query_table_name(table), quote_identifier(added->conname))));
	if (validates != NULL)
		cmig_added_hold(table, added->conname);
}

void
cmig_versions_require_constraints(const CmigExpansion *expansion, Oid caller,
								  const List *steps, const Node *stmt)
{
	const AlterTableStmt *validates = (const AlterTableStmt *) stmt;

	if (stmt != NULL && (!IsA(stmt, AlterTableStmt) ||
						 linitial_node(AlterTableCmd, validates->cmds)->subtype != AT_ValidateConstraint))
		return;
	foreach_ptr(CmigValue, step, steps)
	{
		Node	   *node;

		if (strcmp(step[1], CMIG_PHASE_BUILD) != 0 && strcmp(step[1], CMIG_PHASE_CHECK) != 0)
			continue;
		node = cmig_raw_parse_one(step[3])->stmt;
		if (IsA(node, AlterTableStmt))
			require_added(expansion, caller, (AlterTableStmt *) node, validates);
	}
}
