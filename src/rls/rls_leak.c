/*
 * rls_leak.c
 *	  Finds rows of strangers for which a policy's expression can be true.
 *
 * "Strangers" are tenants other than the one for whom the statement runs.
 * rls_model.c turns the expression into one whose columns and settings are
 * inputs.  PostgreSQL's executor then evaluates it for combinations of
 * contexts and rows.  The context is null, '', the context of a tenant, or a
 * constant with which the expression compares the context.  The rows belong to
 * strangers or have no key, and their other columns have every value for which
 * the expression tests.
 *
 * The expression runs as a role without privileges in a subtransaction that is
 * rolled back (rls_sandbox.c), and it calls only built-in functions.  If the
 * expression fails for a context, it lets nothing through.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "base/compat.h"
#include "rls/rls_body.h"
#include "rls/rls_calls.h"
#include "rls/rls_leak.h"
#include "rls/rls_model.h"
#include "rls/rls_node.h"
#include "rls/rls_sandbox.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/execdesc.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"

#define MAX_SPLITS 40			/* maximum number of failed evaluations that
								 * are split to find the cases that fail */

/* A search for the cases in which a policy leaks. */
typedef struct Search
{
	const CmigRlsModel *model;
	int			splits;			/* number of failed evaluations that were
								 * split */
	bool		denied;			/* true if some roles are not allowed to
								 * execute a function */
} Search;

/*
 * Evaluation
 */

/*
 * A DestReceiver that stores each result of the expression in the is_true field
 * of its case.
 */
typedef struct Receiver
{
	DestReceiver pub;
	CmigRlsTrial **next;
} Receiver;

/* receiveSlot callback: store one result in the next case. */
static bool
receive(TupleTableSlot *slot, DestReceiver *self)
{
	Receiver   *receiver = (Receiver *) self;
	bool		isnull;
	Datum		value = slot_getattr(slot, 1, &isnull);

	(*receiver->next)->is_true = !isnull && DatumGetBool(value);
	receiver->next++;
	return true;
}

/*
 * Returns the query "SELECT expression FROM (VALUES ...)" with a row for each
 * case.
 */
static Query *
make_query(const CmigRlsModel *model, CmigRlsTrial **cases, int count)
{
	Query	   *query = makeNode(Query);
	RangeTblEntry *values = makeNode(RangeTblEntry);
	RangeTblRef *reference = makeNode(RangeTblRef);
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, model->inputs)
	{
		CmigRlsInput *input = lfirst(lc);

		values->coltypes = lappend_oid(values->coltypes, input->type);
		values->coltypmods = lappend_int(values->coltypmods, -1);
		values->colcollations = lappend_oid(values->colcollations, get_typcollation(input->type));
		names = lappend(names, makeString(psprintf("input%d", foreach_current_index(lc) + 1)));
	}

	/*
	 * if there are no inputs, add a column, because VALUES requires at least
	 * one
	 */
	if (model->inputs == NIL)
	{
		values->coltypes = list_make1_oid(BOOLOID);
		values->coltypmods = list_make1_int(-1);
		values->colcollations = list_make1_oid(InvalidOid);
		names = list_make1(makeString(pstrdup("nothing")));
	}
	for (int i = 0; i < count; i++)
		values->values_lists = lappend(values->values_lists, model->inputs ? cases[i]->values :
									   list_make1(makeBoolConst(true, false)));
	values->rtekind = RTE_VALUES;
	values->eref = makeAlias("inputs", names);
	values->inFromCl = true;
	reference->rtindex = 1;
	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = list_make1(values);
	query->jointree = makeFromExpr(list_make1(reference), NULL);
	query->targetList = list_make1(makeTargetEntry((Expr *) model->expression, 1, pstrdup("is_true"), false));
	query->hasSubLinks = true;
	return copyObject(query);
}

/* Evaluate the expression for the cases, and set is_true in each. */
static void
evaluate(const CmigRlsModel *model, CmigRlsTrial **cases, int count)
{
	static const char *const about = "SELECT expression FROM (VALUES ...)";
	Receiver	receiver = {{0}};
	PlannedStmt *plan;
	QueryDesc  *desc;

	cmig_row_receiver_init(&receiver.pub, receive);
	receiver.next = cases;
	PushActiveSnapshot(GetTransactionSnapshot());
	plan = standard_planner(make_query(model, cases, count), about, 0, NULL);
	desc = CreateQueryDesc(plan, about, GetActiveSnapshot(), InvalidSnapshot, &receiver.pub, NULL, NULL, 0);
	standard_ExecutorStart(desc, 0);
	cmig_standard_executor_run_compat(desc);
	standard_ExecutorFinish(desc);
	standard_ExecutorEnd(desc);
	FreeQueryDesc(desc);
	PopActiveSnapshot();
}

