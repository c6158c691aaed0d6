/*
 * lint_losses.c
 *	  Lint: rules about what is dropped, replaced, emptied, or changed as a
 *	  whole, and about what fails.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/extension.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "parser/parse_target.h"
#include "storage/lmgr.h"
#include "utils/rls.h"

#include "lint/internal.h"

/*
 * Rules about all rows of a large table
 */

/* Is the table so large that a statement about all its rows takes long? */
static bool
is_big(const CmigLint *lint, const CmigLintTable *table)
{
	return cmig_lint_model_is_large(table) && !cmig_lint_model_is_small(table, lint->small) &&
		(table->kind == 0 || strchr("rpfm", table->kind));
}

/*
 * Does the condition apply to all rows?  A column that the plan adds is NULL in
 * all of them.
 */
static bool
is_about_all(const CmigLintTable *table, Node *condition)
{
	NullTest   *test = (NullTest *) condition;
	CmigLintColumn *column;

	if (condition == NULL)
		return true;
	condition = cmig_uncast(condition);
	if (IsA(condition, A_Const))
		return IsA(&((A_Const *) condition)->val, Boolean) &&
			boolVal(&((A_Const *) condition)->val);
	if (!IsA(condition, NullTest) || test->nulltesttype != IS_NULL || !IsA(test->arg, ColumnRef) ||
		!IsA(llast(((ColumnRef *) test->arg)->fields), String))
		return false;
	column = cmig_lint_model_column(table, strVal(llast(((ColumnRef *) test->arg)->fields)));
	return column && column->is_new && !column->has_default;
}

/* Implements the rule changing-all-rows. */
static void
check_all_rows(CmigLint *lint, Node *node)
{
	UpdateStmt *update = (UpdateStmt *) node;
	DeleteStmt *delete = (DeleteStmt *) node;
	bool		updates = IsA(node, UpdateStmt);
	RangeVar   *name = updates ? update->relation : delete->relation;
	CmigLintTable *table = cmig_lint_state_find(lint, name, false);
	CmigLexer	lexer;
	bool		has_key = table && table->origin == CMIG_LINT_UNKNOWN;
	char	   *fix = NULL;

	if (!is_big(lint, table) ||
		!is_about_all(table, updates ? update->whereClause : delete->whereClause))
		return;
	cmig_lint_state_load(lint, table);
	foreach_ptr(CmigLintConstraint, constraint, table->constraints)
		has_key |= constraint->type == CONSTRAINT_PRIMARY;
	cmig_lexer_init(&lexer, cmig_lint_source_behind_name(lint->statement->text, name->location));
	cmig_lexer_next_sql(&lexer);
	if (has_key && updates && update->whereClause == NULL && update->fromClause == NIL &&
		!cmig_returns_compat(update) &&
		update->withClause == NULL && name->inh && cmig_lexer_is_word(&lexer, "set"))
		fix = psprintf(CMIG_LINT_STEPWISE "CALL cmig.backfill(%s, %s)",
					   quote_literal_cstr(cmig_lint_text_qualified(table)),
					   quote_literal_cstr(lexer.next + strspn(lexer.next, " \t\r\n")));
	cmig_lint_report(lint, fix,
					 "%s changes all rows of %s in one transaction, and blocks other writes to them until it commits; %s",
					 updates ? "UPDATE" : "DELETE", cmig_lint_text_table(table),
					 updates ? "cmig.backfill works in batches" :
					 "delete in batches, or use TRUNCATE");
}

/* Implements the rule copying-all-rows. */
static void
check_copy(CmigLint *lint, Node *node)
{
	SelectStmt *select = (SelectStmt *) ((InsertStmt *) node)->selectStmt;

	if (select == NULL || select->op != SETOP_NONE || select->whereClause || select->limitCount)
		return;
	foreach_ptr(RangeVar, name, cmig_lint_uses_of((Node *) select))
	{
		CmigLintTable *table = cmig_lint_state_find(lint, name, false);

		if (!is_big(lint, table))
			continue;
		cmig_lint_report(lint, NULL,
						 "INSERT reads all rows of %s in one transaction, and VACUUM cannot clean up anywhere meanwhile; copy in batches",
						 cmig_lint_text_table(table));
		return;
	}
}

/* Implements the rule truncating-table. */
static void
check_truncate(CmigLint *lint, Node *node)
{
	foreach_ptr(RangeVar, relation, ((TruncateStmt *) node)->relations)
	{
		CmigLintTable *table = cmig_lint_state_find(lint, relation, false);

		if (cmig_lint_model_is_large(table))
			cmig_lint_report(lint, NULL, "TRUNCATE deletes all rows of %s",
							 cmig_lint_text_table(table));
	}
}

