/*
 * recipe.c
 *	  Constraints that are added without a long lock.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "common/string.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/scansup.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "move/move.h"
#include "online/internal.h"

/*
 * A recipe, a procedure such as cmig.add_check, examines the catalogs, runs the
 * next statement in a short transaction with lock retries, and examines the
 * catalogs again.  Therefore, it needs no stored state: if it is called again
 * after an interruption, it continues, and if everything is done, it does
 * nothing.  If cmig.concurrent_ddl is off, the statements run in the caller's
 * transaction, without CONCURRENTLY.
 */

/* The state of a call to a recipe. */
typedef struct Recipe
{
	FunctionCallInfo fcinfo;
	const char *procedure;
	const char *call;			/* an example of a correct call, for hints */
	bool		one_transaction;
	bool		alone;			/* true if the call is not part of a
								 * revision's script */
	Oid			table;
	char	   *table_name;		/* qualified and quoted */
	Oid			referenced;		/* for add_foreign_key; otherwise InvalidOid */
	char	   *referenced_name;
	const char *sql;			/* the statement that is about to run */
	char	   *name;			/* of the constraint */
	Oid			constraint;		/* that was examined or added; the statement
								 * names it, unless it is InvalidOid */
	Oid			index;			/* likewise, for add_unique */
	char	   *text;			/* the condition, the column (add_not_null),
								 * the definition as pg_get_constraintdef
								 * writes it (add_foreign_key), or the columns
								 * (add_unique) */
	MemoryContext caller;		/* the caller's memory context */
	MemoryContext context;		/* deleted when the recipe ends */
} Recipe;

/* A constraint as found in the catalogs. */
typedef struct KnownConstraint
{
	char	   *valid;			/* t or f */
	char	   *kind;			/* contype */
	char	   *definition;		/* without NOT VALID */
	char	   *same;			/* is it a CHECK constraint with the condition
								 * that was asked for?  t, f, or NULL */
	char	   *enforced;		/* t or f */
	char	   *oid;
	char	   *node;			/* the condition as a tree; NULL if there is
								 * none */
} KnownConstraint;

/* Finds a KnownConstraint. */
static CmigQuery constraint_query = {
	"SELECT convalidated, contype, regexp_replace(pg_get_constraintdef(oid), ' NOT VALID$', ''),"
	" pg_get_expr(conbin, conrelid) = $3, coalesce(to_jsonb(c.*)->>'conenforced' = 'true', true),"
	" oid, conbin::text"
	" FROM pg_constraint c WHERE conrelid = $1 AND conname = $2::name",
	{OIDOID, TEXTOID, TEXTOID}
};

/* See cmig_recipe_table_alone(). */
static Oid	table_alone = InvalidOid;

/*
 * Begin a recipe, after checking how the procedure was called and whether
 * argument 0 is a suitable table.
 */
static void
begin(Recipe *recipe, FunctionCallInfo fcinfo, const char *procedure, const char *call)
{
	const char *name;

	memset(recipe, 0, sizeof(Recipe));
	recipe->fcinfo = fcinfo;
	recipe->procedure = procedure;
	recipe->call = call;
	recipe->one_transaction = !cmig_running_concurrent_ddl();
	recipe->alone = cmig_running.revision == NULL;
	recipe->caller = CurrentMemoryContext;
	recipe->context = cmig_online_begin(fcinfo, procedure, procedure, call);
	recipe->table = PG_GETARG_OID(0);
	name = get_rel_name(recipe->table);
	if (get_rel_relkind(recipe->table) != RELKIND_RELATION &&
		get_rel_relkind(recipe->table) != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", name ? name : psprintf("%u", recipe->table)),
				 errdetail("%s supports only tables and partitioned tables.", procedure)));
	cmig_local_rows_require(recipe->table, true, procedure, NULL);
	recipe->table_name = cmig_query_relation_name(recipe->table);
}

/*
 * Error context callback: name the procedure and the table in the context, and
 * add a hint if rows violate the constraint.  The argument is the recipe.
 */
