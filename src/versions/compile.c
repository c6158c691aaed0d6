/*
 * compile.c
 *	  The expressions of cmig:up and cmig:down, as the triggers evaluate them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "versions/internal.h"

void
cmig_versions_pin_settings(void)
{
	cmig_settings_pin_search_path();
	cmig_settings_pin_forms();
	cmig_settings_override("lc_monetary", "C");
}

Node *
cmig_versions_expression(const char *text)
{
	List	   *parsed = cmig_raw_parse(psprintf("%s\n", text), RAW_PARSE_PLPGSQL_EXPR);
	Node	   *result = list_length(parsed) == 1 ?
	cmig_statement_expression(linitial_node(RawStmt, parsed)->stmt) : NULL;

	if (result == NULL ||
		(IsA(result, ColumnRef) && IsA(linitial(((ColumnRef *) result)->fields), A_Star)))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("\"%s\" is not one expression", text)));
	return result;
}

void
cmig_versions_refuse_arguments(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("cmig.expansion_write() is a trigger function that only cmig.expand uses")));
}

/*
 * A check for raw_expression_tree_walker: may a literal have a type of a role
 * without the privileges of the table's owner?  The domains that it consists of
 * are checked when the parser converts the literal.
 */
static bool
converts_literal(Node *node, void *owner)
{
	const TypeCast *cast = (TypeCast *) node;

	if (node == NULL || IsA(node, TypeName))
		return false;
	if (IsA(node, TypeCast) && IsA(cast->arg, A_Const))
	{
		Oid			type = LookupTypeNameOid(NULL, cast->typeName, true);

		return !OidIsValid(type) || cmig_type_role(type, *(Oid *) owner) != *(Oid *) owner;
	}
	if (IsA(node, A_Const))
		return !((A_Const *) node)->isnull && IsA(&((A_Const *) node)->val, String);
	return raw_expression_tree_walker(node, converts_literal, owner);
}

/*
 * Subtransaction callback: the result is where a parser's hooks have theirs.  It
 * is the table's owner if the names are looked up as that role.
 */
static void
look_up(void *arg)
{
	ParseState *pstate = arg;
	Node	   *expr = cmig_versions_expression(pstate->p_sourcetext);

	if (pstate->p_ref_hook_state != NULL && converts_literal(expr, pstate->p_ref_hook_state))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg_internal("a literal has a type of another role")));
	pstate->p_ref_hook_state = transformExpr(pstate, expr, EXPR_KIND_OTHER);
	if (pstate->p_hasSubLinks || pstate->p_hasAggs || pstate->p_hasWindowFuncs ||
		pstate->p_hasTargetSRFs)
		cmig_versions_refuse_arguments();
}

/* The functions that the expressions of a trigger called when they were stored. */
typedef struct Bound
{
	bool		recorded;		/* are they known?  Not in a restored
								 * database. */
	List	   *functions;
	Oid			table_owner;
} Bound;

/* Read what cmig_versions_record_dependencies() has recorded; a partition's trigger is a copy. */
static void
read_bound(Bound *bound, Oid trigger)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);

	while (OidIsValid(trigger))
	{
		ScanKeyData keys[2];
		SysScanDesc scan;
		HeapTuple	tuple;
		Oid			parent = InvalidOid;

		ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(TriggerRelationId));
		ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(trigger));
		scan = systable_beginscan(depend, DependDependerIndexId, true, NULL, 2, keys);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			Form_pg_depend row = (Form_pg_depend) GETSTRUCT(tuple);

			if (row->refclassid == ProcedureRelationId)
				bound->functions = lappend_oid(bound->functions, row->refobjid);
			else if (row->refclassid == TriggerRelationId)
				parent = row->refobjid;
			else
				bound->recorded |= row->refclassid == RelationRelationId && row->refobjsubid != 0;
		}
		systable_endscan(scan);
		trigger = parent;
	}
	table_close(depend, AccessShareLock);
}

/* Is it a function that somebody could have put in the place of the one that was meant? */
static bool
is_other_function(const Bound *bound, Oid function)
{
	return function >= FirstNormalObjectId && !list_member_oid(bound->functions, function);
}

/* Does the function belong to a role that has the privileges of the table's owner? */
static bool
owns_code(Oid table_owner, Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		result = HeapTupleIsValid(tuple) &&
	has_privs_of_role(((Form_pg_proc) GETSTRUCT(tuple))->proowner, table_owner);

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return result;
}

/*
 * Make each cast call the function that it called when the expression was stored.
 * The text names functions by their schemas and the types of their arguments, but a
 * cast is found by its types.  If the cast has another function now, it was a
 * conversion through text: the owner of a type could create a cast to have a
 * function run by all who write the table.  In a restored database, where the
 * functions are not recorded, only casts of third roles are replaced.
 */
static Node *
bind_functions(Node *node, void *arg)
{
	Bound	   *bound = arg;

	if (node == NULL)
		return NULL;
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcformat != COERCE_EXPLICIT_CALL &&
		((FuncExpr *) node)->funcformat != COERCE_SQL_SYNTAX)
	{
		const FuncExpr *call = (FuncExpr *) node;

		if (is_other_function(bound, call->funcid) &&
			(bound->recorded || !owns_code(bound->table_owner, call->funcid)))
		{
			Node	   *value = bind_functions(linitial(call->args), arg);
			CoerceViaIO *conversion = makeNode(CoerceViaIO);

			if (exprType(value) == call->funcresulttype)
				return value;
			conversion->arg = (Expr *) value;
			conversion->resulttype = call->funcresulttype;
			conversion->coerceformat = call->funcformat;
			conversion->location = call->location;
			return (Node *) conversion;
		}
	}
	return expression_tree_mutator(node, bind_functions, arg);
}

Expr *
cmig_versions_compile(Relation relation, const char *text, Oid type, int32 typmod, Oid trigger,
					  bool record)
{
	ParseState *pstate = make_parsestate(NULL);
	CmigRole	saved;
	ErrorData  *error;
	Node	   *expr;

	pstate->p_sourcetext = text;
	addNSItemToQuery(pstate,
					 addRangeTableEntryForRelation(pstate, relation, AccessShareLock, NULL, false,
												   true),
					 false, true, true);
	/* only one of owner and writer may use the schemas of functions and types */
	pstate->p_ref_hook_state = &relation->rd_rel->relowner;
	cmig_role_look_up_as(&saved, relation->rd_rel->relowner);
	error = cmig_subtransaction_try(look_up, pstate);
	cmig_role_return(&saved);
	if (error != NULL && error->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE)
		ReThrowError(error);
	if (error != NULL)
	{
		pstate->p_ref_hook_state = NULL;
		look_up(pstate);
	}
	expr = pstate->p_ref_hook_state;
	expr = coerce_to_target_type(pstate, expr, exprType(expr), type, typmod,
								 COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (expr == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the expression %s does not have type %s", text, format_type_be(type))));
	if (!record)
	{
		Bound		bound = {.table_owner = relation->rd_rel->relowner};

		read_bound(&bound, trigger);
		expr = bind_functions(expr, &bound);
	}
	assign_expr_collations(pstate, expr);
	if (record)
	{
		ObjectAddress dependent = {TriggerRelationId, trigger, 0};

		recordDependencyOnExpr(&dependent, expr, pstate->p_rtable, DEPENDENCY_NORMAL);
	}
	free_parsestate(pstate);
	return expression_planner((Expr *) expr);
}
