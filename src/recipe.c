/*
 * recipe.c
 *	  Online recipes: constraints added in steps that keep nobody waiting.
 *
 * Each recipe is a loop: look at the catalog, carry out the one statement
 * that comes next in a short transaction with lock retries, look again.  So a
 * recipe needs no memory of its own: called again after an interruption it
 * goes on, and called when all is done it does nothing.
 *
 * With cmig.concurrently off the statements run in the caller's transaction,
 * without CONCURRENTLY.
 */
#include "postgres.h"

#include "compat.h"
#include "errors.h"
#include "lock_wait.h"
#include "query.h"
#include "resume.h"
#include "runner.h"
#include "toplevel.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "parser/scansup.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(cmig_add_not_null);
PG_FUNCTION_INFO_V1(cmig_add_check);
PG_FUNCTION_INFO_V1(cmig_add_foreign_key);
PG_FUNCTION_INFO_V1(cmig_add_unique);

typedef struct Recipe
{
	const char *procedure;
	bool		one_transaction;
	bool		alone;			/* not part of a revision */
	Oid			table;
	char	   *table_name;		/* qualified and quoted */
	MemoryContext caller;
	MemoryContext context;
} Recipe;

/* A constraint as it stands in the catalog. */
typedef struct KnownConstraint
{
	bool		exists;
	bool		valid;
	char	   *kind;			/* contype */
	char	   *definition;		/* without NOT VALID */
	char	   *condition;		/* of a CHECK */
} KnownConstraint;

static CmigQuery constraint_query = {
	.sql = "SELECT convalidated, contype::text,"
	" regexp_replace(pg_get_constraintdef(oid), ' NOT VALID$', ''),"
	" pg_get_expr(conbin, conrelid)"
	" FROM pg_constraint WHERE conrelid = $1 AND conname = $2::name",
	.nargs = 2,
	.argtypes = {OIDOID, TEXTOID}
};

/*
 * Starting and ending
 */

static void
begin(Recipe *recipe, FunctionCallInfo fcinfo, const char *procedure)
{
	recipe->procedure = procedure;
	recipe->one_transaction = !cmig_runner_concurrently;
	recipe->alone = cmig_runner_current() == NULL;
	recipe->caller = CurrentMemoryContext;
	if (!recipe->one_transaction)
		cmig_toplevel_require(fcinfo, procedure);
	PreventCommandIfReadOnly(procedure);
	recipe->context = recipe->one_transaction ?
		AllocSetContextCreate(CurrentMemoryContext, "pg_cmig recipe", ALLOCSET_DEFAULT_SIZES) :
		cmig_toplevel_context("pg_cmig recipe");
	MemoryContextSwitchTo(recipe->context);
	if (!recipe->one_transaction)
		cmig_toplevel_snapshot();

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the target must not be null"),
				 errhint("Name a table.")));
	recipe->table = PG_GETARG_OID(0);
	if (get_rel_relkind(recipe->table) != RELKIND_RELATION &&
		get_rel_relkind(recipe->table) != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s needs a table", procedure),
				 errhint("Name a table.")));
	recipe->table_name =
		quote_qualified_identifier(get_namespace_name(get_rel_namespace(recipe->table)),
								   get_rel_name(recipe->table));
}

static void
finish(Recipe *recipe)
{
	if (!recipe->one_transaction)
		cmig_toplevel_commit();
	MemoryContextSwitchTo(recipe->caller);
	MemoryContextDelete(recipe->context);
}

static void
describe_error(void *arg)
{
	cmig_lock_wait_explain();
	switch (geterrcode())
	{
		case ERRCODE_CHECK_VIOLATION:
		case ERRCODE_FOREIGN_KEY_VIOLATION:
			errhint("Rows that break it are there from before; new ones are refused already. Put them right, for example with CALL cmig.backfill, then CALL this again.");
			break;
		case ERRCODE_UNIQUE_VIOLATION:
			errhint("Remove the duplicates, then CALL this again: it drops the index that the failed build left.");
			break;
	}
	errcontext("pg_cmig: %s of %s", ((Recipe *) arg)->procedure, ((Recipe *) arg)->table_name);
}

