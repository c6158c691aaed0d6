/*
 * kind_foreign.c
 *	  Foreign data wrappers, servers, user mappings, and foreign tables.
 *
 * A foreign table has no local data, so it is re-created unless only its
 * options, defaults, or constraints change.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

/*
 * SQL expression for options: "name 'value', other 'value'", sorted by name.
 * SQL null if there are none.
 */
#define OPTIONS_SQL(column) \
	"(SELECT string_agg(format('%I %L', v.option_name, v.option_value), ', ' ORDER BY v.option_name)" \
	" FROM pg_options_to_table(" column ") v)"

/*
 * Options
 */

/* Returns the end of the first option: a comma or the end of the string. */
static const char *
option_end(const char *text)
{
	char		quote = '\0';

	for (; *text != '\0' && (quote != '\0' || *text != ','); text++)
	{
		if (quote == '\0' && (*text == '"' || *text == '\''))
			quote = *text;
		else if (*text == quote)
			quote = '\0';
	}
	return text;
}

/* Returns the length of the option's name. */
static int
name_length(const char *option)
{
	const char *end = option;
	bool		quoted = false;

	for (; *end != '\0' && (quoted || *end != ' '); end++)
		if (*end == '"')
			quoted = !quoted;
	return end - option;
}

/* Returns the place of the option in "options", or NULL if it is not there. */
static const char *
find_option(const char *options, const char *name, int length)
{
	while (options != NULL && *options != '\0')
	{
		if (name_length(options) == length && strncmp(options, name, length) == 0)
			return options;
		options = option_end(options);
		options += strspn(options, ", ");
	}
	return NULL;
}

/*
 * Append "verb" and the option, after a comma if it is not the first change.
 */
static void
append_change(StringInfo buf, const char *verb, const char *option, int length)
{
	if (buf->len > 0)
		appendStringInfoString(buf, ", ");
	appendStringInfo(buf, "%s %.*s", verb, length, option);
}

/*
 * Returns the clause that changes one list of options to another: "ADD a 'x',
 * SET b 'y', DROP c".
 */
static char *
options_change(const char *from, const char *to)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *option = to; option != NULL && *option != '\0';)
	{
		const char *old = find_option(from, option, name_length(option));
		const char *end = option_end(option);
		int			length = end - option;

		if (old == NULL)
			append_change(&buf, "ADD", option, length);
		else if (option_end(old) - old != length || strncmp(old, option, length) != 0)
			append_change(&buf, "SET", option, length);
		option = end + strspn(end, ", ");
	}
	for (const char *option = from; option != NULL && *option != '\0';)
	{
		const char *end = option_end(option);

		if (find_option(to, option, name_length(option)) == NULL)
			append_change(&buf, "DROP", option, name_length(option));
		option = end + strspn(end, ", ");
	}
	return buf.data;
}

/* Add the statement that changes the options, if they differ. */
static void
alter_options(CmigAlter *alter, int property)
{
	const char *from = alter->from->values[property];
	const char *to = alter->to->values[property];

	if (cmig_alter_differs(alter, property))
		cmig_alter_action(alter, psprintf("OPTIONS (%s)", options_change(from, to)),
						  psprintf("OPTIONS (%s)", options_change(to, from)));
}

static char *
options_clause(const char *options)
{
	return options == NULL ? "" : psprintf(" OPTIONS (%s)", options);
}

/*
 * Foreign-data wrappers
 */

enum
{
	FUNCTIONS,
	OPTIONS
};

static const CmigProperty wrapper_properties[] = {
	[FUNCTIONS] = {"functions"},
	[OPTIONS] = {"options"},
};

static const char wrapper_sql[] =
"SELECT 'pg_foreign_data_wrapper'::regclass::oid, w.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" w.fdwname::text, quote_ident(w.fdwname), pg_get_userbyid(w.fdwowner)::text, false,"
" format(' %s %s', coalesce('HANDLER ' || nullif(w.fdwhandler, 0)::regproc::text, 'NO HANDLER'),"
"  coalesce('VALIDATOR ' || nullif(w.fdwvalidator, 0)::regproc::text, 'NO VALIDATOR')), " OPTIONS_SQL("w.fdwoptions")
" FROM pg_foreign_data_wrapper w WHERE w.oid >= 16384 AND w.fdwname !~ '^cmig_hidden_'";

static List *
create_wrapper(const CmigObject *wrapper)
{
	return cmig_ddl_append(NIL, psprintf("CREATE FOREIGN DATA WRAPPER %s%s%s", wrapper->identity,
										 wrapper->values[FUNCTIONS], options_clause(wrapper->values[OPTIONS])),
						   cmig_kind_drop(wrapper));
}

/*
 * Returns the statement that changes the wrapper's functions and options.  A
 * single statement must change both, because the new validator checks the
 * new options.
 */