/* The cases that are evaluated together. */
typedef struct Trials
{
	const CmigRlsModel *model;
	CmigRlsTrial **cases;
	int			count;
} Trials;

/* Evaluate the cases; a task for cmig_rls_sandbox_run(). */
static void
evaluate_trials(void *arg)
{
	Trials	   *trials = arg;

	evaluate(trials->model, trials->cases, trials->count);
}

/*
 * Evaluate the cases as a role without privileges.  Returns false if the
 * evaluation fails.
 */
static bool
try_cases(Search *search, CmigRlsTrial **cases, int count)
{
	Trials		trials = {search->model, cases, count};
	int			sqlstate = cmig_rls_sandbox_run(CMIG_RLS_NOBODY, evaluate_trials, &trials);

	search->denied |= sqlstate == ERRCODE_INSUFFICIENT_PRIVILEGE;
	return sqlstate == 0;
}

/*
 * Evaluate the cases.  If the evaluation fails, split the cases into halves and
 * evaluate each half, to find the cases that fail; these count as not true.
 * Usually, either none or all of the cases with the same context fail, so the
 * number of splits is limited; cases that are not evaluated count as not true,
 * too.
 */
static void
run_cases(Search *search, CmigRlsTrial **cases, int count)
{
	if (count == 0)
		return;
	for (int i = 0; i < count; i++)
		cases[i]->is_true = false;
	if (try_cases(search, cases, count))
		return;
	for (int i = 0; i < count; i++)
		cases[i]->is_true = false;
	if (count == 1 || ++search->splits > MAX_SPLITS)
		return;
	run_cases(search, cases, count / 2);
	run_cases(search, cases + count / 2, count - count / 2);
}

/*
 * Judging the results
 */

/*
 * Set *about to the column and the part of the context that are worth reporting
 * for a trial in which a row is visible.
 */
static void
describe(const CmigRlsModel *model, const CmigRlsTrial *found, CmigRlsCase *about)
{
	ListCell   *lc;

	about->constant = found->constant >= 0;
	about->similar = found->row == CMIG_RLS_ROW_SIMILAR;
	foreach(lc, model->inputs)
	{
		CmigRlsInput *input = lfirst(lc);
		int			i = foreach_current_index(lc);

		if (input->kind == CMIG_RLS_COLUMN &&
			(found->constant >= 0 ? found->constant == i :
			 about->column == 0 || (found->level < CMIG_RLS_OPEN && !input->key)))
		{
			about->column = input->attno;
			about->value = cmig_rls_sample_text(list_nth(found->values, i));
		}
		if (input->kind == CMIG_RLS_CONTEXT && (about->context == NULL || found->context == i))
		{
			if (strncmp(input->name, CMIG_RLS_FAILURE, strlen(CMIG_RLS_FAILURE)) == 0)
				continue;
			about->context = input->name;
			about->context_value = cmig_rls_sample_text(list_nth(found->values, i));
		}
	}
}

/*
 * Record in *leak the worst case that the trials show.  The trials of a group
 * belong to the same row and have the same keys; only the row's other columns
 * differ.
 */
static void
judge(const CmigRlsModel *model, CmigRlsTrial **cases, int count, CmigRlsLeak *leak)
{
	bool		sees_own = count == 0 || cases[0]->row != CMIG_RLS_ROW_OWN;

	for (int first = 0, next; first < count; first = next)
	{
		bool		open = true;
		CmigRlsLeakLevel level = CMIG_RLS_CLOSED;
		CmigRlsTrial *found = NULL;
		CmigRlsCase *about = cases[first]->row == CMIG_RLS_ROW_ORPHAN ? &leak->orphan :
		cases[first]->unset ? &leak->unset : &leak->foreign;

		for (next = first; next < count && cases[next]->group == cases[first]->group; next++)
		{
			CmigRlsTrial *this = cases[next];

			if (this->ordinary)
				open &= this->is_true;
			if (this->is_true && this->level > level)
			{
				level = this->level;
				found = this;
			}
		}
		if (cases[first]->row == CMIG_RLS_ROW_OWN)
			sees_own = found != NULL;
		if (found == NULL || !sees_own || cases[first]->row == CMIG_RLS_ROW_OWN || !found->counts)
			continue;
		if (open)
			level = found->most;
		if (level > about->level)
		{
			memset(about, 0, sizeof(CmigRlsCase));
			about->level = level;
			describe(model, found, about);
		}
	}
}