/* Implements the rule restarting-sequence. */
static void
check_restart(CmigLint *lint, Node *node)
{
	CmigLintTable *table = lint->target;
	CmigLintTable *sequence = IsA(node, AlterSeqStmt) ?
	cmig_lint_state_find_if(lint, ((AlterSeqStmt *) node)->sequence,
							((AlterSeqStmt *) node)->missing_ok) : NULL;
	List	   *options = IsA(node, AlterSeqStmt) ? ((AlterSeqStmt *) node)->options : NIL;
	Oid			owner = InvalidOid;
	int32		column;

	foreach_node(AlterTableCmd, command,
				 IsA(node, AlterTableStmt) ? ((AlterTableStmt *) node)->cmds : NIL)
	{
		if (command->subtype == AT_SetIdentity)
			options = list_concat(options, (List *) command->def);
	}
	if (sequence && OidIsValid(sequence->oid) &&
		(sequenceIsOwned(sequence->oid, DEPENDENCY_AUTO, &owner, &column) ||
		 sequenceIsOwned(sequence->oid, DEPENDENCY_INTERNAL, &owner, &column)))
		table = cmig_lint_state_find_oid(lint, owner);
	foreach_node(DefElem, option, (sequence == NULL || cmig_lint_model_is_shared(sequence)) &&
				 (table == NULL || cmig_lint_model_is_large(table)) ? options : NIL)
	{
		if (strcmp(option->defname, "restart") == 0)
			cmig_lint_report(lint, NULL, "RESTART repeats numbers that rows of %s may already have",
							 table ? cmig_lint_text_table(table) : "a table");
	}
}

/*
 * Rules about objects that are dropped, unless the plan creates them again
 */

/* Callback at the end of the plan: is there no such relation again? */
static bool
is_missing(CmigLint *lint, const CmigLintDeferred *dropped)
{
	return cmig_lint_state_find(lint, dropped->name, true) == NULL;
}

/* Implements the rule ban-drop-view. */
static void
check_view(CmigLint *lint, Node *node)
{
	DropStmt   *drop = (DropStmt *) node;
	ListCell   *lc;

	foreach(lc, drop->removeType == OBJECT_VIEW ||
			drop->removeType == OBJECT_MATVIEW ? drop->objects : NIL)
	{
		CmigLintTable *view =
		cmig_lint_state_find_if(lint, cmig_locks_relation(lfirst(lc)), drop->missing_ok);

		if (cmig_lint_model_is_shared(view))
			cmig_lint_report_later(lint,
								   cmig_lint_report(lint, NULL,
													"DROP %sVIEW breaks clients that use %s; first release a version that does not use it",
													drop->removeType == OBJECT_VIEW ? "" :
													"MATERIALIZED ",
													cmig_lint_text_table(view)),
								   true, is_missing, NULL,
								   makeRangeVar(pstrdup(view->schema), pstrdup(view->name), -1),
								   NULL);
	}
}

/* Callback at the end of the plan: has no statement created the part again? */
static bool
is_not_created(CmigLint *lint, const CmigLintDeferred *dropped)
{
	return !cmig_text_list_has(lint->parts, dropped->part);
}

char *
cmig_lint_part_key(const CmigLintTable *table, bool is_policy, const char *name)
{
	return psprintf("%s of %s: %s", is_policy ? "policy" : "trigger",
					cmig_lint_text_qualified(table), name);
}

/*
 * Implements the rules ban-drop-trigger, ban-drop-policy, and, for restrictive
 * policies, row-security-lost.
 */
static void
check_part(CmigLint *lint, Node *node)
{
	static CmigQuery query = {
		.sql = "SELECT polpermissive::text FROM pg_policy WHERE polrelid = $1 AND polname = $2",
		.argtypes = {OIDOID, TEXTOID}
	};
	DropStmt   *drop = (DropStmt *) node;
	bool		is_policy = drop->removeType == OBJECT_POLICY;
	bool		is_lost = strcmp(lint->rule->name, "row-security-lost") == 0;

	if (is_policy ? strcmp(lint->rule->name, "ban-drop-trigger") == 0 :
		drop->removeType != OBJECT_TRIGGER || strcmp(lint->rule->name, "ban-drop-trigger") != 0)
		return;
	foreach_ptr(List, names, drop->objects)
	{
		const char *name = strVal(llast(names));
		CmigLintTable *table = cmig_lint_state_find_if(lint, cmig_locks_owner((Node *) names),
													   drop->missing_ok);
		bool		live = table && OidIsValid(table->oid);
		bool		restrictive = false;
		char	   *key;
		CmigLintFinding *finding;

		if (!cmig_lint_model_is_shared(table) ||
			(live && !OidIsValid(is_policy ? get_relation_policy_oid(table->oid, name, true) :
								 get_trigger_oid(table->oid, name, true))))
			continue;
		key = cmig_lint_part_key(table, is_policy, name);
		if (cmig_text_list_has(lint->parts, key))
			continue;
		if (is_policy && live)
			restrictive = cmig_text_same(cmig_query_value(&query, table->oid, name), "false");
		if (is_lost != restrictive)
			continue;
		if (restrictive)
			finding = cmig_lint_report(lint, NULL,
									   "DROP POLICY shows rows of %s that the restrictive policy %s hides",
									   cmig_lint_text_name(table), quote_identifier(name));
		else
			finding = cmig_lint_report(lint, NULL,
									   is_policy ? "DROP POLICY hides rows of %s that policy %s shows" :
									   "DROP TRIGGER ends what happens when rows of %s change: trigger %s",
									   cmig_lint_text_name(table), quote_identifier(name));
		cmig_lint_report_later(lint, finding, true, is_not_created, NULL, NULL, key);
	}
}

