/*
 * rls_input.c
 *	  The inputs of a model (rls_model.c): columns, the context, and unknown
 *	  conditions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "base/compat.h"
#include "rls/rls_calls.h"
#include "rls/rls_input.h"
#include "rls/rls_owner.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/transam.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

/*
 * Returns the Var for an input, and adds the input to the model if it is new.
 */
static Node *
use_input(CmigRlsMaker *maker, CmigRlsInput *input)
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

/*
 * Returns true if a boolean column's name suggests that the column is true in
 * rows that are hidden from other users.
 */
static bool
is_secrecy(const char *name)
{
	static const char *const words[] = {"private", "hidden", "secret", "restricted", "internal", "confidential", "draft"};

	for (int i = 0; i < lengthof(words); i++)
		if (strstr(name, words[i]))
			return true;
	return false;
}

Node *
cmig_rls_input_column(CmigRlsMaker *maker, Var *var)
{
	CmigRlsInput *input;
	HeapTuple	tuple;
	Oid			type = getBaseType(var->vartype);
	ListCell   *lc;

	foreach(lc, maker->model->inputs)
	{
		input = lfirst(lc);
		if (input->kind == CMIG_RLS_COLUMN && input->node == NULL && input->attno == var->varattno)
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
	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(maker->relid), Int16GetDatum(var->varattno));
	if (HeapTupleIsValid(tuple))
	{
		input->never_null = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;
		input->false_marks = is_secrecy(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
		ReleaseSysCache(tuple);
	}
	input->form = maker->model->form;
	cmig_rls_hints_apply(maker->hints, NULL, input);
	return use_input(maker, input);
}

/*
 * Returns the Var for an expression over a column.  The expression identifies
 * rows, as a key does.
 */
Node *
cmig_rls_input_identity(CmigRlsMaker *maker, Node *node, AttrNumber attno)
{
	CmigRlsInput *input;
	Oid			type = getBaseType(exprType(node));
	ListCell   *lc;

	foreach(lc, maker->model->inputs)
	{
		input = lfirst(lc);
		if (input->kind == CMIG_RLS_COLUMN && input->node && equal(input->node, node))
			return use_input(maker, input);
	}
	if (cmig_rls_sample(type, maker->model->form, 0) == NULL)
	{
		*maker->failed = true;
		return node;
	}
	input = palloc0(sizeof(CmigRlsInput));
	input->kind = CMIG_RLS_COLUMN;
	input->attno = attno;
	input->node = node;
	input->type = type;
	input->form = maker->model->form;
	input->key = true;
	return use_input(maker, input);
}

/*
 * Returns the type to which a setting is cast, so that its sample values are
 * valid text for this type.
 */
static Oid
wanted_type(CmigRlsMaker *maker, Oid type)
{
	Oid			wanted = OidIsValid(maker->wanted) ? getBaseType(maker->wanted) : type;
	CmigRlsForm form = maker->model->form;

	if (type != TEXTOID || wanted == TEXTOID || wanted == VARCHAROID || wanted == NAMEOID || wanted == BPCHAROID)
		return TEXTOID;
	return cmig_rls_sample(wanted, form, CMIG_RLS_OWN) ? wanted : TEXTOID;
}

Node *
cmig_rls_input_context(CmigRlsMaker *maker, Node *node, char *name, bool strict)
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
	input->never_null = input->user = cmig_rls_calls_user(node);
	input->is_boolean = wanted == BOOLOID;
	input->form = cmig_rls_hints_form(wanted);
	if (input->form == CMIG_RLS_FORM_TEXT)
		input->form = maker->model->form;

	/*
	 * if the setting is cast to a type other than text, a number, or a UUID,
	 * its value must be a sample value of that type
	 */
	if (type == TEXTOID && wanted != TEXTOID && wanted != UUIDOID && wanted != BOOLOID &&
		TypeCategory(wanted) != TYPCATEGORY_NUMERIC)
		input->own_text = cmig_rls_sample_text(cmig_rls_sample(wanted, maker->model->form, CMIG_RLS_OWN));
	input->equals = type == TEXTOID ? maker->hints->setting_values : NIL;
	return use_input(maker, input);
}