/*
 * Combine every three cases that differ only in the value of the unknown
 * conditions, that is, conditions that could not be judged: true, false, and
 * null.  The combined case is true if all three cases are true.  Returns the
 * number of combined cases.
 *
 * Sets *opens to true if a row that does not belong to the tenant is visible
 * in one of the three cases.  If "weak" is false, the unknown conditions may
 * be comparisons with the context, which are not true for such a row, so the
 * case in which the unknown conditions are true is ignored.
 */
static int
join_unknown(CmigRlsTrial **cases, int count, bool weak, bool *opens)
{
	int			kept = 0;

	for (int i = 0; i + 2 < count; i += 3)
	{
		if (cases[i]->row != CMIG_RLS_ROW_OWN)
			*opens |= (weak && cases[i]->is_true) || cases[i + 1]->is_true || cases[i + 2]->is_true;
		cases[i]->is_true &= cases[i + 1]->is_true && cases[i + 2]->is_true;
		cases[kept++] = cases[i];
	}
	return kept;
}

/*
 * Find the first user-defined function in a condition that could not be
 * judged, and store its name in *context.  An equality operator of a
 * user-defined type does not count as a function.
 */
static bool
foreign_function(Node *node, void *context)
{
	char	  **name = context;

	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid >= FirstUnpinnedObjectId)
	{
		*name = get_func_name(((FuncExpr *) node)->funcid);
		return true;
	}
	if (IsA(node, OpExpr) && ((OpExpr *) node)->opno >= FirstUnpinnedObjectId &&
		!cmig_rls_is_equality(((OpExpr *) node)->opno))
	{
		*name = get_func_name(get_opcode(((OpExpr *) node)->opno));
		return true;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, foreign_function, context, 0);
	return expression_tree_walker(node, foreign_function, context);
}

/*
 * Does the node call a function that checks privileges, such as pg_has_role()?
 */
static bool
asks_privileges(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid < FirstUnpinnedObjectId)
	{
		char	   *name = get_func_name(((FuncExpr *) node)->funcid);

		if (name && (strncmp(name, "pg_has_", 7) == 0 || strncmp(name, "has_", 4) == 0))
			return true;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, asks_privileges, context, 0);
	return expression_tree_walker(node, asks_privileges, context);
}

/*
 * Returns true if the node contains a column.  If *context, a bool, is true,
 * only system columns count.
 */
static bool
has_column(Node *node, void *context)
{
	bool		only_system = *(bool *) context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return !only_system || ((Var *) node)->varattno < 0;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, has_column, context, 0);
	return expression_tree_walker(node, has_column, context);
}

/*
 * Returns true if one of the nodes is a column itself, not an expression over
 * one.
 */
static bool
has_plain_column(List *args)
{
	ListCell   *lc;

	foreach(lc, args)
	{
		Node	   *arg = cmig_rls_bare(lfirst(lc));

		if (arg && IsA(arg, Var))
			return true;
	}
	return false;
}

/*
 * Returns true if a condition that was not judged might be true only for the
 * tenant's own rows.  This is possible for privilege checks, sub-selects, and
 * equality between a column and the context, even with a user-defined type.
 */
static bool
may_be_identity(Node *node)
{
	bool		only_system = true;
	char	   *name = NULL;

	if (has_column(node, &only_system))
		return false;
	if (!cmig_rls_calls_context(node) && !foreign_function(node, &name) && !asks_privileges(node, NULL))
		return false;
	if (IsA(node, OpExpr))
		return cmig_rls_is_equality(((OpExpr *) node)->opno) && has_plain_column(((OpExpr *) node)->args);
	if (IsA(node, ScalarArrayOpExpr))
		return cmig_rls_is_equality(((ScalarArrayOpExpr *) node)->opno) && has_plain_column(((ScalarArrayOpExpr *) node)->args);
	return IsA(node, SubLink) || asks_privileges(node, NULL);
}

/* Returns the node as SQL, for messages. */
static char *
as_text(Node *node, Oid relid)
{
	return deparse_expression(node, deparse_context_for(get_rel_name(relid), relid), false, false);
}

