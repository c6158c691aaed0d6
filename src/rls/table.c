/*
 * table.c
 *	  A table's row-level security: its columns, its policies, and the setup
 *	  that enable_rls has recorded in the policies' comments.
 *
 * This module reads the catalogs and changes nothing.  A policy is considered
 * to be created by enable_rls if its comment contains a setup; policies that
 * were created by hand are never changed.
 *
 * A setup is a string such as "[cmig.enable_rls rls=off force=off ...]" at the
 * end of a comment.  It consists of words of the form name=value, in which %XX
 * stands for a character that would end a word.  Unknown words are ignored, so
 * that a later version can add words.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "parse/parse.h"
#include "rls/internal.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_type.h"
#include "parser/parse_clause.h"
#include "parser/parse_collate.h"
#include "parser/parse_relation.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* The columns of a table, and the indexes that begin with them. */
static CmigQuery read_columns = {
	"SELECT a.attname::text, a.atttypid, format_type(a.atttypid, a.atttypmod),"
	" CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, 0) END,"
	" CASE WHEN a.attidentity <> '' OR a.attgenerated <> '' THEN 't' END, x.made, CASE WHEN x.other"
	" THEN 't' END, NULL"
	" FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
	" LEFT JOIN LATERAL (SELECT min(i.relname::text) FILTER (WHERE e.objoid IS NOT NULL) AS made,"
	"   bool_or(e.objoid IS NULL AND m.amname IN ('btree', 'hash')) AS other"
	"  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam"
	"  LEFT JOIN pg_description e ON e.objoid = i.oid AND e.classoid = 'pg_class'::regclass"
	" AND e.objsubid = 0"
	"   AND position($2 IN e.description) > 0"
	"  WHERE x.indrelid = a.attrelid AND x.indkey[0] = a.attnum AND x.indpred IS NULL"
	" AND x.indisvalid) x ON true"
	" WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
	{OIDOID, TEXTOID}
};

static CmigQuery read_policies = {
	"SELECT p.polrelid, format('%I.%I', n.nspname, c.relname), p.polname::text, p.polpermissive, p.polcmd::text,"
	" p.polroles, p.polqual::text, p.polwithcheck::text, d.description"
	" FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
	" JOIN pg_namespace n ON n.oid = c.relnamespace"
	" LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_policy'::regclass"
	" AND d.objsubid = 0"
	" WHERE p.polrelid = $1 ORDER BY p.polname",
	{OIDOID}
};

/*
 * The setup in a comment
 */

#define SETUP_MARK "[cmig.enable_rls"

static const char *const command_names[] = {"SELECT", "INSERT", "UPDATE", "DELETE"};

/* A word of a setup whose value is a member of CmigRlsSetup. */
static const struct
{
	const char *name;
	enum
	{
		TEXT,
		COMMANDS,				/* not read */
		ON_OFF,					/* always written */
		ON,						/* written only if it is on */
		OFF						/* written only if it is off */
	}			kind;
	size_t		offset;
}			words[] = {
	{"rls", ON_OFF, offsetof(CmigRlsSetup, enabled)},
	{"force", ON_OFF, offsetof(CmigRlsSetup, forced)},
	{"tenant_column", TEXT, offsetof(CmigRlsSetup, tenant_column)},
	{"user_column", TEXT, offsetof(CmigRlsSetup, user_column)},
	{"key_column", TEXT, offsetof(CmigRlsSetup, key_column)},
	{"via", TEXT, offsetof(CmigRlsSetup, via)},
	{"via_key", TEXT, offsetof(CmigRlsSetup, via_key)},
	{"via_user", TEXT, offsetof(CmigRlsSetup, via_user)},
	{"shared", ON, offsetof(CmigRlsSetup, shared)},
	{"public_read", ON, offsetof(CmigRlsSetup, public_read)},
	{"commands", COMMANDS, offsetof(CmigRlsSetup, commands)},
	{"require_context", ON, offsetof(CmigRlsSetup, require_context)},
	{"index", OFF, offsetof(CmigRlsSetup, create_index)},
};

char *
cmig_rls_commands_text(int commands, const char *separator)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < lengthof(command_names); i++)
		if (commands & 1 << i)
			appendStringInfo(&text, "%s%s", text.len ? separator : "", command_names[i]);
	return text.data;
}

