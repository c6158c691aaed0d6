/*
 * role.c
 *	  What belongs to which role, and what is safe to use.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/functions.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parse_coerce.h"
#include "parser/parse_node.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/base.h"

/* ----------------------------------------------------------------
 * Switches to another role temporarily.
 *
 * A function that switches to another role must call cmig_role_return().  After
 * an error, this is not necessary, because the end of the (sub)transaction
 * restores the role.
 * ----------------------------------------------------------------
 */

/* Switch to the role, with additional security context flags. */
static void
become(CmigRole *saved, Oid role, int flags)
{
	GetUserIdAndSecContext(&saved->user, &saved->context);
	saved->read_only = XactReadOnly;
	saved->guc_level = 0;
	SetUserIdAndSecContext(role, saved->context | SECURITY_LOCAL_USERID_CHANGE | flags);
}

/* Begin what cmig_role_return() ends: settings for code of another role. */
static void
pin(CmigRole *saved)
{
	saved->guc_level = NewGUCNestLevel();
	cmig_settings_pin_search_path();
}

void
cmig_role_act_as(CmigRole *saved, Oid role)
{
	become(saved, role, SECURITY_RESTRICTED_OPERATION);
	pin(saved);
}

void
cmig_role_act_as_owner(CmigRole *saved, Oid role)
{
	become(saved, role, SECURITY_RESTRICTED_OPERATION | SECURITY_NOFORCE_RLS);
	pin(saved);
}

void
cmig_role_look_up_as(CmigRole *saved, Oid role)
{
	become(saved, role, SECURITY_RESTRICTED_OPERATION);
}

/*
 * XactReadOnly is set directly because, after the first query, the server does
 * not allow a SET command to return to read-write mode.  If the transaction or
 * a subtransaction fails, the server restores XactReadOnly.
 */
void
cmig_role_read_as(CmigRole *saved, Oid role)
{
	cmig_role_act_as(saved, role);
	XactReadOnly = true;
}

void
cmig_role_act_as_caller(CmigRole *saved, Oid caller)
{
	become(saved, caller, 0);
}

void
cmig_role_return(const CmigRole *saved)
{
	SetUserIdAndSecContext(saved->user, saved->context);
	XactReadOnly = saved->read_only;
	if (saved->guc_level > 0)
		AtEOXact_GUC(false, saved->guc_level);
}

/* Returns the owner in a catalog row, or InvalidOid if there is no such row. */
static Oid
owner_in(int cache, Oid object, AttrNumber column)
{
	HeapTuple	tuple = SearchSysCache1(cache, ObjectIdGetDatum(object));
	bool		isnull;
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = DatumGetObjectId(SysCacheGetAttr(cache, tuple, column, &isnull));
	ReleaseSysCache(tuple);
	return owner;
}

Oid
cmig_role_owner_of(Oid relation)
{
	return owner_in(RELOID, relation, Anum_pg_class_relowner);
}

Oid
cmig_role_owner_in(Oid catalog, Oid object)
{
	return owner_in(get_object_catcache_oid(catalog), object, get_object_attnum_owner(catalog));
}

bool
cmig_role_relation(Oid relation, FormData_pg_class *row)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));

	if (!HeapTupleIsValid(tuple))
		return false;
	memcpy(row, GETSTRUCT(tuple), CLASS_TUPLE_SIZE);
	ReleaseSysCache(tuple);
	return true;
}

/* ----------------------------------------------------------------
 * Analyzes statements without executing user-defined code.
 *
 * During parse analysis, the server converts each literal with the input
 * function of the literal's type.  For an array, a row, or a range, that
 * function also evaluates domain checks.  The type is often not visible in the
 * SQL text, as in '{1}' = f(x).  Therefore, this module replaces each literal
 * with a parameter.  When the parser has determined the parameter's type, it
 * calls a hook, which raises an error for types that the caller does not
 * accept.
 * ----------------------------------------------------------------
 */

/* The state of the parser hooks. */
typedef struct Analysis
{
	SQLFunctionParseInfo info;	/* must be first, because PostgreSQL's hooks
								 * expect it */
	ParseParamRefHook parameter;	/* PostgreSQL's hook for parameters */
	bool		(*is_safe) (Oid type);
	List	   *literals;		/* of char *: the literals; parameter -n is
								 * the n-th one */
} Analysis;

