/*
 * lint_code.c
 *	  Lint: what functions in the live catalogs do.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/attnum.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/proclang.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/base.h"
#include "parse/parse.h"
#include "plan/lint.h"

/* ----------------------------------------------------------------
 * Finds the code in the live database that uses a table or a column.
 *
 * PostgreSQL records the objects used by views and policies, but not the
 * objects used by a function whose body is a string.  Such function bodies are
 * searched for identifiers.
 * ----------------------------------------------------------------
 */

/* Row callback: fill in a dependent object. */
static void
fill_dependent(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigLintDependent *dependent = arg;
	bool		isnull;

	dependent->kind = cmig_query_int32(desc, row, 1, 0);
	dependent->relation = DatumGetObjectId(cmig_query_datum(desc, row, 2, &isnull));
	dependent->name = cmig_query_text_or_null(desc, row, 3);
}

CmigLintDependent *
cmig_lint_code_dependent(const ObjectAddress *object)
{
	/* the first column is a CmigLintDependentKind */
	static CmigQuery query = {
		.sql = "SELECT 0, ev_class, NULL FROM pg_rewrite WHERE $1 = 'pg_rewrite'::regclass AND oid = $2"
		" UNION ALL SELECT 1, polrelid, polname::text FROM pg_policy"
		"  WHERE $1 = 'pg_policy'::regclass AND oid = $2"
		" UNION ALL SELECT 2, 0, proname::text FROM pg_proc WHERE $1 = 'pg_proc'::regclass AND oid = $2"
		" UNION ALL SELECT 3, conrelid, conname::text FROM pg_constraint"
		"  WHERE $1 = 'pg_constraint'::regclass AND oid = $2 AND contype = 'f'",
		.nargs = 2,.argtypes = {OIDOID, OIDOID}
	};
	Datum		values[] = {ObjectIdGetDatum(object->classId), ObjectIdGetDatum(object->objectId)};
	CmigLintDependent *result;

	if (object->classId != RewriteRelationId && object->classId != PolicyRelationId &&
		object->classId != ConstraintRelationId && object->classId != ProcedureRelationId)
		return NULL;
	result = palloc0(sizeof(CmigLintDependent));
	return cmig_query_each(&query, values, NULL, fill_dependent, result) > 0 ? result : NULL;
}

/*
 * Returns the dependent object in a pg_depend row.  Returns NULL if the object
 * is not relevant.
 */
static CmigLintDependent *
read_dependent(Oid table, Form_pg_depend form)
{
	ObjectAddress object = {form->classid, form->objid, form->objsubid};
	CmigLintDependent *result = cmig_lint_code_dependent(&object);

	/* skip objects that belong to the table, except for policies */
	if (result == NULL || (result->relation == table && result->kind != CMIG_LINT_POLICY))
		return NULL;
	if (result->kind == CMIG_LINT_VIEW)
		ObjectAddressSet(object, RelationRelationId, result->relation);
	result->description = getObjectDescription(&object, true);
	return result->description ? result : NULL;
}

/* Is the description in the list? */
static bool
is_listed(List *dependents, const char *description)
{
	ListCell   *lc;

	foreach(lc, dependents)
	{
		if (strcmp(((CmigLintDependent *) lfirst(lc))->description, description) == 0)
			return true;
	}
	return false;
}

/* A search for the objects that depend on a table or a column. */
typedef struct DependentSearch
{
	Oid			table;
	AttrNumber	column;			/* 0: the table and all of its columns */
	List	   *found;			/* of CmigLintDependent */
} DependentSearch;

/* Add the dependent object in a pg_depend row, unless it is already listed. */
static void
add_dependent(HeapTuple row, void *arg)
{
	DependentSearch *search = arg;
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(row);
	CmigLintDependent *dependent;

	if (search->column != 0 && form->refobjsubid != search->column)
		return;
	dependent = read_dependent(search->table, form);
	/* skip the table's own policies, which are dropped with the table */
	if (dependent && search->column == 0 && dependent->relation == search->table)
		return;
	if (dependent && !is_listed(search->found, dependent->description))
		search->found = lappend(search->found, dependent);
}

List *
cmig_lint_code_dependents(Oid table, AttrNumber column)
{
	DependentSearch search = {table, column, NIL};

	cmig_catalog_rows_referring(RelationRelationId, table, add_dependent, &search);
	return search.found;
}