/* Implements the rule ban-drop-extension. */
static void
check_extension(CmigLint *lint, Node *node)
{
	static CmigQuery query = {
		.sql = "SELECT string_agg(format('%s %s%s', n, word, CASE WHEN n = 1 THEN '' ELSE 's' END), ', ' ORDER BY n DESC, word)"
		" FROM (SELECT count(*) AS n, CASE c.relname WHEN 'pg_proc' THEN 'function' WHEN 'pg_type'"
		" THEN 'type'"
		"  WHEN 'pg_operator' THEN 'operator' WHEN 'pg_class' THEN 'relation' ELSE 'other object'"
		" END AS word"
		"  FROM pg_depend d JOIN pg_class c ON c.oid = d.classid"
		"  WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = $1 AND d.deptype = 'e'"
		" GROUP BY 2) m",
		.argtypes = {OIDOID}
	};
	DropStmt   *drop = (DropStmt *) node;
	ListCell   *lc;

	foreach(lc, drop->removeType == OBJECT_EXTENSION ? drop->objects : NIL)
	{
		const char *name = strVal(lfirst(lc));
		Oid			extension = lint->reads_facts ? get_extension_oid(name, true) : InvalidOid;
		char	   *members = OidIsValid(extension) ? cmig_query_value(&query, extension) : NULL;

		if (OidIsValid(extension) || !lint->reads_facts)
			cmig_lint_report(lint, NULL,
							 "DROP EXTENSION %s breaks clients that use what it contains%s%s",
							 quote_identifier(name),
							 members ? ": " : "", members ? members : "");
	}
}

/*
 * Implements the rule revoking-privileges: a role that has sessions, or owns
 * nothing here, so that privileges are all that it can use.
 */
static void
check_revoke(CmigLint *lint, Node *node)
{
	static CmigQuery query = {
		.sql = "SELECT CASE WHEN s.n > 0 THEN format('has %s session%s now', s.n, CASE WHEN s.n = 1 THEN '' ELSE 's' END)"
		" WHEN NOT EXISTS (SELECT FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass"
		" AND d.refobjid = r.oid"
		"  AND d.deptype = 'o' AND d.dbid = b.oid)"
		" THEN 'owns nothing here, and can use only what is granted to it' END"
		" FROM pg_roles r JOIN pg_database b ON b.datname = current_database(),"
		" LATERAL (SELECT count(*) AS n FROM pg_stat_activity a"
		"  WHERE a.datid = b.oid AND a.pid <> pg_backend_pid() AND (a.usesysid = r.oid"
		" OR EXISTS (SELECT FROM pg_auth_members m"
		"   WHERE m.roleid = r.oid AND m.member = a.usesysid))) s"
		" WHERE r.rolname = $1 AND ($2 = 0 OR EXISTS (SELECT"
		" FROM pg_class c, aclexplode(c.relacl) x WHERE c.oid = $2 AND x.grantee = r.oid)"
		"  OR EXISTS (SELECT FROM pg_attribute t, aclexplode(t.attacl) x WHERE t.attrelid = $2"
		" AND x.grantee = r.oid))",
		.argtypes = {TEXTOID, OIDOID}
	};
	GrantStmt  *grant = (GrantStmt *) node;
	CmigLintTable *table = NULL;
	ListCell   *lc;

	if (grant->is_grant || grant->grant_option || !lint->reads_facts)
		return;
	foreach(lc, grant->targtype == ACL_TARGET_OBJECT &&
			grant->objtype == OBJECT_TABLE ? grant->objects : NIL)
	{
		table = cmig_lint_state_find(lint, lfirst(lc), true);
		if (cmig_lint_model_is_shared(table))
			break;
	}
	if (table && !cmig_lint_model_is_shared(table))
		return;
	foreach_ptr(RoleSpec, role, grant->grantees)
	{
		char	   *why = role->roletype == ROLESPEC_CSTRING ?
		cmig_query_value(&query, role->rolename, table ? table->oid : InvalidOid) : NULL;

		if (why)
			cmig_lint_report(lint, NULL, "REVOKE takes privileges%s%s from role %s, which %s",
							 table ? " on " : "",
							 table ? cmig_lint_text_name(table) : "",
							 quote_identifier(role->rolename), why);
	}
}

