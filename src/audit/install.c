/*
 * install.c
 *	  The audit triggers of a table, and their arguments.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "audit/internal.h"
#include "base/base.h"
#include "base/compat.h"

/* ----------------------------------------------------------------
 * The arguments of enable_audit() and similar functions.
 *
 * There is an argument for each option.  If it is null, the option is left
 * unchanged.
 * ----------------------------------------------------------------
 */

/* Returns a text[] argument as a List of CmigAuditName. */
static List *
names_argument(FunctionCallInfo fcinfo, int n, const char *what)
{
	CmigNames  *texts = cmig_argument_names(PG_GETARG_ARRAYTYPE_P(n), what, NULL);
	List	   *names = NIL;

	for (int i = 0; i < texts->count; i++)
	{
		CmigAuditName *name = palloc0(sizeof(CmigAuditName));

		name->name = texts->names[i];

		/*
		 * Reject duplicates: one of the two names may be mistyped, and then
		 * the column that was meant would stay visible.
		 */
		if (cmig_audit_options_has(names, name->name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("name \"%s\" is listed twice in %s", name->name, what)));
		names = lappend(names, name);
	}
	return names;
}

/*
 * Returns the index in "words" of the word in argument n.  "words" ends with
 * NULL.  Raises an error if the word is not in "words".  "what" is the
 * argument's name, for the message.
 */
static int
word_argument(FunctionCallInfo fcinfo, int n, const char *what, const char *const *words)
{
	char	   *word = text_to_cstring(PG_GETARG_TEXT_PP(n));
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; words[i]; i++)
	{
		if (pg_strcasecmp(words[i], word) == 0)
			return i;
		appendStringInfo(&list, "%s'%s'", i > 0 ? ", " : "", words[i]);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for %s: \"%s\"", what, word),
			 errhint("Valid values are %s.", list.data)));
	return 0;
}

static const char *const image_words[] = {"row", "changes", NULL};
static const char *const level_words[] = {"auto", "row", "statement", NULL};
static const char *const oversize_words[] = {"error", "truncate", NULL};
static const char *const operation_words[] = {"insert", "update", "delete", "truncate", NULL};

/* Returns argument n as a set of operations. */
static int
operations_argument(FunctionCallInfo fcinfo, int n)
{
	int			operations = 0;
	ListCell   *lc;

	foreach(lc, names_argument(fcinfo, n, "operations"))
	{
		CmigAuditName *name = lfirst(lc);
		int			i;

		for (i = 0; operation_words[i]; i++)
			if (pg_strcasecmp(operation_words[i], name->name) == 0)
				break;
		if (operation_words[i] == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unrecognized operation \"%s\"", name->name),
					 errhint("Valid operations are insert, update, delete, and truncate.")));
		operations |= 1 << i;
	}
	if (operations == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("operations must not be empty"),
				 errhint("Specify at least one of insert, update, delete, and truncate. To turn off auditing, call cmig.disable_audit()")));
	return operations;
}