/* Evaluate one model, and add the result to the leak. */
static void
find_in(const CmigRlsModel *model, Oid relid, CmigRlsLeak *leak)
{
	Search		search = {model, 0, false};
	bool		unknown = false;
	bool		weak = false;
	bool		any_column = false;
	ListCell   *lc;
	ListCell   *trial;

	foreach(lc, model->inputs)
	{
		CmigRlsInput *input = lfirst(lc);

		if (input->kind != CMIG_RLS_UNKNOWN)
			continue;
		unknown = true;
		if (has_column(input->node, &any_column) && !may_be_identity(input->node))
		{
			weak = true;
			if (leak->condition == NULL && input->depth == 0)
				leak->condition = as_text(input->node, relid);
		}
		if (leak->function == NULL)
			(void) foreign_function(input->node, &leak->function);
	}
	leak->unknown |= unknown;
	leak->reads_context |= model->reads_context;
	foreach(lc, cmig_rls_trial_make(model))
	{
		List	   *trials = lfirst(lc);
		CmigRlsTrial **cases = palloc(sizeof(CmigRlsTrial *) * (list_length(trials) + 1));
		int			count = list_length(trials);

		foreach(trial, trials)
		{
			cases[foreach_current_index(trial)] = lfirst(trial);
		}
		CHECK_FOR_INTERRUPTS();
		run_cases(&search, cases, count);
		for (int i = 0; i < count; i++)
			cases[i]->is_true &= cases[i]->also == NULL || cases[i]->also->is_true;
		if (unknown)
			count = join_unknown(cases, count, weak, &leak->unknown_opens);
		judge(model, cases, count, leak);
	}
	leak->unknown |= search.denied;
	if (leak->foreign.similar && model->hints->texts.folding && leak->spelling == NULL)
		leak->spelling = as_text(model->hints->texts.folding, relid);
}

/*
 * Cache
 */

/* A leak in the cache. */
typedef struct Entry
{
	uint64		hash;
	char	   *key;
	CmigRlsLeak leak;
} Entry;

/* A cache of leaks; see cache_key() for the key of an entry. */
struct CmigRlsLeakCache
{
	HTAB	   *entries;
	MemoryContext context;
};