static void
describe_error(void *arg)
{
	cmig_lock_wait_explain();
	switch (geterrcode())
	{
		case ERRCODE_CHECK_VIOLATION:
		case ERRCODE_NOT_NULL_VIOLATION:
		case ERRCODE_FOREIGN_KEY_VIOLATION:
			errhint("Some rows violate the constraint%s. Correct these rows, for example with CALL cmig.backfill, and repeat this CALL.",
					((Recipe *) arg)->one_transaction ? "" :
					"; new violations are already rejected");
			break;
		case ERRCODE_UNIQUE_VIOLATION:
			errhint("Remove the duplicates and repeat this CALL. The repeated CALL drops the index that the failed build left behind.");
			break;
	}
	errcontext("pg_cmig: %s of %s", ((Recipe *) arg)->procedure, ((Recipe *) arg)->table_name);
}

Oid
cmig_recipe_table_alone(void)
{
	return table_alone;
}

/*
 * Run the steps and end the recipe.  An error's context names the recipe, and
 * its hint says what to do about rows that violate a constraint.
 */
static void
run_steps(Recipe *recipe, void (*steps) (Recipe *recipe))
{
	ErrorContextCallback callback = {error_context_stack, describe_error, recipe};
	const CmigRecordReads reads = {.table = recipe->table,.other = recipe->referenced};

	PG_TRY();
	{
		error_context_stack = &callback;
		if (recipe->alone)
		{
			table_alone = recipe->table;
			cmig_lock_wait_watch(GetUserId());
		}
		cmig_record_begin(reads);
		steps(recipe);
	}
	PG_CATCH();
	{
		table_alone = InvalidOid;
		if (recipe->alone)
			cmig_lock_wait_unwatch();
		PG_RE_THROW();
	}
	PG_END_TRY();
	error_context_stack = callback.previous;
	table_alone = InvalidOid;
	if (recipe->alone)
		cmig_lock_wait_unwatch();
	if (!recipe->one_transaction)
		cmig_toplevel_commit();
	MemoryContextSwitchTo(recipe->caller);
	MemoryContextDelete(recipe->context);
}

/*
 * Raise an error if the name does not stand for the table any longer.  If the
 * schema is held, no other session renames it until the end of the transaction.
 */
static void
require_name(Oid table, const char *name, bool hold)
{
	if (hold)
		cmig_query_hold(table, NoLock);
	AcceptInvalidationMessages();
	if (strcmp(cmig_query_relation_name(table), name) != 0)
		cmig_query_raise_changed(psprintf("Table %s was renamed.", name));
}

/*
 * A statement can make Citus replace a local table by one that it manages, and
 * rename the former one.  Returns the table that has the name now.
 */
static Oid
managed_instead(Oid table, const char *name)
{
	Oid			now =
	RangeVarGetRelid(makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(name))),
					 NoLock, true);

	return OidIsValid(now) && cmig_citus_manages(now) ? now : table;
}

/*
 * Raise an error if the name of the constraint or index stands for another one.
 * The table's owner could have replaced it after it was examined, and VALIDATE
 * CONSTRAINT evaluates what it finds with the caller's privileges.
 */
static void
require_part(const Recipe *recipe, const RawStmt *raw)
{
	List	   *cmds;

	if (!OidIsValid(recipe->constraint) && !OidIsValid(recipe->index))
		return;
	cmds = castNode(AlterTableStmt, raw->stmt)->cmds;
	LockRelationOid(recipe->table, AlterTableGetLockLevel(cmds));
	if ((OidIsValid(recipe->constraint) &&
		 get_relation_constraint_oid(recipe->table, recipe->name, true) != recipe->constraint) ||
		(OidIsValid(recipe->index) &&
		 get_relname_relid(recipe->name, get_rel_namespace(recipe->table)) != recipe->index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s \"%s\" of table %s was replaced or dropped during the CALL",
						OidIsValid(recipe->index) ? "index" : "constraint", recipe->name,
						recipe->table_name),
				 errhint("Repeat the CALL.")));
	if (linitial_node(AlterTableCmd, cmds)->subtype == AT_ValidateConstraint)
		cmig_added_hold(recipe->table, recipe->name);
}