/*
 * Implements the rule swapping-tables: what refers to the old table continues
 * to refer to it when another table gets its name.
 */
static void
check_swap(CmigLint *lint, Node *node)
{
	static CmigQuery query = {
		.sql = "SELECT string_agg(what, ', ' ORDER BY n, what) FROM ("
		"SELECT 1 AS n, format('foreign key %I of %s', conname, conrelid::regclass) AS what"
		" FROM pg_constraint"
		"  WHERE contype = 'f' AND confrelid = $1 AND conrelid NOT IN ($1, $2)"
		" UNION ALL SELECT 2, format('trigger %I', tgname) FROM pg_trigger o WHERE tgrelid = $1"
		" AND NOT tgisinternal"
		"  AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = $2 AND t.tgname = o.tgname)"
		" UNION ALL SELECT 3, format('the sequence of column %I', a.attname) FROM pg_depend d"
		" JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'"
		"  JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = d.refobjsubid"
		" WHERE d.classid = 'pg_class'::regclass"
		"  AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND d.deptype IN ('a', 'i')"
		" UNION ALL SELECT DISTINCT 4, format('view %s', w.ev_class::regclass) FROM pg_depend d"
		" JOIN pg_rewrite w ON w.oid = d.objid AND w.ev_class <> $1"
		"  WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass"
		" AND d.refobjid = $1"
		" UNION ALL SELECT 5, format('policy %I', polname) FROM pg_policy o WHERE polrelid = $1"
		"  AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = $2 AND p.polname = o.polname)"
		" UNION ALL SELECT 6, format('publication %I', p.pubname) FROM pg_publication_rel r"
		" JOIN pg_publication p ON p.oid = r.prpubid"
		"  WHERE r.prrelid = $1 AND NOT EXISTS (SELECT FROM pg_publication_rel o"
		" WHERE o.prpubid = p.oid AND o.prrelid = $2)) s",
		.argtypes = {OIDOID, OIDOID}
	};
	RenameStmt *rename = (RenameStmt *) node;
	CmigLintTable *table = lint->target;
	CmigLintTable *old = table && rename->renameType == OBJECT_TABLE ?
	cmig_lint_state_original(lint, makeRangeVar((char *) table->schema, rename->newname, -1)) :
	NULL;
	char	   *left = old && old != table && strchr("rp", old->kind) &&
	cmig_lint_state_find_oid(lint, old->oid) ?
	cmig_query_value(&query, old->oid, table->oid) : NULL;

	if (left)
		cmig_lint_report(lint, NULL, "the table that was named %s keeps what the new one needs: %s",
						 quote_identifier(rename->newname), left);
}

/*
 * Rules about statements that fail
 */

/* Has the plan detached partitions of the table's parent? */
static bool
is_detached(CmigLint *lint, const CmigLintTable *table)
{
	List	   *parents = cmig_related(CMIG_RELATED_PARENT, table->oid);
	CmigLintTable *parent = parents != NIL ? cmig_lint_state_find_oid(lint, linitial_oid(parents)) :
	NULL;

	return parent == NULL || parent->repartitioned;
}

/* Implements the rule changing-partition-key. */
static void
check_partition_key(CmigLint *lint, AlterTableCmd *command, int number)
{
	CmigLintTable *table = lint->target;
	const char *does = command->subtype == AT_DropColumn ? "DROP COLUMN" : "the new type";

	if (!OidIsValid(table->oid) || cmig_lint_model_column(table, command->name) == NULL)
		return;
	if (table->kind == RELKIND_PARTITIONED_TABLE &&
		cmig_text_list_has(cmig_lint_facts_partition_key(table->oid), command->name))
		cmig_lint_report(lint, NULL,
						 "%s fails for column %s, which is in the partition key of %s; create a new table, and copy the rows",
						 does, quote_identifier(command->name), cmig_lint_text_name(table));
	else if (get_rel_relispartition(table->oid) && !is_detached(lint, table))
		cmig_lint_report(lint, NULL,
						 "%s fails for column %s of the partition %s; change the partitioned table",
						 does, quote_identifier(command->name), cmig_lint_text_name(table));
}