/*
 * Returns the column described by a pg_depend row, or NULL if the row does not
 * describe a column of a table or a composite type.
 */
static CmigLintDependent *
read_column(Form_pg_depend form, Oid type)
{
	ObjectAddress object = {form->classid, form->objid, form->objsubid};
	char		kind = form->classid == RelationRelationId && form->objsubid != 0 ? get_rel_relkind(form->objid) : 0;
	CmigLintDependent *result;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_FOREIGN_TABLE &&
		kind != RELKIND_COMPOSITE_TYPE)
		return NULL;
	result = palloc0(sizeof(CmigLintDependent));
	result->kind = CMIG_LINT_COLUMN;
	result->relation = form->objid;
	result->column = form->objsubid;
	result->type = type;
	result->description = getObjectDescription(&object, true);
	return result->description ? result : NULL;
}

/* A search for the columns of a type. */
typedef struct ColumnSearch
{
	Oid			type;
	List	   *found;			/* of CmigLintDependent */
} ColumnSearch;

/* Add the column in a pg_depend row. */
static void
add_column(HeapTuple row, void *arg)
{
	ColumnSearch *search = arg;
	CmigLintDependent *column = read_column((Form_pg_depend) GETSTRUCT(row), search->type);

	if (column != NULL)
		search->found = lappend(search->found, column);
}

List *
cmig_lint_code_columns(Oid type)
{
	ColumnSearch search = {type, NIL};
	Oid			array = get_array_type(type);

	cmig_catalog_rows_referring(TypeRelationId, type, add_column, &search);
	search.type = array;
	if (OidIsValid(array))
		cmig_catalog_rows_referring(TypeRelationId, array, add_column, &search);
	return search.found;
}

/* Row callback: add a function's body to a list. */
static void
add_body(TupleDesc desc, HeapTuple row, void *bodies)
{
	CmigLintBody *body = palloc(sizeof(CmigLintBody));
	bool		isnull;

	body->oid = DatumGetObjectId(cmig_query_datum(desc, row, 1, &isnull));
	body->name = cmig_query_text(desc, row, 2);
	body->source = cmig_query_text(desc, row, 3);
	*(List **) bodies = lappend(*(List **) bodies, body);
}

List *
cmig_lint_code_bodies(CmigLint *lint)
{
	static CmigQuery query = {
		.sql = "SELECT p.oid, p.proname::text, p.prosrc FROM pg_proc p"
		" JOIN pg_language l ON l.oid = p.prolang AND l.lanname IN ('sql', 'plpgsql')"
		" WHERE p.oid >= 16384 AND p.prosqlbody IS NULL AND p.prosrc IS NOT NULL"
		"  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass"
		"   AND d.objid = p.oid AND d.deptype = 'e')"
		" ORDER BY p.proname, p.oid"
	};
	MemoryContext old = MemoryContextSwitchTo(lint->context);

	if (lint->bodies == NIL)
		cmig_query_each(&query, NULL, NULL, add_body, &lint->bodies);
	MemoryContextSwitchTo(old);
	return lint->bodies;
}

List *
cmig_lint_code_trigger_functions(Oid table)
{
	static CmigQuery query = {
		.sql = "SELECT DISTINCT tgfoid FROM pg_trigger WHERE tgrelid = $1",
		.nargs = 1,.argtypes = {OIDOID}
	};
	Datum		value = ObjectIdGetDatum(table);
	List	   *result = NIL;

	cmig_query_each(&query, &value, NULL, cmig_query_keep_oid, &result);
	return result;
}

/* Is the current token the identifier "word"? */
static bool
is_name(const CmigLexer *lexer, const char *word)
{
	int			length = lexer->next - lexer->start;

	if (lexer->type == CMIG_TOKEN_WORD)
		return length == strlen(word) &&
			strcmp(downcase_identifier(lexer->start, length, false, false), word) == 0;
	return lexer->type == CMIG_TOKEN_QUOTED && length == strlen(word) + 2 &&
		strncmp(lexer->start + 1, word, length - 2) == 0;
}

