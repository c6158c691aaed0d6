/*
 * script.c
 *	  Generates a script that audits a table in a database without pg_cmig.
 *
 * The script creates the same log as pg_cmig, and a trigger in PL/pgSQL.  The
 * trigger function must be SECURITY DEFINER, because roles that write to the
 * table have no privileges on the log; its search_path is pinned.  If pg_cmig
 * is installed later, cmig.enable_audit() continues with the log and the
 * table's id.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "audit/internal.h"
#include "base/base.h"
#include "base/compat.h"

static const char function_text[] =
"CREATE OR REPLACE FUNCTION cmig_audit.write() RETURNS trigger\n"
"LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'\n"
"SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $write$\n"
"DECLARE\n"
"\t-- arguments: id; columns: key, listed, redacted; changes only, skip unchanged, query length;\n"
"\t-- numbers of the key, listed, and redacted columns in the table with the oid that follows; names\n"
"\t-- of its first columns; whether the listed columns are the only ones shown or are excluded\n"
"\tthis_table integer := TG_ARGV[0];\n"
"\tkey_columns text[] := TG_ARGV[1];\n"
"\tlisted text[] := TG_ARGV[2];\n"
"\tredacted text[] := TG_ARGV[3];\n"
"\taudited oid := TG_ARGV[10];\n"
"\texcluded text[];\n"
"\told_row jsonb;\n"
"\tnew_row jsonb;\n"
"\told_key jsonb;\n"
"\tnew_key jsonb;\n"
"\tchanged text[];\n"
"\tnew_id bigint;\n"
"BEGIN\n"
"\t-- to_jsonb() calls casts to json, and they would run with the privileges of this function's owner\n"
"\tIF EXISTS (SELECT FROM pg_cast c JOIN pg_proc p ON p.oid = c.castfunc JOIN pg_roles r ON r.oid = p.proowner\n"
"\t\tWHERE c.casttarget IN ('json'::regtype, 'jsonb'::regtype) AND NOT r.rolsuper AND r.rolname <> current_user\n"
"\t\t\tAND c.castsource IN (\n"
"\t\t\tWITH RECURSIVE used(type) AS (\n"
"\t\t\t\tSELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped\n"
"\t\t\t\tUNION\n"
"\t\t\t\tSELECT i.type FROM used u JOIN pg_type t ON t.oid = u.type, LATERAL (\n"
"\t\t\t\t\tVALUES (t.typelem), (t.typbasetype)\n"
"\t\t\t\t\tUNION ALL SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped\n"
"\t\t\t\t\t) i(type) WHERE i.type <> 0)\n"
"\t\t\tSELECT type FROM used)) THEN\n"
"\t\tRAISE EXCEPTION 'a type of table \"%\" has a cast to json that belongs to another role', TG_TABLE_NAME\n"
"\t\t\tUSING ERRCODE = 'insufficient_privilege', DETAIL = 'It would run with the privileges of ' || current_user || '.',\n"
"\t\t\tHINT = 'Drop the cast, or give its function to ' || current_user || '.';\n"
"\tEND IF;\n"
"\t-- in its own table a column has a number, whatever it is called now; a restored copy has other numbers\n"
"\tIF audited = TG_RELID OR audited IN (SELECT relid FROM pg_partition_ancestors(TG_RELID)) THEN\n"
"\t\tkey_columns := ARRAY(SELECT a.attname::text FROM unnest(TG_ARGV[7]::smallint[]) WITH ORDINALITY n(n, i)\n"
"\t\t\tJOIN pg_attribute a ON a.attrelid = audited AND a.attnum = n.n AND NOT a.attisdropped ORDER BY n.i);\n"
"\t\tlisted := ARRAY(SELECT a.attname::text FROM pg_attribute a\n"
"\t\t\tWHERE a.attrelid = audited AND a.attnum = ANY (TG_ARGV[8]::smallint[]) AND NOT a.attisdropped);\n"
"\t\tredacted := ARRAY(SELECT a.attname::text FROM pg_attribute a\n"
"\t\t\tWHERE a.attrelid = audited AND a.attnum = ANY (TG_ARGV[9]::smallint[]) AND NOT a.attisdropped);\n"
"\tEND IF;\n"
"\tIF cardinality(key_columns) <> cardinality(TG_ARGV[1]::text[]) OR cardinality(redacted) <> cardinality(TG_ARGV[3]::text[])\n"
"\t\tOR cardinality(listed) <> cardinality(TG_ARGV[2]::text[]) AND NOT TG_ARGV[12]::boolean\n"
"\t\tOR audited <> TG_RELID AND NOT EXISTS (SELECT FROM (SELECT TG_RELID UNION SELECT relid FROM pg_partition_ancestors(TG_RELID)) t(oid)\n"
"\t\t\tWHERE t.oid = audited OR TG_ARGV[11]::text[] = ARRAY(SELECT a.attname::text FROM pg_attribute a\n"
"\t\t\t\tWHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum LIMIT cardinality(TG_ARGV[11]::text[]))) THEN\n"
"\t\tRAISE EXCEPTION 'cannot tell which columns of table \"%\" are hidden in the audit log', TG_TABLE_NAME\n"
"\t\t\tUSING ERRCODE = 'object_not_in_prerequisite_state',\n"
"\t\t\tDETAIL = 'A column that the audit script names was dropped, or renamed in a copy of the table.',\n"
"\t\t\tHINT = 'Create a new script with cmig.audit_script() for the table, and run it.';\n"
"\tEND IF;\n"
"\texcluded := CASE WHEN NOT TG_ARGV[12]::boolean THEN listed ELSE ARRAY(SELECT a.attname::text FROM pg_attribute a\n"
"\t\tWHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped AND a.attname::text <> ALL (listed)) END;\n"
"\tIF TG_OP IN ('UPDATE', 'DELETE') THEN old_row := to_jsonb(OLD) - excluded; END IF;\n"
"\tIF TG_OP IN ('INSERT', 'UPDATE') THEN new_row := to_jsonb(NEW) - excluded; END IF;\n"
"\tIF TG_OP = 'UPDATE' THEN\n"
"\t\tSELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(new_row) n\n"
"\t\tWHERE n.value::text IS DISTINCT FROM (old_row -> n.key)::text;\n"
"\t\tIF changed = '{}' AND TG_ARGV[5]::boolean THEN RETURN NULL; END IF;\n"
"\tEND IF;\n"
"\tIF old_row IS NOT NULL THEN\n"
"\t\told_row := old_row || coalesce((SELECT jsonb_object_agg(c, '[redacted]') FROM unnest(redacted) c WHERE old_row -> c <> 'null'), '{}');\n"
"\t\told_key := CASE WHEN key_columns = '{}' THEN old_row ELSE (SELECT jsonb_object_agg(c, old_row -> c) FROM unnest(key_columns) c) END;\n"
"\tEND IF;\n"
"\tIF new_row IS NOT NULL THEN\n"
"\t\tnew_row := new_row || coalesce((SELECT jsonb_object_agg(c, '[redacted]') FROM unnest(redacted) c WHERE new_row -> c <> 'null'), '{}');\n"
"\t\tnew_key := CASE WHEN key_columns = '{}' THEN new_row ELSE (SELECT jsonb_object_agg(c, new_row -> c) FROM unnest(key_columns) c) END;\n"
"\tEND IF;\n"
"\tIF TG_OP = 'UPDATE' AND old_key::text = new_key::text THEN\n"
"\t\told_key := NULL;\n"
"\t\tIF TG_ARGV[4]::boolean THEN\n"
"\t\t\told_row := (SELECT jsonb_object_agg(c, old_row -> c) FROM unnest(changed) c);\n"
"\t\t\tnew_row := (SELECT jsonb_object_agg(c, new_row -> c) FROM unnest(changed) c);\n"
"\t\tEND IF;\n"
"\tELSIF TG_OP = 'DELETE' THEN\n"
"\t\tnew_key := old_key;\n"
"\t\told_key := NULL;\n"
"\tEND IF;\n"
"\tnew_id := nextval('cmig_audit.log_id_seq');\n"
"\tINSERT INTO cmig_audit.log (id, seq, transaction_id, transaction_at, clock_at, row_hash, old_hash,\n"
"\t\ttable_id, command_id, backend_pid, operation, schema_name, table_name, row_key, old_key,\n"
"\t\told_row, new_row, changed, user_id, tenant_id, role, session_role, application_name,\n"
"\t\tclient_address, reason, request_id, query)\n"
"\tVALUES (new_id, new_id, pg_current_xact_id(), now(), clock_timestamp(),\n"
"\t\t(this_table::bigint << 32) | coalesce(jsonb_hash_extended(new_key, 0) & 4294967295, 0),\n"
"\t\t(this_table::bigint << 32) | (jsonb_hash_extended(old_key, 0) & 4294967295),\n"
"\t\tthis_table, 0, pg_backend_pid(), TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME, new_key, old_key,\n"
"\t\told_row, new_row, changed, nullif(current_setting('app.current_user_id', true), ''),\n"
"\t\tnullif(current_setting('app.current_tenant_id', true), ''),\n"
"\t\tcoalesce(nullif(current_setting('role'), 'none'), session_user), session_user,\n"
"\t\tnullif(current_setting('application_name'), ''), inet_client_addr(),\n"
"\t\tnullif(current_setting('app.audit_reason', true), ''),\n"
"\t\tnullif(current_setting('app.request_id', true), ''),\n"
"\t\tCASE WHEN TG_ARGV[6]::integer > 0 THEN left(current_query(), TG_ARGV[6]::integer) END);\n"
"\tRETURN NULL;\n"
"END\n"
"$write$;\n"
"REVOKE ALL ON FUNCTION cmig_audit.write() FROM PUBLIC;\n";

/*
 * Raise an error if another role owns the schema cmig_audit or any object in
 * it.  The trigger function is SECURITY DEFINER, so objects that another role
 * created beforehand would be used with the privileges of the role that runs
 * the script.
 */