/* Implements the rule incompatible-replace for views. */
static void
check_replaced_view(CmigLint *lint, Node *node)
{
	ViewStmt   *create = (ViewStmt *) node;
	CmigLintTable *view = create->replace ? cmig_lint_state_find(lint, create->view, true) : NULL;
	SelectStmt *query = (SelectStmt *) create->query;
	int			i = 0;

	if (view == NULL || view->origin != CMIG_LINT_LIVE || view->kind != RELKIND_VIEW ||
		view->redefined || !IsA(query, SelectStmt))
		return;
	while (query->op != SETOP_NONE)
		query = query->larg;
	cmig_lint_state_load(lint, view);
	foreach_ptr(ResTarget, target, query->targetList)
	{
		CmigLintColumn *column = i < list_length(view->columns) ? list_nth(view->columns, i) : NULL;
		const char *name;
		Oid			type;

		if (IsA(target->val, ColumnRef) && IsA(llast(((ColumnRef *) target->val)->fields), A_Star))
			return;
		name = i < list_length(create->aliases) ? strVal(list_nth(create->aliases, i)) :
			target->name ? target->name : FigureColname(target->val);
		type = IsA(target->val, TypeCast) ?
			cmig_lint_types_find(lint, ((TypeCast *) target->val)->typeName).oid : InvalidOid;
		if (column && strcmp(column->name, name) != 0)
		{
			cmig_lint_report(lint, NULL,
							 "CREATE OR REPLACE VIEW fails, because column %d of %s is %s, not %s; new columns must come last",
							 i + 1, cmig_lint_text_name(view), quote_identifier(column->name),
							 quote_identifier(name));
			return;
		}
		if (column && OidIsValid(type) && OidIsValid(column->type) && type != column->type)
		{
			cmig_lint_report(lint, NULL,
							 "CREATE OR REPLACE VIEW fails, because column %s of %s has type %s, not %s",
							 quote_identifier(name), cmig_lint_text_name(view),
							 format_type_be(column->type), format_type_be(type));
			return;
		}
		i++;
	}
	if (query->targetList != NIL && i < list_length(view->columns))
		cmig_lint_report(lint, NULL,
						 "CREATE OR REPLACE VIEW fails, because it would drop column %s of %s",
						 quote_identifier(((CmigLintColumn *) list_nth(view->columns, i))->name),
						 cmig_lint_text_name(view));
}

/* Returns what a replacement may not change in a function, or NULL. */
static char *
forbidden_change(CmigLint *lint, const CreateFunctionStmt *create, HeapTuple row, List *inputs,
				 int defaults)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(row);
	bool		has_output = false;
	bool		no_names;
	bool		no_modes;
	Datum		all_names = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_proargnames, &no_names);
	Datum		modes = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_proargmodes, &no_modes);
	char	  **names = NULL;
	int			count = no_names ? 0 :
	get_func_input_arg_names(all_names, no_modes ? (Datum) 0 : modes, &names);
	Oid			type = create->returnType ? cmig_lint_types_find(lint, create->returnType).oid :
	InvalidOid;

	if (form->prokind != (create->is_procedure ? PROKIND_PROCEDURE : PROKIND_FUNCTION))
		return "it is of another kind";
	foreach_node(FunctionParameter, parameter, create->parameters)
		has_output |= strchr("obt", parameter->mode) != NULL;
	if (!has_output && create->returnType && OidIsValid(type) &&
		(type != form->prorettype || create->returnType->setof != form->proretset))
		return psprintf("it returns %s%s", form->proretset ? "SETOF " : "",
						format_type_be(form->prorettype));
	for (int i = 0; i < count && i < list_length(inputs); i++)
	{
		const char *name = ((FunctionParameter *) list_nth(inputs, i))->name;

		if (*names[i] && (name == NULL || strcmp(name, names[i]) != 0))
			return psprintf("its argument %d is named %s", i + 1, quote_identifier(names[i]));
	}
	return defaults < form->pronargdefaults ? "more of its arguments have defaults" : NULL;
}

/* Implements the rule incompatible-replace for functions. */
static void
check_replaced_function(CmigLint *lint, Node *node)
{
	CreateFunctionStmt *create = (CreateFunctionStmt *) node;
	List	   *names = create->funcname;
	const char *schema = list_length(names) > 1 ? strVal(list_nth(names, list_length(names) - 2)) :
	cmig_lint_state_creation_schema(lint);
	Oid			namespace = lint->reads_facts ? get_namespace_oid(schema, true) : InvalidOid;
	Oid			types[FUNC_MAX_ARGS];
	List	   *inputs = NIL;
	int			defaults = 0;
	HeapTuple	row;
	char	   *why;

	if (!create->replace || !OidIsValid(namespace) ||
		cmig_lint_objects_function(lint, strVal(llast(names)), false) ||
		list_length(create->parameters) > FUNC_MAX_ARGS)
		return;
	foreach_ptr(FunctionParameter, parameter, create->parameters)
	{
		Oid			type = cmig_lint_types_find(lint, parameter->argType).oid;

		/* OUT arguments of a procedure are a part of its name */
		if (parameter->mode == FUNC_PARAM_TABLE ||
			(parameter->mode == FUNC_PARAM_OUT && !create->is_procedure))
			continue;
		if (!OidIsValid(type))
			return;
		types[list_length(inputs)] = type;
		inputs = lappend(inputs, parameter);
		defaults += parameter->defexpr != NULL;
	}
	row = SearchSysCache3(PROCNAMEARGSNSP, CStringGetDatum(strVal(llast(names))),
						  PointerGetDatum(buildoidvector(types, list_length(inputs))),
						  ObjectIdGetDatum(namespace));
	if (!HeapTupleIsValid(row))
		return;
	why = forbidden_change(lint, create, row, inputs, defaults);
	ReleaseSysCache(row);
	if (why)
		cmig_lint_report(lint, NULL, "CREATE OR REPLACE fails for %s, because %s; drop it first",
						 NameListToQuotedString(names), why);
}