/* Attempt callback: run the recipe's statement. */
static void
run_bound(void *arg)
{
	Recipe	   *recipe = arg;
	RawStmt    *raw = cmig_raw_parse_one(recipe->sql);
	bool		hold = !cmig_statement_is_concurrent(raw);

	require_name(recipe->table, recipe->table_name, hold);
	if (OidIsValid(recipe->referenced))
		require_name(recipe->referenced, recipe->referenced_name, hold);
	require_part(recipe, raw);
	if (recipe->one_transaction)
		cmig_execute_statement(raw, recipe->sql, None_Receiver);
	else
		cmig_toplevel_execute(raw, recipe->sql);
	if (hold)
		recipe->table = managed_instead(recipe->table, recipe->table_name);
	if (OidIsValid(recipe->constraint) || OidIsValid(recipe->index) || !hold)
		return;
	/* while the table is still locked */
	CommandCounterIncrement();
	recipe->constraint = get_relation_constraint_oid(recipe->table, recipe->name, true);
}

/*
 * Run a statement and commit it, with retries if it cannot get a lock.
 * Afterwards, there is a snapshot for catalog lookups.  If the whole recipe
 * runs in a single transaction, the statement is run without a commit.
 */
static void
run_sql(Recipe *recipe, const char *sql)
{
	recipe->sql = sql;
	cmig_record(sql, recipe->table);
	if (recipe->one_transaction)
	{
		run_bound(recipe);
		return;
	}
	cmig_toplevel_commit();
	cmig_runner_restart_timeout();
	cmig_toplevel_attempt(run_bound, NULL, recipe,
						  psprintf("%s of %s", recipe->procedure, recipe->table_name));
	cmig_nontransactional_note_own_work();
	cmig_toplevel_snapshot();
}

/* Read the constraint's name, which may be null if "otherwise" is not. */
static char *
name_argument(const Recipe *recipe, int n, char *otherwise)
{
	char	   *value;

	if (otherwise != NULL && recipe->fcinfo->args[n].isnull)
		return otherwise;
	value = cmig_online_text(recipe->fcinfo, n, "the name", recipe->call);
	truncate_identifier(value, strlen(value), true);
	return value;
}

static void
require_column(Oid table, const char *name)
{
	if (get_attnum(table, name) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", name,
						get_rel_name(table))));
}

/*
 * Returns columns as "a, b", and sets *joined to the unquoted names as "a_b",
 * for the name of a constraint.
 */
static char *
columns_argument(FunctionCallInfo fcinfo, int n, const char *what, Oid table, char **joined)
{
	static const char *const hint = "Use ARRAY['<column>', ...].";
	CmigNames  *names = NULL;
	StringInfoData underscored;
	StringInfoData list;

	if (!PG_ARGISNULL(n) && get_fn_expr_argtype(fcinfo->flinfo, n) != TEXTOID)
		names = cmig_argument_names(PG_GETARG_ARRAYTYPE_P(n), what, hint);
	else if (!PG_ARGISNULL(n))
	{
		/* a text argument is a name or an array literal such as '{a,b}' */
		char	   *value = cmig_argument_text(fcinfo, n);

		names = value[0] != '{' ? cmig_argument_one(value) :
			cmig_argument_names(DatumGetArrayTypeP(OidInputFunctionCall(F_ARRAY_IN, value, TEXTOID,
																		-1)), what, hint);
	}
	if (names == NULL || names->count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must name at least one column", what),
				 errhint("%s", hint)));
	initStringInfo(&list);
	initStringInfo(&underscored);
	for (int i = 0; i < names->count; i++)
	{
		char	   *name = names->names[i];

		if (name[strspn(name, " \t\r\n")] == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must not contain an empty name", what),
					 errhint("%s", hint)));
		require_column(table, name);
		for (int j = 0; j < i; j++)
		{
			if (strcmp(names->names[j], name) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("column \"%s\" appears twice in %s", name, what)));
		}
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", quote_identifier(name));
		appendStringInfo(&underscored, "%s%s", i > 0 ? "_" : "", name);
	}
	*joined = underscored.data;
	return list.data;
}

/*
 * Returns the constraint with the recipe's name, or NULL if there is none.
 * "condition" is that of a CHECK constraint as PostgreSQL deparses it, or NULL.
 */