void
cmig_audit_arguments_read(FunctionCallInfo fcinfo, int n, CmigAuditOptions *options)
{
	if (!PG_ARGISNULL(n))
	{
		options->exclude = names_argument(fcinfo, n, "exclude");
		if (options->exclude)
			options->include = NIL;
	}
	if (!PG_ARGISNULL(n + 1))
	{
		options->include = names_argument(fcinfo, n + 1, "include");
		if (options->include && !PG_ARGISNULL(n) && options->exclude)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("include and exclude cannot be combined"),
					 errhint("Specify include to log only the listed columns, or exclude to log all other columns.")));
		if (options->include)
			options->exclude = NIL;
	}
	if (!PG_ARGISNULL(n + 2))
		options->redact = names_argument(fcinfo, n + 2, "redact");
	if (!PG_ARGISNULL(n + 3))
		options->hash = names_argument(fcinfo, n + 3, "hash");
	if (!PG_ARGISNULL(n + 4))
		options->changes_only = word_argument(fcinfo, n + 4, "image", image_words) == 1;
	if (!PG_ARGISNULL(n + 5))
		options->operations = operations_argument(fcinfo, n + 5);
	if (!PG_ARGISNULL(n + 6))
		options->skip_unchanged = PG_GETARG_BOOL(n + 6);
	if (!PG_ARGISNULL(n + 7))
	{
		options->query_length = PG_GETARG_INT32(n + 7);
		if (options->query_length < 0 || options->query_length > 1024 * 1024)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("query_length must be between 0 and 1048576 bytes")));
	}
	if (!PG_ARGISNULL(n + 8))
		options->level = word_argument(fcinfo, n + 8, "level", level_words);
	if (!PG_ARGISNULL(n + 9))
		options->replicated = PG_GETARG_BOOL(n + 9);
	if (!PG_ARGISNULL(n + 10))
		options->truncate = word_argument(fcinfo, n + 10, "oversize", oversize_words) == 1;

	if (options->replicated && options->level == CMIG_AUDIT_LEVEL_STATEMENT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("replicated changes cannot be logged at statement level"),
				 errdetail("The server fires only row triggers when it applies replicated changes."),
				 errhint("Use level => 'auto' or level => 'row'")));
}

/*
 * Returns the column whose name is most similar to a mistyped name, or NULL if
 * no name is similar.
 */
static const char *
nearest_column(Relation relation, const char *name)
{
	TupleDesc	desc = RelationGetDescr(relation);
	const char *nearest = NULL;
	int			length = strlen(name);
	int			best = Min(3, length / 2);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		const char *candidate = NameStr(attribute->attname);
		int			distance;

		if (attribute->attisdropped || length >= NAMEDATALEN)
			continue;
		distance = varstr_levenshtein_less_equal(name, length, candidate, strlen(candidate),
												 1, 1, 1, best, true);
		if (distance < best || (distance == best && nearest == NULL))
		{
			nearest = candidate;
			best = distance;
		}
	}
	return nearest;
}

/*
 * Look up the numbers of the columns in a list.  The columns must exist.  If
 * the option hides columns, they must not be part of the key.
 */
static void
check_names(List *names, const char *what, Relation relation, const List *key, bool hides)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		CmigAuditName *name = lfirst(lc);
		ListCell   *k;

		name->attnum = get_attnum(RelationGetRelid(relation), name->name);
		if (name->attnum <= 0)
		{
			const char *nearest = nearest_column(relation, name->name);

			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							name->name, RelationGetRelationName(relation)),
					 errdetail("It is listed in %s.", what),
					 nearest ? errhint("Did you mean \"%s\"?", nearest) : 0));
		}
		foreach(k, key)
		{
			if (hides && strcmp(lfirst(k), name->name) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("column \"%s\" is part of the key of table \"%s\" and cannot be hidden",
								name->name, RelationGetRelationName(relation)),
						 errdetail("The key identifies the rows in the log.")));
		}
	}
}

/* Raise an error for a column that is in both lists. */
static void
check_disjoint(List *names, const char *what, List *others, const char *other_what)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		CmigAuditName *name = lfirst(lc);

		if (cmig_audit_options_has(others, name->name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" is listed in both %s and %s",
							name->name, what, other_what),
					 errhint("Remove the column from one of the two lists. A list that is not specified stays unchanged. To empty a list, specify '{}'.")));
	}
}

void
cmig_audit_arguments_check(CmigAuditOptions *options, Relation relation)
{
	List	   *key = cmig_audit_layout_key(relation);

	check_names(options->include, "include", relation, NIL, false);
	check_names(options->exclude, "exclude", relation, key, true);
	check_names(options->redact, "redact", relation, key, true);
	check_names(options->hash, "hash", relation, key, true);
	check_disjoint(options->exclude, "exclude", options->redact, "redact");
	check_disjoint(options->exclude, "exclude", options->hash, "hash");
	check_disjoint(options->redact, "redact", options->hash, "hash");
	cmig_audit_columns_anchor(options, RelationGetRelid(relation));
}

/*
 * Returns those of the names that are columns of the table, and adds them to
 * *met.
 */