/*
 * Rules about rows, which only cmig.lint(probe => true) reads.  The caller must
 * be allowed to read them.  The queries run as the table's owner, because they
 * can run its owner's code: the planner evaluates functions in the predicates of
 * indexes, and EXCEPT casts.
 */

/* How long a query may run, and wait for a lock. */
#define PROBE_MS 5000
#define PROBE_LOCK_MS 1000

/* A query for rows, and whether there are any. */
typedef struct Probe
{
	const CmigLintTable *tables[2]; /* those that it reads; the second may be
									 * NULL */
	const char *columns[2];		/* those that it reads of them */
	const char *text[3];		/* before, between, and after the tables */
	bool		all;			/* does it read tables that inherit, too? */
	bool		found;
} Probe;

/*
 * Returns a table for FROM, with each partition as its OID, and adds the OIDs.
 * They are locked first, so their owners and kinds cannot change.
 */
static char *
locked_rows(const CmigLintTable *table, const char *columns, bool all, List **relations)
{
	StringInfoData text;
	Oid			owner;

	LockRelationOid(table->oid, AccessShareLock);
	owner = cmig_role_owner_of(table->oid);
	initStringInfo(&text);
	foreach_oid(each, all ||
				table->kind == RELKIND_PARTITIONED_TABLE ?
				cmig_inheritors(table->oid, AccessShareLock) :
				list_make1_oid(table->oid))
	{
		if (!strchr("rpm", get_rel_relkind(each)))
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("%s is not a table", cmig_query_relation_name(each))));
		if (!has_privs_of_role(cmig_role_owner_of(each), owner))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("%s belongs to another role", cmig_query_relation_name(each))));
		appendStringInfo(&text, "%sSELECT %s FROM ONLY %s", text.len > 0 ? " UNION ALL " : "(",
						 columns, cmig_query_relation_name(each));
		*relations = lappend_oid(*relations, each);
	}
	return psprintf("%s) r", text.data);
}

/* Run the query.  The caller rolls back the subtransaction. */
static void
run_probe(void *arg)
{
	Probe	   *probe = arg;
	StringInfoData sql;
	List	   *relations = NIL;
	CmigRole	saved;
	Oid			schema;
	int			i;

	if (LockTimeout == 0 || LockTimeout > PROBE_LOCK_MS)
		cmig_settings_override("lock_timeout", CppAsString2(PROBE_LOCK_MS));
	/* raise an error if policies would hide rows */
	cmig_settings_override("row_security", "off");
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT FROM (");
	for (i = 0; i < lengthof(probe->tables) && probe->tables[i]; i++)
	{
		Oid			table = probe->tables[i]->oid;

		appendStringInfo(&sql, "%s%s", probe->text[i],
						 locked_rows(probe->tables[i], probe->columns[i], probe->all, &relations));
		if (pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
			pg_attribute_aclcheck_all(table, GetUserId(), ACL_SELECT, ACLMASK_ALL) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, cmig_query_name(table));
		/* no name is looked up, which would ask for this */
		schema = get_rel_namespace(table);
		if (!cmig_may_compat(NamespaceRelationId, schema, GetUserId(), ACL_USAGE))
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA, cmig_query_schema_name(schema));
		(void) check_enable_rls(table, InvalidOid, false);
	}
	appendStringInfo(&sql, "%s) r LIMIT 1", probe->text[i]);
	cmig_role_act_as_owner(&saved, cmig_role_owner_of(probe->tables[0]->oid));
	probe->found = cmig_query_once(cmig_query_make(sql.data, relations, 0, NULL), NULL, NULL,
								   NULL) > 0;
	cmig_role_return(&saved);
}

/* Run the query with a timeout.  Returns why it was not possible, or NULL. */
static char *
try_probe(Probe *probe)
{
	ErrorData  *error;

	if (!cmig_subtransaction_limited(run_probe, probe, PROBE_MS, &error))
		return psprintf("this took more than %d s", PROBE_MS / 1000);
	return error ? error->message : NULL;
}

/* Returns the columns, each with a suffix, or NULL if one is not as in the live table. */
static char *
live_columns(const CmigLintTable *table, List *names, const char *between, const char *suffix)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(char, name, names)
	{
		CmigLintColumn *column = cmig_lint_model_column(table, name);

		if (column == NULL || column->attnum == 0 ||
			get_atttype(table->oid, column->attnum) != column->type)
			return NULL;
		appendStringInfo(&text, "%s%s%s", text.len > 0 ? between : "",
						 quote_identifier(get_attname(table->oid, column->attnum, false)), suffix);
	}
	return text.len > 0 ? text.data : NULL;
}

