/*
 * rls_model.c
 *	  A policy's expression as one over made up rows and contexts.
 *
 * Columns of the row and what tells the context become columns of a VALUES
 * list; tables that sub-selects read become VALUES lists with the rows of one
 * tenant and of strangers, under the policies of these tables.  What then can
 * be true, rls_leak.c tries with the server's executor.
 *
 * Only built-in functions without effects are left, over built-in types, so
 * that no code runs that somebody else has written.  A condition that calls
 * another is an input of its own, that can be true, false and null.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/query.h"
#include "rls/rls_body.h"
#include "rls/rls_calls.h"
#include "rls/rls_hints.h"
#include "rls/rls_model.h"
#include "rls/rls_truth.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_language.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define MAX_TABLES 5			/* that are read; more are not judged */
#define MAX_ROWS 24				/* of each tenant in a table that is read */
#define MAX_POLICY_NESTING 3	/* policies of tables that policies read */

typedef struct Maker
{
	CmigRlsModel *model;
	Oid			relid;
	Oid			role;
	bool		no_rows;
	bool		definer;		/* below a SECURITY DEFINER function */
	int			depth;			/* queries above */
	const CmigRlsHints *hints;
	bool	   *failed;			/* something that cannot be judged was met */
	int			tables;
	int			nesting;		/* policies of policies */
	Oid			wanted;			/* type that what is read here is cast to */
} Maker;

static Node *make(Node *node, void *context);

/* The policies that a role is bound by when it reads a table. */
static CmigQuery read_quals = {
	"SELECT p.polpermissive, p.polqual::text FROM pg_policy p"
	" WHERE p.polrelid = $1 AND p.polcmd IN ('*', 'r') AND (p.polroles = '{0}' OR ($2 <> 0"
	"  AND EXISTS (SELECT FROM unnest(p.polroles) u(oid) WHERE pg_has_role($2, u.oid, 'USAGE')))) ORDER BY p.polname",
	2, {OIDOID, OIDOID}
};

/*
 * Inputs
 */

static Node *
use_input(Maker *maker, CmigRlsInput *input)
{
	ListCell   *lc;
	int			n = 0;

	foreach(lc, maker->model->inputs)
	{
		if (lfirst(lc) == input)
			n = foreach_current_index(lc) + 1;
	}
	if (n == 0)
	{
		maker->model->inputs = lappend(maker->model->inputs, input);
		n = list_length(maker->model->inputs);
	}
	return (Node *) makeVar(1, n, input->type, -1, get_typcollation(input->type), maker->depth);
}

/* Does a boolean column of the name keep rows from others where it is true? */
static bool
is_secrecy(const char *name)
{
	static const char *const words[] = {"private", "hidden", "secret", "restricted", "internal", "confidential", "draft"};

	for (int i = 0; i < lengthof(words); i++)
		if (strstr(name, words[i]))
			return true;
	return false;
}

static Node *
use_column(Maker *maker, Var *var)
{
	CmigRlsInput *input;
	HeapTuple	tuple;
	Oid			type = getBaseType(var->vartype);
	ListCell   *lc;

	foreach(lc, maker->model->inputs)
	{
		input = lfirst(lc);
		if (input->kind == CMIG_RLS_COLUMN && input->attno == var->varattno)
			return use_input(maker, input);
	}
	if (var->varattno <= 0 || cmig_rls_sample(type, maker->model->form, 0) == NULL)
	{
		*maker->failed = true;
		return (Node *) var;
	}
	input = palloc0(sizeof(CmigRlsInput));
	input->kind = CMIG_RLS_COLUMN;
	input->attno = var->varattno;
	input->type = type;
	input->form = maker->model->form;
	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(maker->relid), Int16GetDatum(var->varattno));
	if (HeapTupleIsValid(tuple))
	{
		input->never_null = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;
		input->false_marks = is_secrecy(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
		ReleaseSysCache(tuple);
	}
	cmig_rls_hints_apply(maker->hints, NULL, input);
	return use_input(maker, input);
}

/* What the text of a setting must look like. */
static Oid
wanted_type(Maker *maker, Oid type)
{
	Oid			wanted = OidIsValid(maker->wanted) ? getBaseType(maker->wanted) : type;
	CmigRlsForm form = maker->model->form;

	if (type != TEXTOID || wanted == TEXTOID || wanted == VARCHAROID || wanted == NAMEOID || wanted == BPCHAROID)
		return TEXTOID;
	return cmig_rls_sample(wanted, form, CMIG_RLS_OWN) ? wanted : TEXTOID;
}