static List *
present_names(List *names, Relation relation, List **met)
{
	List	   *present = NIL;
	ListCell   *lc;

	foreach(lc, names)
	{
		CmigAuditName *name = lfirst(lc);

		if (get_attnum(RelationGetRelid(relation), name->name) <= 0)
			continue;
		present = lappend(present, name);
		if (!cmig_audit_options_has(*met, name->name))
			*met = lappend(*met, name);
	}
	return present;
}

void
cmig_audit_arguments_fit(CmigAuditOptions *options, Relation relation, List **met)
{
	options->exclude = present_names(options->exclude, relation, met);
	options->redact = present_names(options->redact, relation, met);
	options->hash = present_names(options->hash, relation, met);
}

void
cmig_audit_arguments_require_met(FunctionCallInfo fcinfo, int n, List *met, const char *schema)
{
	CmigAuditOptions *options = cmig_audit_options_default();
	List	   *names;
	ListCell   *lc;

	cmig_audit_arguments_read(fcinfo, n, options);
	names = list_concat(list_concat(list_copy(options->exclude), options->redact), options->hash);
	foreach(lc, names)
	{
		CmigAuditName *name = lfirst(lc);

		if (!cmig_audit_options_has(met, name->name))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("no table in schema \"%s\" has a column \"%s\"", schema, name->name),
					 errdetail("The call excludes, redacts, or hashes that column.")));
	}
}

/* ----------------------------------------------------------------
 * Reads and changes the audit triggers of a table.
 *
 * Enabling the audit of a table only adds triggers to the table, so disabling
 * the audit leaves the table as it was before.
 * ----------------------------------------------------------------
 */

/* Returns the OID of cmig.audit_trigger(). */
static Oid
trigger_function(void)
{
	return LookupFuncName(list_make2(makeString("cmig"), makeString("audit_trigger")),
						  0, NULL, false);
}

/*
 * Returns the trigger function that a script from audit_script() has created,
 * or InvalidOid if there is none.
 */
static Oid
scripted_function(void)
{
	Oid			schema = get_namespace_oid("cmig_audit", true);

	/* search the syscache, which does not require a privilege on the schema */
	return !OidIsValid(schema) ? InvalidOid :
		GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("write"),
						PointerGetDatum(buildoidvector(NULL, 0)), ObjectIdGetDatum(schema));
}

List *
cmig_audit_install_read(Oid relation, bool *cloned)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	Oid			function = trigger_function();
	Oid			scripted = scripted_function();
	List	   *triggers = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	*cloned = false;
	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		CmigAuditTrigger *trigger;
		StringInfoData args;
		bool		isnull;
		char	   *p;

		if (form->tgfoid != function && form->tgfoid != scripted)
			continue;
		if (OidIsValid(form->tgparentid))
		{
			*cloned |= form->tgfoid == function;
			continue;
		}
		trigger = palloc0(sizeof(CmigAuditTrigger));
		trigger->scripted = form->tgfoid == scripted;
		trigger->name = pstrdup(NameStr(form->tgname));
		trigger->type = form->tgtype;
		trigger->enabled = form->tgenabled;
		(void) fastgetattr(tuple, Anum_pg_trigger_tgqual, RelationGetDescr(catalog), &isnull);
		trigger->narrowed = !isnull || form->tgattr.dim1 > 0;
		trigger->nargs = form->tgnargs;
		trigger->arg_values = palloc(sizeof(char *) * Max(1, form->tgnargs));
		initStringInfo(&args);
		p = VARDATA_ANY(DatumGetByteaPCopy(fastgetattr(tuple, Anum_pg_trigger_tgargs,
													   RelationGetDescr(catalog), &isnull)));
		for (int i = 0; i < form->tgnargs; i++)
		{
			trigger->arg_values[i] = p;
			appendStringInfo(&args, "%s%s", i > 0 ? ", " : "", quote_literal_cstr(p));
			p += strlen(p) + 1;
		}
		trigger->args = args.data;
		triggers = lappend(triggers, trigger);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return triggers;
}

/*
 * The triggers that a table should have
 */