static const KnownConstraint *
find_constraint(const Recipe *recipe, const char *condition)
{
	return (const KnownConstraint *) cmig_query_row(&constraint_query, recipe->table, recipe->name,
													condition);
}

/* Raise an error for a different constraint with the recipe's name. */
static void
refuse_other(const Recipe *recipe, const char *definition)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("constraint \"%s\" of table %s already exists with a different definition",
					recipe->name, recipe->table_name),
			 errdetail("The existing constraint is: %s.", definition),
			 errhint("Choose another name, or drop the existing constraint first.")));
}

PG_FUNCTION_INFO_V1(cmig_add_not_null);
PG_FUNCTION_INFO_V1(cmig_add_check);
PG_FUNCTION_INFO_V1(cmig_add_foreign_key);
PG_FUNCTION_INFO_V1(cmig_add_unique);

/*
 * Add a constraint as NOT VALID, so that it is enforced for new rows
 * immediately, and then validate the existing rows.  If the recipe runs in a
 * single transaction, the constraint is added directly, because the lock would
 * be held until the end anyway.
 */
static void
add_validated(Recipe *recipe, const KnownConstraint *there, const char *definition)
{
	recipe->constraint = there ? atooid(there->oid) : InvalidOid;
	if (there == NULL)
		run_sql(recipe, psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s%s",
								 recipe->table_name, quote_identifier(recipe->name), definition,
								 recipe->one_transaction ? "" : " NOT VALID"));
	if (there ? there->valid[0] == 'f' : !recipe->one_transaction)
		run_sql(recipe, psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s",
								 recipe->table_name, quote_identifier(recipe->name)));
}

/*
 * Returns a CHECK condition as PostgreSQL deparses it.  Sets *called, unless it is NULL, to
 * the functions and operators that it calls.
 */
static char *
normal_condition(Oid table, const char *condition, List **called)
{
	char	   *source = psprintf("%s\n", condition);
	ErrorContextCallback callback = {error_context_stack, cmig_argument_place_error, source};
	ParseState *pstate = make_parsestate(NULL);
	Relation	relation;
	ParseNamespaceItem *item;
	Node	   *expression = cmig_online_expression(source);
	char	   *result;
	int			level;

	if (expression == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the condition must be one expression"),
				 errdetail("The condition is: %s", condition)));
	error_context_stack = &callback;
	pstate->p_sourcetext = source;
	relation = cmig_query_open(table, AccessShareLock);
	item = addRangeTableEntryForRelation(pstate, relation, AccessShareLock, NULL, false, true);
	addNSItemToQuery(pstate, item, true, true, true);
	expression = transformExpr(pstate, expression, EXPR_KIND_CHECK_CONSTRAINT);
	expression = coerce_to_boolean(pstate, expression, "CHECK");
	assign_expr_collations(pstate, expression);
	if (called)
		*called = cmig_expression_called(expression);

	level = NewGUCNestLevel();
	cmig_settings_pin_search_path();
	result = TextDatumGetCString(OidFunctionCall2(F_PG_GET_EXPR_PG_NODE_TREE_OID,
												  CStringGetTextDatum(nodeToString(expression)),
												  ObjectIdGetDatum(table)));
	AtEOXact_GUC(false, level);
	relation_close(relation, AccessShareLock);
	free_parsestate(pstate);
	error_context_stack = callback.previous;
	return result;
}

static void
add_check(Recipe *recipe)
{
	List	   *called;
	const KnownConstraint *there = find_constraint(recipe,
												   normal_condition(recipe->table, recipe->text, &called));

	if (there && strcmp(there->kind, "c") == 0 && there->same[0] == 't' &&
		!equal(cmig_expression_called(stringToNode(there->node)), called))
		refuse_other(recipe, psprintf("%s, with other operators or functions", there->definition));
	if (there &&
		(strcmp(there->kind, "c") != 0 || there->same[0] == 'f' ||
		 there->enforced[0] == 'f' || pg_str_endswith(there->definition, " NO INHERIT")))
		refuse_other(recipe, there->definition);
	add_validated(recipe, there, psprintf("CHECK (%s\n)", recipe->text));
}