static Node *
use_context(Maker *maker, Node *node, char *name, bool strict)
{
	CmigRlsInput *input;
	Oid			type = getBaseType(exprType(node));
	Oid			wanted;
	ListCell   *lc;

	maker->model->reads_context = true;
	foreach(lc, maker->model->inputs)
	{
		input = lfirst(lc);
		if (input->kind == CMIG_RLS_CONTEXT && input->type == type &&
			(cmig_rls_calls_setting(node) ? strcmp(input->name, name) == 0 && cmig_rls_calls_setting(input->node) : equal(input->node, node)))
		{
			input->strict &= strict;
			return use_input(maker, input);
		}
	}
	if (cmig_rls_sample(type, maker->model->form, CMIG_RLS_OWN) == NULL)
	{
		*maker->failed = true;
		return node;
	}
	wanted = wanted_type(maker, type);
	input = palloc0(sizeof(CmigRlsInput));
	input->kind = CMIG_RLS_CONTEXT;
	input->node = node;
	input->type = type;
	input->name = name;
	input->strict = strict;
	input->never_null = cmig_rls_calls_user(node);
	input->is_boolean = wanted == BOOLOID;
	input->form = wanted == UUIDOID ? CMIG_RLS_FORM_UUID :
		TypeCategory(wanted) == TYPCATEGORY_NUMERIC ? CMIG_RLS_FORM_NUMBER : maker->model->form;

	/*
	 * what is neither a text nor a number nor an id is written as its type
	 * asks
	 */
	if (type == TEXTOID && wanted != TEXTOID && wanted != UUIDOID && wanted != BOOLOID &&
		TypeCategory(wanted) != TYPCATEGORY_NUMERIC)
		input->own_text = cmig_rls_sample_text(cmig_rls_sample(wanted, maker->model->form, CMIG_RLS_OWN));
	input->equals = type == TEXTOID ? maker->hints->setting_values : NIL;
	return use_input(maker, input);
}

/* A condition that cannot be judged. */
static Node *
use_unknown(Maker *maker, Node *node)
{
	CmigRlsInput *input = palloc0(sizeof(CmigRlsInput));

	input->kind = CMIG_RLS_UNKNOWN;
	input->node = node;
	input->type = BOOLOID;
	return use_input(maker, input);
}

/*
 * Tables that are read
 */

/* The candidates of a column in the rows of one tenant. */
static List *
column_values(Maker *maker, RangeTblEntry *entry, AttrNumber attno, Oid type, int whose)
{
	CmigRlsInput input = {0};
	Const	   *value;
	List	   *values;

	input.attno = attno;
	input.type = getBaseType(type);
	value = cmig_rls_sample(input.type, maker->model->form, whose);
	if (value == NULL)
		return list_make1(cmig_rls_sample_null(type));
	values = list_make1(value);
	cmig_rls_hints_apply(maker->hints, entry, &input);
	if (input.type == BOOLOID)
		values = list_make2(cmig_rls_sample(BOOLOID, 0, 0), cmig_rls_sample(BOOLOID, 0, 1));
	values = list_concat(values, input.equals);
	values = list_concat(values, input.compares);
	/* what is greater than all constants */
	if (input.compares && TypeCategory(input.type) == TYPCATEGORY_NUMERIC)
		values = lappend(values, cmig_rls_sample_const(input.type, "30000"));
	if (TypeCategory(input.type) == TYPCATEGORY_DATETIME && (input.type == DATEOID || input.type == TIMESTAMPOID || input.type == TIMESTAMPTZOID))
		values = lappend(values, cmig_rls_sample_const(input.type, "2199-01-01"));
	if (input.null_tested)
		values = lappend(values, cmig_rls_sample_null(input.type));
	return values;
}

/*
 * (VALUES ...) with the rows of strangers and of one tenant.  Those of strangers
 * come first: a sub-select that takes one row of several takes theirs.
 */
