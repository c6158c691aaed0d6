# Copyright (c) 2026, the pg_cmig developers

"""Calls that succeed in the database of world.sql, by signature.

fuzz.py exchanges an argument of them now and then, so that what stands behind
the checks of the other arguments is reached. FOLDER is a folder of revision files.
"""

ODD = """'app."Odd ""table''; --"'"""
ODD_COLUMN = "'Odd \"column'''"
FILE = "E'-- revision: %s\\n-- down_revision: %s\\n-- message: more\\n\\n-- cmig:upgrade\\nSELECT 1;\\n\\n-- cmig:downgrade\\nSELECT 2;\\n'"
MAPPING = """'{"table_name": "table_name", "operation": "op", "new_row": "new", "old_row": "old", "clock_at": "changed_at"}'"""
NOBODY = "'{regress_fuzz_nobody}'"
RLS = "regclass,text,text,text[],text[],boolean,boolean,text[],boolean,boolean,boolean,boolean,regclass,text,text,text"
AUDIT = "text[],text[],text[],text[],text,text[],boolean,integer,text,boolean,text"
TIMES = "timestamp with time zone,timestamp with time zone"

SMALL = """E'CREATE TABLE small.item (id bigint PRIMARY KEY, name text NOT NULL);\\nCREATE INDEX item_name ON small.item (name)'"""
NEW = """E'CREATE TABLE small.item (id bigint PRIMARY KEY, name text);\\nCREATE VIEW small.names AS SELECT name FROM small.item'"""

UP_TO_DATE = "DELETE FROM cmig.revision WHERE revision IN ('004_totals', '005_bad', 'tools')"

# What has to be done before, by function.
BEFORE = {
    "autogenerate(text,text,text,text,boolean,text,text[],text,text[],text,boolean,boolean,boolean,text[],boolean,boolean,text,text[],boolean,boolean)": UP_TO_DATE,
    "capture(text,text,text,boolean,text,text[],text,text[],text,boolean,boolean,boolean,text[],boolean,boolean,text[])": UP_TO_DATE,
    "require_schema(text,text[],text,boolean,boolean,boolean,text[],boolean,text,text[])": UP_TO_DATE,
    "require_user_id()": "SELECT cmig.set_context('u1', 't1')",
    "import_state(text,regclass)": "DELETE FROM cmig.version",
    "require_tenant_id()": "SELECT cmig.set_context('u1', 't1')",
    "audit_import(regclass,jsonb)": "DELETE FROM app.old_log WHERE table_name IS NULL OR changed_at IS NULL",
    "upgrade(bigint)": "DELETE FROM cmig.version WHERE revision = '003_search'",
    "downgrade(bigint)": "DELETE FROM cmig.version WHERE revision = '003_search'",
    "upgrade_stepwise(bigint,text)": "DELETE FROM cmig.version WHERE revision = '003_search'",
    "downgrade_stepwise(bigint,text)": "DELETE FROM cmig.version WHERE revision = '003_search'",
    "reset(text)": "DELETE FROM cmig.revision WHERE revision = '005_bad'; DELETE FROM cmig.version; DROP TABLE app.account, app.invoice; "
                   "UPDATE cmig.revision SET transactional = true, upgrade_sql = '' WHERE revision = '003_search'",
    "reset_stepwise(text,text)": "DELETE FROM cmig.revision WHERE revision = '005_bad'",
    "baseline(text,text,text,text,text[],boolean,boolean,boolean)": "DELETE FROM cmig.version; DELETE FROM cmig.revision",
}