static char *
wrapper_action(const CmigAlter *alter, const CmigObject *from, const CmigObject *to)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER FOREIGN DATA WRAPPER %s", to->identity);
	if (cmig_alter_differs(alter, FUNCTIONS))
		appendStringInfoString(&sql, to->values[FUNCTIONS]);
	if (cmig_alter_differs(alter, OPTIONS))
		appendStringInfo(&sql, " OPTIONS (%s)", options_change(from->values[OPTIONS], to->values[OPTIONS]));
	return sql.data;
}

static void
alter_wrapper(CmigAlter *alter)
{
	if (cmig_alter_differs(alter, FUNCTIONS) || cmig_alter_differs(alter, OPTIONS))
		cmig_alter_add(alter, wrapper_action(alter, alter->from, alter->to), wrapper_action(alter, alter->to, alter->from));
}

bool
cmig_wrapper_gets_validator(const CmigObject *from, const CmigObject *to)
{
	return strstr(from->values[FUNCTIONS], " NO VALIDATOR") != NULL && strstr(to->values[FUNCTIONS], " NO VALIDATOR") == NULL;
}

CmigKind	cmig_kind_foreign_data_wrapper = {
	.name = "foreign-data wrapper",.word = "FOREIGN DATA WRAPPER",.flags = CMIG_KIND_GLOBAL,
	CMIG_PROPERTIES(wrapper_properties),
	.sql = wrapper_sql,.create = create_wrapper,.alter = alter_wrapper
};

/*
 * Servers
 */

enum
{
	SERVER_TYPE,
	SERVER_VERSION,
	SERVER_WRAPPER,
	SERVER_OPTIONS
};

static const CmigProperty server_properties[] = {
	[SERVER_TYPE] = {"type"},
	[SERVER_VERSION] = {"version"},
	[SERVER_WRAPPER] = {"wrapper"},
	[SERVER_OPTIONS] = {"options"},
};

static const char server_sql[] =
"SELECT 'pg_foreign_server'::regclass::oid, s.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" s.srvname::text, quote_ident(s.srvname), pg_get_userbyid(s.srvowner)::text, false,"
" quote_literal(s.srvtype), quote_literal(s.srvversion), quote_ident(w.fdwname), " OPTIONS_SQL("s.srvoptions")
" FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw"
" WHERE s.oid >= 16384 AND s.srvname !~ '^cmig_hidden_'";

static List *
create_server(const CmigObject *server)
{
	char	   *const *values = server->values;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE SERVER %s", server->identity);
	if (values[SERVER_TYPE])
		appendStringInfo(&sql, " TYPE %s", values[SERVER_TYPE]);
	if (values[SERVER_VERSION])
		appendStringInfo(&sql, " VERSION %s", values[SERVER_VERSION]);
	appendStringInfo(&sql, " FOREIGN DATA WRAPPER %s%s", values[SERVER_WRAPPER], options_clause(values[SERVER_OPTIONS]));
	return cmig_ddl_append(NIL, sql.data, cmig_kind_drop(server));
}

static void
alter_server(CmigAlter *alter)
{
	const char *to = alter->to->values[SERVER_VERSION];
	const char *from = alter->from->values[SERVER_VERSION];

	if (cmig_alter_differs(alter, SERVER_TYPE) || cmig_alter_differs(alter, SERVER_WRAPPER))
		alter->again = true;
	if (cmig_alter_differs(alter, SERVER_VERSION))
		cmig_alter_action(alter, psprintf("VERSION %s", to ? to : "NULL"), psprintf("VERSION %s", from ? from : "NULL"));
	alter_options(alter, SERVER_OPTIONS);
}

CmigKind	cmig_kind_server = {
	.name = "server",.word = "SERVER",.grant_word = "FOREIGN SERVER",
	.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(server_properties),
	.sql = server_sql,.create = create_server,.alter = alter_server
};

/*
 * User mappings.  The options of a mapping are NULL if the current user is not
 * allowed to see them.
 */

static const CmigProperty mapping_properties[] = {
	{"options"},
};

static const char mapping_sql[] =
"SELECT 'pg_user_mapping'::regclass::oid, m.umid, 0, NULL::oid, NULL::oid, NULL::integer,"
" m.usename::text, format('FOR %s SERVER %I', CASE m.umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(m.usename) END, m.srvname),"
" NULL::text, false, " OPTIONS_SQL("m.umoptions")
" FROM pg_user_mappings m WHERE m.umid >= 16384 AND m.srvname !~ '^cmig_hidden_'";

static List *
create_mapping(const CmigObject *mapping)
{
	return cmig_ddl_append(NIL, psprintf("CREATE USER MAPPING %s%s", mapping->identity,
										 options_clause(mapping->values[0])),
						   cmig_kind_drop(mapping));
}

static void
alter_mapping(CmigAlter *alter)
{
	alter_options(alter, 0);
}