Datum
cmig_add_check(PG_FUNCTION_ARGS)
{
	Recipe		recipe;

	begin(&recipe, fcinfo, "cmig.add_check",
		  "CALL cmig.add_check('<table>', '<constraint>', '<condition>')");
	recipe.name = name_argument(&recipe, 1, NULL);
	recipe.text = cmig_online_text(fcinfo, 2, "the condition", recipe.call);
	run_steps(&recipe, add_check);
	PG_RETURN_VOID();
}

/*
 * Is the column NOT NULL, and is there a NOT NULL constraint that is NOT VALID?
 * Since PostgreSQL 18, existing rows may violate such a constraint, although
 * attnotnull is set.
 */
static CmigQuery not_null_query = {
	"SELECT a.attnotnull, c.conname, c.oid FROM pg_attribute a LEFT"
	" JOIN pg_constraint c ON c.conrelid = a.attrelid"
	" AND c.contype = 'n' AND NOT c.convalidated AND c.conkey = ARRAY[a.attnum]"
	" WHERE a.attrelid = $1 AND a.attname = $2::name",
	{OIDOID, TEXTOID}
};

/*
 * With a valid CHECK constraint, SET NOT NULL need not scan the table.  SET NOT NULL and DROP
 * CONSTRAINT are two separate statements, because a single ALTER TABLE would
 * drop the CHECK constraint before looking for it.
 */
static void
add_not_null(Recipe *recipe)
{
	char	   *column = recipe->text;
	char	  **row = cmig_query_row(&not_null_query, recipe->table, column);
	const KnownConstraint *there;

	recipe->text = psprintf("%s IS NOT NULL", quote_identifier(column));
	if (row && row[1] != NULL)
	{
		recipe->name = row[1];
		recipe->constraint = atooid(row[2]);
		run_sql(recipe, psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s",
								 recipe->table_name, quote_identifier(row[1])));
	}
	recipe->name = makeObjectName("cmig", column, "not_null");
	if (row == NULL || row[0][0] == 'f')
	{
		add_check(recipe);
		run_sql(recipe, psprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL",
								 recipe->table_name, quote_identifier(column)));
	}
	there = find_constraint(recipe, normal_condition(recipe->table, recipe->text, NULL));
	if (there && strcmp(there->kind, "c") == 0 && there->same[0] == 't')
	{
		recipe->constraint = atooid(there->oid);
		run_sql(recipe, psprintf("ALTER TABLE %s DROP CONSTRAINT %s", recipe->table_name,
								 quote_identifier(recipe->name)));
	}
}

Datum
cmig_add_not_null(PG_FUNCTION_ARGS)
{
	Recipe		recipe;

	begin(&recipe, fcinfo, "cmig.add_not_null", "CALL cmig.add_not_null('<table>', '<column>')");
	recipe.text = cmig_online_text(fcinfo, 1, "the column", recipe.call);
	require_column(recipe.table, recipe.text);
	run_steps(&recipe, add_not_null);
	PG_RETURN_VOID();
}

static const char *const actions[] = {
	"NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"
};

/*
 * Returns the clause for the argument on_delete or on_update, or "" for the
 * default.
 */
static const char *
action_argument(FunctionCallInfo fcinfo, int n, const char *what, const char *clause)
{
	char	   *value = PG_ARGISNULL(n) ? pstrdup("NO ACTION") :
	text_to_cstring(PG_GETARG_TEXT_PP(n));

	for (int i = 0; i < lengthof(actions); i++)
	{
		if (pg_strcasecmp(value, actions[i]) == 0)
			return i == 0 ? "" : psprintf(" %s %s", clause, actions[i]);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must be NO ACTION, RESTRICT, CASCADE, SET NULL, or SET DEFAULT", what)));
}

static void
add_foreign_key(Recipe *recipe)
{
	const KnownConstraint *there = find_constraint(recipe, NULL);

	if (there && strcmp(there->definition, recipe->text) != 0)
		refuse_other(recipe, there->definition);
	if (get_rel_relkind(recipe->table) == RELKIND_PARTITIONED_TABLE &&
		!CMIG_PARTITIONED_NOT_VALID_KEYS_COMPAT && !recipe->one_transaction)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cmig.add_foreign_key cannot be used for partitioned table %s",
						recipe->table_name),
				 errdetail("Before PostgreSQL 18, foreign keys of partitioned tables cannot be NOT VALID."),
				 errhint("Call cmig.add_foreign_key for each partition, with the same column list. ALTER TABLE ... ADD FOREIGN KEY on the partitioned table then uses these foreign keys without scanning the rows.")));
	add_validated(recipe, there, recipe->text);
}