static RangeTblEntry *
make_rows(Maker *maker, RangeTblEntry *entry, int natts)
{
	RangeTblEntry *values = makeNode(RangeTblEntry);
	List	   *types = NIL;
	List	   *names = NIL;

	for (int attno = 1; attno <= natts; attno++)
	{
		Oid			type;
		int32		typmod;
		Oid			collation;
		HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(entry->relid), Int16GetDatum(attno));

		type = HeapTupleIsValid(tuple) ? ((Form_pg_attribute) GETSTRUCT(tuple))->atttypid : InvalidOid;
		if (HeapTupleIsValid(tuple))
			ReleaseSysCache(tuple);
		type = OidIsValid(type) ? getBaseType(type) : INT4OID;
		typmod = -1;
		collation = get_typcollation(type);
		types = lappend_oid(types, type);
		values->coltypes = lappend_oid(values->coltypes, type);
		values->coltypmods = lappend_int(values->coltypmods, typmod);
		values->colcollations = lappend_oid(values->colcollations, collation);
		names = lappend(names, makeString(psprintf("column%d", attno)));
	}
	for (int n = 0; n <= CMIG_RLS_STRANGERS; n++)
	{
		int			whose = n < CMIG_RLS_STRANGERS ? n : CMIG_RLS_OWN;
		List	  **candidates = palloc(sizeof(List *) * natts);
		int			count = 1;
		int			most = maker->tables == 1 ? MAX_ROWS : maker->tables == 2 ? MAX_ROWS / 4 : 1;

		for (int i = 0; i < natts; i++)
		{
			candidates[i] = column_values(maker, entry, i + 1, list_nth_oid(types, i), whose);
			count = Min(count * list_length(candidates[i]), most);
		}
		for (int combination = 0; combination < count; combination++)
		{
			List	   *row = NIL;
			int			rest = combination;

			for (int i = 0; i < natts; i++)
			{
				int			length = list_length(candidates[i]);

				row = lappend(row, copyObject(list_nth(candidates[i], rest % length)));
				rest /= length;
			}
			values->values_lists = lappend(values->values_lists, row);
		}
	}
	values->rtekind = RTE_VALUES;
	values->eref = makeAlias("rows", names);
	values->inFromCl = true;
	return values;
}

typedef struct Qual
{
	bool		permissive;
	Node	   *tree;
} Qual;

static void
take_qual(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **quals = arg;
	Qual	   *qual = palloc(sizeof(Qual));
	bool		isnull;
	char	   *text = cmig_query_text(desc, row, 2);

	qual->permissive = DatumGetBool(cmig_query_datum(desc, row, 1, &isnull));
	qual->tree = text ? stringToNode(text) : NULL;
	*quals = lappend(*quals, qual);
}

/* Which rows of a table the role sees, or NULL for all of them. */
static Node *
visible_rows(Maker *maker, Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class class;
	bool		bound;
	Datum		values[2] = {ObjectIdGetDatum(relid), ObjectIdGetDatum(maker->role)};
	List	   *quals = NIL;
	List	   *permissive = NIL;
	List	   *all;
	ListCell   *lc;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	class = (Form_pg_class) GETSTRUCT(tuple);
	bound = class->relrowsecurity && !maker->definer &&
		(!OidIsValid(maker->role) || class->relforcerowsecurity ||
		 superuser_arg(maker->role) || !has_privs_of_role(maker->role, class->relowner));
	ReleaseSysCache(tuple);
	if (!bound)
		return NULL;
	cmig_query_each(&read_quals, values, NULL, take_qual, &quals);
	all = NIL;
	foreach(lc, quals)
	{
		Qual	   *qual = lfirst(lc);

		if (qual->tree == NULL)
			continue;
		if (qual->permissive)
			permissive = lappend(permissive, qual->tree);
		else
			all = lappend(all, qual->tree);
	}
	all = lappend(all, permissive ? (Node *) makeBoolExpr(OR_EXPR, permissive, -1) : makeBoolConst(false, false));
	return (Node *) makeBoolExpr(AND_EXPR, list_concat(all, list_make1(makeBoolConst(true, false))), -1);
}

/*
 * The table as (SELECT * FROM (VALUES ...) WHERE its policies).  It is one
 * query below the maker's.
 */