CmigRlsLeakCache *
cmig_rls_leak_cache(void)
{
	CmigRlsLeakCache *cache = palloc(sizeof(CmigRlsLeakCache));
	HASHCTL		control = {0};

	control.keysize = sizeof(uint64);
	control.entrysize = sizeof(Entry);
	control.hcxt = CurrentMemoryContext;
	cache->entries = hash_create("pg_cmig rls_leak", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	cache->context = CurrentMemoryContext;
	return cache;
}

/*
 * Returns true if the same expression can have a different result for another
 * table, because it uses a system column or, for PUBLIC, current_user or a
 * user-defined function.  The value of current_user depends on who may use the
 * table.
 */
static bool
depends_on_table(const char *text, Oid role)
{
	static const char function_name[] = ":funcid ";
	const char *at = text;

	if (strstr(text, ":varattno -"))
		return true;
	if (OidIsValid(role))
		return false;
	if (strstr(text, "{SQLVALUEFUNCTION"))
		return true;
	while ((at = strstr(at, function_name)) != NULL)
	{
		at += strlen(function_name);
		if (strtoul(at, NULL, 10) >= FirstUnpinnedObjectId)
			return true;
	}
	return false;
}

/*
 * Returns the key under which the cache stores the result for an expression.
 * "text" is the expression's tree as a string; source locations in it are
 * ignored.  The key contains everything else on which the result depends.
 */
static char *
cache_key(const char *text, Oid relid, Oid role, const Bitmapset *keys, const Bitmapset *own)
{
	static const char place_name[] = ":location ";
	StringInfoData key;
	const char *at = text;
	const char *place;

	initStringInfo(&key);
	while ((place = strstr(at, place_name)) != NULL)
	{
		appendBinaryStringInfo(&key, at, place - at);
		at = place + strlen(place_name);
		at += strspn(at, "-0123456789");
	}
	appendStringInfo(&key, "%s %u", at, role);
	for (int column = -1; (column = bms_next_member(keys, column)) >= 0;)
		appendStringInfo(&key, " %d", column);
	appendStringInfoString(&key, " own");
	for (int column = -1; (column = bms_next_member(own, column)) >= 0;)
		appendStringInfo(&key, " %d", column);
	if (depends_on_table(text, role))
		appendStringInfo(&key, " of %u", relid);
	appendStringInfo(&key, " unique %s not null", nodeToString(cmig_rls_input_identities(relid)));

	/*
	 * add the columns that are not nullable, because the result also depends
	 * on them
	 */
	for (at = text; (place = strstr(at, ":varattno ")) != NULL; at = place + 1)
	{
		int			column = atoi(place + strlen(":varattno "));

		if (column > 0 && cmig_rls_is_not_null(relid, column))
			appendStringInfo(&key, " %d", column);
	}
	return key.data;
}

/*
 * Returns a copy of a string in the current memory context, or NULL for NULL.
 */
static char *
keep(const char *text)
{
	return text ? pstrdup(text) : NULL;
}

/* Copy the case's strings into the current memory context. */
static void
keep_case(CmigRlsCase *about)
{
	about->value = keep(about->value);
	about->context = keep(about->context);
	about->context_value = keep(about->context_value);
}

/*
 * Find the leak of an expression.  The expression is evaluated with different
 * made-up rows in the tables that it reads: the usual rows; no rows; and
 * strangers' rows that have the tenant's values in the columns by which the
 * expression joins tables, if rows of several tenants can have the same values
 * in these columns.
 */
static void
find_leak(Node *tree, Oid relid, Oid role, const Bitmapset *keys, const Bitmapset *own, CmigRlsLeak *leak)
{
	CmigRlsModel *model = cmig_rls_model_make(tree, relid, role, keys, own, CMIG_RLS_TABLES_USUAL);

	find_in(model, relid, leak);
	if (model->reads_tables)
		find_in(cmig_rls_model_make(tree, relid, role, keys, own, CMIG_RLS_TABLES_EMPTY), relid, leak);
	if (model->joins_by_shared)
		find_in(cmig_rls_model_make(tree, relid, role, keys, own, CMIG_RLS_TABLES_SHARED), relid, leak);

	/*
	 * Rows with a constant key belong to everybody, so they are visible both
	 * with and without a context.  Therefore, the leak without a context is
	 * not more severe than the leak with a context.
	 */
	if (leak->unset.constant && leak->foreign.constant)
		leak->unset.level = Min(leak->unset.level, leak->foreign.level);
}

/* Arguments of find_leak(). */
typedef struct Subject
{
	Node	   *tree;
	Oid			relid;
	Oid			role;
	const Bitmapset *keys;
	const Bitmapset *own;
	CmigRlsLeak *leak;
} Subject;

/* Find the leak; a task for cmig_rls_sandbox_run(). */
static void
find_subject_leak(void *arg)
{
	Subject    *subject = arg;

	find_leak(subject->tree, subject->relid, subject->role, subject->keys, subject->own, subject->leak);
}

/*
 * Like find_leak, but leaves no lock behind.  If the search fails, the leak is
 * recorded as unknown.
 */
static void
try_to_find_leak(Node *tree, Oid relid, Oid role, const Bitmapset *keys, const Bitmapset *own, CmigRlsLeak *leak)
{
	Subject		subject = {tree, relid, role, keys, own, leak};

	if (cmig_rls_sandbox_run(InvalidOid, find_subject_leak, &subject) == 0)
		return;
	memset(leak, 0, sizeof(CmigRlsLeak));
	leak->unknown = leak->unknown_opens = true;
}

const CmigRlsLeak *
cmig_rls_leak_find(CmigRlsLeakCache *cache, Node *tree, const char *text,
				   Oid relid, Oid role, const Bitmapset *keys, const Bitmapset *own)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig rls_leak", ALLOCSET_DEFAULT_SIZES);
	CmigRlsLeak leak = {0};
	Entry	   *entry;
	char	   *key;
	uint64		hash;
	bool		found;

	MemoryContextSwitchTo(context);
	key = cache_key(text, relid, role, keys, own);
	hash = hash_bytes_extended((unsigned char *) key, strlen(key), 0);
	entry = hash_search(cache->entries, &hash, HASH_ENTER, &found);
	if (!found)
		entry->key = NULL;
	if (entry->key == NULL || strcmp(entry->key, key) != 0)
	{
		try_to_find_leak(tree, relid, role, keys, own, &leak);
		MemoryContextSwitchTo(cache->context);
		entry->key = keep(key);
		entry->leak = leak;
		keep_case(&entry->leak.unset);
		keep_case(&entry->leak.foreign);
		keep_case(&entry->leak.orphan);
		entry->leak.function = keep(leak.function);
		entry->leak.condition = keep(leak.condition);
		entry->leak.spelling = keep(leak.spelling);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return &entry->leak;
}