/* Is this byte of a value escaped?  Each such byte is a character, in each encoding. */
static bool
is_escaped(unsigned char c)
{
	return c <= ' ' || strchr("%=],\x7f", c) != NULL;
}

/*
 * Append the word "name=value", with special characters in the value escaped.
 */
void
cmig_rls_setup_word(StringInfo text, const char *name, const char *value)
{
	appendStringInfo(text, " %s=", name);
	for (const char *p = value; *p; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (is_escaped(c))
			appendStringInfo(text, "%%%02X", c);
		else
			appendStringInfoChar(text, *p);
	}
}

char *
cmig_rls_setup_write(const CmigRlsSetup *setup)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, SETUP_MARK);
	for (int i = 0; i < lengthof(words); i++)
	{
		const char *member = (const char *) setup + words[i].offset;
		const char *value = words[i].kind == TEXT ? *(char *const *) member :
		words[i].kind != COMMANDS ? (*(const bool *) member ? "on" : "off") :
		setup->commands != CMIG_RLS_ALL ? cmig_rls_commands_text(setup->commands, "+") : NULL;

		if ((words[i].kind == ON && strcmp(value, "off") == 0) ||
			(words[i].kind == OFF && strcmp(value, "on") == 0))
			value = NULL;
		if (value)
			cmig_rls_setup_word(&text, words[i].name, value);
	}
	foreach_ptr(CmigRlsDefault, was, setup->defaults)
	{
		cmig_rls_setup_word(&text, "default_of", was->column);
		if (was->expression)
			cmig_rls_setup_word(&text, "was", was->expression);
	}
	foreach_ptr(char, each, setup->granted)
		cmig_rls_setup_word(&text, "granted", each);
	appendStringInfoChar(&text, ']');
	return text.data;
}

/*
 * Returns the unescaped value that starts at *p and ends at a space or at the
 * closing bracket.  Only what cmig_rls_setup_word() escapes is unescaped,
 * because the table's owner can write other bytes, such as a part of a
 * character.
 */
static char *
read_word(const char **p)
{
	StringInfoData value;

	initStringInfo(&value);
	for (; **p && **p != ' ' && **p != ']'; (*p)++)
	{
		char		digits[3] = {0};
		unsigned long c = 0;

		if (**p == '%' && strspn(*p + 1, "0123456789ABCDEF") >= 2)
			c = strtoul(strncpy(digits, *p + 1, 2), NULL, 16);
		if (c > 0 && is_escaped((unsigned char) c))
			*p += 2;
		else
			c = (unsigned char) **p;
		appendStringInfoChar(&value, (char) c);
	}
	return value.data;
}

/* Parse a comment.  Returns NULL if enable_rls did not write it. */
static CmigRlsSetup *
read_setup(const char *comment)
{
	CmigRlsSetup *setup;
	const char *p = comment ? strstr(comment, SETUP_MARK " ") : NULL;

	if (p == NULL)
		return NULL;
	setup = palloc0(sizeof(CmigRlsSetup));
	setup->create_index = true;
	p += strlen(SETUP_MARK);
	while (*p == ' ')
	{
		const char *equal = strchr(++p, '=');
		char	   *name;
		char	   *value;

		if (equal == NULL)
			break;
		name = pnstrdup(p, equal - p);
		p = equal + 1;
		value = read_word(&p);
		if (strcmp(name, "default_of") == 0)
		{
			CmigRlsDefault *was = palloc0(sizeof(CmigRlsDefault));

			was->column = value;
			setup->defaults = lappend(setup->defaults, was);
		}
		else if (strcmp(name, "was") == 0 && setup->defaults != NIL)
			((CmigRlsDefault *) llast(setup->defaults))->expression = value;
		else if (strcmp(name, "granted") == 0)
			setup->granted = lappend(setup->granted, value);
		else
			for (int i = 0; i < lengthof(words); i++)
			{
				char	   *member = (char *) setup + words[i].offset;

				if (strcmp(name, words[i].name) != 0 || words[i].kind == COMMANDS)
					continue;
				if (words[i].kind == TEXT)
					*(char **) member = value;
				else
					*(bool *) member = strcmp(value, "on") == 0;
			}
	}
	return setup;
}