/*
 * Raise an error for a literal whose type has an input function that could run
 * other roles' code.
 */
static void
refuse(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("literals of this type are not supported here")));
}

/* Replace each string literal with a parameter, in place. */
static bool
take_literals(Node *node, void *context)
{
	Analysis   *analysis = context;

	if (node == NULL)
		return false;

	/*
	 * do not replace the constants in type modifiers, which must remain
	 * constants
	 */
	if (IsA(node, TypeName))
		return false;
	if (cmig_is_json_query_compat(node))
		refuse();
	/* the walker does not visit this clause */
	if (IsA(node, CommonTableExpr) && ((CommonTableExpr *) node)->cycle_clause != NULL)
	{
		const CTECycleClause *cycle = ((CommonTableExpr *) node)->cycle_clause;

		(void) take_literals(cycle->cycle_mark_value, context);
		(void) take_literals(cycle->cycle_mark_default, context);
	}
	if (IsA(node, A_Const))
	{
		A_Const    *constant = (A_Const *) node;
		ParamRef   *parameter = (ParamRef *) node;
		int			location = constant->location;

		StaticAssertStmt(sizeof(ParamRef) <= sizeof(A_Const),
						 "a parameter fits into a constant's memory");
		if (constant->isnull || !IsA(&constant->val, String))
			return false;
		analysis->literals = lappend(analysis->literals, strVal(&constant->val));
		memset(parameter, 0, sizeof(ParamRef));
		parameter->type = T_ParamRef;
		parameter->number = -list_length(analysis->literals);
		parameter->location = location;
		return false;
	}
	return raw_expression_tree_walker(node, take_literals, context);
}

/*
 * Returns the query inside a utility statement, such as EXPLAIN, or the
 * statement itself if there is none.
 */
static Node *
query_of(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateTableAsStmt:
			return query_of(((CreateTableAsStmt *) statement)->query);
		case T_ExplainStmt:
			return query_of(((ExplainStmt *) statement)->query);
		case T_DeclareCursorStmt:
			return query_of(((DeclareCursorStmt *) statement)->query);
		case T_CallStmt:
			return (Node *) ((CallStmt *) statement)->funccall;
		default:
			return statement;
	}
}

/* Returns the literal that the parameter stands for. */
static Const *
literal(const Analysis *analysis, const Param *param)
{
	return makeConst(UNKNOWNOID, -1, InvalidOid, -2,
					 CStringGetDatum(list_nth(analysis->literals, -param->paramid - 1)), false,
					 false);
}

/* Parser hook: create a parameter. */
static Node *
refer_to_parameter(ParseState *pstate, ParamRef *reference)
{
	Analysis   *analysis = pstate->p_ref_hook_state;
	Param	   *param;

	if (reference->number >= 0)
		return analysis->parameter(pstate, reference);
	param = makeNode(Param);
	param->paramkind = PARAM_EXTERN;
	param->paramid = reference->number;
	param->paramtype = UNKNOWNOID;
	param->paramtypmod = -1;
	param->paramcollid = InvalidOid;
	param->location = reference->location;
	return (Node *) param;
}

/*
 * Parser hook: coerce a parameter of unknown type to the type that the parser
 * has determined.
 */
static Node *
coerce_parameter(ParseState *pstate, Param *param, Oid type, int32 typmod, int location)
{
	Analysis   *analysis = pstate->p_ref_hook_state;

	if (param->paramid >= 0)
		return NULL;
	if (!analysis->is_safe(getBaseType(type)))
		refuse();
	return coerce_type(pstate, (Node *) literal(analysis, param), UNKNOWNOID, type, typmod,
					   COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, location);
}

/* Install the hooks. */
static void
set_up(ParseState *pstate, void *arg)
{
	Analysis   *analysis = arg;

	sql_fn_parser_setup(pstate, &analysis->info);
	analysis->parameter = pstate->p_paramref_hook;
	pstate->p_paramref_hook = refer_to_parameter;
	pstate->p_coerce_param_hook = coerce_parameter;
}