static const char owner_check[] =
"\tIF EXISTS (SELECT FROM (\n"
"\t\tSELECT n.nspowner AS owner FROM pg_namespace n WHERE n.nspname = 'cmig_audit'\n"
"\t\tUNION ALL SELECT p.proowner FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'cmig_audit'\n"
"\t\tUNION ALL SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace\n"
"\t\t\tWHERE n.nspname = 'cmig_audit' OR c.oid IN (SELECT t.relid FROM pg_partition_tree(to_regclass('cmig_audit.log')) t)\n"
"\t\t) o JOIN pg_roles r ON r.oid = o.owner WHERE r.rolname <> current_user AND NOT r.rolsuper) THEN\n"
"\t\tRAISE EXCEPTION 'schema cmig_audit or an object in it belongs to another role' USING ERRCODE = 'insufficient_privilege',\n"
"\t\t\tHINT = 'Drop the schema if it is not an audit log. Otherwise, run the script as its owner.';\n"
"\tEND IF;\n";

/* Returns the names as a string literal for an array, such as '{"a","b"}'. */
static char *
array_literal(const List *names)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	foreach(lc, names)
	{
		appendStringInfoString(&text, text.len == 1 ? "\"" : ",\"");
		for (const char *p = lfirst(lc); *p; p++)
		{
			if (*p == '"' || *p == '\\')
				appendStringInfoChar(&text, '\\');
			appendStringInfoChar(&text, *p);
		}
		appendStringInfoChar(&text, '"');
	}
	appendStringInfoChar(&text, '}');
	return quote_literal_cstr(text.data);
}