typedef void (*RecipeSteps) (Recipe *recipe, void *arg);

/* Frame the steps: errors tell where they were, the watch on locks ends. */
static void
carry_out(Recipe *recipe, RecipeSteps steps, void *arg)
{
	ErrorContextCallback callback;

	callback.callback = describe_error;
	callback.arg = recipe;
	callback.previous = error_context_stack;
	PG_TRY();
	{
		error_context_stack = &callback;
		if (recipe->alone)
			cmig_lock_wait_watch(GetUserId());
		steps(recipe, arg);
	}
	PG_CATCH();
	{
		if (recipe->alone)
			cmig_lock_wait_unwatch();
		PG_RE_THROW();
	}
	PG_END_TRY();
	error_context_stack = callback.previous;
	if (recipe->alone)
		cmig_lock_wait_unwatch();
	finish(recipe);
}

/* One statement; a snapshot to look around with is there afterwards. */
static void
run(Recipe *recipe, const char *sql)
{
	if (recipe->one_transaction)
	{
		cmig_runner_execute(linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT)),
							sql, None_Receiver);
		return;
	}
	cmig_toplevel_commit();
	cmig_lock_wait_forget();
	cmig_runner_restart_timeout();
	cmig_toplevel_run_sql(sql, psprintf("%s of %s", recipe->procedure, recipe->table_name));
	cmig_toplevel_snapshot();
}

/*
 * Arguments
 */

static char *
required_text(FunctionCallInfo fcinfo, int n, const char *name)
{
	char	   *value = PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));

	if (value == NULL || value[strspn(value, " \t\r\n")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be empty", name)));
	return value;
}

static char *
required_name(FunctionCallInfo fcinfo, int n)
{
	char	   *value = required_text(fcinfo, n, "the name");

	truncate_identifier(value, strlen(value), true);
	return value;
}

static char *
optional_name(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : required_name(fcinfo, n);
}

/* The columns of a text[] argument, or of a text one: a name, or '{a,b}'. */
static ArrayType *
array_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *value;
	Datum		name;

	if (get_fn_expr_argtype(fcinfo->flinfo, n) != TEXTOID)
		return PG_GETARG_ARRAYTYPE_P(n);
	value = text_to_cstring(PG_GETARG_TEXT_PP(n));
	if (value[0] == '{')
		return DatumGetArrayTypeP(OidInputFunctionCall(F_ARRAY_IN, value, TEXTOID, -1));
	name = CStringGetTextDatum(value);
	return construct_array(&name, 1, TEXTOID, -1, false, TYPALIGN_INT);
}

/* "a, b" of a list of columns, quoted; names gets the plain ones. */
static char *
columns_argument(FunctionCallInfo fcinfo, int n, const char *what, Oid table, List **names)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count = 0;
	StringInfoData list;

	*names = NIL;
	if (!PG_ARGISNULL(n))
		deconstruct_array(array_argument(fcinfo, n), TEXTOID, -1, false, TYPALIGN_INT,
						  &elements, &nulls, &count);
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must name at least one column", what),
				 errhint("Say ARRAY['<column>', ...].")));
	initStringInfo(&list);
	for (int i = 0; i < count; i++)
	{
		char	   *name = nulls[i] ? NULL : TextDatumGetCString(elements[i]);

		if (name == NULL || get_attnum(table, name) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							name ? name : "", get_rel_name(table))));
		*names = lappend(*names, name);
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", quote_identifier(name));
	}
	return list.data;
}

/* "a_b" of names, for a constraint's name. */
static char *
joined(List *names)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, names)
		appendStringInfo(&text, "%s%s", text.len > 0 ? "_" : "", (char *) lfirst(lc));
	return text.data;
}

