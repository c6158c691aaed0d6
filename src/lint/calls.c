/*
 * calls.c
 *	  Calls in a statement, and the statements that pg_cmig's functions run.
 *
 * lint and the locks of a plan treat a call such as cmig.enable_rls('t') as the
 * statements that the function would run.  These are only similar to the real
 * ones: they take the same locks, and scan or build the same things.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "utils/catcache.h"

#include "lint/internal.h"

/*
 * What a function of pg_cmig runs.  In the statements, @x stands for the table
 * that the argument x names, #x for columns or another name, and $x for SQL.  A
 * part in brackets is left out if one of its arguments is NULL.
 */
typedef struct Helper
{
	const char *name;
	const char *parameters;
	const char *statements;
} Helper;

static const Helper helpers[] = {
	{"backfill", "target set_sql where_sql", "UPDATE @target SET $set_sql[ WHERE $where_sql]"},
	{"add_not_null", "target column_name",
		"ALTER TABLE @target ADD CONSTRAINT cmig_not_null CHECK (#column_name IS NOT NULL) NOT VALID;"
		" ALTER TABLE @target VALIDATE CONSTRAINT cmig_not_null;"
		" ALTER TABLE @target ALTER #column_name SET NOT NULL;"
	" ALTER TABLE @target DROP CONSTRAINT cmig_not_null"},
	{"add_check", "target name condition",
		"ALTER TABLE @target ADD CONSTRAINT #name CHECK ($condition) NOT VALID;"
	" ALTER TABLE @target VALIDATE CONSTRAINT #name"},
	{"add_foreign_key", "target columns referenced referenced_columns name",
		"ALTER TABLE @target ADD [CONSTRAINT #name ]FOREIGN KEY (#columns) REFERENCES @referenced[ (#referenced_columns)]"
	" NOT VALID[; ALTER TABLE @target VALIDATE CONSTRAINT #name]"},
	{"add_unique", "target columns name",
		"CREATE UNIQUE INDEX CONCURRENTLY cmig_unique ON @target (#columns);"
	" ALTER TABLE @target ADD UNIQUE USING INDEX cmig_unique"},
	{"enable_rls", "target user_column tenant_column roles bypass_roles shared public_read commands force column_default create_index"
		" require_context via via_key via_user key_column",
		"ALTER TABLE @target ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
	"[; CREATE POLICY cmig_via ON @target USING (EXISTS (SELECT FROM @via))]"},
	{"disable_rls", "target", "ALTER TABLE @target DISABLE ROW LEVEL SECURITY"},
	{"enable_audit", "target",
		"CREATE TRIGGER cmig_audit_insert AFTER INSERT ON @target FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger();"
	" CREATE TRIGGER cmig_audit_truncate AFTER TRUNCATE ON @target FOR EACH STATEMENT EXECUTE FUNCTION cmig.audit_trigger()"},
	{"disable_audit", "target", "DROP TRIGGER IF EXISTS cmig_audit_truncate ON @target"},
	{"import_state", "tool history_table", "[SELECT FROM @history_table]"},
	{"drop_scope", "scope", "DROP SCHEMA #scope CASCADE"},
	{"audit_import", "source", "SELECT FROM @source"},
	{"rls_test", "target", "UPDATE @target SET cmig = 0"},
	{NULL}
};

/* Functions that read, or write only to pg_cmig's own tables, or change settings. */
static const char *const harmless[] = {
	"allow_ddl", "audit_retain", "clear_context", "create_revision", "ddl_event", "draft",
	"expansion_mark", "expansion_unset", "export", "grant_access",
	"import_files", "import_tools", "load", "load_directory", "merge", "pause", "remove_revision",
	"repair", "resume_run", "revoke_access", "rls_check",
	"set_context", "set_ddl_policy", "set_option", "set_protect", "stamp", "throttle",
	"wait_for_replicas",
	"workload_save", NULL
};

Node *
cmig_call_argument(const FuncCall *call, int position, const char *name)
{
	for (int i = 0; i < list_length(call->args); i++)
	{
		Node	   *node = list_nth(call->args, i);

		if (!IsA(node, NamedArgExpr))
		{
			if (i == position)
				return node;
		}
		else if (strcmp(((NamedArgExpr *) node)->name, name) == 0)
			return (Node *) ((NamedArgExpr *) node)->arg;
	}
	return NULL;
}

/*
 * Parse SQL.  Returns a List of CmigStatement *, or NIL if there is a syntax
 * error, which is caught without a subtransaction because the parser acquires no
 * resources other than memory.
 */