Node *
cmig_rls_input_unknown(CmigRlsMaker *maker, Node *node)
{
	CmigRlsInput *input = palloc0(sizeof(CmigRlsInput));

	input->kind = CMIG_RLS_UNKNOWN;
	input->node = node;
	input->depth = maker->depth;
	input->type = BOOLOID;
	return use_input(maker, input);
}

/*
 * Facts about the table and the roles
 */

/*
 * check_functions_in_node() callback: is the function not built into
 * PostgreSQL?
 */
static bool
is_foreign_function(Oid function, void *context)
{
	return function >= FirstNormalObjectId;
}

/* Does the expression call a function that is not built into PostgreSQL? */
static bool
calls_foreign(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return check_functions_in_node(node, is_foreign_function, NULL) ||
		expression_tree_walker(node, calls_foreign, context);
}

/*
 * Returns an index's expressions.  RelationGetIndexExpressions() would
 * evaluate their constant parts with the privileges of the current role,
 * although the functions may belong to other roles.
 */
static List *
index_expressions(Relation index)
{
	bool		isnull;
	Datum		datum = SysCacheGetAttr(INDEXRELID, index->rd_indextuple, Anum_pg_index_indexprs, &isnull);
	List	   *expressions;

	if (isnull)
		return NIL;
	expressions = (List *) stringToNode(TextDatumGetCString(datum));
	if (calls_foreign((Node *) expressions, NULL))
		return expressions;
	expressions = (List *) eval_const_expressions(NULL, (Node *) expressions);
	fix_opfuncids((Node *) expressions);
	return expressions;
}

List *
cmig_rls_input_identities(Oid relid)
{
	Relation	table = try_relation_open(relid, AccessShareLock);
	List	   *identities = NIL;
	ListCell   *lc;

	if (table == NULL)
		return NIL;
	foreach(lc, RelationGetIndexList(table))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_index->indisunique && index->rd_index->indisvalid && index->rd_index->indimmediate &&
			index->rd_index->indnkeyatts == 1 &&
			heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
			identities = list_concat(identities, index_expressions(index));
		index_close(index, AccessShareLock);
	}
	relation_close(table, AccessShareLock);
	return identities;
}

bool
cmig_rls_input_is_shared(const CmigRlsInput *input, Oid relid)
{
	ListCell   *lc;

	if (input->joined == NIL || cmig_rls_owner_is_told_by(relid, input->attno))
		return false;
	foreach(lc, input->joined)
	{
		CmigRlsColumnOf *other = lfirst(lc);

		if (!cmig_rls_owner_is_unique(other->relid, other->attno))
			return true;
	}
	return false;
}

/*
 * Query for the roles that current_user can be: the policy's role and its
 * members or, for PUBLIC, the roles that may use the table.  Roles to which no
 * policy applies are left out.
 */
static CmigQuery read_users = {
	"SELECT r.rolname::text FROM pg_roles r JOIN pg_class c ON c.oid = $2"
	" WHERE r.oid = $1 OR (NOT r.rolsuper AND NOT r.rolbypassrls AND r.rolname !~ '^pg_'"
	"  AND CASE WHEN $1 <> 0 THEN pg_has_role(r.oid, $1, 'USAGE')"
	"   ELSE r.oid <> c.relowner AND (has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE')"
	"    OR has_table_privilege(r.oid, c.oid, 'DELETE')) END)"
	" ORDER BY r.oid <> $1, r.rolname LIMIT 20",
	2, {OIDOID, OIDOID}
};

/* Callback that appends a role's name to a list. */
static void
take_user(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **users = arg;

	*users = lappend(*users, cmig_query_text(desc, row, 1));
}

/*
 * Find the roles that current_user can be.  The first role is the usual value
 * of current_user; the other roles are tried, too.
 */
void
cmig_rls_input_find_users(CmigRlsModel *model, Oid relid, Oid role)
{
	Datum		values[2] = {ObjectIdGetDatum(role), ObjectIdGetDatum(relid)};
	bool		asked = false;
	ListCell   *lc;

	foreach(lc, model->inputs)
	{
		CmigRlsInput *input = lfirst(lc);

		asked |= input->user;
	}
	if (asked)
		cmig_query_each(&read_users, values, NULL, take_user, &model->user_names);
}