/*
 * The catalog
 */

static void
keep_constraint(TupleDesc desc, HeapTuple row, void *arg)
{
	KnownConstraint *constraint = arg;
	bool		isnull;

	constraint->exists = true;
	constraint->valid = DatumGetBool(cmig_query_datum(desc, row, 1, &isnull));
	constraint->kind = cmig_query_text(desc, row, 2);
	constraint->definition = cmig_query_text(desc, row, 3);
	constraint->condition = cmig_query_text(desc, row, 4);
}

static KnownConstraint
find_constraint(Oid table, const char *name)
{
	KnownConstraint constraint = {0};
	Datum		values[2] = {ObjectIdGetDatum(table), CStringGetTextDatum(name)};

	cmig_query_each(&constraint_query, values, NULL, keep_constraint, &constraint);
	return constraint;
}

static void
refuse_other(const Recipe *recipe, const char *name, const char *definition)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("constraint \"%s\" of table %s is there already and is another one",
					name, recipe->table_name),
			 errdetail("It is: %s.", definition),
			 errhint("Choose another name, or drop it before.")));
}

/* NOT VALID first, which checks new rows at once, then the old rows. */
static void
add_validated(Recipe *recipe, const KnownConstraint *there, const char *name,
			  const char *definition)
{
	if (!there->exists)
		run(recipe, psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID",
							 recipe->table_name, quote_identifier(name), definition));
	if (!there->exists || !there->valid)
		run(recipe, psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s",
							 recipe->table_name, quote_identifier(name)));
}

/*
 * CHECK
 */

/* An error's position is one in the condition, not in the CALL. */
static void
place_error(void *arg)
{
	int			position = geterrposition();

	if (position <= 0)
		return;
	errposition(0);
	internalerrposition(position);
	internalerrquery((const char *) arg);
}

/* The condition as the server would write it. */
static char *
normal_condition(Oid table, const char *condition)
{
	char	   *text = psprintf("%s\n", condition);
	ErrorContextCallback callback;
	SelectStmt *select;
	ParseState *pstate = make_parsestate(NULL);
	Relation	relation;
	ParseNamespaceItem *item;
	Node	   *expression;
	char	   *result;
	int			level;

	callback.callback = place_error;
	callback.arg = text;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	select = (SelectStmt *) linitial_node(RawStmt, raw_parser(text, RAW_PARSE_PLPGSQL_EXPR))->stmt;
	if (!IsA(select, SelectStmt) || list_length(select->targetList) != 1 ||
		select->fromClause != NIL || select->whereClause != NULL || select->op != SETOP_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the condition must be one expression"),
				 errdetail("It is: %s", condition)));
	pstate->p_sourcetext = text;
	relation = relation_open(table, AccessShareLock);
	item = addRangeTableEntryForRelation(pstate, relation, AccessShareLock, NULL, false, true);
	addNSItemToQuery(pstate, item, true, true, true);
	expression = transformExpr(pstate, linitial_node(ResTarget, select->targetList)->val,
							   EXPR_KIND_CHECK_CONSTRAINT);
	expression = coerce_to_boolean(pstate, expression, "CHECK");
	assign_expr_collations(pstate, expression);

	level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	result = deparse_expression(expression,
								deparse_context_for(get_rel_name(table), table), false, false);
	AtEOXact_GUC(false, level);
	relation_close(relation, AccessShareLock);
	free_parsestate(pstate);
	error_context_stack = callback.previous;
	return result;
}

/* The same but for white space? */
static bool
same_text(const char *a, const char *b)
{
	for (;;)
	{
		a += strspn(a, " \n\t");
		b += strspn(b, " \n\t");
		if (*a != *b)
			return false;
		if (*a == '\0')
			return true;
		a++;
		b++;
	}
}

typedef struct CheckSteps
{
	char	   *name;
	char	   *condition;
} CheckSteps;