/* Returns the names as an array literal. */
char *
cmig_rls_array_text(const List *names)
{
	Datum	   *elements = palloc(sizeof(Datum) * (list_length(names) + 1));

	foreach_ptr(char, name, names)
		elements[foreach_current_index(name)] = CStringGetTextDatum(name);
	return OidOutputFunctionCall(F_ARRAY_OUT,
								 PointerGetDatum(construct_array(elements, list_length(names),
																 TEXTOID, -1, false,
																 TYPALIGN_INT)));
}

/*
 * Tables and policies
 */

/*
 * Why a relation cannot have policies, and what to do instead.  Tables of the
 * audit log can: policies may let tenants read their part of the log.
 */
static CmigQuery read_obstacle = {
	"SELECT CASE WHEN c.relpersistence = 't' THEN quote_ident(c.relname)"
	" ELSE v.name END, o.what, o.hint"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN"
	" LATERAL format('%I.%I', n.nspname, c.relname) v(name)"
	" CROSS JOIN LATERAL (VALUES"
	"  (c.relpersistence = 't', 'a temporary table', 'A temporary table needs no policies, because only its own session can access it.'),"
	"  (n.nspname ~ '^pg_' OR n.nspname = 'information_schema' OR c.oid < 16384, 'a system catalog', 'Specify a table of your own.'),"
	"  (n.nspname = 'cmig' OR (n.nspname = 'cmig_audit' AND c.relname !~ '^log'), 'part of pg_cmig',"
	"   'To grant privileges on it, use cmig.grant_access()'),"
	"  (c.relkind = 'v', 'a view', 'Enable row-level security on the underlying tables, and let the view read with its user''s privileges: ALTER VIEW '"
	"   || v.name || ' SET (security_invoker = true)'),"
	"  (c.relkind = 'm', 'a materialized view', 'Give the application a security_invoker view of the underlying tables instead,"
	" because the materialized view contains the rows that its owner saw.'),"
	"  (c.relkind = 'f', 'a foreign table', 'Enable row-level security on the foreign server, or give the application a view that filters.'),"
	"  (c.relkind NOT IN ('r', 'p'), 'not a table', 'Specify a table.')) o(holds, what, hint)"
	" WHERE c.oid = $1 AND o.holds LIMIT 1",
	{OIDOID}
};

/*
 * Raise an error unless the relation is a table that can have policies and the
 * current user owns it.
 */
void
cmig_rls_table_require(Oid relid)
{
	Oid			owner = cmig_rls_table_read(relid)->owner;
	char	  **obstacle = cmig_query_row(&read_obstacle, relid);

	if (obstacle)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("row-level security cannot be enabled on %s", obstacle[0]),
				 errdetail("It is %s.", obstacle[1]),
				 errhint("%s", obstacle[2])));
	if (!has_privs_of_role(GetUserId(), owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", get_rel_name(relid)),
				 errdetail("It belongs to role %s.", cmig_rls_role_text(owner)),
				 errhint("Call the function as that role.")));
}

/* Callback that reads a policy. */
static void
take_policy(const CmigRow *row, void *arg)
{
	List	  **policies = arg;
	CmigRlsPolicy *policy = palloc0(sizeof(CmigRlsPolicy));
	static const char letters[] = {ACL_SELECT_CHR, ACL_INSERT_CHR, ACL_UPDATE_CHR, ACL_DELETE_CHR,
	'\0'};
	const char *command;
	Datum	   *roles;
	int			count;

	policy->relid = DatumGetObjectId(cmig_query_datum(row, 1, OIDOID, NULL));
	policy->table = cmig_query_text(row, 2);
	policy->name = cmig_query_text(row, 3);
	policy->permissive = cmig_query_bool(row, 4, true);
	command = strchr(letters, *cmig_query_text(row, 5));
	policy->commands = command ? 1 << (command - letters) : CMIG_RLS_ALL;
	deconstruct_array(DatumGetArrayTypeP(cmig_query_datum(row, 6, OIDARRAYOID, NULL)), OIDOID,
					  sizeof(Oid), true,
					  TYPALIGN_INT, &roles, NULL, &count);
	for (int i = 0; i < count; i++)
		policy->roles = lappend_oid(policy->roles, DatumGetObjectId(roles[i]));
	policy->qual_text = cmig_query_text_or_null(row, 7);
	policy->check_text = cmig_query_text_or_null(row, 8);
	policy->comment = cmig_query_text_or_null(row, 9);
	policy->setup = read_setup(policy->comment);
	*policies = lappend(*policies, policy);
}