/* Returns the primary key's columns as pg_get_constraintdef writes them. */
static char *
primary_key_columns(Oid table)
{
	static CmigQuery query = {
		"SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n), pg_get_constraintdef(c.oid) LIKE '% WITHOUT OVERLAPS)%'"
		" FROM pg_constraint c CROSS JOIN unnest(c.conkey) WITH ORDINALITY k (attnum, n)"
		" JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = k.attnum"
		" WHERE c.conrelid = $1 AND c.contype = 'p' AND NOT c.condeferrable GROUP BY c.oid",
		{OIDOID}
	};
	char	  **row = cmig_query_row(&query, table);

	if (row == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no primary key for referenced table \"%s\"",
						get_rel_name(table)),
				 errhint("Name the referenced columns.")));
	if (row[1][0] == 't')
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cmig.add_foreign_key cannot reference the temporal primary key of table \"%s\"",
						get_rel_name(table)),
				 errhint("Specify the columns of another key, or use ALTER TABLE ... ADD FOREIGN KEY (..., PERIOD ...).")));
	return row[0];
}

Datum
cmig_add_foreign_key(PG_FUNCTION_ARGS)
{
	Recipe		recipe;
	char	   *columns;
	char	   *joined;
	char	   *unused;
	Oid			referenced;
	const char *on_delete;
	const char *on_update;

	begin(&recipe, fcinfo, "cmig.add_foreign_key",
		  "CALL cmig.add_foreign_key('<table>', '<column>', '<referenced table>')");
	columns = columns_argument(fcinfo, 1, "columns", recipe.table, &joined);
	if (PG_ARGISNULL(2) || (get_rel_relkind(PG_GETARG_OID(2)) != RELKIND_RELATION &&
							get_rel_relkind(PG_GETARG_OID(2)) != RELKIND_PARTITIONED_TABLE))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("the referenced relation must be a table"),
				 errhint("%s", recipe.call)));
	referenced = PG_GETARG_OID(2);
	cmig_local_rows_require(referenced, true, recipe.procedure, NULL);
	recipe.referenced = referenced;
	recipe.referenced_name = cmig_query_relation_name(referenced);
	recipe.text = PG_ARGISNULL(3) ? primary_key_columns(referenced) :
		columns_argument(fcinfo, 3, "referenced_columns", referenced, &unused);
	recipe.name = name_argument(&recipe, 4,
								makeObjectName(get_rel_name(recipe.table), joined, "fkey"));
	on_delete = action_argument(fcinfo, 5, "on_delete", "ON DELETE");
	on_update = action_argument(fcinfo, 6, "on_update", "ON UPDATE");
	recipe.text = psprintf("FOREIGN KEY (%s) REFERENCES %s(%s)%s%s", columns,
						   recipe.referenced_name, recipe.text, on_update, on_delete);
	run_steps(&recipe, add_foreign_key);
	PG_RETURN_VOID();
}

static CmigQuery index_query = {
	.sql = "SELECT CASE WHEN i.indexrelid IS NULL THEN '' WHEN i.indrelid <> $1 OR NOT i.indisunique OR i.indpred IS NOT NULL"
	" OR i.indexprs IS NOT NULL OR i.indnkeyatts <> i.indnatts"
	" OR i.indnullsnotdistinct THEN pg_get_indexdef(i.indexrelid)"
	" ELSE (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n)"
	" FROM unnest(i.indkey) WITH ORDINALITY k(attnum, n)"
	" JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum) END,"
	" coalesce(i.indisvalid, false), pg_get_indexdef(i.indexrelid), i.indexrelid"
	" FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid"
	" JOIN pg_class t ON t.oid = $1 AND t.relnamespace = c.relnamespace"
	" WHERE c.relname = $2::name",
	.argtypes = {OIDOID, TEXTOID}
};