static void
add_check(Recipe *recipe, void *arg)
{
	CheckSteps *check = arg;
	KnownConstraint there = find_constraint(recipe->table, check->name);
	char	   *normal = normal_condition(recipe->table, check->condition);

	if (there.exists &&
		(strcmp(there.kind, "c") != 0 || !same_text(there.condition, normal)))
		refuse_other(recipe, check->name, there.definition);
	add_validated(recipe, &there, check->name, psprintf("CHECK (%s\n)", check->condition));
}

Datum
cmig_add_check(PG_FUNCTION_ARGS)
{
	Recipe		recipe;
	CheckSteps	check;

	begin(&recipe, fcinfo, "cmig.add_check");
	check.name = required_name(fcinfo, 1);
	check.condition = required_text(fcinfo, 2, "the condition");
	carry_out(&recipe, add_check, &check);
	PG_RETURN_VOID();
}

/*
 * NOT NULL
 */

static bool
is_not_null(Oid table, const char *column)
{
	HeapTuple	tuple = SearchSysCacheAttName(table, column);
	bool		result = false;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;
		ReleaseSysCache(tuple);
	}
	return result;
}

/*
 * A CHECK proves to SET NOT NULL that it need not look at the rows.  They are
 * two statements, since one would drop the constraint before it looks.
 */
static void
add_not_null(Recipe *recipe, void *arg)
{
	char	   *column = arg;
	CheckSteps	check;

	check.name = makeObjectName("cmig", column, "not_null");
	check.condition = psprintf("%s IS NOT NULL", quote_identifier(column));
	if (!is_not_null(recipe->table, column))
	{
		add_check(recipe, &check);
		run(recipe, psprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL",
							 recipe->table_name, quote_identifier(column)));
	}
	if (find_constraint(recipe->table, check.name).exists)
		run(recipe, psprintf("ALTER TABLE %s DROP CONSTRAINT %s", recipe->table_name,
							 quote_identifier(check.name)));
}

Datum
cmig_add_not_null(PG_FUNCTION_ARGS)
{
	Recipe		recipe;
	char	   *column;

	begin(&recipe, fcinfo, "cmig.add_not_null");
	column = required_text(fcinfo, 1, "the column");
	if (get_attnum(recipe.table, column) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", column,
						get_rel_name(recipe.table))));
	carry_out(&recipe, add_not_null, column);
	PG_RETURN_VOID();
}

/*
 * FOREIGN KEY
 */

static const char *const actions[] = {
	"NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"
};

static const char *
action_argument(FunctionCallInfo fcinfo, int n, const char *what)
{
	char	   *value = PG_ARGISNULL(n) ? pstrdup("NO ACTION") : text_to_cstring(PG_GETARG_TEXT_PP(n));

	for (int i = 0; i < lengthof(actions); i++)
	{
		if (pg_strcasecmp(value, actions[i]) == 0)
			return actions[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must be NO ACTION, RESTRICT, CASCADE, SET NULL or SET DEFAULT", what)));
}

typedef struct ForeignKeySteps
{
	char	   *name;
	char	   *definition;		/* as pg_get_constraintdef writes it */
} ForeignKeySteps;

static void
add_foreign_key(Recipe *recipe, void *arg)
{
	ForeignKeySteps *key = arg;
	KnownConstraint there = find_constraint(recipe->table, key->name);

	if (there.exists && strcmp(there.definition, key->definition) != 0)
		refuse_other(recipe, key->name, there.definition);
	if (get_rel_relkind(recipe->table) == RELKIND_PARTITIONED_TABLE && !recipe->one_transaction)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cmig.add_foreign_key cannot be used for partitioned table %s",
						recipe->table_name),
				 errdetail("The server has no NOT VALID foreign keys for partitioned tables."),
				 errhint("CALL it for each partition with the same columns; ALTER TABLE ... ADD FOREIGN KEY on the partitioned table then takes over what is there without looking at the rows.")));
	add_validated(recipe, &there, key->name, key->definition);
}

