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
#include "catalog/pg_authid.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_language.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_type.h"
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
#include "utils/lsyscache.h"
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

	if (result == NULL)
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
 * A check for raw_expression_tree_walker: may the conversion of a literal run code
 * of a role without the privileges of the table's owner, or of any role if that is
 * invalid?  The parser gets the type that was looked at, which no other can replace
 * meanwhile.  A literal of type unknown would be converted later, and queries, which
 * are refused, have parts that the walker does not visit.
 */
static bool
converts_literal(Node *node, void *arg)
{
	const TypeCast *cast = (TypeCast *) node;
	Oid			owner = *(Oid *) arg;

	if (node == NULL || IsA(node, TypeName))
		return false;
	if (IsA(node, SelectStmt))
		return true;
	if (IsA(node, TypeCast) && IsA(cast->arg, A_Const))
	{
		Oid			type = LookupTypeNameOid(NULL, cast->typeName, true);

		cast->typeName->names = NIL;
		cast->typeName->arrayBounds = NIL;
		cast->typeName->typeOid = type;
		return !OidIsValid(type) || type == UNKNOWNOID ||
			(!cmig_type_input_is_safe(getBaseType(type)) &&
			 (!OidIsValid(owner) || cmig_type_role(type, owner) != owner));
	}
	if (IsA(node, A_Const))
		return !((A_Const *) node)->isnull && IsA(&((A_Const *) node)->val, String);
	return raw_expression_tree_walker(node, converts_literal, arg);
}

/*
 * Subtransaction callback: the result is where a parser's hooks have theirs.  It
 * is the role whose literals may be converted if the names are looked up as another one.
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

/*
 * Returns NULL if the role lacks a privilege, or would run code of roles that do not
 * have the privileges of "trusted", or of any role if that is invalid.
 */
static Node *
look_up_as(ParseState *pstate, Oid role, Oid trusted)
{
	CmigRole	saved;
	ErrorData  *error;

	pstate->p_ref_hook_state = &trusted;
	cmig_role_look_up_as(&saved, role);
	error = cmig_subtransaction_try(look_up, pstate);
	cmig_role_return(&saved);
	if (error != NULL && error->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE)
		ReThrowError(error);
	return error != NULL ? NULL : pstate->p_ref_hook_state;
}

/* What the expressions of a trigger used when they were stored. */
typedef struct Bound
{
	const ObjectAddress *dependent; /* the trigger whose casts are to be
									 * recorded, or NULL */
	bool		recorded;		/* is it known?  Not in a restored database. */
	ObjectAddresses *objects;
	Oid			table_owner;
	const char *text;			/* the expression */
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
			ObjectAddress object = {row->refclassid, row->refobjid, 0};

			if (row->refclassid == TriggerRelationId)
				parent = row->refobjid;
			else if (row->refclassid != RelationRelationId)
				add_exact_object_address(&object, bound->objects);
			else
				bound->recorded |= row->refobjsubid != 0;
		}
		systable_endscan(scan);
		trigger = parent;
	}
	table_close(depend, AccessShareLock);
}