static List *
parse(const char *sql)
{
	MemoryContext context = CurrentMemoryContext;
	CmigScriptReader *script = cmig_script_open(sql);
	List	   *volatile result = NIL;

	PG_TRY();
	{
		for (;;)
		{
			CmigStatement *statement = palloc0(sizeof(CmigStatement));

			if (!cmig_script_next(script, statement))
				break;
			result = lappend(result, statement);
		}
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		(void) cmig_script_error_take();
		result = NIL;
	}
	PG_END_TRY();
	return result;
}

/*
 * The values of an argument
 */

typedef enum Value
{
	VALUE_MISSING,				/* not given, or NULL */
	VALUE_KNOWN,
	VALUE_UNKNOWN				/* not a constant */
} Value;

typedef struct Call
{
	const Helper *helper;
	const FuncCall *call;
} Call;

static Node *
argument(const Call *call, const char *name)
{
	int			position = 0;
	int			length = strlen(name);

	for (const char *p = call->helper->parameters; p; p = strchr(p, ' '), position++)
	{
		p += strspn(p, " ");
		if (strncmp(p, name, length) == 0 && (p[length] == ' ' || p[length] == '\0'))
			return cmig_call_argument(call->call, position, name);
	}
	return NULL;
}

/* Returns the names in a constant such as 'a', '{a,b}', or ARRAY['a', 'b']. */
static List *
names_of(Node *node)
{
	const char *text = cmig_lint_expression_constant(node);
	List	   *result = NIL;

	node = cmig_uncast(node);
	foreach_ptr(Node, element, node &&
				IsA(node, A_ArrayExpr) ? ((A_ArrayExpr *) node)->elements : NIL)
	{
		const char *name = cmig_lint_expression_constant(element);

		result = name ? lappend(result, unconstify(char *, name)) : NIL;
	}
	if (text && *text != '{')
		return list_make1(unconstify(char *, text));
	for (char *p = text ? strtok(pstrdup(text + 1), ",}") : NULL; p; p = strtok(NULL, ",}"))
		result = lappend(result, p);
	return result;
}

/* Append what the argument stands for in a template; see Helper. */
static Value
append_value(const Call *call, char kind, const char *name, StringInfo sql)
{
	Node	   *node = argument(call, name);
	const char *text = NULL;
	RangeVar   *table;

	if (cmig_lint_is_null(node))
		return VALUE_MISSING;
	else if (kind == '@')
	{
		table = cmig_locks_constant(node);
		text = table ? cmig_lint_text_range_var(table) : NULL;
	}
	else if (kind == '#')
		text = names_of(node) == NIL ? NULL : cmig_text_join(names_of(node), quote_identifier);
	else
		text = cmig_lint_expression_constant(node);
	if (text == NULL)
		return VALUE_UNKNOWN;
	appendStringInfoString(sql, text);
	return VALUE_KNOWN;
}

/* Append a template, from "p" to "end" or the end of the text. */
static Value
append_template(const Call *call, const char *p, const char *end, StringInfo sql)
{
	while (p < end)
	{
		const char *close = *p == '[' ? strchr(p, ']') : NULL;
		int			length = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_");
		int			before = sql->len;
		Value		value;

		if (close)
		{
			value = append_template(call, p + 1, close, sql);
			if (value == VALUE_UNKNOWN)
				return value;
			if (value == VALUE_MISSING)
				sql->data[sql->len = before] = '\0';
			p = close + 1;
		}
		else if (strchr("@#$", *p))
		{
			value = append_value(call, *p, pnstrdup(p + 1, length), sql);
			if (value != VALUE_KNOWN)
				return value;
			p += length + 1;
		}
		else
			appendStringInfoChar(sql, *p++);
	}
	return VALUE_KNOWN;
}

/*
 * Append the indexes that cmig.enable_rls builds: on each key, unless an index
 * begins with it.
 */
static void
append_indexes(CmigLint *lint, const Call *call, StringInfo sql)
{
	static const char *const keys[] = {"tenant_column", "user_column", "key_column"};
	RangeVar   *name = cmig_locks_constant(argument(call, "target"));
	CmigLintTable *table = cmig_lint_state_find(lint, name, true);
	char	   *target = table ? cmig_lint_text_qualified(table) : cmig_lint_text_range_var(name);
	Node	   *create = cmig_uncast(argument(call, "create_index"));

	if (table)
		cmig_lint_state_load(lint, table);
	if ((create && IsA(create, A_Const) && IsA(&((A_Const *) create)->val, Boolean) &&
		 !boolVal(&((A_Const *) create)->val)) ||
		(table && OidIsValid(table->oid) && get_rel_relispartition(table->oid)))
		return;
	for (int i = 0; i < lengthof(keys); i++)
	{
		const char *key = cmig_lint_expression_constant(argument(call, keys[i]));
		bool		needed = key &&
		(table == NULL || table->columns == NIL || cmig_lint_model_column(table, key));

		foreach_ptr(const CmigLintIndex, index, needed && table ? table->indexes : NIL)
			needed &= !index->usable || index->keys == NIL ||
			strcmp(linitial(index->keys), key) != 0;
		if (needed)
			appendStringInfo(sql, "; CREATE INDEX ON %s (%s)", target, quote_identifier(key));
	}
}