GOOD = {
    "upgrade(bigint)": [{"target": "1"}],
    "downgrade(bigint)": [{"target": "-1"}],
    "upgrade_stepwise(bigint,text)": [{"target": "1"}],
    "downgrade_stepwise(bigint,text)": [{"target": "-1"}],
    "upgrade(text,text)": [{"target": "'tools'::text", "plan_checksum": "(SELECT min(plan_checksum) FROM cmig.plan('upgrade', 'tools'))"}],
    "upgrade(text[],text)": [{"targets": "'{tools}'::text[]", "plan_checksum": "(SELECT min(plan_checksum) FROM cmig.plan('upgrade', 'tools'))"}],
    "downgrade(text,text)": [{"target": "'billing@-1'::text", "plan_checksum": "(SELECT min(plan_checksum) FROM cmig.plan('downgrade', 'billing@-1'))"}],
    "dry_run(text,text,text,bigint,boolean)": [
        {"target": "'004_totals'"}, {"direction": "'downgrade'", "target": "'002'", "concurrently": "'skip'", "waiters": "true"}],
    "lint(text,boolean,boolean,bigint,boolean)": [{"target": "'004_totals'"}, {"target": "'004_totals'", "rehearse": "true"}],
    "workload_check(text,text[],text,jsonb)": [{"target": "'004_totals'", "queries": "'{SELECT * FROM app.plain WHERE id = $1}'", "stats": "(SELECT jsonb_agg(s) FROM cmig.stats_export() s)"}],
    "workload_save(text)": [{"name": "'all'"}],
    "lint_sql(text,boolean,boolean)": [
        {"script": "'ALTER TABLE app.plain ADD c int NOT NULL; CREATE INDEX ON app.plain (name); DROP TABLE app.child'"},
        {"script": "'UPDATE app.plain SET name = $$x$$; VACUUM app.plain'", "transactional": "false", "facts": "false"}],
    "verify(text,boolean)": [{"target": "'002'"}],
    "round_trip(text,boolean)": [{"revision": "'001'"}],
    "schema_sql(text,boolean,boolean,boolean)": [{"schemas": "'small'::text"}],
    "schema_sql(text[],boolean,boolean,boolean)": [{"schemas": "'{small,app}'", "owners": "true"}],
    "diff(text,text[],text,boolean,boolean,boolean,text[],boolean,text[],boolean)": [
        {"target_sql": NEW, "schemas": "'{small}'"}, {"target_sql": SMALL, "schemas": "'{small}'", "concurrently": "true"},
        {"target_sql": "cmig.schema_sql('{app}')", "schemas": "'{app}'"}],
    "diff_schemas(text,text,text,boolean,boolean,boolean,text[],boolean)": [{"from_schema": "'small'", "to_schema": "'smaller'"}],
    "autogenerate(text,text,text,text,boolean,text,text[],text,text[],text,boolean,boolean,boolean,text[],boolean,boolean,text,text[],boolean,boolean)": [
        {"message": "'m'", "target_sql": NEW, "schemas": "'{small}'", "head": "'003_invoices'"},
        {"message": "'m'", "target_sql": NEW, "schemas": "'{small}'", "head": "'003_search'", "store": "true", "revision": "'auto'"}],
    "require_schema(text,text[],text,boolean,boolean,boolean,text[],boolean,text,text[])": [{"target_sql": SMALL, "schemas": "'{small}'"}],
    "drift(text,text,boolean,boolean,boolean,text[],boolean,boolean,text[])": [{"schemas": "'small'::text"}],
    "drift(text[],text,boolean,boolean,boolean,text[],boolean,boolean,text[])": [{"schemas": "'{small}'"}],
    "capture(text,text,text,boolean,text,text[],text,text[],text,boolean,boolean,boolean,text[],boolean,boolean,text[])": [
        {"message": "'m'", "schemas": "'{small}'", "head": "'003_search'"}],
    "baseline(text,text,text,text,text[],boolean,boolean,boolean)": [{"message": "'m'", "schemas": "'{small}'"}],
    "squash(text,text,text,text,text[],boolean,boolean,boolean,text[])": [{"range": "'001:002'", "message": "'m'", "schemas": "'{app}'"}],
    "create_scope(text,text,text)": [
        {"scope": "'tenant_c'", "target": "'tools'"}, {"scope": """'Odd ""tenant'""", "target": "'base'"},
        {"scope": "'tenant_c'", "target": "'002'", "copy_of": "'tenant_a'"}],
    "rename_scope(text,text)": [{"scope": "'tenant_a'", "new_name": "'tenant_z'"}, {"scope": "'tenant_b'", "new_name": """'Odd ""name'"""}],
    "drop_scope(text,text)": [{"scope": "'tenant_a'", "confirm": "'tenant_a'"}],
    "upgrade_scopes(text,text,integer,integer,text[])": [{"pattern": "'tenant%'", "begin_with": "'{tenant_b}'"}, {"pattern": "'tenant%'", "target": "'002'"}, {"pattern": "'tenant%'", "target": "'tools'", "max_failures": "2"}, {"pattern": "'tenant%'", "first": "1"}],
    "downgrade_scopes(text,text,integer,integer,text[])": [{"pattern": "'tenant%'", "target": "'base'"}, {"pattern": "'tenant%'", "target": "'-1'", "max_failures": "2", "first": "1"}],
    "plan_scopes(text,text,text,text[])": [{"pattern": "'tenant%'", "target": "'002'", "begin_with": "'{tenant_b}'"}, {"direction": "'downgrade'", "pattern": "'tenant%'", "target": "'-1'"}],
    "scope_drift(boolean,boolean,boolean)": [{}, {"owners": "true", "comments": "false"}],
    "wait_for_replicas(interval,interval)": [{"lag": "'1 min'", "timeout": "'1 s'"}, {"timeout": "NULL"}],
    "set_protect(text)": [{"level": "'base'"}, {"level": "'off'"}],
    "set_option(text,text,name)": [{"name": "'cmig.lock_timeout'", "value": "'5s'"}, {"name": "'cmig.protect'", "value": "NULL"}],
    "set_ddl_policy(text,text[])": [{"policy": "'warn'"}, {"policy": "'off'"}],
    "allow_ddl(text)": [{"reason": "'a reason'"}],
    "import_files(text,text[],text[],jsonb)": [
        {"format": "'flyway'", "file_names": "'{V1__a.sql,V2__b.sql}'", "contents": "'{SELECT 1,SELECT 2}'"},
        {"format": "'goose'", "file_names": "'{1_a.sql}'", "contents": "ARRAY[E'-- +goose Up\\nSELECT 1;\\n-- +goose Down\\nSELECT 2;']"}],
    "import_state(text,regclass)": [{"tool": "'alembic'", "history_table": "'app.alembic_version'"}],
    "load_directory(text,boolean,boolean)": [{"path": "FOLDER"}],
    "upgrade(text)": [{"target": "'004_totals'"}, {"target": "'002'"}, {"target": "'tools'"}],
    "upgrade(text[])": [{"targets": "ARRAY['004_totals', 'tools']"}],
    "downgrade(text)": [{"target": "'001'"}, {"target": "'base'"}, {"target": "'billing@-1'"}],
    "reset(text)": [{"confirm": "current_database()"}],
    "stamp(text[],boolean)": [{"targets": "ARRAY['004_totals', 'tools']"}, {"targets": "ARRAY['002']", "purge": "true"}],
    "stamp(text,boolean)": [{"target": "'heads'"}, {"target": "'base'"}, {"target": "'002'", "purge": "true"}],
    "plan(text,text)": [{"direction": "'downgrade'", "target": "'base'::text"}, {"direction": "'upgrade'", "target": "'heads'::text"}],
    "plan(text,text[])": [{"direction": "'upgrade'", "targets": "ARRAY['tools', '004_totals']"}],
    "require(text)": [{"target": "'002'"}],
    "resolve(text)": [{"target": "'002'"}, {"target": "'billing@head'"}],
    "graph(text,text)": [{"range": "'001:heads'"}, {"format": "'mermaid'"}, {"format": "'dot'"}],
    "help(text)": [{"name": "'upgrade'"}],
    "export(text,text)": [{"revision": "'001'::text", "file_template": "'%(rev)s'"}],
    "show(text)": [{"target": "'002'"}],
    "history(text)": [{"range": "'001:heads'"}, {"range": "':003_search'"}],
    "script(text,text,text,boolean)": [
        {"direction": "'upgrade'", "target": "'base:004_totals'"}, {"direction": "'downgrade'", "target": "'003_invoices:base'"}],
    "load(text,boolean,boolean)": [
        {"script": FILE % ("more", "001")}, {"script": FILE % ("001", ""), "prune": "true", "accept_changes": "true"}],
    "create_revision(text,text,text,text,text,text,boolean,text,text[],boolean,text,\"any\")": [
        {"message": "'m'", "upgrade_sql": "'SELECT 1'", "head": "'005_bad'", "downgrade_sql": "'SELECT 2'", "branch_label": "'fresh'", "depends_on": "'{tools}'"},
        {"message": "'m'", "upgrade_sql": "'SELECT 1; SELECT 2'", "head": "'001'", "splice": "true", "verify_sql": "'SELECT true'", "revision": "'new'"}],
    "merge(text[],text,text,boolean,text)": [
        {"revisions": "'{004_totals,005_bad}'::text[]", "message": "'one'"}, {"revisions": "'{004_totals,tools,005_bad}'::text[]", "revision": "'m1'"}],
    "merge(text,text,text,boolean,text)": [{"revisions": "'{004_totals,005_bad}'::text", "message": "'one'"}],
    "draft(text,text,text,boolean,text,text[],boolean,text,text,\"any\")": [{"message": "'A draft'", "head": "'005_bad'", "file_template": "'%(rev)s_%(slug)s'", "precondition_sql": "'SELECT true'"}],
    "export(text[],text)": [{"revisions": "ARRAY['001', 'tools']"}],
    "repair(text)": [{"revision": "'001'"}],
    "remove_revision(text)": [{"revision": "'tools'"}, {"revision": "'005_bad'"}],
    "grant_access(name,text)": [
        {"role": "'regress_fuzz_nobody'", "level": "'reader'"}, {"role": "'regress_fuzz_nobody'", "level": "'migrator'"}],
    "revoke_access(name)": [{"role": "'regress_fuzz_migrator'"}],
    "upgrade_stepwise(text,text,text)": [{"target": "'003_search'", "in_doubt": "'again'"}, {"target": "'005_bad'"}, {"target": "'004_totals'"}],
    "upgrade_stepwise(text[],text,text)": [{"targets": "ARRAY['004_totals', 'tools']"}, {"targets": "ARRAY['003_search']", "in_doubt": "'again'"}],
    "downgrade_stepwise(text,text,text)": [{"target": "'base'::text"}, {"target": "'001'::text"}],
    "reset_stepwise(text,text)": [{"confirm": "current_database()"}],
    "backfill(regclass,text,text,integer,interval,interval)": [
        {"target": "'app.plain'", "set_sql": "$$name = name || 'x'$$", "where_sql": "'id > 3'", "batch_size": "5"},
        {"target": ODD, "set_sql": "'user_id = user_id'", "batch_size": "1"},
        {"target": "'app.two_keys'", "set_sql": "'user_id = NULL'", "batch_size": "2"}],
    "add_not_null(regclass,text)": [{"target": "'app.two_keys'", "column_name": "'user_id'"}, {"target": ODD, "column_name": ODD_COLUMN}],
    "add_check(regclass,text,text)": [
        {"target": "'app.plain'", "name": "'c1'", "condition": "'id > 0'"}, {"target": ODD, "name": "'c \" ''d'", "condition": "'true'"}],
    "add_foreign_key(regclass,text,regclass,text,text,text,text)": [
        {"target": "'app.child'", "columns": "'plain_id'::text", "referenced": "'app.plain'", "referenced_columns": "'id'::text", "name": "'f k'", "on_delete": "'CASCADE'"},
        {"target": "'app.plain'", "columns": "'id'::text", "referenced": ODD, "referenced_columns": ODD_COLUMN + "::text", "name": "'f \" k'"}],
    "add_foreign_key(regclass,text[],regclass,text[],text,text,text)": [
        {"target": "'app.two_keys'", "columns": "'{b,a}'::text[]", "referenced": "'app.two_keys'", "referenced_columns": "'{b,a}'::text[]"}],
    "add_unique(regclass,text,text)": [
        {"target": "'app.plain'", "columns": "'name'::text"}, {"target": ODD, "columns": "'user id'::text", "name": "'u '' \"'"}],
    "add_unique(regclass,text[],text)": [{"target": "'app.plain'", "columns": "'{name,amount}'::text[]"}],
    "enable_rls(%s)" % RLS: [
        {"target": "'app.plain'", "roles": NOBODY}, {"target": "'app.child'", "user_column": "'user_id'", "roles": NOBODY},
        {"target": ODD, "user_column": "'a.b'", "roles": NOBODY, "create_index": "true", "column_default": "true"},
        {"target": ODD, "user_column": "'user id'", "roles": NOBODY},
        {"target": "'app.plain'", "via": ODD, "via_key": ODD_COLUMN, "via_user": "'user_id'", "key_column": "'id'", "roles": NOBODY}],
    "enable_rls_schema(text,text,text,text[],text[],boolean,boolean,text[],boolean,boolean,boolean,boolean,regclass[])": [
        {"schema": "'app'", "user_column": "'user_id'", "roles": NOBODY}],
    "rls_script(%s)" % RLS: [{"target": "'app.plain'", "roles": NOBODY}, {"target": ODD, "user_column": "'user id'", "roles": NOBODY}],
    "disable_rls(regclass)": [{"target": "'app.guarded'"}],
    "rls_check(text)": [{"schema": "'app'"}],
    "rls_test(regclass,name,text,text,text,text)": [
        {"target": "'app.guarded'", "role": "'regress_fuzz_nobody'", "user_id": "'u1'::text", "tenant_id": "'t1'::text"}],
    "rls_test(regclass,name,text[],text[],text,text)": [
        {"target": "'app.guarded'", "role": "'regress_fuzz_nobody'", "user_ids": "'{u0,u1}'::text[]", "tenant_ids": "'{t0,t1}'::text[]"}],
    "enable_audit(regclass,%s)" % AUDIT: [
        {"target": "'app.plain'", "redact": "'{name}'", "hash": "'{amount}'"}, {"target": "'app.shapes'", "exclude": "'{raw,doc}'", "level": "'row'"},
        {"target": ODD, "exclude": "ARRAY['a.b', 'user id']", "image": "'changes'"}, {"target": "'app.parted'", "include": "'{v}'"}],
    "enable_audit_schema(text,text,%s)" % AUDIT: [{"schema": "'app'"}, {"schema": "'app'", "pattern": "'p%'", "redact": "'{user_id}'"}],
    "disable_audit(regclass)": [{"target": "'app.audited'"}, {"target": "'app.audited_shapes'"}],
    "audit_script(regclass,%s)" % AUDIT: [{"target": ODD, "redact": "ARRAY['user_id']"}],
    "audit_history(regclass,\"any\")": [{"target": "'app.audited'::regclass", "key": "1"}],
    "audit_history(text,text)": [{"target": "'app.audited'::text", "key": "'1'::text"}, {"target": "'app.parted'::text", "key": "'2'::text"}],
    "audit_history(text,\"any\")": [{"target": "'app.audited'::text", "key": "1"}],
    "audit_as_of(anyelement,timestamp with time zone)": [
        {"row_type": row, "at": "pg_catalog.now()"} for row in ("NULL::app.audited", "NULL::app.audited_shapes", "NULL::app.parted")],
    "audit_as_of(anyelement,timestamp with time zone,text)": [{"row_type": "NULL::app.audited", "at": "pg_catalog.now()", "key": "'1'::text"}],
    "audit_as_of(anyelement,timestamp with time zone,\"any\")": [{"row_type": "NULL::app.audited", "at": "pg_catalog.now()", "key": "1"}],
    "audit_diff(regclass,\"any\",%s)" % TIMES: [{"target": "'app.audited'::regclass", "key": "1", "from_time": "'2020-01-01'"}],
    "audit_diff(text,text,%s)" % TIMES: [{"target": "'app.audited'::text", "key": "'1'::text", "from_time": "'2020-01-01'", "to_time": "pg_catalog.now()"}],
    "audit_diff(text,\"any\",%s)" % TIMES: [{"target": "'app.audited'::text", "key": "1", "from_time": "'2020-01-01'"}],
    "audit_report(text,%s)" % TIMES: [{"target": "'app.audited'"}],
    "audit_transaction(text)": [{"transaction_id": "(SELECT max(transaction_id)::text FROM cmig_audit.log)"}],
    "audit_import(regclass,jsonb)": [{"source": "'app.old_log'", "mapping": MAPPING}],
    "audit_retain(interval,integer)": [{"keep": "'1 day'"}, {"keep": "'0'", "batch_rows": "1"}],
}