/* Was the object recorded? */
static bool
is_recorded(const Bound *bound, Oid class, Oid id)
{
	ObjectAddress object = {class, id, 0};

	return object_address_present(&object, bound->objects);
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
 * Is it a cast that another role could have created since the expression was
 * stored?  The owner of a type can also use a polymorphic function of others.
 */
static bool
is_other_cast(const Bound *bound, Oid cast, Oid function, Oid source, Oid target)
{
	Oid		   *types;
	int			ntypes;

	if (bound->recorded)
		return !is_recorded(bound, CastRelationId, cast);
	(void) get_func_signature(function, &types, &ntypes);
	return !owns_code(bound->table_owner, function) ||
		(get_typtype(types[0]) == TYPTYPE_PSEUDO &&
		 (cmig_type_role(source, bound->table_owner) != bound->table_owner ||
		  cmig_type_role(target, bound->table_owner) != bound->table_owner));
}

/*
 * Make each cast call the function that it called when the expression was stored.
 * The text names functions by their schemas and the types of their arguments, but a
 * cast is found by its types.  The triggers depend on those that they use, which
 * can thus not be dropped.  Another one was a conversion through text: the owner of
 * a type could create a cast to have a function run by all who write the table.
 * In a restored database, where the casts are not recorded, only those of third
 * roles are replaced.
 */
static Node *
bind_casts(Node *node, void *arg)
{
	const Bound *bound = arg;

	if (node == NULL)
		return NULL;
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcformat != COERCE_EXPLICIT_CALL &&
		((FuncExpr *) node)->funcformat != COERCE_SQL_SYNTAX)
	{
		const FuncExpr *call = (FuncExpr *) node;
		Oid			source = getBaseType(exprType(linitial(call->args)));
		Oid			target = getBaseType(call->funcresulttype);
		Oid			cast = get_cast_oid(source, target, true);

		if (bound->dependent != NULL && cast >= FirstNormalObjectId)
		{
			ObjectAddress object = {CastRelationId, cast, 0};

			recordDependencyOn(bound->dependent, &object, DEPENDENCY_NORMAL);
		}
		else if (bound->dependent == NULL && Max(cast, call->funcid) >= FirstNormalObjectId &&
				 is_other_cast(bound, cast, call->funcid, source, target))
		{
			Node	   *value = bind_casts(linitial(call->args), arg);
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
	return expression_tree_mutator(node, bind_casts, arg);
}

static void
add_object(List **found, Oid class, Oid id)
{
	ObjectAddress *object = palloc0(sizeof(ObjectAddress));

	object->classId = class;
	object->objectId = id;
	if (id >= FirstNormalObjectId)
		*found = lappend(*found, object);
}

bool
cmig_versions_find_objects(Node *node, List **found)
{
	static const Oid named[][2] = {
		{REGCONFIGOID, TSConfigRelationId}, {REGDICTIONARYOID, TSDictionaryRelationId},
		{REGPROCOID, ProcedureRelationId}, {REGPROCEDUREOID, ProcedureRelationId},
		{REGOPEROID, OperatorRelationId}, {REGOPERATOROID, OperatorRelationId},
		{REGTYPEOID, TypeRelationId}, {REGCOLLATIONOID, CollationRelationId}
	};
	List	   *operators = NIL;

	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr))
		add_object(found, ProcedureRelationId, ((FuncExpr *) node)->funcid);
	else if (IsA(node, OpExpr) || IsA(node, DistinctExpr) || IsA(node, NullIfExpr))
		operators = list_make1_oid(((OpExpr *) node)->opno);
	else if (IsA(node, ScalarArrayOpExpr))
		operators = list_make1_oid(((ScalarArrayOpExpr *) node)->opno);
	else if (IsA(node, RowCompareExpr))
		operators = ((RowCompareExpr *) node)->opnos;
	else if (IsA(node, Const) || IsA(node, CoerceToDomain) || IsA(node, RelabelType) ||
			 IsA(node, CoerceViaIO) || IsA(node, ArrayCoerceExpr) || IsA(node, RowExpr))
		add_object(found, TypeRelationId, exprType(node));
	else if (IsA(node, CollateExpr))
		add_object(found, CollationRelationId, ((CollateExpr *) node)->collOid);
	if (IsA(node, Const) && !((Const *) node)->constisnull)
	{
		const Const *value = (Const *) node;

		/* PostgreSQL records these, too */
		for (int i = 0; i < lengthof(named); i++)
			if (value->consttype == named[i][0])
				add_object(found, named[i][1], DatumGetObjectId(value->constvalue));
	}
	foreach_oid(operator, operators)
		add_object(found, OperatorRelationId, operator);
	return expression_tree_walker(node, cmig_versions_find_objects, found);
}

/* May the trigger not use the object, a function, an operator, or a type? */
static bool
is_other_object(const Bound *bound, const ObjectAddress *object)
{
	if (bound->recorded)
		return !is_recorded(bound, object->classId, object->objectId);
	/* what only superusers can define, or what calls nothing */
	if (object->classId != TypeRelationId && object->classId != OperatorRelationId &&
		object->classId != ProcedureRelationId)
		return false;
	if (object->classId == TypeRelationId)
		return cmig_type_role(object->objectId, bound->table_owner) != bound->table_owner;
	return !owns_code(bound->table_owner, object->classId == OperatorRelationId ?
					  get_opcode(object->objectId) : object->objectId);
}

pg_noreturn static void
refuse_object(const Bound *bound, const ObjectAddress *object)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s is not the one that the revision was expanded with",
					getObjectDescription(object, false)),
			 errdetail("The expression is: %s", bound->text),
			 bound->recorded ? errhint("A schema was renamed, or an object was created that fits better. Undo this.") :
			 cmig_hint("The database was restored. To compare the expressions with the plan: `CALL cmig.expand()`")));
}

/*
 * Raise an error if the expression uses other objects than when it was stored.  The
 * text names them by their schemas, whose owners can rename these.
 */