/* Convert a List of CmigAuditName to a List of char *. */
static List *
plain_names(const List *names)
{
	List	   *plain = NIL;
	ListCell   *lc;

	foreach(lc, names)
	{
		plain = lappend(plain, ((CmigAuditName *) lfirst(lc))->name);
	}
	return plain;
}

/*
 * If there is an include list, returns the columns that the log shows, so that
 * columns added later are not shown; otherwise, returns the columns that the
 * log does not show.  Virtual columns are not shown, because a trigger in
 * PL/pgSQL cannot see their values.
 */
static List *
listed_columns(Relation relation, const CmigAuditOptions *options, const List *key)
{
	List	   *names = NIL;
	TupleDesc	desc = RelationGetDescr(relation);

	for (int i = 0; i < desc->natts; i++)
	{
		char	   *column = NameStr(TupleDescAttr(desc, i)->attname);
		bool		shown = cmig_virtual_column_compat(relation, i + 1) == NULL &&
		!cmig_audit_options_has(options->exclude, column) &&
		(options->include == NIL || cmig_text_list_has(key, column) ||
		 cmig_audit_options_has(options->include, column) ||
		 cmig_audit_options_has(options->redact, column));

		if (!TupleDescAttr(desc, i)->attisdropped && shown == (options->include != NIL))
			names = lappend(names, pstrdup(column));
	}
	return names;
}