/*
 * Returns a trigger that the table should have.  "events" and "transition" are
 * SQL, as in CREATE TRIGGER; "transition" can be "".
 */
static CmigAuditTrigger *
wanted_trigger(const char *name, int16 type, const char *events, const char *transition,
			   const char *table, const char *args, bool replicated)
{
	CmigAuditTrigger *trigger = palloc0(sizeof(CmigAuditTrigger));

	trigger->name = name;
	trigger->type = type;
	trigger->enabled = replicated ? TRIGGER_FIRES_ALWAYS : TRIGGER_FIRES_ON_ORIGIN;
	trigger->args = pstrdup(args);
	trigger->statement = psprintf("CREATE OR REPLACE TRIGGER %s AFTER %s ON %s%s%s FOR EACH %s EXECUTE FUNCTION cmig.audit_trigger(%s)",
								  name, events, table, transition[0] ? " REFERENCING " : "",
								  transition, (type & TRIGGER_TYPE_ROW) ? "ROW" : "STATEMENT",
								  args);
	return trigger;
}

/*
 * The row-level triggers of partitioned tables and plain tables have different
 * names, because a partitioned table's trigger is cloned to its partitions,
 * which may have triggers of their own.
 */
List *
cmig_audit_install_wanted(const CmigAuditOptions *options, bool row_level, bool partitioned,
						  const char *table)
{
	char	   *args = psprintf("'%d', %s", options->table_id,
								quote_literal_cstr(cmig_audit_options_text(options, true)));
	List	   *triggers = NIL;
	int			operations = options->operations;

	if (row_level && (operations & ~CMIG_AUDIT_TRUNCATE))
	{
		StringInfoData events;
		int16		type = TRIGGER_TYPE_ROW | TRIGGER_TYPE_AFTER;
		static const char *const names[] = {"INSERT", "UPDATE", "DELETE"};
		static const int16 types[] = {TRIGGER_TYPE_INSERT, TRIGGER_TYPE_UPDATE, TRIGGER_TYPE_DELETE};

		initStringInfo(&events);
		for (int i = 0; i < lengthof(names); i++)
		{
			if ((operations & (1 << i)) == 0)
				continue;
			appendStringInfo(&events, "%s%s", events.len > 0 ? " OR " : "", names[i]);
			type |= types[i];
		}
		triggers = lappend(triggers,
						   wanted_trigger(partitioned ? "cmig_audit_partition_row" : "cmig_audit_row",
										  type, events.data, "", table, args,
										  options->replicated));
	}
	if (!row_level && (operations & CMIG_AUDIT_INSERT))
		triggers = lappend(triggers,
						   wanted_trigger("cmig_audit_insert", TRIGGER_TYPE_INSERT, "INSERT",
										  "NEW TABLE AS cmig_new", table, args, false));
	if (!row_level && (operations & CMIG_AUDIT_UPDATE))
		triggers = lappend(triggers,
						   wanted_trigger("cmig_audit_update", TRIGGER_TYPE_UPDATE, "UPDATE",
										  "OLD TABLE AS cmig_old NEW TABLE AS cmig_new",
										  table, args, false));
	if (!row_level && (operations & CMIG_AUDIT_DELETE))
		triggers = lappend(triggers,
						   wanted_trigger("cmig_audit_delete", TRIGGER_TYPE_DELETE, "DELETE",
										  "OLD TABLE AS cmig_old", table, args, false));
	if (operations & CMIG_AUDIT_TRUNCATE)
		triggers = lappend(triggers,
						   wanted_trigger("cmig_audit_truncate", TRIGGER_TYPE_TRUNCATE,
										  "TRUNCATE", "", table, args, options->replicated));
	return triggers;
}

static CmigAuditTrigger *
find_trigger(List *triggers, const char *name)
{
	ListCell   *lc;

	foreach(lc, triggers)
	{
		CmigAuditTrigger *trigger = lfirst(lc);

		if (strcmp(trigger->name, name) == 0)
			return trigger;
	}
	return NULL;
}

