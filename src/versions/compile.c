/*
 * compile.c
 *	  The expressions of cmig:up and cmig:down, as the triggers evaluate them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/pg_trigger.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/rel.h"

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

Expr *
cmig_versions_compile(Relation relation, const char *text, Oid type, int32 typmod, Oid dependent)
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
	assign_expr_collations(pstate, expr);
	if (OidIsValid(dependent))
	{
		ObjectAddress trigger = {TriggerRelationId, dependent, 0};

		recordDependencyOnExpr(&trigger, expr, pstate->p_rtable, DEPENDENCY_NORMAL);
	}
	free_parsestate(pstate);
	return expression_planner((Expr *) expr);
}