/* Append statements that create the log, unless it exists. */
static void
append_log(StringInfo text)
{
	appendStringInfoString(text, "-- Audit without pg_cmig. Run this script as the role that will own the log. The role must be allowed to create triggers on the table.\n");
	appendStringInfoString(text, "\nDO $make$\nBEGIN\n");
	appendStringInfoString(text, owner_check);
	appendStringInfoString(text, "\tIF to_regclass('cmig_audit.log') IS NOT NULL THEN\n"
						   "\t\t-- restoring a dump over the database sets the sequence back\n"
						   "\t\tPERFORM setval('cmig_audit.log_id_seq', l.id) FROM (SELECT max(id) AS id FROM cmig_audit.log WHERE id < 4611686018427387904) l\n"
						   "\t\tWHERE l.id > (SELECT last_value FROM cmig_audit.log_id_seq);\n"
						   "\t\tRETURN;\n\tEND IF;\n\tCREATE SCHEMA cmig_audit;\n");
	for (int i = 0; cmig_audit_log_statements[i]; i++)
		appendStringInfo(text, "\t%s;\n", cmig_audit_log_statements[i]);
	/* check for lz4 in the script, which may run on another server */
	appendStringInfoString(text, "\tIF EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)) THEN\n");
	for (int i = 0; cmig_audit_log_lz4_statements[i]; i++)
		appendStringInfo(text, "\t\t%s;\n", cmig_audit_log_lz4_statements[i]);
	appendStringInfoString(text, "\tEND IF;\nEND\n$make$;\n\n");
}

/*
 * Append statements that look up the attribute numbers of the columns whose
 * names are in a variable.  All of these columns must exist.
 */
static void
append_numbers(StringInfo body, const char *names, const char *numbers)
{
	appendStringInfo(body, "\t%s := ARRAY(SELECT a.attnum FROM unnest(%s) WITH ORDINALITY n(n, i)\n"
					 "\t\tJOIN pg_attribute a ON a.attrelid = audited AND a.attname = n.n AND NOT a.attisdropped ORDER BY n.i);\n"
					 "\tIF cardinality(%s) <> cardinality(%s) THEN\n"
					 "\t\tRAISE EXCEPTION 'table %% does not have all of the columns %%', audited::regclass, %s USING ERRCODE = 'undefined_column';\n"
					 "\tEND IF;\n",
					 numbers, names, numbers, names, names);
}