void
cmig_audit_install_refuse_taken(Oid relation, List *have, List *want)
{
	ListCell   *lc;

	foreach(lc, want)
	{
		const char *name = ((CmigAuditTrigger *) lfirst(lc))->name;

		if (find_trigger(have, name) == NULL && OidIsValid(get_trigger_oid(relation, name, true)))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("table \"%s\" already has a trigger \"%s\" that pg_cmig did not create",
							get_rel_name(relation), name),
					 errhint("ALTER TRIGGER %s ON %s RENAME TO <another name>;", name,
							 cmig_query_relation_name(relation))));
	}
}

/* Run a statement and add it to the list. */
static void
run(List **statements, char *statement)
{
	cmig_audit_log_execute(statement);
	*statements = lappend(*statements, statement);
}

/*
 * Commands on partitioned tables
 *
 * When the server first needs a table's partition key, it evaluates functions
 * with constant arguments in the key, as the current user.  These functions
 * belong to the table's owner, so they must not run with the caller's
 * privileges.
 */

/*
 * If the table is partitioned, open it and its partitioned partitions, and read
 * their partition keys as their owners.  The server keeps the keys while the
 * tables are open.  Settings that the functions change do not remain in the
 * session.
 */
static List *
hold_partition_keys(Oid table)
{
	List	   *held = NIL;
	ListCell   *lc;

	if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE)
		return NIL;
	/* CREATE TRIGGER takes the same locks */
	foreach(lc, find_all_inheritors(table, ShareRowExclusiveLock, NULL))
	{
		Relation	relation = table_open(lfirst_oid(lc), NoLock);
		CmigRole	saved;
		int			guc_level;

		if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		{
			table_close(relation, NoLock);
			continue;
		}
		guc_level = NewGUCNestLevel();
		cmig_role_act_as(&saved, relation->rd_rel->relowner);
		(void) RelationGetPartitionKey(relation);
		cmig_role_return(&saved);
		AtEOXact_GUC(false, guc_level);
		held = lappend(held, relation);
	}
	return held;
}

/*
 * Run ALTER TABLE.  For a partitioned table, it runs as the table's owner,
 * because ALTER TABLE fails if hold_partition_keys() keeps the table open.
 */
static void
alter_table(Oid relation, char *statement, List **statements)
{
	bool		as_owner = get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE &&
	cmig_owns_relation_compat(relation, GetUserId());
	CmigRole	saved;

	if (as_owner)
		cmig_role_act_as(&saved, cmig_role_owner_of(relation));
	run(statements, statement);
	if (as_owner)
		cmig_role_return(&saved);
}

void
cmig_audit_install_change(Oid relation, List *have, List *want, const char *table, List **statements)
{
	ListCell   *lc;

	foreach(lc, have)
	{
		CmigAuditTrigger *trigger = lfirst(lc);

		if (find_trigger(want, trigger->name) == NULL)
			run(statements, psprintf("DROP TRIGGER %s ON %s",
									 quote_identifier(trigger->name), table));
	}
	foreach(lc, want)
	{
		CmigAuditTrigger *trigger = lfirst(lc);
		CmigAuditTrigger *old = find_trigger(have, trigger->name);
		char		enabled = old ? old->enabled : TRIGGER_FIRES_ON_ORIGIN;
		ListCell   *held_cell;

		if (old == NULL || old->scripted || old->narrowed || old->type != trigger->type || strcmp(old->args, trigger->args) != 0)
		{
			List	   *held = hold_partition_keys(relation);

			run(statements, trigger->statement);
			foreach(held_cell, held)
			{
				table_close((Relation) lfirst(held_cell), NoLock);
			}
			enabled = TRIGGER_FIRES_ON_ORIGIN;
		}
		if (enabled != trigger->enabled)
			alter_table(relation,
						psprintf("ALTER TABLE %s ENABLE %sTRIGGER %s", table,
								 trigger->enabled == TRIGGER_FIRES_ALWAYS ? "ALWAYS " : "",
								 trigger->name),
						statements);
	}
	if (*statements)
		CommandCounterIncrement();
}