List *
cmig_rls_policies_read(Oid relid)
{
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	List	   *policies = NIL;

	cmig_query_each(&read_policies, values, NULL, take_policy, &policies);
	return policies;
}

CmigRlsTable *
cmig_rls_table_read(Oid relid)
{
	CmigRlsTable *table = palloc0(sizeof(CmigRlsTable));
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid),
				 errhint("Specify the table as 'schema.table'.")));
	form = (Form_pg_class) GETSTRUCT(tuple);
	table->relid = relid;
	table->owner = form->relowner;
	table->nspname = cmig_query_schema_name(form->relnamespace);
	table->relname = pstrdup(NameStr(form->relname));
	table->name = quote_qualified_identifier(table->nspname, table->relname);
	table->relkind = form->relkind;
	table->partition = form->relispartition;
	table->by_citus = cmig_citus_manages(relid);
	table->enabled = form->relrowsecurity;
	table->forced = form->relforcerowsecurity;
	ReleaseSysCache(tuple);

	table->columns = cmig_query_list(&read_columns, relid, CMIG_RLS_INDEX_MARK);
	foreach_ptr(CmigRlsColumn, column, table->columns)
	{
		Oid			type = getBaseType(atooid(column->type_oid));

		column->cast = type == VARCHAROID || type == TEXTOID ? "text" :
			type == UUIDOID || type == INT8OID || type == INT4OID ||
			type == INT2OID ? format_type_be(type) : NULL;
	}
	table->policies = cmig_rls_policies_read(relid);
	foreach_ptr(CmigRlsPolicy, policy, table->policies)
	{
		if (table->setup == NULL)
			table->setup = policy->setup;
	}
	return table;
}

/*
 * Returns the element whose first member is the name, or NULL if there is none or
 * the name is NULL.
 */
void *
cmig_rls_find(const List *list, const char *name)
{
	foreach_ptr(CmigValue, row, list)
	{
		if (name && strcmp(*row, name) == 0)
			return row;
	}
	return NULL;
}

char *
cmig_rls_role_text(Oid role)
{
	return OidIsValid(role) ? pstrdup(quote_identifier(GetUserNameFromId(role, false))) : "PUBLIC";
}

char *
cmig_rls_policy_drop(const CmigRlsPolicy *policy)
{
	return psprintf("DROP POLICY %s ON %s", quote_identifier(policy->name), policy->table);
}

/* Has the role one of the privileges on the table or on any of its columns? */
bool
cmig_rls_may(Oid relid, Oid role, AclMode mode)
{
	AclMode		on_columns = mode & ~ACL_DELETE;

	return pg_class_aclmask(relid, role, mode, ACLMASK_ANY) != 0 ||
		(on_columns && pg_attribute_aclcheck_all(relid, role, on_columns,
												 ACLMASK_ANY) == ACLCHECK_OK);
}

/* Is the SQL text, once parsed, equal to the node tree?  Two NULLs are equal. */
bool
cmig_rls_same_expression(Oid relid, const char *text, const char *tree)
{
	int			guc_level;
	Relation	relation;
	ParseState *pstate;
	ParseNamespaceItem *item;
	SelectStmt *select;
	Node	   *node;

	if (text == NULL || tree == NULL)
		return text == NULL && tree == NULL;

	/* convert the text to the tree that CREATE POLICY would store */
	guc_level = NewGUCNestLevel();
	cmig_settings_pin_search_path();
	relation = cmig_query_open(relid, AccessShareLock);
	pstate = make_parsestate(NULL);
	select = castNode(SelectStmt,
					  linitial_node(RawStmt,
									cmig_raw_parse(psprintf("SELECT (%s)", text),
												   RAW_PARSE_DEFAULT))->stmt);
	item = addRangeTableEntryForRelation(pstate, relation, AccessShareLock, NULL, false, false);
	addNSItemToQuery(pstate, item, false, true, true);
	node = transformWhereClause(pstate, linitial_node(ResTarget, select->targetList)->val,
								EXPR_KIND_POLICY, "POLICY");
	assign_expr_collations(pstate, node);
	free_parsestate(pstate);
	relation_close(relation, NoLock);
	AtEOXact_GUC(false, guc_level);
	return equal(node, stringToNode((char *) tree));
}