/*
 * Replace the parameters that still have the type unknown with the literals
 * that they stand for.
 */
static Node *
put_literals(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN &&
		((Param *) node)->paramid < 0)
		return (Node *) literal(context, (Param *) node);
	if (IsA(node, Query))
		return (Node *) query_tree_mutator((Query *) node, put_literals, context, 0);
	return expression_tree_mutator(node, put_literals, context);
}

Query *
cmig_safe_parse(RawStmt *raw, const char *source, HeapTuple function, FuncExpr *call,
				bool (*is_safe) (Oid type))
{
	Analysis	analysis = {.is_safe = is_safe};
	Query	   *query;

	analysis.info = *prepare_sql_fn_parse_info(function, (Node *) call,
											   call ? call->inputcollid : InvalidOid);
	(void) take_literals(query_of(raw->stmt), &analysis);
	query = parse_analyze_withcb(raw, source, set_up, &analysis, NULL);
	return (Query *) put_literals((Node *) query, &analysis);
}

/* ----------------------------------------------------------------
 * Determines which role may run the code of a type.
 *
 * A table's owner chose the types of its columns.  However, a type's owner can
 * add checks and casts to the type at any time, and other roles can cause the
 * server to run these checks and casts.
 * ----------------------------------------------------------------
 */

Oid
cmig_type_domain_base(Oid domain)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
	Oid			result = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_type) GETSTRUCT(tuple))->typbasetype;
		ReleaseSysCache(tuple);
	}
	return result;
}

/*
 * Do the owners of the type, and of all types that it consists of, have the
 * privileges of the table's owner?
 */
static bool
is_trusted(Oid type, Oid table_owner)
{
	Oid			element = get_element_type(type);
	Oid			type_owner;
	TupleDesc	desc;
	bool		result = true;

	check_stack_depth();
	if (OidIsValid(element))
		return is_trusted(element, table_owner);
	if (type < FirstNormalObjectId && get_typtype(type) != TYPTYPE_COMPOSITE)
		return true;
	type_owner = owner_in(TYPEOID, type, Anum_pg_type_typowner);
	if (!OidIsValid(type_owner) || !has_privs_of_role(type_owner, table_owner))
		return false;
	switch (get_typtype(type))
	{
		case TYPTYPE_DOMAIN:
			return is_trusted(cmig_type_domain_base(type), table_owner);
		case TYPTYPE_COMPOSITE:
			desc = lookup_rowtype_tupdesc_copy(type, -1);
			for (int i = 0; i < desc->natts && result; i++)
			{
				Form_pg_attribute attribute = TupleDescAttr(desc, i);

				result = attribute->attisdropped || is_trusted(attribute->atttypid, table_owner);
			}
			FreeTupleDesc(desc);
			return result;
		case TYPTYPE_RANGE:
			return is_trusted(get_range_subtype(type), table_owner);
		case TYPTYPE_MULTIRANGE:
			return is_trusted(get_multirange_range(type), table_owner);
		default:
			return true;
	}
}

bool
cmig_type_input_is_safe(Oid type)
{
	Oid			element = get_element_type(type);

	switch (get_typtype(type))
	{
		case TYPTYPE_BASE:
			return !OidIsValid(element) || cmig_type_input_is_safe(element);
		case TYPTYPE_ENUM:
			return true;
		case TYPTYPE_RANGE:
			return cmig_type_input_is_safe(get_range_subtype(type));
		case TYPTYPE_MULTIRANGE:
			return cmig_type_input_is_safe(get_multirange_range(type));
		default:
			return false;
	}
}

Oid
cmig_type_role(Oid type, Oid table_owner)
{
	return is_trusted(type, table_owner) ? table_owner : CMIG_ROLE_NOBODY;
}

/* ----------------------------------------------------------------
 * Checks that a role to which pg_cmig switches evaluates only its own code.
 * ----------------------------------------------------------------
 */

bool
cmig_role_meets_temporary(Oid role)
{
	Oid			temporary;
	Oid			toast;

	GetTempNamespaceState(&temporary, &toast);
	return OidIsValid(temporary) && !has_privs_of_role(GetOuterUserId(), role);
}