/* Returns the table's name in FROM.  Rows of tables that inherit do not matter, except with "all". */
static char *
live_name(const CmigLintTable *table, bool all)
{
	return psprintf("%s%s", all || table->kind != RELKIND_RELATION ? "" : "ONLY ",
					cmig_query_relation_name(table->oid));
}

/* Report that the statement fails if the query, whose first table is the target, has rows. */
static void
probe_rows(CmigLint *lint, Probe probe, const char *does, const char *what)
{
	const CmigLintTable *other = probe.tables[1];
	Oid			owner = other ? cmig_role_owner_of(other->oid) : InvalidOid;
	const char *why = lint->ran_code ? "an earlier statement may change them" : NULL;

	for (int i = 0; i < lengthof(probe.tables) && probe.tables[i]; i++)
	{
		if (probe.tables[i]->written)
			why = "an earlier statement may change them";
		else if (cmig_citus_manages(probe.tables[i]->oid))
			why = psprintf("the rows of %s are in shards", cmig_lint_text_table(probe.tables[i]));
		else if (probe.tables[i]->bytes < 0 || probe.tables[i]->bytes > lint->probed)
			why = psprintf("%s is larger than max_table_size",
						   cmig_lint_text_table(probe.tables[i]));
	}
	if (OidIsValid(owner) && owner != cmig_role_owner_of(lint->target->oid) &&
		!superuser_arg(owner))
		why = psprintf("%s belongs to another role", cmig_lint_text_name(other));
	if (why == NULL)
		why = try_probe(&probe);
	if (why)
	{
		CmigLintFinding *last = lint->findings ? llast(lint->findings) : NULL;
		CmigLintFinding *finding = cmig_lint_report(lint, NULL, "rows of %s were not read: %s",
													cmig_lint_text_name(lint->target), why);

		finding->severity = CMIG_LINT_NOTICE;
		finding->dropped = last && last->statement == finding->statement &&
			strcmp(last->message, finding->message) == 0;
	}
	else if (probe.found)
		cmig_lint_report(lint, NULL, "%s fails, because rows of %s %s; to see them: %s%s%s%s%s",
						 does, cmig_lint_text_name(lint->target), what,
						 probe.text[0], live_name(lint->target, probe.all), probe.text[1],
						 other ? live_name(other, probe.all) : "", other ? probe.text[2] : "");
}

/* Read the rows for a NOT NULL constraint on columns. */
static void
probe_nulls(CmigLint *lint, const char *does, List *names, bool all)
{
	foreach_ptr(char, each, names)
	{
		CmigLintColumn *column = cmig_lint_model_column(lint->target, each);
		char	   *name = live_columns(lint->target, list_make1(each), "", "");
		Probe		probe = {{lint->target}, {name},
		{"SELECT * FROM ", name ? psprintf(" WHERE %s IS NULL", name) : ""}, all};

		if (name && !column->not_null &&
			(lint->caller || !cmig_lint_model_proves_not_null(lint->target, column->name, NULL)))
			probe_rows(lint, probe, does, psprintf("have NULL in column %s", name));
	}
}

/* Read the rows for a unique key. */
static void
probe_duplicates(CmigLint *lint, const char *does, List *names, bool nulls_count)
{
	char	   *columns = live_columns(lint->target, names, ", ", "");
	char	   *filled = nulls_count ? NULL :
	live_columns(lint->target, names, " AND ", " IS NOT NULL");
	Probe		probe = {{lint->target}, {columns}};

	if (columns == NULL)
		return;
	probe.text[0] = psprintf("SELECT %s FROM ", columns);
	probe.text[1] = psprintf("%s%s GROUP BY %s HAVING count(*) > 1", filled ? " WHERE " : "",
							 filled ? filled : "", columns);
	probe_rows(lint, probe, does, psprintf("have the same (%s)", columns));
}

/* Read the rows for a foreign key on columns. */
static void
probe_orphans(CmigLint *lint, const char *does, const Constraint *key, List *names)
{
	CmigLintTable *other = cmig_lint_state_find(lint, key->pktable, true);
	List	   *keys;
	char	   *columns = live_columns(lint->target, names, ", ", "");
	char	   *filled = live_columns(lint->target, names, " AND ", " IS NOT NULL");
	char	   *referenced;

	if (columns == NULL || other == NULL || !OidIsValid(other->oid) || !strchr("rp", other->kind) ||
		cmig_is_temporal_compat(key))
		return;
	keys = cmig_lint_model_referenced(lint, other, key);
	referenced = list_length(keys) == list_length(names) ? live_columns(other, keys, ", ", "") :
		NULL;
	if (referenced)
	{
		Probe		probe = {{lint->target, other}, {columns, referenced}};

		probe.text[0] = psprintf("SELECT %s FROM ", columns);
		probe.text[1] = psprintf(" WHERE %s EXCEPT SELECT %s FROM ", filled, referenced);
		probe.text[2] = "";
		probe_rows(lint, probe, does,
				   psprintf("have values in (%s) that are not in %s", columns,
							cmig_lint_text_name(other)));
	}
}