/* The primary key's columns, as pg_get_constraintdef writes them. */
static char *
primary_key_columns(Oid table)
{
	Bitmapset  *columns;
	Oid			constraint;
	KnownConstraint there;
	char	   *name = NULL;
	char	   *open;
	char	   *close;

	columns = get_primary_key_attnos(table, false, &constraint);
	if (columns != NULL && OidIsValid(constraint))
		name = get_constraint_name(constraint);
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no primary key for referenced table \"%s\"",
						get_rel_name(table)),
				 errhint("Name the referenced columns.")));
	there = find_constraint(table, name);
	open = strchr(there.definition, '(');
	close = strrchr(there.definition, ')');
	return pnstrdup(open + 1, close - open - 1);
}

Datum
cmig_add_foreign_key(PG_FUNCTION_ARGS)
{
	Recipe		recipe;
	ForeignKeySteps key;
	char	   *columns;
	char	   *referenced_columns;
	List	   *names;
	List	   *referenced_names;
	Oid			referenced;
	const char *on_delete;
	const char *on_update;
	StringInfoData definition;

	begin(&recipe, fcinfo, "cmig.add_foreign_key");
	columns = columns_argument(fcinfo, 1, "columns", recipe.table, &names);
	if (PG_ARGISNULL(2) || (get_rel_relkind(PG_GETARG_OID(2)) != RELKIND_RELATION &&
							get_rel_relkind(PG_GETARG_OID(2)) != RELKIND_PARTITIONED_TABLE))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("the referenced relation must be a table")));
	referenced = PG_GETARG_OID(2);
	referenced_columns = PG_ARGISNULL(3) ? primary_key_columns(referenced) :
		columns_argument(fcinfo, 3, "referenced_columns", referenced, &referenced_names);
	key.name = optional_name(fcinfo, 4);
	if (key.name == NULL)
		key.name = makeObjectName(get_rel_name(recipe.table), joined(names), "fkey");
	on_delete = action_argument(fcinfo, 5, "on_delete");
	on_update = action_argument(fcinfo, 6, "on_update");

	initStringInfo(&definition);
	appendStringInfo(&definition, "FOREIGN KEY (%s) REFERENCES %s(%s)", columns,
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(referenced)),
												get_rel_name(referenced)),
					 referenced_columns);
	if (strcmp(on_update, "NO ACTION") != 0)
		appendStringInfo(&definition, " ON UPDATE %s", on_update);
	if (strcmp(on_delete, "NO ACTION") != 0)
		appendStringInfo(&definition, " ON DELETE %s", on_delete);
	key.definition = definition.data;
	carry_out(&recipe, add_foreign_key, &key);
	PG_RETURN_VOID();
}

/*
 * UNIQUE
 */

typedef struct UniqueSteps
{
	char	   *name;
	char	   *columns;
} UniqueSteps;

static CmigQuery index_query = {
	.sql = "SELECT CASE WHEN i.indrelid <> $1 OR NOT i.indisunique OR i.indpred IS NOT NULL"
	" OR i.indexprs IS NOT NULL OR i.indnkeyatts <> i.indnatts THEN pg_get_indexdef(i.indexrelid)"
	" ELSE (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n)"
	" FROM unnest(i.indkey) WITH ORDINALITY k(attnum, n)"
	" JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum) END,"
	" i.indisvalid, i.indrelid = $1"
	" FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
	" JOIN pg_class t ON t.oid = $1 AND t.relnamespace = c.relnamespace"
	" WHERE c.relname = $2::name",
	.nargs = 2,
	.argtypes = {OIDOID, TEXTOID}
};

typedef struct IndexFound
{
	char	   *columns;		/* NULL: there is none */
	bool		valid;
	bool		same_table;
} IndexFound;