/* Append the statements of a call. */
static Value
append_statements(CmigLint *lint, const Call *call, StringInfo sql)
{
	const char *template = call->helper->statements;
	bool		enables = strcmp(call->helper->name, "enable_rls") == 0;
	CmigLintTable *table;
	ListCell   *lc;
	Value		value = append_template(call, template, template + strlen(template), sql);

	if (value != VALUE_KNOWN || (!enables && strcmp(call->helper->name, "disable_rls") != 0))
		return value;
	table = cmig_lint_state_find(lint, cmig_locks_constant(argument(call, "target")), true);
	/* each partition has a setting of its own */
	foreach(lc, table &&
			table->kind == RELKIND_PARTITIONED_TABLE ? cmig_related(CMIG_RELATED_TREE, table->oid) :
			NIL)
	{
		CmigLintTable *partition = cmig_lint_state_find_oid(lint, lfirst_oid(lc));

		if (partition && partition != table && cmig_lint_state_exists(lint, partition))
			appendStringInfo(sql, "; ALTER TABLE %s %s ROW LEVEL SECURITY",
							 cmig_lint_text_qualified(partition),
							 enables ? "ENABLE" : "DISABLE");
	}
	if (enables)
		append_indexes(lint, call, sql);
	return value;
}

List *
cmig_call_functions(CmigLint *lint, List *name)
{
	CatCList   *all = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(strVal(llast(name))));
	List	   *schemas = list_length(name) > 1 ?
	list_make1(strVal(list_nth(name, list_length(name) - 2))) :
	lcons("pg_catalog", list_copy(lint->session.path));
	List	   *result = NIL;

	foreach_ptr(const char, schema, schemas)
	{
		Oid			oid = lint->reads_facts || strcmp(schema, "pg_catalog") == 0 ?
		get_namespace_oid(schema, true) : InvalidOid;

		for (int i = 0; i < all->n_members; i++)
		{
			Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&all->members[i]->tuple);

			if (form->pronamespace == oid)
				result = lappend(result, memcpy(palloc(sizeof(*form)), form, sizeof(*form)));
		}
	}
	ReleaseSysCacheList(all);
	return result;
}

char *
cmig_call_unknown(CmigLint *lint, const FuncCall *call)
{
	List	   *functions = cmig_call_functions(lint, call->funcname);

	foreach_ptr(const FormData_pg_proc, form, functions)
	{
		if (form->pronamespace != PG_CATALOG_NAMESPACE &&
			form->provolatile != PROVOLATILE_IMMUTABLE)
			return psprintf("the function %s",
							quote_qualified_identifier(cmig_query_schema_name(form->pronamespace),
													   NameStr(form->proname)));
	}
	return functions ? NULL : psprintf("the function %s", NameListToQuotedString(call->funcname));
}

/* Does the schema cmig have only functions of this name that write nothing? */
static bool
only_looks(CmigLint *lint, const char *name)
{
	List	   *functions = cmig_call_functions(lint, list_make2(makeString("cmig"),
																 makeString(pstrdup(name))));

	foreach_ptr(const FormData_pg_proc, form, functions)
	{
		if (form->provolatile == PROVOLATILE_VOLATILE)
			return false;
	}
	return functions != NIL;
}

bool
cmig_calls_expand(CmigLint *lint, const FuncCall *of, bool *known, List **statements)
{
	int			parts = list_length(of->funcname);
	const char *name = strVal(llast(of->funcname));
	Call		call = {.call = of};
	StringInfoData sql;
	Value		value;

	*statements = NIL;
	*known = true;
	if (parts > 1 ? strcmp(strVal(list_nth(of->funcname, parts - 2)), "cmig") != 0 :
		!cmig_text_list_has(lint->session.path, "cmig"))
		return false;
	for (const Helper *helper = helpers; helper->name; helper++)
		if (strcmp(helper->name, name) == 0)
			call.helper = helper;
	for (int i = 0; harmless[i]; i++)
		if (strcmp(harmless[i], name) == 0)
			return true;
	if (call.helper == NULL)
	{
		*known = only_looks(lint, name);
		return *known || parts > 1;
	}
	initStringInfo(&sql);
	value = append_statements(lint, &call, &sql);
	*known = value == VALUE_KNOWN;
	if (*known)
		*statements = parse(sql.data);
	return true;
}