static RangeTblEntry *
make_table(Maker *maker, RangeTblEntry *entry)
{
	RangeTblEntry *table = makeNode(RangeTblEntry);
	RangeTblEntry *rows;
	RangeTblRef *reference = makeNode(RangeTblRef);
	Query	   *query = makeNode(Query);
	int			natts = cmig_rls_columns(entry->relid);
	Node	   *quals = NULL;
	ListCell   *lc;

	maker->model->reads_tables = true;
	maker->tables++;
	rows = make_rows(maker, entry, natts);
	reference->rtindex = 1;
	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = list_make1(rows);
	query->hasSubLinks = true;
	foreach(lc, rows->coltypes)
	{
		query->targetList = lappend(query->targetList,
									makeTargetEntry((Expr *) makeVar(1, foreach_current_index(lc) + 1, lfirst_oid(lc), -1,
																	 get_typcollation(lfirst_oid(lc)), 0),
													foreach_current_index(lc) + 1,
													pstrdup(strVal(list_nth(rows->eref->colnames, foreach_current_index(lc)))), false));
	}
	if (maker->no_rows)
		quals = makeBoolConst(false, false);
	else if (maker->nesting < MAX_POLICY_NESTING && (quals = visible_rows(maker, entry->relid)) != NULL)
	{
		Maker		inner = *maker;

		inner.depth++;
		inner.nesting++;
		quals = cmig_rls_body_expand(quals);
		inner.hints = cmig_rls_hints_read(quals);
		quals = make(quals, &inner);
		maker->tables = inner.tables;
	}
	query->jointree = makeFromExpr(list_make1(reference), quals);
	table->rtekind = RTE_SUBQUERY;
	table->subquery = query;
	table->alias = entry->alias;
	table->eref = entry->eref;
	table->lateral = false;
	table->inFromCl = entry->inFromCl;
	if (maker->tables > MAX_TABLES)
		*maker->failed = true;
	return table;
}

/*
 * Of the rows that a sub-select can return, which one comes first is not known:
 * it is a stranger's if one of them is there.
 */
static void
take_any_row(Query *query)
{
	if (query->limitCount != NULL && query->distinctClause == NIL)
		query->sortClause = NIL;
}

/* One row, since more than one would be an error: in fact it finds one. */
static void
take_one_row(SubLink *link)
{
	Query	   *query = (Query *) link->subselect;

	if (link->subLinkType != EXPR_SUBLINK || !IsA(query, Query) || query->limitCount != NULL)
		return;
	query->limitCount = (Node *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(1), false, FLOAT8PASSBYVAL);
	query->limitOption = LIMIT_OPTION_COUNT;
	take_any_row(query);
}

static Node *
make_query(Query *query, Maker *maker)
{
	Maker		inner = *maker;
	Query	   *made;
	ListCell   *lc;
	ListCell   *old;

	inner.depth++;
	inner.wanted = InvalidOid;
	inner.definer |= query->hasRowSecurity;
	if (query->hasRecursive || query->commandType != CMD_SELECT || query->rowMarks != NIL)
		*maker->failed = true;
	/* the hints know the entries as they were */
	made = query_tree_mutator(query, make, &inner, 0);
	forboth(lc, made->rtable, old, query->rtable)
	{
		RangeTblEntry *entry = lfirst(old);

		if (entry->rtekind == RTE_RELATION)
			lfirst(lc) = make_table(&inner, entry);
		else if (entry->rtekind == RTE_TABLEFUNC || entry->rtekind == RTE_NAMEDTUPLESTORE)
			*maker->failed = true;
	}
	made->hasRowSecurity = false;
	made->hasSubLinks = true;
	cmig_no_permissions_compat(made);
	take_any_row(made);
	maker->tables = inner.tables;
	return (Node *) made;
}

/*
 * The expression
 */

static Node *
make_call(FuncExpr *call, Maker *maker)
{
	Maker		inner = *maker;
	Node	   *made;

	if (cmig_rls_calls_setting((Node *) call))
	{
		Node	   *name = linitial(call->args);
		bool		strict = call->funcid == F_CURRENT_SETTING_TEXT;

		if (!IsA(name, Const) || ((Const *) name)->constisnull)
		{
			*maker->failed = true;
			return (Node *) call;
		}
		if (!strict && IsA(lsecond(call->args), Const))
		{
			Const	   *missing_ok = lsecond(call->args);

			strict = missing_ok->constisnull || !DatumGetBool(missing_ok->constvalue);
		}
		return use_context(maker, (Node *) call, TextDatumGetCString(((Const *) name)->constvalue), strict);
	}
	if (cmig_rls_calls_session_function((Node *) call))
	{
		char	   *name = psprintf("%s()", get_func_name(call->funcid));
		Oid			array = get_array_type(call->funcresulttype);
		FuncExpr   *scalar;

		if (!call->funcretset)
			return use_context(maker, (Node *) call, name, false);
		if (!OidIsValid(array) || !cmig_rls_sample_is_builtin(call->funcresulttype))
		{
			*maker->failed = true;
			return (Node *) call;
		}
		/* its rows are the elements of an array */
		scalar = copyObject(call);
		scalar->funcretset = false;
		scalar->funcresulttype = array;
		made = (Node *) makeFuncExpr(F_UNNEST_ANYARRAY, call->funcresulttype,
									 list_make1(use_context(maker, (Node *) scalar, name, false)),
									 call->funccollid, call->inputcollid, COERCE_EXPLICIT_CALL);
		((FuncExpr *) made)->funcretset = true;
		return made;
	}
	if (!cmig_rls_calls_builtin(call->funcid, call->args, call->funcresulttype))
		*maker->failed = true;
	if (call->funcformat == COERCE_EXPLICIT_CAST || call->funcformat == COERCE_IMPLICIT_CAST)
		inner.wanted = call->funcresulttype;
	made = expression_tree_mutator((Node *) call, make, &inner);
	maker->tables = inner.tables;
	return made;
}