static void
keep_index(TupleDesc desc, HeapTuple row, void *arg)
{
	IndexFound *found = arg;
	bool		isnull;

	found->columns = cmig_query_text(desc, row, 1);
	found->valid = DatumGetBool(cmig_query_datum(desc, row, 2, &isnull));
	found->same_table = DatumGetBool(cmig_query_datum(desc, row, 3, &isnull));
}

static void
build_index(Recipe *recipe, const UniqueSteps *unique)
{
	const char *concurrently = recipe->one_transaction ? "" : "CONCURRENTLY ";

	for (;;)
	{
		IndexFound	found = {0};
		Datum		values[2] = {ObjectIdGetDatum(recipe->table), CStringGetTextDatum(unique->name)};

		cmig_query_each(&index_query, values, NULL, keep_index, &found);
		if (found.columns != NULL && strcmp(found.columns, unique->columns) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_TABLE),
					 errmsg("index \"%s\" is there already and is another one", unique->name),
					 errdetail("It is: %s.", found.columns),
					 errhint("Choose another name, or drop it before.")));
		if (found.columns != NULL && found.valid)
			return;
		if (found.columns != NULL)
		{
			CmigLeftover leftover = {.table = recipe->table};

			leftover.index = cmig_resume_invalid_index(recipe->table, unique->name);
			if (OidIsValid(leftover.index) && !recipe->one_transaction)
			{
				cmig_resume_remove(&leftover);
				cmig_toplevel_snapshot();
			}
			else
				run(recipe, psprintf("DROP INDEX %s.%s",
									 quote_identifier(get_namespace_name(get_rel_namespace(recipe->table))),
									 quote_identifier(unique->name)));
			continue;
		}
		if (!recipe->one_transaction)
			cmig_toplevel_warn_of_snapshots("CREATE INDEX CONCURRENTLY");
		run(recipe, psprintf("CREATE UNIQUE INDEX %sIF NOT EXISTS %s ON %s (%s)", concurrently,
							 quote_identifier(unique->name), recipe->table_name, unique->columns));
	}
}

static void
add_unique(Recipe *recipe, void *arg)
{
	UniqueSteps *unique = arg;
	KnownConstraint there = find_constraint(recipe->table, unique->name);

	if (there.exists)
	{
		if (strcmp(there.definition, psprintf("UNIQUE (%s)", unique->columns)) != 0)
			refuse_other(recipe, unique->name, there.definition);
		return;
	}
	if (get_rel_relkind(recipe->table) == RELKIND_PARTITIONED_TABLE && !recipe->one_transaction)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cmig.add_unique cannot be used for partitioned table %s",
						recipe->table_name),
				 errdetail("The server cannot build indexes of partitioned tables concurrently."),
				 errhint("CALL it for each partition; ALTER TABLE ... ADD UNIQUE on the partitioned table then takes over what is there.")));
	if (get_rel_relkind(recipe->table) == RELKIND_PARTITIONED_TABLE)
	{
		run(recipe, psprintf("ALTER TABLE %s ADD CONSTRAINT %s UNIQUE (%s)", recipe->table_name,
							 quote_identifier(unique->name), unique->columns));
		return;
	}
	build_index(recipe, unique);
	run(recipe, psprintf("ALTER TABLE %s ADD CONSTRAINT %s UNIQUE USING INDEX %s",
						 recipe->table_name, quote_identifier(unique->name),
						 quote_identifier(unique->name)));
}

Datum
cmig_add_unique(PG_FUNCTION_ARGS)
{
	Recipe		recipe;
	UniqueSteps unique;
	List	   *names;

	begin(&recipe, fcinfo, "cmig.add_unique");
	unique.columns = columns_argument(fcinfo, 1, "columns", recipe.table, &names);
	unique.name = optional_name(fcinfo, 2);
	if (unique.name == NULL)
		unique.name = makeObjectName(get_rel_name(recipe.table), joined(names), "key");
	carry_out(&recipe, add_unique, &unique);
	PG_RETURN_VOID();
}
