/*
 * psql_table.c
 *	  What the script of cmig.script checks before it uses a version table that it has
 *	  found.
 *
 * Any role that can create a table in the schema could have made it before the first
 * script ran, and any role with the privilege TRIGGER could have put code on it, which
 * would run as the role that runs the script.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "move/internal.h"

/* May code of this role run as the current one? */
#define MAY_RUN(role) \
	"EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid " OP("=") " " role " AND" \
	" (r.rolsuper OR NOT me.rolsuper AND pg_catalog.pg_has_role(r.oid, 'USAGE')))"

/*
 * The lock conflicts with all that changes the table.  Its owner tells whether its rows
 * can be believed.  Nothing in it may be code, except in a domain of the current role.
 */
char *
cmig_psql_table_lock(const char *table, bool check)
{
	StringInfoData text;
	const char *name = quote_literal_cstr(table);

	initStringInfo(&text);
	appendStringInfo(&text, "\tLOCK TABLE %s IN EXCLUSIVE MODE;\n", table);
	if (!check)
		return text.data;
	appendStringInfo(&text,
					 "\tDECLARE\n"
					 "\t\tproblem CONSTANT pg_catalog.text[] := (WITH RECURSIVE type (id) AS (\n"
					 "\t\t\tSELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid"
					 " " OP("=") " pg_catalog.to_regclass(%s) AND a.attnum " OP(">") " 0\n"
					 "\t\t\tUNION SELECT t.typbasetype FROM type JOIN pg_catalog.pg_type t ON"
					 " t.oid " OP("=") " type.id AND t.typbasetype " OP("<>") " 0\n"
					 "\t\t) SELECT CASE\n"
					 "\t\t\tWHEN c.relkind " OP("<>") " 'r' OR EXISTS (SELECT FROM"
					 " pg_catalog.pg_inherits i WHERE c.oid " OP("=") " i.inhrelid OR c.oid "
					 OP("=") " i.inhparent)\n"
					 "\t\t\t\tTHEN ARRAY['is not a table on its own']\n"
					 "\t\t\tWHEN c.relowner " OP("<>") " d.datdba AND o.rolname " OP("<>")
					 " 'pg_database_owner' AND NOT " MAY_RUN("c.relowner") "\n"
					 "\t\t\t\tTHEN ARRAY[pg_catalog.format('belongs to role %%I', o.rolname),"
					 " pg_catalog.format('If its rows are right: ALTER TABLE %%s OWNER TO"
					 " %%I', %s, CURRENT_USER)]\n",
					 name, name);
	appendStringInfo(&text,
					 "\t\t\tWHEN EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE"
					 " a.attrelid " OP("=") " c.oid AND a.attnum " OP(">") " 0 AND NOT"
					 " a.attisdropped\n"
					 "\t\t\t\t\tAND (a.attname " OP("<>") " 'version_num' OR a.atthasdef))\n"
					 "\t\t\t\tTHEN ARRAY['has a default, or another column than version_num']\n"
					 "\t\t\tWHEN EXISTS (SELECT FROM type JOIN pg_catalog.pg_type t ON t.oid "
					 OP("=") " type.id WHERE t.oid " OP(">=") " 16384\n"
					 "\t\t\t\t\tAND (t.typtype " OP("<>") " 'd' OR NOT " MAY_RUN("t.typowner")
					 "))\n"
					 "\t\t\t\tTHEN ARRAY['has a column of a type of another role']\n"
					 "\t\t\tWHEN EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE"
					 " k.conrelid " OP("=") " c.oid AND NOT k.contype " OP("=") " ANY"
					 " (ARRAY['p', 'u', 'n']::pg_catalog.\"char\"[]))\n"
					 "\t\t\t\t\tOR EXISTS (SELECT FROM pg_catalog.pg_index x WHERE x.indrelid"
					 " " OP("=") " c.oid AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL))\n"
					 "\t\t\t\tTHEN ARRAY['has another constraint than its key, or an index"
					 " with an expression']\n"
					 "\t\t\tWHEN c.relrowsecurity OR EXISTS (SELECT FROM pg_catalog.pg_policy"
					 " p WHERE p.polrelid " OP("=") " c.oid) OR EXISTS (SELECT FROM"
					 " pg_catalog.pg_rewrite w WHERE w.ev_class " OP("=") " c.oid)\n"
					 "\t\t\t\tTHEN ARRAY['has a policy or a rule']\n"
					 "\t\t\tWHEN g.tgname IS NOT NULL\n"
					 "\t\t\t\tTHEN ARRAY[pg_catalog.format('has the trigger %%I', g.tgname),"
					 " CASE WHEN g.tgisinternal THEN NULL ELSE pg_catalog.format('DROP TRIGGER"
					 " %%I ON %%s', g.tgname, %s) END]\n"
					 "\t\t\tEND\n"
					 "\t\tFROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles o ON o.oid "
					 OP("=") " c.relowner JOIN pg_catalog.pg_database d ON d.datname " OP("=")
					 " pg_catalog.current_database()\n"
					 "\t\tJOIN pg_catalog.pg_roles me ON me.rolname " OP("=") " CURRENT_USER"
					 " LEFT JOIN pg_catalog.pg_trigger g ON g.tgrelid " OP("=") " c.oid\n"
					 "\t\tWHERE c.oid " OP("=") " pg_catalog.to_regclass(%s) LIMIT 1);\n"
					 "\tBEGIN\n"
					 "\t\tIF problem IS NOT NULL THEN\n"
					 "\t\t\tRAISE insufficient_privilege USING MESSAGE = pg_catalog.concat(%s,"
					 " problem[1]), DETAIL = pg_catalog.format('Code of others could run as"
					 " %%I, or skip revisions.', CURRENT_USER),\n"
					 "\t\t\t\tHINT = coalesce(problem[2], 'It needs only the column"
					 " version_num and a primary key. Or use another version_table.');\n"
					 "\t\tEND IF;\n"
					 "\tEND;\n",
					 name, name, quote_literal_cstr(psprintf("version table %s ", table)));
	return text.data;
}