/* Raise an error if the role would evaluate what another can change. */
pg_noreturn static void
refuse_code(char *code, Oid role)
{
	bool		temporary = cmig_role_meets_temporary(role);

	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("role \"%s\" would run code of another role: %s",
					GetUserNameFromId(role, false), code),
			 temporary ? errdetail("Temporary objects of this session count as such.") : 0,
			 temporary ? errhint("Repeat the call in a new session.") : 0));
}

/* check_functions_in_node() callback */
static bool
check_function(Oid function, void *arg)
{
	Oid			role = *(Oid *) arg;
	Oid			owner = function < FirstUnpinnedObjectId ? role :
	cmig_role_owner_in(ProcedureRelationId, function);

	if (!OidIsValid(owner) || !has_privs_of_role(owner, role) ||
		(function >= FirstNormalObjectId && cmig_role_meets_temporary(role) &&
		 owner_in(PROCOID, function, Anum_pg_proc_prolang) != ClanguageId))
		refuse_code(format_procedure(function), role);
	return false;
}

/* Raise an error if other roles can add checks or casts to the type, which run when its values are converted. */
static void
require_own_type(Oid type, Oid role)
{
	if (OidIsValid(type) && cmig_type_role(type, role) != role)
		refuse_code(psprintf("type %s", format_type_be(type)), role);
}

void
cmig_role_require_own_expressions(Oid relation, Oid role)
{
	static CmigQuery query = {
		"WITH o AS (SELECT 'pg_class'::regclass::oid AS classid, $1 AS objid UNION"
		" SELECT classid, objid FROM pg_depend"
		"  WHERE refclassid = 'pg_class'::regclass AND refobjid = $1"
		"  AND classid IN ('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_statistic_ext'::regclass))"
		" SELECT p.oid::regprocedure, CASE f.refclassid WHEN 'pg_type'::regclass THEN f.refobjid"
		" END FROM o JOIN pg_depend f USING (classid, objid)"
		" LEFT JOIN pg_operator r ON f.refclassid = 'pg_operator'::regclass AND r.oid = f.refobjid"
		" LEFT JOIN pg_proc p ON p.oid = CASE WHEN f.refclassid = 'pg_proc'::regclass"
		" THEN f.refobjid ELSE r.oprcode END"
		" WHERE f.objsubid = 0 AND (f.refclassid = 'pg_type'::regclass"
		" OR NOT pg_has_role(p.proowner, $2, 'USAGE')"
		"  OR $3 AND p.oid >= 16384 AND p.prolang <> 13) ORDER BY 1, 2", {OIDOID, OIDOID, BOOLOID}
	};

	foreach_ptr(CmigValue, row,
				cmig_query_list(&query, relation, role, cmig_role_meets_temporary(role)))
	{
		if (row[0] != NULL)
			refuse_code(row[0], role);
		require_own_type(atooid(row[1]), role);
	}
}

/* What find_call() looks for. */
typedef struct Call
{
	check_function_callback callback;
	void	   *arg;
} Call;

static bool
find_call(Node *node, void *arg)
{
	const Call *call = arg;

	return node != NULL && (check_functions_in_node(node, call->callback, call->arg) ||
							expression_tree_walker(node, find_call, arg));
}

bool
cmig_expression_calls(Node *expr, check_function_callback callback, void *arg)
{
	Call		call = {callback, arg};

	return find_call(expr, &call);
}

/* check_functions_in_node() callback */
static bool
add_function(Oid function, void *functions)
{
	*(List **) functions = lappend_oid(*(List **) functions, function);
	return false;
}

static bool
add_calls(Node *node, void *calls)
{
	List	  **list = calls;

	if (node == NULL)
		return false;
	(void) check_functions_in_node(node, add_function, calls);
	if (IsA(node, OpExpr) || IsA(node, DistinctExpr) || IsA(node, NullIfExpr))
		*list = lappend_oid(*list, ((OpExpr *) node)->opno);
	return expression_tree_walker(node, add_calls, calls);
}

List *
cmig_expression_called(Node *expr)
{
	List	   *called = NIL;

	(void) add_calls(expr, &called);
	return called;
}