CmigKind	cmig_kind_user_mapping = {
	.name = "user mapping",.word = "USER MAPPING",
	.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(mapping_properties),
	.sql = mapping_sql,.create = create_mapping,.alter = alter_mapping
};

/*
 * Tables
 */

enum
{
	COLUMNS,
	INHERITS,
	TABLE_SERVER,
	TABLE_OPTIONS
};

static const CmigProperty table_properties[] = {
	[COLUMNS] = {"columns"},
	[INHERITS] = {"inherits"},
	[TABLE_SERVER] = {"server"},
	[TABLE_OPTIONS] = {"options"},
};

/*
 * Query for the foreign tables.  A partition is created with all columns, and
 * attached afterwards.
 */
static const char table_sql[] =
"SELECT 'pg_class'::regclass::oid, c.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" c.relname::text, format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner)::text, false,"
" (SELECT string_agg(concat(E'\\n\\t', quote_ident(a.attname), ' ', format_type(a.atttypid, a.atttypmod), ' OPTIONS (' || " OPTIONS_SQL("a.attfdwoptions") " || ')',"
"   (SELECT format(' COLLATE %I.%I', kn.nspname, k.collname) FROM pg_collation k JOIN pg_namespace kn ON kn.oid = k.collnamespace"
"    WHERE k.oid = a.attcollation AND a.attcollation <> t.typcollation),"
"   (SELECT format(' GENERATED ALWAYS AS (%s) STORED', pg_get_expr(e.adbin, e.adrelid)) FROM pg_attrdef e"
"    WHERE e.adrelid = a.attrelid AND e.adnum = a.attnum AND a.attgenerated <> ''),"
"   CASE WHEN a.attnotnull THEN ' NOT NULL' END), ',' ORDER BY a.attnum)"
"  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
"  AND (a.attislocal OR c.relispartition)),"
" (SELECT format(' INHERITS (%s)', string_agg(format('%I.%I', pn.nspname, p.relname), ', ' ORDER BY i.inhseqno))"
"  FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace"
"  WHERE i.inhrelid = c.oid AND NOT c.relispartition HAVING count(*) > 0),"
" quote_ident(s.srvname), " OPTIONS_SQL("f.ftoptions")
" FROM pg_foreign_table f JOIN pg_class c ON c.oid = f.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE c.relnamespace = ANY ($1)";

static List *
create_table(const CmigObject *table)
{
	char	   *const *values = table->values;

	return cmig_ddl_append(NIL, psprintf("CREATE FOREIGN TABLE %s (%s%s)%s SERVER %s%s", table->identity,
										 values[COLUMNS] ? values[COLUMNS] : "", values[COLUMNS] ? "\n" : "",
										 values[INHERITS] ? values[INHERITS] : "",
										 values[TABLE_SERVER], options_clause(values[TABLE_OPTIONS])),
						   cmig_kind_drop(table));
}

static void
alter_table(CmigAlter *alter)
{
	if (cmig_alter_differs(alter, COLUMNS) || cmig_alter_differs(alter, INHERITS) ||
		cmig_alter_differs(alter, TABLE_SERVER))
		alter->again = true;
	alter_options(alter, TABLE_OPTIONS);
}

CmigKind	cmig_kind_foreign_table = {
	.name = "foreign table",.word = "FOREIGN TABLE",.grant_word = "TABLE",.default_type = 'r',
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_RELATION,
	CMIG_PROPERTIES(table_properties),
	.sql = table_sql,.create = create_table,.alter = alter_table
};

/*
 * Columns of foreign tables.  They are separate objects, because they have
 * comments, privileges, defaults, and dependents.
 */

static const CmigProperty column_properties[] = {
	{"statistics target"},
};

static const char column_sql[] =
"SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::integer, 'pg_class'::regclass::oid, a.attrelid, 0,"
" a.attname::text, format('%I.%I.%I', n.nspname, c.relname, a.attname), NULL::text, false,"
" CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
" WHERE c.relnamespace = ANY ($1) AND c.relkind = 'f' ORDER BY a.attrelid, a.attnum";

static void
alter_column(CmigAlter *alter)
{
	char	   *column = psprintf("%s ALTER COLUMN %s", cmig_kind_reference(alter->to->parent), cmig_quote(alter->to->name));
	const char *to = alter->to->values[0];
	const char *from = alter->from->values[0];

	if (cmig_alter_differs(alter, 0))
		cmig_alter_add(alter, psprintf("ALTER %s SET STATISTICS %s", column, to ? to : "-1"),
					   psprintf("ALTER %s SET STATISTICS %s", column, from ? from : "-1"));
}

static List *
create_column(const CmigObject *column)
{
	return cmig_kind_complete(column, NIL, alter_column);
}

CmigKind	cmig_kind_foreign_column = {
	.name = "column of a foreign table",.word = "COLUMN",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_FOLDS | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(column_properties),
	.sql = column_sql,.create = create_column,.alter = alter_column
};