static void
require_objects(const Bound *bound, Node *expr)
{
	List	   *found = NIL;

	(void) cmig_versions_find_objects(expr, &found);
	foreach_ptr(const ObjectAddress, object, found)
	{
		if (is_other_object(bound, object))
			refuse_object(bound, object);
	}
}

/* A check for raw_expression_tree_walker: is a literal converted by another type's code? */
static bool
require_literals(Node *node, void *bound)
{
	const TypeCast *cast = (TypeCast *) node;
	ObjectAddress type = {TypeRelationId};

	if (node == NULL || IsA(node, TypeName))
		return false;
	if (IsA(node, TypeCast) && IsA(cast->arg, A_Const))
	{
		type.objectId = LookupTypeNameOid(NULL, cast->typeName, true);
		if (type.objectId >= FirstNormalObjectId && is_other_object(bound, &type))
			refuse_object(bound, &type);
	}
	return raw_expression_tree_walker(node, require_literals, bound);
}

Expr *
cmig_versions_compile(Relation relation, const char *text, Oid type, int32 typmod, Oid trigger,
					  bool record)
{
	ParseState *pstate = make_parsestate(NULL);
	Node	   *expr;
	ObjectAddress dependent = {TriggerRelationId, trigger, 0};
	Bound		bound = {record ? &dependent : NULL,.table_owner = relation->rd_rel->relowner,.text = text};

	bound.objects = new_object_addresses();
	if (!record)
		read_bound(&bound, trigger);
	pstate->p_sourcetext = text;
	addNSItemToQuery(pstate,
					 addRangeTableEntryForRelation(pstate, relation, AccessShareLock, NULL, false,
												   true),
					 false, true, true);
	expr = look_up_as(pstate, relation->rd_rel->relowner, relation->rd_rel->relowner);

	/*
	 * what was recorded is used, whatever privileges of its schema remain;
	 * the superuser calls nothing, because anybody can have recorded it
	 */
	if (expr == NULL && !record && bound.recorded)
		expr = look_up_as(pstate, BOOTSTRAP_SUPERUSERID, InvalidOid);
	/* only the writer may be allowed to use a schema, or to convert a literal */
	if (expr == NULL)
	{
		pstate->p_ref_hook_state = NULL;
		if (!record)
			(void) require_literals(cmig_versions_expression(text), &bound);
		look_up(pstate);
		expr = pstate->p_ref_hook_state;
	}
	expr = coerce_to_target_type(pstate, expr, exprType(expr), type, typmod,
								 COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (expr == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the expression %s does not have type %s", text, format_type_be(type))));
	expr = bind_casts(expr, &bound);
	assign_expr_collations(pstate, expr);
	if (record)
		recordDependencyOnExpr(&dependent, expr, pstate->p_rtable, DEPENDENCY_NORMAL);
	else
		require_objects(&bound, expr);
	free_parsestate(pstate);
	/* to plan it may call functions, for which not all is recorded yet */
	return record ? (Expr *) expr : expression_planner((Expr *) expr);
}

/* Values of a plain type are handled without catalogs and without other code. */
static bool
is_plain_type(Oid type)
{
	switch (type)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case BYTEAOID:
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INTERVALOID:
		case UUIDOID:
		case JSONBOID:
			return true;
		default:
			return false;
	}
}

/*
 * A check for expression_tree_walker: can evaluating the expression fail?  Or,
 * if "plainly" is set, can it do so other than in a function of PostgreSQL that
 * only computes a value?
 */
static bool
may_fail_function(Oid function, void *plainly)
{
	HeapTuple	tuple;
	Form_pg_proc proc;
	bool		plain;

	if (get_func_leakproof(function) || !*(bool *) plainly)
		return !get_func_leakproof(function);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return true;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	plain = function < FirstGenbkiObjectId && proc->prolang == INTERNALlanguageId &&
		proc->provolatile == PROVOLATILE_IMMUTABLE &&
		is_plain_type(proc->prorettype);
	for (int i = 0; i < proc->pronargs; i++)
		plain &= is_plain_type(proc->proargtypes.values[i]);
	ReleaseSysCache(tuple);
	return !plain;
}

static bool
may_fail(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, may_fail_function, context))
		return true;
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_RelabelType:
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CaseTestExpr:
		case T_CoalesceExpr:
		case T_List:
			return expression_tree_walker(node, may_fail, context);
		default:
			return true;
	}
}

bool
cmig_versions_may_fail(Expr *expr, bool plainly)
{
	return may_fail((Node *) expr, &plainly);
}