/* Is an argument of a type that is not the server's own, or a row? */
static bool
has_others_type(List *args)
{
	ListCell   *lc;

	foreach(lc, args)
	{
		Oid			type = exprType(IsA(lfirst(lc), TargetEntry) ? (Node *) lfirst_node(TargetEntry, lc)->expr : lfirst(lc));

		if (type >= FirstUnpinnedObjectId || !cmig_rls_sample_is_builtin(type))
			return true;
	}
	return false;
}

/* Does an operator of others compare, or sort? */
static bool
has_others_operator(Node *node)
{
	ListCell   *lc;

	if (IsA(node, SortGroupClause))
		return ((SortGroupClause *) node)->eqop >= FirstUnpinnedObjectId || ((SortGroupClause *) node)->sortop >= FirstUnpinnedObjectId;
	foreach(lc, ((RowCompareExpr *) node)->opnos)
	{
		if (lfirst_oid(lc) >= FirstUnpinnedObjectId)
			return true;
	}
	return false;
}

static Node *
make_node(Node *node, Maker *maker)
{
	Maker		inner;
	Node	   *made;

	if (cmig_rls_calls_claim(node))
		return use_context(maker, node, pstrdup("a claim"), false);
	if (cmig_rls_calls_user(node))
		return use_context(maker, node, pstrdup("current_user"), false);
	inner = *maker;
	switch (nodeTag(node))
	{
		case T_Var:
			if (((Var *) node)->varlevelsup == maker->depth)
				return use_column(maker, (Var *) node);
			if (((Var *) node)->varattno <= 0 || !cmig_rls_sample_is_builtin(getBaseType(((Var *) node)->vartype)))
				*maker->failed = true;
			made = copyObject(node);
			((Var *) made)->vartype = getBaseType(((Var *) node)->vartype);
			return made;
		case T_FuncExpr:
			made = make_call((FuncExpr *) node, &inner);
			maker->tables = inner.tables;
			return made;
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			if (!cmig_rls_calls_builtin(get_opcode(((OpExpr *) node)->opno), ((OpExpr *) node)->args, ((OpExpr *) node)->opresulttype) ||
				((OpExpr *) node)->opno >= FirstUnpinnedObjectId)
				*maker->failed = true;
			break;
		case T_ScalarArrayOpExpr:
			if (!cmig_rls_calls_builtin(get_opcode(((ScalarArrayOpExpr *) node)->opno), ((ScalarArrayOpExpr *) node)->args, BOOLOID) ||
				((ScalarArrayOpExpr *) node)->opno >= FirstUnpinnedObjectId)
				*maker->failed = true;
			inner.wanted = InvalidOid;
			break;
		case T_CoerceViaIO:
			{
				CoerceViaIO *cast = copyObject((CoerceViaIO *) node);

				cast->resulttype = getBaseType(cast->resulttype);
				if (!cmig_rls_sample_is_builtin(cast->resulttype) ||
					!cmig_rls_sample_is_builtin(getBaseType(exprType((Node *) cast->arg))))
					*maker->failed = true;
				inner.wanted = cast->resulttype;
				node = (Node *) cast;
				break;
			}
		case T_CoerceToDomain:
			return make((Node *) ((CoerceToDomain *) node)->arg, maker);
		case T_Aggref:
			if (((Aggref *) node)->aggfnoid >= FirstUnpinnedObjectId || has_others_type(((Aggref *) node)->args))
				*maker->failed = true;
			break;
		case T_WindowFunc:
			if (((WindowFunc *) node)->winfnoid >= FirstUnpinnedObjectId || has_others_type(((WindowFunc *) node)->args))
				*maker->failed = true;
			break;
		case T_RowExpr:
			/* a record is a built-in type, whatever is in it */
			if (has_others_type(((RowExpr *) node)->args))
				*maker->failed = true;
			inner.wanted = InvalidOid;
			break;
		case T_RowCompareExpr:
		case T_SortGroupClause:
			if (has_others_operator(node))
				*maker->failed = true;
			break;
		case T_Param:
			if (((Param *) node)->paramkind != PARAM_SUBLINK)
				*maker->failed = true;
			break;
		case T_Const:
		case T_ArrayExpr:
		case T_ArrayCoerceExpr:
		case T_MinMaxExpr:
		case T_SubscriptingRef:
			if (!cmig_rls_sample_is_builtin(exprType(node)))
				*maker->failed = true;
			if (!IsA(node, MinMaxExpr))
				inner.wanted = InvalidOid;
			break;
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_CaseExpr:
		case T_CoalesceExpr:
		case T_CaseTestExpr:
		case T_SQLValueFunction:
		case T_RelabelType:
		case T_CollateExpr:
		case T_SubLink:
			break;
			/* what queries consist of */
		case T_List:
		case T_OidList:
		case T_IntList:
		case T_CaseWhen:
		case T_TargetEntry:
		case T_FromExpr:
		case T_JoinExpr:
		case T_RangeTblRef:
		case T_RangeTblEntry:
		case T_RangeTblFunction:
		case T_GroupingSet:
		case T_SetOperationStmt:
		case T_CommonTableExpr:
		case T_WindowClause:
			break;
		default:
			*maker->failed = true;
			return node;
	}
	made = expression_tree_mutator(node, make, &inner);
	if (IsA(made, SubLink))
		take_one_row((SubLink *) made);
	maker->tables = inner.tables;
	return made;
}