bool
cmig_lint_code_names(const char *source, const char *word, int level)
{
	CmigLexer	lexer;

	cmig_lexer_init(&lexer, source);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_name(&lexer, word))
			return true;
		/* also search strings, which may contain dynamic SQL */
		if (level < CMIG_LINT_MAX_NESTING &&
			(lexer.type == CMIG_TOKEN_STRING || lexer.type == CMIG_TOKEN_DOLLAR) &&
			lexer.next - lexer.start >= strlen(word) + 2)
		{
			char	   *text = pnstrdup(lexer.start + 1, lexer.next - lexer.start - 2);

			if (cmig_lint_code_names(text, word, level + 1))
				return true;
			pfree(text);
		}
	}
	return false;
}

/* ----------------------------------------------------------------
 * Finds volatile functions in a script's expressions.
 *
 * Functions are looked up in the catalogs but never called.
 * ----------------------------------------------------------------
 */

/* Can the function be called with this number of arguments? */
static bool
takes_arguments(Form_pg_proc form, int count)
{
	if (OidIsValid(form->provariadic))
		return count >= form->pronargs - 1 - form->pronargdefaults;
	return count <= form->pronargs && count >= form->pronargs - form->pronargdefaults;
}

/*
 * Is the function in the given schema or, if "schema" is NULL, in search_path?
 */
static bool
is_visible(CmigLint *lint, Form_pg_proc form, const char *schema)
{
	const char *actual;

	if (form->pronamespace == PG_CATALOG_NAMESPACE)
		return schema == NULL || strcmp(schema, "pg_catalog") == 0;
	if (!lint->reads_facts)
		return false;
	actual = get_namespace_name(form->pronamespace);
	if (actual == NULL)
		return false;
	if (schema)
		return strcmp(actual, schema) == 0;
	return cmig_text_list_has(lint->session.path, actual);
}

/*
 * Does the call run a volatile function?  If several functions match, returns
 * true only if all of them are volatile.  An unknown function counts as
 * volatile.
 */
static bool
calls_volatile(CmigLint *lint, FuncCall *call)
{
	const char *name = strVal(llast(call->funcname));
	const char *schema = list_length(call->funcname) > 1 ?
	strVal(list_nth(call->funcname, list_length(call->funcname) - 2)) : NULL;
	CmigLintFunction *created = cmig_lint_objects_function(lint, name, false);
	CatCList   *functions;
	bool		found = false;
	bool		all_volatile = true;

	if (created && !created->is_dropped)
		return created->is_volatile;
	functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < functions->n_members; i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&functions->members[i]->tuple);

		if (!is_visible(lint, form, schema) || !takes_arguments(form, list_length(call->args)))
			continue;
		found = true;
		if (form->provolatile != PROVOLATILE_VOLATILE)
			all_volatile = false;
	}
	ReleaseSysCacheList(functions);
	return !found || all_volatile;
}

/* The argument of find_volatile(), and its result. */
typedef struct VolatileSearch
{
	CmigLint   *lint;
	const char *found;
} VolatileSearch;

/* raw_expression_tree_walker callback: find a call to a volatile function. */
static bool
find_volatile(Node *node, void *context)
{
	VolatileSearch *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, FuncCall) && calls_volatile(search->lint, (FuncCall *) node))
	{
		search->found = strVal(llast(((FuncCall *) node)->funcname));
		return true;
	}
	return raw_expression_tree_walker(node, find_volatile, search);
}

const char *
cmig_lint_volatile_function(CmigLint *lint, Node *expression)
{
	VolatileSearch search = {lint, NULL};

	(void) find_volatile(expression, &search);
	return search.found;
}

/* ----------------------------------------------------------------
 * Finds integer columns that do not need a larger type.
 * ----------------------------------------------------------------
 */

/* Is the expression the column itself? */
static bool
is_column(Node *node, const char *name)
{
	Node	   *last;

	if (node == NULL || !IsA(node, ColumnRef))
		return false;
	last = llast(((ColumnRef *) node)->fields);
	return IsA(last, String) && strcmp(strVal(last), name) == 0;
}

/* Is the expression a constant, or a list of constants? */
static bool
is_constant(Node *node)
{
	ListCell   *lc;

	if (node != NULL && IsA(node, A_ArrayExpr))
		node = (Node *) ((A_ArrayExpr *) node)->elements;
	if (node == NULL || !IsA(node, List))
		return cmig_lint_expression_constant(node) != NULL;
	foreach(lc, (List *) node)
	{
		if (cmig_lint_expression_constant(lfirst(lc)) == NULL)
			return false;
	}
	return true;
}