/* Implements the rule violated-by-rows. */
static void
check_rows(CmigLint *lint, Node *node)
{
	CmigLintTable *table = lint->target;
	IndexStmt  *index = (IndexStmt *) node;
	List	   *names;

	if (lint->probed == 0 || !cmig_lint_model_is_large(table) || !OidIsValid(table->oid) ||
		!strchr("rpm", table->kind))
		return;
	if (IsA(node, IndexStmt) && index->unique && index->whereClause == NULL)
		probe_duplicates(lint, "CREATE UNIQUE INDEX", cmig_lint_index_columns(index),
						 index->nulls_not_distinct);
	foreach_node(AlterTableCmd, command,
				 IsA(node, AlterTableStmt) ? ((AlterTableStmt *) node)->cmds : NIL)
	{
		CmigLintConstraint *validated = command->subtype == AT_ValidateConstraint ?
		cmig_lint_model_constraint(table, command->name) : NULL;

		if (validated && validated->key && !validated->validated && lint->caller == NULL)
			probe_orphans(lint, "VALIDATE CONSTRAINT", validated->key, validated->columns);
		if (command->subtype == AT_SetNotNull)
			probe_nulls(lint, "SET NOT NULL", list_make1(command->name),
						((AlterTableStmt *) node)->relation->inh);
	}
	foreach_ptr(const CmigLintAdded, added, cmig_lint_added(lint, node))
	{
		const Constraint *key = added->constraint;
		bool		primary = key->contype == CONSTR_PRIMARY;

		names = cmig_lint_alter_columns(key, added->column ? added->column->colname : NULL);
		/* cmig.add_foreign_key validates */
		if (key->contype == CONSTR_FOREIGN && (lint->caller || !key->skip_validation))
			probe_orphans(lint, "the foreign key", key, names);
		else if ((primary || key->contype == CONSTR_UNIQUE) && key->indexname == NULL &&
				 !cmig_is_temporal_compat(key))
		{
			if (primary)
				probe_nulls(lint, "PRIMARY KEY", names, false);
			probe_duplicates(lint, primary ? "PRIMARY KEY" : "UNIQUE", names,
							 key->nulls_not_distinct);
		}
	}
}

const CmigLintRule cmig_lint_losses[] = {
	{"violated-by-rows", CMIG_LINT_ERROR, CMIG_LINT_CALLED, check_rows,
	{T_AlterTableStmt, T_IndexStmt}},
	{"changing-all-rows", CMIG_LINT_ERROR, CMIG_LINT_FILL, check_all_rows,
	{T_UpdateStmt, T_DeleteStmt}},
	{"copying-all-rows", CMIG_LINT_WARNING, 0, check_copy, {T_InsertStmt}},
	{"truncating-table", CMIG_LINT_ERROR, 0, check_truncate, {T_TruncateStmt}},
	{"restarting-sequence", CMIG_LINT_WARNING, 0, check_restart,
	{T_AlterSeqStmt, T_AlterTableStmt}},
	{"ban-drop-view", CMIG_LINT_WARNING, CMIG_LINT_EXPAND, check_view, {T_DropStmt}},
	{"ban-drop-trigger", CMIG_LINT_WARNING, CMIG_LINT_CALLED, check_part, {T_DropStmt}},
	{"ban-drop-policy", CMIG_LINT_WARNING, 0, check_part, {T_DropStmt}},
	{"row-security-lost", CMIG_LINT_ERROR, CMIG_LINT_FACTS, check_part, {T_DropStmt}},
	{"ban-drop-extension", CMIG_LINT_WARNING, 0, check_extension, {T_DropStmt}},
	{"revoking-privileges", CMIG_LINT_WARNING, CMIG_LINT_FACTS, check_revoke, {T_GrantStmt}},
	{"swapping-tables", CMIG_LINT_WARNING, CMIG_LINT_FACTS, check_swap, {T_RenameStmt}},
	{"changing-partition-key", CMIG_LINT_ERROR, CMIG_LINT_FACTS, NULL, {T_AlterTableStmt},
	AT_AlterColumnType, check_partition_key},
	{"changing-partition-key", CMIG_LINT_ERROR, CMIG_LINT_FACTS, NULL, {T_AlterTableStmt},
	AT_DropColumn, check_partition_key},
	{"incompatible-replace", CMIG_LINT_ERROR, CMIG_LINT_FACTS, check_replaced_view, {T_ViewStmt}},
	{"incompatible-replace", CMIG_LINT_ERROR, CMIG_LINT_FACTS, check_replaced_function,
	{T_CreateFunctionStmt}},
	{NULL}
};