char *
cmig_audit_script_text(Relation relation, const CmigAuditOptions *options)
{
	static const char *const events[] = {"INSERT", "UPDATE", "DELETE"};
	char	   *table = quote_literal_cstr(quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
																	  RelationGetRelationName(relation)));
	List	   *key = cmig_audit_layout_key(relation);
	StringInfoData text;
	StringInfoData body;
	char	   *tag = "table";
	bool		first = true;

	/* a script has only one kind of trigger */
	if (options->hash)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("an audit script cannot hash columns"),
				 errdetail("The script would have to contain the key."),
				 errhint("Redact or exclude the columns.")));
	if (options->level == CMIG_AUDIT_LEVEL_STATEMENT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a script can create only row-level triggers")));
	initStringInfo(&text);
	append_log(&text);
	appendStringInfoString(&text, function_text);

	initStringInfo(&body);
	appendStringInfo(&body, "DECLARE\n\tthis_table integer;\n"
					 "\taudited oid := %s::regclass;\n"
					 "\tkey_columns text[] := %s;\n"
					 "\tlisted text[] := %s;\n"
					 "\tredacted text[] := %s;\n"
					 "\tkey_numbers smallint[];\n"
					 "\tlisted_numbers smallint[];\n"
					 "\tredacted_numbers smallint[];\n"
					 "\tfirst_columns text[];\n",
					 table, array_literal(key), array_literal(listed_columns(relation, options, key)),
					 array_literal(plain_names(options->redact)));
	/* check the owner again, because psql continues after an error */
	appendStringInfo(&body, "BEGIN\n%s", owner_check);
	/* find the table's id, or assign one */
	appendStringInfo(&body, "\tSELECT table_id INTO this_table FROM cmig_audit.layout WHERE relation = audited ORDER BY recorded_at DESC LIMIT 1;\n"
					 "\tIF this_table IS NULL THEN\n"
					 "\t\tLOOP\n"
					 "\t\t\tthis_table := nextval('cmig_audit.table_id_seq');\n"
					 "\t\t\tEXIT WHEN NOT EXISTS (SELECT FROM cmig_audit.layout l WHERE l.table_id = this_table)\n"
					 "\t\t\t\tAND NOT EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace\n"
					 "\t\t\t\t\tWHERE (n.nspname = 'cmig_audit' AND p.proname = 'write' OR n.nspname = 'cmig' AND p.proname = 'audit_trigger')\n"
					 "\t\t\t\t\t\tAND split_part(encode(t.tgargs, 'escape'), chr(92) || '000', 1) = this_table::text);\n"
					 "\t\tEND LOOP;\n"
					 "\t\tINSERT INTO cmig_audit.layout (table_id, relation, schema_name, table_name, columns, key_columns, key_kinds, owner, database)\n"
					 "\t\tSELECT this_table, c.oid, n.nspname, c.relname, (SELECT jsonb_object_agg(a.attname, a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), key_columns, %s,\n"
					 "\t\t\tpg_get_userbyid(c.relowner), (SELECT s.system_identifier FROM pg_control_system() s) || '/' || (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())\n"
					 "\t\tFROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = audited;\n"
					 "\tEND IF;\n",
					 array_literal(cmig_audit_layout_kinds(relation, key)));
	append_numbers(&body, "key_columns", "key_numbers");
	append_numbers(&body, "listed", "listed_numbers");
	append_numbers(&body, "redacted", "redacted_numbers");
	appendStringInfoString(&body, "\tfirst_columns := ARRAY(SELECT a.attname::text FROM pg_attribute a\n"
						   "\t\tWHERE a.attrelid = audited AND a.attnum > 0 AND NOT a.attisdropped\n"
						   "\t\t\tAND a.attnum <= (SELECT max(n) FROM unnest(key_numbers || listed_numbers || redacted_numbers) n) ORDER BY a.attnum);\n");
	if (options->operations & ~CMIG_AUDIT_TRUNCATE)
	{
		appendStringInfoString(&body, "\tEXECUTE format('CREATE OR REPLACE TRIGGER cmig_audit_row AFTER ");
		for (int i = 0; i < lengthof(events); i++)
		{
			if ((options->operations & (1 << i)) == 0)
				continue;
			appendStringInfo(&body, "%s%s", first ? "" : " OR ", events[i]);
			first = false;
		}
		appendStringInfo(&body, " ON %%s FOR EACH ROW EXECUTE FUNCTION cmig_audit.write(%%L, %%L, %%L, %%L, %%L, %%L, %%L, %%L, %%L, %%L, %%L, %%L, %%L)',\n"
						 "\t\taudited::regclass, this_table, key_columns, listed, redacted, '%s', '%s', '%d',\n"
						 "\t\tkey_numbers, listed_numbers, redacted_numbers, audited, first_columns, '%s');\n",
						 options->changes_only ? "true" : "false",
						 options->skip_unchanged ? "true" : "false", options->query_length,
						 options->include ? "true" : "false");
		if (options->replicated)
			appendStringInfoString(&body, "\tEXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER cmig_audit_row', audited::regclass);\n");
	}
	if (options->operations & CMIG_AUDIT_TRUNCATE)
		appendStringInfo(&body, "\tEXECUTE format('CREATE OR REPLACE TRIGGER cmig_audit_truncate AFTER TRUNCATE ON %%s FOR EACH STATEMENT EXECUTE FUNCTION cmig_audit.write(%%L, %%L, %%L, %%L, %%L, %%L, %%L, %%L, %%L, %%L, %%L, %%L, %%L)',\n"
						 "\t\taudited::regclass, this_table, '{}', '{}', '{}', 'false', 'true', '%d', '{}', '{}', '{}', audited, '{}', 'false');\n",
						 options->query_length);
	appendStringInfoString(&body, "END\n");

	/* choose a dollar-quoting tag that no name contains */
	while (strstr(body.data, psprintf("$%s$", tag)))
		tag = psprintf("%s_", tag);
	appendStringInfo(&text, "\nDO $%s$\n%s$%s$;\n", tag, body.data, tag);
	return text.data;
}