/* Does the expression compare the column with a constant? */
static bool
is_comparison(A_Expr *expression, const char *name)
{
	static const char *const operators[] = {"<", "<=", "=", ">=", ">"};
	const char *operator = strVal(llast(expression->name));

	switch (expression->kind)
	{
		case AEXPR_BETWEEN:
		case AEXPR_BETWEEN_SYM:
			return is_column(expression->lexpr, name) && is_constant(expression->rexpr);
		case AEXPR_OP:
		case AEXPR_OP_ANY:
		case AEXPR_IN:
			break;
		default:
			return false;
	}
	for (int i = 0; i < lengthof(operators); i++)
	{
		if (strcmp(operator, operators[i]) == 0)
			return (is_column(expression->lexpr, name) && is_constant(expression->rexpr)) ||
				(is_column(expression->rexpr, name) && is_constant(expression->lexpr));
	}
	return false;
}

/*
 * Does the condition compare the column with a constant?  If AND combines
 * several conditions, it is enough that one of them does.
 */
static bool
limits_column(Node *condition, const char *name)
{
	ListCell   *lc;

	if (condition != NULL && IsA(condition, A_Expr))
		return is_comparison((A_Expr *) condition, name);
	if (condition == NULL || !IsA(condition, BoolExpr) || ((BoolExpr *) condition)->boolop != AND_EXPR)
		return false;
	foreach(lc, ((BoolExpr *) condition)->args)
	{
		if (limits_column(lfirst(lc), name))
			return true;
	}
	return false;
}

/* Returns the number of bytes of an integer type, or 0 for other types. */
static int
width(Oid type)
{
	return type == INT2OID ? 2 : type == INT4OID ? 4 : 0;
}

/*
 * Returns the name of the only column of a table's primary key.  Returns NULL
 * if the key has several columns or does not exist.
 */
static const char *
key_column(const CmigLintTable *table)
{
	ListCell   *lc;

	foreach(lc, table->constraints)
	{
		CmigLintConstraint *constraint = lfirst(lc);

		if (constraint->type == CONSTRAINT_PRIMARY)
			return list_length(constraint->columns) == 1 ? linitial(constraint->columns) : NULL;
	}
	return NULL;
}

/*
 * Does a foreign key with a single column reference an integer column whose
 * width is at most "limit" bytes?
 */
static bool
references_narrow(CmigLint *lint, Constraint *constraint, int limit)
{
	CmigLintTable *table = cmig_lint_state_find(lint, constraint->pktable, true);
	const char *name;
	CmigLintColumn *column;

	if (table == NULL)
		return false;
	cmig_lint_state_load(lint, table);
	name = constraint->pk_attrs == NIL ? key_column(table) : strVal(linitial(constraint->pk_attrs));
	column = name == NULL ? NULL : cmig_lint_model_column(table, name);
	return column != NULL && width(column->type) > 0 && width(column->type) <= limit;
}

/* Is the constraint a foreign key whose only column is "name"? */
static bool
is_key_of(Constraint *constraint, const char *name)
{
	if (constraint->contype != CONSTR_FOREIGN)
		return false;
	return constraint->fk_attrs == NIL ||
		(list_length(constraint->fk_attrs) == 1 && strcmp(strVal(linitial(constraint->fk_attrs)), name) == 0);
}

bool
cmig_lint_integers_suffice(CmigLint *lint, const ColumnDef *column, const char *name, List *constraints)
{
	Oid			type;
	bool		limited = false;
	ListCell   *lc;

	if (cmig_lint_types_serial(column->typeName) != CMIG_LINT_NOT_SERIAL)
		return false;
	type = cmig_lint_types_oid(lint, column->typeName);
	foreach(lc, list_concat_copy(column->constraints, constraints))
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		if (constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_IDENTITY)
		{
			if (constraint->keys == NIL || (list_length(constraint->keys) == 1 && strcmp(strVal(linitial(constraint->keys)), name) == 0))
				return false;
		}
		else if (constraint->contype == CONSTR_CHECK)
			limited |= limits_column(constraint->raw_expr, name);
		else if (is_key_of(constraint, name))
			limited |= references_narrow(lint, constraint, width(type));
	}
	return limited;
}