static bool
is_condition(Node *node)
{
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_SubLink:
		case T_RowCompareExpr:
		case T_CoerceViaIO:
		case T_CoerceToDomain:
		case T_RelabelType:
		case T_CaseExpr:
		case T_CoalesceExpr:
		case T_SubscriptingRef:
		case T_MinMaxExpr:
			return !expression_returns_set(node) && exprType(node) == BOOLOID;
		default:
			return false;
	}
}

static Node *
make(Node *node, void *context)
{
	Maker	   *maker = context;
	bool		failed = false;
	bool	   *above = maker->failed;
	Node	   *made;

	check_stack_depth();
	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
		return make_query((Query *) node, maker);
	if (!is_condition(node))
		return make_node(node, maker);
	maker->failed = &failed;
	made = make_node(node, maker);
	maker->failed = above;
	return failed ? use_unknown(maker, node) : made;
}

/*
 * Form
 */

typedef struct Types
{
	bool		uuid;
	bool		text;
} Types;

static bool
types_walker(Node *node, void *context)
{
	Types	   *types = context;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, types_walker, context, 0);
	if (IsA(node, Var) || IsA(node, CoerceViaIO))
	{
		Oid			type = getBaseType(exprType(node));
		Oid			element = get_element_type(type);

		if (OidIsValid(element))
			type = element;
		types->uuid |= type == UUIDOID;
		types->text |= IsA(node, Var) && (type == TEXTOID || type == VARCHAROID || type == BPCHAROID || type == NAMEOID);
	}
	return expression_tree_walker(node, types_walker, context);
}

CmigRlsModel *
cmig_rls_model_make(Node *tree, Oid relid, Oid role, const Bitmapset *keys, const Bitmapset *own, bool no_rows)
{
	CmigRlsModel *model = palloc0(sizeof(CmigRlsModel));
	Maker		maker = {0};
	Types		types = {0};
	bool		failed = false;
	ListCell   *lc;

	tree = cmig_rls_body_expand(tree);
	(void) types_walker(tree, &types);
	model->form = types.uuid ? CMIG_RLS_FORM_UUID : types.text ? CMIG_RLS_FORM_TEXT : CMIG_RLS_FORM_NUMBER;
	maker.model = model;
	maker.relid = relid;
	maker.role = role;
	maker.no_rows = no_rows;
	maker.failed = &failed;
	maker.hints = model->hints = cmig_rls_hints_read(tree);
	model->expression = make(tree, &maker);
	foreach(lc, model->inputs)
	{
		CmigRlsInput *input = lfirst(lc);

		if (input->kind != CMIG_RLS_COLUMN)
			continue;
		input->own = bms_is_member(input->attno, own);
		input->key |= input->own || bms_is_member(input->attno, keys);
		model->null_is_asked |= input->key && input->null_tested;
	}
	if (failed)
		model->expression = makeBoolConst(false, true);
	return model;
}