/* What find_hidden() looks for, and has found. */
typedef struct Hidden
{
	Oid			role;
	Oid			function;
} Hidden;

/* check_functions_in_node() callback */
static bool
is_foreign(Oid function, void *arg)
{
	Hidden	   *hidden = arg;
	Oid			owner;

	if (function < FirstUnpinnedObjectId)
		return false;
	owner = cmig_role_owner_in(ProcedureRelationId, function);
	if (OidIsValid(owner) && has_privs_of_role(owner, hidden->role))
		return false;
	hidden->function = function;
	return true;
}

static bool
find_hidden(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if ((IsA(node, DistinctExpr) || IsA(node, NullIfExpr)) &&
		check_functions_in_node(node, is_foreign, arg))
		return true;
	if (IsA(node, CaseExpr) && ((CaseExpr *) node)->arg != NULL)
	{
		foreach_node(CaseWhen, when, ((CaseExpr *) node)->args)
		{
			if (cmig_expression_calls((Node *) when->expr, is_foreign, arg))
				return true;
		}
	}
	return expression_tree_walker(node, find_hidden, arg);
}

Oid
cmig_expression_hidden(Node *expr, Oid role)
{
	Hidden		hidden = {.role = role};

	(void) find_hidden(expr, &hidden);
	return hidden.function;
}

void
cmig_role_require_own_code(Node *node, Oid role)
{
	List	   *types = IsA(node, RangeTblFunction) ? ((RangeTblFunction *) node)->funccoltypes :
	IsA(node, TableFunc) ? ((TableFunc *) node)->coltypes : NIL;

	(void) check_functions_in_node(node, check_function, &role);
	if (IsA(node, Var) || IsA(node, Const) || IsA(node, FuncExpr) || IsA(node, CoerceViaIO) ||
		IsA(node, CoerceToDomain) || IsA(node, RowExpr) || cmig_is_json_query_compat(node))
		require_own_type(exprType(node), role);
	foreach_oid(type, types)
		require_own_type(type, role);
}

/* ----------------------------------------------------------------
 * Checks whether a table's rows are stored in this database.
 *
 * Foreign tables and tables distributed by Citus have their rows elsewhere.  To
 * the server, a distributed table looks like an empty ordinary table.
 * ----------------------------------------------------------------
 */

List *
cmig_inheritors(Oid table, LOCKMODE mode)
{
	if (mode != NoLock)
		LockRelationOid(table, mode);
	/* raises an error if the table no longer exists */
	(void) cmig_query_name(table);
	return find_all_inheritors(table, mode, NULL);
}

void
cmig_local_rows_require(Oid table, bool children, const char *doing, const char *hint)
{
	List	   *relations = children ? cmig_inheritors(table, AccessShareLock) :
	list_make1_oid(table);

	foreach_oid(child, relations)
	{
		bool		foreign = get_rel_relkind(child) == RELKIND_FOREIGN_TABLE;
		const char *self = foreign ? "It is a foreign table, so its rows are on another server." :
		"It is managed by Citus: its rows are in shards, and the table itself is empty.";
		const char *other = foreign ?
		"Its child table %s is a foreign table whose rows are on another server." :
		"Its child table %s is managed by Citus: the rows are in shards.";

		if (!foreign && (hint == NULL || !cmig_citus_manages(child)))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s cannot be used for table %s", doing, cmig_query_relation_name(table)),
				 errdetail_internal(child == table ? self : other, cmig_query_relation_name(child)),
				 !foreign ? errhint("%s", hint) :
				 child == table ? errhint("Call %s on that server.", doing) :
				 errhint("Call %s on that server for the foreign table, and on this server for each of the other tables.", doing)));
	}
}

void
cmig_local_rows_require_heap(Oid table, const char *doing, const char *hint)
{
	Relation	relation = cmig_query_open(table, AccessShareLock);
	Oid			method = relation->rd_rel->relam;

	relation_close(relation, AccessShareLock);
	if (method != HEAP_TABLE_AM_OID)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s cannot be used for table %s", doing, cmig_query_relation_name(table)),
				 errdetail("Its access method, \"%s\", might not store rows in blocks as the heap access method does.",
						   get_am_name(method)),
				 errhint("%s", hint)));
}