/*
 * Build the index, after removing any invalid index that a failed build left
 * behind.
 */
static void
build_index(Recipe *recipe)
{
	const char *concurrently = recipe->one_transaction ? "" : "CONCURRENTLY ";

	for (;;)
	{
		char	  **found = cmig_query_row(&index_query, recipe->table, recipe->name);

		if (found != NULL && found[2] == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_TABLE),
					 errmsg("relation \"%s\" already exists and is not an index", recipe->name),
					 errhint("Choose another name, or drop the existing relation first.")));
		if (found != NULL && strcmp(found[0], recipe->text) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_TABLE),
					 errmsg("index \"%s\" already exists with a different definition",
							recipe->name),
					 errdetail("The existing index is: %s.", found[2]),
					 errhint("Choose another name, or drop the existing index first.")));
		if (found != NULL && found[1][0] == 't')
		{
			recipe->index = atooid(found[3]);
			return;
		}
		if (found != NULL)
		{
			CmigLeftover leftover = {.table = recipe->table};

			leftover.index = cmig_resume_invalid_index(recipe->table, recipe->name);
			if (OidIsValid(leftover.index) && !recipe->one_transaction)
			{
				cmig_resume_remove(&leftover);
				cmig_toplevel_snapshot();
			}
			else
				run_sql(recipe, psprintf("DROP INDEX %s.%s",
										 quote_identifier(cmig_query_schema_name(get_rel_namespace(recipe->table))),
										 quote_identifier(recipe->name)));
			continue;
		}
		if (!recipe->one_transaction)
		{
			cmig_toplevel_warn_of_snapshots("CREATE INDEX CONCURRENTLY");

			/*
			 * record that this call may leave something behind, because a
			 * failed build leaves an invalid index
			 */
			cmig_nontransactional_note_own_work();
		}
		run_sql(recipe, psprintf("CREATE UNIQUE INDEX %sIF NOT EXISTS %s ON %s (%s)", concurrently,
								 quote_identifier(recipe->name), recipe->table_name, recipe->text));
	}
}

static void
add_unique(Recipe *recipe)
{
	const KnownConstraint *there = find_constraint(recipe, NULL);

	if (there && strcmp(there->definition, psprintf("UNIQUE (%s)", recipe->text)) != 0)
		refuse_other(recipe, there->definition);
	if (there)
		return;
	if (get_rel_relkind(recipe->table) == RELKIND_PARTITIONED_TABLE && !recipe->one_transaction)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cmig.add_unique cannot be used for partitioned table %s",
						recipe->table_name),
				 errdetail("The server cannot build indexes on partitioned tables concurrently."),
				 errhint("Call cmig.add_unique for each partition. ALTER TABLE ... ADD UNIQUE on the partitioned table then uses the constraints of the partitions.")));
	if (get_rel_relkind(recipe->table) == RELKIND_PARTITIONED_TABLE)
	{
		run_sql(recipe, psprintf("ALTER TABLE %s ADD CONSTRAINT %s UNIQUE (%s)", recipe->table_name,
								 quote_identifier(recipe->name), recipe->text));
		return;
	}
	build_index(recipe);
	run_sql(recipe, psprintf("ALTER TABLE %s ADD CONSTRAINT %s UNIQUE USING INDEX %s",
							 recipe->table_name, quote_identifier(recipe->name),
							 quote_identifier(recipe->name)));
}

Datum
cmig_add_unique(PG_FUNCTION_ARGS)
{
	Recipe		recipe;
	char	   *joined;

	begin(&recipe, fcinfo, "cmig.add_unique", "CALL cmig.add_unique('<table>', '<column>')");
	recipe.text = columns_argument(fcinfo, 1, "columns", recipe.table, &joined);
	recipe.name = name_argument(&recipe, 2,
								makeObjectName(get_rel_name(recipe.table), joined, "key"));
	run_steps(&recipe, add_unique);
	PG_RETURN_VOID();
}
